"""What somebody needs who queries a pipeline's tables in Athena, as a policy to attach to a role or a user."""

from collections.abc import Sequence

import pulumi

from components.accounts import AccountArgs
from components.blocks.key import through_s3
from components.iam import Statement, document
from components.shared.landing_folders import RESULTS


def reader_policy(
    account: AccountArgs,
    *,
    workgroup: str,
    catalog: Sequence[str],
    bucket_arn: str,
    locations: Sequence[str],
    key_arn: pulumi.Input[str] | None,
    governed: bool,
) -> pulumi.Input[str]:
    """The policy's JSON: queries in the one workgroup, the catalog's one database, the tables' files and no other
    object, results where the workgroup keeps them, and the key through S3. `workgroup` is a name, `catalog` the ARNs
    of the database and its tables. `locations` are prefixes of the bucket `bucket_arn`, without a slash at the end,
    results among none of them; `key_arn` is the bucket's key, None under SSE-S3. Where the tables are `governed` by
    Lake Formation, it gives access to their files, and the policy does not. Sources:
    https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html,
    https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html,
    https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html,
    https://docs.aws.amazon.com/athena/latest/ug/encryption.html and
    https://docs.aws.amazon.com/lake-formation/latest/dg/access-control-underlying-data.html."""
    results, prefixes = f"{RESULTS}*", [f"{location}/*" for location in locations]
    listed = [results] if governed else [*prefixes, results]
    granted = [
        Statement(
            "QueryInWorkgroup",
            [
                "athena:BatchGetNamedQuery", "athena:BatchGetQueryExecution", "athena:GetNamedQuery",
                "athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetQueryResultsStream",
                "athena:GetWorkGroup", "athena:ListNamedQueries", "athena:ListQueryExecutions",
                "athena:StartQueryExecution", "athena:StopQueryExecution",
            ],
            [account.arn("athena", f"workgroup/{workgroup}")],
        ),
        Statement(
            "ReadCatalog",
            [
                "glue:BatchGetPartition", "glue:GetDatabase", "glue:GetPartition", "glue:GetPartitions",
                "glue:GetTable", "glue:GetTables",
            ],
            list(catalog),
        ),
        # Athena reads it in every region, whatever a query names.
        Statement("FindDefaultDatabase", ["glue:GetDatabase"], [account.arn("glue", "database/default")]),
        Statement("FindBucket", ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], [bucket_arn]),
        Statement("ListTables", ["s3:ListBucket"], [bucket_arn], {"StringLike": {"s3:prefix": listed}}),
        Statement(
            "KeepResults",
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
            [f"{bucket_arn}/{results}"],
        ),
    ]  # fmt: skip
    if governed:
        granted.append(
            Statement(
                "AskLakeFormation",
                ["lakeformation:GetDataAccess"],
                ["*"],
                every_resource_because="the action takes no resource; Lake Formation's own grants decide",
            )
        )
    else:
        granted.append(
            Statement("ReadTables", ["s3:GetObject"], [f"{bucket_arn}/{prefix}" for prefix in prefixes])
        )
    if key_arn is not None:
        granted.append(
            Statement(
                "UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], [key_arn], through_s3(account, bucket_arn)
            )
        )
    return document(*granted)
