"""A snapshot of a database that is there, exported: its files, and what describes them."""

from __future__ import annotations

import importlib
import io
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.live.life import Life, accepted, until
from tests.live.place import Place
from tests.live.roles import REFUSALS, role
from tests.live.warehouse import make_bucket
from tests.typed import fake, pa, pq

FORM = (
    "do the files of an RDS export, and their manifest, have the form that the normaliser reads, and the columns "
    "their types"
)
THREE_HOURS = 3 * 3600.0  # seconds; an export of a small database takes half an hour
# What a column of the catalog's type is in the files: "Data conversion" in
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.data-types.html
IN_FILES: dict[str, Any] = {
    "boolean": pa.types.is_boolean, "int": pa.types.is_int32, "bigint": pa.types.is_int64,
    "float": pa.types.is_float32, "double": pa.types.is_float64, "string": pa.types.is_string,
    "date": pa.types.is_date32, "timestamp": pa.types.is_timestamp,
    "binary": fake(lambda kind: pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind)),
}  # fmt: skip


def database(place: Place, name: str, undo: ExitStack) -> None:
    """A snapshot made by hand, exported into a bucket under a key, and read as the export pipeline reads it
    (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.FileNames.html)."""
    rds, s3, bucket = place("rds"), place("s3"), f"{name}-{place.account()}"
    make_bucket(s3, bucket, place.sandbox.region, undo)
    snapshot = rds.create_db_snapshot(DBInstanceIdentifier=place.sandbox.database, DBSnapshotIdentifier=name)
    undo.callback(rds.delete_db_snapshot, DBSnapshotIdentifier=name)
    kms = place("kms")
    key = kms.create_key(Description=name)["KeyMetadata"]
    undo.callback(kms.schedule_key_deletion, KeyId=key["KeyId"], PendingWindowInDays=7)
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key["KeyId"])
    undo.callback(kms.delete_alias, AliasName=f"alias/{name}")
    writes = [
        {"Effect": "Allow", "Action": ["s3:PutObject*", "s3:GetObject*", "s3:DeleteObject*"],
         "Resource": f"arn:aws:s3:::{bucket}/*"},
        {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": f"arn:aws:s3:::{bucket}"},
    ]  # fmt: skip
    writer = role(place, name, {"Service": "export.rds.amazonaws.com"}, undo, *writes)

    def available() -> bool:
        (snapshot,) = rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"]
        return snapshot["Status"] == "available"

    until(available, THREE_HOURS)
    wanted = {
        "ExportTaskIdentifier": name, "SourceArn": snapshot["DBSnapshot"]["DBSnapshotArn"], "S3BucketName": bucket,
        "S3Prefix": "raw", "IamRoleArn": writer, "KmsKeyId": key["Arn"],
    }  # fmt: skip
    until(
        lambda: accepted(
            rds.start_export_task, "IamRoleNotFound", "IamRoleMissingPermissions", *REFUSALS, **wanted
        )
    )

    def ended() -> Any:
        (task,) = rds.describe_export_tasks(ExportTaskIdentifier=name)["ExportTasks"]
        return task if task["Status"] in ("COMPLETE", "FAILED", "CANCELED") else None

    answer: dict[str, Any] = {"status": until(ended, THREE_HOURS)["Status"]}
    place.settle(
        FORM, answer | read(s3, bucket, f"raw/{name}/"), status="COMPLETE", refused={}, unlike=[], empty=False
    )


def read(s3: Any, bucket: str, prefix: str) -> dict[str, Any]:
    """What the normaliser makes of an export: what it refuses, and each column whose files hold another type."""
    folder = str(Path(__file__).resolve().parents[2] / "handlers" / "normalise")
    if folder not in sys.path:
        sys.path.insert(0, folder)  # a handler's folder is the root of its bundle
    normaliser = importlib.import_module("rds_export")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def content(key: str) -> bytes:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    infos = {key: json.loads(content(key)) for key in keys if "/export_tables_info_" in key}
    described = normaliser.describe(prefix, infos, keys)
    parts = normaliser.parts(described, keys)
    unlike: list[Any] = []
    for table in described.tables:
        for key in parts[table.target]:
            fields = {field.name: field.type for field in pq.read_schema(io.BytesIO(content(key)))}
            unlike += [
                f"{table.target}.{column.attribute}: {column.type.glue()}, and {fields.get(column.attribute)} in {key}"
                for column in table.schema.columns
                if not fits(column.type.glue(), fields.get(column.attribute))
            ]
    return {
        "empty": not described.tables,
        "skipped": dict(described.skipped),
        "refused": dict(described.refused),
        "unlike": unlike,
    }


def fits(declared: str, kind: Any) -> bool:
    """Whether a file's column holds what the catalog declares."""
    if kind is None:
        return False
    if declared.startswith("decimal"):
        return pa.types.is_decimal(kind) and declared == f"decimal({kind.precision},{kind.scale})"
    return IN_FILES[declared](kind)


makes = "a snapshot of the database, a bucket, a key that is deleted a week later"
cost = "a quarter of a dollar for the key, and 0.010 dollars a GB of the snapshot, of 10 MB at least"
LIVES = {"database": Life(database, (FORM,), frozenset({"database"}), makes, cost)}
