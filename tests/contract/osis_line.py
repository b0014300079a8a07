"""A table, its pipeline, its bucket and its log, for tests of the embedded OpenSearch Ingestion."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import yaml

from tests.contract.opensearch_cloud import ACCOUNT, REGION, Cloud

BUCKET = f"osis-exports-{ACCOUNT}"


EXACT = "12345678901234567890123456789012345678"


ITEM: dict[str, Any] = {
    "pk": {"S": "all"},
    "sk": {"N": "7"},
    "s": {"S": "tea 🍵"},
    "empty": {"S": ""},
    "n": {"N": "-1.5"},
    "exact": {"N": EXACT},
    "b": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "nil": {"NULL": True},
    "ss": {"SS": ["x", "y"]},
    "ns": {"NS": ["1", "2.5"]},
    "bs": {"BS": [b"a", b"b"]},
    "m": {"M": {"deep": {"L": [{"M": {"n": {"N": "1"}}}]}, "void": {"L": [{"S": ""}]}}},
    "l": {"L": []},
}


DOCUMENT = {
    "pk": "all",
    "sk": 7,
    "s": "tea 🍵",
    "empty": "",
    "n": -1.5,
    "b": "AP8=",
    "yes": True,
    "nil": None,
    "ss": ["x", "y"],
    "ns": [1, 2.5],
    "bs": ["YQ==", "Yg=="],
    "m": {"deep": [{"n": 1}], "void": [""]},
    "l": [],
}


TEMPLATE = {
    "template": {
        "mappings": {
            "properties": {
                "exact": {"type": "keyword"},
                "n": {"type": "double"},
                "ns": {"type": "double"},
                "l": {"type": "object"},
            }
        }
    }
}


ROLE = "arn:aws:iam::1:role/r"


def body(table_arn: str, host: str, name: str = "items") -> dict[str, Any]:
    """A pipeline's body, as tributary writes it."""
    return {
        "version": "2",
        name: {
            "source": {
                "dynamodb": {
                    "acknowledgments": True,
                    "aws": {"region": REGION},
                    "tables": [
                        {
                            "table_arn": table_arn,
                            "stream": {"start_position": "LATEST", "view_on_remove": "OLD_IMAGE"},
                            "export": {"s3_bucket": BUCKET, "s3_region": REGION, "s3_prefix": f"{name}/"},
                        }
                    ],
                }
            },
            "sink": [
                {
                    "opensearch": {
                        "hosts": [host],
                        "index": name,
                        "index_type": "custom",
                        "template_type": "index-template",
                        "template_content": json.dumps(TEMPLATE),
                        "document_id": '${getMetadata("primary_key")}',
                        "action": '${getMetadata("opensearch_action")}',
                        "document_version": '${getMetadata("document_version")}',
                        "document_version_type": "external",
                        "aws": {"region": REGION, "serverless": True},
                        "dlq": {
                            "s3": {
                                "bucket": BUCKET,
                                "key_path_prefix": f"dlq/{name}",
                                "region": REGION,
                            }
                        },
                    }
                }
            ],
        },
    }


class Line:
    """One table, its pipeline and its index."""

    def __init__(self, cloud: Cloud, name: str, ttl: bool = False):  # not the fixture
        self.cloud, self.name, self.role_name = cloud, name, f"osis-{name}"
        self.dynamodb, self.osis, self.s3 = cloud.client("dynamodb"), cloud.client("osis"), cloud.client("s3")
        self.table = self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "N"},
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]["TableArn"]
        self.dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        self.role = cloud.role(self.role_name, self.statements())
        self.log_group = f"/aws/vendedlogs/{name}"
        cloud.client("logs").create_log_group(logGroupName=self.log_group)

    def statements(self) -> list[dict[str, Any]]:
        """All that the pipeline's role needs."""
        return [
            {
                "Action": [
                    "dynamodb:DescribeTable",
                    "dynamodb:DescribeContinuousBackups",
                    "dynamodb:ExportTableToPointInTime",
                ],
                "Resource": self.table,
            },
            {"Action": "dynamodb:DescribeExport", "Resource": f"{self.table}/export/*"},
            {
                "Action": ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
                "Resource": f"{self.table}/stream/*",
            },
            {
                "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
                "Resource": f"arn:aws:s3:::{BUCKET}/*",
            },
            {"Action": ["aoss:BatchGetCollection", "aoss:APIAccessAll"], "Resource": "*"},
        ]

    def grant(
        self,
        collection: str,
        permissions: Iterable[str] = ("CreateIndex", "DescribeIndex", "UpdateIndex", "WriteDocument"),
    ) -> None:
        """The data access policies that the role needs on the index and on the collection."""
        self.cloud.grant(f"{self.name}-index", self.role, list(permissions), collection, self.name)
        self.cloud.grant(
            f"{self.name}-template",
            self.role,
            ["CreateCollectionItems", "DescribeCollectionItems"],
            collection,
            kind="collection",
        )

    def start(self, document: dict[str, Any], role: str = "") -> None:
        """Makes the pipeline, which logs."""
        body: str = yaml.safe_dump(document)  # pyright: ignore[reportUnknownMemberType] - of untyped streams
        self.osis.create_pipeline(
            PipelineName=self.name,
            MinUnits=1,
            MaxUnits=2,
            PipelineConfigurationBody=body,
            PipelineRoleArn=role or self.role,
            LogPublishingOptions={
                "IsLoggingEnabled": True,
                "CloudWatchLogDestination": {"LogGroup": self.log_group},
            },
        )

    def put(self, sk: int, **attributes: Any) -> None:
        """Writes an item of the partition `a`."""
        self.dynamodb.put_item(
            TableName=self.name, Item={"pk": {"S": "a"}, "sk": {"N": str(sk)}, **attributes}
        )

    def logged(self) -> str:
        """What the pipeline has logged so far."""
        events = self.cloud.client("logs").filter_log_events(logGroupName=self.log_group)
        return "\n".join(event["message"] for event in events["events"])

    def exports(self) -> list[dict[str, Any]]:
        """The exports of the table."""
        return self.dynamodb.list_exports(TableArn=self.table)["ExportSummaries"]

    def dead(self) -> list[dict[str, Any]]:
        """What is in the dead-letter queue."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"dlq/{self.name}/").get("Contents", [])
        return [
            dead
            for entry in listed
            for dead in json.loads(self.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read())[
                "dlqObjects"
            ]
        ]
