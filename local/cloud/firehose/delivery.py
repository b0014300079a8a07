"""One delivery stream's thread: from a Kinesis stream to an OpenSearch Serverless collection.

The source role reads the shards from the moment the stream was made; records are gathered until BufferingHints' size
or seconds, transformed by the Lambda processor (as the delivery role, at most its BufferSizeInMBs a call), and sent as
one `_bulk` to the collection's own endpoint, signed by the delivery role. What the index refuses (a 4xx but 401, 403,
429) goes to the backup at once; what may pass is tried again until RetryOptions.DurationInSeconds, then goes there
too. A backup that can't be written is tried for ever, while nothing more is read: Kinesis keeps the records. Trust
policies, IAM and data access policies decide each call; failures are written to the delivery stream's log.

Source: docs.aws.amazon.com/firehose/latest/dev/retry.html and data-transformation-failure-handling.html (the backup's
format), docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html.
"""

import base64
import contextlib
import gzip
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from opensearchpy.exceptions import ConnectionError as Unreachable
from opensearchpy.exceptions import TransportError

from local.plain import within

from ..iam import authorization
from ..seams import firehose
from ..seams.responses import get_account_id, get_region, new_uuid, request_scope
from ..service_clients import client, search, session
from .records import Record, chunks, one_line

SERVICE, KIND = "firehose.amazonaws.com", "AmazonOpenSearchServerless"
POLL_SECONDS, FIRST_DELAY, LAST_DELAY, LAMBDA_TRIES = 0.25, 0.5, 5.0, 3
REFUSED, UNPROCESSED = "AmazonOpenSearchService-failed", "processing-failed"
MB = 1_000_000
log = logging.getLogger("tributary.cloud")


class Deleted(Exception):
    """The delivery stream is gone."""


