"""Publishing: columns only widen, readers move last and never back, and a run's failures are all reported."""

import base64
import json
from datetime import UTC, datetime

import pytest

COLUMNS = [{"Name": "id", "Type": "string"}, {"Name": "total", "Type": "decimal(38,0)"}]
EXPORT = {
    "source": "orders",
    "table": "orders",
    "export_id": "01",
    "export_date": "2026-01-02",
    "exported_to": "2026-01-02T03:00:00+00:00",
    "incremental": False,
    "location": "lake/orders/export_date=2026-01-02/run=01/",
    "schema_key": "state/orders/01/schema.json",
    "reconciled": {"items": 7, "rest": {"items": 2}},
}


@pytest.fixture
def glue(wire):
    """A catalog: the tables and partitions that it holds, in the order in which they came."""
    schema = json.dumps({"glue_columns": COLUMNS}).encode()
    catalog = {"tables": {}, "partitions": {}, "order": [], "state": {f"/{EXPORT['schema_key']}": schema}}

    def table(path, query, body):
        given = json.loads(body)["TableInput"]
        catalog["tables"][given["Name"]] = given
        catalog["order"].append(given["Name"])
        return 200, {}, b"{}"

    def get(path, query, body):
        found = catalog["tables"].get(json.loads(body)["Name"])
        if not found:
            return 400, {}, b'{"__type": "EntityNotFoundException", "message": "no"}'
        return 200, {}, json.dumps({"Table": found}).encode()

    def partition(path, query, body):
        given = json.loads(body)["PartitionInput"]
        catalog["partitions"][given["Values"][0]] = given["StorageDescriptor"]["Location"]
        catalog["order"].append(given["Values"][0])
        return 200, {}, b"{}"

    def put(path, query, body):
        catalog["order"].append(path)
        catalog["state"][path] = body.read() if hasattr(body, "read") else body
        return 200, {}, b""

    def state(path, query, body):
        if path in catalog["state"]:
            return 200, {"etag": f'"{len(catalog["state"][path])}"'}, catalog["state"][path]
        return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"

    wire.answers |= {
        "CreateTable": table,
        "GetTable": get,
        "CreatePartition": partition,
        "PutObject": put,
        "GetObject": state,
    }
    return catalog


@pytest.fixture
def app(load, wire, monkeypatch):
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")  # else bodies come in chunks
    wire.answers["PutMetricData"] = lambda path, query, body: (200, {}, b"")
    return load("catalog", PIPELINE="lake", DATABASE="shop", BUCKET="landing", CATALOG="registered")


def publish(app, context, export):
    """What a publication has written down of its tables."""
    answer = app.handler({"step": "publish", "export": export}, context)
    written = app.read(answer["published_key"])[0]
    assert answer == {
        "source": export["source"],
        "published_key": answer["published_key"],
        "tables": len(written["tables"]),
    }
    return written


def exported(glue, columns):
    """An export with these columns."""
    glue["state"]["/state/orders/02/schema.json"] = json.dumps({"glue_columns": columns}).encode()
    return EXPORT | {"schema_key": "state/orders/02/schema.json"}


def latest(glue):
    view = glue["tables"]["orders_latest"]["ViewOriginalText"]
    return json.loads(base64.b64decode(view.removeprefix("/* Presto View: ").removesuffix(" */")))


def test_readers_move_after_the_table_and_its_partition_are_there(app, glue, context):
    answer = publish(app, context, EXPORT)
    assert glue["order"] == [
        "orders",
        "2026-01-02",
        "orders_latest",
        "/state/orders/current.json",
        "/state/orders/01/published.json",
    ]
    assert answer["tables"] == [
        {"table": "orders", "rows": 7, "set_aside": 2, "exported_to": EXPORT["exported_to"], "moved": True}
    ]
    assert glue["partitions"] == {"2026-01-02": "s3://landing/lake/orders/export_date=2026-01-02/run=01/"}


def test_the_view_is_presto_sql_on_one_partition_with_its_columns_typed(app, glue, context):
    app.handler({"step": "publish", "export": EXPORT}, context)
    assert latest(glue) == {
        "originalSql": 'SELECT "id", "total" FROM "shop"."orders" WHERE "export_date" = \'2026-01-02\'',
        "catalog": "awsdatacatalog",
        "schema": "shop",
        "columns": [{"name": "id", "type": "varchar"}, {"name": "total", "type": "decimal(38,0)"}],
    }


def test_an_older_export_gets_its_partition_and_moves_nobody_back(app, glue, context):
    app.handler({"step": "publish", "export": EXPORT}, context)
    older = EXPORT | {"export_date": "2026-01-01", "exported_to": "2026-01-01T03:00:00+00:00"}
    answer = publish(app, context, older)
    assert (answer["tables"][0]["moved"], "2026-01-01" in glue["partitions"]) == (False, True)
    assert "2026-01-02" in latest(glue)["originalSql"]


