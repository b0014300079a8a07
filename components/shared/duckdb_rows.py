"""The rows of a run's Parquet files as DuckDB's SQL: in a table's types, and the newest of each key. Pure; for handlers
only, as it imports what their bundles carry beside it.

Inputs are what `normalise` writes. Last write wins: of each key the newest image by `_write_micros`, a later window's
on a tie. Columns are cast to the target schema (BIGINT to DECIMAL, DECIMAL to more scale; a cast that does not fit
raises), those that an older file lacks are NULL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog_names import DELETED, MICROS, REST, field_names
from column_types import Type, stored_column

PLAIN = {"string": "VARCHAR", "json": "VARCHAR", "binary": "BLOB", "int": "INTEGER"}

Present = Callable[[str], set[str]]
"""The names of the columns that a source, such as `read_parquet(...)`, has."""


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as SQL has it."""
    return "'" + value.replace("'", "''") + "'"


def sql_type(column: Type) -> str:
    """A column's type as DuckDB writes it."""
    if column.element:
        return sql_type(column.element) + "[]"
    if column.kind == "struct":
        fields = ", ".join(f"{quoted(field.name)} {sql_type(field.type)}" for field in column.columns)
        return f"STRUCT({fields})"
    return PLAIN.get(column.kind, str(column.json()).upper())


@dataclass(frozen=True)
class Shape:
    """A table's columns."""

    types: Mapping[str, str]
    """Column -> type, as DuckDB writes it; the rest column is the last."""
    keys: Sequence[str]
    """The columns of the key."""

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> "Shape":
        """Of a schema that a run keeps. Raises ValueError where it names no keys, without which no row can be
        replaced."""
        columns = [stored_column(column, field_names) for column in schema["columns"]]
        names = {column.attribute: column.name for column in columns}
        if not schema["keys"]:
            raise ValueError("the schema names no keys, and without them no row can be replaced")
        types = {column.name: sql_type(column.type) for column in columns} | {REST: "VARCHAR"}
        return cls(types, [names[key] for key in schema["keys"]])

    @property
    def columns(self) -> str:
        """All columns, as a SELECT lists them."""
        return ", ".join(map(quoted, self.types))

    @property
    def key(self) -> str:
        """The columns of the key, as a SELECT lists them."""
        return ", ".join(map(quoted, self.keys))

    def same_key(self, left: str, right: str) -> str:
        """The condition that the rows of two aliases have one key."""
        return " AND ".join(f"{left}.{quoted(key)} = {right}.{quoted(key)}" for key in self.keys)

    def differs(self, left: str, right: str) -> str:
        """The condition that the rows of two aliases differ beside their key."""
        return " OR ".join(
            f"{left}.{quoted(name)} IS DISTINCT FROM {right}.{quoted(name)}"
            for name in self.types
            if name not in self.keys
        )

    def joined(self, new: str, old: str) -> str:
        """What a FULL JOIN of two aliases selects: the new row's columns, and the key of either."""
        return ", ".join(
            f"coalesce({new}.{quoted(name)}, {old}.{quoted(name)}) AS {quoted(name)}"
            if name in self.keys
            else f"{new}.{quoted(name)}"
            for name in self.types
        )

    def rows(self, files: Sequence[str], present: Present, extra: str = "", only: str = "") -> str:
        """The rows of Parquet files (paths or addresses) in the table's types. `extra`: more columns of an increment,
        after a comma; `only`: a condition, after WHERE."""
        if not files:
            nulls = ", ".join(f"NULL::{type_} AS {quoted(name)}" for name, type_ in self.types.items())
            return f"SELECT {nulls}{f', NULL::BIGINT AS {MICROS}, FALSE AS {DELETED}' if extra else ''} WHERE FALSE"
        source = f"read_parquet([{', '.join(map(text, files))}], union_by_name = true)"
        there = present(source)
        columns = ", ".join(
            f"{quoted(name) if name in there else 'NULL'}::{type_} AS {quoted(name)}"
            for name, type_ in self.types.items()
        )
        return f"SELECT * FROM (SELECT {columns}{extra} FROM {source}){only}"

    def newest(self, windows: Sequence[Sequence[str]], present: Present, only: str = "") -> str:
        """Of each key in the windows, which are in order of time, the newest image; `_deleted` says whether it took
        the row away."""
        ordered = " UNION ALL ".join(
            f"SELECT *, {number} AS _window FROM ({self.rows(files, present, f', {MICROS}, {DELETED}', only)})"
            for number, files in enumerate(windows or [()])
        )
        return (
            f"SELECT * FROM ({ordered}) QUALIFY row_number() OVER "
            f"(PARTITION BY {self.key} ORDER BY {MICROS} DESC, _window DESC) = 1"
        )
