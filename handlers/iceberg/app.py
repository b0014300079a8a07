"""Writes what a run exported of a table into its Iceberg table, in one commit.

The events and what is returned: components/shared/run_steps.py. Called twice it commits once. A commit that another
writer was ahead of is tried again on the table as that one left it, a few times.

What is beyond MERGE_TABLE_ROWS or MERGE_CHANGES_MB it does not write: it makes a table of the run's rows and a
statement (merging.py, merge_statement.py), by which Athena merges them, and then marks the table as holding the run.

Of the tables in COPIES it then writes the rows into one Parquet file (plain_copy.py).

The snapshot that a run leaves gets the export's id as its tag (tags.py).

With UPKEEP_ROLE_ARN it then turns Glue's optimizers on, which compact the table and expire its snapshots (upkeep.py).

DuckDB reads the normalised files, and reads and writes the table's, in S3 itself; /tmp holds what it spills.
Environment: components/shared/variables.py.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import boto3
import duckdb
import merge_statement
import merging
import nested_columns
import plain_copy
import tags
import upkeep
import variables
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.httpsession import get_cert_path
from catalog_names import field_names, staged_prefix, staged_table
from column_types import Column, stored_column
from duckdb_rows import Shape
from iceberg_table import NotCommitted, Run, TableAltered, Target, Written, write
from lake_catalog import Access, Engine, qualified
from landing_folders import copy_key, lake, published_record
from merge_statement import Merge
from run_records import GLUE_COLUMNS
from run_steps import ATHENA, FUNCTION, MARK, CommitEvent, Committed, MarkEvent, Merging

TRIES = 4
Result = TypeVar("Result")
Connection = duckdb.DuckDBPyConnection

logger = Logger(service="iceberg")
bucket, database = os.environ[variables.BUCKET], os.environ[variables.DATABASE]
copied: list[str] = json.loads(os.environ.get(variables.COPIES, "[]"))
session = boto3.Session()
config = Config(retries={"mode": "standard", "total_max_attempts": 6})
s3 = session.client("s3", config=config)
glue = session.client("glue", config=config)
engine = Engine()


@logger.inject_lambda_context
def handler(event: CommitEvent | MarkEvent, _context: object) -> Committed | Merging:
    """Commits the run, or has Athena merge it, or marks it as merged."""
    run = Run(
        event["export_id"],
        event["export"]["since"] if event["incremental"] else None,
        event["exported_to"],
        addresses(event["output_prefix"]),
    )
    result = mark(cast(MarkEvent, event), run) if event["step"] == MARK else commit(event, run)
    if "snapshot" in result:
        tag(event["table"], run)
    if "snapshot" in result and event["table"] in copied:
        copy(event, run)
        result["copy_key"] = copy_key(event["table"])
    if "snapshot" in result and (role := os.environ.get(variables.UPKEEP_ROLE_ARN)):
        keep_up(event["table"], upkeep.wanted(role, int(os.environ[variables.PAST_DAYS])))
    logger.info("written", table=event["table"], export_id=run.export_id, result=result)
    return result


def commit(event: CommitEvent, run: Run) -> Committed | Merging:
    """Commits the run, or makes what Athena needs to merge it, by the sizes of both."""
    schema = read_schema(event)
    table, shape = event["table"], Shape.of(schema)
    merge = Merge(database, table, staged_table(table, run.export_id), event["incremental"])
    changed_bytes = event["reconciled"]["bytes"]
    columns = [stored_column(column, field_names) for column in schema["columns"]]
    is_short = len(merge_statement.statement(merge, shape, 0)) <= merge_statement.LIMIT

    def work(lake: Connection, target: Target) -> tuple[Written | int, str, str]:
        merges, why = merging.beyond(limits(), merging.stored_rows(lake, target), changed_bytes)
        if merges and is_short:
            return merging.prepare(lake, target, shape, run), ATHENA, why
        too_long = "; the statement would be longer than Athena takes" if merges else ""
        return write(lake, target, shape, run), FUNCTION, why + too_long

    done, engine, why = again(table, work, columns)
    if isinstance(done, Written):
        drop(staged_prefix(table))
        return committed(table, done, engine, why)
    stage(event, schema[GLUE_COLUMNS], run)
    return {"engine": engine, "why": why, "query": merge_statement.statement(merge, shape, done)}


def mark(event: MarkEvent, run: Run) -> Committed:
    """Marks the table as holding the run, and forgets the rows that were staged for it."""
    marked = again(event["table"], lambda lake, target: merging.mark(lake, target, run))
    drop(staged_prefix(event["table"]))
    why = f"{event['committed']['why']}; {event['merged']['scanned_bytes'] / 1e6:,.0f} MB scanned"
    return committed(event["table"], marked, ATHENA, why)


def tag(table: str, run: Run) -> None:
    """Names the run's snapshot by its export. Where that fails, only the name is missing: the log says so."""
    for attempt in range(1, TRIES + 1):
        try:
            tags.add(access(), database, table, run.export_id, int(os.environ.get(variables.PAST_DAYS, "0")))
        except NotCommitted as error:
            logger.warning("not tagged", table=table, reason=str(error), attempt=attempt)
        else:
            return


