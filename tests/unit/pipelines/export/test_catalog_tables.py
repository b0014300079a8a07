"""Names and columns of the tables that are published."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.unit.pipelines.conftest import Wire
from tests.unit.pipelines.export.catalogued import EXPORT, exported, latest, publish, shown, tables_of


def test_the_view_is_presto_sql_on_one_partition_with_its_columns_typed(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    app.handler({"step": "publish", "export": EXPORT}, context)
    assert latest(glue) == {
        "originalSql": 'SELECT "id", "total" FROM "shop"."orders" WHERE "export_date" = \'2026-01-02\'',
        "catalog": "awsdatacatalog",
        "schema": "shop",
        "columns": [{"name": "id", "type": "varchar"}, {"name": "total", "type": "decimal(38,0)"}],
    }


@pytest.mark.parametrize(
    ("tables", "names"),
    [
        (("shop.a-b", "shop.a_b"), ("shop_a_b_a80cf879", "shop_a_b")),
        (("shop.注文", "shop.顧客"), ("shop__467d9480", "shop__5bff6964")),
        (("orders", "Orders"), ("orders", "orders_b7e8acdd")),
    ],
)
def test_tables_of_a_database_that_would_be_one_name_in_the_catalog_get_two(
    app: ModuleType,
    glue: dict[str, Any],
    described: Callable[..., dict[str, Any]],
    context: SimpleNamespace,
    tables: tuple[Any, ...],
    names: tuple[Any, ...],
):
    answer = publish(app, context, described("shop", *tables))
    assert tables_of(answer) == list(names)
    assert {f"{name}_latest" for name in names} <= set(glue["tables"])


def test_a_table_called_as_anothers_view_gets_another_name(
    app: ModuleType, glue: dict[str, Any], described: Callable[..., dict[str, Any]], context: SimpleNamespace
):
    answer = publish(app, context, described("shop", "shop.a", "shop.a_latest"))
    first, second = tables_of(answer)
    assert first == "shop_a" and second.startswith("shop_a_latest_")


def test_a_new_table_whose_view_would_be_called_as_a_published_table_gets_another_name(
    app: ModuleType, glue: dict[str, Any], described: Callable[..., dict[str, Any]], context: SimpleNamespace
):
    app.handler({"step": "publish", "export": described("shop", "shop.orders_latest")}, context)
    both = described("shop", "shop.orders", "shop.orders_latest", at="2026-01-03T03:00:00+00:00")
    new, old = tables_of(publish(app, context, both))
    assert (
        old == "shop_orders_latest" and new.startswith("shop_orders_") and f"{new}_latest" in glue["tables"]
    )


def test_a_name_once_given_stays_whatever_tables_come_and_go(
    app: ModuleType, glue: dict[str, Any], described: Callable[..., dict[str, Any]], context: SimpleNamespace
):
    app.handler({"step": "publish", "export": described("shop", "public.Orders")}, context)
    both = described("shop", "public.Orders", "public.orders", at="2026-01-03T03:00:00+00:00")
    names = tables_of(publish(app, context, both))
    assert names[0] == "public_orders" and names[1].startswith("public_orders_")
    later = described("shop", "public.orders", at="2026-01-04T03:00:00+00:00")
    assert tables_of(publish(app, context, later)) == names[1:]


def test_a_name_that_the_config_gives_is_the_tables_and_nobody_elses(
    app: ModuleType, glue: dict[str, Any], described: Callable[..., dict[str, Any]], context: SimpleNamespace
):
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


def test_what_rds_skipped_is_a_notice_and_no_failure(
    app: ModuleType, glue: dict[str, Any], described: Callable[..., dict[str, Any]], context: SimpleNamespace
):
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
    app: ModuleType,
    glue: dict[str, Any],
    described: Callable[..., dict[str, Any]],
    context: SimpleNamespace,
    first: str,
    second: str,
    says: str,
):
    app.handler({"step": "publish", "export": described("shop-eu", first)}, context)
    before = shown(glue)
    with pytest.raises(Exception, match=says):
        app.handler({"step": "publish", "export": described("shop-us", second)}, context)
    assert shown(glue) == before


def test_one_table_that_cannot_be_published_leaves_the_readers_of_all_tables_of_its_source(
    app: ModuleType, glue: dict[str, Any], described: Callable[..., dict[str, Any]], context: SimpleNamespace
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


def test_a_column_that_an_export_lacks_stays_and_a_new_one_comes_last(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    app.handler({"step": "publish", "export": EXPORT}, context)
    changed = [{"Name": "note", "Type": "string"}, {"Name": "total", "Type": "decimal(38,2)"}]
    app.handler({"step": "publish", "export": exported(glue, changed)}, context)
    assert glue["tables"]["orders"]["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": "string"},
        {"Name": "total", "Type": "decimal(38,2)"},
        {"Name": "note", "Type": "string"},
    ]


@pytest.mark.parametrize("kind", ["string", "double", "boolean", "bigint", "array<bigint>", "decimal(10,2)"])
def test_a_column_that_would_become_another_kind_is_refused_and_readers_stay(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace, kind: str
):
    app.handler({"step": "publish", "export": EXPORT}, context)
    before = latest(glue)
    columns = [{"Name": "total", "Type": kind}]
    with pytest.raises(Exception, match=r"orders\.total is published as decimal\(38,0\) and exported as"):
        app.handler({"step": "publish", "export": exported(glue, columns)}, context)
    assert latest(glue) == before


def test_the_tables_of_a_database_are_published_as_the_landing_describes_them(
    app: ModuleType, glue: dict[str, Any], described: Callable[..., dict[str, Any]], context: SimpleNamespace
):
    export = described("shop", "shop.orders", "shop.order-lines")
    published = publish(app, context, export)
    assert [(table["table"], table["rows"]) for table in published["tables"]] == [
        ("shop_orders", 3),
        ("shop_order_lines", 3),
    ]


def test_a_report_names_every_source_that_failed_and_counts_every_one(
    app: ModuleType, wire: Wire, context: SimpleNamespace
):
    cause = json.dumps({"errorMessage": "a.json.gz has the md5 x", "errorType": "ExportError"})
    results: list[Any] = [
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


def test_values_that_no_column_holds_are_counted_and_reported(
    app: ModuleType, glue: dict[str, Any], context: SimpleNamespace
):
    conflict = "n is published as boolean: values (S) stand in _rest"
    published = publish(app, context, EXPORT | {"schema": {"conflicts": [conflict]}})
    counted = {
        m["MetricName"]: m["Value"] for m in app.publishing.metrics("lake", [published], datetime.now(UTC))
    }
    assert counted["SetAside"] == 2
    report = app.handler({"step": "report", "due": "2026-01-02", "results": [[published]]}, context)
    assert report["notices"] == {"orders": conflict}
