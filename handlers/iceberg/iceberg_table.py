"""Writes one run of an export into an Iceberg table, in one commit: all of it, or nothing.

A full export: the rows that differ from the table's are replaced, and those that it lacks are taken away, so that
the table holds what the export holds and a snapshot costs what changed. An increment: the rows of every key in the
window are taken away, and the newest images put in. Rows are taken away by position deletes; MERGE takes one UPDATE or
DELETE action there, so it is a DELETE and an INSERT in one transaction
(https://duckdb.org/docs/current/core_extensions/iceberg/writing).

The table's properties say which run it holds and until when; they change in the same commit. So a run that comes again
changes nothing, nor does one that is older than what the table holds, and a window that does not begin where the table
ends is refused. (A snapshot's summary is not DuckDB's to write; of its tags: tags.py.)

Columns are added, and their types changed, as Iceberg promotes them: int to bigint, float to double, a decimal to more
digits of the same scale (https://iceberg.apache.org/spec/#schema-evolution). Their identity is the field's id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
from catalog_names import DELETED, MICROS, REST
from duckdb_rows import Present, Shape, quoted, text

RUN, UNTIL = "tributary.run", "tributary.exported-to"
"""The table's properties: the export that it holds, and the time that it is as of."""
MERGING_TO = "tributary.merging-to"
"""The property that says until when the table may hold a run that is not marked yet: Athena merges it (merging.py)."""
WRITTEN = {
    "write.delete.mode": "merge-on-read",
    "write.update.mode": "merge-on-read",
    "write.parquet.compression-codec": "zstd",
    "write.target-file-size-bytes": str(32 << 20),
}
"""How the table is written. Each commit adds a file of deletes for each data file of which rows are deleted, so those
are larger than DuckDB's 8 MB; not larger still, as the deletes of one are in memory when they are written."""
COMMITS = "tributary.commits"
"""The property that counts the commits that changed rows, since the table was filled."""
IMAGES = REST  # how many images of a key there are; a name that no column of a key has
FORMAT_VERSION = (
    "2"  # Athena reads no other: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg.html
)


class TableAltered(Exception):
    """The table is not as the last run left it, and this run can't go on from there."""


class NotCommitted(Exception):
    """The catalog did not take the commit, or its answer was lost: to be written again, which changes nothing where it
    was taken."""


@dataclass(frozen=True)
class Target:
    """The table that is written."""

    name: str
    """As SQL has it."""
    location: str
    """Of a table that is made: an S3 address."""
    exists: bool


@dataclass(frozen=True)
class Run:
    """What is written."""

    export_id: str
    since: str | None
    """Where an increment begins; None: all of the table."""
    until: str
    files: Sequence[str]
    """The addresses of its Parquet files."""


@dataclass(frozen=True)
class Written:
    """What a run did."""

    rows: int
    """Of the table, now."""
    changes: int
    """Rows that were put in or taken away."""
    deletes: int
    committed: bool
    """False where the table held the run, or a later one, already."""
    snapshot: int
    """The id of the current one, as the run left or found it; 0: the table has none, as it was never written to."""
    commits: int = 0
    """Commits that changed rows since the table was filled, this one among them; 0 where it is none."""


def write(connection: duckdb.DuckDBPyConnection, target: Target, shape: Shape, run: Run) -> Written:
    """Writes the run. Raises TableAltered, NotCommitted, and duckdb.Error for what can't be read or cast; the table is
    then as before."""
    create(connection, target, shape, run)
    before = properties(connection, target)
    if already := holds(connection, target, run, before):
        return already
    own = _columns(connection, target)
    altered = alterations(connection, target, shape, own)
    empty = RUN not in before and count(connection, target.name) == 0
    if not empty:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE changes AS {_changes(connection, target, shape, run, own)}"
        )
    connection.execute("BEGIN")
    try:
        for alteration in altered:
            connection.execute(alteration)
        counted = _fill(connection, target, shape, run) if empty else _replace(connection, target, shape, run)
        rows = count(connection, target.name)
        check_rows(connection, target, run, rows)
        commits = 0 if empty or not counted[0] else another(before)
        holding = {RUN: run.export_id, UNTIL: run.until} | ({COMMITS: str(commits)} if commits else {})
        set_properties(connection, target, holding | WRITTEN)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    try:
        connection.execute("COMMIT")
    except duckdb.Error as error:
        raise NotCommitted(f"{target.name}: {error}") from error
    connection.execute("DROP TABLE IF EXISTS changes")
    return Written(rows, *counted, committed=True, snapshot=snapshot(connection, target), commits=commits)