def copy(event: CommitEvent, run: Run) -> None:
    """Writes the plain copy of the table, unless there is one of its snapshot."""
    shape, key = Shape.of(read_schema(event)), copy_key(event["table"])

    def work(lake: Connection, target: Target) -> bool:
        address = f"s3://{bucket}/{key}"
        return plain_copy.write(lake, target, shape, run.export_id, address, there=address in addresses(key))

    written = again(event["table"], work)
    logger.info("copied", table=event["table"], key=key, written=written)


def read_schema(event: CommitEvent) -> dict[str, Any]:
    """The schema that the run was normalised by."""
    return json.loads(s3.get_object(Bucket=bucket, Key=event["schema_key"])["Body"].read())


def committed(table: str, written: Written, engine: str, why: str) -> Committed:
    """What the function returns of a run that the table holds."""
    after = 0 if variables.UPKEEP_ROLE_ARN in os.environ else int(os.environ[variables.COMPACT_AFTER])
    due = bool(after and written.commits and written.commits % after == 0)
    if due:
        why += f"; Athena compacts the table after {written.commits} commits"
    done: Committed = {
        "rows": written.rows,
        "changes": written.changes,
        "deletes": written.deletes,
        "committed": written.committed,
        "snapshot": str(written.snapshot),
        "engine": engine,
        "why": why,
    }
    if due:
        done["compact"] = merge_statement.compaction(database, table)
    return done


def limits() -> merging.Limits:
    """By the environment."""
    environment = os.environ
    return merging.Limits(
        int(environment[variables.MERGE_TABLE_ROWS]), int(environment[variables.MERGE_CHANGES_MB])
    )


def stage(event: CommitEvent, columns: list[dict[str, str]], run: Run) -> None:
    """Puts the table of the run's rows into the catalog, and takes away those of other runs, whose statements then
    fail. Raises NotCommitted where the statement failed too often."""
    table = event["table"]
    name = staged_table(table, run.export_id)
    standing = {entry["Name"]: entry for entry in staged(staged_prefix(table))}
    tries = 1
    if failed := event.get("failed"):
        reason, may_come_again = merging.failure(failed)
        parameters = standing.get(name, {}).get("Parameters", {})
        tries = int(parameters.get(merging.TRIES, 1)) + 1
        logger.warning("not merged", table=table, reason=reason, tries=tries)
        if tries > TRIES or not may_come_again:
            glue.delete_table(DatabaseName=database, Name=name)
            raise NotCommitted(f"{table}: Athena did not merge the run: {reason}")
    location = f"s3://{bucket}/{event['output_prefix']}"
    table_input = merging.staged_input(name, columns, location, run, tries)
    if name in standing:
        glue.update_table(DatabaseName=database, TableInput=table_input)
    else:
        glue.create_table(DatabaseName=database, TableInput=table_input)
    for other in standing.keys() - {name}:
        glue.delete_table(DatabaseName=database, Name=other)


