"""Starts the exports of a run and returns the state of each; a state machine calls it, step by step.

The events and what they return: components/shared/run_steps.py.

`plan`: an item for each source of the run. `start`: the source's next export is started, or the one that an earlier
call started is found: RUNNING; NOTHING where no window is due; BUSY, with backoff, while a snapshot is being made or
the account's five RDS exports are taken. `status`: RUNNING, with backoff; AGAIN where the export failed and is to be
started anew; DONE, with all that normalising and publishing need. Raises `ExportFailed`, with the service's reason,
when the last attempt failed. `forget`: the snapshot that was made for the run is deleted, where there is one; `status`
does so itself once an export is done.

Environment: components/shared/variables.py.
"""

import json
import os
from typing import Any, cast

import boto3
import dynamodb_source
import landing_folders
import rds_source
import scheduled_time
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError
from run_records import PublishedRecord
from run_sources import DATABASES, DYNAMODB, MADE_FOR_THE_RUN, RunSource
from run_steps import (
    AGAIN,
    BUSY,
    DONE,
    FORGET,
    NOTHING,
    PLAN,
    RUNNING,
    START,
    STATUS,
    DatabaseItem,
    Item,
    Plan,
    PlanEvent,
    Progress,
    SnapshotExport,
    TableItem,
)
from sources import Settings, chosen, due_time, wait

logger = Logger(service="export_source")
settings = Settings.read(os.environ)
config = Config(retries={"mode": "standard", "total_max_attempts": 6})
dynamodb = boto3.client("dynamodb", config=config)
rds = boto3.client("rds", config=config)
s3 = boto3.client("s3", config=config)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: object) -> Any:
    """Takes the step that the event names."""
    if event["step"] == PLAN:
        return plan(cast(PlanEvent, event))
    item = event["item"]
    source = RunSource.of(item["of"])
    if event["step"] == FORGET:
        return forget(source, item)
    if source.kind == DYNAMODB:
        steps = {START: start_dynamodb, STATUS: dynamodb_status}
    else:
        steps = {START: start_rds, STATUS: rds_status}
    try:
        answer = steps[event["step"]](source, item)
    except rds_source.Busy as busy:
        logger.info("busy", source=source.name, reason=str(busy))
        polls = item.get("polls", 0) + 1
        answer = {**item, "state": BUSY, "polls": polls, "wait": wait(polls)}
    logger.info(event["step"], source=source.name, state=answer["state"], export=answer.get("export"))
    return answer


def plan(event: PlanEvent) -> Plan:
    """An item for each source that this run exports."""
    due = due_time(event)
    descriptions = {source["name"]: source for source in json.loads(event["sources"])}
    planned: dict[str, list[Item]] = {DYNAMODB: [], DATABASES: []}
    for source in chosen(map(RunSource.of, descriptions.values()), event.get("only")):
        item: Item = {
            "source": source.name,
            "of": descriptions[source.name],
            "due": due.isoformat(),
            "attempt": 0,
            "polls": 0,
            "snapshot_arn": event.get("snapshot_arn", ""),
        }
        planned[source.branch].append(item)
    return {"due": due.isoformat(), "dynamodb": planned[DYNAMODB], "rds": planned[DATABASES]}


