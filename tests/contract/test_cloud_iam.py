"""The embedded cloud asks for each grant that AWS asks for, on the paths that tributary's pipelines take."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from tests.contract.embedded_cloud import ANALYTICS, WORKLOAD, Cloud
from tests.contract.iam_callers import POLL, Queue, function, invoke, service, unique
from tests.waiting import eventually


def test_a_worker_holds_its_roles_session_and_nothing_of_the_hosts(cloud: Cloud):
    arn = function(cloud, WORKLOAD, Queue(cloud, WORKLOAD))
    environment = invoke(cloud, WORKLOAD, arn, {"call": "environment"})
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert "of-the-host" not in environment.values()


def test_a_worker_reaches_s3_control_without_knowing_that_it_is_local(cloud: Cloud):
    assert invoke(cloud, WORKLOAD, function(cloud, WORKLOAD, Queue(cloud, WORKLOAD)), {"call": "jobs"}) == []


def test_a_function_whose_role_lambda_may_not_assume_is_not_created(cloud: Cloud):
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        function(cloud, WORKLOAD, Queue(cloud, WORKLOAD), trust="s3.amazonaws.com")


def test_another_accounts_administrator_may_read_only_what_the_bucket_grants(cloud: Cloud):
    name, s3, far = unique("bucket"), cloud.client("s3", WORKLOAD), cloud.client("s3", ANALYTICS)
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a/k", Body=b"1")
    with pytest.raises(ClientError, match="s3:GetObject"):
        far.get_object(Bucket=name, Key="a/k")
    cloud.role(
        ANALYTICS,
        "reader",
        "lambda.amazonaws.com",
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"},
    )
    s3.put_bucket_policy(
        Bucket=name,
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": f"arn:aws:iam::{ANALYTICS}:role/reader"},
                        "Action": "s3:GetObject",
                        "Resource": f"arn:aws:s3:::{name}/a/*",
                    },
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                ],
            }
        ),
    )
    assert cloud.client("s3", ANALYTICS, "reader").get_object(Bucket=name, Key="a/k")["Body"].read() == b"1"
    with pytest.raises(ClientError, match="AccessDenied"):
        far.get_object(Bucket=name, Key="a/k")


def test_a_copy_needs_the_source_to_be_readable_as_well_as_the_target_to_be_writable(cloud: Cloud):
    name, s3 = unique("bucket"), cloud.client("s3", WORKLOAD)
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a/k", Body=b"1")
    write = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/b/*"}
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/a/*"}
    for role, *granted in (("writer", write), ("reader", read), ("copier", read, write)):
        cloud.role(WORKLOAD, f"{name}-{role}", "lambda.amazonaws.com", *granted)

    def copy(role: str) -> None:
        cloud.client("s3", WORKLOAD, f"{name}-{role}").copy_object(
            Bucket=name, Key=f"b/{role}", CopySource={"Bucket": name, "Key": "a/k"}
        )

    with pytest.raises(ClientError, match="s3:GetObject"):
        copy("writer")
    with pytest.raises(ClientError, match="s3:PutObject"):
        copy("reader")
    copy("copier")
    assert s3.get_object(Bucket=name, Key="b/copier")["Body"].read() == b"1"


@pytest.mark.parametrize(("call", "grant"), [("put", "kms:GenerateDataKey"), ("get", "kms:Decrypt")])
def test_an_encrypted_object_needs_the_key_as_well_as_the_bucket(cloud: Cloud, call: str, grant: str):
    name, role = unique("sealed"), unique("user")
    key = cloud.client("kms", WORKLOAD).create_key()["KeyMetadata"]["Arn"]
    s3 = cloud.client("s3", WORKLOAD)
    s3.create_bucket(Bucket=name)
    s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
                    "BucketKeyEnabled": True,
                }
            ]
        },
    )
    s3.put_object(Bucket=name, Key="k", Body=b"1")

    def act(condition: str, granted: list[str]) -> None:
        cloud.role(
            WORKLOAD,
            role,
            "lambda.amazonaws.com",
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": ["kms:DescribeKey", *granted],
                "Resource": key,
                "Condition": {
                    "StringEquals": {
                        "kms:ViaService": "s3.us-east-1.amazonaws.com",
                        "kms:EncryptionContext:aws:s3:arn": condition,
                    }
                },
            },
        )
        client = cloud.client("s3", WORKLOAD, role)
        client.put_object(Bucket=name, Key="n", Body=b"1") if call == "put" else client.get_object(
            Bucket=name, Key="k"
        )["Body"].read()

    act(f"arn:aws:s3:::{name}", [grant])
    for condition, granted in ((f"arn:aws:s3:::{name}", []), (f"arn:aws:s3:::{name}/k", [grant])):
        with pytest.raises(ClientError, match=grant):
            act(condition, granted)


def test_a_bucket_may_only_notify_a_queue_that_names_its_account(cloud: Cloud):
    name, s3 = unique("bucket"), cloud.client("s3", WORKLOAD)
    s3.create_bucket(Bucket=name)
    queue = Queue(cloud, WORKLOAD, service("s3.amazonaws.com", StringEquals={"aws:SourceAccount": ANALYTICS}))
    wanted = {"QueueConfigurations": [{"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*"]}]}
    with pytest.raises(ClientError, match="Unable to validate"):
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=wanted)
    queue.allow(
        service(
            "s3.amazonaws.com",
            StringEquals={"aws:SourceAccount": WORKLOAD},
            ArnEquals={"aws:SourceArn": f"arn:aws:s3:::{name}"},
        )
    )
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=wanted)


def test_a_bucket_may_only_invoke_a_function_that_admits_it(cloud: Cloud):
    name, s3, out = unique("bucket"), cloud.client("s3", WORKLOAD), Queue(cloud, WORKLOAD)
    s3.create_bucket(Bucket=name)
    arn = function(cloud, WORKLOAD, out)
    wanted = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    with pytest.raises(ClientError, match="lambda:InvokeFunction"):
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=wanted)
    cloud.client("lambda", WORKLOAD).add_permission(
        FunctionName=arn,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{name}",
        SourceAccount=WORKLOAD,
    )
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=wanted)
    s3.put_object(Bucket=name, Key="k", Body=b"1")
    assert eventually(out.read)[0]["Records"][0]["s3"]["object"]["key"] == "k"


@pytest.mark.parametrize("account", [WORKLOAD, ANALYTICS])
def test_a_rule_reaches_a_queue_only_if_its_policy_names_the_rule(cloud: Cloud, account: str):
    events, bus = cloud.client("events", WORKLOAD), unique("bus")
    events.create_event_bus(Name=bus)
    rule = events.put_rule(
        Name=unique("rule"), EventBusName=bus, EventPattern='{"source": ["tributary.arrival"]}'
    )["RuleArn"]
    admitting = Queue(cloud, account, service("events.amazonaws.com", ArnEquals={"aws:SourceArn": rule}))
    closed = Queue(cloud, account, service("events.amazonaws.com", ArnEquals={"aws:SourceArn": rule + "x"}))
    events.put_targets(
        Rule=rule.rsplit("/", 1)[1],
        EventBusName=bus,
        Targets=[{"Id": "closed", "Arn": closed.arn}, {"Id": "open", "Arn": admitting.arn}],
    )
    events.put_events(
        Entries=[
            {
                "EventBusName": bus,
                "Source": "tributary.arrival",
                "DetailType": "Export Arrived",
                "Detail": '{"n": 1}',
            }
        ]
    )
    assert eventually(admitting.read)[0]["detail"] == {"n": 1}
    assert closed.read() == []
    assert eventually(lambda: f"sqs:SendMessage on resource: {closed.arn}" in cloud.logged())


def test_a_rules_delivery_tells_a_queue_the_rule_and_not_the_account(cloud: Cloud):
    """The guide's policy names the rule's ARN alone:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions"""
    events, bus = cloud.client("events", WORKLOAD), unique("bus")
    events.create_event_bus(Name=bus)
    rule = events.put_rule(Name=unique("rule"), EventBusName=bus, EventPattern='{"source": ["any"]}')[
        "RuleArn"
    ]
    named = {"ArnEquals": {"aws:SourceArn": rule}}
    strict = Queue(
        cloud,
        WORKLOAD,
        service("events.amazonaws.com", **named, StringEquals={"aws:SourceAccount": WORKLOAD}),
    )
    events.put_targets(
        Rule=rule.rsplit("/", 1)[1], EventBusName=bus, Targets=[{"Id": "strict", "Arn": strict.arn}]
    )
    events.put_events(Entries=[{"EventBusName": bus, "Source": "any", "DetailType": "a", "Detail": "{}"}])
    assert eventually(lambda: f"sqs:SendMessage on resource: {strict.arn}" in cloud.logged())
    assert strict.read() == []


def test_who_may_speak_as_one_source_speaks_as_no_other(cloud: Cloud):
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html"""
    name = unique("speaks")
    only = {
        "ForAllValues:StringEquals": {"events:source": "tributary.arrival"},
        "Null": {"events:source": "false"},
    }
    cloud.role(
        WORKLOAD,
        name,
        "lambda.amazonaws.com",
        {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*", "Condition": only},
    )
    events = cloud.client("events", WORKLOAD, name)

    def put(*sources: str) -> int:
        entries = [{"Source": source, "DetailType": "a", "Detail": "{}"} for source in sources]
        return events.put_events(Entries=entries)["FailedEntryCount"]

    assert put("tributary.arrival") == 0
    for others in (["tributary.catalog"], ["tributary.arrival", "tributary.catalog"]):
        with pytest.raises(ClientError, match=r"AccessDenied.*events:PutEvents"):
            put(*others)


@pytest.mark.parametrize("granted", [True, False])
def test_a_schedule_invokes_under_its_role_with_the_time_it_was_due_in_its_zone(cloud: Cloud, granted: bool):
    out = Queue(cloud, WORKLOAD)
    arn = function(cloud, WORKLOAD, out)
    role = cloud.role(
        WORKLOAD,
        unique("schedule"),
        "scheduler.amazonaws.com",
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction" if granted else "lambda:GetFunction",
            "Resource": arn,
        },
    )
    scheduler = cloud.client("scheduler", WORKLOAD)
    for ahead in (2, 8, 32, 128):  # a slow machine makes the schedule only after the time that it is for
        name, due = unique("schedule"), datetime.now(ZoneInfo("Asia/Tokyo")).replace(microsecond=0)
        due += timedelta(seconds=ahead)
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
            ScheduleExpressionTimezone="Asia/Tokyo",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": arn,
                "RoleArn": role,
                "Input": '{"scheduled_time": "<aws.scheduler.scheduled-time>"}',
            },
        )
        if datetime.now(UTC) < due:
            break
        scheduler.delete_schedule(Name=name)
        out.read()
        out.seen.clear()
    if granted:
        assert eventually(out.read) == [
            {"scheduled_time": f"{due.astimezone(ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}"}
        ]
    else:
        assert eventually(lambda: f"lambda:InvokeFunction on resource: {arn}" in cloud.logged())
        assert out.read() == []


