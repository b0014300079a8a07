"""The alarms of a Firehose pipeline, on metrics of
https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html and
https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import names
from components.blocks.alarm import ANY, Threshold, alarm
from components.pipelines.firehose.args import FirehoseArgs
from components.pipelines.firehose.delivery import FAILED

_DELIVERY = "DeliveryToAmazonOpenSearchServerless"


@dataclass(frozen=True)
class _Alarm:
    suffix: str
    metric: str
    dimensions: dict[str, pulumi.Input[str]]
    meaning: str
    when: Threshold = ANY


def watch(
    name: str,
    args: FirehoseArgs,
    *,
    delivery: pulumi.Input[str],
    stream: pulumi.Input[str],
    backup: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """An alarm for each way in which records wait, are refused or get lost. `delivery`, `stream`, `backup`: the names
    of the Firehose stream, the Kinesis stream and the bucket of failed records."""
    for watched in (
        *_of_delivery(name, args, delivery),
        *_of_stream(name, args, stream),
        _of_failed_records(name, args, delivery, backup, opts),
    ):
        alarm(
            f"{name}-{watched.suffix}",
            watched.metric,
            watched.dimensions,
            when=watched.when,
            topic=args.alarm_topic_arn,
            meaning=watched.meaning,
            opts=opts,
        )


def _of_delivery(name: str, args: FirehoseArgs, delivery: pulumi.Input[str]) -> Iterator[_Alarm]:
    firehose = {"DeliveryStreamName": delivery}
    log = f"aws logs tail {names.log_group('/aws/kinesisfirehose', name)} --since 1h"
    yield _Alarm(
        "delivery",
        f"AWS/Firehose/{_DELIVERY}.Success",
        firehose,
        f"Records were not delivered: the index lacks them. The delivery log has the reason: {log}. Correct the cause "
        f"(a grant, the mapping). Firehose keeps what it gave up; send it again: {_replay(name)}",
        Threshold(statistic="Average", below=1),
    )
    late = args.buffer_seconds + 900
    yield _Alarm(
        "freshness",
        f"AWS/Firehose/{_DELIVERY}.DataFreshness",
        firehose,
        f"The oldest record that is not in the index yet came more than {late // 60} minutes ago: the index is behind. "
        f"Nothing is lost while the stream keeps the records{_retention(args)}. See the delivery log: {log}. If the "
        "collection is at its limit of units, raise that: aws opensearchserverless get-account-settings",
        Threshold(statistic="Maximum", above=late),
    )
    yield _Alarm(
        "read-throttles",
        "AWS/Firehose/ThrottledGetRecords",
        firehose,
        "Firehose's reads of the stream are throttled, as other consumers share its shards: delivery is late, and "
        f"nothing is lost while the stream keeps the records{_retention(args)}. Let the other consumers "
        f"read less often, or by enhanced fan-out. {_more_shards(name, args)}",
        Threshold(periods=3),
    )


def _of_stream(name: str, args: FirehoseArgs, stream: pulumi.Input[str]) -> Iterator[_Alarm]:
    dimensions = {"StreamName": stream}
    yield _Alarm(
        "write-throttles",
        "AWS/Kinesis/WriteProvisionedThroughputExceeded",
        dimensions,
        "The stream refuses records of its producers: a record that they don't send again is lost. Spread the "
        f"partition keys, or slow the producers down. {_more_shards(name, args)}",
    )
    if args.stream.adopt:
        longer = (
            "Have the stream's owner keep records for longer: aws kinesis increase-stream-retention-period "
            f"--stream-name {args.stream.adopt} --retention-period-hours 168."
        )
    else:
        longer = f"Raise stream.retention_hours, which is {args.stream.retention_hours}, then: pulumi up."
    yield _Alarm(
        "iterator-age",
        "AWS/Kinesis/GetRecords.IteratorAgeMilliseconds",
        dimensions,
        "A consumer is more than half an hour behind the stream. What it has not read when the retention ends is "
        f"lost. {longer} Then see the freshness alarm and the other consumers.",
        Threshold(statistic="Maximum", above=30 * 60_000),
    )


def _of_failed_records(
    name: str,
    args: FirehoseArgs,
    delivery: pulumi.Input[str],
    backup: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> _Alarm:
    folder = f"s3://{names.bucket(f'{name}-backup', args.account.id)}/{FAILED}"
    meaning = (
        f"Records were not delivered: the index lacks them. Each is kept with its reason: aws s3 ls --recursive "
        f"{folder}. Correct the cause, then send them again: {_replay(name)}"
    )
    if args.backup == "FailedDocumentsOnly":
        # Every object that Firehose puts into the bucket has failed records then.
        return _Alarm(
            "backup", "AWS/Firehose/DeliveryToS3.Success", {"DeliveryStreamName": delivery}, meaning
        )
    # Only S3's metrics separate the objects of failed records from the others
    # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-configurations.html).
    failed = aws.s3.BucketMetric(
        f"{name}-failed",
        bucket=backup,
        name="failed",
        filter=aws.s3.BucketMetricFilterArgs(prefix=FAILED),
        opts=opts,
    )
    return _Alarm(
        "backup",
        "AWS/S3/PutRequests",
        {"BucketName": backup, "FilterId": failed.name},
        meaning,
    )


def _replay(name: str) -> str:
    return f"aws lambda invoke --function-name {names.function(f'{name}-replay')} replayed.json"


def _retention(args: FirehoseArgs) -> str:
    return "" if args.stream.adopt else f", {args.stream.retention_hours} hours"


def _more_shards(name: str, args: FirehoseArgs) -> str:
    """How the stream gets more throughput, by who has it and by its mode
    (https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html)."""
    if args.stream.adopt:
        return (
            "The stream is not of this program: its owner can add shards, unless it is ON_DEMAND: aws kinesis "
            f"describe-stream-summary --stream-name {args.stream.adopt}"
        )
    if args.stream.shards:
        return f"Or raise stream.shards, which is {args.stream.shards}, then: pulumi up"
    return (
        "The stream is ON_DEMAND and adds shards by itself, up to twice the peak of the last 30 days. See how many it "
        f"has: aws kinesis describe-stream-summary --stream-name {names.stream(name)}"
    )
