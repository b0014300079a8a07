"""A run's sources: steps that can be repeated."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.typed import fake
from tests.unit.pipelines.conftest import Wire

Context = SimpleNamespace
ORDERS = "arn:aws:dynamodb:us-east-1:111111111111:table/orders"
SNAPSHOT = "arn:aws:rds:us-east-1:111111111111:snapshot:rds:shop-2026-01-01-03-00"
SOURCES: list[dict[str, Any]] = [
    {
        "name": "orders",
        "kind": "dynamodb",
        "arn": ORDERS,
        "table": "orders",
        "mode": "incremental",
        "declared": {},
    },
    {"name": "shop", "kind": "rds_instance", "only": ["shop.products"], "snapshot": "latest-automated"},
    {"name": "big", "kind": "rds_cluster", "only": [], "snapshot": "event"},
]
DUE = "2026-01-02T03:00:00+00:00"
ITEM: dict[str, Any] = {"source": "shop", "of": SOURCES[1], "due": DUE, "attempt": 0, "snapshot_arn": ""}


@pytest.fixture
def app(load: Callable[..., ModuleType]) -> ModuleType:
    return load(
        "export_source",
        PIPELINE="lake",
        BUCKET="landing",
        BUCKET_OWNER="111111111111",
        KMS_KEY_ARN="arn:aws:kms:us-east-1:111111111111:key/1",
        EXPORT_ROLE_ARN="arn:aws:iam::111111111111:role/lake-rds",
    )


def xml(action: Any, inner: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>".encode()


def snapshots(path: Any, query: Any, body: Any):
    snapshot_xml = f"<DBSnapshot><DBSnapshotArn>{SNAPSHOT}</DBSnapshotArn><Status>available</Status>"
    snapshot_xml += "<SnapshotCreateTime>2026-01-01T03:00:00Z</SnapshotCreateTime></DBSnapshot>"
    return xml("DescribeDBSnapshots", f"<DBSnapshots>{snapshot_xml}</DBSnapshots>")


def refused(code: Any, message: str = "no"):
    answer = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return fake(lambda path, query, body: (400, {}, answer.encode()))


def tasks(status: Any, warning: str = ""):
    task = f"<ExportTask><Status>{status}</Status><FailureCause>no space</FailureCause>"
    task += f"<WarningMessage>{warning}</WarningMessage>" if warning else ""
    task += "<SnapshotTime>2026-01-01T03:00:00Z</SnapshotTime></ExportTask>"
    return fake(lambda path, query, body: xml("DescribeExportTasks", f"<ExportTasks>{task}</ExportTasks>"))


def test_the_schedule_starts_all_but_what_follows_events(app: ModuleType, context: Context):
    event = {"step": "plan", "scheduled_time": "2026-01-02T03:00:00Z", "sources": json.dumps(SOURCES)}
    plan = app.handler(event, context)
    assert [item["of"] for item in plan["dynamodb"] + plan["rds"]] == SOURCES[:2]
    assert {item["polls"] for item in plan["dynamodb"] + plan["rds"]} == {0}
    assert ([i["source"] for i in plan["dynamodb"]], [i["source"] for i in plan["rds"]]) == (
        ["orders"],
        ["shop"],
    )


@pytest.mark.parametrize(
    ("snapshot", "sources"),
    [
        ("rds:big-2026-01-01-03-00", ["big"]),
        ("rds:big-too-2026-01-01-03-00", []),
        ("rds:shop-2026-01-01-03-00", []),
    ],
)
def test_an_event_starts_the_source_whose_automated_snapshot_it_is(
    app: ModuleType, context: Context, snapshot: str, sources: list[Any]
):
    event = {
        "step": "plan",
        "scheduled_time": "2026-01-02T03:00:00Z",
        "only": snapshot,
        "snapshot_arn": "arn",
        "sources": json.dumps(SOURCES),
    }
    plan = app.handler(event, context)
    assert ([i["source"] for i in plan["rds"]], plan["dynamodb"]) == (sources, [])


def test_an_export_that_was_started_before_is_found_and_not_started_again(
    app: ModuleType, wire: Wire, context: Context
):
    wire.answers |= {"DescribeDBSnapshots": snapshots, "StartExportTask": refused("ExportTaskAlreadyExists")}
    wire.answers["DescribeExportTasks"] = tasks("IN_PROGRESS")
    answer = app.handler({"step": "start", "item": ITEM}, context)
    assert (answer["state"], wire.calls["StartExportTask"]) == ("RUNNING", 1)
    assert answer["export"]["snapshot_arn"] == SNAPSHOT


def named(member: Any, form: Any):
    """The value of a member of a request's form."""
    (value,) = re.findall(f"{member}=([^&]+)", form)
    return value


