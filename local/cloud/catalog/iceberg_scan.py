"""An Iceberg table as Athena reads it: by the metadata that the catalog points to.

DuckDB's Iceberg extension reads the table through the cloud's own S3, as the account, into a Parquet file, which the
query then has as any other. `FOR VERSION AS OF <snapshot>` reads an older snapshot, `FOR TIMESTAMP AS OF <time>` the
one that was current then, by the snapshot log. `"<table>$history"` is that log, `"<table>$refs"` branches and tags; no
other metadata table is here.
Sources: docs.aws.amazon.com/athena/latest/ug/querying-iceberg-time-travel-and-version-travel-queries.html,
docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-metadata.html,
iceberg.apache.org/spec/#table-metadata-fields.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections import deque
from collections.abc import Generator
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from ..seams import s3
from ..seams.parts import Record
from ..seams.responses import get_account_id, get_region

idle: deque[duckdb.DuckDBPyConnection] = deque()
"""Engines that nobody uses now; which one is taken first does not matter."""


def is_iceberg(table: Record) -> bool:
    """Whether the catalog marks the table as one of Iceberg's."""
    parameters: dict[str, str] = table.get("Parameters") or {}
    return parameters.get("table_type", "").upper() == "ICEBERG"


def engine() -> duckdb.DuckDBPyConnection:
    """A DuckDB with the extension, whose loading takes a quarter of a second of a processor."""
    # It keeps nothing of a query: no copies of the files, which it has of its own accord.
    new = duckdb.connect(config={"autoinstall_known_extensions": False, "enable_external_file_cache": False})
    for name in ("avro", "httpfs", "iceberg"):
        folder = files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
        new.execute(f"LOAD '{folder / f'{name}.duckdb_extension'}'")
    return new


@contextlib.contextmanager
def connect() -> Generator[duckdb.DuckDBPyConnection, None, None]:
    """A connection of its own to an engine that nobody else uses, which reads and writes the request's account's
    objects; what it attaches, it detaches. An engine is used again, but for one whose use failed."""
    try:
        used = idle.pop()
    except IndexError:
        used = engine()
    try:
        with used.cursor() as connection:
            key, region = os.environ["AWS_SECRET_ACCESS_KEY"], get_region()
            connection.execute(
                f"CREATE SECRET own (TYPE s3, KEY_ID '{get_account_id()}', SECRET '{key}', REGION '{region}', "
                f"ENDPOINT '127.0.0.1:{os.environ['GATEWAY_PORT']}', URL_STYLE 'path', USE_SSL false)"
            )
            yield connection
        used.execute("DROP SECRET own")
    except BaseException:
        used.close()
        raise
    idle.append(used)


def metadata(table: Record) -> Record:
    """The metadata file that the catalog points to. Raises ValueError where it is not there."""
    bucket, _, key = table["Parameters"]["metadata_location"].removeprefix("s3://").partition("/")
    objects = s3.buckets.get(bucket, {}).get("objects", {})
    if key not in objects:
        raise ValueError(f"ICEBERG_BAD_DATA: s3://{bucket}/{key} is not there")
    return json.loads(s3.read_body(bucket, key, objects[key]))


def of_version(table: Record, version: Any) -> str:
    """The parameter of the scan for what stands behind FOR."""
    if version is None:
        return ""
    written = version.expression.sql(dialect="duckdb")
    if version.this == "VERSION":
        return f", snapshot_from_id = {written}"
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        # Without a zone the time is in UTC.
        connection.execute("SET TimeZone = 'UTC'")
        (moment,) = connection.execute(f"SELECT epoch_ms(({written})::TIMESTAMPTZ)").fetchall()[0]
    past = [entry for entry in metadata(table).get("snapshot-log", ()) if entry["timestamp-ms"] <= moment]
    if not past:
        raise ValueError(
            f"INVALID_ARGUMENTS: No version history table {table['Name']} at or before {written}"
        )
    return f", snapshot_from_id = {past[-1]['snapshot-id']}"


def metadata_table(table: Record, kind: str) -> str:
    """`"<table>$history"`, the snapshot log, or `"<table>$refs"`, branches and tags, as a SELECT. Raises ValueError for
    another."""
    if kind not in ("history", "refs"):
        raise ValueError(f"NOT_SUPPORTED: {table['Name']}${kind}: only $history and $refs are read here")
    return history(metadata(table)) if kind == "history" else references(metadata(table))


def references(current: Record) -> str:
    """The branches and tags, as a SELECT."""
    refs: dict[str, Record] = dict(current.get("refs") or {})
    # The branch `main` is the current snapshot (https://iceberg.apache.org/spec/#snapshot-references).
    if (at := current.get("current-snapshot-id") or -1) != -1:
        refs["main"] = {"type": "branch", "snapshot-id": at}
    rows = ", ".join(
        f"('{name}', '{ref['type'].upper()}', {ref['snapshot-id']}::BIGINT)" for name, ref in refs.items()
    )
    nothing = "(NULL::VARCHAR, NULL::VARCHAR, NULL::BIGINT)"
    return f"SELECT * FROM (VALUES {rows or nothing}) AS refs(name, type, snapshot_id) WHERE name IS NOT NULL"


def history(current: Record) -> str:
    """The snapshot log, as a SELECT."""
    parents = {s["snapshot-id"]: s.get("parent-snapshot-id") for s in current.get("snapshots", ())}
    ancestors, at = set[Any](), current.get("current-snapshot-id")
    while at in parents and at not in ancestors:
        ancestors.add(at)
        at = parents[at]
    rows = ", ".join(
        f"(to_timestamp({entry['timestamp-ms']} / 1000.0), {entry['snapshot-id']}::BIGINT, "
        f"{parents.get(entry['snapshot-id']) or 'NULL'}::BIGINT, {entry['snapshot-id'] in ancestors})"
        for entry in current.get("snapshot-log", ())
    )
    nothing = "(NULL::TIMESTAMPTZ, NULL::BIGINT, NULL::BIGINT, NULL::BOOLEAN)"
    columns = "made_current_at, snapshot_id, parent_id, is_current_ancestor"
    return f"SELECT * FROM (VALUES {rows or nothing}) AS history({columns}) WHERE snapshot_id IS NOT NULL"


def relation(table: Record, version: Any, workdirs: list[str]) -> str:
    """The table as a SELECT over a copy of its rows. Raises ValueError for metadata that can't be read."""
    workdirs.append(tempfile.mkdtemp(prefix="iceberg-"))
    copy = Path(workdirs[-1]) / "rows.parquet"
    scan = f"iceberg_scan('{table['Parameters']['metadata_location']}'{of_version(table, version)})"
    with connect() as connection:
        try:
            connection.execute(f"COPY (SELECT * FROM {scan}) TO '{copy}' (FORMAT parquet)")
        except duckdb.Error as error:
            raise ValueError(f"ICEBERG_BAD_DATA: {error}") from error
    return f"SELECT * FROM read_parquet('{copy}')"
