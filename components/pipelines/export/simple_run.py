"""`run: simple`: a function that starts an export of each table, and no more."""

from collections.abc import Mapping

import pulumi

from components.blocks.bucket import SecureBucket
from components.blocks.function import Execution, LambdaFunction, Task
from components.blocks.schedule import Schedule, Target
from components.blocks.table import SourceTable, decrypt_tables
from components.iam import Statement
from components.pipelines.export.args import ExportArgs
from components.shared import scheduled_time, variables
from components.shared.landing_folders import RAW


def simple_run(
    name: str,
    args: ExportArgs,
    tables: Mapping[str, SourceTable],
    bucket: SecureBucket,
    bucket_arn: str,
    key_arn: pulumi.Input[str] | None,
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """A function that starts an export of each table, and its schedule. Returns the function's name.

    `tables`: by name, adopted or created. `bucket`: the landing, `bucket_arn` its ARN as known at preview. `key_arn`:
    the KMS key of the landing, None for SSE-S3."""
    opts, account = pulumi.ResourceOptions(parent=parent), args.account
    function = LambdaFunction(
        f"{name}-export",
        account,
        args.functions,
        task=Task(
            handler="export_start",
            description=f"Starts an export of each table of {name}",
            statements=[
                *_export_statements([table.arn for table in tables.values()], bucket_arn, key_arn),
                decrypt_tables(account, tables),
            ],
            environment={
                variables.TABLES: pulumi.Output.json_dumps([table.arn for table in tables.values()]),
                variables.BUCKET: bucket.name,
                variables.BUCKET_OWNER: account.id,
                variables.PREFIX: RAW,
            }
            | ({variables.KMS_KEY_ARN: key_arn} if key_arn is not None else {}),
        ),
        topic=args.alarm_topic_arn,
        execution=Execution(
            retries=2,
            timeout_seconds=300,
            reserved_concurrency=args.reserved_concurrency,
        ),
        opts=opts,
    )
    assert function.failed is not None  # asynchronous
    Schedule(
        f"{name}-schedule",
        account,
        expression=args.schedule,
        timezone=args.timezone,
        target=Target(
            arn=function.arn,
            event=scheduled_time.EVENT,
            dead_letter_arn=function.failed.arn,
        ),
        meaning=f"Exports the tables of {name}",
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[function]),
    )
    return function.name


def _export_statements(
    tables: list[pulumi.Input[str]], bucket_arn: str, key_arn: pulumi.Input[str] | None
) -> list[Statement]:
    """What the function that starts exports needs: the service writes to the bucket with the caller's rights
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html)."""
    statements = [
        Statement("StartExport", ["dynamodb:ExportTableToPointInTime"], tables),
        Statement(
            "WriteLanding",
            ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"],
            [f"{bucket_arn}/{RAW}*"],
        ),
    ]
    if key_arn is not None:
        statements.append(Statement("EncryptLanding", ["kms:GenerateDataKey", "kms:Decrypt"], [key_arn]))
    return statements
