"""Writes what a run exported of a table into its Iceberg table, in one commit.

The event and what is returned: `CommitEvent` and `Committed` of components/shared/run_steps.py. Called twice it commits
once. A commit that another writer was ahead of is tried again on the table as that one left it, a few times.

With UPKEEP_ROLE_ARN it then turns Glue's optimizers on, which compact the table and expire its snapshots (upkeep.py).

DuckDB reads the normalised files, and reads and writes the table's, in S3 itself; /tmp holds what it spills.
Environment: components/shared/variables.py.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import upkeep
import variables
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.httpsession import get_cert_path
from duckdb_rows import Shape
from iceberg_table import NotCommitted, Run, TableAltered, Target, Written, write
from lake_catalog import Access, connect, qualified
from landing_folders import lake, published_record
from run_steps import CommitEvent, Committed

TRIES = 4

logger = Logger(service="iceberg")
bucket, database = os.environ[variables.BUCKET], os.environ[variables.DATABASE]
session = boto3.Session()
config = Config(retries={"mode": "standard", "total_max_attempts": 6})
s3 = session.client("s3", config=config)
glue = session.client("glue", config=config)


@logger.inject_lambda_context
def handler(event: CommitEvent, _context: object) -> Committed:
    """Commits the run."""
    schema: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=event["schema_key"])["Body"].read())
    run = Run(
        event["export_id"],
        event["export"]["since"] if event["incremental"] else None,
        event["exported_to"],
        addresses(event["output_prefix"]),
    )
    written = commit_again(event["table"], Shape.of(schema), run)
    if role := os.environ.get(variables.UPKEEP_ROLE_ARN):
        keep_up(event["table"], upkeep.wanted(role, int(os.environ[variables.PAST_DAYS])))
    result: Committed = {
        "rows": written.rows,
        "changes": written.changes,
        "deletes": written.deletes,
        "committed": written.committed,
        "snapshot": str(written.snapshot),
    }
    logger.info("written", table=event["table"], export_id=run.export_id, result=result)
    return result


def commit_again(table: str, shape: Shape, run: Run) -> Written:
    """Commits, and tries again where that was refused or its answer lost. Raises NotCommitted after TRIES."""
    for attempt in range(1, TRIES):
        try:
            return commit(table, shape, run)
        except NotCommitted as error:
            logger.warning("not committed", table=table, reason=str(error), attempt=attempt)
    return commit(table, shape, run)


def commit(table: str, shape: Shape, run: Run) -> Written:
    """One try."""
    target = Target(qualified(database, table), f"s3://{bucket}/{lake(table).rstrip('/')}", exists(table))
    with tempfile.TemporaryDirectory(prefix="iceberg-") as scratch:
        connection = connect(
            access(), memory_limit=os.environ.get(variables.MEMORY, "512MB"), spill=Path(scratch)
        )
        try:
            return write(connection, target, shape, run)
        except TableAltered as error:
            raise TableAltered(
                f"{error}. Mend it, or delete the table {table} from the catalog and {published_record(table)} to "
                "begin anew"
            ) from error
        finally:
            connection.close()


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
