"""Answers on the wire, in every protocol that a service's model names: written and read by botocore's own serialisers
and parsers, since boto3 itself speaks one of them only and the SDK for Go another."""

from __future__ import annotations

import http.client
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import botocore.parsers
import botocore.serialize
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import Session

from tests.contract.embedded_cloud import SECRET, WORKLOAD, Cloud
from tests.waiting import PATIENCE

CLOUDWATCH = Session().get_service_model("cloudwatch")
PLAIN = {
    "AlarmName": "plain",
    "AlarmDescription": "<more> than & enough",
    "ActionsEnabled": False,
    "OKActions": ["arn:aws:sns:us-east-1:111111111111:ok"],
    "AlarmActions": ["arn:aws:sns:us-east-1:111111111111:ring", "arn:aws:sns:us-east-1:111111111111:mail"],
    "InsufficientDataActions": ["arn:aws:sns:us-east-1:111111111111:silence"],
    "MetricName": "Errors",
    "Namespace": "AWS/Lambda",
    "Statistic": "Sum",
    "Dimensions": [{"Name": "FunctionName", "Value": "load"}, {"Name": "Resource", "Value": "load:live"}],
    "Period": 300,
    "Unit": "Count",
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
}
PERCENTILE = {
    "AlarmName": "percentile",
    "MetricName": "Latency",
    "Namespace": "tributary",
    "ExtendedStatistic": "p99",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 0.5,
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluateLowSampleCountPercentile": "ignore",
}
EXPRESSION = {
    "AlarmName": "expression",
    "EvaluationPeriods": 1,
    "Threshold": 0.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "Metrics": [
        {"Id": "late", "Expression": "m1 - m2", "Label": "late", "ReturnData": True},
        {
            "Id": "m1",
            "MetricStat": {
                "Metric": {
                    "Namespace": "tributary",
                    "MetricName": "Due",
                    "Dimensions": [{"Name": "Table", "Value": "orders"}],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
            "ReturnData": False,
        },
        {
            "Id": "m2",
            "MetricStat": {
                "Metric": {"Namespace": "tributary", "MetricName": "Done"},
                "Period": 60,
                "Stat": "Maximum",
            },
            "ReturnData": False,
        },
    ],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
TABLE = f"arn:aws:dynamodb:us-east-1:{WORKLOAD}:table/orders"
READ = {"Effect": "Allow", "Action": "dynamodb:DescribeTable"}
IDLE_SECONDS = 6  # hypercorn's own limit is five
OWN = {
    "AlarmArn",
    "AlarmConfigurationUpdatedTimestamp",
    "StateValue",
    "StateReason",
    "StateUpdatedTimestamp",
}


ADMINISTRATOR = Credentials(WORKLOAD, SECRET)


def call(
    cloud: Cloud, model: Any, protocol: str, operation: str, signer: Credentials = ADMINISTRATOR, **given: Any
) -> dict[str, Any]:
    """A signed request in a protocol, and what botocore reads in its answer."""
    described = model.operation_model(operation)
    request = botocore.serialize.create_serializer(protocol).serialize_to_request(given, described)
    url, headers = cloud.endpoint + request["url_path"], dict(request["headers"])
    if protocol == "query":
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        request["body"] = str(httpx.QueryParams(request["body"]))
    signed = AWSRequest(request["method"], url, headers, request["body"] or b"")
    SigV4Auth(signer, "monitoring", "us-east-1").add_auth(signed)
    answer = httpx.request(
        request["method"], url, headers=dict(signed.headers), content=signed.prepare().body
    )
    parsed = botocore.parsers.create_parser(protocol).parse(
        {"status_code": answer.status_code, "headers": answer.headers, "body": answer.content, "context": {}},
        described.output_shape,
    )
    parsed.pop("ResponseMetadata", None)
    return parsed


@pytest.mark.parametrize("get", CLOUDWATCH.metadata["protocols"])
@pytest.mark.parametrize("put", CLOUDWATCH.metadata["protocols"])
@pytest.mark.parametrize("alarm", [PLAIN, PERCENTILE, EXPRESSION], ids=lambda alarm: alarm["AlarmName"])
def test_an_alarm_comes_back_as_it_was_put_whatever_is_spoken(
    cloud: Cloud, alarm: dict[str, Any], put: str, get: str
) -> None:
    """API_PutMetricAlarm.html and API_MetricAlarm.html: an alarm has the members of the request that made it, and of
    its own an ARN, its state, and that actions are enabled and missing data is `missing` by default."""
    name, before = f"{alarm['AlarmName']}-{put}-{get}", datetime.now(UTC)
    renamed: dict[str, Any] = alarm | {"AlarmName": name}
    assert "Error" not in call(cloud, CLOUDWATCH, put, "PutMetricAlarm", **renamed)
    answer = call(cloud, CLOUDWATCH, get, "DescribeAlarms", AlarmNames=[name])
    [described] = answer["MetricAlarms"]
    expected = {"ActionsEnabled": True, "TreatMissingData": "missing", **alarm, "AlarmName": name}
    given = {key: value for key, value in described.items() if key not in OWN and value != []}
    assert given == expected
    assert described["AlarmArn"] == f"arn:aws:cloudwatch:us-east-1:{WORKLOAD}:alarm:{name}"
    second = timedelta(seconds=1)  # to which the service may tell it
    assert before - second <= described["StateUpdatedTimestamp"] <= datetime.now(UTC) + second


@pytest.mark.parametrize("protocol", CLOUDWATCH.metadata["protocols"])
def test_a_composite_alarm_comes_back_as_it_was_put(cloud: Cloud, protocol: str) -> None:
    child: dict[str, Any] = {**PLAIN, "AlarmName": f"child-{protocol}"}
    call(cloud, CLOUDWATCH, protocol, "PutMetricAlarm", **child)
    composite: dict[str, Any] = {
        "AlarmName": f"whole-{protocol}",
        "AlarmDescription": "either",
        "AlarmRule": f'ALARM("child-{protocol}")',
        "AlarmActions": ["arn:aws:sns:us-east-1:111111111111:ring"],
        "ActionsEnabled": True,
    }
    call(cloud, CLOUDWATCH, protocol, "PutCompositeAlarm", **composite)
    filters: dict[str, Any] = {"AlarmNames": [composite["AlarmName"]], "AlarmTypes": ["CompositeAlarm"]}
    [alarm] = call(cloud, CLOUDWATCH, protocol, "DescribeAlarms", **filters)["CompositeAlarms"]
    assert {key: alarm[key] for key in composite} == composite


@pytest.mark.parametrize("protocol", CLOUDWATCH.metadata["protocols"])
def test_a_dashboard_comes_back_as_it_was_put_and_only_to_who_may(cloud: Cloud, protocol: str) -> None:
    """API_PutDashboard.html, API_GetDashboard.html, API_DeleteDashboards.html; its ARN names no region:
    service-authorization/latest/reference/list_amazoncloudwatch.html."""
    arn = f"arn:aws:cloudwatch::{WORKLOAD}:dashboard/of-the-stack-*"
    actions = [f"cloudwatch:{verb}" for verb in ("PutDashboard", "GetDashboard", "DeleteDashboards")]
    role = cloud.role(
        WORKLOAD, f"dashboards-{protocol}", "lambda.amazonaws.com",
        {"Effect": "Allow", "Action": actions, "Resource": arn},
    )  # fmt: skip
    given = cloud.client("sts", WORKLOAD).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    signer = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    text = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": 'a & b <c> ## é "d"'}}]})

    def spoken(operation: str, **members: Any) -> dict[str, Any]:
        return call(cloud, CLOUDWATCH, protocol, operation, signer, **members)

    name = f"of-the-stack-{protocol}"
    assert "Error" not in spoken("PutDashboard", DashboardName=name, DashboardBody=text)
    assert spoken("GetDashboard", DashboardName=name) == {
        "DashboardArn": f"arn:aws:cloudwatch::{WORKLOAD}:dashboard/{name}",
        "DashboardBody": text,
        "DashboardName": name,
    }
    assert "Error" not in spoken("DeleteDashboards", DashboardNames=[name])
    assert spoken("GetDashboard", DashboardName=name)["Error"]["Code"] in (
        "ResourceNotFound",
        "DashboardNotFoundError",
    )
    for refused in (
        spoken("PutDashboard", DashboardName="payroll", DashboardBody=text),
        spoken("GetDashboard", DashboardName="payroll"),
        spoken("DeleteDashboards", DashboardNames=["payroll"]),
    ):
        assert refused["Error"]["Code"].startswith("AccessDenied")


@pytest.mark.parametrize("protocol", CLOUDWATCH.metadata["protocols"])
def test_cloudwatch_refuses_in_the_protocol_of_the_request(cloud: Cloud, protocol: str) -> None:
    refused = call(cloud, CLOUDWATCH, protocol, "DescribeAlarms", MaxRecords=101)
    assert refused["Error"]["Code"] in ("ValidationError", "ValidationException")


@pytest.mark.parametrize("protocol", CLOUDWATCH.metadata["protocols"])
def test_a_role_deletes_the_alarms_that_it_may_whatever_is_spoken(cloud: Cloud, protocol: str) -> None:
    arn = f"arn:aws:cloudwatch:us-east-1:{WORKLOAD}:alarm:of-the-stack-*"
    actions = ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"]
    role = cloud.role(
        WORKLOAD, "alarms", "lambda.amazonaws.com", {"Effect": "Allow", "Action": actions, "Resource": arn}
    )
    given = cloud.client("sts", WORKLOAD).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    signer = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    for name, refused in (("of-the-stack-a", False), ("payroll", True)):
        for operation, members in (
            ("PutMetricAlarm", {**PLAIN, "AlarmName": name}),
            ("DeleteAlarms", {"AlarmNames": [name]}),
        ):
            answer = call(cloud, CLOUDWATCH, protocol, operation, signer, **members)
            code = answer.get("Error", {}).get("Code", "")
            assert code.startswith("AccessDenied") is refused, (operation, name, answer)


def test_the_tags_of_a_stream_are_its_own_by_arn_and_from_its_beginning(cloud: Cloud) -> None:
    """API_CreateStream.html (Tags), API_TagResource.html, API_UntagResource.html, API_ListTagsForResource.html."""
    kinesis = cloud.client("kinesis", WORKLOAD)
    kinesis.create_stream(StreamName="ticks", ShardCount=1, Tags={"stack": "dev", "team": "data"})
    arn = kinesis.describe_stream_summary(StreamName="ticks")["StreamDescriptionSummary"]["StreamARN"]
    kinesis.tag_resource(ResourceARN=arn, Tags={"team": "shop", "cost": "1"})
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["stack"])
    tags = [{"Key": "cost", "Value": "1"}, {"Key": "team", "Value": "shop"}]
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == tags
    assert kinesis.list_tags_for_stream(StreamName="ticks")["Tags"] == tags
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="fan", Tags={"of": "ticks"})
    fan = consumer["Consumer"]["ConsumerARN"]
    assert kinesis.list_tags_for_resource(ResourceARN=fan)["Tags"] == [{"Key": "of", "Value": "ticks"}]
    for missing in (arn + "-not-there", fan + "-not-there"):
        with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
            kinesis.list_tags_for_resource(ResourceARN=missing)


def test_a_redrive_policy_comes_back_in_the_form_of_the_service(cloud: Cloud) -> None:
    """The examples of set-queue-attributes give the number as text, that of get-queue-attributes answers a number and
    no space: docs.aws.amazon.com/cli/latest/reference/sqs/get-queue-attributes.html#examples."""
    sqs = cloud.client("sqs", WORKLOAD)
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1000"})
    queue = sqs.create_queue(QueueName="work", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    for names in (["All"], ["RedrivePolicy"]):
        redrive_policy = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"][
            "RedrivePolicy"
        ]
        assert redrive_policy == f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1000}}'
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": ""})
    assert (
        "RedrivePolicy" not in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    )


