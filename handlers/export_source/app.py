"""Starts the exports of a run and returns the state of each; a state machine calls it, step by step.

`plan`: {"step": "plan", "scheduled_time", "sources": a list as JSON (see sources.py)}, of a snapshot's event also
"only" (its name) and "snapshot_arn". Returns {"due", "dynamodb": [item], "rds": [item]}, an item a source: {"source":
its name, "of": its entry of `sources`, "due", "attempt": 0, "polls": 0, "snapshot_arn"}.

`start`: {"step": "start", "item"}. Starts the source's next export, or finds the one that an earlier call started.
Returns the item with "export" and {"state": "RUNNING", "wait": seconds}, {"state": "NOTHING"} where no window is due,
or {"state": "BUSY", "wait"} (with backoff) while a snapshot is being made or the account's five RDS exports are taken.

`status`: {"step": "status", "item": what `start` or `status` returned}. "state" becomes RUNNING (wait "wait" seconds,
with backoff), AGAIN (the export failed and is to be started anew), or DONE, with all that normalising and publishing
need. Raises `ExportFailed`, with the service's reason, when the last attempt failed.

`forget`: {"step": "forget", "item"}. Deletes the snapshot that was made for the run, where there is one; `status` does
so itself once an export is done. Returns {"forgotten": its name, or None}.

Environment: PIPELINE, BUCKET, BUCKET_OWNER, KMS_KEY_ARN (absent: SSE-S3, and no RDS), EXPORT_ROLE_ARN (of RDS).
"""

import json
import os

import boto3
import dynamodb_source
import landing_folders
import rds_source
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError
from sources import Settings, Source, chosen, due_time, wait

logger = Logger(service="export_source")
settings = Settings.read(os.environ)
config = Config(retries={"mode": "standard", "total_max_attempts": 6})
dynamodb = boto3.client("dynamodb", config=config)
rds = boto3.client("rds", config=config)
s3 = boto3.client("s3", config=config)


@logger.inject_lambda_context
def handler(event, _context):
    if event["step"] == "plan":
        return plan(event)
    item = event["item"]
    source = Source.of(item["of"])
    if event["step"] == "forget":
        return forget(source, item)
    if source.kind == "dynamodb":
        steps = {"start": start_dynamodb, "status": dynamodb_status}
    else:
        steps = {"start": start_rds, "status": rds_status}
    try:
        answer = steps[event["step"]](source, item)
    except rds_source.Busy as busy:
        logger.info("busy", source=source.name, reason=str(busy))
        polls = item.get("polls", 0) + 1
        answer = {**item, "state": "BUSY", "polls": polls, "wait": wait(polls)}
    logger.info(event["step"], source=source.name, state=answer["state"], export=answer.get("export"))
    return answer


def plan(event):
    due = due_time(event)
    descriptions = {source["name"]: source for source in json.loads(event["sources"])}
    planned = {"dynamodb": [], "rds": []}
    for source in chosen(map(Source.of, descriptions.values()), event.get("only")):
        item = {
            "source": source.name,
            "of": descriptions[source.name],
            "due": due.isoformat(),
            "attempt": 0,
            "polls": 0,
            "snapshot_arn": event.get("snapshot_arn", ""),
        }
        planned["dynamodb" if source.kind == "dynamodb" else "rds"].append(item)
    return {"due": due.isoformat(), **planned}


def state_of(table):
    """The record of what is published of the table; None when nothing is."""
    try:
        key = landing_folders.state(table, "current.json")
        return json.loads(s3.get_object(Bucket=settings.bucket, Key=key)["Body"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise


def start_dynamodb(source, item):
    current = state_of(source.table)
    span = dynamodb_source.span(source, current, due_time({"scheduled_time": item["due"]}))
    if span is None:
        return {**item, "state": "NOTHING", "tables": []}
    notice = ""
    try:
        export = export_table(source, span, item)
    except dynamodb.exceptions.InvalidExportTimeException as error:
        if span.since is None:
            raise
        # Recovery was turned off and on again, or reaches back for fewer days: what changed since is not to be had.
        notice = f"exported in full, as recovery does not reach back to {span.since.isoformat()}: {error}"
        logger.warning("started over", source=source.name, reason=notice)
        span = dynamodb_source.everything(span.due)
        export = export_table(source, span, item)
    return {
        **item,
        "export": {"arn": export["ExportArn"], **span.json(), "notice": notice},
        "polls": 0,
        "state": "RUNNING",
        "wait": 10,
    }


def export_table(source, span, item):
    request = dynamodb_source.request(source, span, item["attempt"], settings)
    return dynamodb.export_table_to_point_in_time(**request)["ExportDescription"]


def dynamodb_status(source, item):
    export = dynamodb.describe_export(ExportArn=item["export"]["arn"])["ExportDescription"]
    settled = _settled(
        item,
        export["ExportStatus"],
        "COMPLETED",
        f"{export.get('FailureCode')}: {export.get('FailureMessage')}",
    )
    if settled["state"] != "DONE":
        return settled
    keys = dynamodb_source.keys(dynamodb.describe_table(TableName=source.arn)["Table"])
    return settled | dynamodb_source.work(source, item["export"], export, keys, state_of(source.table))


def start_rds(source, item):
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
        export = {"identifier": request["ExportTaskIdentifier"], "snapshot_arn": snapshot}
        return {**item, "export": export, "polls": 0, "state": "RUNNING", "wait": 30}
    raise rds_source.ExportFailed(f"every attempt to export {snapshot} failed before; see the RDS console")


def rds_status(source, item):
    export = item["export"]
    task = rds_source.task(rds, export["identifier"], export["snapshot_arn"])
    settled = _settled(
        item, task["Status"], "COMPLETE", f"{task.get('FailureCause')} {task.get('WarningMessage') or ''}"
    )
    if settled["state"] == "DONE":
        if task.get("WarningMessage"):
            raise rds_source.ExportFailed(
                f"the export {export['identifier']} is complete with a warning: {task['WarningMessage']}"
            )
        forget(source, item)
        settled |= rds_source.work(source, item, task)
    return settled


def forget(source, item):
    """What was made for the run goes with it."""
    if source.snapshot != "made-for-the-run":
        return {"forgotten": None}
    name = rds_source.snapshot_name(source, item["due"], settings)
    rds_source.forget(rds, source, name)
    logger.info("forgotten", source=source.name, snapshot=name)
    return {"forgotten": name}


def _settled(item, status, done, reason):
    if status == done:
        return {**item, "state": "DONE"}
    if status in ("FAILED", "CANCELED"):
        if item["attempt"] + 1 >= rds_source.ATTEMPTS:
            raise rds_source.ExportFailed(
                f"the export of {item['source']} failed {rds_source.ATTEMPTS} times: {reason}"
            )
        logger.warning("export failed", source=item["source"], reason=reason)
        return {**item, "attempt": item["attempt"] + 1, "polls": 0, "state": "AGAIN"}
    polls = item["polls"] + 1
    return {**item, "polls": polls, "state": "RUNNING", "wait": wait(polls)}