def test_a_mapping_needs_its_functions_role_to_read_the_queue(cloud: Cloud):
    source, out = Queue(cloud, WORKLOAD), Queue(cloud, WORKLOAD)
    with pytest.raises(ClientError, match="sqs:ReceiveMessage"):
        cloud.client("lambda", WORKLOAD).create_event_source_mapping(
            FunctionName=function(cloud, WORKLOAD, out), EventSourceArn=source.arn
        )


def test_a_message_that_keeps_failing_ends_in_the_dead_letter_queue_and_the_others_do_not(cloud: Cloud):
    dead, out = Queue(cloud, WORKLOAD), Queue(cloud, WORKLOAD)
    source = Queue(
        cloud,
        WORKLOAD,
        VisibilityTimeout="12",  # no shorter than the function's time, which a slow machine may need to start it
        RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2}),
    )
    cloud.client("lambda", WORKLOAD).create_event_source_mapping(
        FunctionName=function(cloud, WORKLOAD, out, POLL, Timeout=12),
        EventSourceArn=source.arn,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    for body in ("good", "bad"):
        source.sqs.send_message(QueueUrl=source.url, MessageBody=body)
    assert eventually(dead.read) == [{"body": "bad"}]


def test_an_event_that_keeps_failing_goes_to_the_failure_destination_if_the_role_may_send(cloud: Cloud):
    failed, out = Queue(cloud, WORKLOAD), Queue(cloud, WORKLOAD)
    arn, client = function(cloud, WORKLOAD, out, env={"FAIL": "1"}), cloud.client("lambda", WORKLOAD)
    client.put_function_event_invoke_config(
        FunctionName=arn, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": failed.arn}}
    )
    client.invoke(FunctionName=arn, InvocationType="Event", Payload=b'{"n": 1}')
    assert eventually(failed.read)[0]["requestPayload"] == {"n": 1}


@pytest.mark.parametrize("missing", [None, "topic", "key"])
def test_an_alarm_reaches_an_encrypted_topic_only_with_topic_and_key(cloud: Cloud, missing: str | None):
    sns, kms, cloudwatch, name = (
        cloud.client("sns", WORKLOAD),
        cloud.client("kms", WORKLOAD),
        cloud.client("cloudwatch", WORKLOAD),
        unique("alarm"),
    )
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    use = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
        "Resource": "*",
    }
    key = kms.create_key(Policy=json.dumps({"Statement": [own] if missing == "key" else [own, use]}))[
        "KeyMetadata"
    ]["KeyId"]
    topic = sns.create_topic(Name=name, Attributes={"KmsMasterKeyId": key})["TopicArn"]
    admit = "events.amazonaws.com" if missing == "topic" else "cloudwatch.amazonaws.com"
    sns.set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=json.dumps(
            {
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": admit},
                        "Action": "sns:Publish",
                        "Resource": topic,
                    }
                ]
            }
        ),
    )
    queue = Queue(cloud, WORKLOAD, service("sns.amazonaws.com", ArnEquals={"aws:SourceArn": topic}))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    if missing is None:
        assert json.loads(eventually(queue.read)[0]["Message"])["AlarmName"] == name
    else:
        assert eventually(lambda: f"alarm {name}" in cloud.logged())
        line = next(line for line in cloud.logged().splitlines() if f"alarm {name}" in line)
        assert {"topic": "sns:Publish", "key": "kms:GenerateDataKey"}[missing] in line
        assert queue.read() == []
