"""The statement by which Athena merges a run into an Iceberg table, and that by which it compacts one. Pure.

`staged` is a table over the run's normalised Parquet. Of a full export the rows that differ are updated, those that the
table lacks inserted, and those that only the table has deleted; Athena knows no NOT MATCHED BY SOURCE, so the source
has their keys. Of an increment the newest image of each key counts. A row that is as it should be is not written, so
the statement changes nothing when it comes again
(https://docs.aws.amazon.com/athena/latest/ug/merge-into-statement.html).

It runs on the snapshot that it was made for, and on no other: it reads the table's branch from the metadata table of
references, and fails where that has another snapshot, as somebody has written since
(https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-metadata.html). What is written while it runs
Iceberg's own check at the commit refuses.
"""

from dataclasses import dataclass

from catalog_names import DELETED, MICROS
from duckdb_rows import Shape, quoted

LIMIT = 100_000
"""Characters of a statement: Athena takes 262,144 bytes (https://docs.aws.amazon.com/athena/latest/ug/service-limits.html),
and a state machine's state, in which it stands beside the rest, no more."""


@dataclass(frozen=True)
class Merge:
    """What is merged into what."""

    database: str
    table: str
    staged: str
    """The table of the run's rows, in the same database."""
    incremental: bool


def statement(merge: Merge, shape: Shape, snapshot: int) -> str:
    """The statement, in Athena's SQL. `snapshot`: the table's, that the run begins with; 0: it has none."""
    table, of_references = (
        ".".join(map(quoted, (merge.database, name))) for name in (merge.table, f"{merge.table}$refs")
    )
    staged = f"{quoted(merge.database)}.{quoted(merge.staged)}"
    changes = _newest(staged, shape) if merge.incremental else _difference(staged, table, shape)
    deleted = f"changes.{quoted(DELETED)}"
    others = [name for name in shape.types if name not in shape.keys]
    same_key, differs = shape.same_key("kept", "changes"), shape.differs("kept", "changes")
    updated = ", ".join(f"{quoted(name)} = changes.{quoted(name)}" for name in others)
    inserted = ", ".join(f"changes.{quoted(name)}" for name in shape.types)
    begun = (
        "SELECT coalesce(max(snapshot_id), 0) AS _begun FROM "
        f"{of_references} WHERE name = 'main' AND type = 'BRANCH'"
    )
    # A snapshot's id is no truth value: the cast fails, and its message names it.
    checked = f"CASE WHEN _begun = {snapshot} THEN TRUE ELSE CAST(CAST(_begun AS varchar) AS boolean) END"
    return (
        f"MERGE INTO {table} AS kept\n"
        f"USING (SELECT rows_.* FROM ({changes}) AS rows_ CROSS JOIN ({begun}) AS begun_ WHERE {checked}) AS changes\n"
        f"ON {same_key}\n"
        f"WHEN MATCHED AND {deleted} THEN DELETE\n"
        f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {updated}\n"
        f"WHEN NOT MATCHED AND NOT {deleted} THEN INSERT ({shape.columns}) VALUES ({inserted})"
    )


def compaction(database: str, table: str) -> str:
    """The statement by which Athena writes the table's rows into fewer files, without those that are deleted
    (https://docs.aws.amazon.com/athena/latest/ug/optimize-statement.html)."""
    return f"OPTIMIZE {quoted(database)}.{quoted(table)} REWRITE DATA USING BIN_PACK"


def _newest(staged: str, shape: Shape) -> str:
    """Of each key in the window the newest image."""
    columns = f"{shape.columns}, {quoted(DELETED)}"
    ordered = f"row_number() OVER (PARTITION BY {shape.key} ORDER BY {quoted(MICROS)} DESC) AS _order"
    return f"SELECT {columns} FROM (SELECT {columns}, {ordered} FROM {staged}) AS images WHERE _order = 1"


def _difference(staged: str, table: str, shape: Shape) -> str:
    """The export's rows, and of each row that only the table has the key, to be deleted."""
    picked, same_key = shape.joined("exported", "former"), shape.same_key("exported", "former")
    return (
        f"SELECT {picked}, exported.{quoted(shape.keys[0])} IS NULL AS {quoted(DELETED)} FROM {staged} AS exported "
        f"FULL JOIN (SELECT DISTINCT {shape.key} FROM {table}) AS former ON {same_key}"
    )
