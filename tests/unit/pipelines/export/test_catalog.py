"""Publishing: columns only widen, readers move last and never back, and a run's failures are all reported."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.unit.pipelines.conftest import Wire
from tests.unit.pipelines.export.catalogued import COLUMNS, EXPORT, latest, publish, shown, tables_of


def test_readers_move_after_the_table_and_its_partition_are_there(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    answer = publish(app, context, EXPORT)
    assert glue["order"] == [
        "orders",
        "2026-01-02",
        "orders_latest",
        "/state/orders/current.json",
        "/state/orders/01/published.json",
    ]
    assert answer["tables"] == [
        {
            "table": "orders",
            "rows": 7,
            "set_aside": 2,
            "exported_to": EXPORT["exported_to"],
            "moved": True,
            "snapshot": None,
            "written": None,
        }
    ]
    assert glue["partitions"] == {"2026-01-02": "s3://landing/lake/orders/export_date=2026-01-02/run=01/"}


def test_an_older_export_gets_its_partition_and_moves_nobody_back(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    app.handler({"step": "publish", "export": EXPORT}, context)
    older: dict[str, Any] = EXPORT | {"export_date": "2026-01-01", "exported_to": "2026-01-01T03:00:00+00:00"}
    answer = publish(app, context, older)
    assert (answer["tables"][0]["moved"], "2026-01-01" in glue["partitions"]) == (False, True)
    assert "2026-01-02" in latest(glue)["originalSql"]


def test_an_older_export_of_the_published_day_leaves_its_partition_where_readers_expect_it(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    app.handler({"step": "publish", "export": EXPORT}, context)
    older = {"exported_to": "2026-01-02T02:00:00+00:00", "location": "lake/orders/run=00/", "export_id": "00"}
    answer = publish(app, context, EXPORT | older)
    assert answer["tables"][0]["moved"] is False
    assert glue["partitions"] == {"2026-01-02": "s3://landing/lake/orders/export_date=2026-01-02/run=01/"}


def test_a_newer_export_of_the_published_day_takes_its_partition(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    app.handler({"step": "publish", "export": EXPORT}, context)
    newer = {"exported_to": "2026-01-02T04:00:00+00:00", "location": "lake/orders/run=02/", "export_id": "02"}
    assert publish(app, context, EXPORT | newer)["tables"][0]["moved"] is True
    assert glue["partitions"] == {"2026-01-02": "s3://landing/lake/orders/run=02/"}


@pytest.mark.parametrize("catalog", ["registered", "crawler"])
def test_a_table_that_another_source_has_published_is_refused_and_its_readers_stay(
    app: ModuleType,
    glue: dict[str, Any],
    described: Callable[..., dict[str, Any]],
    context: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    catalog: str,
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


def test_a_record_that_tells_no_source_is_taken_over(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    app.handler({"step": "publish", "export": EXPORT}, context)
    key = "/state/orders/current.json"
    record = json.loads(glue["state"][key])
    assert record.pop("source") == "orders"
    glue["state"][key] = json.dumps(record).encode()
    app.handler({"step": "publish", "export": EXPORT}, context)
    assert json.loads(glue["state"][key])["source"] == "orders"


def test_what_another_call_has_published_meanwhile_is_not_written_over(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    conditions: list[Any] = []

    def notes(params: dict[str, Any], **_: Any) -> None:
        conditions.append((params.get("IfNoneMatch"), params.get("IfMatch")))

    app.s3.meta.events.register("provide-client-params.s3.PutObject", notes)
    app.handler({"step": "publish", "export": EXPORT}, context)
    size = len(glue["state"]["/state/orders/current.json"])
    app.handler({"step": "publish", "export": EXPORT}, context)
    assert [puts for puts in conditions if puts != (None, None)] == [("*", None), (None, f'"{size}"')]


def test_a_source_with_a_refused_table_has_its_others_published_and_fails_in_the_report(
    app: ModuleType,
    glue: dict[str, Any],
    described: Callable[..., dict[str, Any]],
    wire: Wire,
    context: SimpleNamespace,
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


def test_rows_of_an_incremental_export_are_those_of_the_folded_snapshot(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    export: dict[str, Any] = EXPORT | {"incremental": True, "folded": {"rows": 40}}
    assert publish(app, context, export)["tables"][0]["rows"] == 40


ICED: dict[str, Any] = EXPORT | {
    "format": "iceberg",
    "location": "lake/orders/",
    "committed": {"rows": 40, "snapshot": "9007199254740993", "engine": "athena", "why": "9 MB into 40 rows"},
}
ICEBERG = {
    "Name": "orders",
    "Parameters": {"table_type": "ICEBERG"},
    "StorageDescriptor": {"Columns": COLUMNS},
}


def test_of_an_iceberg_table_only_the_view_is_published_and_it_shows_all_of_it(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    glue["tables"]["orders"] = ICEBERG
    (published,) = publish(app, context, ICED)["tables"]
    assert (published["rows"], published["set_aside"], published["moved"]) == (40, 2, True)
    assert published["written"] == "Athena: 9 MB into 40 rows"
    assert glue["tables"]["orders"] is ICEBERG and not glue["partitions"]
    assert latest(glue)["originalSql"].endswith('"orders"')
    assert [column["name"] for column in latest(glue)["columns"]] == ["id", "total"]
    record = json.loads(glue["state"]["/state/orders/current.json"])
    assert (record["export_id"], record["location"], record["rows"]) == ("01", "lake/orders/", 40)


def test_a_table_is_never_made_from_iceberg_to_parquet_or_back(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    glue["tables"]["orders"] = ICEBERG
    with pytest.raises(
        app.publishing.SchemaConflict, match="is an Iceberg table in the catalog; write format: iceberg"
    ):
        publish(app, context, EXPORT)
    glue["tables"]["orders"] = ICEBERG | {"Parameters": {}}
    with pytest.raises(app.publishing.SchemaConflict, match="is no Iceberg table in the catalog"):
        publish(app, context, ICED)


def test_a_report_hands_on_what_a_source_has_to_say_of_its_export(
    app: ModuleType, glue: dict[str, Any], described: Callable[..., dict[str, Any]], context: SimpleNamespace
):
    noticed = app.handler({"step": "publish", "export": EXPORT | {"notice": "exported in full"}}, context)
    silent = app.handler({"step": "publish", "export": described("shop", "shop.b") | {"notice": ""}}, context)
    answer = app.handler({"step": "report", "due": "2026-01-02", "results": [[noticed, silent]]}, context)
    assert answer == {
        "due": "2026-01-02",
        "tables": 2,
        "published": ["orders", "shop_b"],
        "written": {},
        "notices": {"orders": "exported in full"},
    }


def test_metrics_say_for_each_source_whether_it_failed_and_how_old_its_data_is(app: ModuleType):
    published = {"table": "orders", "rows": 7, "exported_to": "2026-01-02T03:00:00+00:00"}
    results: list[dict[str, Any]] = [
        {"source": "orders", "tables": [published]},
        {"source": "shop", "error": {}},
    ]
    metrics = app.publishing.metrics("lake", results, datetime(2026, 1, 2, 4, tzinfo=UTC))
    values = {
        (m["MetricName"], m["Dimensions"][1]["Value"], m["Dimensions"][1]["Name"]): m["Value"]
        for m in metrics
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
    app: ModuleType, glue: dict[str, Any], described: Callable[..., dict[str, Any]], context: SimpleNamespace
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
