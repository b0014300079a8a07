"""Folds incremental exports into the table's current snapshot: the rows that a full export would hold.

A delete takes the row away; what no window names stays as it is; see duckdb_rows.py for which image of a key wins.

Memory: DuckDB's `memory_limit`, with spilling to `spill`. The join is built on the windows' keys, so its size
follows the changes and not the table; the snapshot streams through. For tables beyond one machine, call it once
per `part` of `parts`: rows are dealt by the hash of their key, and each call writes its own file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from catalog_names import DELETED
from duckdb_rows import Shape, text


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
    try:
        shape = Shape.of(schema)
    except ValueError as error:
        raise FoldError(str(error)) from error
    of_this_part = f" WHERE hash({shape.key}) % {parts} = {part}" if parts > 1 else ""
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = {text(memory_limit)}")
    connection.execute(f"SET temp_directory = {text(str(spill))}")
    connection.execute("SET preserve_insertion_order = false")
    try:
        return _fold(connection, shape, _paths(current), [_paths(w) for w in windows], output, of_this_part)
    except duckdb.Error as error:
        raise FoldError(f"{output.name}: {error}") from error
    finally:
        connection.close()


def _paths(files: Iterable[Path]) -> list[str]:
    return [str(file) for file in files]


def _fold(
    connection: duckdb.DuckDBPyConnection,
    shape: Shape,
    current: list[str],
    windows: Sequence[list[str]],
    output: Path,
    only: str,
) -> Counts:
    def present(source: str) -> set[str]:
        return {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}

    connection.execute(f"CREATE TEMP TABLE changes AS {shape.newest(windows, present, only)}")
    connection.execute(
        f"COPY (SELECT {shape.columns} FROM ({shape.rows(current, present, only=only)}) AS kept "
        f"ANTI JOIN changes USING ({shape.key}) "
        f"UNION ALL SELECT {shape.columns} FROM changes WHERE NOT {DELETED}) "
        f"TO {text(str(output))} (FORMAT parquet, COMPRESSION zstd)"
    )
    changes, deletes = _row(connection, f"SELECT count(*), count(*) FILTER (WHERE {DELETED}) FROM changes")
    (written,) = _row(connection, f"SELECT count(*) FROM read_parquet({text(str(output))})")
    return Counts(written, changes, deletes)


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    """The only row of a query."""
    (row,) = connection.execute(sql).fetchall()
    return row
