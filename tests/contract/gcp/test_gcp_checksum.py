"""The checksum of a table as the embedded BigQuery computes it: the source's, until a value differs."""

from __future__ import annotations

from typing import Any

from components.languages.bigquery_types import fields
from local.samples import checksum
from tests.contract.gcp.conftest import PROJECT, Warehouse, lines

ITEMS: list[Any] = [
    {
        "id": {"S": "ö"},
        "total": {"N": "12345678901234567890.5"},
        "paid": {"BOOL": True},
        "raw": {"B": b"\x00\xff"},
    },
    {"id": {"S": "a"}, "total": {"N": "100"}, "paid": {"BOOL": False}, "raw": {"B": b""}},
    {"id": {"S": "b"}, "total": {"N": "1.50"}, "paid": {"BOOL": True}},
]
COLUMNS = {"id": "string", "total": "decimal(38,2)", "paid": "boolean", "raw": "binary"}


def test_a_table_has_the_sources_checksum_until_one_value_differs(warehouse: Warehouse) -> None:
    source, columns = checksum.of_items(ITEMS)
    warehouse.table("orders", fields(COLUMNS.items(), "JSON"), timePartitioning={"type": "DAY"})
    rows = [
        {"id": "ö", "total": "12345678901234567890.50", "paid": True, "raw": "AP8="},
        {"id": "a", "total": "100.00", "paid": False, "raw": ""},
        {"id": "b", "total": "1.5", "paid": True, "raw": None},
    ]
    warehouse.load("orders", lines(*rows), "NEWLINE_DELIMITED_JSON")
    whole = f"{PROJECT}.{warehouse.dataset}.orders"

    def contents() -> checksum.Contents:
        body = {"query": checksum.query("BigQuery", whole, columns), "useLegacySql": False}
        (row,) = warehouse.ok("POST", f"{warehouse.base}/queries", json=body)["rows"]
        return checksum.answered([cell["v"] for cell in row["f"]])

    assert contents() == source
    warehouse.rows(f"UPDATE `{whole}` SET total = 100.01 WHERE id = 'a'")
    changed = contents()
    assert changed.rows == source.rows and changed.checksum != source.checksum
