"""DynamoDB export to S3: full and incremental, in the service's layout, under the caller's own permissions.

Needs point-in-time recovery. Layout below `<prefix>/AWSDynamoDB/`: `<ExportId>/_started` first, then the data
(`<ExportId>/data/*.json.gz`, or the shared `data/` for an increment), `manifest-files.json`, and last
`manifest-summary.json` with its checksum; one data file per `ITEMS_PER_FILE` items, spread by the hash of
the partition key, one empty file for an empty table. All by multipart upload, so that S3 announces
`s3:ObjectCreated:CompleteMultipartUpload`.
Limits: an increment spans 15 minutes to 24 hours inside the recovery window; a client token holds for 8 hours.
A table under a customer's key is exported, and its stream read, only by whom the key lets decrypt by way of DynamoDB,
with the table and the account as encryption context (encryption.usagenotes.html); other calls do not need that right.
A rejected request is an API error; a bucket that is missing or refuses ends the export as FAILED.
The window starts when recovery was enabled, or when this process started. ION is not written.
Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html and
S3DataExport_Requesting.html; docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import gzip
import hashlib
import json
import logging
import os
import time
import uuid
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ministack.core import iam_actions
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import dynamodb

from .authorization import Denied, bucket_owner, caller, check, wrap
from .background import in_background
from .s3_encryption import KEY_HEADER, MissingKey, S3Error, resolve_key, write_multipart

log = logging.getLogger("tributary.cloud")
ITEMS_PER_FILE = 5_000
TOKEN_SECONDS, WINDOW_SECONDS = 8 * 3600, 35 * 86400
Table = tuple[str, str, str]  # account, region, name
# What changed in a table, oldest first: seconds, keys, old image, new image.
history: dict[Table, list[tuple[float, dict, dict | None, dict | None]]] = defaultdict(list)
recoverable_since: dict[Table, float] = {}
tokens: dict[tuple[str, str], tuple[float, dict, str]] = {}
stock_emit, stock_resource = dynamodb._emit_stream_event, iam_actions.extract_resource_arn


def clock() -> float:
    """The time of day, and what the file `clock` of the cloud's folder adds to it (seconds): a test's next day."""
    try:
        return time.time() + float(clock_file(os.environ["TRIBUTARY_CLOUD_STATE"]).read_text())
    except FileNotFoundError:
        return time.time()


@functools.cache  # every item that is written comes by here
def clock_file(state: str) -> Path:
    return Path(state, "clock")


class Refused(Exception):
    def __init__(self, code: str, message: str):
        self.code = code
        super().__init__(message)


def table_id(table_arn: str) -> Table:
    parts = table_arn.split(":", 5)
    return parts[4], parts[3], parts[5].removeprefix("table/").split("/")[0]


def remember(name: str, event: str, old: dict | None, new: dict | None, replicate: bool = True) -> None:
    table = dynamodb._tables.get(name)
    if table and old != new:
        image = new or old or {}
        keys = {k: image[k] for k in (table["pk_name"], table["sk_name"]) if k and k in image}
        history[(get_account_id(), get_region(), name)].append((clock(), keys, old, new))
    stock_emit(name, event, old, new, replicate)


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def identity(table: dict, item: dict) -> str:
    return json.dumps(
        [item.get(table["pk_name"]), item.get(table["sk_name"]) if table["sk_name"] else None], sort_keys=True
    )


def items_at(table: Table, moment: float) -> list[dict]:
    """The table's items as they were: today's, with later changes taken back."""
    record = dynamodb._tables.get_scoped(*table)
    assert record is not None
    items = {
        identity(record, item): item
        for group in list(record["items"].values())
        for item in list(group.values())
    }
    for when, keys, old, _new in reversed(history[table]):
        if when <= moment:
            break
        items.pop(identity(record, keys), None)
        if old is not None:
            items[identity(record, keys)] = old
    return list(items.values())


def changes_between(table: Table, start: float, end: float, view: str) -> list[dict]:
    """Each item that changed: the image before the window, the last image in it, none of the steps between."""
    record = dynamodb._tables.get_scoped(*table)
    assert record is not None
    net: dict[str, dict] = {}
    for when, keys, old, new in history[table]:
        if start <= when < end:
            line = net.setdefault(identity(record, keys), {"Keys": keys, "OldImage": old})
            line.update(NewImage=new, Metadata={"WriteTimestampMicros": {"N": str(int(when * 1e6))}})
    lines = []
    for line in net.values():
        if line["OldImage"] is None and line["NewImage"] is None:
            continue  # came and went inside the window
        kept = (
            ("Metadata", "Keys", "OldImage", "NewImage")
            if view == "NEW_AND_OLD_IMAGES"
            else ("Metadata", "Keys", "NewImage")
        )
        lines.append({name: line[name] for name in kept if line[name] is not None})
    return lines


def data_files(table: Table, description: dict) -> list[tuple[str, int, bytes]]:
    """(file name, item count, gzipped JSON Lines) for every partition; an empty partition has an empty file."""
    if description["ExportType"] == "INCREMENTAL_EXPORT":
        spec = description["IncrementalExportSpecification"]
        lines = changes_between(table, spec["ExportFromTime"], spec["ExportToTime"], spec["ExportViewType"])
    else:
        lines = [{"Item": item} for item in items_at(table, description["ExportTime"])]
    pk = dynamodb._tables.get_scoped(*table)["pk_name"]  # type: ignore[index]  # its existence was checked
    partitions: list[list[str]] = [[] for _ in range(max(1, -(-len(lines) // ITEMS_PER_FILE)))]
    for line in lines:
        value = json.dumps((line.get("Item") or line["Keys"])[pk]).encode()
        partition = int.from_bytes(hashlib.md5(value).digest()[:4], "big") % len(partitions)
        partitions[partition].append(json.dumps(line, separators=(",", ":"), ensure_ascii=False))
    return [
        (
            base64.b32encode(uuid.uuid4().bytes).decode().rstrip("=").lower() + ".json.gz",
            len(rows),
            gzip.compress("".join(row + "\n" for row in rows).encode(), 6, mtime=0),
        )
        for rows in partitions
    ]


async def write(principal, table: Table, description: dict) -> None:
    """All of the export's objects, in the order in which a reader may rely on them."""
    bucket, export_id = description["S3Bucket"], description["ExportArn"].rsplit("/", 1)[-1]
    prefix = description.get("S3Prefix", "").rstrip("/")
    base = (prefix + "/" if prefix else "") + "AWSDynamoDB/"
    owner = bucket_owner(bucket)
    if owner is None:
        raise Refused("S3NoSuchBucket", f"The specified bucket does not exist: {bucket}")
    if description.get("S3BucketOwner", description["TableArn"].split(":")[4]) != owner:
        raise Refused(
            "S3AccessDenied",
            f"{bucket} is not owned by the account that S3BucketOwner names, or by default the table's",
        )
    for action in ("s3:AbortMultipartUpload", *(["s3:PutObjectAcl"] if owner != principal.account else [])):
        check(principal, action, f"arn:aws:s3:::{bucket}/{base}{export_id}/_started")
    headers = (
        {"x-amz-server-side-encryption": "aws:kms" if description["S3SseAlgorithm"] == "KMS" else "AES256"}
        if "S3SseAlgorithm" in description
        else {}
    )
    if "S3SseKmsKeyId" in description:
        headers[KEY_HEADER] = description["S3SseKmsKeyId"]

    async def put(name: str, body: bytes) -> dict:
        kind = {"gz": "application/gzip", "on": "application/json"}.get(name[-2:], "application/octet-stream")
        return await write_multipart(principal, bucket, base + name, body, {**headers, "content-type": kind})

    await put(f"{export_id}/_started", b"")
    listed, folder = "", "data" if description["ExportType"] == "INCREMENTAL_EXPORT" else f"{export_id}/data"
    files = await asyncio.to_thread(data_files, table, description)
    for name, count, body in files:
        done = await put(f"{folder}/{name}", body)
        listed += (
            json.dumps(
                {
                    "itemCount": count,
                    "md5Checksum": checksum(body).decode(),
                    "etag": done["etag"],
                    "dataFileS3Key": f"{base}{folder}/{name}",
                }
            )
            + "\n"
        )
    description.update(
        ItemCount=sum(count for _, count, _ in files),
        EndTime=clock(),
        BilledSizeBytes=sum(len(body) for _, _, body in files),
        ExportManifest=f"{base}{export_id}/manifest-summary.json",
    )
    for name, body in (
        ("manifest-files", listed),
        ("manifest-summary", json.dumps(summary(description, base, export_id))),
    ):
        await put(f"{export_id}/{name}.md5", checksum(body.encode()))
        await put(f"{export_id}/{name}.json", body.encode())


