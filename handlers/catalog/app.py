"""Publishes finished, reconciled exports in the Glue catalog, and reports a run.

The events and what they return: components/shared/run_steps.py.

`publish` makes or widens each table, registers the export's partition, and then moves the view `<table>_latest` to it
and keeps the record of what is published (landing_folders.published_record), in this order; an Iceberg table has been
committed to already. A call that breaks off leaves readers where they were, and can be repeated. An export with a
table that can't be published, as another source's is published under its name, moves none. One that is older than the
published one moves nothing but a view that another call left behind (two runs at once), and gets its partition unless
that is the published one's, which queries read. What it published lies in S3 (run_records.py), as the state would not
hold what a large database has.

`report` puts the metrics `Published` and `Failed` (1 or 0) and `Skipped` (tables that RDS left out) of each source,
`Rows`, `SetAside` (items with a value that no column holds) and `Age` (seconds between the data's time and now) of each
table. Raises `SourcesFailed`, which names each source that failed, or of which tables were refused, and why.

With HANDS_OVER it then leaves beside the export what a replica's run needs besides (landing_folders.handed_over).

Environment: components/shared/variables.py.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import landing_folders
import metric_names
import publishing
import variables
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError
from catalog_names import EXPORT_DATE, latest_view
from publishing import Export, Table
from run_records import GLUE_COLUMNS, DatabaseTables, PublishedRecord, PublishedTable, Result
from run_steps import PUBLISH, REPORT, Published, PublishEvent, ReportEvent

NAMED = 100  # tables in a report
logger = Logger(service="catalog")
pipeline, bucket = os.environ[variables.PIPELINE], os.environ[variables.BUCKET]
database = os.environ[variables.DATABASE]
config = Config(retries={"mode": "standard", "total_max_attempts": 6})
registers = os.environ[variables.CATALOG] == "registered"
hands_over = variables.HANDS_OVER in os.environ
glue = boto3.client("glue", config=config)
s3 = boto3.client("s3", config=config)
cloudwatch = boto3.client("cloudwatch", config=config)


@logger.inject_lambda_context
def handler(event: Any, _context: object) -> Any:
    """Takes the step that the event names."""
    return {PUBLISH: publish, REPORT: report}[event["step"]](event)


def publish(event: PublishEvent) -> Published:
    """Puts the tables of an export into the catalog."""
    export, before, names, etag = event["export"], None, None, None
    result: Result = {
        "source": export["source"],
        "tables": [],
        "notice": None,
        "conflicts": [],
        "skipped": {},
        "refused": {},
    }
    if "described" in export:  # an RDS export; the record of its tables is in S3, as it can be large
        described: DatabaseTables = read(export["described"]["tables_key"])[0]
        before, etag = read_if_there(landing_folders.names_key(export["source"]))
        names = publishing.named(described["tables"], before or {}, export.get("catalog_names", {}))
        tables = publishing.database_tables(described["tables"], names)
        result["skipped"], result["refused"] = described["skipped"], described["refused"]
    else:
        tables = [publishing.exported_table(export, read(export["schema_key"])[0][GLUE_COLUMNS])]
        result["notice"], result["conflicts"] = export.get("notice"), export["schema"]["conflicts"]
    # All are checked before the first is written: a conflict leaves the readers of every table where they are.
    planned = [plan(table, export) for table in tables]
    if names is not None and names != before:
        write(landing_folders.names_key(export["source"]), names, etag)
    result["tables"] = [publish_table(*table, export) for table in planned]
    logger.info("published", source=export["source"], tables=result["tables"])
    key = landing_folders.result_key(export["source"], export["export_id"])
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(result).encode())
    if hands_over:
        hand_over(export, {table["of"]: table["table"] for table in tables})
    return {"source": export["source"], "published_key": key, "tables": len(result["tables"])}


def hand_over(export: Export, names: dict[str, str]) -> None:
    """Writes what the run of a replica needs beside the export's own files. `names`: see HandedOver."""
    if "described" in export:
        record = publishing.handed_over_database(export, names, files(export["export_prefix"]))
    else:
        record = publishing.handed_over_table(export, read(export["schema_key"])[0])
    key = landing_folders.handed_over(export["source"], export["export_id"])
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(record).encode(), ContentType="application/json")


def files(prefix: str) -> dict[str, int]:
    """The objects below the prefix: key -> bytes."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", ())}


Planned = tuple[Table, dict[str, Any], PublishedRecord | None, str | None]
"""A table, its TableInput, the record of what is published of it, and the record's ETag."""


def plan(table: Table, export: Export) -> Planned:
    """What is to be written for a table. Raises SchemaConflict where readers would break."""
    name = table["table"]
    current, etag = read_if_there(landing_folders.published_record(name))
    publishing.check_source(table, current, export["source"])
    if table["iceberg"]:
        table_input = publishing.committed_table(name, table["columns"], existing(name))
    else:
        table_input = publishing.table(name, table["columns"], bucket, existing(name) if registers else None)
    if registers:
        publishing.check_view(name, existing(latest_view(name)))
    return table, table_input, current, etag


