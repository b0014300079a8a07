"""The embedded cloud, with its IAM, lets the deploy role make what the stack is made of and nothing of a neighbour's,
and the preview role read what a preview reads."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bootstrap.registered import config_of, registered
from bootstrap.roles import Stack, deploy, documents, preview
from tests.contract.embedded_cloud import WORKLOAD, Cloud

TAGS = {"tributary-project": "tributary", "tributary-stack": "prod"}
PAIRS = [{"Key": key, "Value": value} for key, value in TAGS.items()]
LOWER = [{"key": key, "value": value} for key, value in TAGS.items()]
REGION = f"us-east-1:{WORKLOAD}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "Service": ["lambda.amazonaws.com", "states.amazonaws.com", "scheduler.amazonaws.com"]
            },
            "Action": "sts:AssumeRole",
        }
    ],
}
EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


def calls(name: str, collection: str, topic: str) -> list[tuple[str, str, dict[str, Any]]]:
    """One stack's life in a few calls: of what is called `name` and what follows it, its collection and its topic."""
    role, alarm = f"arn:aws:iam::{WORKLOAD}:role/{name}-x", f"arn:aws:cloudwatch:{REGION}:alarm:{name}-a"
    function, machine = (
        f"arn:aws:lambda:{REGION}:function:{name}-x",
        f"arn:aws:states:{REGION}:stateMachine:{name}-run",
    )
    group, topic_arn = f"arn:aws:scheduler:{REGION}:schedule-group/{name}-s", f"arn:aws:sns:{REGION}:{topic}"
    database, bucket = name.replace("-", "_"), f"{name}-landing-{WORKLOAD}"
    encryption = {
        "Rules": [{"ResourceType": "collection", "Resource": [f"collection/{collection}"]}],
        "AWSOwnedKey": True,
    }
    rules = [
        {"ResourceType": "index", "Resource": [f"index/{collection}/x"], "Permission": ["aoss:ReadDocument"]}
    ]
    return [
        ("iam", "create_role", {"RoleName": f"{name}-x", "AssumeRolePolicyDocument": json.dumps(TRUST), "Tags": PAIRS}),
        ("iam", "get_role", {"RoleName": f"{name}-x"}),
        ("iam", "list_role_policies", {"RoleName": f"{name}-x"}),
        ("sns", "create_topic", {"Name": topic, "Tags": PAIRS}),
        ("sns", "get_topic_attributes", {"TopicArn": topic_arn}),
        ("sns", "list_tags_for_resource", {"ResourceArn": topic_arn}),
        ("cloudwatch", "put_metric_alarm", {"AlarmName": f"{name}-a", "MetricName": "m", "Namespace": "n", "Period": 60,
         "Statistic": "Sum", "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}),
        ("cloudwatch", "describe_alarms", {"AlarmNames": [f"{name}-a"]}),
        ("cloudwatch", "list_tags_for_resource", {"ResourceARN": alarm}),
        ("logs", "create_log_group", {"logGroupName": f"/aws/lambda/{name}-x", "tags": TAGS}),
        ("logs", "put_retention_policy", {"logGroupName": f"/aws/lambda/{name}-x", "retentionInDays": 7}),
        ("sqs", "create_queue", {"QueueName": f"{name}-q", "tags": TAGS}),
        ("athena", "create_work_group", {"Name": name, "Tags": PAIRS}),
        ("athena", "get_work_group", {"WorkGroup": name}),
        ("athena", "list_tags_for_resource", {"ResourceARN": f"arn:aws:athena:{REGION}:workgroup/{name}"}),
        ("glue", "create_database", {"DatabaseInput": {"Name": database}, "Tags": TAGS}),
        ("glue", "get_database", {"Name": database}),
        ("s3", "create_bucket", {"Bucket": bucket}),
        ("s3", "put_bucket_tagging", {"Bucket": bucket, "Tagging": {"TagSet": PAIRS}}),
        ("s3", "put_bucket_versioning", {"Bucket": bucket, "VersioningConfiguration": {"Status": "Enabled"}}),
        ("s3", "get_bucket_policy_status", {"Bucket": bucket}),
        ("lambda", "create_function", {"FunctionName": f"{name}-x", "Role": role, "Code": {"ZipFile": EMPTY_ZIP},
         "Runtime": "python3.12", "Handler": "a.b", "Tags": TAGS}),
        ("lambda", "get_function", {"FunctionName": f"{name}-x"}),
        ("lambda", "list_tags", {"Resource": function}),
        ("scheduler", "create_schedule_group", {"Name": f"{name}-s", "Tags": PAIRS}),
        ("scheduler", "list_tags_for_resource", {"ResourceArn": group}),
        ("scheduler", "create_schedule", {"Name": f"{name}-s", "GroupName": f"{name}-s",
         "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"},
         "Target": {"Arn": function, "RoleArn": role}}),
        ("stepfunctions", "create_state_machine", {"name": f"{name}-run", "roleArn": role, "tags": LOWER,
         "definition": json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})}),
        ("stepfunctions", "list_tags_for_resource", {"resourceArn": machine}),
        ("opensearchserverless", "create_security_policy", {"name": f"{collection[:20]}-e", "type": "encryption",
         "policy": json.dumps(encryption)}),
        ("opensearchserverless", "get_security_policy", {"name": f"{collection[:20]}-e", "type": "encryption"}),
        ("opensearchserverless", "create_access_policy", {"name": f"{collection[:20]}-a", "type": "data",
         "policy": json.dumps([{"Rules": rules, "Principal": [role]}])}),
    ]  # fmt: skip


