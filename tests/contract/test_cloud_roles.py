"""The embedded cloud, with its IAM, lets the deploy role make what the stack is made of and nothing of a neighbour's,
and the preview role read what a preview reads."""

import contextlib
import itertools
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bootstrap.registered import config_of, registered
from bootstrap.roles import Stack, deploy, documents, preview
from tests.contract.embedded_cloud import ANALYTICS, WORKLOAD, Cloud

TAGS = {"tributary-project": "tributary", "tributary-stack": "prod"}
PAIRS = [{"Key": key, "Value": value} for key, value in TAGS.items()]
LOWER = [{"key": key, "value": value} for key, value in TAGS.items()]
REGION = f"us-east-1:{WORKLOAD}"
TRUST: dict[str, Any] = {
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
LANDING = f"tributary-prod-shop-lake-landing-{WORKLOAD}"
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


ON_THE_STACK = calls(
    "tributary-prod-shop-lake", "tributary-prod-stock-ticks", "tributary-prod-workload-alarms"
)
ON_A_NEIGHBOUR = calls(
    "tributary-prod-eu-shop-lake", "tributary-prod-eu-ticks", "tributary-prod-eu-workload-alarms"
)
ELSEWHERE: list[Any] = [  # what is no part of deploying or of previewing: data, and what is not the stack's
    ("athena", "get_query_results", {"QueryExecutionId": "11111111-2222-3333-4444-555555555555"}),
    ("athena", "start_query_execution", {"QueryString": "SELECT 1", "WorkGroup": "tributary-prod-shop-lake"}),
    ("cloudwatch", "delete_alarms", {"AlarmNames": ["billing"]}),
    ("dynamodb", "batch_get_item", {"RequestItems": {"orders": {"Keys": [{"id": {"S": "1"}}]}}}),
    ("dynamodb", "delete_table", {"TableName": "orders"}),
    ("dynamodb", "execute_statement", {"Statement": "SELECT * FROM orders"}),
    ("dynamodb", "export_table_to_point_in_time", {"TableArn": f"arn:aws:dynamodb:{REGION}:table/orders",
     "S3Bucket": LANDING}),
    ("dynamodb", "get_item", {"TableName": "orders", "Key": {"id": {"S": "1"}}}),
    ("dynamodb", "put_item", {"TableName": "orders", "Item": {"id": {"S": "1"}}}),
    ("dynamodb", "query", {"TableName": "orders", "KeyConditionExpression": "id = :i",
     "ExpressionAttributeValues": {":i": {"S": "1"}}}),
    ("dynamodb", "scan", {"TableName": "orders"}),
    ("events", "put_rule", {"Name": "every-hour", "ScheduleExpression": "rate(1 hour)"}),
    ("glue", "get_table", {"DatabaseName": "tributary_prod_shop_lake", "Name": "orders"}),
    ("iam", "create_access_key", {"UserName": "payroll"}),
    ("iam", "create_policy", {"PolicyName": "more", "PolicyDocument": json.dumps(TRUST)}),
    ("iam", "create_role", {"RoleName": "payroll", "AssumeRolePolicyDocument": json.dumps(TRUST)}),
    ("iam", "create_user", {"UserName": "payroll"}),
    ("iam", "list_users", {}),
    ("kinesis", "get_records", {"ShardIterator": "AAAA"}),
    ("kinesis", "get_shard_iterator", {"StreamName": "tributary-prod-stock-ticks", "ShardId": "shardId-000000000000",
     "ShardIteratorType": "LATEST"}),
    ("lambda", "delete_event_source_mapping", {"UUID": "11111111-2222-3333-4444-555555555555"}),
    ("lambda", "get_function", {"FunctionName": "payroll"}),
    ("lambda", "invoke", {"FunctionName": "payroll"}),
    ("lambda", "update_function_code", {"FunctionName": "payroll", "ZipFile": EMPTY_ZIP}),
    ("logs", "get_log_events", {"logGroupName": "/aws/lambda/tributary-prod-shop-lake-x", "logStreamName": "a"}),
    ("s3", "delete_bucket", {"Bucket": "payroll"}),
    ("s3", "get_object", {"Bucket": LANDING, "Key": "raw/orders/a.json.gz"}),
    ("s3", "get_object", {"Bucket": LANDING, "Key": "athena-results/a.csv"}),
    ("s3", "list_buckets", {}),
    ("s3", "put_object", {"Bucket": "payroll", "Key": "code/a.zip", "Body": b""}),
    ("secretsmanager", "get_secret_value", {"SecretId": "payroll"}),
    ("sns", "publish", {"TopicArn": f"arn:aws:sns:{REGION}:tributary-prod-workload-alarms", "Message": "a"}),
    ("sqs", "delete_queue", {"QueueUrl": f"http://localhost/{WORKLOAD}/payroll"}),
    ("sqs", "receive_message", {"QueueUrl": f"http://localhost/{WORKLOAD}/tributary-prod-shop-lake-unstarted"}),
    ("ssm", "get_parameter", {"Name": "payroll"}),
    ("stepfunctions", "start_execution",
     {"stateMachineArn": f"arn:aws:states:{REGION}:stateMachine:tributary-prod-shop-lake-run"}),
]  # fmt: skip
NOT_GRANTED = {("s3", "get_bucket_policy_status")}  # so that a refusal is seen among the stack's own, too


@pytest.fixture(scope="module")
def client(cloud: Cloud) -> Callable[[str, str], Any]:
    """A client as one of the two roles of stack `prod`, in the region of the tests' clients; the roles are in both of
    its accounts."""
    config = config_of("prod")
    for account in config["accounts"].values():
        account["region"] = "us-east-1"
    stack = Stack("prod", registered("prod", config))
    for place, role in itertools.product(stack.places().values(), (deploy, preview)):
        iam, principal = (
            cloud.client("iam", place["account"]),
            {"AWS": f"arn:aws:iam::{place['account']}:root"},
        )
        trust: dict[str, Any] = {
            "Version": "2012-10-17",
            "Statement": [{**TRUST["Statement"][0], "Principal": principal}],
        }
        iam.create_role(RoleName=role.__name__, AssumeRolePolicyDocument=json.dumps(trust))
        for number, document in enumerate(documents(role(stack, place))):
            iam.put_role_policy(
                RoleName=role.__name__, PolicyName=f"p{number}", PolicyDocument=json.dumps(document)
            )
    for bucket in ("payroll", LANDING):
        cloud.client("s3", WORKLOAD).create_bucket(Bucket=bucket)
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
    denied = {(s, o) for s, o, given in ON_THE_STACK if refused(client, "deploy", s, o, given)}
    assert denied == NOT_GRANTED


def test_the_deploy_role_makes_and_reads_nothing_of_a_stack_whose_name_begins_alike(
    client: Callable[[str, str], Any],
) -> None:
    assert [(s, o) for s, o, given in ON_A_NEIGHBOUR if not refused(client, "deploy", s, o, given)] == []


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
    assert [(s, o) for s, o, given in ON_THE_STACK if not refused(client, "preview", s, o, given)] == []


@pytest.mark.parametrize("role", ["deploy", "preview"])
def test_neither_role_changes_its_own_rights(client: Callable[[str, str], Any], role: str) -> None:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    document = {"PolicyName": "more", "PolicyDocument": json.dumps(everything)}
    for name in ("deploy", "preview"):
        assert refused(client, role, "iam", "put_role_policy", {"RoleName": name, **document})
        arn = "arn:aws:iam::aws:policy/AdministratorAccess"
        assert refused(client, role, "iam", "attach_role_policy", {"RoleName": name, "PolicyArn": arn})


@pytest.mark.parametrize("role", ["deploy", "preview"])
def test_neither_role_reads_data_or_reaches_what_is_not_the_stacks(
    client: Callable[[str, str], Any], role: str
) -> None:
    assert [(s, o) for s, o, given in ELSEWHERE if not refused(client, role, s, o, given)] == []


def test_the_deploy_role_reaches_no_key_without_the_stacks_tags(
    cloud: Cloud, client: Callable[[str, str], Any]
) -> None:
    """An alias is one request on two resources, and a part of an upload is encrypted for its caller."""
    kms = cloud.client("kms", WORKLOAD)
    own, other = (
        kms.create_key(Tags=[{"TagKey": k, "TagValue": v} for k, v in tags.items()])["KeyMetadata"]["KeyId"]
        for tags in (TAGS, TAGS | {"tributary-stack": "prod-eu"})
    )
    alias = {"AliasName": "alias/tributary-prod-shop-lake-x"}
    assert refused(client, "deploy", "kms", "create_alias", {**alias, "TargetKeyId": other})
    assert refused(client, "deploy", "kms", "schedule_key_deletion", {"KeyId": other})
    elsewhere = {"AliasName": "alias/payroll", "TargetKeyId": own}
    assert refused(client, "deploy", "kms", "create_alias", elsewhere)
    assert not refused(client, "deploy", "kms", "create_alias", {**alias, "TargetKeyId": own})
    assert refused(client, "deploy", "kms", "update_alias", {**alias, "TargetKeyId": other})
    assert not refused(client, "deploy", "kms", "delete_alias", alias)


def test_a_mapping_is_of_a_function_of_the_stack(cloud: Cloud, client: Callable[[str, str], Any]) -> None:
    sqs, functions = cloud.client("sqs", ANALYTICS), cloud.client("lambda", ANALYTICS)
    url = sqs.create_queue(QueueName="mapped")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    read = {"Effect": "Allow", "Action": actions, "Resource": queue}
    given = {"EventSourceArn": queue, "Enabled": False}

    def denied(operation: str, **more: Any) -> bool:
        return refused(lambda role, service: cloud.client(service, ANALYTICS, role), "deploy", "lambda",
                       f"{operation}_event_source_mapping", more)  # fmt: skip

    for name, others in (
        ("tributary-prod-shop-replica-x", False),
        ("tributary-prod-eu-shop-replica-x", True),
    ):
        role = cloud.role(ANALYTICS, name, "lambda.amazonaws.com", read)
        functions.create_function(
            FunctionName=name, Role=role, Code={"ZipFile": EMPTY_ZIP}, Runtime="python3.12", Handler="a.b"
        )
        made = functions.create_event_source_mapping(FunctionName=name, **given)["UUID"]
        for operation in ("get", "update", "delete"):
            assert denied(operation, UUID=made) is others, (name, operation)
        if others:
            functions.delete_event_source_mapping(UUID=made)
        assert denied("create", FunctionName=name, **given) is others


def test_a_retention_policy_is_of_a_collection_of_the_stack(client: Callable[[str, str], Any]) -> None:
    def policy(collection: str) -> str:
        rules = [{"ResourceType": "index", "Resource": [f"index/{collection}/*"], "MinIndexRetention": "24h"}]
        return json.dumps({"Rules": rules})

    for collection, others in (("tributary-prod-stock-ticks", False), ("tributary-prod-eu-ticks", True)):
        given = {"name": f"kept-{str(others).lower()}", "type": "retention"}
        document = {"policy": policy(collection)}
        made = refused(client, "deploy", "opensearchserverless", "create_lifecycle_policy", given | document)
        assert made is others, collection
        if not others:
            assert not refused(client, "deploy", "opensearchserverless", "delete_lifecycle_policy", given)


def test_the_tags_of_a_mapping_are_the_stacks_own(cloud: Cloud) -> None:
    sqs, functions = cloud.client("sqs", ANALYTICS), cloud.client("lambda", ANALYTICS)
    url = sqs.create_queue(QueueName="tagged")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    read = {"Effect": "Allow", "Action": actions, "Resource": queue}
    role = cloud.role(ANALYTICS, "tributary-prod-shop-replica-y", "lambda.amazonaws.com", read)
    functions.create_function(
        FunctionName="tributary-prod-shop-replica-y", Role=role, Code={"ZipFile": EMPTY_ZIP}, Runtime="python3.12",
        Handler="a.b",
    )  # fmt: skip
    for tags, others in ((TAGS, False), (TAGS | {"tributary-stack": "prod-eu"}, True), ({}, True)):
        made = functions.create_event_source_mapping(
            FunctionName="tributary-prod-shop-replica-y", EventSourceArn=queue, Enabled=False, Tags=tags
        )
        arn = f"arn:aws:lambda:us-east-1:{ANALYTICS}:event-source-mapping:{made['UUID']}"
        as_deployer = partial(
            refused, lambda role, service: cloud.client(service, ANALYTICS, role), "deploy", "lambda"
        )
        assert as_deployer("list_tags", {"Resource": arn}) is others, tags
        assert as_deployer("untag_resource", {"Resource": arn, "TagKeys": ["x"]}) is others, tags
        functions.delete_event_source_mapping(UUID=made["UUID"])


def test_the_deploy_role_hands_over_no_role_but_the_stacks(
    cloud: Cloud, client: Callable[[str, str], Any]
) -> None:
    """Each call that hands a role over: with one of the account's that is not the stack's, and with one that is."""
    lake = "tributary-prod-shop-lake"
    arns = {
        name: f"arn:aws:iam::{WORKLOAD}:role/{name}"
        for name in ("payroll", f"{lake}-x", "tributary-prod-stock-ticks-x", "tributary-prod-shop-replica-x")
    }
    for name in arns:
        principal = {"Service": [f"{service}.amazonaws.com" for service in ("lambda", "states", "glue")]}
        trust: dict[str, Any] = {
            "Version": "2012-10-17",
            "Statement": [{**TRUST["Statement"][0], "Principal": principal}],
        }
        with contextlib.suppress(ClientError):  # there from the tests before
            cloud.client("iam", WORKLOAD).create_role(
                RoleName=name, AssumeRolePolicyDocument=json.dumps(trust)
            )

    def requests(role: str, of_ticks: str, of_replica: str) -> list[tuple[str, str, dict[str, Any]]]:
        pass_state = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
        target = {"Arn": f"arn:aws:lambda:{REGION}:function:{lake}-x", "RoleArn": role}
        rules = [{"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::payroll"}}]
        return [
            ("lambda", "create_function", {"FunctionName": f"{lake}-handed", "Role": role, "Runtime": "python3.12",
             "Handler": "a.b", "Code": {"ZipFile": EMPTY_ZIP}}),
            ("stepfunctions", "create_state_machine", {"name": f"{lake}-handed", "roleArn": role,
             "definition": pass_state}),
            ("scheduler", "create_schedule", {"Name": f"{lake}-handed", "GroupName": f"{lake}-s", "Target": target,
             "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}}),
            ("glue", "create_crawler", {"Name": f"{lake}-handed", "Role": role, "DatabaseName": "d",
             "Targets": {"S3Targets": [{"Path": "s3://payroll/"}]}, "Tags": TAGS}),
            ("firehose", "create_delivery_stream", {"DeliveryStreamName": "tributary-prod-stock-ticks",
             "ExtendedS3DestinationConfiguration": {"RoleARN": of_ticks, "BucketARN": "arn:aws:s3:::payroll"},
             "Tags": PAIRS}),
            ("s3", "put_bucket_replication", {"Bucket": LANDING,
             "ReplicationConfiguration": {"Role": of_replica, "Rules": rules}}),
        ]  # fmt: skip

    payroll, *own = arns.values()
    for service, operation, given in requests(payroll, payroll, payroll):
        assert refused(client, "deploy", service, operation, given), operation
    deploying = [request for request in requests(*own) if request[0] != "glue"]  # the stack has no crawler
    assert [(s, o) for s, o, given in deploying if refused(client, "deploy", s, o, given)] == []


def test_an_object_of_any_bytes_is_stored(client: Callable[[str, str], Any]) -> None:
    """A part of a bundle may begin like CBOR."""
    for first in (0x7B, 0xA1, 0xBB, 0xBF):
        given = {"Bucket": LANDING, "Key": "code/part", "Body": bytes([first]) + b"PK"}
        client("deploy", "s3").put_object(**given)


def test_a_rule_of_the_default_bus_has_an_arn_without_a_bus(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html"""
    rule = f"arn:aws:events:us-east-1:{WORKLOAD}:rule/arrived"
    cloud.role(WORKLOAD, "rules", "lambda.amazonaws.com", {
        "Effect": "Allow", "Action": ["events:PutRule", "events:DescribeRule"], "Resource": rule})  # fmt: skip
    events = cloud.client("events", WORKLOAD, "rules")
    events.put_rule(Name="arrived", EventPattern=json.dumps({"source": ["tributary.arrival"]}))
    assert events.describe_rule(Name="arrived")["Arn"] == rule
    with pytest.raises(ClientError, match="AccessDenied"):
        events.describe_rule(Name="arrived-too")
    with pytest.raises(ClientError, match="AccessDenied"):
        events.put_rule(Name="arrived", EventBusName="other", EventPattern=json.dumps({"source": ["a"]}))
