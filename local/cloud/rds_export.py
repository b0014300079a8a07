"""RDS: snapshots of sample databases, their events, and their export to S3 in the service's layout.

The databases are those of the stack (`local/samples/databases.py`), and where it has none of that name the shop of
`local/samples/mysql.py` as instance and as cluster `shop` in every account; each day has its automated snapshots, which
its events (RDS-EVENT-0091, 0169) announce once the day has come. CreateDB[Cluster]Snapshot (it is `creating` for a
second), DeleteDB[Cluster]Snapshot, DescribeDB[Cluster]Snapshots, StartExportTask, DescribeExportTasks and
CancelExportTask; at most five exports run at once, an identifier is never free again, the caller needs iam:PassRole to
export.rds.amazonaws.com, kms:CreateGrant and kms:DescribeKey, and the export's role writes the objects.
Layout: `<prefix>/<id>/<db>/<db.table>/<n>/{part-*.gz.parquet, _success}`, no part for no rows,
`export_info_<id>.json` first, `export_tables_info_<id>_from_1_to_<n>.json` last.
Source: docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.FileNames.html, USER_ExportSnapshot.html and
USER_Events.Messages.html; docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StartExportTask.html.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from local.plain import is_list
from local.samples import databases, mysql
from local.samples.databases import Database

from .background import in_background
from .clock import clock
from .iam.authorization import Denied, assume, bucket_owner, caller, check, wrap
from .s3.encryption import KEY_HEADER, MissingKey, S3Error, resolve_key
from .seams import eventbridge, iam_actions, rds, s3
from .seams.iam_evaluator import PrincipalInfo
from .seams.parts import Answer, Handler, Record
from .seams.responses import get_account_id, get_region, request_scope

log = logging.getLogger("tributary.cloud")
AT_ONCE, SERVICE = 5, "export.rds.amazonaws.com"
IDENTIFIER = re.compile(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{0,58}[A-Za-z0-9]|[A-Za-z]")
# What a snapshot's owner is called, its ARN, its event, and what the event says it is.
NOUNS = {
    "DBSnapshot": ("DBInstanceIdentifier", "snapshot", "RDS-EVENT-0091", "RDS DB Snapshot Event"),
    "DBClusterSnapshot": (
        "DBClusterIdentifier",
        "cluster-snapshot",
        "RDS-EVENT-0169",
        "RDS DB Cluster Snapshot Event",
    ),
}
KINDS = {"DBSnapshot": "rds_instance", "DBClusterSnapshot": "rds_cluster"}
by_hand: dict[str, Record] = {}
tasks: dict[tuple[str, str], Record] = {}


class Refused(Exception):
    """An error of RDS's, with its code."""

    def __init__(self, code: str, message: str):
        self.code = code
        super().__init__(message)