OURS = calls("tributary-prod-shop-lake", "tributary-prod-stock-ticks", "tributary-prod-workload-alarms")
THEIRS = calls("tributary-prod-eu-shop-lake", "tributary-prod-eu-ticks", "tributary-prod-eu-workload-alarms")
NOT_GRANTED = {("s3", "get_bucket_policy_status")}  # so that a refusal is seen among the stack's own, too


@pytest.fixture(scope="module")
def client(cloud: Cloud) -> Callable[[str, str], Any]:
    """A client as one of the two roles of stack `prod`, in the region of the tests' clients."""
    config = config_of("prod")
    for account in config["accounts"].values():
        account["region"] = "us-east-1"
    stack = Stack("prod", registered("prod", config))
    [place] = [place for place in stack.places().values() if place["account"] == WORKLOAD]
    iam, principal = cloud.client("iam", WORKLOAD), {"AWS": f"arn:aws:iam::{WORKLOAD}:root"}
    trust = {"Version": "2012-10-17", "Statement": [{**TRUST["Statement"][0], "Principal": principal}]}
    for role in (deploy, preview):
        iam.create_role(RoleName=role.__name__, AssumeRolePolicyDocument=json.dumps(trust))
        for number, document in enumerate(documents(role(stack, place))):
            iam.put_role_policy(
                RoleName=role.__name__, PolicyName=f"p{number}", PolicyDocument=json.dumps(document)
            )
    dynamodb = cloud.client("dynamodb", WORKLOAD)
    dynamodb.create_table(
        TableName="orders", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    return lambda role, service: cloud.client(service, WORKLOAD, role)


def refused(
    client: Callable[[str, str], Any], role: str, service: str, operation: str, given: dict[str, Any]
) -> bool:
    """Whether IAM refuses the call. Another error is one of what is called: it came through."""
    try:
        getattr(client(role, service), operation)(**given)
    except ClientError as error:
        return bool(
            {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
            & {error.response["Error"]["Code"]}
        )
    return False


def test_the_deploy_role_makes_what_the_stack_is_made_of(client: Callable[[str, str], Any]) -> None:
    denied = {(s, o) for s, o, given in OURS if refused(client, "deploy", s, o, given)}
    assert denied == NOT_GRANTED


def test_the_deploy_role_makes_and_reads_nothing_of_a_stack_whose_name_begins_alike(
    client: Callable[[str, str], Any],
) -> None:
    assert [(s, o) for s, o, given in THEIRS if not refused(client, "deploy", s, o, given)] == []


def test_a_key_is_made_with_the_stacks_tags_and_not_without(client: Callable[[str, str], Any]) -> None:
    tags = [{"TagKey": key, "TagValue": value} for key, value in TAGS.items()]
    assert not refused(client, "deploy", "kms", "create_key", {"Tags": tags})
    assert refused(client, "deploy", "kms", "create_key", {})
    others = [tags[0], {"TagKey": "tributary-stack", "TagValue": "prod-eu"}]
    assert refused(client, "deploy", "kms", "create_key", {"Tags": others})


def test_the_preview_role_reads_adopted_tables_and_nothing_else(client: Callable[[str, str], Any]) -> None:
    for operation in ("describe_table", "describe_continuous_backups", "describe_time_to_live"):
        assert not refused(client, "preview", "dynamodb", operation, {"TableName": "orders"})
        assert refused(client, "preview", "dynamodb", operation, {"TableName": "invoices"})
    table = f"arn:aws:dynamodb:{REGION}:table/orders"
    assert not refused(client, "preview", "dynamodb", "list_tags_of_resource", {"ResourceArn": table})
    assert refused(client, "preview", "dynamodb", "scan", {"TableName": "orders"})
    assert refused(
        client, "preview", "dynamodb", "get_item", {"TableName": "orders", "Key": {"id": {"S": "1"}}}
    )
    assert [(s, o) for s, o, given in OURS if not refused(client, "preview", s, o, given)] == []


@pytest.mark.parametrize("role", ["deploy", "preview"])
def test_neither_role_changes_its_own_rights(client: Callable[[str, str], Any], role: str) -> None:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    document = {"PolicyName": "more", "PolicyDocument": json.dumps(everything)}
    for name in ("deploy", "preview"):
        assert refused(client, role, "iam", "put_role_policy", {"RoleName": name, **document})
        arn = "arn:aws:iam::aws:policy/AdministratorAccess"
        assert refused(client, role, "iam", "attach_role_policy", {"RoleName": name, "PolicyArn": arn})
