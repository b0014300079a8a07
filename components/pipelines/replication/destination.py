"""The receiving side of a replication."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components import names
from components.blocks.bucket import SecureBucket
from components.blocks.function import Execution, LambdaFunction, Task
from components.blocks.key import THE_KEY_ITSELF, KmsKey, bucket_key_through_s3, through_s3
from components.blocks.object_events import ObjectEvents
from components.blocks.queue import Queue
from components.iam import Statement
from components.lake.place import Place
from components.pipelines.replication.alarms import export_not_announced
from components.pipelines.replication.args import ReplicationArgs
from components.pipelines.replication.tables import replica_run
from components.shared import variables
from components.shared.announcement import SOURCE
from components.shared.dynamodb_exports import SUMMARY
from components.shared.landing_folders import HANDED_OVER

_ARRIVAL_TIMEOUT = 300  # seconds; SQS asks for six times this before it gives a message to another receiver


class ReplicaDestination(pulumi.ComponentResource):
    """The receiving side, in the other account: the bucket whose policy lets the source's role in, its key, and the
    way of an arrival: event -> queue -> function -> the account's default event bus.

    Costs at rest: the replicas' storage, an alarm (0.10 dollars a month), and the key where there is one (1 dollar a
    month)."""

    bucket: pulumi.Output[str]
    """The replica's bucket."""
    bucket_arn: pulumi.Output[str]
    """Its ARN, once its policy lets the source's role in."""
    key_arn: pulumi.Output[str] | None
    """The KMS key that replicas are encrypted with, where there is one."""
    event_queue_arn: pulumi.Output[str] | None
    """The SQS queue with an event for each data file that has arrived, with `event_queue`."""
    function_name: pulumi.Output[str] | None
    """The function that announces each export that has arrived whole."""
    tables: dict[str, pulumi.Input[Any]]
    """Of a replica with tables: what its run described (components/lake/run.py)."""

    def __init__(
        self,
        name: str,
        args: ReplicationArgs,
        source_role_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:pipelines:ReplicaDestination", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        account = args.account
        _, self.planned_arn = SecureBucket.planned(name, account)

        self.key_arn = pulumi.Output.from_input(args.key_arn) if args.key_arn else None
        if args.create_key:
            key = KmsKey(
                name,
                account,
                f"Encrypts the replica of {args.landing.name}",
                statements=[
                    Statement(
                        "EncryptReplicas",
                        ["kms:Encrypt"],
                        ["*"],
                        through_s3(account, self.planned_arn),
                        {"AWS": source_role_arn},
                        every_resource_because=THE_KEY_ITSELF,
                    ),
                    Statement(
                        "VerifyBucketKey",
                        ["kms:Decrypt"],
                        ["*"],
                        bucket_key_through_s3(account, self.planned_arn),
                        {"AWS": source_role_arn},
                        every_resource_because=THE_KEY_ITSELF,
                    ),
                ],
                retain=args.retain_data,
                opts=child_opts,
            )
            self.key_arn = key.arn
        lifecycle, expired = args.expiring()
        bucket = SecureBucket(
            name,
            account,
            lifecycle=lifecycle,
            expire_prefixes=expired or None,
            key_arn=self.key_arn,
            statements=_receive_statements(args, self.planned_arn, source_role_arn),
            retain=args.retain_data,
            opts=child_opts,
        )
        self.bucket, self.bucket_arn = bucket.name, bucket.arn
        self.events: ObjectEvents | None = None
        if args.event_queue:
            self.events = ObjectEvents(
                name,
                account,
                bucket_arn=self.planned_arn,
                landing=args.replica(name),
                opts=child_opts,
            )
        self.event_queue_arn = self.events.arn if self.events else None
        self.function_name = None
        if args.landing.layout == "dynamodb-export":
            self.function_name = self._arrival(name, args)
        else:
            # Objects without a manifest: each is an event of its own on the account's default bus.
            aws.s3.BucketNotification(
                name,
                bucket=self.bucket,
                eventbridge=True,
                queues=self.events.notifications if self.events else None,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.events] if self.events else None),
            )
        self.tables = {}
        if args.catalog is not None:
            place = Place(self.bucket, self.planned_arn, self.key_arn)
            pipeline = name.removesuffix("-replica")
            self.tables = replica_run(pipeline, args, args.catalog, place, child_opts).described
        self.register_outputs({"bucket": self.bucket, **self.tables})

    def _arrival(self, name: str, args: ReplicationArgs) -> pulumi.Output[str]:
        account, topic = args.account, args.alarm_topic_arn
        child_opts = pulumi.ResourceOptions(parent=self)
        arrivals = Queue(
            f"{name}-arrivals",
            account,
            topic=topic,
            meaning=export_not_announced(name, account),
            senders={"s3.amazonaws.com": self.planned_arn},
            visibility_seconds=6 * _ARRIVAL_TIMEOUT,
            max_receives=args.attempts,
            opts=child_opts,
        )
        aws.s3.BucketNotification(
            name,
            bucket=self.bucket,
            queues=[
                aws.s3.BucketNotificationQueueArgs(
                    id=f"{what}-{index}",
                    queue_arn=arrivals.arn,
                    events=args.events,
                    filter_prefix=prefix,
                    filter_suffix=suffix,
                )
                for suffix, what in [
                    (SUMMARY, "arrival"),
                    *([(HANDED_OVER, "published")] if args.catalog else []),
                ]
                for index, prefix in enumerate(args.rule_prefixes())
            ]
            + (self.events.notifications if self.events else []),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[arrivals, *([self.events] if self.events else [])]
            ),
        )
        announced = names.table(f"{name}-announced")
        table = aws.dynamodb.Table(
            f"{name}-announced",
            name=announced,
            billing_mode="PAY_PER_REQUEST",
            hash_key="id",
            attributes=[aws.dynamodb.TableAttributeArgs(name="id", type="S")],
            ttl=aws.dynamodb.TableTtlArgs(attribute_name="expiration", enabled=True),
            opts=child_opts,
        )
        function = LambdaFunction(
            f"{name}-arrival",
            account,
            args.functions,
            task=Task(
                handler="arrival",
                description=f"Announces each export of {args.landing.name} that has arrived whole",
                statements=self._arrival_statements(
                    args, arrivals.arn, account.arn("dynamodb", f"table/{announced}")
                ),
                environment={
                    variables.EVENT_BUS: "default",
                    variables.IDEMPOTENCY_TABLE: table.name,
                    variables.PREFIX: args.landing.prefix,
                },
            ),
            topic=topic,
            execution=Execution(
                timeout_seconds=_ARRIVAL_TIMEOUT,
                reserved_concurrency=args.reserved_concurrency,
                memory_mb=512,
            ),
            opts=child_opts,
        )
        aws.lambda_.EventSourceMapping(
            f"{name}-arrival",
            event_source_arn=arrivals.arn,
            function_name=function.name,
            batch_size=10,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=aws.lambda_.EventSourceMappingScalingConfigArgs(
                maximum_concurrency=min(10, args.reserved_concurrency or 10)
            ),
            opts=child_opts,
        )
        return function.name

    def _arrival_statements(
        self, args: ReplicationArgs, queue_arn: pulumi.Input[str], table_arn: str
    ) -> list[Statement]:
        prefix, account = args.landing.prefix, args.account
        granted = [
            Statement("ReadManifests", ["s3:GetObject"], [f"{self.planned_arn}/{prefix}*"]),
            # Without it S3 answers 403, not 404, for a file that is not there yet. No condition on s3:prefix: a GET of
            # an object carries none.
            Statement("TellMissingFromForbidden", ["s3:ListBucket"], [self.planned_arn]),
            Statement(
                "TakeArrivals",
                [
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:GetQueueUrl",
                    "sqs:ReceiveMessage",
                ],
                [queue_arn],
            ),
            Statement(
                "RememberAnnouncements",
                ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                [table_arn],
            ),
            # Whoever follows a rule can rely on who speaks. The key holds a call's every source, and without one
            # "all of them" would be true: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
            Statement(
                "Announce",
                ["events:PutEvents"],
                [account.arn("events", "event-bus/default")],
                {
                    "ForAllValues:StringEquals": {"events:source": SOURCE},
                    "Null": {"events:source": "false"},
                },
            ),
        ]
        if self.key_arn is not None:
            granted.append(
                Statement(
                    "DecryptManifests", ["kms:Decrypt"], [self.key_arn], through_s3(account, self.planned_arn)
                )
            )
        return granted


def _receive_statements(
    args: ReplicationArgs, replica_arn: str, source_role_arn: pulumi.Input[str]
) -> Sequence[Statement]:
    role = {"AWS": source_role_arn}
    write = [f"{replica_arn}/{prefix}*" for prefix in args.rule_prefixes()]
    return [
        Statement("ReceiveReplicas", args.write_actions(), write, principals=role),
        Statement(
            "ShowVersioning", ["s3:GetBucketVersioning", "s3:ListBucket"], [replica_arn], principals=role
        ),
    ]