def state_of(table: str) -> PublishedRecord | None:
    """The record of what is published of the table; None when nothing is."""
    try:
        key = landing_folders.published_record(table)
        return json.loads(s3.get_object(Bucket=settings.bucket, Key=key)["Body"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise


def start_dynamodb(source: RunSource, item: Item) -> Progress:
    """Starts the export of a table's next window, or of all of it."""
    current = state_of(source.table)
    span = dynamodb_source.span(source, current, due_time({scheduled_time.KEY: item["due"]}))
    if span is None:
        return {**item, "state": NOTHING, "tables": []}
    notice = ""
    try:
        arn = export_table(source, span, item)
    except dynamodb.exceptions.InvalidExportTimeException as error:
        if span.since is None:
            raise
        # Recovery was turned off and on again, or reaches back for fewer days: what changed since is not to be had.
        notice = f"exported in full, as recovery does not reach back to {span.since.isoformat()}: {error}"
        logger.warning("started over", source=source.name, reason=notice)
        span = dynamodb_source.everything(span.due)
        arn = export_table(source, span, item)
    return {
        **item,
        "export": span.export(arn, notice),
        "polls": 0,
        "state": RUNNING,
        "wait": 10,
    }


def export_table(source: RunSource, span: dynamodb_source.Span, item: Item) -> str:
    """The ARN of the export, also where an earlier call started it."""
    request = dynamodb_source.request(source, span, item["attempt"], settings)
    return dynamodb.export_table_to_point_in_time(**request)["ExportDescription"]["ExportArn"]


def dynamodb_status(source: RunSource, item: TableItem) -> Progress:
    """How far a table's export is; when it is done, where everything of it stands."""
    export = dynamodb.describe_export(ExportArn=item["export"]["arn"])["ExportDescription"]
    settled = _settled(
        item,
        export["ExportStatus"],
        "COMPLETED",
        f"{export.get('FailureCode')}: {export.get('FailureMessage')}",
    )
    if settled["state"] != DONE:
        return settled
    keys = dynamodb_source.keys(dynamodb.describe_table(TableName=source.arn)["Table"])
    work = dynamodb_source.work(source, item["export"], export, keys, state_of(source.table))
    return cast(Progress, {**settled, **work})


def start_rds(source: RunSource, item: Item) -> Progress:
    """Starts the export of a database's snapshot."""
    snapshot = rds_source.snapshot(rds, source, item, settings)
    for attempt in range(rds_source.ATTEMPTS * (item["attempt"] + 1)):
        request = rds_source.request(source, snapshot, item, attempt, settings)
        try:
            rds.start_export_task(**request)
        except ClientError as error:
            if rds_source.is_limit(error):
                raise rds_source.Busy(f"no export of {source.name} can start now: {error}") from error
            if error.response["Error"]["Code"] not in (
                "ExportTaskAlreadyExists",
                "ExportTaskAlreadyExistsFault",
            ):
                raise
            # An identifier is never free again: what it stands for is this run's, or it failed.
            if rds_source.task(rds, request["ExportTaskIdentifier"], snapshot)["Status"] in (
                "FAILED",
                "CANCELED",
            ):
                continue
        export: SnapshotExport = {"identifier": request["ExportTaskIdentifier"], "snapshot_arn": snapshot}
        return {**item, "export": export, "polls": 0, "state": RUNNING, "wait": 30}
    raise rds_source.ExportFailed(f"every attempt to export {snapshot} failed before; see the RDS console")


def rds_status(source: RunSource, item: DatabaseItem) -> Progress:
    """How far a database's export is; when it is done, where everything of it stands."""
    export = item["export"]
    task = rds_source.task(rds, export["identifier"], export["snapshot_arn"])
    settled = _settled(
        item, task["Status"], "COMPLETE", f"{task.get('FailureCause')} {task.get('WarningMessage') or ''}"
    )
    if settled["state"] == DONE:
        if task.get("WarningMessage"):
            raise rds_source.ExportFailed(
                f"the export {export['identifier']} is complete with a warning: {task['WarningMessage']}"
            )
        forget(source, item)
        return cast(Progress, {**settled, **rds_source.work(source, item, task)})
    return settled


def forget(source: RunSource, item: Item) -> dict[str, str | None]:
    """Deletes the snapshot that was made for the run, where there is one; returns its name."""
    if source.snapshot != MADE_FOR_THE_RUN:
        return {"forgotten": None}
    name = rds_source.snapshot_name(source, item["due"], settings)
    rds_source.forget(rds, source, name)
    logger.info("forgotten", source=source.name, snapshot=name)
    return {"forgotten": name}


def _settled(item: TableItem | DatabaseItem, status: str, done: str, reason: str) -> Progress:
    if status == done:
        return cast(Progress, {**item, "state": DONE})
    if status in ("FAILED", "CANCELED"):
        if item["attempt"] + 1 >= rds_source.ATTEMPTS:
            raise rds_source.ExportFailed(
                f"the export of {item['source']} failed {rds_source.ATTEMPTS} times: {reason}"
            )
        logger.warning("export failed", source=item["source"], reason=reason)
        return cast(Progress, {**item, "attempt": item["attempt"] + 1, "polls": 0, "state": AGAIN})
    polls = item["polls"] + 1
    return cast(Progress, {**item, "polls": polls, "state": RUNNING, "wait": wait(polls)})
