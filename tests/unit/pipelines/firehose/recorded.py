"""A Firehose pipeline under Pulumi's mocks, for the tests of this room."""

import json
from typing import Any

from tests.recording import Recording, record

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}


NAME = "tributary-test-ticks"


COLLECTION = f"arn:aws:aoss:workload:mock:collection/{NAME}"


ENDPOINT = f"https://{NAME}.mock.aoss.amazonaws.com"


BUCKET = f"{NAME}-backup-111111111111"


STREAM = f"arn:aws:kinesis:workload:mock:stream/{NAME}"


DELIVERY = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"


ACCESS = "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy"


FUNCTION = "aws:lambda/function:Function"


def config(**keys: Any) -> dict[str, Any]:
    """A stack's config with the pipeline `ticks`."""
    pipeline = {"kind": "firehose", "index": "ticks"} | keys
    return {"accounts": {"workload": WORKLOAD}, "pipelines": {"ticks": pipeline}}


def ticks(**keys: Any) -> Recording:
    """That stack, recorded."""
    return record("test", config(**keys))


def statements(recorded: Recording, name: str, kind: str = "role") -> dict[str, dict[str, Any]]:
    """The statements of a role's or a user's policy by sid."""
    token = f"aws:iam/{kind}Policy:{kind.capitalize()}Policy"
    policy = json.loads(recorded.inputs_of(token, name)["policy"])
    return {statement.pop("Sid"): statement for statement in policy["Statement"]}


def granted(recorded: Recording, name: str) -> tuple[list[str], dict[str, list[str]]]:
    """The principals of a data access policy, and their permissions by resource."""
    [policy] = json.loads(recorded.inputs_of(ACCESS, name)["policy"])
    return policy["Principal"], {rule["Resource"][0]: rule["Permission"] for rule in policy["Rules"]}


def role(part: str) -> str:
    """The ARN that the mocks give a role of the pipeline."""
    return f"arn:aws:iam:workload:mock:{NAME}-{part}"
