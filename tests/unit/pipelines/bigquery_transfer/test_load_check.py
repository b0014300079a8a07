"""The load check: which exports a load took, and what is published and raised."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.typed import fake
from tests.unit.pipelines.conftest import Wire

EVENT = {"scheduled_time": "2026-01-02T06:00:00Z"}
SETTINGS = {
    "TABLES": json.dumps(
        [
            {"table": name, "transfer": f"t/{name}", "prefix": f"raw/{name}/"}
            for name in ("orders", "customers")
        ]
        + [{"table": "products", "transfer": "t/products"}]
    ),
    "CHECKED_MINUTES_AFTER": "90",
    "RUN_WITHIN_MINUTES": "90",
    "BUCKET": "landing",
    "LOAD_TIME": "04:30",
    "PIPELINE": "shop-warehouse",
    "PROJECT": "shop",
    "DATASET": "shop",
    "LOCATION": "US",
    "AUDIENCE": "//iam.googleapis.com/provider",
    "SERVICE_ACCOUNT": "load-check@shop.iam.gserviceaccount.com",
}


OLD = {"updateTime": "2025-12-01T00:00:00Z", "nextRunTime": "2026-01-03T04:30:00Z"}


def run(at: Any, state: str = "SUCCEEDED"):
    return {"scheduleTime": at, "state": state}


@pytest.fixture
def app(load: Callable[..., ModuleType], wire: Wire, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    wire.answers["ListObjectsV2"] = listing
    wire.answers["GetObject"] = fake(
        lambda path, query, body: (200, {}, json.dumps({"itemCount": 7}).encode())
    )
    wire.answers["PutMetricData"] = fake(lambda path, query, body: (200, {}, b"{}"))
    app = load("load_check", **SETTINGS)
    monkeypatch.setattr(app.google, "runs", fake(lambda transfer: [run("2026-01-02T04:30:00Z")]))
    monkeypatch.setattr(app.google, "transfer", fake(lambda name: OLD))
    return app


def listing(path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
    folder = query["prefix"][0]
    written = {
        "new/manifest-summary.json": "2026-01-02T04:30:00Z",
        "new/data/a.json.gz": "2026-01-02T04:00:00Z",
        "new/manifest-files.json": "2026-01-02T04:00:00Z",
        "old/manifest-summary.json": "2026-01-01T04:30:00Z",
        "later/manifest-summary.json": "2026-01-02T04:30:01Z",
    }
    items = "".join(
        f"<Contents><Key>{folder}{key}</Key><LastModified>{at}</LastModified></Contents>"
        for key, at in written.items()
    )
    return 200, {}, f"<ListBucketResult>{items}</ListBucketResult>".encode()


def test_only_what_was_written_between_the_load_before_and_this_one_is_expected(
    app: ModuleType, wire: Wire, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    queries: list[Any] = []
    monkeypatch.setattr(app.google, "count", fake(lambda project, location, sql: queries.append(sql) or 6))
    answer = app.handler(EVENT, context)
    assert answer["tables"][0] == {
        "table": "orders",
        "state": "SUCCEEDED",
        "failed": 0,
        "load_date": "2026-01-02",
        "expected": 7,
        "loaded": 6,
        "difference": -1,
    }
    assert queries[0] == "SELECT COUNT(*) FROM `shop.shop.orders` WHERE _PARTITIONDATE = DATE '2026-01-02'"
    assert answer["tables"][2] == {"table": "products", "state": "SUCCEEDED", "failed": 0}
    assert wire.calls["PutMetricData"] == 2 + 2 + 1


@pytest.mark.parametrize(
    ("newest", "at", "taken"),
    [
        (False, "2026-01-02T05:00:00", ["b", "c"]),
        (True, "2026-01-02T05:00:00", ["c"]),
        (False, "2026-01-09T05:00:00", []),
        (True, "2026-01-09T05:00:00", ["d"]),
        (True, "2025-12-31T05:00:00", []),
    ],
)
def test_a_load_that_replaces_its_partition_has_the_last_export_whenever_that_was(
    app: ModuleType, newest: bool, at: str, taken: list[str]
):
    written = {
        "a": "2026-01-01T04:30:00Z", "b": "2026-01-01T12:00:00Z", "c": "2026-01-02T04:30:00Z",
        "d": "2026-01-02T05:00:01Z",
    }  # fmt: skip
    objects = [
        (f"raw/orders/AWSDynamoDB/{name}/manifest-{part}.json", datetime.fromisoformat(time))
        for name, time in written.items()
        for part in ("summary", "files")
    ]
    until = datetime.fromisoformat(at).replace(tzinfo=UTC)
    load = app.Load(until.date(), until - timedelta(days=1), until)
    keys = app.manifests_taken(reversed(objects), load, newest=newest)
    assert sorted(key.split("/")[3] for key in keys) == taken


def test_a_table_that_cannot_be_counted_is_named_after_the_others_are_published(
    app: ModuleType, wire: Wire, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    def count(project: Any, location: Any, sql: Any):
        if "orders" in sql:
            raise app.GoogleRefused("bigquery: 403")
        return 7

    monkeypatch.setattr(app.google, "count", count)
    with pytest.raises(app.LoadsNotChecked, match=r"^orders: bigquery: 403$"):
        app.handler(EVENT, context)
    assert wire.calls["PutMetricData"] == 1 + 2 + 1


@pytest.mark.parametrize(
    ("runs", "state"),
    [
        ([], "MISSING"),
        ([run("2026-01-02T04:29:59Z")], "MISSING"),  # of the load before
        ([run("2026-01-02T04:30:00Z", "FAILED")], "FAILED"),
        ([run("2026-01-02T04:30:00Z", "CANCELLED")], "CANCELLED"),
        ([run("2026-01-02T04:30:00Z", "RUNNING")], "RUNNING"),  # and not done in time
        ([run("2026-01-02T04:30:00Z", "FAILED"), run("2026-01-02T05:10:00.123456789Z")], "SUCCEEDED"),
        ([run("2026-01-02T05:10:00Z", "FAILED"), run("2026-01-02T04:30:00Z")], "FAILED"),
        ([run("2026-01-02T04:30:00Z", "FAILED"), run("2026-01-02T05:50:00Z", "PENDING")], "FAILED"),
        ([run("2026-01-02T05:50:00Z", "RUNNING")], "MISSING"),
    ],
)
def test_a_load_failed_unless_its_newest_run_since_it_was_due_succeeded(
    app: ModuleType, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, runs: list[Any], state: str
):
    published: list[Any] = []
    monkeypatch.setattr(app.google, "runs", fake(lambda transfer: runs))
    monkeypatch.setattr(app.google, "count", fake(lambda project, location, sql: 7))
    monkeypatch.setattr(
        app.cloudwatch, "put_metric_data", fake(lambda **call: published.extend(call["MetricData"]))
    )
    tables = app.handler(EVENT, context)["tables"]
    assert {table["state"] for table in tables} == {state}
    failed = {
        metric["Dimensions"][1]["Value"]: metric["Value"]
        for metric in published
        if metric["MetricName"] == "BigQueryLoadFailed"
    }
    assert failed == dict.fromkeys(("orders", "customers", "products"), int(state != "SUCCEEDED"))


@pytest.mark.parametrize(
    ("config", "failed"),
    [
        (OLD, 1),
        (OLD | {"updateTime": "2026-01-02T04:29:59Z"}, 1),
        (
            OLD | {"updateTime": "2026-01-02T04:30:00Z"},
            0,
        ),  # made or changed since the load would have been due
        (
            OLD | {"updateTime": "2026-01-02T05:00:00Z", "nextRunTime": "2026-01-02T05:30:00Z"},
            1,
        ),  # and due since
        (OLD | {"updateTime": "2026-01-02T05:00:00Z", "disabled": True}, 1),
        ({"updateTime": "2026-01-02T05:00:00Z"}, 1),  # never again
    ],
)
def test_no_run_is_a_failed_load_unless_the_transfer_is_new_and_its_time_to_come(
    app: ModuleType, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, config: Any, failed: int
):
    monkeypatch.setattr(app.google, "runs", fake(lambda transfer: []))
    monkeypatch.setattr(app.google, "transfer", fake(lambda name: config))
    monkeypatch.setattr(app.google, "count", fake(lambda project, location, sql: 7))
    tables = app.handler(EVENT, context)["tables"]
    assert {table["failed"] for table in tables} == {failed}


def test_a_transfer_whose_runs_are_refused_is_named_after_the_others_are_published(
    app: ModuleType, wire: Wire, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    def runs(transfer: Any):
        if transfer == "t/products":
            raise app.GoogleRefused("bigquerydatatransfer: 403")
        return [run("2026-01-02T04:30:00Z")]

    monkeypatch.setattr(app.google, "runs", runs)
    monkeypatch.setattr(app.google, "count", fake(lambda project, location, sql: 7))
    with pytest.raises(app.LoadsNotChecked, match=r"^products: bigquerydatatransfer: 403$"):
        app.handler(EVENT, context)
    assert wire.calls["PutMetricData"] == 2 + 2


def test_every_page_of_a_transfers_runs_is_read(
    load: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
):
    app = load("load_check", **SETTINGS)
    requests: list[Any] = []

    def ask(host: Any, path: Any, body: Any, token: str = ""):
        requests.append((host, path, body))
        return {"transferRuns": [len(requests)], "nextPageToken": "a b" if len(requests) == 1 else ""}

    monkeypatch.setattr(app.google, "access_token", lambda: "t")
    monkeypatch.setattr(app.google, "ask", ask)
    assert app.google.runs("projects/1/transferConfigs/t") == [1, 2]
    path = "/v1/projects/1/transferConfigs/t/runs?pageToken="
    assert requests == [("bigquerydatatransfer", path + page, None) for page in ("", "a%20b")]


def test_a_run_before_the_load_of_its_day_checks_the_day_before(app: ModuleType):
    load = app.due_load(app.planned({"scheduled_time": "2026-01-02T04:29:59Z"}), "04:30")
    assert (load.day.isoformat(), load.until) == ("2026-01-01", datetime(2026, 1, 1, 4, 30, tzinfo=UTC))
    assert (
        app.due_load(app.planned({"scheduled_time": "2026-01-02T05:30:00+01:00"}), "04:30").day.isoformat()
        == "2026-01-02"
    )


def test_a_load_of_copies_took_what_was_written_before_they_were_made(app: ModuleType):
    load = app.due_load(app.planned({"scheduled_time": "2026-01-02T06:00:00Z"}), "00:30", 90)
    assert load.day.isoformat() == "2026-01-02"
    assert (load.since, load.until) == (
        datetime(2025, 12, 31, 23, 0, tzinfo=UTC),
        datetime(2026, 1, 1, 23, 0, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"scheduled_time": "2026-01-01T06:00:00"},
        {"scheduled_time": "<aws.scheduler.scheduled-time>"},
        None,
    ],
)
def test_an_event_without_a_time_is_refused(
    app: ModuleType, context: SimpleNamespace, event: dict[str, Any] | None
):
    with pytest.raises(ValueError, match="scheduled_time is"):
        app.handler(event, context)


def test_the_access_token_is_kept_until_near_its_end(app: ModuleType, monkeypatch: pytest.MonkeyPatch):
    hosts: list[Any] = []

    def ask(host: Any, path: Any, body: Any, token: str = ""):
        hosts.append(host)
        return {"access_token": "f", "accessToken": "t", "expireTime": "2100-01-01T00:00:00Z"}

    monkeypatch.setattr(app.google, "ask", ask)
    assert [app.google.access_token(), app.google.access_token()] == ["t", "t"]
    assert hosts == ["sts", "iamcredentials"]
    app.google.until = 0.0
    app.google.access_token()
    assert hosts == ["sts", "iamcredentials"] * 2


@pytest.mark.parametrize("summary", ["no JSON", "[]", "{}", '{"itemCount": null}'])
def test_a_manifest_that_can_not_be_read_is_named_after_the_others_are_published(
    app: ModuleType, wire: Wire, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, summary: str
):
    monkeypatch.setattr(app.google, "count", fake(lambda project, location, sql: 7))
    good = json.dumps({"itemCount": 7})
    wire.answers["GetObject"] = fake(lambda path, query, body: (
        200, {}, (summary if "orders" in path else good).encode()
    ))  # fmt: skip
    with pytest.raises(Exception, match=r"orders: (JSONDecode|Type|Key|Value)Error") as raised:
        app.handler(EVENT, context)
    assert "customers" not in str(raised.value)
    assert wire.calls["PutMetricData"] == 1 + 2 + 1
