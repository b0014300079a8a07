"""What a replication carries of the exports in the landing that it takes from: objects, items,
announcements.

Sends nothing itself, since its source does, but for a bucket that the stack adopts (adopted_landing.py). Sees to it
that announcements can be seen: a rule on the analytics account's event bus that puts every event of the arrival into a
queue of this sample's own, which is only ever peeked into. The items are counted in the replica's data files, read by
the account that they were replicated into; they count as arrived when the export has been announced. The seconds are
from the time that the export shows the table at to the announcement's coming into that queue.

Where the replica has tables, what arrived is what Athena counts there once the run of the same export that the source
has published has published it in the replica, of a database's tables, too; the seconds are then those from the one
record to the other, 0 where the source has published the same once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from local.samples import Cloud, Row, adopted_landing, lake
from local.samples.export import data_files, folder, items, keys, latest
from operate.kinds.export import records

QUEUE = "tributary-sample-announcements"
PATTERN = {"source": ["tributary.arrival"], "detail-type": ["Export Arrived"]}


def prepare(cloud: Cloud, name: str, pipeline: Mapping[str, Any]) -> None:
    """Makes a queue, and a rule that sends it each announcement of an arrived export."""
    adopted_landing.prepare(cloud, pipeline)
    landing, rule = pipeline["landing"], f"{cloud.prefix}{QUEUE}-{name}"[:64]
    sqs, events = cloud.client("sqs", landing), cloud.client("events", landing)
    url = sqs.create_queue(QueueName=cloud.prefix + QUEUE, Attributes={"MessageRetentionPeriod": "1209600"})[
        "QueueUrl"
    ]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule_arn = events.put_rule(
        Name=rule, EventBusName=pipeline["event_bus"], EventPattern=json.dumps(PATTERN)
    )["RuleArn"]
    rules = _of_samples(rule_arn, f"{cloud.prefix}{QUEUE}-*")  # of each pipeline that comes into the account
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
                 "Action": "sqs:SendMessage", "Resource": arn,
                 "Condition": {"ArnLike": {"aws:SourceArn": rules}}}  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_targets(Rule=rule, EventBusName=pipeline["event_bus"], Targets=[{"Id": "sample", "Arn": arn}])


def _of_samples(rule_arn: str, rule: str) -> str:
    """The pattern of the ARNs of rules of a name, on any bus."""
    return f"{rule_arn.partition(':rule/')[0]}:rule/*{rule}"


def start(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime) -> None:
    """What it carries starts with its source, but for an adopted bucket, which has none."""
    adopted_landing.start(cloud, pipeline, due)


def peeked(cloud: Cloud, place: Mapping[str, Any], url: str) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Every message of a queue and when it came; all stay there."""
    sqs = cloud.client("sqs", place)
    taken: list[dict[str, str]] = []
    try:
        while messages := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30, AttributeNames=["SentTimestamp"]
        ).get("Messages"):
            for message in messages:
                taken.append({"Id": str(len(taken)), "ReceiptHandle": message["ReceiptHandle"]})
                sent = int(message["Attributes"]["SentTimestamp"]) / 1000
                yield datetime.fromtimestamp(sent, UTC), json.loads(message["Body"])
    finally:
        for first in range(0, len(taken), 10):
            sqs.change_message_visibility_batch(
                QueueUrl=url,
                Entries=[entry | {"VisibilityTimeout": 0} for entry in taken[first : first + 10]],
            )


def announced(cloud: Cloud, place: Mapping[str, Any]) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Every announcement in the sample's queue and when it came."""
    sqs = cloud.client("sqs", place)
    try:
        url = sqs.get_queue_url(QueueName=cloud.prefix + QUEUE)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        return
    for at, event in peeked(cloud, place, url):
        yield at, event["detail"]


