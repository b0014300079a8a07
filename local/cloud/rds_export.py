"""RDS: automated snapshots of one sample MySQL database, and their export to S3 in the service's layout.

The database is `local/samples/mysql.py`, as instance `shop` in every account; its automated snapshot is as of now.
DescribeDBSnapshots, StartExportTask, DescribeExportTasks and CancelExportTask; at most five exports run at once, an
identifier is never free again, the caller needs iam:PassRole to export.rds.amazonaws.com, kms:CreateGrant and
kms:DescribeKey, and the export's role writes the objects. Clusters and snapshots on request are ministack's own.
Layout: `<prefix>/<id>/<db>/<db.table>/<n>/part-*.gz.parquet`, `export_info_<id>.json` first,
`export_tables_info_<id>_from_1_to_<n>.json` last.
Source: docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.FileNames.html and
USER_ExportSnapshot.html; docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StartExportTask.html.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import duckdb
from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import rds, s3

from local.samples import mysql

from .authorization import Denied, assume, bucket_owner, caller, check, wrap
from .s3_encryption import KEY_HEADER, MissingKey, S3Error, resolve_key

log = logging.getLogger("tributary.cloud")
AT_ONCE, SERVICE = 5, "export.rds.amazonaws.com"
IDENTIFIER = re.compile(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{0,58}[A-Za-z0-9]|[A-Za-z]")
tasks: dict[tuple[str, str], dict] = {}
running: set[asyncio.Task] = set()
stock_resource = iam_actions.extract_resource_arn


class Refused(Exception):
    def __init__(self, code: str, message: str):
        self.code = code
        super().__init__(message)


def snapshot() -> dict:
    """The newest automated snapshot: of today, so that its name stays the same through the day."""
    taken = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    name = f"rds:{mysql.INSTANCE}-{taken:%Y-%m-%d-%H-%M}"
    return {
        "DBSnapshotIdentifier": name, "DBInstanceIdentifier": mysql.INSTANCE, "SnapshotType": "automated",
        "Status": "available", "Engine": "mysql", "SnapshotCreateTime": taken.isoformat(),
        "DBSnapshotArn": f"arn:aws:rds:{get_region()}:{get_account_id()}:snapshot:{name}",
    }  # fmt: skip


def xml(members: dict) -> str:
    def one(name: str, value) -> str:
        if isinstance(value, list):
            return f"<{name}>{''.join(f'<member>{escape(v)}</member>' for v in value)}</{name}>"
        return f"<{name}>{escape(str(value))}</{name}>"

    return "".join(one(name, value) for name, value in members.items() if not name.startswith("_"))


def tables(only: list[str]) -> list[str]:
    chosen = [t for t in mysql.TABLES if not only or t in only or mysql.DATABASE in only]
    for pattern in only:
        if pattern != mysql.DATABASE and pattern not in mysql.TABLES:
            raise Refused("InvalidExportOnly", f"The export is invalid: {pattern} is not in the snapshot")
    return chosen


def start(principal, asked: dict) -> dict:
    account, name = get_account_id(), asked["ExportTaskIdentifier"]
    if not IDENTIFIER.fullmatch(name):
        raise Refused("InvalidParameterValue", f"{name} is not a valid ExportTaskIdentifier")
    if (account, name) in tasks:
        raise Refused("ExportTaskAlreadyExists", f"An export task with the identifier {name} already exists")
    if asked["SourceArn"] != snapshot()["DBSnapshotArn"]:
        raise Refused("DBSnapshotNotFound", f"{asked['SourceArn']} not found")
    under_way = [
        t
        for (owner, _), t in tasks.items()
        if owner == account and t["Status"] in ("STARTING", "IN_PROGRESS")
    ]
    if len(under_way) >= AT_ONCE:
        raise Refused(
            "ExportTaskLimitReached", f"You have reached the limit of {AT_ONCE} exports in progress"
        )
    check(principal, "iam:PassRole", asked["IamRoleArn"], **{"iam:passedtoservice": SERVICE})
    key = resolve_key(asked["KmsKeyId"], account)
    check(principal, "kms:CreateGrant", key, **{"kms:grantisforawsresource": "true"})
    check(principal, "kms:DescribeKey", key)
    task = {
        "ExportTaskIdentifier": name, "SourceArn": asked["SourceArn"], "SnapshotTime": snapshot()["SnapshotCreateTime"],
        "TaskStartTime": datetime.now(UTC).isoformat(), "S3Bucket": asked["S3BucketName"],
        "S3Prefix": asked.get("S3Prefix", ""), "IamRoleArn": asked["IamRoleArn"], "KmsKeyId": key, "Status": "STARTING",
        "PercentProgress": 0, "TotalExtractedDataInGB": 0, "ExportOnly": asked["ExportOnly"], "SourceType": "SNAPSHOT",
        "_tables": tables(asked["ExportOnly"]),
    }  # fmt: skip
    tasks[account, name] = task
    work = asyncio.get_running_loop().create_task(run(task))
    running.add(work)  # the loop keeps only a weak reference
    work.add_done_callback(running.discard)
    return task


async def run(task: dict) -> None:
    task["Status"] = "IN_PROGRESS"
    try:
        await write(task)
        task.update(Status="COMPLETE", PercentProgress=100, TaskEndTime=datetime.now(UTC).isoformat())
    except (Denied, S3Error, MissingKey) as error:
        task.update(Status="FAILED", FailureCause=str(error))
    except Exception as error:
        log.exception("export %s", task["ExportTaskIdentifier"])
        task.update(Status="FAILED", FailureCause=str(error))


async def write(task: dict) -> None:
    bucket, name = task["S3Bucket"], task["ExportTaskIdentifier"]
    base = f"{task['S3Prefix'].rstrip('/')}/{name}/".lstrip("/")
    role = assume(task["IamRoleArn"], SERVICE)
    check(role, "s3:GetBucketLocation", f"arn:aws:s3:::{bucket}")
    check(role, "s3:ListBucket", f"arn:aws:s3:::{bucket}")

    async def put(key: str, body: bytes) -> None:
        # The key is used by the grant that the caller made, so the role needs no right to it.
        for action in ("s3:PutObject", "s3:GetObject", "s3:DeleteObject"):
            check(role, action, f"arn:aws:s3:::{bucket}/{base}{key}")
        headers = {"x-amz-server-side-encryption": "aws:kms", KEY_HEADER: task["KmsKeyId"]}
        with request_scope(bucket_owner(bucket) or get_account_id(), get_region()):
            status, _, answer = await s3.handle_request(
                "PUT", f"/{bucket}/{base}{key}", headers, body, {}, internal=True
            )
        if status >= 300:
            raise S3Error(status, answer)

    info = {"exportTaskIdentifier": name, "sourceArn": task["SourceArn"], "exportOnly": task["ExportOnly"],
            "snapshotTime": task["SnapshotTime"], "taskStartTime": task["TaskStartTime"], "s3Bucket": bucket,
            "s3Prefix": task["S3Prefix"], "kmsKeyId": task["KmsKeyId"], "iamRoleArn": task["IamRoleArn"]}  # fmt: skip
    await put(
        f"export_info_{name}.json",
        json.dumps({**info, "status": "COMPLETE", "percentProgress": 100}).encode(),
    )
    told = []
    for table in task["_tables"]:
        body = await asyncio.to_thread(parquet, mysql.TABLES[table])
        if mysql.TABLES[table].rows:  # no rows, no part
            await put(f"{mysql.DATABASE}/{table}/1/part-00000-{uuid.uuid4()}-c000.gz.parquet", body)
        await put(f"{mysql.DATABASE}/{table}/1/_success", b"")
        mappings = [
            {"columnName": c.name, "originalType": c.source, "expectedExportedType": c.exported,
             "originalCharMaxLength": 0,
             "originalNumPrecision": 0, "originalDateTimePrecision": 0}
            for c in mysql.TABLES[table].columns
        ]  # fmt: skip
        told.append({"tableStatistics": {"extractionStartTime": info["taskStartTime"]}, "status": "COMPLETE",
                     "schemaMetadata": {"originalTypeMappings": mappings}, "sizeGB": 0.0, "target": table})  # fmt: skip
    listed = json.dumps({"perTableStatus": told}).encode()
    await put(f"export_tables_info_{name}_from_1_to_{len(told)}.json", listed)


def parquet(table: mysql.Table) -> bytes:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        file = Path(folder, "part.parquet")
        connection.execute(f"COPY ({table.sql()}) TO '{file}' (FORMAT parquet, COMPRESSION gzip)")
        return file.read_bytes()


async def handle(stock, method, path, headers, body, query):
    asked = {
        k: v[0]
        for k, v in {**query, **parse_qs(body.decode() if isinstance(body, bytes) else body or "")}.items()
    }
    action, answers = asked.get("Action"), []
    try:
        if action == "DescribeDBSnapshots" and asked.get("DBInstanceIdentifier") == mysql.INSTANCE:
            found = f"<DBSnapshots><DBSnapshot>{xml(snapshot())}</DBSnapshot></DBSnapshots>"
            return rds._xml(200, f"{action}Response", f"<{action}Result>{found}</{action}Result>")
        if action == "StartExportTask":
            asked["ExportOnly"] = [
                v for k, v in sorted(asked.items()) if re.match(r"ExportOnly\.member\.", k)
            ]
            answers = [start(caller(headers, query), asked)]
        elif action == "CancelExportTask":
            answers = [tasks[get_account_id(), asked["ExportTaskIdentifier"]]]
            answers[0]["Status"] = "CANCELED"
        elif action == "DescribeExportTasks":
            named = asked.get("ExportTaskIdentifier")
            answers = [
                t for (owner, name), t in tasks.items() if owner == get_account_id() and named in (None, name)
            ]
            if named and not answers:
                raise Refused("ExportTaskNotFound", f"{named} not found")
            listed = "".join(f"<ExportTask>{xml(task)}</ExportTask>" for task in answers)
            return rds._xml(
                200,
                f"{action}Response",
                f"<{action}Result><ExportTasks>{listed}</ExportTasks></{action}Result>",
            )
        else:
            return await stock(method, path, headers, body, query)
    except (Refused, Denied, MissingKey) as refused:
        return rds._error(getattr(refused, "code", "AccessDenied"), escape(str(refused)), 400)
    return rds._xml(200, f"{action}Response", f"<{action}Result>{xml(answers[0])}</{action}Result>")


def resource_arn(service, method, path, headers, body, query_params, *rest, **named):
    """Export calls name a snapshot's ARN, where ministack looks for an instance and would evaluate '*'."""
    if service == "rds" and (source := query_params.get("SourceArn")):
        return source[0] if isinstance(source, list) else source
    return stock_resource(service, method, path, headers, body, query_params, *rest, **named)


def install() -> None:
    global stock_resource
    stock_resource = iam_actions.extract_resource_arn
    iam_actions.extract_resource_arn = resource_arn
    wrap("rds", handle)