def test_an_older_export_of_the_published_day_leaves_its_partition_where_readers_expect_it(
    app, glue, context
):
    app.handler({"step": "publish", "export": EXPORT}, context)
    older = {"exported_to": "2026-01-02T02:00:00+00:00", "location": "lake/orders/run=00/", "export_id": "00"}
    answer = publish(app, context, EXPORT | older)
    assert answer["tables"][0]["moved"] is False
    assert glue["partitions"] == {"2026-01-02": "s3://landing/lake/orders/export_date=2026-01-02/run=01/"}


def test_a_newer_export_of_the_published_day_takes_its_partition(app, glue, context):
    app.handler({"step": "publish", "export": EXPORT}, context)
    newer = {"exported_to": "2026-01-02T04:00:00+00:00", "location": "lake/orders/run=02/", "export_id": "02"}
    assert publish(app, context, EXPORT | newer)["tables"][0]["moved"] is True
    assert glue["partitions"] == {"2026-01-02": "s3://landing/lake/orders/run=02/"}


def shown(glue):
    """All that readers and later runs see."""
    return json.dumps(glue, default=bytes.decode)


@pytest.fixture
def described(wire, glue):
    """Finished exports of databases, with their descriptions in the landing."""
    landed, state = {}, wire.answers["GetObject"]
    wire.answers["GetObject"] = lambda path, query, body: (
        (200, {"etag": '"1"'}, json.dumps(landed[path]).encode())
        if path in landed
        else state(path, query, body)
    )

    def export(source, *tables, last=COLUMNS, at="2026-01-02T03:00:00+00:00", **others):
        key = f"state/{source}/{at[:10]}/tables.json"
        landed[f"/{key}"] = {"skipped": {}, "refused": {}} | others
        landed[f"/{key}"]["tables"] = [
            {
                "table": table,
                "columns": last if table == tables[-1] else COLUMNS,
                "location": f"raw/{source}/x/{table}/",
                "rows": 3,
            }
            for table in tables
        ]
        return {
            "source": source,
            "export_id": "x",
            "export_date": at[:10],
            "exported_to": at,
            "described": {"tables_key": key, "tables": len(tables), "rows": 3 * len(tables)},
        }

    return export


@pytest.mark.parametrize("catalog", ["registered", "crawler"])
def test_a_table_that_another_source_has_published_is_refused_and_its_readers_stay(
    app, glue, described, context, monkeypatch, catalog
):
    app.handler({"step": "publish", "export": described("shop-eu", "shop.products")}, context)
    before = shown(glue)
    monkeypatch.setattr(app, "registers", catalog == "registered")
    later = described("shop-us", "shop.products", at="2026-01-03T03:00:00+00:00")
    with pytest.raises(
        Exception, match=r"shop_products is published of shop-eu, and shop-us has a table of that name"
    ):
        app.handler({"step": "publish", "export": later}, context)
    assert shown(glue) == before


def test_a_record_that_tells_no_source_is_taken_over(app, glue, context):
    app.handler({"step": "publish", "export": EXPORT}, context)
    key = "/state/orders/current.json"
    record = json.loads(glue["state"][key])
    assert record.pop("source") == "orders"
    glue["state"][key] = json.dumps(record).encode()
    app.handler({"step": "publish", "export": EXPORT}, context)
    assert json.loads(glue["state"][key])["source"] == "orders"


def test_what_another_call_has_published_meanwhile_is_not_written_over(app, glue, context):
    conditions = []
    app.s3.meta.events.register(
        "provide-client-params.s3.PutObject",
        lambda params, **_: conditions.append((params.get("IfNoneMatch"), params.get("IfMatch"))),
    )
    app.handler({"step": "publish", "export": EXPORT}, context)
    size = len(glue["state"]["/state/orders/current.json"])
    app.handler({"step": "publish", "export": EXPORT}, context)
    assert [puts for puts in conditions if puts != (None, None)] == [("*", None), (None, f'"{size}"')]


def tables_of(answer):
    return [table["table"] for table in answer["tables"]]


@pytest.mark.parametrize(
    ("tables", "names"),
    [
        (("shop.a-b", "shop.a_b"), ("shop_a_b_a80cf879", "shop_a_b")),
        (("shop.注文", "shop.顧客"), ("shop__467d9480", "shop__5bff6964")),
        (("orders", "Orders"), ("orders", "orders_b7e8acdd")),
    ],
)
def test_tables_of_a_database_that_would_be_one_name_in_the_catalog_get_two(
    app, glue, described, context, tables, names
):
    answer = publish(app, context, described("shop", *tables))
    assert tables_of(answer) == list(names)
    assert {f"{name}_latest" for name in names} <= set(glue["tables"])


