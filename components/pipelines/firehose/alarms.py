"""The alarms of a Firehose pipeline, on metrics of
https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html and
https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components import names
from components.blocks.alarm import ANY, Threshold, alarm
from components.pipelines.firehose.args import FirehoseArgs
from components.pipelines.firehose.delivery import FAILED

if TYPE_CHECKING:
    from components.pipelines.firehose.component import FirehosePipeline

_DELIVERY = "DeliveryToAmazonOpenSearchServerless"
_KEPT = f"the prefix {FAILED} of the backup bucket"


@dataclass(frozen=True)
class _Alarm:
    suffix: str
    metric: str
    dimensions: dict[str, pulumi.Input[str]]
    meaning: str
    when: Threshold = ANY


def watch(pipeline: "FirehosePipeline", name: str, args: FirehoseArgs) -> None:
    """An alarm for each way in which records wait, are refused or get lost."""
    for ringing in (
        *_of_delivery(pipeline, name, args),
        *_of_stream(pipeline),
        _of_failed_records(pipeline, name, args),
    ):
        alarm(
            f"{name}-{ringing.suffix}",
            ringing.metric,
            ringing.dimensions,
            when=ringing.when,
            topic=args.alarm_topic_arn,
            meaning=ringing.meaning,
            opts=pulumi.ResourceOptions(parent=pipeline),
        )


def _replay(name: str) -> str:
    return f"aws lambda invoke --function-name {names.function(f'{name}-replay')} replayed.json"


def _of_delivery(pipeline: "FirehosePipeline", name: str, args: FirehoseArgs) -> Iterator[_Alarm]:
    firehose: dict[str, pulumi.Input[str]] = {"DeliveryStreamName": pipeline.delivery.name}
    yield _Alarm(
        "delivery",
        f"AWS/Firehose/{_DELIVERY}.Success",
        firehose,
        "Records were not delivered: the index lacks them. The delivery log has the reason; records that were given "
        f"up are in {_KEPT}. Correct the cause (a grant, the mapping), then send them again: {_replay(name)}",
        Threshold(statistic="Average", below=1),
    )
    yield _Alarm(
        "freshness",
        f"AWS/Firehose/{_DELIVERY}.DataFreshness",
        firehose,
        "The oldest record has waited for more than 15 minutes beyond its buffer: the index is behind. Kinesis "
        "keeps the records for stream.retention_hours. See the delivery log and the collection's units: "
        "aws opensearchserverless get-account-settings",
        Threshold(statistic="Maximum", above=args.buffer_seconds + 900),
    )
    yield _Alarm(
        "read-throttles",
        "AWS/Firehose/ThrottledGetRecords",
        firehose,
        "Firehose's reads of the stream are throttled, as other consumers share its shards: delivery is late, and "
        "nothing is lost while the stream keeps the records. Raise stream.shards, then: pulumi up",
        Threshold(periods=3),
    )


def _of_stream(pipeline: "FirehosePipeline") -> Iterator[_Alarm]:
    stream: dict[str, pulumi.Input[str]] = {"StreamName": pipeline.stream.name}
    yield _Alarm(
        "write-throttles",
        "AWS/Kinesis/WriteProvisionedThroughputExceeded",
        stream,
        "The stream refuses records of its producers: a record that they don't send again is lost. Raise "
        "stream.shards (pulumi up), or spread the partition keys.",
    )
    yield _Alarm(
        "iterator-age",
        "AWS/Kinesis/GetRecords.IteratorAgeMilliseconds",
        stream,
        "A consumer is more than half an hour behind the stream. What it has not read when the retention ends is "
        "lost. Raise stream.retention_hours (pulumi up), then see the freshness alarm and the other consumers.",
        Threshold(statistic="Maximum", above=30 * 60_000),
    )


def _of_failed_records(pipeline: "FirehosePipeline", name: str, args: FirehoseArgs) -> _Alarm:
    meaning = (
        f"Records were not delivered. They are in {_KEPT}, each with its reason. Correct the cause, then send them "
        f"again: {_replay(name)}"
    )
    if args.backup == "FailedDocumentsOnly":
        # Every object that Firehose puts is then one of failed records.
        firehose: dict[str, pulumi.Input[str]] = {"DeliveryStreamName": pipeline.delivery.name}
        return _Alarm("backup", "AWS/Firehose/DeliveryToS3.Success", firehose, meaning)
    # Only S3's metrics separate the objects of failed records from the others
    # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-configurations.html).
    failed = aws.s3.BucketMetric(
        f"{name}-failed",
        bucket=pipeline.bucket.name,
        name="failed",
        filter=aws.s3.BucketMetricFilterArgs(prefix=FAILED),
        opts=pulumi.ResourceOptions(parent=pipeline),
    )
    return _Alarm(
        "backup",
        "AWS/S3/PutRequests",
        {"BucketName": pipeline.bucket.name, "FilterId": failed.name},
        meaning,
    )
