"""A run's sources: windows that tile time, identifiers that the service takes, and steps that can be repeated."""

import importlib
import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.shared.run_sources import RunSource

HANDLER = Path(__file__).resolve().parents[4] / "handlers" / "export_source"
ORDERS = "arn:aws:dynamodb:us-east-1:111111111111:table/orders"
SNAPSHOT = "arn:aws:rds:us-east-1:111111111111:snapshot:rds:shop-2026-01-01-03-00"
SOURCES = [
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
ITEM = {"source": "shop", "of": SOURCES[1], "due": DUE, "attempt": 0, "snapshot_arn": ""}


@pytest.fixture(scope="module", autouse=True)
def modules():
    """The handler's pure modules, as its folder is a bundle's root."""
    before = set(sys.modules)
    sys.path.insert(0, str(HANDLER))
    try:
        yield {name: importlib.import_module(name) for name in ("sources", "dynamodb_source", "rds_source")}
    finally:
        sys.path.remove(str(HANDLER))
        for name in set(sys.modules) - before:
            if getattr(sys.modules[name], "__file__", None) and str(HANDLER) in str(
                sys.modules[name].__file__
            ):
                del sys.modules[name]


@given(st.lists(st.integers(min_value=1, max_value=60 * 24 * 40), min_size=1, max_size=30))
def test_windows_tile_time_exactly_whatever_the_gaps_between_runs(modules, gaps):
    span, source = (
        modules["dynamodb_source"].span,
        RunSource("orders", "dynamodb", mode="incremental"),
    )
    due = datetime(2026, 1, 1, tzinfo=UTC)
    published = span(source, None, due)
    assert (published.since, published.until) == (None, due)
    for minutes in gaps:
        due += timedelta(minutes=minutes)
        while (window := span(source, {"exported_to": published.until.isoformat()}, due)) is not None:
            if window.since is None:  # too old to reach: all of the table, from which the next one begins
                assert due - published.until > timedelta(days=34)
            else:
                assert window.since == published.until
                assert timedelta(minutes=15) <= window.until - window.since <= timedelta(hours=24)
            assert window.until <= due
            published = window
            if not window.export("arn", "")["more"]:
                break
        assert due - published.until < timedelta(minutes=15)


@given(
    source=st.text(max_size=80), due=st.datetimes().map(lambda d: d.isoformat()), attempt=st.integers(0, 9)
)
def test_an_identifier_is_one_that_the_service_takes(modules, source, due, attempt):
    made = modules["rds_source"].identifier(source, due, attempt)
    assert re.fullmatch(r"[a-zA-Z](-?[a-zA-Z0-9])*", made) and len(made) <= 60


@given(
    st.lists(
        st.tuples(st.text(max_size=70), st.sampled_from([DUE, "2026-01-03T03:00:00"]), st.integers(0, 3)),
        unique=True,
    )
)
def test_no_two_exports_share_an_identifier(modules, exports):
    assert len({modules["rds_source"].identifier(*export) for export in exports}) == len(exports)


ELSEWHERE = [{"bucket": "other-landing"}, {"pipeline": "other-lake"}, {"kms_key_arn": ""}]


@pytest.mark.parametrize("other", ELSEWHERE)
@pytest.mark.parametrize("since", [None, datetime(2026, 1, 1, tzinfo=UTC)])
def test_another_pipelines_export_of_a_table_at_the_same_time_has_a_token_of_its_own(modules, other, since):
    tables, settings = modules["dynamodb_source"], settings_of(modules)
    source = RunSource("orders", "dynamodb", arn=ORDERS, table="orders")
    span = tables.Span(datetime(2026, 1, 2, tzinfo=UTC), since, datetime(2026, 1, 2, tzinfo=UTC))
    requests = [
        tables.request(source, span, 0, stack) for stack in (settings, settings, replace(settings, **other))
    ]
    assert requests[0] == requests[1] and requests[0]["ClientToken"] != requests[2]["ClientToken"]
    assert tables.request(source, span, 1, settings)["ClientToken"] != requests[0]["ClientToken"]


@pytest.mark.parametrize("other", ELSEWHERE[:2])
@pytest.mark.parametrize("name", ["shop", "a-database-whose-identifier-is-as-long-as-the-service-permits-it"])
def test_each_pipeline_makes_a_snapshot_of_its_own_that_its_role_may_make(modules, other, name):
    databases, settings = modules["rds_source"], settings_of(modules)
    source = RunSource(name, "rds_instance", snapshot="made-for-the-run")
    made = {databases.snapshot_name(source, DUE, stack) for stack in (settings, replace(settings, **other))}
    assert len(made) == 2
    # What the role is granted: arn:…:snapshot:<source>-*
    assert all(snapshot.startswith(f"{name}-2026") and len(snapshot) <= 255 for snapshot in made)


def settings_of(modules):
    return modules["sources"].Settings(
        pipeline="lake",
        bucket="landing",
        bucket_owner="111111111111",
        kms_key_arn="arn:aws:kms:us-east-1:111111111111:key/1",
        export_role_arn="",
    )


@pytest.fixture
def app(load):
    return load(
        "export_source",
        PIPELINE="lake",
        BUCKET="landing",
        BUCKET_OWNER="111111111111",
        KMS_KEY_ARN="arn:aws:kms:us-east-1:111111111111:key/1",
        EXPORT_ROLE_ARN="arn:aws:iam::111111111111:role/lake-rds",
    )


def xml(action, inner):
    return 200, {}, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>".encode()


def snapshots(path, query, body):
    snapshot_xml = f"<DBSnapshot><DBSnapshotArn>{SNAPSHOT}</DBSnapshotArn><Status>available</Status>"
    snapshot_xml += "<SnapshotCreateTime>2026-01-01T03:00:00Z</SnapshotCreateTime></DBSnapshot>"
    return xml("DescribeDBSnapshots", f"<DBSnapshots>{snapshot_xml}</DBSnapshots>")


def refused(code, message="no"):
    answer = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return lambda path, query, body: (400, {}, answer.encode())


def tasks(status, warning=""):
    task = f"<ExportTask><Status>{status}</Status><FailureCause>no space</FailureCause>"
    task += f"<WarningMessage>{warning}</WarningMessage>" if warning else ""
    task += "<SnapshotTime>2026-01-01T03:00:00Z</SnapshotTime></ExportTask>"
    return lambda path, query, body: xml("DescribeExportTasks", f"<ExportTasks>{task}</ExportTasks>")


def test_the_schedule_starts_all_but_what_follows_events(app, context):
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
def test_an_event_starts_the_source_whose_automated_snapshot_it_is(app, context, snapshot, sources):
    event = {
        "step": "plan",
        "scheduled_time": "2026-01-02T03:00:00Z",
        "only": snapshot,
        "snapshot_arn": "arn",
        "sources": json.dumps(SOURCES),
    }
    plan = app.handler(event, context)
    assert ([i["source"] for i in plan["rds"]], plan["dynamodb"]) == (sources, [])


def test_an_export_that_was_started_before_is_found_and_not_started_again(app, wire, context):
    wire.answers |= {"DescribeDBSnapshots": snapshots, "StartExportTask": refused("ExportTaskAlreadyExists")}
    wire.answers["DescribeExportTasks"] = tasks("IN_PROGRESS")
    answer = app.handler({"step": "start", "item": ITEM}, context)
    assert (answer["state"], wire.calls["StartExportTask"]) == ("RUNNING", 1)
    assert answer["export"]["snapshot_arn"] == SNAPSHOT


def named(member, form):
    """The value of a member of a request's form."""
    (value,) = re.findall(f"{member}=([^&]+)", form)
    return value


def test_an_identifier_of_an_export_that_failed_is_not_used_again(app, wire, context):
    names = []

    def begin(path, query, body):
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
def test_a_sixth_export_waits_ever_longer_rather_than_fails(app, wire, context, code):
    wire.answers |= {"DescribeDBSnapshots": snapshots, "StartExportTask": refused(code)}
    item, waits = ITEM, []
    for _ in range(30):
        item = app.handler({"step": "start", "item": item}, context)
        assert item["state"] == "BUSY"
        waits.append(item["wait"])
    assert waits == sorted(waits) and (waits[0], waits[-1]) == (13, 600)
    # Once it has begun, its state is read again soon.
    wire.answers["StartExportTask"] = lambda path, query, body: xml("StartExportTask", "")
    begun = app.handler({"step": "start", "item": item}, context)
    assert (begun["state"], begun["polls"]) == ("RUNNING", 0)


@pytest.mark.parametrize("code", ["KMSKeyNotAccessibleFault", "SnapshotQuotaExceeded", "InvalidExportOnly"])
def test_what_no_waiting_mends_fails_whatever_its_message_says(app, wire, context, code):
    wire.answers |= {"DescribeDBSnapshots": snapshots}
    wire.answers["StartExportTask"] = refused(code, "the maximum grants of the key are exceeded; a limit")
    with pytest.raises(Exception, match="the maximum grants of the key"):
        app.handler({"step": "start", "item": ITEM}, context)


def test_a_failed_export_is_started_anew_twice_and_then_fails_with_its_reason(app, wire, context):
    wire.answers["DescribeExportTasks"] = tasks("FAILED")
    item = ITEM | {"export": {"identifier": "shop-1", "snapshot_arn": SNAPSHOT}, "polls": 0}
    for attempt in (1, 2):
        item |= app.handler({"step": "status", "item": item}, context)
        assert (item["state"], item["attempt"], item["polls"]) == ("AGAIN", attempt, 0)
    with pytest.raises(Exception, match="the export of shop failed 3 times: no space"):
        app.handler({"step": "status", "item": item}, context)


def test_an_export_with_a_warning_fails_with_the_warning_and_one_without_is_done(app, wire, context):
    item = ITEM | {"export": {"identifier": "shop-1", "snapshot_arn": SNAPSHOT}, "polls": 0}
    wire.answers["DescribeExportTasks"] = tasks("COMPLETE")
    done = app.handler({"step": "status", "item": item}, context)
    assert (done["state"], done["only"]) == ("DONE", ["shop.products"])
    assert done["tables_key"] == "state/shop/shop-1/tables.json"
    wire.answers["DescribeExportTasks"] = tasks("COMPLETE", "shop odd was skipped")
    with pytest.raises(Exception, match="shop-1 is complete with a warning: shop odd was skipped"):
        app.handler({"step": "status", "item": item}, context)


@pytest.mark.parametrize("since", [None, "2026-01-01T03:00:00+00:00"])
def test_what_is_not_reconciled_yet_lies_outside_the_lake(modules, since):
    source = RunSource("orders", "dynamodb", table="orders")
    span = {"arn": f"{ORDERS}/export/01-a", "since": since, "until": DUE, "more": False}
    export = {"ItemCount": 1, "ExportManifest": "raw/orders/AWSDynamoDB/01-a/manifest-summary.json"}
    work = modules["dynamodb_source"].work(source, span, export, {"id": "S"}, None)
    assert work["output_prefix"] == "windows/orders/01-a/"
    assert work["location"] == "lake/orders/export_date=2026-01-02/run=01-a/"
    assert work["incremental"] is (since is not None)


TABLE = {"source": "orders", "of": SOURCES[0], "due": DUE, "attempt": 0, "snapshot_arn": ""}
PUBLISHED = {
    "exported_to": "2026-01-01T03:00:00+00:00",
    "schema_key": "state/orders/0/schema.json",
    "location": "lake/orders/export_date=2026-01-01/run=0/",
}


@pytest.fixture
def exports(wire):
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
        "GetObject": lambda path, query, body: (200, {}, json.dumps(PUBLISHED).encode()),
        "ExportTableToPointInTime": lambda path, query, body: (200, {}, json.dumps(started).encode()),
        "DescribeExport": lambda path, query, body: (
            200,
            {},
            json.dumps({"ExportDescription": done}).encode(),
        ),
        "DescribeTable": lambda path, query, body: (200, {}, json.dumps({"Table": table}).encode()),
    }
    return wire


