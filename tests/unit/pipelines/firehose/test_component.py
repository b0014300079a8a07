"""What a Firehose pipeline registers for its config."""

from tests.unit.pipelines.firehose.recorded import BUCKET, ENDPOINT, NAME, ticks


def test_the_least_config_makes_exactly_these_resources() -> None:
    made: dict[str, int] = {}
    for resource in ticks().resources:
        if resource.type.startswith("aws:") and resource.name.startswith("ticks"):
            made[resource.type.split(":")[-1]] = made.get(resource.type.split(":")[-1], 0) + 1
    assert made == {
        "Bucket": 1,
        "BucketLifecycleConfiguration": 1,
        "BucketOwnershipControls": 1,
        "BucketPolicy": 1,
        "BucketPublicAccessBlock": 1,
        "BucketServerSideEncryptionConfiguration": 1,
        "BucketVersioning": 1,
        "FirehoseDeliveryStream": 1,
        "Function": 2,
        "FunctionEventInvokeConfig": 1,
        "Invocation": 1,
        "LogGroup": 3,
        "LogStream": 2,
        "MetricAlarm": 11,
        "Queue": 1,
        "QueuePolicy": 1,
        "Role": 4,
        "RolePolicy": 4,
        "ServerlessAccessPolicy": 2,
        "ServerlessCollection": 1,
        "ServerlessSecurityPolicy": 2,
        "Stream": 1,
    }


def test_the_outputs_name_what_a_user_needs() -> None:
    outputs = ticks(generator=True).outputs["pipelines"]["ticks"]
    assert {
        key: outputs[key] for key in ("stream", "index", "endpoint", "backup", "generator", "replay")
    } == {
        "stream": NAME,
        "index": "ticks",
        "endpoint": ENDPOINT,
        "backup": f"s3://{BUCKET}/firehose/failed/",
        "generator": f"{NAME}-generator",
        "replay": f"{NAME}-replay",
    }
