"""The embedded DynamoDB's exports, as S3DataExport.Output describes them, and each grant they need."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.embedded_cloud import ANALYTICS, WORKLOAD, Cloud
from tests.contract.exported_tables import EVERY_TYPE, bucket, finished, keys, read, rows, table
from tests.contract.replication_pair import queue_for
from tests.waiting import eventually


def test_a_full_export_carries_every_item_and_every_type_unchanged(cloud: Cloud):
    arn, name, dynamodb = table(cloud, "typed"), bucket(cloud, WORKLOAD), cloud.client("dynamodb", WORKLOAD)
    dynamodb.put_item(TableName="typed", Item=EVERY_TYPE)
    started = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=name, S3Prefix="raw/typed")[
        "ExportDescription"
    ]
    description = finished(dynamodb, started["ExportArn"])
    assert description["ExportStatus"] == "COMPLETED", description
    items = {row["Item"]["id"]["S"]: row["Item"] for row in rows(cloud, name, description)}
    assert set(items) == {"000000", "000001", "000002", EVERY_TYPE["id"]["S"]}
    wire = {**EVERY_TYPE, "b": {"B": "AP8="}, "bs": {"BS": ["AQ=="]}}
    assert items[EVERY_TYPE["id"]["S"]] == wire
    base = f"raw/typed/AWSDynamoDB/{started['ExportArn'].rsplit('/', 1)[1]}/"
    meta = {k.removeprefix(base) for k in keys(cloud, WORKLOAD, name) if "/data/" not in k}
    assert meta == {
        "_started",
        "manifest-files.json",
        "manifest-files.md5",
        "manifest-summary.json",
        "manifest-summary.md5",
    }
    body = read(cloud, WORKLOAD, name, base + "manifest-files.json")
    assert read(cloud, WORKLOAD, name, base + "manifest-files.md5") == base64.b64encode(
        hashlib.md5(body).digest()
    )


def test_a_big_table_is_spread_over_several_files(cloud: Cloud):
    arn, name, dynamodb = (
        table(cloud, "big", 12_000),
        bucket(cloud, WORKLOAD),
        cloud.client("dynamodb", WORKLOAD),
    )
    export = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=name)["ExportDescription"][
        "ExportArn"
    ]
    read = rows(cloud, name, finished(dynamodb, export))
    assert len({row["Item"]["id"]["S"] for row in read}) == 12_000
    assert sum("/data/" in key for key in keys(cloud, WORKLOAD, name)) == 3


def test_an_empty_table_has_one_empty_file(cloud: Cloud):
    arn, name, dynamodb = (
        table(cloud, "empty", 0),
        bucket(cloud, WORKLOAD),
        cloud.client("dynamodb", WORKLOAD),
    )
    export = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=name)["ExportDescription"][
        "ExportArn"
    ]
    assert rows(cloud, name, finished(dynamodb, export)) == []
    assert sum("/data/" in key for key in keys(cloud, WORKLOAD, name)) == 1


def test_objects_arrive_as_completed_multipart_uploads_with_the_start_first_and_the_summary_last(
    cloud: Cloud,
):
    arn, name = table(cloud, "announced"), bucket(cloud, WORKLOAD)
    dynamodb, events = (
        cloud.client("dynamodb", WORKLOAD),
        queue_for(cloud, WORKLOAD, name, "s3:ObjectCreated:*"),
    )
    export = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=name)["ExportDescription"][
        "ExportArn"
    ]
    finished(dynamodb, export)
    assert eventually(lambda: len(events()) == 6), events()
    records = events()
    assert {record["eventName"] for record in records} == {"ObjectCreated:CompleteMultipartUpload"}
    order = [r["s3"]["object"]["key"] for r in sorted(records, key=lambda r: r["s3"]["object"]["sequencer"])]
    assert order[0].endswith("_started") and order[-1].endswith("manifest-summary.json")


def test_an_export_of_a_past_moment_does_not_see_later_writes(cloud: Cloud):
    arn, name, dynamodb = table(cloud, "past", 2), bucket(cloud, WORKLOAD), cloud.client("dynamodb", WORKLOAD)
    time.sleep(1.1)
    moment = datetime.fromtimestamp(int(time.time()), UTC)
    time.sleep(1.1)
    dynamodb.put_item(TableName="past", Item={"id": {"S": "later"}})
    dynamodb.delete_item(TableName="past", Key={"id": {"S": "000000"}})
    export = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=name, ExportTime=moment)[
        "ExportDescription"
    ]["ExportArn"]
    assert {r["Item"]["id"]["S"] for r in rows(cloud, name, finished(dynamodb, export))} == {
        "000000",
        "000001",
    }


def test_a_table_without_recovery_is_refused(cloud: Cloud):
    arn, dynamodb = table(cloud, "unprotected", 0, recovery=False), cloud.client("dynamodb", WORKLOAD)
    with pytest.raises(dynamodb.exceptions.PointInTimeRecoveryUnavailableException):
        dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket="any")


def test_a_moment_outside_the_recovery_window_is_refused(cloud: Cloud):
    arn, dynamodb = table(cloud, "window", 0), cloud.client("dynamodb", WORKLOAD)
    with pytest.raises(dynamodb.exceptions.InvalidExportTimeException):
        dynamodb.export_table_to_point_in_time(
            TableArn=arn, S3Bucket="any", ExportTime=datetime(2020, 1, 1, tzinfo=UTC)
        )


def test_a_client_token_starts_one_export_and_refuses_other_parameters(cloud: Cloud):
    arn, name, dynamodb = table(cloud, "once"), bucket(cloud, WORKLOAD), cloud.client("dynamodb", WORKLOAD)
    request = {"TableArn": arn, "S3Bucket": name, "ClientToken": "t"}
    first, second = (
        dynamodb.export_table_to_point_in_time(**request)["ExportDescription"]["ExportArn"] for _ in range(2)
    )
    assert first == second
    with pytest.raises(dynamodb.exceptions.ExportConflictException):
        dynamodb.export_table_to_point_in_time(**request, S3Prefix="elsewhere")
    assert len(dynamodb.list_exports(TableArn=arn)["ExportSummaries"]) == 1


def test_a_missing_bucket_fails_the_export_and_is_named(cloud: Cloud):
    arn, dynamodb = table(cloud, "nowhere"), cloud.client("dynamodb", WORKLOAD)
    export = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket="no-such-bucket")[
        "ExportDescription"
    ]["ExportArn"]
    description = finished(dynamodb, export)
    assert (description["ExportStatus"], description["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    assert "no-such-bucket" in description["FailureMessage"]


WRITE = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:PutObjectAcl")


def export_as(
    cloud: Cloud, name: str, grants: list[str], owner: str = WORKLOAD, **request: Any
) -> dict[str, Any]:
    """Export one table under a role that holds just these grants; wait for the end."""
    role = f"export-{uuid.uuid4().hex[:8]}"
    cloud.role(
        WORKLOAD,
        role,
        "lambda.amazonaws.com",
        {"Effect": "Allow", "Action": ["dynamodb:ExportTableToPointInTime", *grants], "Resource": "*"},
    )
    arn = f"arn:aws:dynamodb:us-east-1:{WORKLOAD}:table/granted"
    if "granted" not in cloud.client("dynamodb", WORKLOAD).list_tables()["TableNames"]:
        table(cloud, "granted")
    if owner != WORKLOAD:
        request["S3BucketOwner"] = owner
    export = cloud.client("dynamodb", WORKLOAD, role).export_table_to_point_in_time(
        TableArn=arn, S3Bucket=name, **request
    )
    return finished(cloud.client("dynamodb", WORKLOAD), export["ExportDescription"]["ExportArn"])


@pytest.mark.parametrize("missing", WRITE[:2])
def test_without_a_grant_on_the_bucket_nothing_is_written_and_the_failure_names_it(
    cloud: Cloud, missing: str
):
    name = bucket(cloud, WORKLOAD)
    description = export_as(cloud, name, [grant for grant in WRITE if grant != missing])
    assert description["ExportStatus"] == "FAILED" and missing in description["FailureMessage"]
    assert keys(cloud, WORKLOAD, name) == []
    assert export_as(cloud, name, list(WRITE))["ExportStatus"] == "COMPLETED"


def test_without_the_grant_on_the_table_no_export_starts(cloud: Cloud):
    arn = table(cloud, "closed", 0)
    cloud.role(
        WORKLOAD,
        "no-table",
        "lambda.amazonaws.com",
        {
            "Effect": "Allow",
            "Action": "dynamodb:ExportTableToPointInTime",
            "Resource": arn.replace("closed", "other"),
        },
    )
    with pytest.raises(ClientError, match="dynamodb:ExportTableToPointInTime"):
        cloud.client("dynamodb", WORKLOAD, "no-table").export_table_to_point_in_time(
            TableArn=arn, S3Bucket="any"
        )


@pytest.mark.parametrize("missing", WRITE)
def test_another_accounts_bucket_must_grant_each_action_itself(cloud: Cloud, missing: str):
    allow = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:root"}}
    closed = bucket(cloud, ANALYTICS, [{**allow, "Action": [grant for grant in WRITE if grant != missing]}])
    description = export_as(cloud, closed, list(WRITE), ANALYTICS)
    assert description["ExportStatus"] == "FAILED" and missing in description["FailureMessage"]
    assert keys(cloud, ANALYTICS, closed) == []
    opened = bucket(cloud, ANALYTICS, [{**allow, "Action": list(WRITE)}])
    assert export_as(cloud, opened, list(WRITE), ANALYTICS)["ExportStatus"] == "COMPLETED"


def test_another_accounts_bucket_needs_its_owner_named(cloud: Cloud):
    name = bucket(
        cloud,
        ANALYTICS,
        [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:root"}, "Action": "s3:*"}],
    )
    description = export_as(cloud, name, list(WRITE))
    assert description["ExportStatus"] == "FAILED" and "S3BucketOwner" in description["FailureMessage"]


@pytest.mark.parametrize("missing", ["kms:GenerateDataKey", "kms:Decrypt"])
def test_without_the_use_of_the_buckets_key_nothing_is_written(cloud: Cloud, missing: str):
    name, kms = bucket(cloud, WORKLOAD), cloud.client("kms", WORKLOAD)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    cloud.client("s3", WORKLOAD).put_bucket_encryption(
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
    use = ["kms:GenerateDataKey", "kms:Decrypt"]
    description = export_as(cloud, name, [*WRITE, *(grant for grant in use if grant != missing)])
    assert description["ExportStatus"] == "FAILED" and missing in description["FailureMessage"]
    assert keys(cloud, WORKLOAD, name) == []
    assert export_as(cloud, name, [*WRITE, *use])["ExportStatus"] == "COMPLETED"


CONTEXT = "kms:EncryptionContext:aws:dynamodb:"
FITS = {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com", f"{CONTEXT}subscriberId": WORKLOAD}


@pytest.mark.parametrize(
    "condition",
    [
        FITS,
        FITS | {f"{CONTEXT}tableName": "neighbour"},
        FITS | {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
        None,
    ],
    ids=["granted", "another table", "by another service", "not granted"],
)
def test_a_table_under_a_customers_key_is_exported_and_followed_only_by_whom_its_key_lets(
    cloud: Cloud, condition: dict[str, str] | None
):
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html and
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html"""
    dynamodb, name, role = (
        cloud.client("dynamodb", WORKLOAD),
        f"kept-{uuid.uuid4().hex[:8]}",
        uuid.uuid4().hex,
    )
    key = cloud.client("kms", WORKLOAD).create_key()["KeyMetadata"]["Arn"]
    made = dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    allowed = {
        "Effect": "Allow",
        "Action": ["dynamodb:*", "s3:PutObject", "s3:AbortMultipartUpload"],
        "Resource": "*",
    }
    own = {f"{CONTEXT}tableName": name} | (condition or {})
    decrypt = {
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": key,
        "Condition": {"StringEquals": own},
    }
    cloud.role(WORKLOAD, role, "lambda.amazonaws.com", allowed, *([decrypt] if condition else []))
    reader, streams = (cloud.client(s, WORKLOAD, role) for s in ("dynamodb", "dynamodbstreams"))
    shard = streams.describe_stream(StreamArn=made["LatestStreamArn"])["StreamDescription"]["Shards"][0]

    def export() -> Any:
        return reader.export_table_to_point_in_time(
            TableArn=made["TableArn"], S3Bucket=bucket(cloud, WORKLOAD), S3Prefix="raw"
        )["ExportDescription"]["ExportStatus"]

    def follow() -> Any:
        return streams.get_shard_iterator(
            StreamArn=made["LatestStreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    for call in (export, follow):
        if condition is FITS:
            assert call()
        else:
            with pytest.raises(ClientError, match=r"AccessDenied.*kms:Decrypt"):
                call()
