"""What runs an OpenSearch Ingestion pipeline here: Data Prepper's `dynamodb` source and `opensearch` sink, in threads.

For each sub-pipeline: the table's export to S3, then its stream from five minutes before the start; each event goes
through the processors and routes into `_bulk` requests through the OpenSearch Serverless front. All calls are signed
as the pipeline's role, so a missing grant stops them, and the log says which. A page of the stream counts as
read once all its events are written, or in the dead-letter queue; a page read twice writes the same versions again.

As in Data Prepper: an exported item's version is (export time - 5 min) in microseconds, a change's is its second in
microseconds plus its number within that second; values and refusals are as documents.py and sink.py say.
Other than there: one consumer, the delay ends at 5 s and not at 10 minutes, a bulk request is sent with its page and
does not wait for flush_timeout, exports are DYNAMODB_JSON and not Ion, and a binary key is an error: Data Prepper
makes an id of it that differs between export and stream.
Source: github.com/opensearch-project/data-prepper: StreamRecordConverter, ExportRecordConverter, ShardConsumer,
LeaderScheduler; metric names: docs.aws.amazon.com/opensearch-service/
latest/developerguide/monitoring-pipeline-metrics.html.
"""

from __future__ import annotations

import copy
import gzip
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.plain import within

from ..seams.parts import Record
from ..service_clients import client, session
from . import pipeline_body
from .documents import plain
from .sink import LAST_DELAY, Sink

SERVICE = "osis-pipelines.amazonaws.com"
OVERLAP = 300  # seconds, of the stream before the start and of an export's version before its time
PAGE = 1000
POLL, IDLE_POLL = 0.3, 1.0  # seconds; of a stream on which nothing comes, slowly more


class Stopped(Exception):
    """The pipeline is being stopped, so its thread ends."""

    pass


