"""A table, its bucket and what an export of it wrote, for tests of the embedded cloud's DynamoDB."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import uuid
from typing import Any

from tests.contract.embedded_cloud import WORKLOAD, Cloud
from tests.waiting import eventually

EVERY_TYPE: dict[str, Any] = {
    "id": {"S": "é\u2028"},
    "n": {"N": "12345678901234567890123456789012345678"},
    "b": {"B": b"\x00\xff"},
    "t": {"BOOL": True},
    "z": {"NULL": True},
    "m": {"M": {"x": {"L": [{"N": "1.5"}, {"S": ""}]}}},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "bs": {"BS": [b"\x01"]},
}


def table(cloud: Cloud, name: str, items: int = 3, recovery: bool = True) -> str:
    """A new table with some items, and its ARN; `recovery`: with point-in-time recovery, which an export needs."""
    dynamodb = cloud.client("dynamodb", WORKLOAD)
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    if recovery:
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    for start in range(0, items, 25):
        dynamodb.batch_write_item(
            RequestItems={
                name: [
                    {"PutRequest": {"Item": {"id": {"S": f"{i:06}"}, "n": {"N": str(i)}}}}
                    for i in range(start, min(start + 25, items))
                ]
            }
        )
    return f"arn:aws:dynamodb:us-east-1:{WORKLOAD}:table/{name}"


def bucket(cloud: Cloud, account: str, policy: list[dict[str, Any]] | None = None) -> str:
    """A new bucket, and its name; `policy` are statements on its objects."""
    name = f"landing-{uuid.uuid4().hex[:12]}"
    s3 = cloud.client("s3", account)
    s3.create_bucket(Bucket=name)
    if policy:
        s3.put_bucket_policy(
            Bucket=name,
            Policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {**statement, "Resource": f"arn:aws:s3:::{name}/*"} for statement in policy
                    ],
                }
            ),
        )
    return name


def finished(dynamodb: Any, arn: str) -> dict[str, Any]:
    """An export's description, once it is completed or has failed."""
    return eventually(
        lambda: (
            (d := dynamodb.describe_export(ExportArn=arn)["ExportDescription"])["ExportStatus"]
            != "IN_PROGRESS"
            and d
        )
    )


def read(cloud: Cloud, account: str, name: str, key: str) -> bytes:
    """An object's content."""
    return cloud.client("s3", account).get_object(Bucket=name, Key=key)["Body"].read()


def keys(cloud: Cloud, account: str, name: str) -> list[str]:
    """The keys of a bucket."""
    return [o["Key"] for o in cloud.client("s3", account).list_objects_v2(Bucket=name).get("Contents", [])]


def rows(cloud: Cloud, name: str, description: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of all files of an export, whose checksums and counts are as the manifests say."""
    summary = json.loads(read(cloud, WORKLOAD, name, description["ExportManifest"]))
    exported: list[dict[str, Any]] = []
    for line in read(cloud, WORKLOAD, name, summary["manifestFilesS3Key"]).splitlines():
        file = json.loads(line)
        body = read(cloud, WORKLOAD, name, file["dataFileS3Key"])
        assert base64.b64encode(hashlib.md5(body).digest()).decode() == file["md5Checksum"]
        head = cloud.client("s3", WORKLOAD).head_object(Bucket=name, Key=file["dataFileS3Key"])
        assert head["ETag"].strip('"') == file["etag"] and file["etag"].endswith("-1")
        content = [json.loads(row) for row in gzip.decompress(body).splitlines()]
        assert len(content) == file["itemCount"]
        exported += content
    assert len(exported) == summary["itemCount"] == description["ItemCount"]
    return exported