def publish_table(
    table: Table,
    table_input: dict[str, Any],
    current: PublishedRecord | None,
    etag: str | None,
    export: Export,
) -> PublishedTable:
    """Writes what `plan` planned: table, partition, view, record, in this order."""
    name = table["table"]
    moved = current is None or current["exported_to"] <= export["exported_to"]
    if registers and not table["iceberg"]:
        put_table(table_input)
        # Not in the place of a newer one of that day, on which the view stands.
        if current is None or moved or current["export_date"] != export["export_date"]:
            put_partition(
                name, publishing.partition(table_input, bucket, table["location"], export["export_date"])
            )
    if moved:
        if registers:
            put_table(publishing.latest(table_input, database, export["export_date"]))
        record: PublishedRecord = {
            "table": name,
            "source": export["source"],
            "of": table["of"],
            "export_id": export["export_id"],
            "export_date": export["export_date"],
            "exported_to": export["exported_to"],
            "location": table["location"],
            "schema_key": table["schema_key"],
            "rows": table["rows"],
        }
        write(landing_folders.published_record(name), record, etag)
    elif registers:
        settle_view(name, table_input)
    return {
        "table": name,
        "rows": table["rows"],
        "set_aside": table["set_aside"],
        "exported_to": export["exported_to"],
        "moved": moved,
        "snapshot": table["snapshot"],
        "written": table["written"],
    }


def settle_view(name: str, table_input: Mapping[str, Any]) -> None:
    """Points the view at the published partition. Two runs at once can leave the view at the older one; the older run's
    retry calls this to repair it."""
    while True:
        current, etag = read_if_there(landing_folders.published_record(name))
        view = existing(latest_view(name))
        if current is None or (view and view["Parameters"].get(EXPORT_DATE) == current["export_date"]):
            return
        put_table(publishing.latest(table_input, database, current["export_date"]))
        if read_if_there(landing_folders.published_record(name))[1] == etag:
            return


def existing(name: str) -> dict[str, Any] | None:
    """The table as the catalog holds it, or None."""
    try:
        return glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return None


def put_table(table_input: Mapping[str, Any]) -> None:
    """Makes the table, or changes it."""
    try:
        glue.create_table(DatabaseName=database, TableInput=table_input)
    except glue.exceptions.AlreadyExistsException:
        glue.update_table(DatabaseName=database, TableInput=table_input)


def put_partition(name: str, partition: Mapping[str, Any]) -> None:
    """Registers the partition, or moves it."""
    try:
        glue.create_partition(DatabaseName=database, TableName=name, PartitionInput=partition)
    except glue.exceptions.AlreadyExistsException:
        glue.update_partition(
            DatabaseName=database,
            TableName=name,
            PartitionValueList=partition["Values"],
            PartitionInput=partition,
        )


def read(key: str) -> tuple[Any, str]:
    """What a JSON object holds, and its ETag."""
    answer = s3.get_object(Bucket=bucket, Key=key)
    return json.loads(answer["Body"].read()), answer["ETag"]


def write(key: str, value: object, etag: str | None) -> None:
    """Puts JSON in the place of what was read with `etag`. Refused where another call has written since: tried again,
    it sees what that one wrote."""
    unchanged = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(value).encode(), **unchanged)


def read_if_there(key: str) -> tuple[Any, str | None]:
    """What a JSON object holds, and its ETag; None and None where there is none."""
    try:
        return read(key)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None, None
        raise


def report(event: ReportEvent) -> dict[str, Any]:
    """Puts the metrics of a run. Raises SourcesFailed."""
    results: list[dict[str, Any]] = [
        read(result["published_key"])[0] if "published_key" in result else result
        for branch in event["results"]
        for result in branch
    ]
    metrics = publishing.metrics(pipeline, results, datetime.now(UTC))
    for first in range(0, len(metrics), 1000):
        cloudwatch.put_metric_data(Namespace=metric_names.NAMESPACE, MetricData=metrics[first : first + 1000])
    failed = {result["source"]: result["error"] for result in results if "error" in result}
    failed |= {
        result["source"]: publishing.refused(result["refused"]) for result in results if result.get("refused")
    }
    for source, error in failed.items():
        logger.error(
            "source failed", source=source, error=error.get("Error"), reason=publishing.reason(error)
        )
    if failed:
        raise publishing.SourcesFailed(failed, len(results))
    notices = {result["source"]: publishing.notice(result) for result in results}
    tables = [table for result in results for table in result["tables"]]
    published = [table["table"] for table in tables]
    written = {table["table"]: table["written"] for table in tables if table.get("written")}
    return {
        "due": event["due"],
        "tables": len(published),
        "published": published[:NAMED],
        "written": dict(list(written.items())[:NAMED]),
        "notices": {source: notice for source, notice in notices.items() if notice},
    }
