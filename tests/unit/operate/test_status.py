"""What `make status` says of a running stack, kind by kind, and of one in which something fails."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.stack import kinds
from operate import kinds as operated
from operate import row
from operate.__main__ import show
from operate.row import FAILING, LAST_DAY, NOTHING, PAUSED, RUNNING, UNREAD, TableStatus
from operate.status import status
from tests.unit.operate.fake_cloud import NOW, FakeCloud


def rows(cloud: FakeCloud) -> dict[tuple[str, str], TableStatus]:
    return {(each.pipeline, each.table): each for each in status(cloud)}


def test_each_table_of_each_kind_has_when_it_came_how_late_and_how_many_rows() -> None:
    shown = {key: (r.arrived_at, r.late_seconds, r.rows, r.state) for key, r in rows(FakeCloud()).items()}
    ticks_at = NOW + timedelta(minutes=5)
    assert shown == {
        ("shop-lake", "orders"): (NOW, 1200.0, 50_000, "ok"),
        ("shop-lake", "shop.products"): (NOW, 14_400.0, None, "ok"),
        ("plain", "returns"): (NOW, 540.0, 17, "ok"),
        ("shop-replica", "orders"): (NOW, 180.0, 40, "ok"),
        ("catalog-search", "products"): (NOW, 2.5, 3, "ok"),
        ("catalog-search", "reviews"): (None, None, None, NOTHING),
        ("stock-ticks", "ticks"): (ticks_at, 61.0, 12, "ok"),
        ("shop-warehouse", "shop.orders"): (datetime(2026, 3, 1, 9, 4, tzinfo=UTC), 240.0, 1200, "ok"),
    }
    assert rows(FakeCloud())["stock-ticks", "ticks"].counted == LAST_DAY


def test_each_kind_of_pipeline_has_a_status_and_its_switches() -> None:
    assert set(operated.KINDS) == set(kinds.KINDS)
    for kind in operated.KINDS.values():
        assert all(callable(getattr(kind, name)) for name in ("tables", "concerns", "switches", "run"))


def test_of_other_objects_than_exports_s3s_own_latency_is_shown() -> None:
    cloud = FakeCloud()
    for side in ("landing", "source"):
        cloud.pipelines["shop-replica"] = cloud.pipelines["shop-replica"] | {
            side: cloud.pipelines["shop-replica"][side] | {"layout": "objects"}
        }
    shown = rows(cloud)["shop-replica", "-"]
    assert (shown.late_seconds, shown.arrived_at, shown.state) == (12.0, NOW, "ok")
    assert {(s.account, s.operation) for s in cloud.sent if s.operation == "ListMetrics"} == {
        ("111111111111", "ListMetrics")
    }


def alarm(name: str, metric: str = "Failed", **of: str) -> dict[str, Any]:
    return {
        "AlarmName": f"tributary-prod-{name}", "StateValue": "ALARM",
        "AlarmDescription": f"{name} fires. Do this: make it",
        "StateTransitionedTimestamp": NOW, "MetricName": metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in of.items()],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("firing", "key"),
    [
        (alarm("shop-lake-orders-failed", Pipeline="shop-lake", Source="orders"), ("shop-lake", "orders")),
        # A database is a source of many tables.
        (alarm("shop-lake-shop-stale", Pipeline="shop-lake", Source="shop"), ("shop-lake", "shop.products")),
        (alarm("shop-lake-unstarted", QueueName="q"), ("shop-lake", "-")),
        (alarm("shop-replica-pending", DestinationBucket="replica"), ("shop-replica", "-")),
        (
            alarm("catalog-search-reviews-lag", "reviews.opensearch.x", PipelineName="tributary-prod-search"),
            ("catalog-search", "reviews"),
        ),
        (alarm("stock-ticks-throttled", StreamName="s"), ("stock-ticks", "ticks")),
        (
            alarm("shop-warehouse-shop.orders-short", Pipeline="shop-warehouse", Table="shop_orders"),
            ("shop-warehouse", "shop.orders"),
        ),
    ],
)
def test_an_alarm_that_rings_is_in_the_row_of_what_it_is_about_with_its_own_words(
    firing: dict[str, Any], key: tuple[str, str]
) -> None:
    cloud = FakeCloud()
    quiet = alarm("shop-lake-orders-stale", Pipeline="shop-lake", Source="orders") | {"StateValue": "OK"}
    cloud.alarms = [firing, quiet]
    shown = rows(cloud)
    assert {k for k, each in shown.items() if each.state == FAILING} == {key}
    assert {p.what for p in shown[key].problems} == {firing["AlarmDescription"]}
    assert {p.since for p in shown[key].problems} == {NOW}


def test_an_alarm_of_a_pipeline_whose_name_begins_alike_is_not_taken_for_this_ones() -> None:
    cloud = FakeCloud()
    cloud.pipelines["shop-lake-eu"] = cloud.pipelines["shop-lake"] | {
        "alarms": "tributary-prod-shop-lake-eu-"
    }
    cloud.alarms = [alarm("shop-lake-eu-orders-failed", Pipeline="shop-lake-eu", Source="orders")]
    failing = {key for key, each in rows(cloud).items() if each.state == FAILING}
    assert failing == {("shop-lake-eu", "orders")}


def test_a_run_that_failed_marks_the_sources_that_its_cause_names_and_says_how_to_start_it_again() -> None:
    cloud = FakeCloud()
    cloud.run = {"status": "FAILED", "cause": '[{"source": "shop", "error": "no snapshot"}]'}
    shown = rows(cloud)
    assert shown["shop-lake", "orders"].state == "ok" and shown["shop-lake", "shop.products"].state == FAILING
    [problem] = shown["shop-lake", "shop.products"].problems
    assert "no snapshot" in problem.what and "aws stepfunctions start-execution" in problem.what
    cloud.run = {"status": "TIMED_OUT"}
    assert {r.state for (p, _), r in rows(cloud).items() if p == "shop-lake"} == {FAILING}
    cloud.run = {"status": "RUNNING"}
    assert {r.state for (p, _), r in rows(cloud).items() if p == "shop-lake"} == {RUNNING}


def test_before_the_first_run_each_source_is_a_row_that_says_so() -> None:
    cloud = FakeCloud()
    cloud.run = None
    cloud.records = {}
    cloud.loads = []
    cloud.export = None
    cloud.metrics = {}
    shown = {key: each.state for key, each in rows(cloud).items()}
    assert shown.pop(("shop-replica", "orders")) == "ok"
    assert set(shown.values()) == {NOTHING} and ("shop-lake", "shop") in shown
    assert show(cloud, "table") == 0


def test_a_load_and_an_export_that_failed_keep_what_came_before_and_give_the_services_reason() -> None:
    cloud = FakeCloud()
    cloud.loads.append(
        {
            "name": "run-2",
            "state": "FAILED",
            "scheduleTime": "2026-03-02T09:00:00Z",
            "endTime": "2026-03-02T09:01:00Z",
            "errorStatus": {"message": "bad row"},
        }
    )  # type: ignore[dict-item]
    cloud.export = {"ExportStatus": "FAILED", "S3Bucket": "plain", "ExportTime": NOW, "EndTime": NOW,
                    "FailureCode": "S3NoSuchBucket", "FailureMessage": "gone"}  # fmt: skip
    shown = rows(cloud)
    load, export = shown["shop-warehouse", "shop.orders"], shown["plain", "returns"]
    assert load.state == export.state == FAILING and load.rows == 1200
    assert load.arrived_at == datetime(2026, 3, 1, 9, 4, tzinfo=UTC)
    assert "bad row" in load.problems[0].what and "S3NoSuchBucket: gone" in export.problems[0].what


def test_an_ingestion_pipeline_that_failed_is_failing_and_a_stopped_one_is_paused() -> None:
    cloud = FakeCloud()
    cloud.ingestion |= {"Status": "UPDATE_FAILED", "StatusReason": {"Description": "no subnet"}}
    assert "no subnet" in rows(cloud)["catalog-search", "products"].problems[0].what
    cloud.ingestion = {"Status": "STOPPED", "LastUpdatedAt": NOW}
    paused = rows(cloud)["catalog-search", "products"]
    assert (paused.state, paused.problems[0].since) == (PAUSED, NOW)


def test_what_can_t_be_read_is_a_row_that_says_so_and_the_rest_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud = FakeCloud()
    cloud.refused = {"DescribeAlarms"}
    shown = rows(cloud)
    assert shown["shop-lake", "orders"].rows == 50_000
    assert shown["shop-lake", "-"].state == UNREAD
    assert "Which alarms fire can't be read" in shown["shop-lake", "-"].problems[0].what
    assert show(cloud, "table") == 1
    assert "not authorized to perform DescribeAlarms" in capsys.readouterr().out


def test_the_table_and_the_json_have_the_same_rows(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = FakeCloud()
    cloud.alarms = [alarm("shop-lake-orders-failed", Pipeline="shop-lake", Source="orders")]
    assert show(cloud, "json") == 1
    listed = json.loads(capsys.readouterr().out)
    assert show(cloud, "table") == 1
    text = capsys.readouterr().out
    head, _, *lines = text.split("\n\n", maxsplit=1)[0].splitlines()
    assert head.split()[:3] == ["pipeline", "kind", "table"] and len(lines) == len(listed) == 8
    assert [line.split()[0] for line in lines] == [each["pipeline"] for each in listed]
    [orders] = [each for each in listed if each["table"] == "orders" and each["pipeline"] == "shop-lake"]
    assert orders == {
        "pipeline": "shop-lake", "kind": "export", "table": "orders", "arrived_at": "2026-03-01T16:30:00Z",
        "late_seconds": 1200.0, "rows": 50_000, "counted": "in all", "state": "failing",
        "problems": [{"what": "shop-lake-orders-failed fires. Do this: make it", "since": "2026-03-01T16:30:00Z",
                      "alarm": "tributary-prod-shop-lake-orders-failed"}],
    }  # fmt: skip
    assert "shop-lake orders: tributary-prod-shop-lake-orders-failed since 2026-03-01 16:30" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.4, "0 s"), (119, "119 s"), (1200, "20 min"), (14_400, "4 h"), (200_000, "2 d")],
)
def test_a_duration_is_in_the_largest_unit_of_which_there_are_two(seconds: float | None, text: str) -> None:
    assert row.duration(seconds) == text
