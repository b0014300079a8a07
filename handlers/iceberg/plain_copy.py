"""The plain copy of an Iceberg table: one Parquet file with its rows, for what reads no Iceberg table.

It is one object, written by one upload that S3 takes as a whole or not at all
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html), so a reader never sees half of it. The file
itself says which run and which snapshot it is of; so a run that comes again writes nothing. Where another writer was
at the table meanwhile, it is written again: whoever writes last has the last snapshot.
"""

import duckdb
from duckdb_rows import Shape, text
from iceberg_table import RUN, NotCommitted, Target, properties, snapshot

SNAPSHOT = "tributary.snapshot"
"""The key of the file's metadata that names the snapshot; RUN names the run."""


def write(
    connection: duckdb.DuckDBPyConnection,
    target: Target,
    shape: Shape,
    export_id: str,
    address: str,
    *,
    there: bool,
) -> bool:
    """Writes the rows of the table to the address. Returns whether it did: not where the copy that is there is of this
    snapshot and this run, or of this snapshot while the table holds another run, which writes its own.

    `connection`: with the account's catalog. `target`: the table. `shape`: the columns of the run. `export_id`: the
    run. `address`: the file's, in S3. `there`: whether a copy is there. Raises NotCommitted where the table was changed
    meanwhile, and duckdb.Error."""
    current = str(snapshot(connection, target))
    former = _marks(connection, address) if there else {}
    if former.get(SNAPSHOT) == current and (
        former.get(RUN) == export_id or properties(connection, target).get(RUN) != export_id
    ):
        return False
    marks = f"{{{text(RUN)}: {text(export_id)}, {text(SNAPSHOT)}: {text(current)}}}"
    connection.execute(
        f"COPY (SELECT {shape.columns} FROM {target.name}) TO {text(address)} "
        f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {marks})"
    )
    if str(snapshot(connection, target)) != current:
        raise NotCommitted(f"{target.name}: somebody wrote to it while it was copied")
    return True


def _marks(connection: duckdb.DuckDBPyConnection, address: str) -> dict[str, str]:
    """What the file at the address says of itself."""
    rows = connection.execute(f"SELECT key, value FROM parquet_kv_metadata({text(address)})").fetchall()
    return {key.decode(): value.decode() for key, value in rows}
