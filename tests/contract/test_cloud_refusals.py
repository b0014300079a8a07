"""What IAM refuses of the embedded cloud is in its log, whichever protocol answers, where a run's denials are read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from delivery import arrived
from local.cloud.refusals import sentences
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
    ("opensearchserverless", "list_collections", {}, "aoss:ListCollections"),
    ("stepfunctions", "list_state_machines", {}, "states:ListStateMachines"),
    ("athena", "list_work_groups", {}, "athena:ListWorkGroups"),
    ("s3control", "list_jobs", {"AccountId": WORKLOAD}, "s3:ListJobs"),
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


def test_what_a_collections_endpoint_refuses_is_a_denial_of_each_right() -> None:
    """The endpoint answers as OpenSearch does; the bodies are those of local/cloud/aoss."""
    role = "arn:aws:sts::111111111111:assumed-role/loader/a"
    collection = "arn:aws:aoss:us-east-1:111111111111:collection/x"
    lacking = "aoss:WriteDocument on index/books/a, aoss:UpdateIndex on index/books/a"
    for reason, rights in (
        (f"no data access policy gives {role} {lacking}", ["aoss:WriteDocument", "aoss:UpdateIndex"]),
        (
            f"no identity-based policy gives {role} aoss:APIAccessAll on {collection}",
            ["aoss:APIAccessAll"],
        ),
    ):
        body = json.dumps(
            {"error": {"reason": f"403 Forbidden: {reason}", "type": "Forbidden"}, "status": 403}
        )
        denials = arrived.denials("\n".join(sentences(body.encode())))
        assert [(each.principal, each.action) for each in denials] == [(role, right) for right in rights]
        assert {each.resource for each in denials} <= {"index/books/a", collection}
    assert sentences(b'{"error": {"reason": "401 Unauthorized: the collection is waking"}}') == []
