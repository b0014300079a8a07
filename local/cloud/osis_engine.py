"""What runs an OpenSearch Ingestion pipeline here: Data Prepper's `dynamodb` source and `opensearch` sink, in threads.

For each sub-pipeline: the table's export to S3, then its stream from five minutes before the start; each event goes
through the processors and routes into `_bulk` requests through the OpenSearch Serverless front. All calls are signed
as the pipeline's role, so a missing grant stops them, and the log says which. A page of the stream counts as
read once all its events are written, or in the dead-letter queue; a page read twice writes the same versions again.

As in Data Prepper: an exported item's version is (export time - 5 min) in microseconds, a change's is its second in
microseconds plus its number within that second; numbers stay exact, binaries are base64, sets are lists; a version
conflict is no error; 400, 404 and 409 are not retried (a delete's 404 is, three times), anything else is, from 50 ms.
Other than there: one consumer, the delay ends at 5 s and not at 10 minutes, a bulk request is sent with its page and
does not wait for flush_timeout, exports are DYNAMODB_JSON and not Ion, and a binary key is an error: Data Prepper
makes an id of it that differs between export and stream.
Source: github.com/opensearch-project/data-prepper: StreamRecordConverter, ExportRecordConverter, ShardConsumer,
LeaderScheduler, BulkIngester, BulkRetryStrategy, S3DlqWriter; metric names: docs.aws.amazon.com/opensearch-service/
latest/developerguide/monitoring-pipeline-metrics.html.
"""

from __future__ import annotations

import base64
import copy
import gzip
import json
import os
import re
import secrets
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from opensearchpy import AWSV4SignerAuth, OpenSearch, RequestsHttpConnection
from opensearchpy.exceptions import ConnectionError as Unreachable
from opensearchpy.exceptions import TransportError

from . import authorization, osis_body

SERVICE = "osis-pipelines.amazonaws.com"
OVERLAP = 300  # seconds, of the stream before the start and of an export's version before its time
PAGE, BULK_BYTES = 1000, 5 * 2**20
NO_RETRY = {400, 404, 409}
FIRST_DELAY, LAST_DELAY = 0.05, 5.0
POLL = 0.3
# Decimals pass through json as marked strings, so that all 38 digits arrive as a number.
MARK = f"\x01{secrets.token_hex(8)}:"
MARKED = re.compile(json.dumps(MARK)[:-1].replace("\\", "\\\\") + '([^"]*)"')


class Stopped(Exception):
    pass


def dumps(document: Any) -> str:
    return MARKED.sub(
        r"\1", json.dumps(document, default=lambda number: f"{MARK}{number}", ensure_ascii=True)
    )


def plain(value: dict) -> Any:
    """A DynamoDB attribute value as the source hands it on."""
    ((kind, inner),) = value.items()
    if kind == "N":
        return Decimal(inner)
    if kind == "NS":
        return [Decimal(number) for number in inner]
    if kind in ("B", "BS"):
        return text(inner) if kind == "B" else [text(item) for item in inner]
    if kind == "L":
        return [plain(item) for item in inner]
    if kind == "M":
        return {name: plain(item) for name, item in inner.items()}
    return None if kind == "NULL" else inner


def text(binary: Any) -> str:
    """base64, of bytes from the stream's client or as it stands in an export."""
    return base64.b64encode(binary).decode() if isinstance(binary, bytes) else binary


def session(role_arn: str, pipeline_arn: str, service: str = SERVICE) -> boto3.Session:
    """A session of the role, if its trust lets the service assume it for this pipeline; Denied otherwise."""
    from ministack.services import sts

    region = pipeline_arn.split(":")[3]
    as_whom = service.split(".", maxsplit=1)[0].removesuffix("-pipelines")
    authorization.check_trust(role_arn, service, pipeline_arn)
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(32)
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{as_whom}",
            "UserId": f"{name}:{as_whom}",
            "AccountId": account,
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    return boto3.Session(key, secret, token, region)


