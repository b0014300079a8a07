"""A run that Athena merges: what is done to the Iceberg table before the statement and after it, and for which runs.

Before it the table is made, gets the run's columns, and the property `tributary.merging-to`, in one commit; after it
the properties say that it holds the run. A run that ends in between comes again: the statement then changes nothing, as
it writes only rows that are not as they should be. An older run is refused from then on, since the statement may have
been carried out though its answer was lost.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
from catalog_names import DELETED, MICROS
from duckdb_rows import Shape
from iceberg_table import (
    COMMITS,
    MERGING_TO,
    RUN,
    UNTIL,
    NotCommitted,
    Run,
    TableAltered,
    Target,
    Written,
    alterations,
    another,
    check_rows,
    count,
    create,
    holds,
    is_later,
    properties,
    set_properties,
    snapshot,
)

EXPORT, TRIES = "tributary.export", "tributary.tries"
"""Properties of a table of staged rows: the export that they are of, and how often they were merged."""
INPUT, OUTPUT, SERDE = (
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
)


@dataclass(frozen=True)
class Limits:
    """What the function writes at the most; beyond either, Athena does."""

    table_rows: int
    changes_mb: int


def beyond(limits: Limits, rows: int, changed_bytes: int) -> tuple[bool, str]:
    """Whether Athena merges a run of that many bytes of Parquet into a table of that many rows, and why, as the run's
    report says it."""
    sizes = f"{changed_bytes / 1e6:.1f} MB into {rows:,} rows"
    if rows > limits.table_rows and changed_bytes:
        return True, f"{sizes}, and the function writes into {limits.table_rows:,} rows at the most"
    if changed_bytes > limits.changes_mb * 1_000_000:
        return True, f"{sizes}, and the function writes {limits.changes_mb} MB at the most"
    return False, sizes


def stored_rows(connection: duckdb.DuckDBPyConnection, target: Target) -> int:
    """The rows in the table's data files, those that are deleted by now among them: by its manifests."""
    if not target.exists:
        return 0
    sql = f"SELECT coalesce(sum(record_count), 0) FROM iceberg_metadata({target.name}) WHERE manifest_content = 'DATA'"
    ((rows,),) = connection.execute(sql).fetchall()
    return int(rows)


def prepare(connection: duckdb.DuckDBPyConnection, target: Target, shape: Shape, run: Run) -> Written | int:
    """The snapshot that the statement is to run on, 0 where there is none; or what the table holds, where it holds the
    run already. Raises as iceberg_table.write."""
    create(connection, target, shape, run)
    before = properties(connection, target)
    if already := holds(connection, target, run, before):
        return already
    statements = alterations(connection, target, shape)
    if statements or before.get(MERGING_TO) != run.until:
        connection.execute("BEGIN")
        try:
            for alteration in statements:
                connection.execute(alteration)
            set_properties(connection, target, {MERGING_TO: run.until})
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        _commit(connection, target)
    return snapshot(connection, target)


def mark(connection: duckdb.DuckDBPyConnection, target: Target, run: Run) -> Written:
    """Says in the table that it holds the run, which was merged. Called twice it changes nothing. Raises TableAltered
    where the table is not what was merged into, or has not the rows of a full export."""
    before = properties(connection, target)
    rows = count(connection, target.name)
    if before.get(RUN) == run.export_id or is_later(before.get(UNTIL), run.until):
        return Written(rows, 0, 0, committed=False, snapshot=snapshot(connection, target))
    if before.get(MERGING_TO) != run.until:
        raise TableAltered(
            f"{target.name} is not the table that the run was merged into: it was rolled back, or made anew by "
            "somebody else"
        )
    check_rows(connection, target, run, rows)
    connection.execute("BEGIN")
    commits = another(before)
    set_properties(connection, target, {RUN: run.export_id, UNTIL: run.until, COMMITS: str(commits)})
    _commit(connection, target)
    return Written(rows, 0, 0, committed=True, snapshot=snapshot(connection, target), commits=commits)


def _commit(connection: duckdb.DuckDBPyConnection, target: Target) -> None:
    try:
        connection.execute("COMMIT")
    except duckdb.Error as error:
        raise NotCommitted(f"{target.name}: {error}") from error


def staged_input(
    name: str, columns: list[dict[str, str]], location: str, run: Run, tries: int
) -> dict[str, Any]:
    """That table as the catalog takes it. `columns`: of the schema, as Glue has them; `location`: an S3 address."""
    of_changes = (
        [{"Name": MICROS, "Type": "bigint"}, {"Name": DELETED, "Type": "boolean"}] if run.since else []
    )
    return {
        "Name": name,
        "Description": "Rows that a run merges; it is deleted when they are",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "parquet",
            EXPORT: run.export_id,
            TRIES: str(tries),
        },
        "StorageDescriptor": {
            "Columns": [*columns, *of_changes],
            "Location": location,
            "InputFormat": INPUT,
            "OutputFormat": OUTPUT,
            "SerdeInfo": {"SerializationLibrary": SERDE, "Parameters": {"serialization.format": "1"}},
        },
    }


def failure(caught: Mapping[str, str]) -> tuple[str, bool]:
    """Why a statement failed, of what the state machine caught, and whether it may be tried again: not one that Athena
    or somebody stopped, which would be stopped again, and be paid for again. The cause is what GetQueryExecution
    answers (https://docs.aws.amazon.com/athena/latest/APIReference/API_QueryExecutionStatus.html)."""
    cause = caught.get("Cause", "")
    try:
        answer = json.loads(cause)
        execution = answer.get("QueryExecution", answer)
        status = execution["Status"]
    except (ValueError, AttributeError, KeyError, TypeError):
        return f"{caught.get('Error')}: {cause}"[:1000], True
    reason = status.get("StateChangeReason") or status.get("State", "")
    return f"query {execution.get('QueryExecutionId')}: {reason}"[:1000], status.get("State") != "CANCELLED"