class SubPipeline(threading.Thread):
    """`progress` outlives the thread: a pipeline that was updated goes on where it was."""

    def __init__(self, pipeline: Record, name: str, plan: Record, progress: Record):
        super().__init__(name=f"osis-{name}", daemon=True)
        self.pipeline, self.name, self.plan, self.progress = pipeline, name, plan, progress
        self.halt, self.counters, self.lag = threading.Event(), Counter[str](), 0.0
        account = pipeline["PipelineArn"].split(":")[4]
        # The service's own account of things: its log group and its metrics are not the role's.
        own = boto3.Session(
            account, os.environ["AWS_SECRET_ACCESS_KEY"], region_name=pipeline["PipelineArn"].split(":")[3]
        )
        self.logs, self.metrics = client("logs", own), client("cloudwatch", own)
        self.published = 0.0

    def log(self, level: str, message: str) -> None:
        """Puts a line into the pipeline's log group, in the sub-pipeline's stream; none where logging is off."""
        destination = within(self.pipeline, "LogPublishingOptions").get("CloudWatchLogDestination")
        if not destination or not self.pipeline["LogPublishingOptions"].get("IsLoggingEnabled"):
            return
        group = {"logGroupName": destination["LogGroup"], "logStreamName": self.name}
        line = {
            "timestamp": int(time.time() * 1000),
            "message": f"{datetime.now(UTC).isoformat()} {level} {self.name} {message}",
        }
        for _ in range(2):
            try:
                self.logs.put_log_events(**group, logEvents=[line])
                return
            except (ClientError, BotoCoreError):
                try:
                    self.logs.create_log_stream(**group)
                except (ClientError, BotoCoreError):
                    return  # no log group: the service publishes nothing either

    def count(self, metric: str, by: int = 1) -> None:
        """Adds to a metric, which `publish` sends."""
        self.counters[metric] += by

    def publish(self, soon: bool = False) -> None:
        """Sends what was counted, and the greatest latency in milliseconds, to CloudWatch: unless `soon`, at most once
        a second. A count that can't be sent stays."""
        if not soon and time.monotonic() - self.published < 1:
            return
        self.published, counted, self.counters = time.monotonic(), self.counters, Counter[str]()
        data = [(metric, float(value)) for metric, value in counted.items() if value]
        if self.lag:
            data.append(("opensearch.EndToEndLatency.max", self.lag))
        if data:
            try:
                self.metrics.put_metric_data(
                    Namespace="AWS/OSIS",
                    MetricData=[
                        {
                            "MetricName": f"{self.name}.{metric}",
                            "Value": value,
                            "Dimensions": [{"Name": "PipelineName", "Value": self.pipeline["PipelineName"]}],
                        }
                        for metric, value in data
                    ],
                )
            except (ClientError, BotoCoreError):
                self.counters.update(counted)
        self.lag = 0.0

    def pause(self, seconds: float) -> None:
        """Waits for some seconds; raises Stopped as soon as the pipeline is being stopped."""
        if self.halt.wait(seconds):
            raise Stopped

    def run(self) -> None:
        """Works until the pipeline is stopped or is through; after an error it begins again, 1 to 5 seconds later."""
        delay = 1.0
        while True:
            try:
                self.work()
                return
            except Stopped:
                return
            except Exception as error:  # whatever it was, the service logs it and tries again
                self.log("ERROR", f"{type(error).__name__}: {error}")
                self.publish(soon=True)
            if self.halt.wait(delay):
                return
            delay = min(delay * 2, LAST_DELAY)

    def work(self) -> None:
        """Checks the table, prepares the sinks, loads the export if that is still to do, and follows the stream if it
        is to. RuntimeError for a table that Data Prepper would not take."""
        source = self.plan["source"]
        role = session(self.pipeline["PipelineRoleArn"], self.pipeline["PipelineArn"], SERVICE)
        dynamodb, table = client("dynamodb", role), source["tables"][0]
        described = dynamodb.describe_table(TableName=table["table_arn"])["Table"]
        self.table = described["TableName"]
        self.keys = [
            next((key["AttributeName"] for key in described["KeySchema"] if key["KeyType"] == kind), None)
            for kind in ("HASH", "RANGE")
        ]
        types = {
            attribute["AttributeName"]: attribute["AttributeType"]
            for attribute in described["AttributeDefinitions"]
        }
        if "B" in [types[key] for key in self.keys if key]:
            raise RuntimeError(f"a binary key of table {self.table} makes no stable document id")
        if table.get("export") is not None:
            backups = dynamodb.describe_continuous_backups(TableName=table["table_arn"])[
                "ContinuousBackupsDescription"
            ]
            if (
                backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
                != "ENABLED"
            ):
                raise RuntimeError(
                    f"Point-in-time recovery (PITR) needs to be enabled for exporting data from table "
                    f"{table['table_arn']}"
                )
        if table.get("stream") is not None:
            view = described.get("StreamSpecification", {}).get("StreamViewType")
            if view not in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
                raise RuntimeError(
                    f"Stream {table['table_arn']} is enabled with {view}. "
                    "Supported types are [NEW_IMAGE, NEW_AND_OLD_IMAGES]"
                )
        self.sinks = [Sink(self, options, role) for options in self.plan["sinks"]]
        self.progress.setdefault("start", time.time())
        for sink in self.sinks:
            sink.prepare()
        self.log("INFO", "Initialized OpenSearch sink")
        if table.get("export") is not None and not self.progress.get("exported"):
            self.load_export(dynamodb, client("s3", role), table)
        if table.get("stream") is not None:
            self.follow(client("dynamodbstreams", role), described["LatestStreamArn"], table["stream"])
        self.publish(soon=True)

    def load_export(self, dynamodb: Any, s3: Any, table: Record) -> None:
        """Exports the table to S3 and delivers its items; goes on with an export and its files where an earlier try
        ended. RuntimeError if the export fails."""
        options, start = table["export"], self.progress["start"]
        if "export_arn" not in self.progress:
            prefix = {"S3Prefix": options["s3_prefix"]} if options.get("s3_prefix") else {}
            self.progress["export_arn"] = dynamodb.export_table_to_point_in_time(
                TableArn=table["table_arn"],
                S3Bucket=options["s3_bucket"],
                ExportTime=datetime.fromtimestamp(int(start), UTC),
                ExportFormat="DYNAMODB_JSON",
                S3SseAlgorithm="AES256",
                **prefix,
            )["ExportDescription"]["ExportArn"]
        while (
            export := dynamodb.describe_export(ExportArn=self.progress["export_arn"])["ExportDescription"]
        )["ExportStatus"] == "IN_PROGRESS":
            self.pause(POLL)
        if export["ExportStatus"] != "COMPLETED":
            del self.progress["export_arn"]
            raise RuntimeError(f"Export failed with error: {export.get('FailureMessage')}")
        version = int(start * 1000 - OVERLAP * 1000) * 1000
        bucket, loaded = options["s3_bucket"], self.progress.setdefault("files", [])
        summary = json.loads(s3.get_object(Bucket=bucket, Key=export["ExportManifest"])["Body"].read())
        for line in s3.get_object(Bucket=bucket, Key=summary["manifestFilesS3Key"])["Body"].iter_lines():
            file = json.loads(line)["dataFileS3Key"]
            if file in loaded:
                continue
            body = s3.get_object(Bucket=bucket, Key=file)["Body"]
            items = (
                {name: plain(value) for name, value in json.loads(item)["Item"].items()}
                for item in gzip.open(body)  # noqa: SIM115  # closed with its body
            )
            for batch in batches(items, PAGE):
                self.deliver(
                    [
                        (
                            item,
                            self.metadata(
                                {key: item.get(key) for key in self.keys if key}, int(start * 1000), version
                            ),
                        )
                        for item in batch
                    ]
                )
                self.count("dynamodb.exportRecordsProcessed.count", len(batch))
            loaded.append(file)
        self.progress["exported"] = True
        self.log("INFO", f"Export {self.progress['export_arn']} is loaded")

    def metadata(
        self,
        keys: Record,
        timestamp: int,
        version: int,
        event: str | None = None,
        identity: Record | None = None,
    ) -> Record:
        """An event's metadata, as processors, routes and sinks read it; `timestamp` is in ms, `version` in µs."""
        key_values = [
            format(keys[key], "f") if isinstance(keys[key], Decimal) else str(keys[key])
            for key in self.keys
            if key
        ]
        ttl = (
            event == "REMOVE"
            and (identity or {}).get("Type") == "Service"
            and (identity or {}).get("PrincipalId") == "dynamodb.amazonaws.com"
        )
        return {
            "table_name": self.table,
            "dynamodb_timestamp": timestamp,
            "dynamodb_event_name": event,
            "ttl_delete": ttl,
            "opensearch_action": "delete" if event == "REMOVE" else "index",
            "document_version": version,
            "partition_key": key_values[0],
            "sort_key": key_values[1] if len(key_values) > 1 else None,
            "primary_key": "|".join(key_values),
        }

    def deliver(self, events: list[tuple[Record, Record]]) -> None:
        """Takes each event, (data, metadata), through processors and routes, and has the sinks write what is left."""
        passed = [event for event in events if pipeline_body.process(self.plan["processors"], *event)]
        routes = self.plan["routes"]
        taken = [[name for name in routes if routes[name](*event)] for event in passed]
        for sink in self.sinks:
            wanted = sink.options.get("routes")
            sink.write(
                [
                    copy.deepcopy(event) if len(self.sinks) > 1 else event
                    for event, ways in zip(passed, taken, strict=True)
                    if not wanted or set(wanted) & set(ways)
                ]
            )
        self.count("recordsProcessed.count", len(events))
        self.publish()

    def follow(self, streams: Any, arn: str, options: Record) -> None:
        """Every shard of the stream, in turns, for ever."""
        iterators: dict[str, str | None] = {}
        read: dict[str, str | None] = self.progress.setdefault("shards", {})
        discovered, idle = 0.0, POLL
        while True:
            if time.monotonic() - discovered > 60 or not discovered:
                discovered = time.monotonic()
                for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
                    if shard["ShardId"] not in iterators:
                        at = read.get(shard["ShardId"])
                        kind = (
                            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": at}
                            if at
                            else {"ShardIteratorType": "TRIM_HORIZON"}
                        )
                        iterators[shard["ShardId"]] = streams.get_shard_iterator(
                            StreamArn=arn, ShardId=shard["ShardId"], **kind
                        )["ShardIterator"]
            records = 0
            for shard, iterator in list(iterators.items()):
                if iterator:
                    answer = streams.get_records(ShardIterator=iterator, Limit=PAGE)
                    self.changes(shard, answer["Records"], options)
                    if answer["Records"]:
                        read[shard] = answer["Records"][-1]["dynamodb"]["SequenceNumber"]
                    iterators[shard] = answer.get("NextShardIterator")
                    records += len(answer["Records"])
            self.publish()
            self.pause(idle := 0.01 if records else min(max(idle, POLL) * 1.2, IDLE_POLL))

    def changes(self, shard: str, records: list[Record], options: Record) -> None:
        """Delivers a page of a shard's records, without those of five minutes before the start or earlier; a version is
        the record's second and its number within that second."""
        events, ties = (
            list[tuple[Record, Record]](),
            dict(self.progress.setdefault("ties", {}).get(shard) or {"second": 0, "seen": 0}),
        )
        for record in records:
            change, name = record["dynamodb"], record["eventName"]
            second = int(change["ApproximateCreationDateTime"].timestamp())
            if second <= self.progress["start"] - OVERLAP:
                continue
            if second > ties["second"]:
                ties = {"second": second, "seen": 0}
            elif second == ties["second"]:
                ties["seen"] += 1
            version = second * 1_000_000 + (ties["seen"] if second == ties["second"] else 0)
            image = change.get("NewImage", {})
            if name == "REMOVE" and options.get("view_on_remove") == "OLD_IMAGE":
                image = change.get("OldImage", image)
            keys = {key: next(iter(value.values())) for key, value in change["Keys"].items()}
            events.append(
                (
                    {key: plain(value) for key, value in image.items()},
                    self.metadata(keys, second * 1000, version, name, record.get("userIdentity")),
                )
            )
        if events:
            self.deliver(events)
            # In milliseconds; what was changed before the start came with the export.
            late = [1000 * time.time() - metadata["dynamodb_timestamp"] for _, metadata in events]
            self.lag = max(
                [
                    self.lag,
                    *(moment for moment in late if moment < 1000 * (time.time() - self.progress["start"])),
                ]
            )
            self.count("dynamodb.changeEventsProcessed.count", len(events))
        self.progress["ties"][shard] = ties


def batches(items: Iterable[Record], size: int) -> Iterator[list[Record]]:
    """The items in lists of `size`; the last may be shorter."""
    batch: list[Record] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