def checksum(body: bytes) -> bytes:
    return base64.b64encode(hashlib.md5(body).digest())


def summary(description: dict, base: str, export_id: str) -> dict:
    spec = description.get("IncrementalExportSpecification")
    times = (
        {
            "exportFromTime": iso(spec["ExportFromTime"]),
            "exportToTime": iso(spec["ExportToTime"]),
            "outputView": spec["ExportViewType"],
        }
        if spec
        else {"exportTime": iso(description["ExportTime"])}
    )
    return {
        "version": "2023-08-01" if spec else "2020-06-30",
        "exportArn": description["ExportArn"],
        "startTime": iso(description["StartTime"]),
        "endTime": iso(description["EndTime"]),
        "tableArn": description["TableArn"],
        "tableId": description["TableId"],
        **times,
        "s3Bucket": description["S3Bucket"],
        "s3Prefix": description.get("S3Prefix"),
        "s3SseAlgorithm": description.get("S3SseAlgorithm", "AES256"),
        "s3SseKmsKeyId": description.get("S3SseKmsKeyId"),
        "manifestFilesS3Key": f"{base}{export_id}/manifest-files.json",
        "billedSizeBytes": description["BilledSizeBytes"],
        "itemCount": description["ItemCount"],
        "outputFormat": "DYNAMODB_JSON",
        "exportType": description["ExportType"],
    }


