"""The alarms of a Firehose pipeline, on metrics of
https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html and
https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html.
"""

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from components import names
from components.blocks.alarm import alarm
from components.pipelines.firehose.args import FirehoseArgs
from components.pipelines.firehose.delivery import FAILED

if TYPE_CHECKING:
    from components.pipelines.firehose.component import FirehosePipeline

_DELIVERY = "DeliveryToAmazonOpenSearchServerless"


def watch(pipeline: "FirehosePipeline", name: str, args: FirehoseArgs) -> None:
    """An alarm for each way in which records wait, are refused or get lost."""
    firehose: dict[str, pulumi.Input[str]] = {"DeliveryStreamName": pipeline.delivery.name}
    stream: dict[str, pulumi.Input[str]] = {"StreamName": pipeline.stream.name}
    replay = names.function(f"{name}-replay")
    kept = f"the prefix {FAILED} of the backup bucket"
    undelivered = (
        f"Records were not delivered: the index lacks them. The delivery log has the reason; records that were given "
        f"up are in {kept}. Correct the cause (a grant, the mapping), then invoke the function {replay}."
    )
    rings: list[tuple[str, str, dict[str, pulumi.Input[str]], str, dict[str, Any]]] = [
        (
            "delivery",
            f"AWS/Firehose/{_DELIVERY}.Success",
            firehose,
            undelivered,
            {"statistic": "Average", "below": 1},
        ),
        (
            "freshness",
            f"AWS/Firehose/{_DELIVERY}.DataFreshness",
            firehose,
            "The oldest record has waited for more than 15 minutes beyond its buffer: the index is behind. Kinesis "
            "keeps the records. See the delivery log, and the collection's units.",
            {"statistic": "Maximum", "above": args.buffer_seconds + 900},
        ),
        (
            "read-throttles",
            "AWS/Firehose/ThrottledGetRecords",
            firehose,
            "Firehose's reads of the stream are throttled, as other consumers share its shards: delivery is late. Add "
            "shards.",
            {"periods": 3},
        ),
        (
            "write-throttles",
            "AWS/Kinesis/WriteProvisionedThroughputExceeded",
            stream,
            "The stream refuses records of its producers: what they don't send again is lost. Add shards, or spread "
            "the partition keys.",
            {},
        ),
        (
            "iterator-age",
            "AWS/Kinesis/GetRecords.IteratorAgeMilliseconds",
            stream,
            "A consumer is more than half an hour behind the stream. What it has not read when the retention ends is "
            "lost. Raise stream.retention_hours, then see the freshness alarm and the other consumers.",
            {"statistic": "Maximum", "above": 30 * 60_000},
        ),
    ]
    meaning = (
        f"Records were not delivered. They are in {kept}, each with its reason. Correct the cause, then invoke the "
        f"function {replay}."
    )
    if args.backup == "FailedDocumentsOnly":
        # Every object that Firehose puts is then one of failed records.
        rings.append(("backup", "AWS/Firehose/DeliveryToS3.Success", firehose, meaning, {}))
    else:
        # Only S3's metrics separate the objects of failed records from the others
        # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-configurations.html).
        failed = aws.s3.BucketMetric(
            f"{name}-failed",
            bucket=pipeline.bucket.name,
            name="failed",
            filter=aws.s3.BucketMetricFilterArgs(prefix=FAILED),
            opts=pulumi.ResourceOptions(parent=pipeline),
        )
        counted: dict[str, pulumi.Input[str]] = {
            "BucketName": pipeline.bucket.name,
            "FilterId": failed.name,
        }
        rings.append(("backup", "AWS/S3/PutRequests", counted, meaning, {}))
    for part, metric, dimensions, meaning, more in rings:
        alarm(
            f"{name}-{part}",
            metric,
            dimensions,
            topic=args.alarm_topic_arn,
            meaning=meaning,
            opts=pulumi.ResourceOptions(parent=pipeline),
            **more,
        )
