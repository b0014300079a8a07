"""What IAM refuses of the embedded cloud is in its log, whichever protocol answers, where a run's denials are read."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from delivery import arrived
from tests.contract.embedded_cloud import WORKLOAD, Cloud
from tests.contract.iam_callers import unique
from tests.waiting import eventually

CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("s3", "get_object", {"Bucket": "closed", "Key": "a"}, "s3:GetObject"),
    ("dynamodb", "describe_table", {"TableName": "orders"}, "dynamodb:DescribeTable"),
    ("sqs", "get_queue_url", {"QueueName": "closed"}, "sqs:GetQueueUrl"),
    ("sns", "list_topics", {}, "sns:ListTopics"),
    ("cloudwatch", "describe_alarms", {}, "cloudwatch:DescribeAlarms"),
    ("lambda", "get_function", {"FunctionName": "closed"}, "lambda:GetFunction"),
    ("scheduler", "list_schedules", {}, "scheduler:ListSchedules"),
    ("iam", "get_role", {"RoleName": "closed"}, "iam:GetRole"),
    ("rds", "describe_db_instances", {}, "rds:DescribeDBInstances"),
    ("osis", "list_pipelines", {}, "osis:ListPipelines"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "given", "action"), CALLS)
def test_a_refused_call_is_a_denial_of_the_run(
    cloud: Cloud, service: str, operation: str, given: dict[str, Any], action: str
) -> None:
    name = unique("nobody")
    own = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
    cloud.role(WORKLOAD, name, "lambda.amazonaws.com", own)
    cloud.client("s3", WORKLOAD).create_bucket(Bucket="closed")
    client = cloud.client(service, WORKLOAD, role=name)
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**given)
    assert refused.value.response["Error"]["Code"] in (
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
    )

    def logged() -> list[arrived.Denial]:
        return [each for each in arrived.denials(cloud.logged()) if f"/{name}/" in each.principal]

    [denial] = eventually(logged)
    assert (denial.action.lower(), denial.count) == (action.lower(), 1)


def test_what_is_allowed_and_what_is_not_there_are_no_denials(cloud: Cloud) -> None:
    before = len(arrived.denials(cloud.logged()))
    s3 = cloud.client("s3", WORKLOAD)
    s3.create_bucket(Bucket="open")
    s3.put_object(
        Bucket="open", Key="a", Body=b"User: me is not authorized to perform: s3:GetObject on nothing"
    )
    assert b"not authorized" in s3.get_object(Bucket="open", Key="a")["Body"].read()
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="open", Key="b")
    assert len(arrived.denials(cloud.logged())) == before
