"""Folds incremental exports into the table's current snapshot: the rows that a full export would hold.

A delete takes the row away; what no window names stays as it is; see duckdb_rows.py for which image of a key wins.

Memory: DuckDB's `memory_limit`, with spilling to `spill`. The join is built on the windows' keys, so its size
follows the changes and not the table; the snapshot streams through. Disk: the files of `current`, `output`, and one
file of the windows at a time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from catalog_names import DELETED, MICROS
from duckdb_rows import Shape, quoted, text


class FoldError(Exception):
    """Inputs that cannot be folded."""


@dataclass(frozen=True)
class Counts:
    """What a fold wrote."""

    rows: int
    """Of the output."""
    changes: int
    """Newest images of the windows, deletes included, of the share that was written."""
    deletes: int


def fold(
    *,
    schema: dict[str, Any],
    current: Iterable[Path],
    windows: Iterable[Iterable[Path]],
    output: Path,
    spill: Path,
    memory_limit: str = "512MB",
    share: tuple[int, int] | None = (0, 1),
) -> Counts:
    """Writes `output` (Parquet) and returns the counts.

    `schema`: the table's, as state/ has it. `current`: Parquet of the snapshot, the whole or some of its files.
    `windows` in order of time; a file of theirs has been read when the next one is taken. `share`: which of how
    many shares of the changed rows are written beside the rows of `current` that did not change; None: none of them.
    Shares are dealt by the md5 of the key, which no version of DuckDB changes. `memory_limit` as DuckDB writes it, such
    as `2GB`; what goes beyond it is written to the folder `spill`.

    FoldError: a schema that does not fit, or files that DuckDB can't read or write.
    """
    try:
        shape = Shape.of(schema)
    except ValueError as error:
        raise FoldError(str(error)) from error
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = {text(memory_limit)}")
    connection.execute(f"SET temp_directory = {text(str(spill))}")
    connection.execute("SET preserve_insertion_order = false")
    try:
        _collect(connection, shape, windows, share)
        return _write(connection, shape, [str(file) for file in current], output, share)
    except duckdb.Error as error:
        raise FoldError(f"{output.name}: {error}") from error
    finally:
        connection.close()


def _collect(
    connection: duckdb.DuckDBPyConnection,
    shape: Shape,
    windows: Iterable[Iterable[Path]],
    share: tuple[int, int] | None,
) -> None:
    """Makes the table `changes`: the newest image of each key of a share, or all keys that changed."""
    extra, only, columns = f", {MICROS}, {DELETED}", "", "*"
    if share is None:
        extra, columns = "", shape.key
    elif share[1] > 1:
        key = ", ".join(f"{quoted(column)}::VARCHAR" for column in shape.keys)
        only = f" WHERE md5_number_lower(concat_ws('|', {key})) % {share[1]} = {share[0]}"

    def rows(files: Sequence[str], window: int) -> str:
        inner = shape.rows(files, partial(_columns, connection), extra, only)
        return f"SELECT {columns}, {window} AS _window FROM ({inner})"

    connection.execute(f"CREATE TEMP TABLE images AS {rows([], 0)}")
    for number, files in enumerate(windows):
        for file in files:
            connection.execute(f"INSERT INTO images {rows([str(file)], number)}")
    distinct = (
        f"SELECT (SELECT count(*) FROM images) - count(*) FROM (SELECT DISTINCT {shape.key} FROM images)"
    )
    if share is None or _row(connection, distinct) == (0,):
        # Each key once, as in one window: no second copy of all that changed.
        connection.execute("ALTER TABLE images RENAME TO changes")
        return
    connection.execute(
        "CREATE TEMP TABLE changes AS SELECT * FROM images QUALIFY row_number() OVER "
        f"(PARTITION BY {shape.key} ORDER BY {MICROS} DESC, _window DESC) = 1"
    )
    connection.execute("DROP TABLE images")


def _write(
    connection: duckdb.DuckDBPyConnection,
    shape: Shape,
    current: list[str],
    output: Path,
    share: tuple[int, int] | None,
) -> Counts:
    unchanged = (
        f"SELECT {shape.columns} FROM ({shape.rows(current, partial(_columns, connection))}) AS kept "
        f"ANTI JOIN changes USING ({shape.key})"
    )
    changed = f" UNION ALL SELECT {shape.columns} FROM changes WHERE NOT {DELETED}" if share else ""
    connection.execute(
        f"COPY ({unchanged}{changed}) TO {text(str(output))} (FORMAT parquet, COMPRESSION zstd)"
    )
    counted = f"SELECT count(*), count(*) FILTER (WHERE {DELETED}) FROM changes"
    changes, deletes = _row(connection, counted) if share else (0, 0)
    (written,) = _row(connection, f"SELECT count(*) FROM read_parquet({text(str(output))})")
    return Counts(written, changes, deletes)


def _columns(connection: duckdb.DuckDBPyConnection, source: str) -> set[str]:
    """The names of the columns of what a query selects from."""
    return {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    """The only row of a query."""
    (row,) = connection.execute(sql).fetchall()
    return row
