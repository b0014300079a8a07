"""Whatever a stack's config takes as it is has a stand-in in the embedded cloud, or its pipeline is left out with a
reason: each argument that names such a thing is listed, and each that is made is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from components.stack.settings import Settings, read
from docs import limits
from local import stand_ins, taken
from tests.contract.embedded_cloud import ANALYTICS, WORKLOAD, Cloud
from tests.waiting import eventually

REGION = "us-east-1"
KEY = f"arn:aws:kms:{REGION}:{WORKLOAD}:key/"
ROLE = f"arn:aws:iam::{WORKLOAD}:role/analyst"
STACK: dict[str, Any] = {
    "accounts": {"work": {"id": WORKLOAD, "region": REGION}, "hub": {"id": ANALYTICS, "region": REGION}},
    "gcp": {"project": "acme-analytics", "location": "US"},
    "pipelines": {
        "lake": {
            "kind": "export", "account": "work", "key_arn": f"{KEY}lake",
            "sources": [{"dynamodb": "people"}, {"rds_cluster": "crm-db"}, {"rds_instance": "till"}],
        },
        "old": {
            "kind": "replication", "account": "hub", "take_over": True,
            "key_arn": f"arn:aws:kms:{REGION}:{ANALYTICS}:key/replica",
            "landing": {
                "account": "work", "bucket": "acme-old-exports", "prefix": "raw/", "tables": ["visits"],
                "key_arn": f"{KEY}old",
            },
        },
        "old-warehouse": {
            "kind": "bigquery-transfer", "account": "work", "storage_transfer": {"event_driven": True},
            "landing": {
                "account": "work", "bucket": "acme-queued", "tables": ["orders"],
                "event_queue_arn": f"arn:aws:sqs:{REGION}:{WORKLOAD}:queued",
            },
            "tables": {"orders": {"keys": ["order_id"], "columns": {"order_id": "S"}}},
        },
        "find": {
            "kind": "zero-etl", "account": "work", "tables": [{"name": "parts"}],
            "collection": {"generation": "nextgen", "group": {"adopt": "shared-group"}, "key_arn": f"{KEY}find"},
        },
        "ticks": {
            "kind": "firehose", "account": "work", "index": "ticks",
            "stream": {"adopt": "ticks-in", "key_arn": f"{KEY}ticks"},
        },
        "closed": {
            "kind": "zero-etl", "account": "work", "tables": [{"name": "more"}],
            "collection": {"network": {"public": False, "vpc_endpoints": ["vpce-0a1b2c3d"]}},
            "vpc": {"subnet_ids": ["subnet-0a000001"], "security_group_ids": ["sg-0b000001"]},
        },
        "beside": {
            "kind": "zero-etl", "account": "work", "tables": [{"name": "less"}], "collection_of": "closed",
            "vpc": {"subnet_ids": ["subnet-0a000001"], "security_group_ids": ["sg-0b000001"]},
        },
        "files": {
            "kind": "replication", "account": "hub", "take_over": True,
            "landing": {"account": "work", "bucket": "acme-files", "layout": "objects"},
        },
    },
}  # fmt: skip
# What a pattern of an argument says of something that is there already.
THERE = re.compile(r"arn:aws|subnet-|sg-|vpce-|projects/")
BY_NAME = {
    "ExportSourceArgs.dynamodb", "ExportSourceArgs.rds_instance", "ExportSourceArgs.rds_cluster",
    "ZeroEtlTableArgs.name", "Landing.bucket", "Landing.layout", "NetworkArgs.public",
}  # fmt: skip
# Arguments that no stack's config has: a program that uses a component alone gives them.
OF_PROGRAMS = re.compile(r"Replica(Source|Destination)Args|Shared(Collection|Group)|\.alarm_topic_arn")


@pytest.fixture(scope="module")
def stack() -> Settings:
    return read(STACK)


def naming() -> Iterator[str]:
    """`<class>.<key>` of each argument that names something that is there already."""
    for cls in limits.classes():
        for key, hint in limits.keys(cls):
            name = f"{cls.__name__}.{key}"
            if OF_PROGRAMS.search(name):
                continue
            if (
                key == "adopt"
                or key.endswith("_arn")
                or name in BY_NAME
                or THERE.search(limits.our_check(cls, key, hint))
            ):
                yield name


def test_each_argument_that_names_what_is_there_has_a_stand_in_or_a_reason() -> None:
    assert {*naming()} == taken.STAND_INS.keys()


def test_what_the_embedded_cloud_can_not_have_leaves_its_pipelines_out_with_the_reason(
    stack: Settings,
) -> None:
    why = taken.left_out(stack)
    assert why.keys() == {"closed", "beside", "files"}
    assert "reached from a VPC only" in why["closed"] and "public: true" in why["closed"]
    assert why["beside"].startswith("it takes from closed, which is left out: ")
    assert "the bucket 'acme-files' are made by somebody else" in why["files"]


def test_each_that_is_made_is_there_before_the_stack(cloud: Cloud, stack: Settings) -> None:
    stand_ins.make_adopted(cloud.endpoint, stack)
    stand_ins.make_adopted(cloud.endpoint, stack)  # what is there already stays as it is

    def client(service: str) -> Any:
        return cloud.client(service, WORKLOAD)

    assert {*client("dynamodb").list_tables()["TableNames"]} >= {"people", "visits", "orders", "parts"}
    assert client("rds").describe_db_clusters(DBClusterIdentifier="crm-db")["DBClusters"]
    assert client("rds").describe_db_instances(DBInstanceIdentifier="till")["DBInstances"]
    assert client("kinesis").describe_stream_summary(StreamName="ticks-in")
    [group] = client("opensearchserverless").batch_get_collection_group(names=["shared-group"])[
        "collectionGroupDetails"
    ]
    assert group["generation"] == "NEXTGEN"
    for arn in taken.keys(stack):
        key = cloud.client("kms", arn.split(":")[4]).describe_key(KeyId=arn)["KeyMetadata"]
        assert (key["Arn"], key["KeyState"]) == (arn, "Enabled")
    assert len({*taken.keys(stack)}) == 5
    s3 = client("s3")
    assert s3.get_bucket_versioning(Bucket="acme-old-exports")["Status"] == "Enabled"
    [rule] = s3.get_bucket_encryption(Bucket="acme-old-exports")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == f"{KEY}old"
    [queued] = s3.get_bucket_notification_configuration(Bucket="acme-queued")["QueueConfigurations"]
    assert queued["QueueArn"].endswith(":queued")
    s3.put_object(Bucket="acme-queued", Key="orders/a", Body=b"a")
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName="queued")["QueueUrl"]

    def events() -> list[str]:  # S3's own test of the queue comes first
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [message["Body"] for message in messages if "orders/a" in message["Body"]]

    assert eventually(events)


def test_an_object_under_a_stand_in_of_a_key_is_encrypted_with_it(cloud: Cloud, stack: Settings) -> None:
    s3 = cloud.client("s3", WORKLOAD)
    assert s3.put_object(Bucket="acme-old-exports", Key="a", Body=b"a")["SSEKMSKeyId"] == f"{KEY}old"
    assert s3.get_object(Bucket="acme-old-exports", Key="a")["Body"].read() == b"a"
