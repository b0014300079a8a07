"""The short lives of one resource each, which any account can live: each costs less than a cent."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

from tests.live.life import accepted, refused, until
from tests.live.place import Place

# A role is known to other services some seconds after IAM has made it:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
NOT_YET = ("ContinuousBackupsUnavailableException", "NoSuchEntity", "AccessDeniedException")


def queue(client: Place, name: str, undo: ExitStack) -> None:
    """A queue with a redrive policy: the form in which the policy comes back, a message's way to the dead letters'
    queue, and the error of a name that is none
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html)."""
    sqs = client("sqs")
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    undo.callback(sqs.delete_queue, QueueUrl=dead)
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    undo.callback(sqs.delete_queue, QueueUrl=url)
    sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    sqs.send_message(QueueUrl=url, MessageBody="carried")
    received = until(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages"))
    assert received[0]["Body"] == "carried"
    refused(lambda: sqs.create_queue(QueueName=f"{name} with spaces"))


def table(client: Place, name: str, undo: ExitStack) -> None:
    """A table with point-in-time recovery and a stream: what describes them, items, and the error of a second one
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContinuousBackups.html)."""
    dynamodb = client("dynamodb")
    wanted = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
    dynamodb.create_table(**wanted)
    undo.callback(dynamodb.delete_table, TableName=name)
    until(lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")
    recovery = {"PointInTimeRecoveryEnabled": True}
    until(lambda: accepted(dynamodb.update_continuous_backups, *NOT_YET, TableName=name,
                            PointInTimeRecoverySpecification=recovery))  # fmt: skip
    dynamodb.describe_continuous_backups(TableName=name)
    item = {"id": {"S": "1"}, "total": {"N": "12.50"}, "photo": {"B": b"\x00\xff"}}
    dynamodb.put_item(TableName=name, Item=item)
    assert dynamodb.get_item(TableName=name, Key={"id": {"S": "1"}}, ConsistentRead=True)["Item"] == item | {
        "total": {"N": "12.5"}
    }
    refused(lambda: dynamodb.create_table(**wanted))


def role(client: Place, name: str, undo: ExitStack) -> None:
    """A role with an inline policy: both come back as they were written; a second one of the name, and a description
    with a control character, are refused
    (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html)."""
    iam = client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    wanted = {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(trust)}
    iam.create_role(**wanted)
    undo.callback(iam.delete_role, RoleName=name)
    grant = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": ["arn:aws:sqs:*:*:none"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
    iam.put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=policy)
    undo.callback(iam.delete_role_policy, RoleName=name, PolicyName="only")
    document = until(lambda: accepted(iam.get_role_policy, *NOT_YET, RoleName=name, PolicyName="only"))
    assert document["PolicyDocument"] == json.loads(policy)
    refused(lambda: iam.create_role(**wanted))


def stream(client: Place, name: str, undo: ExitStack) -> None:
    """A stream with a tag: what describes it, its tags by its ARN, its shards, a record, and the error of a second
    stream of the name (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html)."""
    kinesis = client("kinesis")
    wanted = {"StreamName": name, "ShardCount": 1, "Tags": {"made-by": "tests"}}
    kinesis.create_stream(**wanted)
    undo.callback(kinesis.delete_stream, StreamName=name)

    def active() -> Any:
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        return summary if summary["StreamStatus"] == "ACTIVE" else None

    arn = until(active)["StreamARN"]
    tags = kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert tags == [{"Key": "made-by", "Value": "tests"}]
    (shard,) = kinesis.list_shards(StreamName=name)["Shards"]
    put = kinesis.put_record(StreamName=name, Data=b'{"n": 1}', PartitionKey="1")
    assert put["ShardId"] == shard["ShardId"]
    refused(lambda: kinesis.create_stream(**wanted))


def machine(client: Place, name: str, undo: ExitStack) -> None:
    """A state machine that waits for nothing, run once: what describes it and its run, and the error of a definition
    that has a Choice without choices
    (https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html)."""
    iam, states = client("iam"), client("stepfunctions")
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role_arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    undo.callback(iam.delete_role, RoleName=name)

    def wanted(state: dict[str, Any]) -> dict[str, Any]:
        definition = {"StartAt": "Only", "States": {"Only": state}}
        return {"name": name, "roleArn": role_arn, "definition": json.dumps(definition)}

    arn = until(
        lambda: accepted(
            states.create_state_machine, *NOT_YET, **wanted({"Type": "Pass", "Result": {"n": 1}, "End": True})
        )
    )["stateMachineArn"]
    undo.callback(states.delete_state_machine, stateMachineArn=arn)
    states.describe_state_machine(stateMachineArn=arn)
    run = states.start_execution(stateMachineArn=arn, name="once", input="{}")["executionArn"]

    def ended() -> Any:
        described = states.describe_execution(executionArn=run)
        return described if described["status"] != "RUNNING" else None

    assert json.loads(until(ended)["output"]) == {"n": 1}
    empty = wanted({"Type": "Choice", "Choices": []})
    refused(lambda: states.create_state_machine(**{**empty, "name": f"{name}-empty"}))


LIVES = {"queue": queue, "table": table, "role": role, "stream": stream, "machine": machine}
