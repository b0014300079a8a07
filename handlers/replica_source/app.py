"""Finds what a replica's run needs of an export that has arrived whole; a state machine calls it, step by step.

The events and what they return: components/shared/run_steps.py. What the source's run handed over with the export is
the HandedOver of components/shared/run_records.py.

`plan`: the item of the one source whose export arrived. `start`: DONE, with all that normalising and publishing need,
once the schema, or the tables' names, of the source's run are written where this run's steps read them; BUSY, with
backoff, while the export that an increment builds on is not published; NOTHING where it is published already. Raises
`Unconnected` for an increment that was waited for in vain. Called twice it does the same.

Environment: components/shared/variables.py.
"""

import json
import os
from typing import Any, cast

import arrived
import boto3
import landing_folders
import variables
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError
from run_records import HandedOver
from run_sources import DYNAMODB
from run_steps import DONE, PLAN, RECORD, START, ArrivedEvent, Plan, Progress, StartEvent

logger = Logger(service="replica_source")
bucket = os.environ[variables.BUCKET]
s3 = boto3.client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 6}))


@logger.inject_lambda_context
def handler(event: Any, _context: object) -> Any:
    """Takes the step that the event names."""
    return {PLAN: plan, START: start}[event["step"]](event)


def plan(event: ArrivedEvent) -> Plan:
    """The run of the export that has arrived."""
    return arrived.plan(event["record"], cast(HandedOver, read(event["record"])))


def start(event: StartEvent) -> Progress:
    """Where everything of the export stands, when its turn has come."""
    item = event["item"]
    record = cast(HandedOver, read(item["of"][RECORD]))
    work = record["work"]
    if record["kind"] == DYNAMODB:
        progress = arrived.table(item, record, read_if_there(landing_folders.published_record(work["table"])))
        if progress["state"] == DONE:
            write(work["schema_key"], record.get("columns"))
    else:
        progress = arrived.database(item, record)
        key = landing_folders.names_key(record["source"])
        before = read_if_there(key)
        if (named := arrived.names(before, record)) != before:
            write(key, named)
    logger.info(START, source=record["source"], export=work["export_id"], state=progress["state"])
    return progress


def read(key: str) -> Any:
    """What a JSON object holds."""
    return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def read_if_there(key: str) -> Any:
    """What a JSON object holds, or None."""
    try:
        return read(key)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise


def write(key: str, value: object) -> None:
    """Puts JSON as an object."""
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(value).encode(), ContentType="application/json")