def create(connection: duckdb.DuckDBPyConnection, target: Target, shape: Shape, run: Run) -> None:
    """Makes the table where there is none. Raises TableAltered where the run has changes only."""
    if target.exists:
        return
    if run.since:
        raise TableAltered(f"{target.name} is gone, and the export holds changes only")
    columns = ", ".join(f"{quoted(name)} {type_}" for name, type_ in shape.types.items())
    connection.execute(
        f"CREATE TABLE {target.name} ({columns}) WITH ('location' = {text(target.location)}, "
        f"'format-version' = '{FORMAT_VERSION}', {', '.join(f'{text(n)} = {text(v)}' for n, v in WRITTEN.items())})"
    )


def holds(
    connection: duckdb.DuckDBPyConnection, target: Target, run: Run, before: Mapping[str, str]
) -> Written | None:
    """What to return where the table, with these properties, holds the run or a later one already; else None. Raises
    TableAltered where the run can't go on from there."""
    if before.get(RUN) == run.export_id or is_later(before.get(UNTIL), run.until):
        rows = count(connection, target.name)
        return Written(rows, 0, 0, committed=False, snapshot=snapshot(connection, target))
    if is_later(merging := before.get(MERGING_TO), run.until):
        raise TableAltered(
            f"{target.name}: a later run, until {merging}, may be in it already, as Athena merges it, so this older "
            "one is not written; the next run, or that one again, has all of it"
        )
    if run.since and (UNTIL not in before or is_later(run.since, before[UNTIL])):
        raise TableAltered(
            f"{target.name} holds the time until {before.get(UNTIL)}, and the changes begin at {run.since}: it was "
            "rolled back, or made anew by somebody else"
        )
    return None


def check_rows(connection: duckdb.DuckDBPyConnection, target: Target, run: Run, rows: int) -> None:
    """Raises TableAltered where the table would not have the rows of a full export."""
    if not run.since and rows != (exported := _exported(connection, run)):
        raise TableAltered(
            f"{target.name} would have {rows} rows, and the export has {exported}: a key stands in it several times"
        )


def properties(connection: duckdb.DuckDBPyConnection, target: Target) -> dict[str, str]:
    """The table's properties."""
    return dict(connection.execute(f"SELECT * FROM iceberg_table_properties({target.name})").fetchall())


def another(before: Mapping[str, str]) -> int:
    """How many commits there are with this one, by the properties before it."""
    return int(before.get(COMMITS, 0)) + 1


def set_properties(connection: duckdb.DuckDBPyConnection, target: Target, values: Mapping[str, str]) -> None:
    """Sets properties of the table, in the transaction that is open."""
    pairs = ", ".join(f"{text(name)}: {text(value)}" for name, value in values.items())
    connection.execute(f"CALL set_iceberg_table_properties({target.name}, MAP {{{pairs}}})")


def snapshot(connection: duckdb.DuckDBPyConnection, target: Target) -> int:
    """The id of the last one, 0 without one: its sequence number is the highest (https://iceberg.apache.org/spec/#sequence-numbers)."""
    sql = f"SELECT coalesce(max_by(snapshot_id, sequence_number), 0) FROM iceberg_snapshots({target.name})"
    return _row(connection, sql)[0]


def _columns(connection: duckdb.DuckDBPyConnection, target: Target) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {target.name}").fetchall()}


def alterations(
    connection: duckdb.DuckDBPyConnection, target: Target, shape: Shape, own: Mapping[str, str] | None = None
) -> list[str]:
    """The statements that give the table the columns of the run."""
    own = _columns(connection, target) if own is None else own
    typed = ", ".join(f"typeof(NULL::{type_})" for type_ in shape.types.values())
    (wanted,) = connection.execute(f"SELECT {typed}").fetchall()
    statements: list[str] = []
    for name, type_ in zip(shape.types, wanted, strict=True):
        if name not in own:
            statements.append(f"ALTER TABLE {target.name} ADD COLUMN {quoted(name)} {type_}")
        elif own[name] != type_:
            if not _promotes(own[name], type_):
                raise TableAltered(f"{target.name} has {name} as {own[name]}, and the export as {type_}")
            statements.append(f"ALTER TABLE {target.name} ALTER COLUMN {quoted(name)} TYPE {type_}")
    return statements


def _promotes(old: str, new: str) -> bool:
    """Whether Iceberg takes a column of the old type as one of the new."""
    if (old, new) in {("INTEGER", "BIGINT"), ("FLOAT", "DOUBLE")}:
        return True
    if not (old.startswith("DECIMAL(") and new.startswith("DECIMAL(")):
        return False
    (digits, scale), (more, same) = (part[8:-1].split(",") for part in (old, new))
    return scale == same and int(more) >= int(digits)


