"""Starts a full export of each table to the landing bucket, as of the time that the schedule was due.

Event: {"scheduled_time": "2026-01-01T16:00:00Z"}; EventBridge Scheduler fills
`<aws.scheduler.scheduled-time>` in. Returns {"exports": [{"table_arn", "export_arn", "status"}]}. When a
table's export does not start the others are still tried, and one `ExportsNotStarted` names each that failed
and why; the run may be repeated as it is, since the client token (valid 8 hours) makes the exports that did
start no second ones.

Environment: components/shared/variables.py.
"""

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from exports import ExportsNotStarted, Settings, explain, request
from scheduled_time import planned

logger = Logger(service="export_start")
settings = Settings.read(os.environ)
# Retries throttling, LimitExceededException, 5xx and time-outs with backoff, half a minute a table at most;
# a call repeated after a time-out has the same client token.
dynamodb = boto3.client("dynamodb", config=Config(retries={"mode": "standard", "total_max_attempts": 6}))


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Starts an export of each table. Raises ExportsNotStarted."""
    due = planned(event)
    started: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for table_arn in settings.tables:
        try:
            export = dynamodb.export_table_to_point_in_time(**request(table_arn, due, settings))[
                "ExportDescription"
            ]
        except (ClientError, BotoCoreError) as error:
            failed[table_arn] = explain(error, settings)
            logger.error("export not started", table_arn=table_arn, reason=failed[table_arn])
            continue
        started.append(
            {"table_arn": table_arn, "export_arn": export["ExportArn"], "status": export["ExportStatus"]}
        )
        logger.info("export started", **started[-1])
    if failed:
        raise ExportsNotStarted(failed, len(started))
    return {"exports": started}