def test_the_cloud_does_not_close_a_connection_on_which_a_call_may_be_on_its_way(cloud: Cloud) -> None:
    """A server that closes an idle connection while a request comes on it may have carried the request out: the SDK
    sees a closed connection, asks again, and has EntityAlreadyExists for the role that its first call made. So the
    cloud closes none before its callers do: https://github.com/golang/go/issues/22158 has the race."""
    host, port = cloud.endpoint.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)

    def create(name: str) -> bytes:
        body = urlencode({"Action": "CreateRole", "Version": "2010-05-08", "RoleName": name,
                          "AssumeRolePolicyDocument": json.dumps(TRUST)})  # fmt: skip
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        signed = AWSRequest("POST", f"{cloud.endpoint}/", kind, body)
        SigV4Auth(Credentials(WORKLOAD, SECRET), "iam", "us-east-1").add_auth(signed)
        connection.request("POST", "/", body, dict(signed.headers))
        return connection.getresponse().read()

    assert b"<RoleName>before<" in create("before")
    used = connection.sock
    time.sleep(IDLE_SECONDS)
    assert b"<RoleName>after<" in create("after")
    assert connection.sock is used  # http.client opens another where the server closed this one


def test_the_tags_of_an_ingestion_pipeline_are_reached_by_its_arn(cloud: Cloud) -> None:
    """The ARN is the query's `arn`: docs.aws.amazon.com/opensearch-service/latest/APIReference/
    API_osis_ListTagsForResource.html, API_osis_TagResource.html, API_osis_UntagResource.html."""
    osis, bucket = cloud.client("osis", WORKLOAD), "ingestion-exports"
    role = cloud.role(
        WORKLOAD, "ingestion", "osis-pipelines.amazonaws.com", {**READ, "Resource": f"{TABLE}*"}
    )
    sink = {
        "hosts": ["https://search.example.com"],
        "index": "orders",
        "document_id": '${getMetadata("primary_key")}',
        "action": '${getMetadata("opensearch_action")}',
        "document_version": '${getMetadata("document_version")}',
        "aws": {"region": "us-east-1", "serverless": True},
        "dlq": {"s3": {"bucket": bucket, "key_path_prefix": "dlq", "region": "us-east-1"}},
    }
    source = {
        "tables": [{"table_arn": TABLE, "export": {"s3_bucket": bucket}}],
        "aws": {"region": "us-east-1"},
    }
    body = {"version": "2", "orders": {"source": {"dynamodb": source}, "sink": [{"opensearch": sink}]}}
    pipeline = osis.create_pipeline(
        PipelineName="orders",
        MinUnits=1,
        MaxUnits=1,
        PipelineConfigurationBody=json.dumps(body),
        PipelineRoleArn=role,
        Tags=[{"Key": "stack", "Value": "dev"}],
    )["Pipeline"]
    try:
        arn = pipeline["PipelineArn"]
        osis.tag_resource(Arn=arn, Tags=[{"Key": "team", "Value": "shop"}, {"Key": "stack", "Value": "prod"}])
        tags = [{"Key": "stack", "Value": "prod"}, {"Key": "team", "Value": "shop"}]
        assert osis.list_tags_for_resource(Arn=arn)["Tags"] == tags
        osis.untag_resource(Arn=arn, TagKeys=["stack"])
        assert osis.list_tags_for_resource(Arn=arn)["Tags"] == tags[1:]
        with pytest.raises(osis.exceptions.ResourceNotFoundException):
            osis.list_tags_for_resource(Arn=arn + "-not-there")
    finally:
        osis.delete_pipeline(PipelineName="orders")


