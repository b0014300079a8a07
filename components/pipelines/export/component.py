"""The component: tables, the landing with its key and events, and the run that fills it."""

from typing import Any

import pulumi
import pulumi_aws as aws

from components import names
from components.arguments import replaced
from components.blocks.bucket import SecureBucket
from components.blocks.key import KmsKey
from components.blocks.object_events import ObjectEvents
from components.blocks.table import adopt_or_create_table
from components.lake.place import Place, expiring
from components.pipelines.export.args import ExportArgs
from components.pipelines.export.run import export_run
from components.pipelines.export.simple_run import simple_run
from components.pipelines.export.start import followed
from components.pipelines.pipeline import Accounts, Deployed


class ExportPipeline(pulumi.ComponentResource):
    """DynamoDB tables and RDS snapshots -> exports on a schedule -> a landing in S3 -> Parquet -> Glue -> Athena.

    A DynamoDB export reads the table's point-in-time backup, so it takes none of the table's read capacity
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.HowItWorks.html); an RDS export
    reads a snapshot. A schedule starts a run (run.py), or with `run: simple` a function that starts an export
    of each table as of the planned time; a call that comes twice starts nothing new. Each table must have point-in-time
    recovery: an adopted one without it is refused at preview.

    Costs at rest: the stored objects, the alarms (0.10 dollars each a month), and the key where there is one
    (1 dollar a month). A DynamoDB export costs 0.10 dollars a GB of table, an RDS one 0.010 dollars a GB of snapshot.
    """

    bucket: pulumi.Output[str]
    """The landing's bucket."""
    key_arn: pulumi.Output[str] | None
    """The customer's KMS key that the landing is encrypted with, where there is one."""
    event_queue_arn: pulumi.Output[str] | None
    """The SQS queue with an event for each data file, with `event_queue`."""
    function: pulumi.Output[str] | None
    """The function that starts the exports, with `run: simple`."""
    state_machine: pulumi.Output[str] | None
    """The ARN of the state machine that is a run, without `run: simple`."""
    database: pulumi.Output[str] | None
    """The Glue database of the tables, without `run: simple`."""
    workgroup: pulumi.Output[str] | None
    """The Athena workgroup that queries them, without `run: simple`."""

    def __init__(self, name: str, args: ExportArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("tributary:pipelines:ExportPipeline", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        account = args.account

        tables = {
            source.dynamodb: adopt_or_create_table(
                name, source.dynamodb, source.create, account, self, retain=args.retain_data
            )
            for source in args.sources
            if source.dynamodb
        }

        key_arn: pulumi.Input[str] | None = args.key_arn
        if args.create_key:
            key = KmsKey(
                f"{name}-landing",
                account,
                f"Encrypts the landing {name}",
                retain=args.retain_data,
                opts=child_opts,
            )
            key_arn = key.arn
        lifecycle, expired = expiring(
            args.lifecycle, args.lake_tables(), args.iceberg_tables(), copies=bool(args.copies)
        )
        bucket = SecureBucket(
            f"{name}-landing",
            account,
            lifecycle=lifecycle,
            expire_prefixes=expired if args.run != "simple" else None,
            key_arn=key_arn,
            retain=args.retain_data,
            opts=child_opts,
        )
        _, bucket_arn = SecureBucket.planned(f"{name}-landing", account)

        self.bucket, self.function = bucket.name, None
        # Not annotated in the class, where other languages find the outputs: what it holds goes by the kind of run.
        self.described: dict[str, pulumi.Input[Any]]
        if args.run == "simple":
            self.function = simple_run(name, args, tables, bucket, bucket_arn, key_arn, self)
            self.described = {"function": self.function}
        else:
            place = Place(bucket.name, bucket_arn, key_arn)
            self.described = export_run(name, args, place, tables, child_opts).described

        planned, events = args.landing(name), None
        if args.event_queue:
            events = ObjectEvents(
                f"{name}-landing",
                account,
                bucket_arn=bucket_arn,
                landing=planned,
                opts=child_opts,
            )
            aws.s3.BucketNotification(
                f"{name}-landing",
                bucket=bucket.name,
                queues=events.notifications,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[events]),
            )
        self.landing = replaced(
            planned, bucket=bucket.name, key_arn=key_arn, event_queue_arn=events.arn if events else None
        )
        self.key_arn = None if key_arn is None else pulumi.Output.from_input(key_arn)
        self.event_queue_arn = events.arn if events else None
        self.state_machine, self.database, self.workgroup = (
            pulumi.Output.from_input(self.described[what]) if what in self.described else None
            for what in ("state_machine", "database", "workgroup")
        )
        self.register_outputs({"bucket": self.bucket, **self.described})


def deploy(name: str, args: ExportArgs, accounts: Accounts) -> Deployed:
    """The pipeline of a stack."""
    pipeline = ExportPipeline(name, args, pulumi.ResourceOptions(provider=accounts[args.account].provider))
    started = {
        "schedules": [names.schedule(f"{name}-schedule")] if len(followed(args)) < len(args.sources) else [],
        "rules": [names.rule(f"{name}-snapshot")] if followed(args) else [],
    }
    return Deployed({"bucket": pipeline.bucket, **pipeline.described, **started}, pipeline.landing)
