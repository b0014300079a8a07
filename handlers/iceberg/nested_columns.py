"""Adds columns of nested types to an Iceberg table that stands: sets, lists and structs.

DuckDB adds columns of plain types only ("ADD COLUMN for Nested Types not supported",
https://duckdb.org/docs/current/core_extensions/iceberg/writing), so these are added by the catalog's own protocol, in a
commit of a schema (catalog_commits.py). It comes before the run's own commit; a run that ends in between leaves columns
that are empty in every row, and finds them when it comes again.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from catalog_commits import CatalogTable
from column_types import Column, Type
from lake_catalog import Access

PLAIN = {"bigint": "long", "json": "string"}
"""Types that Iceberg calls otherwise (https://iceberg.apache.org/spec/#schemas-and-data-types)."""


def add(access: Access, database: str, table: str, columns: Sequence[Column]) -> list[str]:
    """Gives the table those of the columns that are nested and that it lacks, in one commit; returns their names.
    Raises NotCommitted where another writer was ahead, or the answer was lost: to be done again."""
    nested = [column for column in columns if column.type.element or column.type.columns]
    if not nested:
        return []
    standing = CatalogTable.load(access, database, table)
    metadata = standing.metadata
    schema = next(s for s in metadata["schemas"] if s["schema-id"] == metadata["current-schema-id"])
    own = {field["name"] for field in schema["fields"]}
    ids = count(metadata["last-column-id"] + 1)
    added = [_field(column, ids) for column in nested if column.name not in own]
    if added:
        widened = schema | {
            "schema-id": max(s["schema-id"] for s in metadata["schemas"]) + 1,
            "fields": [*schema["fields"], *added],
        }
        standing.commit(
            [
                {"type": "assert-current-schema-id", "current-schema-id": metadata["current-schema-id"]},
                {
                    "type": "assert-last-assigned-field-id",
                    "last-assigned-field-id": metadata["last-column-id"],
                },
            ],
            [
                {"action": "add-schema", "schema": widened, "last-column-id": next(ids) - 1},
                {"action": "set-current-schema", "schema-id": -1},
            ],
        )
    return [field["name"] for field in added]


def _field(column: Column, ids: Iterator[int]) -> dict[str, Any]:
    return {"id": next(ids), "name": column.name, "required": False, "type": _type(column.type, ids)}


def _type(kind: Type, ids: Iterator[int]) -> Any:
    """The type as the metadata has it; what is in it gets the next ids."""
    if kind.element:
        return {
            "type": "list",
            "element-id": next(ids),
            "element-required": False,
            "element": _type(kind.element, ids),
        }
    if kind.columns:
        return {"type": "struct", "fields": [_field(column, ids) for column in kind.columns]}
    return PLAIN.get(kind.kind, str(kind.json()))
