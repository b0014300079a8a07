"""Export: DynamoDB tables, on a schedule, into a landing in S3."""

import re
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

import pulumi
from pydantic import AfterValidator, Field, model_validator

from components.arguments import arguments, nearest
from components.blocks.bucket import LifecycleArgs, SecureBucket
from components.blocks.function import LambdaFunction
from components.blocks.key import KmsKey, KmsKeyArn
from components.blocks.schedule import FunctionSchedule
from components.blocks.table import NewTableArgs, TableName, table_arn
from components.iam import Statement
from components.landing import Landing
from components.pipelines.pipeline import Accounts, Deployed, PipelineArgs

PREFIX = "raw/"


def _schedule(value: str) -> str:
    at = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)", value)
    every = re.fullmatch(r"rate\(([1-9]\d*) (minute|hour|day)s?\)", value)
    if every:
        return value
    if not at:
        raise ValueError(
            f"'{value}' is not a schedule; write 'cron(minutes hours day-of-month month day-of-week year)', such as "
            "'cron(0 16 * * ? *)', or 'rate(6 hours)'"
        )
    if (at[3] == "?") == (at[5] == "?"):
        raise ValueError(
            f"'{value}' names both the day of the month and the day of the week, or neither; write '?' for just one "
            "of them, such as 'cron(0 16 * * ? *)'"
        )
    return value


_timezones = cache(available_timezones)  # it reads hundreds of files


def _timezone(value: str) -> str:
    if value not in _timezones():
        raise ValueError(f"'{value}' is not a time zone; {nearest(value, _timezones())[:80]}")
    return value


@arguments
class ExportSourceArgs:
    """One source of an export."""

    dynamodb: TableName
    """The table's name. An existing table is adopted and never changed; `create` makes a new one."""
    create: NewTableArgs | None = None
    """Makes the table rather than adopting it."""


@arguments
class ExportArgs(PipelineArgs):
    """The arguments of an ExportPipeline."""

    sources: Annotated[list[ExportSourceArgs], Field(min_length=1)]
    """The tables to export: a list of `{dynamodb: <table>}`."""
    schedule: Annotated[str, AfterValidator(_schedule)] = "cron(0 3 * * ? *)"
    """When to export: `cron(minutes hours day-of-month month day-of-week year)` or `rate(n hours)`."""
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    """The time zone of the schedule, like 'Asia/Tokyo'; daylight saving time is followed."""
    key_arn: KmsKeyArn | None = None
    """An existing KMS key to encrypt the landing with; without it, and without `create_key`, SSE-S3."""
    create_key: bool = False
    """Makes a KMS key for the landing. Needed where another account reads it and SSE-S3 will not do."""
    lifecycle: LifecycleArgs = LifecycleArgs()
    """How long the landing keeps what."""

    @model_validator(mode="after")
    def _fits_together(self) -> "ExportArgs":
        tables = [source.dynamodb for source in self.sources]
        twice = sorted({table for table in tables if tables.count(table) > 1})
        if twice:
            raise ValueError(
                f"sources: '{twice[0]}' is named twice; a landing has one folder a table; name it once"
            )
        if self.key_arn and self.create_key:
            raise ValueError("key_arn and create_key: a key is adopted or created, never both; leave one out")
        return self

    def created_tables(self) -> list[tuple[str, str]]:
        """The tables that the program creates, each with its place in the config."""
        return [
            (f"sources[{index}].create", source.dynamodb)
            for index, source in enumerate(self.sources)
            if source.create
        ]

    def landing(self, name: str) -> Landing:
        """The landing as far as it is known before anything is deployed; its key is not yet."""
        bucket, _ = SecureBucket.planned(f"{name}-landing", self.account)
        return Landing(
            name=name,
            account=self.account,
            bucket=bucket,
            prefix=PREFIX,
            key_arn=KmsKey.planned(f"{name}-landing", self.account) if self.create_key else self.key_arn,
            tables=[source.dynamodb for source in self.sources],
            layout="dynamodb-export",
        )


class ExportPipeline(pulumi.ComponentResource):
    """DynamoDB tables -> `ExportTableToPointInTime` on a schedule -> a landing in S3.

    An export reads the table's point-in-time backup, so it takes none of the table's read capacity
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.HowItWorks.html). A schedule calls a
    function that starts an export of each table as of the planned time; a call that comes twice starts nothing new.
    Each table must have point-in-time recovery: an adopted one without it is refused at preview.

    Costs at rest: the stored objects, the alarms (0.10 dollars each a month), and the key where there is one
    (1 dollar a month). An export costs 0.10 dollars a GB of table.
    """

    bucket: pulumi.Output[str]
    function: pulumi.Output[str]

    def __init__(self, name: str, args: ExportArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("tributary:pipelines:ExportPipeline", name, None, opts)
        mine = pulumi.ResourceOptions(parent=self)
        account = args.account

        tables = [
            table_arn(name, source.dynamodb, source.create, account, self, retain=args.retain_data)
            for source in args.sources
        ]

        key_arn: pulumi.Input[str] | None = args.key_arn
        if args.create_key:
            key = KmsKey(
                f"{name}-landing", account, f"Encrypts the landing {name}", retain=args.retain_data, opts=mine
            )
            key_arn = key.arn
        bucket = SecureBucket(
            f"{name}-landing",
            account,
            lifecycle=args.lifecycle,
            key_arn=key_arn,
            retain=args.retain_data,
            opts=mine,
        )
        _, bucket_arn = SecureBucket.planned(f"{name}-landing", account)

        function = LambdaFunction(
            f"{name}-export",
            account,
            args.functions,
            handler="export_start",
            description=f"Starts an export of each table of {name}",
            statements=_export_statements(tables, bucket_arn, key_arn),
            environment={
                "TABLES": pulumi.Output.json_dumps(tables),
                "BUCKET": bucket.name,
                "BUCKET_OWNER": account.id,
                "PREFIX": PREFIX,
            }
            | ({"KMS_KEY_ARN": key_arn} if key_arn is not None else {}),
            topic=args.alarm_topic_arn,
            asynchronous=True,
            timeout_seconds=300,
            opts=mine,
        )
        assert function.failed is not None  # asynchronous
        FunctionSchedule(
            f"{name}-schedule",
            account,
            expression=args.schedule,
            timezone=args.timezone,
            function_arn=function.arn,
            event={"scheduled_time": "<aws.scheduler.scheduled-time>"},
            dead_letter_arn=function.failed.arn,
            meaning=f"Exports the tables of {name}",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[function]),
        )

        planned = args.landing(name)
        self.landing = Landing(
            name=name,
            account=account,
            bucket=bucket.name,
            prefix=planned.prefix,
            key_arn=key_arn,
            tables=planned.tables,
            layout=planned.layout,
        )
        self.bucket, self.function = bucket.name, function.name
        self.register_outputs({"bucket": self.bucket, "function": self.function})


def deploy(name: str, args: ExportArgs, accounts: Accounts) -> Deployed:
    """The pipeline of a stack."""
    pipeline = ExportPipeline(name, args, pulumi.ResourceOptions(provider=accounts[args.account].provider))
    return Deployed({"bucket": pipeline.bucket, "function": pipeline.function}, pipeline.landing)


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
            [f"{bucket_arn}/{PREFIX}*"],
        ),
    ]
    if key_arn is not None:
        statements.append(Statement("EncryptLanding", ["kms:GenerateDataKey", "kms:Decrypt"], [key_arn]))
    return statements
