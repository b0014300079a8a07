"""Requests that a service's model does not take are refused by the embedded cloud, with the service's own error."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.contract.embedded_cloud import SECRET, WORKLOAD, Cloud
from tests.waiting import eventually

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def refused(cloud: Cloud, service: str, operation: str, **parameters: Any) -> tuple[str, str]:
    client = cloud.client(service, WORKLOAD)
    with pytest.raises(ClientError) as error:
        getattr(client, operation)(**parameters)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_queue_name_with_a_space_is_refused(cloud: Cloud):
    code, message = refused(cloud, "sqs", "create_queue", QueueName="dead letters")
    assert code == "InvalidParameterValue"
    assert "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length" in message
    assert not cloud.client("sqs", WORKLOAD).list_queues().get("QueueUrls")


def test_a_role_description_with_a_control_character_is_refused(cloud: Cloud):
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html: Description's pattern
    iam = cloud.client("iam", WORKLOAD)
    good = {"RoleName": "described", "AssumeRolePolicyDocument": TRUST}
    code, message = refused(cloud, "iam", "create_role", **good, Description="exports\x07 nightly")
    assert code == "ValidationError"
    assert message.startswith(
        "1 validation error detected: Value 'exports? nightly' at 'description' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: "
    )
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="described")
    iam.create_role(**good, Description="exports é nightly\n")


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code", "words"),
    [
        ("dynamodb", "describe_table", {"TableName": "a" * 1025}, "ValidationException", "at 'tableName'"),
        ("kinesis", "create_stream", {"StreamName": "a/b"}, "ValidationException", "at 'streamName'"),
        ("cloudwatch", "put_metric_alarm",
         {"AlarmName": "a" * 256, "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold"},
         "ValidationException", "at 'alarmName'"),
        ("lambda", "get_function", {"FunctionName": "a b"}, "ValidationException", "at 'functionName'"),
        ("osis", "get_pipeline", {"PipelineName": "Abcd"}, "ValidationException", "at 'pipelineName'"),
        ("logs", "create_log_group", {"logGroupName": "a b"}, "InvalidParameterException", "at 'logGroupName'"),
        ("events", "put_rule", {"Name": "a b", "ScheduleExpression": "rate(1 day)"}, "ValidationException", "'name'"),
        ("kms", "create_key", {"KeyUsage": "WRITE"}, "ValidationException", "Member must satisfy enum value set"),
        ("sns", "create_topic", {"Name": "a b"}, "InvalidParameter", "Topic Name"),
        ("s3control", "create_job",
         {"AccountId": WORKLOAD, "Operation": {}, "Report": {"Enabled": False, "ReportScope": "Some"}, "Priority": 1,
          "RoleArn": "arn:aws:iam::111111111111:role/x", "ClientRequestToken": "a"},
         "InvalidRequest", "at 'report.reportScope'"),
    ],
)  # fmt: skip
def test_each_protocol_has_its_own_form_of_a_refusal(
    cloud: Cloud, service: str, operation: str, parameters: dict[str, Any], code: str, words: str
):
    got, message = refused(cloud, service, operation, **parameters)
    assert got == code and words in message


def test_s3_refuses_a_storage_class_that_there_is_not(cloud: Cloud):
    cloud.client("s3", WORKLOAD).create_bucket(Bucket="modelled")
    code, _ = refused(cloud, "s3", "put_object", Bucket="modelled", Key="a", Body=b"", StorageClass="COLDEST")
    assert code == "InvalidArgument"


def test_a_number_as_text_can_not_be_read(cloud: Cloud):
    """By a client that has no model of its own."""
    answer = signed(cloud, "kinesis", "Kinesis_20131202.CreateStream", {"StreamName": "a", "ShardCount": "1"})
    assert answer.status_code == 400 and answer.json()["__type"] == "SerializationException"
    answer = signed(cloud, "kinesis", "Kinesis_20131202.MakeStream", {"StreamName": "a"})
    assert answer.status_code == 400 and answer.json()["__type"] == "UnknownOperationException"


def signed(cloud: Cloud, service: str, target: str, body: dict[str, Any]) -> httpx.Response:
    request = AWSRequest(
        "POST", cloud.endpoint + "/", data=json.dumps(body),
        headers={"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"},
    )  # fmt: skip
    SigV4Auth(Credentials(WORKLOAD, SECRET), service, "us-east-1").add_auth(request)
    return httpx.post(str(request.url), content=request.data, headers=dict(request.headers))


def test_a_task_of_a_state_machine_is_refused_as_a_caller_is(cloud: Cloud):
    allowed = {"Effect": "Allow", "Action": "dynamodb:DescribeTable", "Resource": "*"}
    role = cloud.role(WORKLOAD, "machine", "states.amazonaws.com", allowed)
    states = cloud.client("stepfunctions", WORKLOAD)
    definition = {
        "StartAt": "Describe",
        "States": {
            "Describe": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:dynamodb:describeTable",
                "Parameters": {"TableName": "a" * 1025},
                "End": True,
            }
        },
    }
    machine = states.create_state_machine(name="asks", definition=json.dumps(definition), roleArn=role)
    run = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    ended = eventually(
        lambda: (
            (execution := states.describe_execution(executionArn=run))["status"] != "RUNNING" and execution
        )
    )
    assert ended["status"] == "FAILED" and ended["error"] == "DynamoDb.ValidationException"
    assert "at 'tableName' failed to satisfy constraint" in ended["cause"]
