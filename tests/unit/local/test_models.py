"""The embedded cloud takes what a service's model takes and refuses what is beyond it. Both are written by botocore."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from local.cloud import models
from local.cloud.models import differences, operations
from tests.unit.local.requests_of import CannotMake, beyond, valid, written

ROOT = Path(__file__).resolve().parents[3]
# ministack's names, and those of botocore where they differ.
SERVICES = {
    "s3": "s3",
    "s3control": "s3control",
    "dynamodb": "dynamodb",
    "osis": "osis",
    "opensearchserverless": "opensearchserverless",
    "kinesis": "kinesis",
    "firehose": "firehose",
    "lambda": "lambda",
    "iam": "iam",
    "sts": "sts",
    "kms": "kms",
    "sqs": "sqs",
    "sns": "sns",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "events": "events",
    "scheduler": "scheduler",
    "states": "stepfunctions",
    "glue": "glue",
    "athena": "athena",
    "rds": "rds",
}
CLIENT = re.compile(r"""client\(\s*["']([a-z0-9-]+)["']""")
# Two operations that one request can be: the host's name tells them apart, or the first is out of use.
ALIKE = {
    "ListDirectoryBuckets": "ListBuckets",
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}


def named(service: Any, method: Any, path: Any, headers: Any, body: Any, query: Any):
    form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    operation = operations.find(operations.models(service), method, path, headers, query, form)
    assert isinstance(operation, operations.Matched)
    return operation.operation.name


def test_every_service_that_is_called_is_in_the_list():
    called = {
        name
        for folder in ("handlers", "local", "components", "bootstrap", "delivery", "operate")
        for file in (ROOT / folder).rglob("*.py")
        for name in CLIENT.findall(file.read_text())
    }
    assert called <= {*SERVICES.values(), "dynamodbstreams"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_valid_request_passes_and_one_beyond_a_limit_is_refused(service: str):
    model = operations.model(SERVICES[service])
    assert model
    made = 0
    refused = 0
    unmade: list[Any] = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        shape = operation.input_shape
        try:
            value: dict[str, Any] = valid(shape) if shape else {}
        except CannotMake as what:
            unmade.append(f"{name}: {what}")
            continue
        made += 1
        sent = written(operation, value)
        assert named(service, *sent) == ALIKE.get(name, name)
        if name in ALIKE:
            continue
        answer = models.refusal(service, *sent)
        assert answer is None, (name, value, answer)
        for member, trait, worse in beyond(shape, value) if shape else ():
            sent = written(operation, worse)
            answer = models.refusal(service, *sent)
            if answer is None and (trait == "required"):
                assert named(service, *sent) != name, (name, member)  # without that parameter it is another
                continue
            assert answer is not None and answer[0] == 400, (name, member, trait, worse)
            refused += 1
    print(service, made, refused, unmade)
    assert made and len(unmade) < 0.1 * (made + len(unmade)), unmade


@pytest.mark.parametrize("difference", differences.WRONG)
def test_what_is_taken_from_a_model_is_in_it(difference: tuple[str, str, str]):
    service, name, trait = difference
    shape, _, member = name.partition(".")
    modelled = operations.model(service).shape_for(shape)
    assert member in modelled.required_members if member else trait in modelled.metadata


def test_a_rule_beyond_a_model_is_of_an_operation_and_has_a_page():
    for (service, operation, member), rule in differences.DOCUMENTED.items():
        assert member in operations.model(service).operation_model(operation).input_shape.members
        assert rule.page.startswith("https://docs.aws.amazon.com/")


def received(member: str, *names: str):
    model = operations.model("sqs")
    assert model
    value = {"QueueUrl": "https://queue", member: list(names)}
    return models.refusal("sqs", *written(model.operation_model("ReceiveMessage"), value))


def test_a_message_s_attributes_are_named_by_the_older_member_too():
    for member in ("AttributeNames", "MessageSystemAttributeNames"):
        assert received(member, "SentTimestamp", "All") is None
        refused = received(member, "SentTimestamp", "SentTime")
        assert refused is not None and b"SentTime" in refused[2] and b"SentTimestamp' at" not in refused[2]


@pytest.mark.parametrize("difference", differences.ALSO)
def test_what_is_added_to_an_enum_is_not_in_it(difference: tuple[str, str, str]):
    service, operation, member = difference
    model = operations.model(service)
    listed = model.operation_model(operation).input_shape.members[member].member
    more, _, page = differences.ALSO[difference]
    assert {*model.shape_for(more).metadata["enum"]} - {*listed.metadata["enum"]}
    assert page.startswith("https://docs.aws.amazon.com/")