def test_a_call_whose_answer_was_lost_is_answered_and_not_made_again(cloud: Cloud) -> None:
    """The attempts of a call share an id, docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html."""

    def create(name: str, call: str, attempt: int) -> httpx.Response:
        body = urlencode({"Action": "CreateRole", "Version": "2010-05-08", "RoleName": name,
                          "AssumeRolePolicyDocument": json.dumps(TRUST)})  # fmt: skip
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "amz-sdk-invocation-id": call,
            "amz-sdk-request": f"attempt={attempt}; max=25",
        }
        signed = AWSRequest("POST", f"{cloud.endpoint}/", headers, body)
        SigV4Auth(Credentials(WORKLOAD, SECRET), "iam", "us-east-1").add_auth(signed)
        return httpx.post(f"{cloud.endpoint}/", content=body, headers=dict(signed.headers))

    made, again = create("once", "call-1", 1), create("once", "call-1", 2)
    assert made.status_code == again.status_code == 200
    assert made.text == again.text and "<RoleId>" in made.text
    other = create("once", "call-2", 1)
    assert other.status_code == 409 and "EntityAlreadyExists" in other.text
    cloud.client("iam", WORKLOAD).delete_role(RoleName="once")
    assert create("once", "call-2", 2).status_code == 200  # a call that failed is made again