def test_an_identifier_of_an_export_that_failed_is_not_used_again(
    app: ModuleType, wire: Wire, context: Context
):
    names: list[Any] = []

    def begin(path: Any, query: Any, body: Any):
        text = body if isinstance(body, str) else body.decode()
        names.append(named("ExportTaskIdentifier", text))
        return (
            refused("ExportTaskAlreadyExists")(path, query, body)
            if len(names) == 1
            else xml("StartExportTask", "")
        )

    wire.answers |= {
        "DescribeDBSnapshots": snapshots,
        "StartExportTask": begin,
        "DescribeExportTasks": tasks("FAILED"),
    }
    answer = app.handler({"step": "start", "item": ITEM}, context)
    assert len(set(names)) == 2 and answer["export"]["identifier"] == names[1]


@pytest.mark.parametrize("code", ["ExportTaskLimitReachedFault", "ExportTaskLimitReached"])
def test_a_sixth_export_waits_ever_longer_rather_than_fails(
    app: ModuleType, wire: Wire, context: Context, code: str
):
    wire.answers |= {"DescribeDBSnapshots": snapshots, "StartExportTask": refused(code)}
    item = ITEM
    waits: list[Any] = []
    for _ in range(30):
        item = app.handler({"step": "start", "item": item}, context)
        assert item["state"] == "BUSY"
        waits.append(item["wait"])
    assert waits == sorted(waits) and (waits[0], waits[-1]) == (13, 600)
    # Once it has begun, its state is read again soon.
    wire.answers["StartExportTask"] = fake(lambda path, query, body: xml("StartExportTask", ""))
    begun = app.handler({"step": "start", "item": item}, context)
    assert (begun["state"], begun["polls"]) == ("RUNNING", 0)


@pytest.mark.parametrize("code", ["KMSKeyNotAccessibleFault", "SnapshotQuotaExceeded", "InvalidExportOnly"])
def test_what_no_waiting_mends_fails_whatever_its_message_says(
    app: ModuleType, wire: Wire, context: Context, code: str
):
    wire.answers |= {"DescribeDBSnapshots": snapshots}
    wire.answers["StartExportTask"] = refused(code, "the maximum grants of the key are exceeded; a limit")
    with pytest.raises(Exception, match="the maximum grants of the key"):
        app.handler({"step": "start", "item": ITEM}, context)


def test_a_failed_export_is_started_anew_twice_and_then_fails_with_its_reason(
    app: ModuleType, wire: Wire, context: Context
):
    wire.answers["DescribeExportTasks"] = tasks("FAILED")
    item: dict[str, Any] = ITEM | {"export": {"identifier": "shop-1", "snapshot_arn": SNAPSHOT}, "polls": 0}
    for attempt in (1, 2):
        item |= app.handler({"step": "status", "item": item}, context)
        assert (item["state"], item["attempt"], item["polls"]) == ("AGAIN", attempt, 0)
    with pytest.raises(Exception, match="the export of shop failed 3 times: no space"):
        app.handler({"step": "status", "item": item}, context)


def test_an_export_with_a_warning_fails_with_the_warning_and_one_without_is_done(
    app: ModuleType, wire: Wire, context: Context
):
    item: dict[str, Any] = ITEM | {"export": {"identifier": "shop-1", "snapshot_arn": SNAPSHOT}, "polls": 0}
    wire.answers["DescribeExportTasks"] = tasks("COMPLETE")
    done = app.handler({"step": "status", "item": item}, context)
    assert (done["state"], done["only"]) == ("DONE", ["shop.products"])
    assert done["tables_key"] == "state/shop/shop-1/tables.json"
    wire.answers["DescribeExportTasks"] = tasks("COMPLETE", "shop odd was skipped")
    with pytest.raises(Exception, match="shop-1 is complete with a warning: shop odd was skipped"):
        app.handler({"step": "status", "item": item}, context)


TABLE: dict[str, Any] = {"source": "orders", "of": SOURCES[0], "due": DUE, "attempt": 0, "snapshot_arn": ""}
PUBLISHED = {
    "exported_to": "2026-01-01T03:00:00+00:00",
    "schema_key": "state/orders/0/schema.json",
    "location": "lake/orders/export_date=2026-01-01/run=0/",
}


@pytest.fixture
def exports(wire: Wire) -> Wire:
    """A table of which a first export is published."""
    started = {"ExportDescription": {"ExportArn": f"{ORDERS}/export/01", "ExportStatus": "IN_PROGRESS"}}
    done = {
        "ExportStatus": "COMPLETED",
        "ItemCount": 3,
        "ExportManifest": "raw/orders/AWSDynamoDB/01/manifest",
    }
    key = {"AttributeName": "id", "KeyType": "HASH"}
    table = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "KeySchema": [key]}
    wire.answers |= {
        "GetObject": fake(lambda path, query, body: (200, {}, json.dumps(PUBLISHED).encode())),
        "ExportTableToPointInTime": fake(lambda path, query, body: (200, {}, json.dumps(started).encode())),
        "DescribeExport": fake(
            lambda path, query, body: (
                200,
                {},
                json.dumps({"ExportDescription": done}).encode(),
            )
        ),
        "DescribeTable": fake(lambda path, query, body: (200, {}, json.dumps({"Table": table}).encode())),
    }
    return wire


