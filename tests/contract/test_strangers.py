"""What somebody added by hand to a stack's own resources is seen, and what the program made is not.

Against the embedded cloud: the resources are made as a program makes them, with the state that it would have.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from delivery.accounts import Accounts
from delivery.strangers import read, strangers
from tests.contract.embedded_cloud import SECRET, WORKLOAD, Cloud

URN = "urn:pulumi:dev::tributary"
PROVIDER = f"{URN}::pulumi:providers:aws::workload"
ROOT_OF_IT = f"arn:aws:iam::{WORKLOAD}:root"
STRANGER = "arn:aws:iam::333333333333:role/stranger"


def of(type: str, name: str, inputs: dict[str, Any], **outputs: Any) -> dict[str, Any]:
    return {"urn": f"{URN}::{type}::{name}", "type": type, "provider": f"{PROVIDER}::id", "id": name,
            "inputs": inputs, "outputs": inputs | outputs}  # fmt: skip


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def let(sid: str, who: str, action: str | list[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": who}, "Action": action, "Resource": resource}


@pytest.fixture(scope="module")
def stack(cloud: Cloud) -> dict[str, Any]:
    """A bucket, a key, a queue, a topic and a role, with their policies; and the state that has them."""
    s3, kms, sqs, sns, iam = (cloud.client(name, WORKLOAD) for name in ("s3", "kms", "sqs", "sns", "iam"))
    s3.create_bucket(Bucket="landing")
    of_bucket = document(let("Read", ROOT_OF_IT, "s3:GetObject", "arn:aws:s3:::landing/*"))
    s3.put_bucket_policy(Bucket="landing", Policy=of_bucket)
    of_key = document(let("LetTheAccountsPoliciesDecide", ROOT_OF_IT, "kms:*", "*"))
    key = kms.create_key(Policy=of_key)["KeyMetadata"]
    queue = sqs.create_queue(QueueName="failed")["QueueUrl"]
    queue_arn = f"arn:aws:sqs:us-east-1:{WORKLOAD}:failed"
    of_queue = document(let("Send", ROOT_OF_IT, "sqs:SendMessage", queue_arn))
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": of_queue})
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    of_topic = document(let("Publish", ROOT_OF_IT, "sns:Publish", topic))
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=of_topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    trust = document(
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    )
    role = iam.create_role(RoleName="source", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    rights = document({"Sid": "WriteLog", "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"})
    iam.put_role_policy(RoleName="source", PolicyName="function", PolicyDocument=rights)
    kms.create_grant(
        KeyId=key["KeyId"], GranteePrincipal=role, Operations=["Decrypt"]
    )  # of the stack's own role
    kms.create_grant(KeyId=key["KeyId"], GranteePrincipal="export.rds.amazonaws.com", Operations=["Encrypt"])
    subscribed = {"topic": topic, "protocol": "sqs", "endpoint": queue_arn}
    provider = {"region": "us-east-1", "allowedAccountIds": json.dumps([WORKLOAD])}
    resources = [
        {"urn": PROVIDER, "type": "pulumi:providers:aws", "inputs": provider, "outputs": provider},
        of("aws:s3/bucket:Bucket", "landing", {"bucket": "landing"}, arn="arn:aws:s3:::landing"),
        of("aws:s3/bucketPolicy:BucketPolicy", "landing", {"bucket": "landing", "policy": of_bucket}),
        of("aws:kms/key:Key", "key", {"policy": of_key}, keyId=key["KeyId"], arn=key["Arn"]),
        of("aws:sqs/queue:Queue", "failed", {"name": "failed"}, url=queue, arn=queue_arn),
        of("aws:sqs/queuePolicy:QueuePolicy", "failed", {"queueUrl": queue, "policy": of_queue}),
        of("aws:sns/topic:Topic", "alarms", {"name": "alarms"}, arn=topic),
        of("aws:sns/topicPolicy:TopicPolicy", "alarms", {"arn": topic, "policy": of_topic}),
        of("aws:sns/topicSubscription:TopicSubscription", "a", subscribed),
        of("aws:iam/role:Role", "source", {"name": "source"}, arn=role),
        of(
            "aws:iam/rolePolicy:RolePolicy",
            "source",
            {"role": "source", "name": "function", "policy": rights},
        ),
    ]
    return {
        "resources": resources,
        "key": key["KeyId"],
        "queue": queue,
        "queue_arn": queue_arn,
        "topic": topic,
    }


def scan(cloud: Cloud, stack: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """(resource's end, kind, what) of each stranger, by the credentials that a job has in its environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", WORKLOAD)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    accounts = Accounts(stack["resources"], endpoint=cloud.endpoint)
    listed = strangers(stack["resources"], read(stack["resources"], accounts.client))
    return [
        (stranger.resource.split(":")[5].rpartition("/")[2], stranger.kind, stranger.what)
        for stranger in listed
    ]


def test_what_the_program_made_is_no_stranger_and_what_somebody_adds_by_hand_is_one(
    cloud: Cloud, stack: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scan(cloud, stack, monkeypatch) == []
    s3, kms, sqs, sns, iam = (cloud.client(name, WORKLOAD) for name in ("s3", "kms", "sqs", "sns", "iam"))
    own = json.loads(s3.get_bucket_policy(Bucket="landing")["Policy"])["Statement"]
    more = let("Peek", STRANGER, "s3:GetObject", "arn:aws:s3:::landing/*")
    s3.put_bucket_policy(Bucket="landing", Policy=document(*own, more))
    kms.create_grant(KeyId=stack["key"], GranteePrincipal=STRANGER, Operations=["Decrypt"])
    sns.subscribe(
        TopicArn=stack["topic"], Protocol="sqs", Endpoint=stack["queue_arn"].replace("failed", "mine")
    )
    open_queue = document(
        let("Open", STRANGER, ["sqs:SendMessage", "sqs:ReceiveMessage"], stack["queue_arn"])
    )
    sqs.set_queue_attributes(QueueUrl=stack["queue"], Attributes={"Policy": open_queue})
    more_rights = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    iam.put_role_policy(RoleName="source", PolicyName="more", PolicyDocument=more_rights)
    assert scan(cloud, stack, monkeypatch) == [
        ("landing", "statement", f"Peek: Allow s3:GetObject to AWS {STRANGER}"),
        (stack["key"], "grant", f"{STRANGER}: Decrypt"),
        ("failed", "statement", f"Open: Allow sqs:ReceiveMessage, sqs:SendMessage to AWS {STRANGER}"),
        ("alarms", "subscription", f"sqs {stack['queue_arn'].replace('failed', 'mine')}"),
        ("source", "statement", "policy more"),
    ]


def test_what_cannot_be_read_is_reported_and_the_rest_is_read(
    cloud: Cloud, stack: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resource that somebody deleted, and an account that can't be entered, are no reason to see nothing."""
    removed = of("aws:s3/bucket:Bucket", "gone", {"bucket": "gone"}, arn="arn:aws:s3:::gone")
    elsewhere = of(
        "aws:iam/role:Role", "closed", {"name": "closed"}, arn=f"arn:aws:iam::{WORKLOAD}:role/closed"
    )
    everything = {**stack, "resources": [removed, elsewhere, *stack["resources"]]}
    listed = scan(cloud, everything, monkeypatch)
    assert listed[:2] == [
        ("gone", "unread", "GetBucketPolicy: NoSuchBucket"),
        ("closed", "unread", "ListRolePolicies: NoSuchEntity"),
    ]
    assert listed[2:] == scan(cloud, stack, monkeypatch)


def test_a_data_access_policy_that_is_not_the_stacks_names_its_principals() -> None:
    collection = of(
        "aws:opensearch/serverlessCollection:ServerlessCollection", "c", {"name": "c"}, arn="arn:c"
    )
    own = of("aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy", "ingest", {"name": "ingest"})
    access = [{"name": name, "principals": [STRANGER]} for name in ("ingest", "by-hand")]
    [stranger] = strangers([collection, own], {collection["urn"]: {"access": access}})
    assert (stranger.kind, stranger.what) == ("principal", f"{STRANGER}, by the data access policy by-hand")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"Action": "a"}, {"Action": ["a"]}, True),
        ({"Action": ["a", "b"]}, {"Action": ["b", "a"]}, True),
        ({"Condition": {"Bool": {"k": False}}}, {"Condition": {"Bool": {"k": "false"}}}, True),
        ({"Action": ["a", "b"]}, {"Action": ["a"]}, False),
        ({"Principal": {"AWS": "1"}}, {"Principal": {"AWS": "2"}}, False),
    ],
)
def test_a_statement_is_the_same_however_it_is_written(
    first: dict[str, Any], second: dict[str, Any], same: bool
) -> None:
    bucket = of("aws:s3/bucket:Bucket", "b", {"bucket": "b"}, arn="arn:aws:s3:::b")
    policy = of("aws:s3/bucketPolicy:BucketPolicy", "b", {"bucket": "b", "policy": document(first)})
    seen = {bucket["urn"]: {"policy": document(second)}}
    assert (strangers([bucket, policy], seen) == []) is same
