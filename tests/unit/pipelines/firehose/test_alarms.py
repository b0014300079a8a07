"""Which alarms there are, and how failed records are put on the stream again."""

import json

from tests.recording import Recording, record
from tests.unit.pipelines.firehose.recorded import BUCKET, DELIVERY, FUNCTION, NAME, config, statements, ticks

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def test_the_replay_takes_failed_records_and_puts_them_on_the_stream_one_run_at_a_time() -> None:
    recorded = ticks()
    function = recorded.inputs_of(FUNCTION, "ticks-replay")
    assert (function["reservedConcurrentExecutions"], function["timeout"]) == (1, 900)
    assert function["environment"]["variables"] == {
        "BUCKET": BUCKET,
        "PREFIX": "firehose/failed/",
        "STREAM": NAME,
    }
    rights = statements(recorded, "ticks-replay")
    assert rights["ListFailed"] == {
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{BUCKET}"],
        "Condition": {"StringLike": {"s3:prefix": "firehose/failed/*"}},
    }
    assert rights["TakeFailed"] == {
        "Effect": "Allow",
        "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{BUCKET}/firehose/failed/*"],
    }


def test_a_scheduled_replay_tries_only_what_may_have_passed() -> None:
    recorded = ticks(replay_schedule="rate(1 hour)", timezone="Asia/Tokyo")
    made = recorded.inputs_of("aws:scheduler/schedule:Schedule", "ticks-replay-schedule")
    assert (made["scheduleExpression"], made["scheduleExpressionTimezone"]) == ("rate(1 hour)", "Asia/Tokyo")
    assert json.loads(made["target"]["input"]) == {"errors": "transient"}
    assert made["target"]["arn"].endswith(f":function:{NAME}-replay")
    assert ticks().of("aws:scheduler/schedule:Schedule") == {}


def test_lambda_does_not_repeat_a_replay_that_failed_and_its_queue_keeps_the_event() -> None:
    recorded = ticks(generator=True)
    kept = recorded.of("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
    retried = {name: made["maximumRetryAttempts"] for name, made in kept.items()}
    assert retried == {"ticks-replay": 0, "ticks-generator": 2}
    assert "failed once on an event" in recorded.inputs_of(ALARM, "ticks-replay-failed")["alarmDescription"]
    assert (
        "failed three times on an event"
        in recorded.inputs_of(ALARM, "ticks-generator-failed")["alarmDescription"]
    )


def test_what_is_late_refused_throttled_or_kept_rings() -> None:
    own = {
        name: made
        for name, made in ticks(buffer_seconds=60).of(ALARM).items()
        if made["namespace"] != "AWS/Lambda"
    }
    alarms = {
        name: (
            f"{made['namespace']}/{made['metricName']}",
            made["dimensions"],
            made["statistic"],
            made["comparisonOperator"],
            made["threshold"],
        )
        for name, made in own.items()
    }
    firehose, stream = {"DeliveryStreamName": NAME}, {"StreamName": NAME}
    serverless, more = "AWS/Firehose/DeliveryToAmazonOpenSearchServerless", "GreaterThanThreshold"
    assert alarms == {
        "ticks-delivery": (f"{serverless}.Success", firehose, "Average", "LessThanThreshold", 1),
        "ticks-freshness": (f"{serverless}.DataFreshness", firehose, "Maximum", more, 960),
        "ticks-read-throttles": ("AWS/Firehose/ThrottledGetRecords", firehose, "Sum", more, 0),
        "ticks-write-throttles": ("AWS/Kinesis/WriteProvisionedThroughputExceeded", stream, "Sum", more, 0),
        "ticks-iterator-age": (
            "AWS/Kinesis/GetRecords.IteratorAgeMilliseconds",
            stream,
            "Maximum",
            more,
            1_800_000,
        ),
        "ticks-backup": ("AWS/Firehose/DeliveryToS3.Success", firehose, "Sum", more, 0),
        "ticks-replay-failed": (
            "AWS/SQS/ApproximateNumberOfMessagesVisible",
            {"QueueName": f"{NAME}-replay-failed"},
            "Maximum",
            more,
            0,
        ),
    }


def test_of_a_backup_of_all_documents_those_that_failed_ring() -> None:
    recorded = ticks(backup="AllDocuments")
    counted = recorded.inputs_of("aws:s3/bucketMetric:BucketMetric", "ticks-failed")
    assert counted == {"bucket": BUCKET, "name": "failed", "filter": {"prefix": "firehose/failed/"}}
    made = recorded.inputs_of(ALARM, "ticks-backup")
    assert (made["namespace"], made["metricName"]) == ("AWS/S3", "PutRequests")
    assert made["dimensions"] == {"BucketName": BUCKET, "FilterId": "failed"}
    assert (made["statistic"], made["comparisonOperator"], made["threshold"]) == (
        "Sum",
        "GreaterThanThreshold",
        0,
    )
    assert made["alarmActions"] == recorded.inputs_of(ALARM, "ticks-delivery")["alarmActions"] != []
    assert ticks().of("aws:s3/bucketMetric:BucketMetric") == {}
    assert (
        recorded.inputs_of(DELIVERY, "ticks")["opensearchserverlessConfiguration"]["s3BackupMode"]
        == "AllDocuments"
    )


def _says(recorded: Recording) -> dict[str, str]:
    return {name: alarm["alarmDescription"] for name, alarm in recorded.of(ALARM).items()}


def test_what_to_do_about_throttles_and_lag_is_true_of_the_stream_that_there_is() -> None:
    """shards of a PROVISIONED stream are raised; an ON_DEMAND one has none; an adopted one is its owner's."""
    on_demand, provisioned = _says(ticks()), _says(ticks(stream={"shards": 2, "retention_hours": 48}))
    adopted = _says(
        record(
            "test",
            config(stream={"adopt": "trades"}),
            streams={"trades": {"encryptionType": "NONE", "kmsKeyId": ""}},
        )
    )
    for part in ("read-throttles", "write-throttles"):
        assert "raise stream.shards, which is 2" in provisioned[f"ticks-{part}"]
        assert "ON_DEMAND and adds shards by itself" in on_demand[f"ticks-{part}"]
        assert f"--stream-name {NAME}" in on_demand[f"ticks-{part}"]
        assert "--stream-name trades" in adopted[f"ticks-{part}"]
        for other in (on_demand, adopted):
            assert "raise stream.shards" not in other[f"ticks-{part}"]
            assert "pulumi up" not in other[f"ticks-{part}"]
    assert "Raise stream.retention_hours, which is 48" in provisioned["ticks-iterator-age"]
    assert "keeps the records, 48 hours" in provisioned["ticks-freshness"]
    assert "increase-stream-retention-period --stream-name trades" in adopted["ticks-iterator-age"]
    assert "pulumi up" not in adopted["ticks-iterator-age"]
