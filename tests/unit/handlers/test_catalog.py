"""Publishing: columns only widen, readers move last and never back, and a run's failures are all told."""

import base64
import json
from datetime import UTC, datetime

import pytest

COLUMNS = [{"Name": "id", "Type": "string"}, {"Name": "total", "Type": "bigint"}]
EXPORT = {
    "source": "orders",
    "table": "orders",
    "export_id": "01",
    "export_date": "2026-01-02",
    "exported_to": "2026-01-02T03:00:00+00:00",
    "incremental": False,
    "location": "lake/orders/export_date=2026-01-02/run=01/",
    "schema_key": "state/orders/01/schema.json",
    "schema": {"columns": COLUMNS},
    "reconciled": {"items": 7},
}


@pytest.fixture
def glue(wire):
    """A catalog: the tables and partitions that it holds, in the order in which they came."""
    held = {"tables": {}, "partitions": {}, "order": []}

    def table(path, query, body):
        asked = json.loads(body)["TableInput"]
        held["tables"][asked["Name"]] = asked
        held["order"].append(asked["Name"])
        return 200, {}, b"{}"

    def get(path, query, body):
        found = held["tables"].get(json.loads(body)["Name"])
        if not found:
            return 400, {}, b'{"__type": "EntityNotFoundException", "message": "no"}'
        return 200, {}, json.dumps({"Table": found}).encode()

    def partition(path, query, body):
        asked = json.loads(body)["PartitionInput"]
        held["partitions"][asked["Values"][0]] = asked["StorageDescriptor"]["Location"]
        held["order"].append(asked["Values"][0])
        return 200, {}, b"{}"

    def put(path, query, body):
        held["order"].append(path)
        held["state"] = body.read() if hasattr(body, "read") else body
        return 200, {}, b""

    def state(path, query, body):
        if "state" in held:
            return 200, {}, held["state"]
        return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"

    wire.answers |= {
        "CreateTable": table,
        "GetTable": get,
        "CreatePartition": partition,
        "PutObject": put,
        "GetObject": state,
    }
    return held


@pytest.fixture
def app(load, wire, monkeypatch):
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")  # else bodies come in chunks
    wire.answers["PutMetricData"] = lambda path, query, body: (200, {}, b"")
    return load("catalog", PIPELINE="lake", DATABASE="shop", BUCKET="landing", CATALOG="registered")


def latest(glue):
    view = glue["tables"]["orders_latest"]["ViewOriginalText"]
    return json.loads(base64.b64decode(view.removeprefix("/* Presto View: ").removesuffix(" */")))


def test_readers_move_after_the_table_and_its_partition_are_there(app, glue, context):
    answer = app.handler({"step": "publish", "export": EXPORT}, context)
    assert glue["order"] == ["orders", "2026-01-02", "orders_latest", "/state/orders/current.json"]
    assert answer["tables"] == [
        {"table": "orders", "rows": 7, "exported_to": EXPORT["exported_to"], "moved": True}
    ]
    assert glue["partitions"] == {"2026-01-02": "s3://landing/lake/orders/export_date=2026-01-02/run=01/"}


def test_the_view_is_presto_sql_on_one_partition_with_its_columns_typed(app, glue, context):
    app.handler({"step": "publish", "export": EXPORT}, context)
    assert latest(glue) == {
        "originalSql": 'SELECT "id", "total" FROM "shop"."orders" WHERE "export_date" = \'2026-01-02\'',
        "catalog": "awsdatacatalog",
        "schema": "shop",
        "columns": [{"name": "id", "type": "varchar"}, {"name": "total", "type": "bigint"}],
    }


def test_an_older_export_gets_its_partition_and_moves_nobody_back(app, glue, context):
    app.handler({"step": "publish", "export": EXPORT}, context)
    older = EXPORT | {"export_date": "2026-01-01", "exported_to": "2026-01-01T03:00:00+00:00"}
    answer = app.handler({"step": "publish", "export": older}, context)
    assert (answer["tables"][0]["moved"], "2026-01-01" in glue["partitions"]) == (False, True)
    assert "2026-01-02" in latest(glue)["originalSql"]


def test_a_column_that_an_export_lacks_stays_and_a_new_one_comes_last(app, glue, context):
    app.handler({"step": "publish", "export": EXPORT}, context)
    changed = [{"Name": "note", "Type": "string"}, {"Name": "total", "Type": "decimal(38,2)"}]
    app.handler({"step": "publish", "export": EXPORT | {"schema": {"columns": changed}}}, context)
    assert glue["tables"]["orders"]["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": "string"},
        {"Name": "total", "Type": "decimal(38,2)"},
        {"Name": "note", "Type": "string"},
    ]


