"""DynamoDB export to S3: full and incremental, in the service's layout, under the caller's own permissions.

Needs point-in-time recovery (history.py), and the right to a customer's key (table_key.py); the objects
are those of export_files.py. ION is not written.
Limits: an increment spans 15 minutes to 24 hours inside the recovery window; a client token holds for 8 hours.
A rejected request is an API error; a bucket that is missing or refuses ends the export as FAILED.
Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html;
docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html.
"""

import json
import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from local.plain import within

from ..background import in_background
from ..clock import clock
from ..iam.authorization import Denied, caller, wrap
from ..s3.encryption import MissingKey, S3Error
from ..seams import dynamodb, iam_actions
from ..seams.iam_evaluator import PrincipalInfo
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import error_response_json, get_account_id, get_region, json_response
from .export_files import Refused, iso, write
from .history import (
    WINDOW_SECONDS,
    Table,
    history,
    recoverable_since,
    remember,
    table_id,
    window_start,
)
from .table_key import check_table_key, handle_streams

log = logging.getLogger("tributary.cloud")
TOKEN_SECONDS = 8 * 3600
tokens: dict[tuple[str, str], tuple[float, Record, str]] = {}


async def run(principal: PrincipalInfo, table: Table, description: Record) -> None:
    """Writes an export's objects, and makes its description COMPLETED, or FAILED with a code and a message."""
    failure: tuple[str, str] | None = None
    try:
        await write(principal, table, description)
    except Denied as denied:
        failure = ("KMSAccessDenied" if denied.action.startswith("kms:") else "S3AccessDenied", str(denied))
    except (Refused, S3Error) as refused:
        failure = (refused.code, str(refused))
    except MissingKey as missing:
        failure = ("KMSNotFound", str(missing))
    except Exception as error:
        log.exception("export %s", description["ExportArn"])
        failure = ("InternalServerError", str(error))
    if failure:
        log.warning("export %s failed: %s", description["ExportArn"], failure[1])
        description.update(
            ExportStatus="FAILED", EndTime=clock(), FailureCode=failure[0], FailureMessage=failure[1]
        )
    else:
        description["ExportStatus"] = "COMPLETED"


def describe(request: Record) -> Record:
    """The new export's description, or Refused; nothing has been stored."""
    arn, now = request.get("TableArn", ""), clock()
    if not arn.startswith("arn:") or not request.get("S3Bucket"):
        raise Refused("ValidationException", "TableArn and S3Bucket are required")
    table = table_id(arn)
    record = dynamodb.tables.get_scoped(*table)
    if record is None:
        raise Refused("TableNotFoundException", f"Table not found: {arn}")
    if not dynamodb.recovery_settings.get_scoped(*table):
        raise Refused(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{table[2]}'",
        )
    if request.get("ExportFormat", "DYNAMODB_JSON") != "DYNAMODB_JSON":
        raise Refused("ValidationException", "only DYNAMODB_JSON is exported here")
    kind = request.get("ExportType", "FULL_EXPORT")
    spec: Record = dict(within(request, "IncrementalExportSpecification"))
    if kind == "INCREMENTAL_EXPORT":
        if "ExportTime" in request or "ExportFromTime" not in spec:
            raise Refused(
                "ValidationException", "an incremental export takes ExportFromTime, and no ExportTime"
            )
        spec = {"ExportViewType": "NEW_AND_OLD_IMAGES", "ExportToTime": now, **spec}
        if not 15 * 60 <= spec["ExportToTime"] - spec["ExportFromTime"] <= 24 * 3600:
            raise Refused("ValidationException", "the export period must be between 15 minutes and 24 hours")
        moments = (spec["ExportFromTime"], spec["ExportToTime"])
    else:
        moments = (request.get("ExportTime", now),)
    # Times come in whole seconds, so the second in which recovery was enabled counts.
    if any(not int(window_start(table)) <= moment <= now + 1 for moment in moments):
        raise Refused(
            "InvalidExportTimeException",
            f"export times must lie between {iso(window_start(table))} and {iso(now)}",
        )
    optional = ("S3BucketOwner", "S3Prefix", "S3SseAlgorithm", "S3SseKmsKeyId", "ClientToken")
    return {
        "ExportArn": f"{arn}/export/{int(now * 1000):014d}-{uuid.uuid4().hex[:8]}",
        "ExportStatus": "IN_PROGRESS",
        "StartTime": now,
        "TableArn": arn,
        "TableId": record.get("TableId", ""),
        "S3Bucket": request["S3Bucket"],
        "ExportFormat": "DYNAMODB_JSON",
        "ExportType": kind,
        **{n: request[n] for n in optional if request.get(n)},
        **({"IncrementalExportSpecification": spec} if spec else {"ExportTime": moments[0]}),
    }