class Delivery(threading.Thread):
    """Delivers a stream's records, in the account and region that it was made in, until it is deleted."""

    def __init__(self, stream: dict[str, Any]):
        super().__init__(daemon=True, name=f"firehose-{stream['name']}")
        self.stream, self.account, self.region = stream, get_account_id(), get_region()
        self.config: dict[str, Any] = stream["destinations"][0]["config"]
        self.source: dict[str, Any] = stream["kinesis_source"]
        self.clients: dict[tuple[str, str], tuple[Any, float]] = {}
        self.cursors: dict[str, str] = {}  # shard -> the last sequence number that was delivered
        own = boto3.Session(self.account, os.environ["AWS_SECRET_ACCESS_KEY"], region_name=self.region)
        self.metrics, self.logs = client("cloudwatch", own), client("logs", own)

    # --- the way of the records

    def run(self) -> None:
        """Gathers and delivers in turn; where the source refuses or is away, it logs that and tries a second later."""
        try:
            while True:
                try:
                    read, cursors = self.gather()
                    if read:
                        self.deliver(read)
                    self.cursors.update(cursors)
                except (ClientError, BotoCoreError, authorization.Denied) as error:
                    self.log_failure("delivery", "Kinesis.AccessOrAvailability", str(error))
                    self.pause(1)
        except Deleted:
            log.info("Firehose %s ends", self.stream["name"])
        except Exception:
            log.exception("Firehose %s ends by an error of its own", self.stream["name"])

    def pause(self, seconds: float) -> None:
        """Waits so many seconds; raises Deleted once the delivery stream is gone, with 0 seconds as well."""
        until = time.monotonic() + seconds
        while True:
            with request_scope(self.account, self.region):
                if firehose.streams.get(self.stream["name"]) is not self.stream:
                    raise Deleted
            if (left := until - time.monotonic()) <= 0:
                return
            time.sleep(min(left, POLL_SECONDS))

    def gather(self) -> tuple[list[Record], dict[str, str]]:
        """A buffer's worth of records, and how far each shard was read for it."""
        hints = within(self.config, "BufferingHints")
        seconds, most = hints.get("IntervalInSeconds", 300), hints.get("SizeInMBs", 5) * MB
        kinesis = self.acting("kinesis", self.source["RoleARN"])
        arn, size = {"StreamARN": self.source["KinesisStreamARN"]}, 0
        read, cursors = list[Record](), dict[str, str]()
        iterators: dict[str, str | None] = {}
        for shard in (listed["ShardId"] for listed in kinesis.list_shards(**arn)["Shards"]):
            answer = kinesis.get_shard_iterator(**arn, ShardId=shard, **self.position(shard))
            iterators[shard] = answer["ShardIterator"]
        began = time.monotonic()
        while size < most and time.monotonic() - began < max(seconds, POLL_SECONDS):
            for shard, iterator in iterators.items():
                if size >= most or not iterator:
                    continue
                answer = kinesis.get_records(**arn, ShardIterator=iterator, Limit=1000)
                iterators[shard] = answer.get("NextShardIterator")
                for record in answer["Records"]:
                    read.append(
                        Record(record["Data"], int(record["ApproximateArrivalTimestamp"].timestamp() * 1000))
                    )
                    size += len(record["Data"])
                    cursors[shard] = record["SequenceNumber"]
            self.pause(POLL_SECONDS if size < most else 0)
        return read, cursors

    def position(self, shard: str) -> dict[str, Any]:
        """GetShardIterator's arguments: after the last delivered record, at first from the stream's own beginning."""
        if shard in self.cursors:
            return {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": self.cursors[shard],
            }
        return {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self.source["DeliveryStartTimestamp"]}

    def deliver(self, read: list[Record]) -> None:
        """Transforms and indexes records, backs up what is refused (with AllDocuments all of them), and measures it."""
        if self.config.get("S3BackupMode") == "AllDocuments":
            self.keep("", b"".join(record.data + b"\n" for record in read))
        records = self.transformed(read) if self.processors() else read
        refused = self.index(records) if records else []
        self.back_up(
            REFUSED, refused, {"esDocumentId": "", "esIndexName": self.config["IndexName"], "esTypeName": ""}
        )
        delivered = len(records) - len(refused)
        self.measure(f"DeliveryTo{KIND}.Records", delivered)
        if records:
            self.measure(f"DeliveryTo{KIND}.Success", delivered / len(records))
        self.measure(
            f"DeliveryTo{KIND}.DataFreshness", time.time() - min(record.arrived for record in read) / 1000
        )

    # --- transformation

    def processors(self) -> list[dict[str, str]]:
        """Each Lambda processor's parameters by name; none where processing is not enabled."""
        processing = within(self.config, "ProcessingConfiguration")
        processors: list[dict[str, Any]] = (
            processing.get("Processors", []) if processing.get("Enabled") else []
        )
        parameters: list[list[dict[str, str]]] = [
            processor.get("Parameters", []) for processor in processors if processor["Type"] == "Lambda"
        ]
        return [{p["ParameterName"]: p["ParameterValue"] for p in pairs} for pairs in parameters]

    def transformed(self, read: list[Record]) -> list[Record]:
        """The records that are Ok; those that failed are in the backup."""
        [parameters], records = self.processors(), list[Record]()
        for batch in chunks(read, float(parameters.get("BufferSizeInMBs", 1)) * MB):
            try:
                answers = self.invoke(parameters, batch)
            except (ClientError, BotoCoreError, authorization.Denied, ValueError) as error:
                code = "Lambda.InvokeAccessDenied" if "ccess" in str(error) else "Lambda.FunctionError"
                answers = [{"result": "ProcessingFailed", "code": code, "message": str(error)}] * len(batch)
            failed: list[Record] = []
            for record, answer in zip(batch, answers, strict=True):
                if answer["result"] == "Ok":
                    records.append(Record(base64.b64decode(answer["data"]), record.arrived))
                elif answer["result"] != "Dropped":
                    record.error = (
                        answer.get("code", "Lambda.ProcessingFailedStatus"),
                        answer.get("message", "ProcessingFailed status set for record"),
                    )
                    record.attempts = LAMBDA_TRIES if "code" in answer else 1
                    failed.append(record)
            self.back_up(UNPROCESSED, failed, {"lambdaArn": parameters["LambdaArn"]})
        return records

    def invoke(self, parameters: dict[str, str], batch: list[Record]) -> list[dict[str, Any]]:
        """The function's answers in the order of the records; ValueError after three calls that fail or mismatch."""
        arn, source = parameters["LambdaArn"], self.source["KinesisStreamARN"]
        sent: list[dict[str, Any]] = [
            {
                "recordId": f"{number:056d}",
                "approximateArrivalTimestamp": record.arrived,
                "data": base64.b64encode(record.data).decode(),
                "kinesisRecordMetadata": {"approximateArrivalTimestamp": record.arrived},
            }
            for number, record in enumerate(batch)
        ]
        event = {
            "invocationId": new_uuid(),
            "deliveryStreamArn": self.stream["arn"],
            "sourceKinesisStreamArn": source,
            "region": self.region,
            "records": sent,
        }
        for tries in range(LAMBDA_TRIES):
            try:
                answer = self.as_delivery("lambda").invoke(
                    FunctionName=arn, Payload=json.dumps(event).encode()
                )
                payload = json.loads(answer["Payload"].read())
                if "FunctionError" in answer:
                    raise ValueError(f"{arn} failed: {payload}")
                answered = {record["recordId"]: record for record in payload["records"]}
                if set(answered) != {record["recordId"] for record in sent}:
                    raise ValueError(f"{arn} did not answer exactly the records it was sent")
                return [answered[record["recordId"]] for record in sent]
            except (ClientError, BotoCoreError, KeyError, ValueError) as error:
                self.log_failure("delivery", "Lambda.FunctionError", str(error))
                if tries == LAMBDA_TRIES - 1:
                    raise ValueError(str(error)) from error
                self.pause(FIRST_DELAY)
        raise AssertionError("unreachable")

    # --- the index

    def index(self, records: list[Record]) -> list[Record]:
        """Those that were refused, or not taken in time, each with its error."""
        began, delay, left, refused = time.monotonic(), FIRST_DELAY, records, list[Record]()
        while left:
            waiting: list[Record] = []
            for record, (status, reason) in zip(left, self.bulk(left), strict=True):
                record.attempts += 1
                if status >= 300:
                    record.error = (str(status), reason)
                    (waiting if status in (401, 403, 429) or status >= 500 else refused).append(record)
            if waiting:
                self.log_failure("delivery", f"OS.{waiting[0].error[0]}", waiting[0].error[1])
            if time.monotonic() + delay - began > within(self.config, "RetryOptions").get(
                "DurationInSeconds", 300
            ):
                return refused + waiting
            if waiting:
                self.pause(delay)
                delay = min(delay * 2, LAST_DELAY)
            left = waiting
        return refused

    def bulk(self, records: list[Record]) -> Iterator[tuple[int, str]]:
        """Each record's status and reason."""
        lines = [(record, one_line(record.data)) for record in records]
        body = b"".join(b'{"index":{}}\n' + line + b"\n" for _, line in lines if line is not None)
        try:
            answered = iter(
                self.as_delivery("aoss").transport.perform_request(
                    "POST", f"/{self.config['IndexName']}/_bulk", body=body
                )["items"]
                if body
                else []
            )
        except (TransportError, Unreachable) as error:
            status = error.status_code if isinstance(error.status_code, int) else 503
            yield from [(status, f"{status} {error.info}"[:1000])] * len(records)
            return
        except (authorization.Denied, ClientError, BotoCoreError) as error:
            yield from [(403, str(error))] * len(records)
            return
        for _, line in lines:
            if line is None:
                yield 400, "mapper_parsing_exception: failed to parse: the record is not a JSON object"
                continue
            item = next(answered)["index"]
            error = within(item, "error")
            cause = within(error, "caused_by").get("reason", "")
            yield (
                item["status"],
                " ".join(filter(None, [error.get("type", ""), error.get("reason", ""), cause])),
            )

    def acting(self, service: str, role_arn: str) -> Any:
        """A client as the role, whose trust is checked once a minute."""
        opened, until = self.clients.get((service, role_arn), (None, 0.0))
        if time.monotonic() > until:
            role = session(role_arn, self.stream["arn"], SERVICE)
            aoss = service == "aoss"
            opened = search(self.config["CollectionEndpoint"], role) if aoss else client(service, role)
            self.clients[service, role_arn] = opened, time.monotonic() + 60
        return opened

    def as_delivery(self, service: str) -> Any:
        """A service's client under the delivery role: for the index, the function or the backup."""
        return self.acting(service, self.config["RoleARN"])

    # --- the backup and the log

    def back_up(self, kind: str, failed: list[Record], more: dict[str, str]) -> None:
        """Writes failed records as one object, a JSON line each: the error, `more`, and the record's data in base64."""
        lines = [
            json.dumps(
                {
                    "attemptsMade": record.attempts,
                    "arrivalTimestamp": record.arrived,
                    "errorCode": record.error[0],
                    "errorMessage": record.error[1],
                    "attemptEndingTimestamp": int(time.time() * 1000),
                    **more,
                    "rawData": base64.b64encode(record.data).decode(),
                }
            )
            for record in failed
        ]
        if lines:
            self.keep(kind, "\n".join([*lines, ""]).encode())

    def keep(self, kind: str, content: bytes) -> None:
        """One object, tried until it is there."""
        s3, now = self.config["S3Configuration"], datetime.now(UTC)
        template = s3.get("ErrorOutputPrefix" if kind else "Prefix", "")
        prefix = firehose.evaluate_prefix(template, now.timetuple(), error_type=kind or None)
        zipped = s3.get("CompressionFormat") == "GZIP"
        name = f"{self.stream['name']}-{self.stream['version']}-{now:%Y-%m-%d-%H-%M-%S}-{new_uuid()}"
        put = {"Bucket": s3["BucketARN"].split(":::")[1], "Key": f"{prefix}{name}{'.gz' * zipped}"}
        body = gzip.compress(content) if zipped else content
        while True:
            try:
                self.as_delivery("s3").put_object(**put, Body=body)
                self.measure("DeliveryToS3.Success", 1)
                return
            except (ClientError, BotoCoreError, authorization.Denied) as error:
                self.log_failure("backup", "S3.AccessDenied", str(error))
                self.pause(1)

    def log_failure(self, which: str, code: str, message: str) -> None:
        """Logs a failure of delivery or backup, in its log stream too where it has one that the role may write."""
        log.warning("Firehose %s: %s: %s", self.stream["name"], code, message)
        sink = self.config["S3Configuration"] if which == "backup" else self.config
        options = within(sink, "CloudWatchLoggingOptions")
        if not options.get("Enabled"):
            return
        line = {
            "deliveryStreamARN": self.stream["arn"],
            "destination": self.config["CollectionEndpoint"],
            "deliveryStreamVersionId": self.stream["version"],
            "message": message,
            "errorCode": code,
        }
        event = {"timestamp": int(time.time() * 1000), "message": json.dumps(line)}
        group, stream = options["LogGroupName"], options["LogStreamName"]
        arn = f"arn:aws:logs:{self.region}:{self.account}:log-group:{group}:log-stream:{stream}"
        # The service does not report either that it cannot write its log.
        with contextlib.suppress(ClientError, BotoCoreError, authorization.Denied):
            # Checked here, on the log stream: ministack's front door knows the group's ARN only.
            with request_scope(self.account, self.region):
                role = authorization.assume(self.config["RoleARN"], SERVICE, self.stream["arn"])
                authorization.check(role, "logs:PutLogEvents", arn)
            self.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])

    def measure(self, metric: str, value: float) -> None:
        """Puts one value of an AWS/Firehose metric of this stream; where that fails, it is a warning in the log."""
        try:
            self.metrics.put_metric_data(
                Namespace="AWS/Firehose",
                MetricData=[
                    {
                        "MetricName": metric,
                        "Value": value,
                        "Dimensions": [{"Name": "DeliveryStreamName", "Value": self.stream["name"]}],
                    }
                ],
            )
        except (ClientError, BotoCoreError) as error:
            log.warning("Firehose %s: %s is not measured: %s", self.stream["name"], metric, error)
