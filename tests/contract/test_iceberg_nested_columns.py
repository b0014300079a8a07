"""Sets, lists and structs that a table gets after its first run, as pyiceberg reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.contract.embedded_cloud import SECRET, WORKLOAD, Cloud
from tests.contract.iceberg_lake import Lake, iceberg_table, lake_catalog
from tests.contract.normaliser import full, normalise, schema_of

import catalog_commits  # isort: skip
import nested_columns  # isort: skip

DECLARED = {
    "names": {"set": "string"}, "sums": {"set": "decimal(38,3)"}, "bytes": {"set": "binary"},
    "list": {"list": {"list": "bigint"}}, "text": "string",
    "places": {"list": {"struct": {"city": "string", "Zip Code": "bigint", "at": {"struct": {"x": "double"}}}}},
}  # fmt: skip
ITEM: dict[str, Any] = {
    "id": {"S": "new"}, "names": {"SS": ["a", "b"]}, "sums": {"NS": ["0.001"]}, "bytes": {"BS": ["AP8="]},
    "list": {"L": [{"L": [{"N": "1"}]}, {"L": []}]}, "text": {"S": "t"},
    "places": {"L": [{"M": {"city": {"S": "Köln"}, "Zip Code": {"N": "5"}, "at": {"M": {"x": {"N": "0.5"}}}}}]},
}  # fmt: skip
NARROW, WIDE = schema_of([{"id": {"S": "old"}}], keys=["id"]), schema_of([ITEM], DECLARED, keys=["id"])


@pytest.fixture
def lake(cloud: Cloud, tmp_path: Path) -> Lake:
    """A table of one row, of plain columns."""
    lake = Lake(cloud, tmp_path)
    lake.export(NARROW, [{"id": {"S": "old"}}], 1)
    return lake


def add(lake: Lake, schema: Any) -> list[str]:
    endpoint = lake.cloud.endpoint
    access = lake_catalog.Access(WORKLOAD, "us-east-1", endpoint, endpoint, WORKLOAD, SECRET, None)
    return nested_columns.add(access, lake.database, lake.table, schema.columns)


def columns(lake: Lake) -> list[str]:
    return [field.name for field in lake.read().schema().fields]


def test_columns_of_every_nested_type_are_added_once_under_ids_of_their_own(lake: Lake) -> None:
    before = {field.name: field.field_id for field in lake.read().schema().fields}
    # Once DuckDB takes them, nested_columns.py can go.
    with pytest.raises(duckdb.Error, match="Nested Types"):
        lake.export(WIDE, [ITEM], 2)
    assert sorted(add(lake, WIDE)) == ["bytes", "list", "names", "places", "sums"]
    assert [row["id"] for row in lake.rows()] == ["old"]
    pointer = lake.pointer()
    assert add(lake, WIDE) == [] and lake.pointer() == pointer

    lake.export(WIDE, [ITEM], 2)
    _, expected = normalise(full([ITEM]), WIDE)
    assert [dict(sorted(row.items())) for row in lake.rows()] == [
        dict(sorted(row.items())) for row in expected
    ]
    table = lake.read()
    assert {f.name: f.field_id for f in table.schema().fields}.items() > before.items()
    ids = sorted(table.schema().field_ids)
    assert len(ids) == len(set(ids)) == 18 and table.metadata.last_column_id == ids[-1]


def test_the_catalog_shows_the_columns_as_a_new_tables(lake: Lake) -> None:
    add(lake, WIDE)
    lake.export(WIDE, [ITEM], 2)
    entry = lake.entry()
    assert entry
    shown = {column["Name"]: column["Type"] for column in entry["StorageDescriptor"]["Columns"]}
    assert shown == {column["Name"]: column["Type"] for column in WIDE.glue_columns()}


def test_a_table_that_another_writer_changes_meanwhile_is_left_and_they_are_added_then(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = catalog_commits.ask

    def overtaken(access: Any, path: str, body: Any = None) -> Any:
        if body is not None:
            connection = lake.connect()
            connection.execute(f"ALTER TABLE {lake.name} ADD COLUMN n VARCHAR")
            connection.close()
        return ask(access, path, body)

    schema = schema_of([{"id": {"S": "a"}, "tags": {"SS": ["x"]}}], keys=["id"])
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(catalog_commits, "ask", overtaken)
        with pytest.raises(iceberg_table.NotCommitted, match="409"):
            add(lake, schema)
    assert columns(lake) == ["id", "_rest", "n"]
    assert add(lake, schema) == ["tags"] and columns(lake) == ["id", "_rest", "n", "tags"]


def test_plain_columns_ask_the_catalog_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_commits, "ask", None)
    assert add(lake, NARROW) == []