def today() -> datetime:
    """The midnight, in UTC, with which the cloud's day began."""
    return datetime.fromtimestamp(clock(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def present(noun: str) -> dict[str, Database]:
    """The account's databases in the region, by their identifiers."""
    place = (get_account_id(), get_region(), KINDS[noun])
    of_stack = databases.read(Path(os.environ["TRIBUTARY_CLOUD_STATE"]))
    return {mysql.INSTANCE: databases.SHOP} | {
        key[3]: database for key, database in of_stack.items() if key[:3] == place
    }


def snapshot(noun: str, name: str, kind: str, taken: datetime, owner: str) -> Record:
    """A snapshot's members as RDS answers them; `noun` is a key of `NOUNS`, `kind` is `automated` or `manual`, `owner`
    the identifier of what it is of."""
    of, resource, *_ = NOUNS[noun]
    return {
        f"{noun}Identifier": name, of: owner, "SnapshotType": kind, "Status": "available",
        "Engine": present(noun)[owner].engine, "SnapshotCreateTime": taken.isoformat(),
        f"{noun}Arn": f"arn:aws:rds:{get_region()}:{get_account_id()}:{resource}:{name}",
    }  # fmt: skip


def snapshots(noun: str) -> dict[str, Record]:
    """The account's, by their ARNs; an automated one is of today, so that its name stays the same through the day."""
    arn_prefix = f"arn:aws:rds:{get_region()}:{get_account_id()}:{NOUNS[noun][1]}:"
    by_arn: dict[str, Record] = {}
    for owner in present(noun):
        automated = snapshot(noun, f"rds:{owner}-{today():%Y-%m-%d-%H-%M}", "automated", today(), owner)
        by_arn[automated[f"{noun}Arn"]] = automated
    for arn, record in by_hand.items():
        if arn.startswith(arn_prefix):
            fresh = clock() - datetime.fromisoformat(record["SnapshotCreateTime"]).timestamp() < 1
            by_arn[arn] = record | {"Status": "creating" if fresh else "available"}
    return by_arn


def answer_snapshots(principal: PrincipalInfo, call: str, noun: str, parameters: Record) -> Answer | None:
    """The answer to Create, Delete or Describe; None where it is about another database."""
    named, owner = parameters.get(f"{noun}Identifier"), parameters.get(NOUNS[noun][0])
    existing = snapshots(noun)
    arn = f"arn:aws:rds:{get_region()}:{get_account_id()}:{NOUNS[noun][1]}:{named}"
    if call == "Create" and owner in present(noun):
        check(principal, f"rds:Create{noun}", arn)  # the right to the owner is checked already
        if arn in existing:
            raise Refused(
                f"{noun}AlreadyExists", f"Cannot create the snapshot because {named} already exists"
            )
        by_hand[arn] = snapshot(noun, str(named), "manual", datetime.fromtimestamp(clock(), UTC), owner)
        listed_snapshots = [by_hand[arn] | {"Status": "creating"}]
    elif call == "Delete" and arn in by_hand:
        listed_snapshots = [by_hand.pop(arn) | {"Status": "deleted"}]
    elif call == "Describe" and (arn in existing or (not named and owner in present(noun))):
        kind = parameters.get("SnapshotType")
        listed_snapshots = [s for s in existing.values() if named in (None, s[f"{noun}Identifier"])
                 and owner in (None, s[NOUNS[noun][0]]) and kind in (None, s["SnapshotType"])]  # fmt: skip
    else:
        return None
    inner = "".join(f"<{noun}>{xml(each)}</{noun}>" for each in listed_snapshots)
    action = f"{call}{noun}" + ("s" if call == "Describe" else "")
    listed = f"<{noun}s>{inner}</{noun}s>" if call == "Describe" else inner
    return rds.xml(200, f"{action}Response", f"<{action}Result>{listed}</{action}Result>")


async def send_daily_events() -> None:
    """Sends the events of the automated snapshots to every bus that has a rule, once a day."""
    day = today()
    while True:
        await asyncio.sleep(0.5)
        if today() == day:
            continue
        day = today()
        for account, region in {key[:2] for key, _ in eventbridge.rules.all_items()}:
            with request_scope(account, region):
                for noun, (_, resource, event, says) in NOUNS.items():
                    automated = [
                        (a, s) for a, s in snapshots(noun).items() if s["SnapshotType"] == "automated"
                    ]
                    for arn, record in automated:
                        detail = {
                            "EventCategories": ["creation"], "SourceType": resource.upper().replace("-", "_"),
                            "SourceArn": arn, "Date": day.isoformat(), "Message": "Automated snapshot created",
                            "SourceIdentifier": record[f"{noun}Identifier"], "EventID": event,
                        }  # fmt: skip
                        entry = {
                            "Source": "aws.rds",
                            "DetailType": says,
                            "Detail": json.dumps(detail),
                            "Resources": [arn],
                        }
                        eventbridge.put_events({"Entries": [entry]}, allow_aws_source=True)


def xml(members: Record) -> str:
    """A record as XML elements, without its members that begin with `_`; a list becomes `member` elements."""

    def element(name: str, value: Any) -> str:
        if is_list(value):
            return f"<{name}>{''.join(f'<member>{escape(v)}</member>' for v in value)}</{name}>"
        return f"<{name}>{escape(str(value))}</{name}>"

    return "".join(element(name, value) for name, value in members.items() if not name.startswith("_"))


def tables(database: Database, only: list[str]) -> list[str]:
    """The tables that ExportOnly names, or all where it is empty; InvalidExportOnly for what is not there."""
    for pattern in only:
        if not database.chosen([pattern]):
            raise Refused("InvalidExportOnly", f"The export is invalid: {pattern} is not in the snapshot")
    return database.chosen(only)


def start(principal: PrincipalInfo, parameters: Record) -> Record:
    """StartExportTask: the new task, once the request and the caller's rights to role and key are checked."""
    account, name = get_account_id(), parameters["ExportTaskIdentifier"]
    if not IDENTIFIER.fullmatch(name):
        raise Refused("InvalidParameterValue", f"{name} is not a valid ExportTaskIdentifier")
    if (account, name) in tasks:
        raise Refused("ExportTaskAlreadyExists", f"An export task with the identifier {name} already exists")
    noun = next((noun for noun in NOUNS if parameters["SourceArn"] in snapshots(noun)), None)
    if noun is None:
        raise Refused("DBSnapshotNotFound", f"{parameters['SourceArn']} not found")
    source = snapshots(noun)[parameters["SourceArn"]]
    database = present(noun)[source[NOUNS[noun][0]]]
    if source["Status"] != "available":
        raise Refused("InvalidDBSnapshotState", f"{parameters['SourceArn']} is {source['Status']}")
    under_way = [
        t
        for (owner, _), t in tasks.items()
        if owner == account and t["Status"] in ("STARTING", "IN_PROGRESS")
    ]
    if len(under_way) >= AT_ONCE:
        raise Refused(
            "ExportTaskLimitReachedFault", f"You have reached the limit of {AT_ONCE} exports in progress"
        )
    check(principal, "iam:PassRole", parameters["IamRoleArn"], **{"iam:passedtoservice": SERVICE})
    key = resolve_key(parameters["KmsKeyId"], account)
    check(principal, "kms:CreateGrant", key, **{"kms:grantisforawsresource": "true"})
    check(principal, "kms:DescribeKey", key)
    task = {
        "ExportTaskIdentifier": name, "SourceArn": parameters["SourceArn"],
        "SnapshotTime": source["SnapshotCreateTime"], "TaskStartTime": datetime.now(UTC).isoformat(),
        "S3Bucket": parameters["S3BucketName"], "S3Prefix": parameters.get("S3Prefix", ""),
        "IamRoleArn": parameters["IamRoleArn"], "KmsKeyId": key, "Status": "STARTING",
        "PercentProgress": 0, "TotalExtractedDataInGB": 0,
        "ExportOnly": parameters["ExportOnly"], "SourceType": "SNAPSHOT",
        "_database": database, "_tables": tables(database, parameters["ExportOnly"]),
    }  # fmt: skip
    tasks[account, name] = task
    in_background(run(task))
    return task


async def run(task: Record) -> None:
    """Carries a task out: it ends as COMPLETE, or as FAILED with the cause."""
    task["Status"] = "IN_PROGRESS"
    try:
        await write(task)
        task.update(Status="COMPLETE", PercentProgress=100, TaskEndTime=datetime.now(UTC).isoformat())
    except (Denied, S3Error, MissingKey) as error:
        task.update(Status="FAILED", FailureCause=str(error))
    except Exception as error:
        log.exception("export %s", task["ExportTaskIdentifier"])
        task.update(Status="FAILED", FailureCause=str(error))


async def write(task: Record) -> None:
    """Writes a task's objects as its role, encrypted with its key. Raises Denied, MissingKey or S3Error."""
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
            status, _, answer = await s3.handle_request.current(
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
    statistics: list[Record] = []
    database: Database = task["_database"]
    for table in task["_tables"]:
        folder, content = database.folder(table), database.tables[table]
        body = await asyncio.to_thread(databases.parquet, content)
        if content.rows:  # no rows, no part
            await put(f"{folder}/1/part-00000-{uuid.uuid4()}-c000.gz.parquet", body)
        await put(f"{folder}/1/_success", b"")
        mappings = [
            {"columnName": c.name, "originalType": c.source, "expectedExportedType": c.exported,
             "originalCharMaxLength": 0,
             "originalNumPrecision": 0, "originalDateTimePrecision": 0}
            for c in content.columns
        ]  # fmt: skip
        statistics.append({"tableStatistics": {"extractionStartTime": info["taskStartTime"]}, "status": "COMPLETE",
                     "schemaMetadata": {"originalTypeMappings": mappings}, "sizeGB": 0.0, "target": table})  # fmt: skip
    listed = json.dumps({"perTableStatus": statistics}).encode()
    await put(f"export_tables_info_{name}_from_1_to_{len(statistics)}.json", listed)


async def handle(
    stock: Handler, method: str, path: str, headers: Record, body: bytes | str, query: Record
) -> Answer:
    """Answers the operations on export tasks and on the sample database's snapshots; any other goes to ministack."""
    parameters = {
        k: v[0]
        for k, v in {**query, **parse_qs(body.decode() if isinstance(body, bytes) else body or "")}.items()
    }
    action, answers = parameters.get("Action"), []
    try:
        of_snapshot = re.fullmatch(r"(Create|Delete|Describe)(DB(?:Cluster)?Snapshot)s?", action or "")
        if of_snapshot and (
            answer := answer_snapshots(caller(headers, query), of_snapshot[1], of_snapshot[2], parameters)
        ):
            return answer
        if action == "StartExportTask":
            parameters["ExportOnly"] = [
                v for k, v in sorted(parameters.items()) if re.match(r"ExportOnly\.member\.", k)
            ]
            answers = [start(caller(headers, query), parameters)]
        elif action == "CancelExportTask":
            answers = [tasks[get_account_id(), parameters["ExportTaskIdentifier"]]]
            answers[0]["Status"] = "CANCELED"
        elif action == "DescribeExportTasks":
            named = parameters.get("ExportTaskIdentifier")
            answers = [
                t for (owner, name), t in tasks.items() if owner == get_account_id() and named in (None, name)
            ]
            if named and not answers:
                raise Refused("ExportTaskNotFound", f"{named} not found")
            listed = "".join(f"<ExportTask>{xml(task)}</ExportTask>" for task in answers)
            return rds.xml(
                200,
                f"{action}Response",
                f"<{action}Result><ExportTasks>{listed}</ExportTasks></{action}Result>",
            )
        else:
            return await stock(method, path, headers, body, query)
    except (Refused, Denied, MissingKey) as refused:
        return rds.error(getattr(refused, "code", "AccessDenied"), escape(str(refused)), 400)
    return rds.xml(200, f"{action}Response", f"<{action}Result>{xml(answers[0])}</{action}Result>")


def resource_arn(
    stock: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: Record,
    body: bytes,
    query_params: Record,
    *rest: Any,
    **named: Any,
) -> str:
    """Calls that name a snapshot and no database, where ministack would evaluate '*'."""
    if service == "rds":
        parameters = {key: v[0] if is_list(v) else v for key, v in query_params.items()}
        if parameters.get("SourceArn"):
            return parameters["SourceArn"]
        for noun, (owner, resource, *_) in NOUNS.items():
            if (name := parameters.get(f"{noun}Identifier")) and not parameters.get(owner):
                return f"arn:aws:rds:{get_region()}:{get_account_id()}:{resource}:{name}"
    return stock(service, method, path, headers, body, query_params, *rest, **named)


def install() -> None:
    """Puts `handle` in front of RDS, has calls judged on the snapshot that they name, and sends the daily events."""
    iam_actions.resource_of.wrap(resource_arn)
    wrap("rds", handle)
    in_background(send_daily_events())