def test_a_table_called_as_anothers_view_gets_another_name(app, glue, described, context):
    answer = publish(app, context, described("shop", "shop.a", "shop.a_latest"))
    first, second = tables_of(answer)
    assert first == "shop_a" and second.startswith("shop_a_latest_")


def test_a_new_table_whose_view_would_be_called_as_a_published_table_gets_another_name(
    app, glue, described, context
):
    app.handler({"step": "publish", "export": described("shop", "shop.orders_latest")}, context)
    both = described("shop", "shop.orders", "shop.orders_latest", at="2026-01-03T03:00:00+00:00")
    new, old = tables_of(publish(app, context, both))
    assert (
        old == "shop_orders_latest" and new.startswith("shop_orders_") and f"{new}_latest" in glue["tables"]
    )


def test_a_name_once_given_stays_whatever_tables_come_and_go(app, glue, described, context):
    app.handler({"step": "publish", "export": described("shop", "public.Orders")}, context)
    both = described("shop", "public.Orders", "public.orders", at="2026-01-03T03:00:00+00:00")
    names = tables_of(publish(app, context, both))
    assert names[0] == "public_orders" and names[1].startswith("public_orders_")
    later = described("shop", "public.orders", at="2026-01-04T03:00:00+00:00")
    assert tables_of(publish(app, context, later)) == names[1:]


def test_a_name_that_the_config_gives_is_the_tables_and_nobody_elses(app, glue, described, context):
    chosen = {"catalog_names": {"public.Orders": "orders_of_old"}}
    export = described("shop", "public.Orders", "public.orders_of_old") | chosen
    assert tables_of(publish(app, context, export)) == [
        "orders_of_old",
        "public_orders_of_old",
    ]
    taken = described("shop", "public.more", at="2026-01-03T03:00:00+00:00")
    taken |= {"catalog_names": {"public.more": "orders_of_old"}}
    with pytest.raises(
        Exception, match=r"orders_of_old is published of public\.Orders, and public\.more of shop"
    ):
        app.handler({"step": "publish", "export": taken}, context)


def test_a_source_with_a_refused_table_has_its_others_published_and_fails_in_the_report(
    app, glue, described, wire, context
):
    export = described(
        "shop", "shop.a", skipped={"postgres": "no tables"}, refused={"shop.Odd": "ID beside id"}
    )
    answer = publish(app, context, export)
    assert tables_of(answer) == ["shop_a"] and "shop_a_latest" in glue["tables"]
    with pytest.raises(
        Exception, match=r"(?s)1 of 1 sources failed\. shop: TablesRefused: .*leave_out.*shop\.Odd: ID"
    ):
        app.handler({"step": "report", "due": "2026-01-02", "results": [[answer]]}, context)
    counted = {
        m["MetricName"]: m["Value"] for m in app.publishing.metrics("lake", [answer], datetime.now(UTC))
    }
    assert (counted["Published"], counted["Failed"], counted["Skipped"]) == (1, 1, 1)


def test_what_rds_skipped_is_a_notice_and_no_failure(app, glue, described, context):
    export = described("shop", "shop.a", skipped={"postgres": "no tables were found, database skipped"})
    answer = publish(app, context, export)
    assert answer["skipped"]
    report = app.handler({"step": "report", "due": "2026-01-02", "results": [[answer]]}, context)
    assert report["notices"] == {"shop": "RDS skipped postgres: no tables were found, database skipped"}


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ("shop.a", "shop.a_latest", "shop_a_latest is a view in the catalog"),
        ("shop.a_latest", "shop.a", "shop_a_latest, which is the view on shop_a, is a table in the catalog"),
    ],
)
def test_a_table_named_as_the_view_of_another_sources_table_is_refused(
    app, glue, described, context, first, second, says
):
    app.handler({"step": "publish", "export": described("shop-eu", first)}, context)
    before = shown(glue)
    with pytest.raises(Exception, match=says):
        app.handler({"step": "publish", "export": described("shop-us", second)}, context)
    assert shown(glue) == before


def test_one_table_that_cannot_be_published_leaves_the_readers_of_all_tables_of_its_source(
    app, glue, described, context
):
    app.handler({"step": "publish", "export": described("shop", "shop.a", "shop.b")}, context)
    before = shown(glue)
    text = [{"Name": "total", "Type": "string"}]
    later = described("shop", "shop.a", "shop.b", last=text, at="2026-01-03T03:00:00+00:00")
    with pytest.raises(
        Exception, match=r"shop_b\.total is published as decimal\(38,0\) and exported as string"
    ):
        app.handler({"step": "publish", "export": later}, context)
    assert shown(glue) == before