def test_a_table_whose_recovery_reaches_less_far_back_is_exported_anew_in_full_with_a_notice(
    app: ModuleType, exports: Wire, context: Context
):
    exports.fault("ExportTableToPointInTime", (400, "InvalidExportTimeException"))
    item = app.handler({"step": "start", "item": TABLE}, context)
    changes, everything = exports.sent("ExportTableToPointInTime")
    assert (changes["ExportType"], everything["ExportType"]) == ("INCREMENTAL_EXPORT", "FULL_EXPORT")
    assert everything["ExportTime"] == datetime.fromisoformat(DUE).timestamp()
    assert changes["ClientToken"] != everything["ClientToken"]
    assert (item["state"], item["export"]["since"], item["export"]["more"]) == ("RUNNING", None, False)
    done = app.handler({"step": "status", "item": item}, context)
    assert (done["incremental"], done["location"]) == (False, "lake/orders/export_date=2026-01-02/run=01/")
    assert done["published_key"] == PUBLISHED["schema_key"]  # its columns stay
    assert done["notice"].startswith(
        "exported in full, as recovery does not reach back to 2026-01-01T03:00:00+00:00"
    )


def test_a_window_that_recovery_reaches_is_exported_without_a_notice(
    app: ModuleType, exports: Wire, context: Context
):
    item = app.handler({"step": "start", "item": TABLE}, context)
    done = app.handler({"step": "status", "item": item}, context)
    assert (done["incremental"], done["notice"]) == (True, "")


def test_a_full_export_that_is_out_of_reach_fails(app: ModuleType, exports: Wire, context: Context):
    exports.fault("ExportTableToPointInTime", *[(400, "InvalidExportTimeException")] * 2)
    with pytest.raises(Exception, match="InvalidExportTimeException"):
        app.handler({"step": "start", "item": TABLE}, context)
    assert exports.calls["ExportTableToPointInTime"] == 2


MADE: dict[str, Any] = ITEM | {"of": SOURCES[1] | {"snapshot": "made-for-the-run"}}


def deleted(wire: Wire):
    return [named("DBSnapshotIdentifier", str(body)) for body in wire.bodies["DeleteDBSnapshot"]]


def test_a_snapshot_that_was_made_for_the_run_is_forgotten_with_it(
    app: ModuleType, wire: Wire, context: Context
):
    made: list[Any] = []

    def make(path: Any, query: Any, body: Any):
        made.append(named("DBSnapshotIdentifier", str(body)))
        return xml("CreateDBSnapshot", "<DBSnapshot><Status>creating</Status></DBSnapshot>")

    wire.answers |= {
        "DescribeDBSnapshots": refused("DBSnapshotNotFound"),
        "CreateDBSnapshot": make,
        "DeleteDBSnapshot": fake(lambda path, query, body: xml("DeleteDBSnapshot", "")),
        "DescribeExportTasks": tasks("COMPLETE"),
    }
    assert app.handler({"step": "start", "item": MADE}, context)["state"] == "BUSY"
    # Nothing was exported of it: the run has failed at its start.
    assert app.handler({"step": "forget", "item": MADE}, context) == {"forgotten": made[0]}
    item: dict[str, Any] = MADE | {"export": {"identifier": "shop-1", "snapshot_arn": SNAPSHOT}, "polls": 0}
    app.handler({"step": "status", "item": item}, context)
    assert deleted(wire) == made * 2


def test_a_snapshot_that_is_gone_already_is_forgotten_and_one_that_was_not_made_for_the_run_is_kept(
    app: ModuleType, wire: Wire, context: Context
):
    wire.answers["DeleteDBSnapshot"] = refused("DBSnapshotNotFound")
    assert app.handler({"step": "forget", "item": MADE}, context)["forgotten"].startswith("shop-2026")
    assert app.handler({"step": "forget", "item": ITEM}, context) == {"forgotten": None}
    assert wire.calls["DeleteDBSnapshot"] == 1


def test_status_is_polled_ever_less_often(app: ModuleType, wire: Wire, context: Context):
    wire.answers["DescribeExportTasks"] = tasks("IN_PROGRESS")
    item: dict[str, Any] = ITEM | {"export": {"identifier": "shop-1", "snapshot_arn": SNAPSHOT}, "polls": 0}
    waits: list[Any] = []
    for _ in range(30):
        item = app.handler({"step": "status", "item": item}, context)
        waits.append(item["wait"])
    assert waits == sorted(waits) and (waits[0], waits[-1]) == (13, 600)