def rows(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime | None) -> list[Row]:
    """What was replicated of each table."""
    exporting = adopted_landing.exporter(cloud, pipeline)
    source, replica = exporting["landing"], pipeline["landing"]
    nothing: tuple[None, dict[str, Any]] = (None, {})
    heard = {detail["export_arn"]: (at, detail) for at, detail in announced(cloud, replica)}
    rows: list[Row] = []
    for table in replica["tables"]:
        export = latest(cloud, source, table, due)
        if not export and lake.ended(
            cloud, exporting, due
        ):  # changes alone, or none: the table itself came earlier
            export = latest(cloud, source, table, None)
        if not export or export["ExportStatus"] != "COMPLETED":
            failure = "its source's export failed" if export and export["ExportStatus"] == "FAILED" else ""
            rows.append(Row(name, pipeline["kind"], table, 0, 0, None, {}, failure))
            continue
        files = data_files(cloud, source, export)
        sent = sum(items(cloud, source, key) for key in files)
        there = keys(cloud, source, folder(export))
        replicated = keys(cloud, replica, folder(export))
        at, detail = heard.get(export["ExportArn"], nothing)
        in_replica = sum(items(cloud, replica, key) for key in files)
        counts: dict[str, int | str] = {
            "items exported": sent,
            "objects replicated": f"{len(there & replicated)} of {len(there)}",
            "items replicated": in_replica,
            "items announced": detail.get("item_count", "none"),
        }
        arrived = in_replica if at and detail["item_count"] == in_replica else 0
        seconds = round((at - export["ExportTime"]).total_seconds(), 1) if at else None
        failure = "" if at else "; ".join(failed(cloud, pipeline, source, there - replicated))
        rows.append(Row(name, pipeline["kind"], table, sent, arrived, seconds, counts, failure))
    return queried(cloud, name, pipeline, due, rows) if "database" in pipeline else rows


def queried(
    cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime | None, carried: list[Row]
) -> list[Row]:
    """Of each table that the source's run has published the row of what was carried, where it has one, with what Athena
    counts in the replica."""
    exporting = cloud.pipelines[pipeline["from"]]
    here = {record["table"]: (record, at) for record, at in records(cloud, pipeline)}
    there = {record["table"]: (record, at) for record, at in records(cloud, exporting)}
    files = {row.table: row for row in carried}
    rows: list[Row] = []
    for source in lake.rows(cloud, pipeline["from"], exporting, due):
        table = source.table.replace(".", "_")
        of_files = files.get(source.table)
        counts = dict(of_files.counts) if of_files else {}
        failure = (of_files.failure if of_files else "") or (
            "its source's run failed" if source.failure else ""
        )
        record, at = here.get(table, (None, None))
        arrived, seconds = 0, None
        wanted, published = there.get(table, (None, None))
        # An export without a change is published nowhere anew.
        is_same = record and wanted and record["export_id"] == wanted["export_id"]
        if source.complete and record and at and published and is_same:
            arrived = lake.counted(cloud, pipeline, record["export_id"], table)
            counts["rows in Athena"] = arrived
            if of_files is None or of_files.complete:
                seconds = round(max(0.0, (at - published).total_seconds()), 1)
        rows.append(Row(name, pipeline["kind"], source.table, source.sent, arrived, seconds, counts, failure))
    return rows


def failed(
    cloud: Cloud, pipeline: Mapping[str, Any], source: Mapping[str, Any], missing: set[str]
) -> list[str]:
    """The missing objects that S3 has given up replicating, each with the reason of its event."""
    if not missing:
        return []
    reasons: dict[str, str] = {}
    for _, event in peeked(cloud, source, pipeline["failed_replications"]):
        for record in event.get("Records", []):
            reason = record.get("replicationEventData", {}).get("failureReason", "no reason given")
            reasons[unquote_plus(record["s3"]["object"]["key"])] = reason
    return [
        f"s3://{source['bucket']}/{key} was not replicated: {reasons[key]}"
        for key in sorted(missing & reasons.keys())
    ]