def _present(connection: duckdb.DuckDBPyConnection) -> Present:
    """What finds out which columns a source has."""

    def columns(source: str) -> set[str]:
        return {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}

    return columns


def _changes(
    connection: duckdb.DuckDBPyConnection, target: Target, shape: Shape, run: Run, own: dict[str, str]
) -> str:
    """The keys of the rows to put in, and of those to take away (`_deleted`), each key once; with how many images it
    comes of, and when the newest was written. Of keys only, as the rows themselves may be many: they are
    read again when they are put in."""
    present = _present(connection)
    if run.since:
        rows = shape.rows(run.files, present, f", {MICROS}, {DELETED}")
        return (
            f"SELECT {shape.key}, max({MICROS}) AS {MICROS}, arg_max({DELETED}, {MICROS}) AS {DELETED}, "
            f"count(*) AS {IMAGES} FROM ({rows}) GROUP BY ALL"
        )
    table = ", ".join(
        f"{quoted(name) if name in own else 'NULL'}::{type_} AS {quoted(name)}"
        for name, type_ in shape.types.items()
    )
    # `_deleted` marks a side that is there. A key that somebody has put into the table twice comes out once.
    keys = ", ".join(f"coalesce(new.{quoted(key)}, old.{quoted(key)}) AS {quoted(key)}" for key in shape.keys)
    return (
        f"SELECT {shape.key}, bool_and({DELETED}) AS {DELETED}, count(*) AS {IMAGES} FROM "
        f"(SELECT {keys}, new.{DELETED} IS NULL AS {DELETED} "
        f"FROM (SELECT *, FALSE AS {DELETED} FROM ({shape.rows(run.files, present)})) AS new "
        f"FULL JOIN (SELECT {table}, FALSE AS {DELETED} FROM {target.name}) AS old ON {shape.same_key('new', 'old')} "
        f"WHERE new.{DELETED} IS NULL OR old.{DELETED} IS NULL OR {shape.differs('new', 'old')}) GROUP BY ALL"
    )


def _fill(connection: duckdb.DuckDBPyConnection, target: Target, shape: Shape, run: Run) -> tuple[int, int]:
    rows = shape.rows(run.files, _present(connection))
    (added,) = _row(
        connection, f"INSERT INTO {target.name} ({shape.columns}) SELECT {shape.columns} FROM ({rows})"
    )
    return added, 0


def _replace(
    connection: duckdb.DuckDBPyConnection, target: Target, shape: Shape, run: Run
) -> tuple[int, int]:
    changes, deletes, images = _row(
        connection,
        f"SELECT count(*), count(*) FILTER (WHERE {DELETED}), coalesce(max({IMAGES}), 0) FROM changes",
    )
    if changes:
        connection.execute(
            f"DELETE FROM {target.name} WHERE ({shape.key}) IN (SELECT ({shape.key}) FROM changes)"
        )
    if changes > deletes:
        connection.execute(
            f"INSERT INTO {target.name} ({shape.columns}) {_rows_to_put_in(connection, shape, run, once=images == 1)}"
        )
    return changes, deletes


def _rows_to_put_in(connection: duckdb.DuckDBPyConnection, shape: Shape, run: Run, *, once: bool) -> str:
    """The run's rows whose keys are in `changes`. `once`: each key has one image there."""
    if run.since:
        rows = shape.rows(run.files, _present(connection), f", {MICROS}, {DELETED}", f" WHERE NOT {DELETED}")
    else:
        rows = shape.rows(run.files, _present(connection))
    if run.since and once:
        return f"SELECT {shape.columns} FROM ({rows})"
    newest = f" AND rows_.{MICROS} = changes.{MICROS}" if run.since else ""
    # Of images that were written in one microsecond any one is the newest.
    distinct = "" if once else f"DISTINCT ON ({shape.key}) "
    return (
        f"SELECT {distinct}{shape.columns} FROM ({rows}) AS rows_ "
        f"SEMI JOIN (FROM changes WHERE NOT {DELETED}) AS changes ON {shape.same_key('rows_', 'changes')}{newest}"
    )


def _exported(connection: duckdb.DuckDBPyConnection, run: Run) -> int:
    """The rows of the run's files, by their footers."""
    return count(connection, f"read_parquet([{', '.join(map(text, run.files))}])") if run.files else 0


def count(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    """The rows of a table."""
    return _row(connection, f"SELECT count(*) FROM {source}")[0]


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    """The only row of a query."""
    (row,) = connection.execute(sql).fetchall()
    return row


def is_later(time: str | None, other: str) -> bool:
    """Whether a time, where there is one, is later than the other."""
    return time is not None and datetime.fromisoformat(time) > datetime.fromisoformat(other)