def client(service: str, of: boto3.Session) -> Any:
    return of.client(
        service,
        endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def search(endpoint: str, of: boto3.Session) -> OpenSearch:
    signer = AWSV4SignerAuth(of.get_credentials(), str(of.region_name), "aoss")
    return OpenSearch(
        endpoint, http_auth=signer, connection_class=RequestsHttpConnection, max_retries=0, timeout=60
    )


class Sink:
    def __init__(self, run: SubPipeline, options: dict, role: boto3.Session):
        self.run, self.options = run, options
        host = options["hosts"][0]
        answer = client("opensearchserverless", role).batch_get_collection(
            ids=[host.rstrip("/").rsplit("/", 1)[-1]]
        )
        if not answer["collectionDetails"]:
            raise RuntimeError(f"there is no collection at {host}")
        self.search, self.s3 = search(host, role), client("s3", role)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """An answer, waiting as long as it takes for a collection that is waking or a grant that is missing."""
        delay, tries = FIRST_DELAY, 0
        while True:
            try:
                return self.search.transport.perform_request(method, path, body=body)
            except (TransportError, Unreachable) as error:
                if error.status_code in NO_RETRY:
                    raise
                if tries % 5 == 0:
                    error_body = error.info.get("error") if isinstance(error.info, dict) else None
                    reason = error_body.get("reason") if isinstance(error_body, dict) else str(error)
                    self.run.log(
                        "WARN", f"Bulk Operation Failed. Number of retries {tries}. Retrying... {reason}"
                    )
                self.run.count("opensearch.bulkRequestNumberOfRetries.count")
                refused = error.status_code in (401, 403, 429)
                self.run.count(f"opensearch.bulkRequest{'NotAllowed' if refused else 'Server'}Errors.count")
                self.run.publish()
                self.run.pause(delay)
                delay, tries = min(delay * 2, LAST_DELAY), tries + 1

    def prepare(self) -> None:
        """The index and its template, where the sink manages them (index_type custom)."""
        index, content = self.options["index"], self.options.get("template_content")
        if self.options.get("index_type") != "custom":
            return
        if content:
            template, name = json.loads(content), f"/_index_template/{index}-index-template"
            there = self.lookup(name)
            current_version = there["index_templates"][0]["index_template"].get("version", 0) if there else -1
            if current_version < template.get("version", 0):
                self.request("PUT", name, {**template, "index_patterns": [index]})
        if self.lookup(f"/{index}") is None:
            try:
                self.request("PUT", f"/{index}")
            except TransportError as error:
                if "resource_already_exists" not in str(error):
                    raise

    def lookup(self, path: str) -> Any:
        try:
            return self.request("GET", path)
        except TransportError as error:
            if error.status_code == 404:
                return None
            raise

    def operation(self, data: dict, metadata: dict) -> tuple[dict, str | None] | None:
        """(action line, document), or None when the event went to the dead-letter queue instead."""
        target: dict[str, Any] = {"_index": self.options["index"], "_id": None}
        try:
            target["version"] = int(osis_body.fill(self.options["document_version"], data, metadata))
            target["version_type"] = "external"
            target["_id"] = osis_body.fill(self.options["document_id"], data, metadata)
            action = osis_body.fill(self.options["action"], data, metadata)
        except (osis_body.Missing, ValueError) as error:
            self.reject([(target, dumps(data), 0, str(error))])
            return None
        return {action: target}, None if action == "delete" else dumps(data)

    def write(self, events: list[tuple[dict, dict]]) -> None:
        size, batch = 0, []
        for line, document in filter(None, (self.operation(*event) for event in events)):
            if batch and size + len(document or "") > BULK_BYTES:
                self.send(batch)
                size, batch = 0, []
            batch.append((line, document))
            size += len(document or "") + 200
        if batch:
            self.send(batch)

    def send(self, batch: list[tuple[dict, str | None]]) -> None:
        attempt, delay = 1, FIRST_DELAY
        while batch:
            body = "".join(
                json.dumps(line) + "\n" + (f"{document}\n" if document is not None else "")
                for line, document in batch
            )
            try:
                answer = self.request("POST", "/_bulk", body)
            except TransportError as error:
                self.reject(
                    [(next(iter(line.values())), document, 0, str(error)) for line, document in batch]
                )
                return
            again, failed, done = [], [], 0
            for (line, document), item in zip(batch, answer["items"], strict=True):
                ((action, result),) = item.items()
                status, cause = result["status"], result.get("error") or {}
                if status < 300 and not cause:
                    done += 1
                elif (status == 404 and action == "delete" and attempt <= 3) or status not in NO_RETRY:
                    again.append((line, document))
                elif cause.get("type") == "version_conflict_engine_exception":
                    self.run.count("opensearch.documentsVersionConflictErrors.count")
                else:
                    failed.append((line[action], document, status, reasons(cause)))
            self.run.count("opensearch.documentsSuccess.count", done)
            self.run.count("opensearch.documentsSuccessFirstAttempt.count", done if attempt == 1 else 0)
            self.reject(failed)
            if again:
                self.run.pause(delay)
            batch, attempt, delay = again, attempt + 1, min(delay * 2, LAST_DELAY)

    def reject(self, failed: list[tuple[dict, str | None, int, str]]) -> None:
        """Into the dead-letter queue as Data Prepper writes it."""
        if not failed:
            return
        self.run.count("opensearch.documentErrors.count", len(failed))
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        objects = [
            f'{{"pluginId":"opensearch","pluginName":"opensearch","pipelineName":{json.dumps(self.run.name)},'
            f'"timestamp":"{now}","failedData":{{"index":{json.dumps(target["_index"])},'
            f'"indexId":{json.dumps(target.get("_id"))},"status":{status},"message":{json.dumps(message)},'
            f'"document":{document or "{}"}}}}}'
            for target, document, status, message in failed
        ]
        key = f"dlq-v2-{self.run.name}-opensearch-{now}-{uuid.uuid4()}.json"
        where = self.options["dlq"]["s3"]
        try:
            self.s3.put_object(
                Bucket=where["bucket"],
                Key=f"{where['key_path_prefix'].rstrip('/')}/{key}",
                Body=f'{{"dlqObjects":[{",".join(objects)}]}}'.encode(),
            )
        except ClientError:
            self.run.count("opensearch.s3.dlqS3RecordsFailed.count", len(failed))
            raise
        self.run.count("opensearch.s3.dlqS3RecordsSuccess.count", len(failed))


def reasons(cause: dict) -> str:
    chain = []
    while cause:
        chain.append(str(cause.get("reason")))
        cause = cause.get("caused_by") or {}
    return " caused by ".join(chain)


class SubPipeline(threading.Thread):
    """`progress` outlives the thread: a pipeline that was updated goes on where it was."""

    def __init__(self, pipeline: dict, name: str, plan: dict, progress: dict):
        super().__init__(name=f"osis-{name}", daemon=True)
        self.pipeline, self.name, self.plan, self.progress = pipeline, name, plan, progress
        self.halt, self.counters, self.lag = threading.Event(), Counter(), 0.0
        account = pipeline["PipelineArn"].split(":")[4]
        # The service's own account of things: its log group and its metrics are not the role's.
        own = boto3.Session(
            account, os.environ["AWS_SECRET_ACCESS_KEY"], region_name=pipeline["PipelineArn"].split(":")[3]
        )
        self.logs, self.metrics = client("logs", own), client("cloudwatch", own)
        self.published = 0.0

    def log(self, level: str, message: str) -> None:
        destination = (self.pipeline.get("LogPublishingOptions") or {}).get("CloudWatchLogDestination")
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
        self.counters[metric] += by

    def publish(self, soon: bool = False) -> None:
        if not soon and time.monotonic() - self.published < 1:
            return
        self.published, counted, self.counters = time.monotonic(), self.counters, Counter()
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
        if self.halt.wait(seconds):
            raise Stopped

    def run(self) -> None:
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
        source = self.plan["source"]
        role = session(self.pipeline["PipelineRoleArn"], self.pipeline["PipelineArn"])
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

    def load_export(self, dynamodb: Any, s3: Any, table: dict) -> None:
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
        self, keys: dict, timestamp: int, version: int, event: str | None = None, identity: dict | None = None
    ) -> dict:
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

    def deliver(self, events: list[tuple[dict, dict]]) -> None:
        kept = [event for event in events if osis_body.process(self.plan["processors"], *event)]
        routes = self.plan["routes"]
        taken = [[name for name in routes if routes[name](*event)] for event in kept]
        for sink in self.sinks:
            wanted = sink.options.get("routes")
            sink.write(
                [
                    copy.deepcopy(event) if len(self.sinks) > 1 else event
                    for event, ways in zip(kept, taken, strict=True)
                    if not wanted or set(wanted) & set(ways)
                ]
            )
        self.count("recordsProcessed.count", len(events))
        self.publish()

    def follow(self, streams: Any, arn: str, options: dict) -> None:
        """Every shard of the stream, in turns, for ever."""
        iterators: dict[str, str | None] = {}
        read: dict[str, str | None] = self.progress.setdefault("shards", {})
        discovered = 0.0
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
            self.pause(0.01 if records else POLL)

    def changes(self, shard: str, records: list[dict], options: dict) -> None:
        events, ties = [], dict(self.progress.setdefault("ties", {}).get(shard) or {"second": 0, "seen": 0})
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


def batches(items: Iterable[dict], size: int) -> Iterator[list[dict]]:
    batch: list[dict] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
