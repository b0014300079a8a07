"""A replication: the newest manifest of each table in the replica, which DynamoDB writes last of an export
(components/shared/dynamodb_exports.py), and S3's metrics of what waits."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from components.shared import dynamodb_exports
from operate.alarms import FiringAlarm
from operate.kinds import export
from operate.measures import measured, names
from operate.outputs import Cloud, Refused, command
from operate.row import LAST_RUN, NOTHING, OK, Described, TableStatus, when
from operate.switch import Switch

LATENCY, PENDING = "ReplicationLatency", "OperationsPendingReplication"
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics.html"""


def tables(cloud: Cloud, name: str, pipeline: Described) -> list[TableStatus]:
    """A row for each table of an export, with `catalog` as its run published it there; of other objects one row, with
    S3's latency of the last day."""
    if "state_machine" in pipeline:
        return export.tables(cloud, name, pipeline)
    replica = pipeline["landing"]
    if replica["layout"] != "dynamodb-export" or not replica["tables"]:
        return [_objects(cloud, name, pipeline)]
    return [_table(cloud, name, replica, table) for table in replica["tables"]]


def _table(cloud: Cloud, name: str, replica: Mapping[str, Any], table: str) -> TableStatus:
    s3, bucket = cloud.client("s3", replica), replica["bucket"]
    newest: Mapping[str, Any] | None = None
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"{replica['prefix']}{table}/{dynamodb_exports.MARK}", Delimiter="/"
    )
    # An export's id begins with the milliseconds of its beginning.
    folders = sorted(
        (each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])), reverse=True
    )
    for folder in folders:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{folder}{dynamodb_exports.SUMMARY}").get(
            "Contents", []
        )
        newest = next((each for each in listed if each["Key"] == f"{folder}{dynamodb_exports.SUMMARY}"), None)
        if newest:
            break
    if newest is None:
        return TableStatus(name, "replication", table, state=NOTHING)
    summary = json.loads(s3.get_object(Bucket=bucket, Key=newest["Key"])["Body"].read())
    arrived, exported = (
        when(newest["LastModified"]),
        when(summary.get("exportTime") or summary.get("exportToTime")),
    )
    late = (arrived - exported).total_seconds() if arrived and exported else None
    return TableStatus(
        name,
        "replication",
        table,
        arrived_at=arrived,
        late_seconds=late,
        rows=summary.get("itemCount"),
        counted=LAST_RUN,
    )


def _objects(cloud: Cloud, name: str, pipeline: Described) -> TableStatus:
    source, buckets = pipeline["source"], {"DestinationBucket": pipeline["bucket"]}
    buckets["SourceBucket"] = source["bucket"]
    measures = [
        measured(cloud, source, "AWS/S3", LATENCY, dimensions, "Maximum")
        for dimensions in names(cloud, source, "AWS/S3", LATENCY, buckets)
    ]
    late = [each.value for each in measures if each.value is not None]
    last = [each.last for each in measures if each.last is not None]
    state = OK if last else NOTHING
    return TableStatus(
        name,
        "replication",
        "-",
        arrived_at=max(last, default=None),
        late_seconds=max(late, default=None),
        state=state,
    )


def concerns(pipeline: Described, alarm: FiringAlarm) -> str | None:
    """The source that an alarm of its run is about; S3 measures a rule, not a table."""
    return alarm.source


def switches(cloud: Cloud, name: str, pipeline: Described) -> list[Switch]:
    """The rule by which an arrival starts a run, with `catalog`. None of the replication: what is written while S3's
    own rule is off is never replicated
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html)."""
    return export.rule_switches(
        cloud,
        pipeline,
        "What arrives meanwhile is in no table until its run is started by hand (docs/replication.md).",
    )


def run(cloud: Cloud, name: str, pipeline: Described, at: datetime) -> str:
    """Raises Refused: it carries what is written."""
    upstream = command(cloud, "run", pipeline["from"]) if pipeline.get("from") else "write to its source"
    raise Refused(
        f"{name}: S3 replicates new objects by itself, so there is nothing to run. To send new data: {upstream}"
    )