def export_table(principal: PrincipalInfo, request: Record) -> Record:
    """A new export's description, which `run` completes in the background, or where a client token comes again that of
    its first export. Refused for a bad request, Denied or MissingKey for the table's key."""
    token = (get_account_id(), request.get("ClientToken", ""))
    used = tokens.get(token)
    if token[1] and used and clock() - used[0] < TOKEN_SECONDS:
        if used[1] != request:
            raise Refused(
                "ExportConflictException", "the client token was used for an export with other parameters"
            )
        return dynamodb.exports[used[2]]
    description = describe(request)
    check_table_key(principal, table_id(description["TableArn"]))
    dynamodb.exports[description["ExportArn"]] = description
    if token[1]:
        tokens[token] = (clock(), request, description["ExportArn"])
    in_background(run(principal, table_id(description["TableArn"]), description))
    return description


async def handle(
    stock: Handler, method: str, path: str, headers: Record, body: bytes, query: Record
) -> Answer:
    """ExportTableToPointInTime; also the recovery window in answers on continuous backups, and the end of a deleted
    table's history."""
    action = headers.get("x-amz-target", "").split(".")[-1]
    if action == "ExportTableToPointInTime":
        try:
            return json_response(
                {"ExportDescription": dict(export_table(caller(headers, query), json.loads(body)))}
            )
        except (Refused, Denied, MissingKey) as refused:
            return error_response_json(getattr(refused, "code", "AccessDeniedException"), str(refused), 400)
    status, answer_headers, answer = await stock(method, path, headers, body, query)
    if status == 200 and action in ("UpdateContinuousBackups", "DescribeContinuousBackups"):
        name = dynamodb.table_name(json.loads(body)["TableName"])
        table, answered = (get_account_id(), get_region(), name), json.loads(answer)
        recovery = answered["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
            recovery.update(
                EarliestRestorableDateTime=window_start(table),
                LatestRestorableDateTime=clock(),
                RecoveryPeriodInDays=WINDOW_SECONDS // 86400,
            )
        else:
            recoverable_since.pop(table, None)
        return json_response(answered)
    if status == 200 and action == "DeleteTable":
        forgotten = (
            get_account_id(),
            get_region(),
            dynamodb.table_name(json.loads(body)["TableName"]),
        )
        history.pop(forgotten, None)
        recoverable_since.pop(forgotten, None)
    return status, answer_headers, answer


def resource_arn(
    stock: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: Record,
    body: bytes,
    *rest: Any,
    **named: Any,
) -> str:
    """Export calls name an ARN, where ministack expects a table's name and would evaluate '*'."""
    if service == "dynamodb" and "Export" in headers.get("x-amz-target", ""):
        with suppress(ValueError):
            request = json.loads(body or b"{}")
            return request.get("ExportArn") or request.get("TableArn") or "*"
    return stock(service, method, path, headers, body, *rest, **named)


def install() -> None:
    """Adds exports and the tables' history to ministack's DynamoDB, and the check of keys to its Streams."""
    dynamodb.exports_end_by_themselves(False)
    dynamodb.stream_event.replace(remember)
    iam_actions.resource_of.wrap(resource_arn)
    wrap("dynamodb", handle)
    wrap("dynamodbstreams", handle_streams)
