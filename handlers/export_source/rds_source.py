"""Exports of RDS snapshots: the snapshot to take, the identifier, and what is to be done with a finished one.

An export's identifier is never free again, starts with a letter, holds letters, digits and single hyphens, ends in
neither, and has at most 60 characters. An automated snapshot's own name holds a colon, so the identifier is made of
the source's name, the run's time and a hash over all in which two exports differ.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StartExportTask.html
At most five exports run at once in an account: the sixth is `Busy`, and waits.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import landing_folders
from botocore.exceptions import ClientError
from run_sources import HASH_DIGITS, MADE_FOR_THE_RUN, RDS_INSTANCE, STAMP_DIGITS, RunSource
from run_steps import DatabaseItem, DatabaseWork, Item
from sources import Settings

ATTEMPTS = 3
SLUG = 60 - 1 - STAMP_DIGITS - 1 - HASH_DIGITS


class Busy(Exception):
    """Nothing is wrong; it can't start yet."""


class ExportFailed(Exception):
    """The service gave up, and why."""


def identifier(source: str, due: str, *apart: object, longest: int = SLUG) -> str:
    """`<source>-<yyyymmddhhmmss>-<hash>`, the source cut to `longest`; another for anything in `apart` that differs."""
    slug = re.sub(r"[^a-z0-9]+", "-", source.lower()).strip("-")
    if not slug[:1].isalpha():
        slug = f"x{'-' if slug else ''}{slug}"
    stamp = re.sub(r"\D", "", due)[:STAMP_DIGITS].ljust(STAMP_DIGITS, "0")
    digest = hashlib.sha256(repr((source, due, *apart)).encode()).hexdigest()[:HASH_DIGITS]
    return f"{slug[:longest].rstrip('-')}-{stamp}-{digest}"


def is_limit(error: ClientError) -> bool:
    """Whether the account's exports are taken."""
    # "You have reached the limit of 5 concurrent export tasks"; the service's model does not list it.
    return error.response["Error"]["Code"] in ("ExportTaskLimitReached", "ExportTaskLimitReachedFault")


@dataclass(frozen=True)
class SnapshotCalls:
    """The calls about the snapshots of an instance, or of a cluster."""

    noun: str
    owner: str
    describe: Callable[..., dict[str, Any]]
    create: Callable[..., dict[str, Any]]
    delete: Callable[..., object]
    paginator: str

    @classmethod
    def of(cls, rds: Any, source: RunSource) -> "SnapshotCalls":
        """Those for the source's kind."""
        if source.kind == RDS_INSTANCE:
            describe, create, delete = (
                rds.describe_db_snapshots, rds.create_db_snapshot, rds.delete_db_snapshot
            )  # fmt: skip
            return cls(
                "DBSnapshot", "DBInstanceIdentifier", describe, create, delete, "describe_db_snapshots"
            )
        describe, create, delete = (
            rds.describe_db_cluster_snapshots, rds.create_db_cluster_snapshot, rds.delete_db_cluster_snapshot
        )  # fmt: skip
        return cls(
            "DBClusterSnapshot", "DBClusterIdentifier", describe, create, delete,
            "describe_db_cluster_snapshots",
        )  # fmt: skip

    def named(self, name: str) -> list[dict[str, Any]]:
        """The snapshot of that name, or none."""
        try:
            return self.describe(**{f"{self.noun}Identifier": name})[f"{self.noun}s"]
        except ClientError as error:
            if "NotFound" in error.response["Error"]["Code"]:
                return []
            raise


def snapshot_name(source: RunSource, due: str, settings: Settings) -> str:
    """Of a snapshot made for the run: another for each pipeline of each stack, as each deletes its own. The source's
    name is whole, as the role's rights begin with it; a snapshot's name may have 255 characters, a source's 63."""
    return identifier(source.name, due, settings.pipeline, settings.bucket, longest=len(source.name))


def snapshot(rds: Any, source: RunSource, item: Item, settings: Settings) -> str:
    """The ARN of the snapshot that this run exports; creates it if the source's snapshots are made for the run. `item`
    is the source's item of the run's state. Raises Busy while the snapshot is being made."""
    if item["snapshot_arn"]:
        return item["snapshot_arn"]
    calls = SnapshotCalls.of(rds, source)
    noun = calls.noun
    if source.snapshot == MADE_FOR_THE_RUN:
        name = snapshot_name(source, item["due"], settings)
        snapshots = calls.named(name)
        if not snapshots:
            snapshots = [calls.create(**{f"{noun}Identifier": name, calls.owner: source.name})[noun]]
        if snapshots[0]["Status"] != "available":
            raise Busy(f"snapshot {name} is {snapshots[0]['Status']}")
        return snapshots[0][f"{noun}Arn"]
    pages = rds.get_paginator(calls.paginator).paginate(
        **{calls.owner: source.name, "SnapshotType": "automated"}
    )
    ready = [s for page in pages for s in page[f"{noun}s"] if s["Status"] == "available"]
    if not ready:
        raise ExportFailed(
            f"{source.name} has no automated snapshot; turn on automated backups, or write snapshot: made-for-the-run"
        )
    return max(ready, key=lambda s: s["SnapshotCreateTime"])[f"{noun}Arn"]


def forget(rds: Any, source: RunSource, name: str) -> None:
    """Deletes the snapshot, if it is there."""
    calls = SnapshotCalls.of(rds, source)
    try:
        calls.delete(**{f"{calls.noun}Identifier": name})
    except ClientError as error:
        if "NotFound" not in error.response["Error"]["Code"]:
            raise


def request(
    source: RunSource, snapshot_arn: str, item: Item, attempt: int, settings: Settings
) -> dict[str, Any]:
    """The parameters of StartExportTask; another `attempt` has another identifier."""
    apart = (settings.pipeline, settings.bucket, snapshot_arn, source.only, attempt)
    parameters: dict[str, Any] = {
        "ExportTaskIdentifier": identifier(source.name, item["due"], *apart),
        "SourceArn": snapshot_arn,
        "S3BucketName": settings.bucket,
        "S3Prefix": landing_folders.raw(source.name),
        "IamRoleArn": settings.export_role_arn,
        "KmsKeyId": settings.kms_key_arn,
    }
    return parameters | ({"ExportOnly": list(source.only)} if source.only else {})


def task(rds: Any, name: str, snapshot_arn: str) -> dict[str, Any]:
    """What the service says of an export, by its identifier."""
    # The source's ARN is what the right to describe is granted on.
    return rds.describe_export_tasks(ExportTaskIdentifier=name, SourceArn=snapshot_arn)["ExportTasks"][0]


def work(source: RunSource, item: DatabaseItem, task: Mapping[str, Any]) -> DatabaseWork:
    """Where everything of a finished export stands."""
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
        "tables_key": landing_folders.tables_key(source.name, name),
    }
