"""Folds incremental exports into the table's current snapshot: the rows that a full export would hold.

Last write wins: of each key the newest image by `_write_micros`, a later window's on a tie; a delete takes the row
away; what no window names stays as it is. Inputs are what `normalise` writes. Columns are cast to the target
schema (BIGINT to DECIMAL, DECIMAL to more scale; a cast that does not fit raises), those that an older file lacks
are NULL.

Memory: DuckDB's `memory_limit`, with spilling to `spill`. The join is built on the windows' keys, so its size
follows the changes and not the table; the snapshot streams through. For tables beyond one machine, call it once
per `part` of `parts`: rows are dealt by the hash of their key, and each call writes its own file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from catalog_names import DELETED, MICROS, REST, field_names
from column_types import Type, stored_column

PLAIN = {"string": "VARCHAR", "json": "VARCHAR", "binary": "BLOB", "int": "INTEGER"}


class FoldError(Exception):
    """Inputs that cannot be folded."""


@dataclass(frozen=True)
class Counts:
    """What a fold wrote."""

    rows: int
    """Of the snapshot."""
    changes: int
    """Newest images of the windows, deletes included."""
    deletes: int


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


def fold(
    *,
    schema: dict[str, Any],
    current: Iterable[Path],
    windows: Iterable[Iterable[Path]],
    output: Path,
    spill: Path,
    memory_limit: str = "512MB",
    part: int = 0,
    parts: int = 1,
) -> Counts:
    """`windows` in order of time. Writes `output` (Parquet) and returns the counts."""
    columns = [stored_column(column, field_names) for column in schema["columns"]]
    names = {column.attribute: column.name for column in columns}
    types = {column.name: sql_type(column.type) for column in columns} | {REST: "VARCHAR"}
    keys = [names[key] for key in schema["keys"]]
    if not keys:
        raise FoldError("the schema names no keys, and without them no row can be replaced")
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = {text(memory_limit)}")
    connection.execute(f"SET temp_directory = {text(str(spill))}")
    connection.execute("SET preserve_insertion_order = false")
    try:
        return _fold(connection, types, keys, list(current), [list(w) for w in windows], output, part, parts)
    except duckdb.Error as error:
        raise FoldError(f"{output.name}: {error}") from error
    finally:
        connection.close()


def _fold(
    connection: duckdb.DuckDBPyConnection,
    types: Mapping[str, str],
    keys: Sequence[str],
    current: list[Path],
    windows: list[list[Path]],
    output: Path,
    part: int,
    parts: int,
) -> Counts:
    key_list = ", ".join(map(quoted, keys))

    def rows(files: list[Path], extra: str = "") -> str:
        """The files' rows in the target's types; only this part's."""
        if not files:
            nulls = ", ".join(f"NULL::{type_} AS {quoted(name)}" for name, type_ in types.items())
            return f"SELECT {nulls}{', NULL::BIGINT AS _write_micros, FALSE AS _deleted' if extra else ''} WHERE FALSE"
        listed = "[" + ", ".join(text(str(file)) for file in files) + "]"
        source = f"read_parquet({listed}, union_by_name = true)"
        present = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        columns = ", ".join(
            f"{quoted(name) if name in present else 'NULL'}::{type_} AS {quoted(name)}"
            for name, type_ in types.items()
        )
        of_this_part = f" WHERE hash({key_list}) % {parts} = {part}" if parts > 1 else ""
        return f"SELECT * FROM (SELECT {columns}{extra} FROM {source}){of_this_part}"

    ordered = " UNION ALL ".join(
        f"SELECT *, {number} AS _window FROM ({rows(files, f', {MICROS}, {DELETED}')})"
        for number, files in enumerate(windows)
    )
    if not windows:
        ordered = f"SELECT *, 0 AS _window FROM ({rows([], 'extra')})"
    connection.execute(
        f"CREATE TEMP TABLE changes AS SELECT * FROM ({ordered}) QUALIFY "
        f"row_number() OVER (PARTITION BY {key_list} ORDER BY {MICROS} DESC, _window DESC) = 1"
    )
    columns = ", ".join(map(quoted, types))
    connection.execute(
        f"COPY (SELECT {columns} FROM ({rows(current)}) AS kept ANTI JOIN changes USING ({key_list}) "
        f"UNION ALL SELECT {columns} FROM changes WHERE NOT {DELETED}) "
        f"TO {text(str(output))} (FORMAT parquet, COMPRESSION zstd)"
    )
    changes, deletes = _row(connection, f"SELECT count(*), count(*) FILTER (WHERE {DELETED}) FROM changes")
    (written,) = _row(connection, f"SELECT count(*) FROM read_parquet({text(str(output))})")
    return Counts(written, changes, deletes)


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    """The only row of a query."""
    (row,) = connection.execute(sql).fetchall()
    return row
