"""Exports of RDS snapshots: the snapshot to take, the identifier, and what is to be done with a finished one.

An export's identifier is never free again, starts with a letter, holds letters, digits and single hyphens, ends in
neither, and has at most 60 characters. An automated snapshot's own name holds a colon, so the identifier is made of
the source's name, the run's time and a hash over all in which two exports differ.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StartExportTask.html
At most five exports run at once in an account: the sixth is `Busy`, and waits.
"""

import hashlib
import re
from collections.abc import Mapping

import landing_folders
from sources import Settings, Source

ATTEMPTS = 3
SLUG = 60 - 1 - 14 - 1 - 10


class Busy(Exception):
    """Nothing is wrong; it can't start yet."""


class ExportFailed(Exception):
    """The service gave up, and why."""


def identifier(source: str, due: str, *apart: object, longest: int = SLUG) -> str:
    """`<source>-<yyyymmddhhmmss>-<hash>`, the source cut to `longest`; another for anything in `apart` that differs."""
    slug = re.sub(r"[^a-z0-9]+", "-", source.lower()).strip("-")
    if not slug[:1].isalpha():
        slug = f"x{'-' if slug else ''}{slug}"
    stamp = re.sub(r"\D", "", due)[:14].ljust(14, "0")
    digest = hashlib.sha256(repr((source, due, *apart)).encode()).hexdigest()[:10]
    return f"{slug[:longest].rstrip('-')}-{stamp}-{digest}"


def is_limit(error) -> bool:
    # "You have reached the limit of 5 concurrent export tasks"; the service's model does not list it.
    return error.response["Error"]["Code"] in ("ExportTaskLimitReached", "ExportTaskLimitReachedFault")


def _calls(source: Source) -> tuple[str, str, str, str]:
    """How the service calls an instance's things, and a cluster's."""
    if source.kind == "rds_instance":
        return "db_snapshot", "DBSnapshot", "DBInstanceIdentifier", "db_snapshot_available"
    return "db_cluster_snapshot", "DBClusterSnapshot", "DBClusterIdentifier", "db_cluster_snapshot_available"


def snapshot_name(source: Source, due: str, settings: Settings) -> str:
    """Of a snapshot made for the run: another for each pipeline of each stack, as each deletes its own. The source's
    name is whole, as the role's rights begin with it; a snapshot's name may have 255 characters, a source's 63."""
    return identifier(source.name, due, settings.pipeline, settings.bucket, longest=len(source.name))


def snapshot(rds, source: Source, item: Mapping, settings: Settings) -> str:
    """The ARN of the snapshot that this run exports. Raises Busy while it is being made."""
    if item["snapshot_arn"]:
        return item["snapshot_arn"]
    call, noun, owner, _ = _calls(source)
    describe = getattr(rds, f"describe_{call}s")
    if source.snapshot == "made-for-the-run":
        name = snapshot_name(source, item["due"], settings)
        snapshots = _described(rds, describe, noun, **{f"{noun}Identifier": name})
        if not snapshots:
            made = getattr(rds, f"create_{call}")(**{f"{noun}Identifier": name, owner: source.name})[noun]
            snapshots = [made]
        if snapshots[0]["Status"] != "available":
            raise Busy(f"snapshot {name} is {snapshots[0]['Status']}")
        return snapshots[0][f"{noun}Arn"]
    pages = rds.get_paginator(f"describe_{call}s").paginate(
        **{owner: source.name, "SnapshotType": "automated"}
    )
    ready = [s for page in pages for s in page[f"{noun}s"] if s["Status"] == "available"]
    if not ready:
        raise ExportFailed(
            f"{source.name} has no automated snapshot; turn on automated backups, or write snapshot: made-for-the-run"
        )
    return max(ready, key=lambda s: s["SnapshotCreateTime"])[f"{noun}Arn"]


def _described(rds, describe, noun: str, **named) -> list[dict]:
    try:
        return describe(**named)[f"{noun}s"]
    except rds.exceptions.ClientError as error:
        if "NotFound" in error.response["Error"]["Code"]:
            return []
        raise


def forget(rds, source: Source, name: str) -> None:
    call, noun, _, _ = _calls(source)
    try:
        getattr(rds, f"delete_{call}")(**{f"{noun}Identifier": name})
    except rds.exceptions.ClientError as error:
        if "NotFound" not in error.response["Error"]["Code"]:
            raise


def request(source: Source, snapshot_arn: str, item: Mapping, attempt: int, settings: Settings) -> dict:
    apart = (settings.pipeline, settings.bucket, snapshot_arn, source.only, attempt)
    parameters = {
        "ExportTaskIdentifier": identifier(source.name, item["due"], *apart),
        "SourceArn": snapshot_arn,
        "S3BucketName": settings.bucket,
        "S3Prefix": landing_folders.raw(source.name),
        "IamRoleArn": settings.export_role_arn,
        "KmsKeyId": settings.kms_key_arn,
    }
    return parameters | ({"ExportOnly": list(source.only)} if source.only else {})


def task(rds, name: str, snapshot_arn: str) -> dict:
    # The source's ARN is what the right to describe is granted on.
    return rds.describe_export_tasks(ExportTaskIdentifier=name, SourceArn=snapshot_arn)["ExportTasks"][0]


def work(source: Source, item: Mapping, task: Mapping) -> dict:
    name = item["export"]["identifier"]
    return {
        "export_id": name,
        "export_date": item["due"][:10],
        # The data is as old as the snapshot, not as the run.
        "exported_to": str(task["SnapshotTime"].isoformat()),
        "export_prefix": f"{landing_folders.raw(source.name)}/{name}/",
        "only": list(source.only),
        "leave_out": list(source.leave_out),
        "catalog_names": dict(source.catalog_names),
        "tables_key": landing_folders.state(source.name, f"{name}/tables.json"),
    }
