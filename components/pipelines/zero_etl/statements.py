"""What an ingestion pipeline's role may do."""

from collections.abc import Mapping

import pulumi

from components.blocks.collection import SharedCollection
from components.iam import Statement
from components.pipelines.zero_etl.args import ZeroEtlTableArgs
from components.pipelines.zero_etl.body import DEAD_LETTERS, EXPORTS


def ingestion_statements(
    group: list[ZeroEtlTableArgs],
    tables: Mapping[str, pulumi.Input[str]],
    bucket_arn: str,
    shared: SharedCollection,
) -> list[Statement]:
    """Lets an ingestion pipeline read its tables' exports and streams and write the collection
    (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/configure-client-ddb.html), less what a
    collection that is reached by its own network policy does not need (aoss:*SecurityPolicy)."""
    streamed = [tables[table.name] for table in group]
    exported = [tables[table.name] for table in group if table.export]
    granted = [
        Statement("ReadTable", ["dynamodb:DescribeTable"], streamed),
        Statement(
            "ReadStream",
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            [pulumi.Output.concat(arn, "/stream/*") for arn in streamed],
        ),
        Statement(
            "KeepDeadLetters",
            ["s3:PutObject"],
            [f"{bucket_arn}/{DEAD_LETTERS}{table.name}/*" for table in group],
        ),
        Statement("ReachCollection", ["aoss:APIAccessAll"], [shared.arn]),
        Statement(
            "FindCollection",
            ["aoss:BatchGetCollection"],
            ["*"],
            {"StringEquals": {"aoss:collection": shared.name}},
            every_resource_because="the action takes no resource; the condition names the collection",
        ),
    ]
    if not shared.public:
        # https://docs.aws.amazon.com/opensearch-service/latest/developerguide/pipeline-collection-access.html: the
        # service reaches a collection by an endpoint of its own, and adds it to the policy that the body names.
        granted.append(
            Statement(
                "LetItselfIn",
                ["aoss:GetSecurityPolicy", "aoss:UpdateSecurityPolicy"],
                ["*"],
                {"StringEquals": {"aoss:collection": shared.name}},
                every_resource_because="neither takes a resource; the condition names the collection",
            )
        )
    if exported:
        granted += [
            Statement(
                "StartExport",
                ["dynamodb:DescribeContinuousBackups", "dynamodb:ExportTableToPointInTime"],
                exported,
            ),
            Statement(
                "FollowExport",
                ["dynamodb:DescribeExport"],
                [pulumi.Output.concat(arn, "/export/*") for arn in exported],
            ),
            Statement(
                "WriteAndReadExport",
                ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject", "s3:PutObjectAcl"],
                [f"{bucket_arn}/{EXPORTS}{table.name}/*" for table in group if table.export],
            ),
        ]
    return granted