async def run(principal, table: Table, description: dict) -> None:
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


def window_start(table: Table) -> float:
    return max(recoverable_since.setdefault(table, clock()), clock() - WINDOW_SECONDS)


def describe(request: dict) -> dict:
    """The new export's description, or Refused; nothing has been stored."""
    arn, now = request.get("TableArn", ""), clock()
    if not arn.startswith("arn:") or not request.get("S3Bucket"):
        raise Refused("ValidationException", "TableArn and S3Bucket are required")
    table = table_id(arn)
    record = dynamodb._tables.get_scoped(*table)
    if record is None:
        raise Refused("TableNotFoundException", f"Table not found: {arn}")
    if not dynamodb._pitr_settings.get_scoped(*table):
        raise Refused(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{table[2]}'",
        )
    if request.get("ExportFormat", "DYNAMODB_JSON") != "DYNAMODB_JSON":
        raise Refused("ValidationException", "only DYNAMODB_JSON is exported here")
    kind, spec = (
        request.get("ExportType", "FULL_EXPORT"),
        dict(request.get("IncrementalExportSpecification") or {}),
    )
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


def check_table_key(principal, table: Table) -> None:
    """Raise Denied unless the principal may decrypt with the key of the table, where it is a customer's."""
    encryption = (dynamodb._tables.get_scoped(*table) or {}).get("SSEDescription") or {}
    key = encryption.get("KMSMasterKeyArn", "")
    # The account's own key for DynamoDB lets all its principals in by that service.
    if encryption.get("Status") != "ENABLED" or not key or key.endswith("alias/aws/dynamodb"):
        return
    context = {
        "kms:viaservice": f"dynamodb.{table[1]}.amazonaws.com",
        "kms:calleraccount": principal.account,
        "kms:encryptioncontext:aws:dynamodb:tablename": table[2],
        "kms:encryptioncontext:aws:dynamodb:subscriberid": table[0],
        "kms:encryptioncontextkeys": ["aws:dynamodb:tableName", "aws:dynamodb:subscriberId"],
    }
    check(principal, "kms:Decrypt", resolve_key(key, table[0]), **context)


async def handle_streams(stock, method, path, headers, body, query):
    """A stream is encrypted as its table is: who may not decrypt gets no iterator of it."""
    if headers.get("x-amz-target", "").endswith(".GetShardIterator"):
        try:
            check_table_key(caller(headers, query), table_id(json.loads(body)["StreamArn"]))
        except (Denied, MissingKey) as refused:
            return error_response_json("AccessDeniedException", str(refused), 400)
    return await stock(method, path, headers, body, query)


def export_table(principal, request: dict) -> dict:
    token = (get_account_id(), request.get("ClientToken", ""))
    used = tokens.get(token)
    if token[1] and used and clock() - used[0] < TOKEN_SECONDS:
        if used[1] != request:
            raise Refused(
                "ExportConflictException", "the client token was used for an export with other parameters"
            )
        return dynamodb._exports[used[2]]
    description = describe(request)
    check_table_key(principal, table_id(description["TableArn"]))
    dynamodb._exports[description["ExportArn"]] = description
    if token[1]:
        tokens[token] = (clock(), request, description["ExportArn"])
    in_background(run(principal, table_id(description["TableArn"]), description))
    return description


async def handle(stock, method, path, headers, body, query):
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
        name = dynamodb._normalize_table_name(json.loads(body)["TableName"])
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
            dynamodb._normalize_table_name(json.loads(body)["TableName"]),
        )
        history.pop(forgotten, None)
        recoverable_since.pop(forgotten, None)
    return status, answer_headers, answer


def resource_arn(service, method, path, headers, body, *rest, **named):
    """Export calls name an ARN, where ministack expects a table's name and would evaluate '*'."""
    if service == "dynamodb" and "Export" in headers.get("x-amz-target", ""):
        with suppress(ValueError):
            request = json.loads(body or b"{}")
            return request.get("ExportArn") or request.get("TableArn") or "*"
    return stock_resource(service, method, path, headers, body, *rest, **named)


def install() -> None:
    dynamodb._EXPORT_COMPLETE_AFTER_SEC = float("inf")
    dynamodb._emit_stream_event = remember
    global stock_resource
    stock_resource = iam_actions.extract_resource_arn
    iam_actions.extract_resource_arn = resource_arn
    wrap("dynamodb", handle)
    wrap("dynamodbstreams", handle_streams)