@pytest.mark.parametrize("kind", ["string", "double", "boolean", "array<bigint>"])
def test_a_column_that_would_become_another_kind_is_refused_and_readers_stay(app, glue, context, kind):
    app.handler({"step": "publish", "export": EXPORT}, context)
    before = latest(glue)
    columns = [{"Name": "total", "Type": kind}]
    with pytest.raises(Exception, match=r"orders\.total is published as bigint and exported as"):
        app.handler({"step": "publish", "export": EXPORT | {"schema": {"columns": columns}}}, context)
    assert latest(glue) == before


def test_rows_of_an_incremental_export_are_those_of_the_folded_snapshot(app, glue, context):
    export = EXPORT | {"incremental": True, "folded": {"rows": 40}}
    assert app.handler({"step": "publish", "export": export}, context)["tables"][0]["rows"] == 40


def test_the_tables_of_a_database_are_published_as_the_landing_describes_them(app, wire, glue, context):
    record = wire.answers["GetObject"]
    tables = [
        {"table": f"shop.{name}", "columns": COLUMNS, "location": f"raw/shop/1/shop/shop.{name}/", "rows": rows}
        for name, rows in (("orders", 7), ("order-lines", 0))
    ]

    def described(path, query, body):
        if path.endswith("/state/shop/1/tables.json"):
            return 200, {}, json.dumps({"tables": tables}).encode()
        return record(path, query, body)

    wire.answers["GetObject"] = described
    export = {key: EXPORT[key] for key in ("export_id", "export_date", "exported_to")}
    told = {"tables_key": "state/shop/1/tables.json", "tables": 2, "rows": 7}
    published = app.handler(
        {"step": "publish", "export": export | {"source": "shop", "described": told}}, context
    )
    assert [(table["table"], table["rows"]) for table in published["tables"]] == [
        ("shop_orders", 7),
        ("shop_order_lines", 0),
    ]


def test_a_report_names_every_source_that_failed_and_counts_every_one(app, wire, context):
    cause = json.dumps({"errorMessage": "a.json.gz has the md5 x", "errorType": "ExportError"})
    results = [
        [{"source": "orders", "error": {"Error": "ExportError", "Cause": cause}}],
        [
            {
                "source": "shop",
                "tables": [{"table": "shop_a", "rows": None, "exported_to": EXPORT["exported_to"]}],
            }
        ],
    ]
    with pytest.raises(
        Exception, match=r"1 of 2 sources failed\. orders: ExportError: a\.json\.gz has the md5 x"
    ):
        app.handler({"step": "report", "due": "2026-01-02T03:00:00+00:00", "results": results}, context)
    assert wire.calls["PutMetricData"] == 1


def test_a_report_hands_on_what_a_source_has_to_say_of_its_export(app, glue, context):
    told = app.handler({"step": "publish", "export": EXPORT | {"notice": "exported in full"}}, context)
    silent = app.handler({"step": "publish", "export": EXPORT | {"source": "shop", "notice": ""}}, context)
    answer = app.handler({"step": "report", "due": "2026-01-02", "results": [[told, silent]]}, context)
    assert answer == {
        "due": "2026-01-02",
        "published": ["orders", "orders"],
        "notices": {"orders": "exported in full"},
    }


def test_metrics_say_for_each_source_whether_it_failed_and_how_old_its_data_is(app):
    published = {"table": "orders", "rows": 7, "exported_to": "2026-01-02T03:00:00+00:00"}
    results = [{"source": "orders", "tables": [published]}, {"source": "shop", "error": {}}]
    found = app.publishing.metrics("lake", results, datetime(2026, 1, 2, 4, tzinfo=UTC))
    told = {
        (m["MetricName"], m["Dimensions"][1]["Value"], m["Dimensions"][1]["Name"]): m["Value"] for m in found
    }
    assert told == {
        ("Published", "orders", "Source"): 1,
        ("Failed", "orders", "Source"): 0,
        ("Age", "orders", "Table"): 3600,
        ("Rows", "orders", "Table"): 7,
        ("Published", "shop", "Source"): 0,
        ("Failed", "shop", "Source"): 1,
    }