def test_a_table_whose_recovery_reaches_less_far_back_is_exported_anew_in_full_with_a_notice(
    app, exports, context
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


def test_a_window_that_recovery_reaches_is_exported_without_a_notice(app, exports, context):
    item = app.handler({"step": "start", "item": TABLE}, context)
    done = app.handler({"step": "status", "item": item}, context)
    assert (done["incremental"], done["notice"]) == (True, "")


def test_a_full_export_that_is_out_of_reach_fails(app, exports, context):
    exports.fault("ExportTableToPointInTime", *[(400, "InvalidExportTimeException")] * 2)
    with pytest.raises(Exception, match="InvalidExportTimeException"):
        app.handler({"step": "start", "item": TABLE}, context)
    assert exports.calls["ExportTableToPointInTime"] == 2


MADE = ITEM | {"of": SOURCES[1] | {"snapshot": "made-for-the-run"}}


def deleted(wire):
    return [named("DBSnapshotIdentifier", str(body)) for body in wire.bodies["DeleteDBSnapshot"]]


def test_a_snapshot_that_was_made_for_the_run_is_forgotten_with_it(app, wire, context):
    made = []

    def make(path, query, body):
        made.append(named("DBSnapshotIdentifier", str(body)))
        return xml("CreateDBSnapshot", "<DBSnapshot><Status>creating</Status></DBSnapshot>")

    wire.answers |= {
        "DescribeDBSnapshots": refused("DBSnapshotNotFound"),
        "CreateDBSnapshot": make,
        "DeleteDBSnapshot": lambda path, query, body: xml("DeleteDBSnapshot", ""),
        "DescribeExportTasks": tasks("COMPLETE"),
    }
    assert app.handler({"step": "start", "item": MADE}, context)["state"] == "BUSY"
    # Nothing was exported of it: the run has failed at its start.
    assert app.handler({"step": "forget", "item": MADE}, context) == {"forgotten": made[0]}
    item = MADE | {"export": {"identifier": "shop-1", "snapshot_arn": SNAPSHOT}, "polls": 0}
    app.handler({"step": "status", "item": item}, context)
    assert deleted(wire) == made * 2


def test_a_snapshot_that_is_gone_already_is_forgotten_and_one_that_was_not_made_for_the_run_is_kept(
    app, wire, context
):
    wire.answers["DeleteDBSnapshot"] = refused("DBSnapshotNotFound")
    assert app.handler({"step": "forget", "item": MADE}, context)["forgotten"].startswith("shop-2026")
    assert app.handler({"step": "forget", "item": ITEM}, context) == {"forgotten": None}
    assert wire.calls["DeleteDBSnapshot"] == 1


def test_status_is_polled_ever_less_often(app, wire, context):
    wire.answers["DescribeExportTasks"] = tasks("IN_PROGRESS")
    item, waits = ITEM | {"export": {"identifier": "shop-1", "snapshot_arn": SNAPSHOT}, "polls": 0}, []
    for _ in range(30):
        item = app.handler({"step": "status", "item": item}, context)
        waits.append(item["wait"])
    assert waits == sorted(waits) and (waits[0], waits[-1]) == (13, 600)
