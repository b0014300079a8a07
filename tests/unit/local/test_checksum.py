"""A table's checksum as `make up` makes it of the source, and what it prints of the stores that hold the table."""

from decimal import Decimal
from typing import Any

import duckdb
import sqlglot

from local import samples
from local.samples import Row, checksum, column_values, mysql

ITEMS: list[Any] = [
    {
        "id": {"S": "b"},
        "n": {"N": "1.50"},
        "ok": {"BOOL": True},
        "raw": {"B": b"\x00\xff"},
        "tags": {"SS": ["x"]},
    },
    {"id": {"S": "a"}, "n": {"N": "100"}, "ok": {"BOOL": False}, "mixed": {"S": "1"}},
    {"id": {"S": "ö"}, "n": {"N": "-12345678901234567890.5"}, "mixed": {"N": "1"}, "void": {"NULL": True}},
]


def in_duckdb(store: str, dialect: str, columns: dict[str, str], rows: str) -> checksum.Contents:
    """The answer of a store's query, translated as the embedded stores translate it."""
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE contents AS {rows}")
    sql = sqlglot.parse_one(checksum.query(store, "contents", columns), read=dialect).sql(dialect="duckdb")
    return checksum.answered(list(connection.execute(sql).fetchall()[0]))


def test_both_queries_say_what_the_items_say() -> None:
    source, columns = checksum.of_items(ITEMS)
    assert columns == {"id": "S", "n": "N", "ok": "BOOL", "raw": "B"}
    rows = (
        "SELECT 'ö' AS id, -12345678901234567890.50::DECIMAL(38,2) AS n, NULL::BOOLEAN AS ok, NULL::BLOB AS raw "
        "UNION ALL SELECT 'a', 100, false, NULL UNION ALL SELECT 'b', 1.5, true, '\\x00\\xFF'::BLOB"
    )
    for store, dialect in (("Athena", "athena"), ("BigQuery", "bigquery")):
        assert in_duckdb(store, dialect, columns, rows) == source, store
        changed = rows.replace("'a', 100", "'a', 10")
        assert in_duckdb(store, dialect, columns, changed) != source, store


def test_a_null_is_not_an_empty_text_and_no_value_runs_into_the_next() -> None:
    sums = {
        checksum.of_items([{"a": {"S": a}, "b": {"S": b}}, {"a": {"S": "x"}, "b": {"S": "y"}}])[0]
        for a, b in (("1", "23"), ("12", "3"), ("", "123"))
    }
    (missing, _) = checksum.of_items([{"b": {"S": "123"}}, {"a": {"S": "x"}, "b": {"S": "y"}}])
    assert len(sums | {missing}) == 4


def test_both_queries_say_what_a_database_says_of_each_kind_of_column() -> None:
    kinds = {
        "n": "decimal(9,2)",
        "f": "double",
        "b": "binary",
        "t": "string",
        "at": "timestamp",
        "ok": "boolean",
    }
    table = mysql.Table(50, tuple(column_values.column(n, k, mysql=k != "boolean") for n, k in kinds.items()))
    source, columns = checksum.of_database(table)
    assert columns == {"n": "N", "f": "N", "b": "B", "t": "S", "at": "T", "ok": "BOOL"}
    for store, dialect in (("Athena", "athena"), ("BigQuery", "bigquery")):
        assert in_duckdb(store, dialect, columns, table.sql()) == source, store
        later = table.sql().replace("2026-01-01", "2026-01-02")
        assert in_duckdb(store, dialect, columns, later) != source, store


def test_every_digit_of_a_databases_numbers_counts() -> None:
    exact, _ = checksum.of_database(
        mysql.Table(1, (mysql.Column("n", "", "", "9999999999999999999.9999::DECIMAL(38,4)"),))
    )
    other, _ = checksum.of_database(
        mysql.Table(1, (mysql.Column("n", "", "", "9999999999999999999.9998::DECIMAL(38,4)"),))
    )
    assert exact.rows == other.rows == 1 and exact.checksum != other.checksum
    assert checksum.of_items([{"n": {"N": str(Decimal("9999999999999999999.9999"))}}])[0] == exact


def test_an_empty_table_has_a_checksum_of_nothing_everywhere() -> None:
    source, columns = checksum.of_items([])
    assert source == checksum.Contents(0, "00000000") and columns == {}
    for store, dialect in (("Athena", "athena"), ("BigQuery", "bigquery")):
        assert in_duckdb(store, dialect, columns, "SELECT 1 AS id WHERE false") == source


def test_a_row_whose_checksum_differs_is_not_complete_though_the_counts_agree() -> None:
    assert Row("w", "bigquery-transfer", "orders", 5, 5, 1.0).complete
    assert not Row(
        "w", "bigquery-transfer", "orders", 5, 5, 1.0, {}, "BigQuery holds something else"
    ).complete


def test_a_kinds_counts_are_a_table_of_their_own_with_no_column_of_another_kinds() -> None:
    tables = [
        Row("lake", "export", "orders", 5, 5, 1.0, {"rows in Athena": 5}),
        Row("w", "bigquery-transfer", "orders", 5, 5, 1.0, {"Athena rows": 5, "equal": "yes"}),
        Row("r", "bigquery-transfer", "orders", 5, 4, None, {"equal": "NOT BigQuery"}, "BigQuery holds 4"),
    ]
    export, transfer, summary, short = samples.report(tables).split("\n\n")
    assert export.splitlines()[:2] == ["export", "pipeline  table   rows in Athena"]
    assert transfer.splitlines()[1].split("  ") == ["pipeline", "table", " Athena rows", "equal"]
    assert transfer.splitlines()[-1].split() == ["r", "orders", "-", "NOT", "BigQuery"]
    assert summary.splitlines()[0].split() == list(Row.COLUMNS)
    assert short == "r orders: BigQuery holds 4 (4 of 5)"