def staged(prefix: str) -> list[dict[str, Any]]:
    """The tables of staged rows whose names begin so."""
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=database, Expression=f"{prefix}*")
    tables: list[dict[str, Any]] = [entry for page in pages for entry in page["TableList"]]
    return [entry for entry in tables if merging.EXPORT in entry.get("Parameters", {})]


def drop(prefix: str) -> None:
    """Takes the tables of staged rows away; their files are deleted by the bucket's lifecycle."""
    for entry in staged(prefix):
        glue.delete_table(DatabaseName=database, Name=entry["Name"])


def again(table: str, work: Callable[[Connection, Target], Result], columns: Sequence[Column] = ()) -> Result:
    """Does the work on a table that has those of the columns which DuckDB can't add, and again where a commit was
    refused or its answer lost. Raises NotCommitted after TRIES."""
    for attempt in range(1, TRIES):
        try:
            return once(table, work, columns)
        except NotCommitted as error:
            logger.warning("not committed", table=table, reason=str(error), attempt=attempt)
    return once(table, work, columns)


def once(table: str, work: Callable[[Connection, Target], Result], columns: Sequence[Column]) -> Result:
    """One try, with a DuckDB that has the account's catalog as it is now."""
    target = Target(qualified(database, table), f"s3://{bucket}/{lake(table).rstrip('/')}", exists(table))
    if target.exists and (added := nested_columns.add(access(), database, table, columns)):
        logger.info("columns added", table=table, columns=added)
    try:
        with engine.lake(access(), memory_limit=os.environ.get(variables.MEMORY, "512MB")) as connection:
            return work(connection, target)
    except TableAltered as error:
        raise TableAltered(
            f"{error}. Mend it, or delete the table {table} from the catalog and {published_record(table)} to "
            "begin anew"
        ) from error


def keep_up(table: str, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Turns the table's optimizers on as they are wanted. Called twice it changes nothing."""
    place = {"CatalogId": os.environ[variables.ACCOUNT_ID], "DatabaseName": database, "TableName": table}
    for kind, desired in wanted.items():
        try:
            current = glue.get_table_optimizer(**place, Type=kind)["TableOptimizer"]["configuration"]
        except glue.exceptions.EntityNotFoundException:
            glue.create_table_optimizer(**place, Type=kind, TableOptimizerConfiguration=desired)
            logger.info("optimizer made", table=table, optimizer=kind)
            continue
        if upkeep.differs(current, desired):
            glue.update_table_optimizer(**place, Type=kind, TableOptimizerConfiguration=desired)
            logger.info("optimizer changed", table=table, optimizer=kind)


def exists(table: str) -> bool:
    """Whether the catalog has the table. Raises TableAltered where it is another kind of table."""
    try:
        entry = glue.get_table(DatabaseName=database, Name=table)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return False
    if entry.get("Parameters", {}).get("table_type", "").upper() != "ICEBERG":
        raise TableAltered(
            f"{table} is a table of Parquet files in the catalog; to make it an Iceberg table, delete it and "
            f"{published_record(table)}: the next run exports all of it"
        )
    return True


def access() -> Access:
    """The function's own endpoints and credentials."""
    credentials = session.get_credentials()
    assert credentials is not None  # the role's, in Lambda
    frozen = credentials.get_frozen_credentials()
    return Access(
        os.environ[variables.ACCOUNT_ID],
        glue.meta.region_name,
        glue.meta.endpoint_url,
        s3.meta.endpoint_url,
        frozen.access_key,
        frozen.secret_key,
        frozen.token,
        get_cert_path(True),
    )


def addresses(prefix: str) -> list[str]:
    """The Parquet files below the prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = (entry["Key"] for page in pages for entry in page.get("Contents", ()))
    return [f"s3://{bucket}/{key}" for key in keys if key.endswith(".parquet")]