def test_a_column_that_an_export_lacks_stays_and_a_new_one_comes_last(app, glue, context):
    app.handler({"step": "publish", "export": EXPORT}, context)
    changed = [{"Name": "note", "Type": "string"}, {"Name": "total", "Type": "decimal(38,2)"}]
    app.handler({"step": "publish", "export": exported(glue, changed)}, context)
    assert glue["tables"]["orders"]["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": "string"},
        {"Name": "total", "Type": "decimal(38,2)"},
        {"Name": "note", "Type": "string"},
    ]


@pytest.mark.parametrize("kind", ["string", "double", "boolean", "bigint", "array<bigint>", "decimal(10,2)"])
def test_a_column_that_would_become_another_kind_is_refused_and_readers_stay(app, glue, context, kind):
    app.handler({"step": "publish", "export": EXPORT}, context)
    before = latest(glue)
    columns = [{"Name": "total", "Type": kind}]
    with pytest.raises(Exception, match=r"orders\.total is published as decimal\(38,0\) and exported as"):
        app.handler({"step": "publish", "export": exported(glue, columns)}, context)
    assert latest(glue) == before


def test_rows_of_an_incremental_export_are_those_of_the_folded_snapshot(app, glue, context):
    export = EXPORT | {"incremental": True, "folded": {"rows": 40}}
    assert publish(app, context, export)["tables"][0]["rows"] == 40


def test_the_tables_of_a_database_are_published_as_the_landing_describes_them(app, glue, described, context):
    export = described("shop", "shop.orders", "shop.order-lines")
    published = publish(app, context, export)
    assert [(table["table"], table["rows"]) for table in published["tables"]] == [
        ("shop_orders", 3),
        ("shop_order_lines", 3),
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


def test_a_report_hands_on_what_a_source_has_to_say_of_its_export(app, glue, described, context):
    noticed = app.handler({"step": "publish", "export": EXPORT | {"notice": "exported in full"}}, context)
    silent = app.handler({"step": "publish", "export": described("shop", "shop.b") | {"notice": ""}}, context)
    answer = app.handler({"step": "report", "due": "2026-01-02", "results": [[noticed, silent]]}, context)
    assert answer == {
        "due": "2026-01-02",
        "tables": 2,
        "published": ["orders", "shop_b"],
        "notices": {"orders": "exported in full"},
    }


def test_metrics_say_for_each_source_whether_it_failed_and_how_old_its_data_is(app):
    published = {"table": "orders", "rows": 7, "exported_to": "2026-01-02T03:00:00+00:00"}
    results = [{"source": "orders", "tables": [published]}, {"source": "shop", "error": {}}]
    found = app.publishing.metrics("lake", results, datetime(2026, 1, 2, 4, tzinfo=UTC))
    values = {
        (m["MetricName"], m["Dimensions"][1]["Value"], m["Dimensions"][1]["Name"]): m["Value"] for m in found
    }
    assert values == {
        ("Published", "orders", "Source"): 1,
        ("Failed", "orders", "Source"): 0,
        ("Age", "orders", "Table"): 3600,
        ("Rows", "orders", "Table"): 7,
        ("Skipped", "orders", "Source"): 0,
        ("Published", "shop", "Source"): 0,
        ("Failed", "shop", "Source"): 1,
    }


def test_what_a_report_and_a_publication_answer_fits_a_state_however_many_tables(
    app, glue, described, context
):
    tables = [f"shop.{'t' * 100}{number}" for number in range(300)]
    export = described("shop", *tables, skipped=dict.fromkeys(map(str, range(300)), "x" * 200))
    answer = app.handler({"step": "publish", "export": export}, context)
    assert answer["tables"] == 300 and len(json.dumps(answer)) < 200
    report = app.handler({"step": "report", "due": "2026-01-02", "results": [[answer] * 40]}, context)
    assert report["tables"] == 12_000 and len(json.dumps(report)) < 60_000  # of 262,144
    refused = described("shop", "shop.a", refused=dict.fromkeys(map(str, range(300)), "x" * 200))
    answer = app.handler({"step": "publish", "export": refused}, context)
    with pytest.raises(Exception) as error:
        app.handler({"step": "report", "due": "2026-01-02", "results": [[answer] * 40]}, context)
    assert len(str(error.value)) < 60_000


def test_values_that_no_column_holds_are_counted_and_reported(app, glue, context):
    conflict = "n is published as boolean: values (S) stand in _rest"
    published = publish(app, context, EXPORT | {"schema": {"conflicts": [conflict]}})
    counted = {
        m["MetricName"]: m["Value"] for m in app.publishing.metrics("lake", [published], datetime.now(UTC))
    }
    assert counted["SetAside"] == 2
    report = app.handler({"step": "report", "due": "2026-01-02", "results": [[published]]}, context)
    assert report["notices"] == {"orders": conflict}
