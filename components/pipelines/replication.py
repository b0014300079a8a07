"""Replication: a landing in one account becomes the same landing in another, which says when an export has arrived."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import AfterValidator, Field

from components import names
from components.accounts import AccountArgs
from components.arguments import arguments, together
from components.blocks.alarm import alarm
from components.blocks.bucket import LifecycleArgs, SecureBucket
from components.blocks.function import LambdaFunction
from components.blocks.key import THE_KEY_ITSELF, KmsKey, KmsKeyArn, stands_in
from components.blocks.queue import Queue
from components.iam import Conditions, Statement, document, pass_role, trust
from components.landing import Landing
from components.pipelines.pipeline import Accounts, Deployed, PipelineArgs

REPORTS = "backfill"
MANIFEST = "manifest-summary.json"
_CREATED = "s3:ObjectCreated:"
_COMPLETED = f"{_CREATED}CompleteMultipartUpload"
_ARRIVAL_TIMEOUT = 300  # seconds; SQS asks for six times this before it gives a message to another receiver


def _events(value: list[str]) -> list[str]:
    known = [f"{_CREATED}*", f"{_CREATED}Put", f"{_CREATED}Post", f"{_CREATED}Copy", _COMPLETED]
    unknown = [event for event in value if event not in known]
    if unknown:
        raise ValueError(f"'{unknown[0]}' is not an event of a new object; write one of {', '.join(known)}")
    if len(value) > 1 and (f"{_CREATED}*" in value or len({*value}) < len(value)):
        raise ValueError(
            f"{', '.join(value)} overlap, and S3 takes an event once; write each once, or '{_CREATED}*' alone"
        )
    if not {f"{_CREATED}*", _COMPLETED} & set(value):
        raise ValueError(
            f"{', '.join(value)} never fires for an export: its files are written by multipart upload, whose event is "
            f"{_COMPLETED}; write '{_CREATED}*'"
        )
    return value


@arguments
class ReplicationArgs(PipelineArgs):
    """The arguments of a ReplicationPipeline; `account` is the one that receives."""

    landing: Landing
    """What to replicate; in a stack's config `from: <pipeline>`, or `bucket:` for a bucket that exists."""
    prefixes: Annotated[list[str], Field(min_length=1, max_length=50)] | None = None
    """The key prefixes to replicate, one rule each; without it the landing's own prefix. More than 50 do not fit into
    the role's policy (10,240 characters)."""
    delete_markers: bool = False
    """Whether a deletion at the source hides the replica as well. Versions are never deleted from afar."""
    time_control: bool = True
    """S3 Replication Time Control: 99.9 % of objects within 15 minutes, and events for what took longer
    (0.015 dollars a GB)."""
    key_arn: KmsKeyArn | None = None
    """An existing KMS key of the receiving account to encrypt replicas with. Its policy is yours: let the role in."""
    create_key: bool = False
    """Makes a KMS key for the replicas. Needed, or `key_arn`, where the landing is encrypted with a customer's key."""
    take_over: bool = False
    """Needed where the landing's bucket was not made by this program: S3 keeps one set of replication rules and one of
    event notifications for a bucket, and this pipeline's replace what the bucket had of them."""
    turn_on_versioning: bool = False
    """Turns versioning on at a bucket that this program did not make; without it that must have been done."""
    existing_objects: bool = False
    """Replicates what was in the bucket before the rules were, by one S3 Batch Replication job (0.25 dollars a job and
    1 dollar a million objects)."""
    events: Annotated[list[str], AfterValidator(_events)] = Field(default_factory=lambda: [f"{_CREATED}*"])
    """The bucket's events that tell of an arrival."""
    attempts: Annotated[int, Field(ge=3, le=100)] = 20
    """How often an export whose files have not all arrived is looked at before it is given up and rings:
    20 is 3 hours and 20 minutes, as the wait doubles from 5 seconds up to 15 minutes."""
    lifecycle: LifecycleArgs = LifecycleArgs()
    """How long the replica keeps what; lifecycle actions are not replicated."""

    @together
    def _bucket_is_given_over(self) -> Iterator[str]:
        if self.landing.adopted and not self.take_over:
            yield (
                f"take_over: the bucket '{self.landing.bucket}' was not made by this program, and this pipeline "
                "replaces its replication rules and event notifications; write take_over: true if none is needed"
            )

    @together
    def _key_is_one(self) -> Iterator[str]:
        if self.key_arn and self.create_key:
            yield "key_arn and create_key: a key is adopted or created, never both; leave one out"

    @together
    def _key_stands_with_the_replicas(self) -> Iterator[str]:
        if self.key_arn and stands_in(self.key_arn) != (self.account.region, self.account.id):
            yield (
                f"key_arn: '{self.key_arn}' encrypts replicas, so it stands where they do; name a key of account "
                f"{self.account.id} in {self.account.region}"
            )

    @together
    def _prefixes_lie_in_the_landing(self) -> Iterator[str]:
        for prefix in self.prefixes or []:
            if not prefix.startswith(self.landing.prefix):
                yield (
                    f"prefixes: '{prefix}' lies outside the landing; write prefixes that start with "
                    f"'{self.landing.prefix}'"
                )

    @together
    def _prefixes_stand_side_by_side(self) -> Iterator[str]:
        prefixes = self.prefixes or []
        for prefix in dict.fromkeys(prefixes):
            if sum(other.startswith(prefix) for other in prefixes) > 1:
                yield (
                    f"prefixes: another one starts with '{prefix}', and S3 refuses notifications that overlap; leave "
                    "the longer one out"
                )

    @together
    def _reports_are_not_replicated(self) -> Iterator[str]:
        reports = f"{REPORTS}/"
        for prefix in self.rule_prefixes() if self.existing_objects else []:
            if prefix.startswith(reports) or reports.startswith(prefix):
                yield (
                    f"existing_objects: the job writes its reports below '{reports}' of the landing's bucket, which a "
                    f"rule for '{prefix}' would replicate as well; write 'prefixes' that leave '{reports}' out"
                )

    @together
    def _one_partition(self) -> Iterator[str]:
        if self.account.partition != self.landing.account.partition:
            yield (
                f"account: {self.account.region} and {self.landing.account.region} are in two partitions of AWS, "
                "between which S3 does not replicate"
            )

    @together
    def _key_is_used(self) -> Iterator[str]:
        keyed = bool(self.key_arn or self.create_key)
        if self.landing.key_arn is not None and not keyed:
            yield (
                f"create_key: the landing of '{self.landing.name}' is encrypted with a customer's key, and S3 "
                "replicates such objects only under a key of the receiving side; write create_key: true, or key_arn"
            )
        if self.landing.key_arn is None and keyed:
            yield (
                f"create_key: the landing of '{self.landing.name}' is encrypted with SSE-S3, and a replica keeps the "
                "encryption of its object, so this key would never be used; leave it out, or give the landing a key"
            )

    def rule_prefixes(self) -> list[str]:
        return self.prefixes or [self.landing.prefix]

    def replica(self, name: str) -> Landing:
        """The landing on the receiving side, as far as it is known before anything is deployed."""
        bucket, _ = SecureBucket.planned(f"{name}-replica", self.account)
        return Landing(
            name=name,
            account=self.account,
            bucket=bucket,
            prefix=self.landing.prefix,
            key_arn=KmsKey.planned(f"{name}-replica", self.account) if self.create_key else self.key_arn,
            tables=self.landing.tables,
            layout=self.landing.layout,
        )


class ReplicationPipeline(pulumi.ComponentResource):
    """A landing -> S3 replication -> another account's bucket -> event -> queue -> function -> the account's event bus.

    Made of two components, one for each account, since a component's resources share one provider:
    ReplicaSource (role, rules, what failed) and ReplicaDestination (bucket, key, arrival). The source's role comes
    first, then the bucket whose policy names it (S3 refuses a policy with a principal that does not exist), then the
    rules. Design: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-walkthrough-2.html.

    Costs at rest: the replicas' storage, the alarms (0.10 dollars each a month), and the key where there is one
    (1 dollar a month). Across regions, transfer and Replication Time Control are paid by the GB.
    """

    bucket: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: ReplicationArgs,
        source_provider: aws.Provider,
        destination_provider: aws.Provider,
        source_alarm_topic_arn: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:pipelines:ReplicationPipeline", name, None, opts)
        source = ReplicaSource(
            f"{name}-source",
            args,
            source_alarm_topic_arn,
            pulumi.ResourceOptions(parent=self, provider=source_provider),
        )
        destination = ReplicaDestination(
            f"{name}-replica",
            args,
            source.role_arn,
            pulumi.ResourceOptions(parent=self, provider=destination_provider),
        )
        source.replicate_to(destination)
        planned = args.replica(name)
        self.landing = Landing(
            name=name,
            account=args.account,
            bucket=destination.bucket.name,
            prefix=planned.prefix,
            key_arn=destination.key_arn,
            tables=planned.tables,
            layout=planned.layout,
        )
        self.bucket, self.function = destination.bucket.name, destination.function_name
        self.failed_replications = source.failed.url
        self.register_outputs({"bucket": self.bucket})


class ReplicaSource(pulumi.ComponentResource):
    """The sending side, in the landing's account: the role that S3 assumes, the rules, alarms on what is late, and a
    queue with an event for each object that failed."""

    role_arn: pulumi.Output[str]
    failed: Queue

    def __init__(
        self,
        name: str,
        args: ReplicationArgs,
        alarm_topic_arn: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:pipelines:ReplicaSource", name, None, opts)
        self._name, self._args, self._topic = name, args, alarm_topic_arn
        self._account = args.landing.account
        self._role = aws.iam.Role(
            name,
            name=names.role(name),
            description=f"Replicates the landing {args.landing.name} to account {args.account.id}",
            # The account, as for every service. AWS's own example of this trust has no condition; where a replication
            # fails with AssumeRoleNotPermitted, this is the first thing to look at.
            assume_role_policy=trust("s3.amazonaws.com", self._account.id),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.role_arn = self._role.arn
        self.register_outputs({"role_arn": self.role_arn})

    def replicate_to(self, destination: "ReplicaDestination") -> None:
        """Puts the rules onto the landing's bucket, once the bucket that they name lets the role in."""
        name, args, landing = self._name, self._args, self._args.landing
        mine = pulumi.ResourceOptions(parent=self)
        # Read back from the bucket's policy, so the rules wait for it.
        bucket_arn = destination.bucket.arn
        policy = aws.iam.RolePolicy(
            name,
            name="replication",
            role=self._role.name,
            policy=document(*_replication_statements(args, destination.planned_arn, destination.key_arn)),
            opts=mine,
        )
        rules = [
            self._rule(rule, prefix, bucket_arn, destination.key_arn)
            for rule, prefix in zip(self._rule_ids(), args.rule_prefixes(), strict=True)
        ]
        bucket = landing.bucket
        if args.turn_on_versioning:
            bucket = aws.s3.BucketVersioning(
                name,
                bucket=landing.bucket,
                versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
            ).bucket
        config = aws.s3.BucketReplicationConfig(
            name,
            bucket=bucket,
            role=self._role.arn,
            rules=rules,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, destination]),
        )
        self.failed = self._watch(destination)
        if args.existing_objects:
            self._replicate_existing(config)

    def _rule_ids(self) -> list[str]:
        return [f"{self._name}-{index}"[-255:] for index in range(len(self._args.rule_prefixes()))]

    def _rule(
        self, rule: str, prefix: str, bucket_arn: pulumi.Output[str], key_arn: pulumi.Input[str] | None
    ) -> aws.s3.BucketReplicationConfigRuleArgs:
        args = self._args
        crosses = args.account.id != self._account.id
        minutes = 15 if args.time_control else None
        return aws.s3.BucketReplicationConfigRuleArgs(
            id=rule,
            priority=self._rule_ids().index(rule),
            status="Enabled",
            filter=aws.s3.BucketReplicationConfigRuleFilterArgs(prefix=prefix),
            delete_marker_replication=aws.s3.BucketReplicationConfigRuleDeleteMarkerReplicationArgs(
                status="Enabled" if args.delete_markers else "Disabled"
            ),
            source_selection_criteria=aws.s3.BucketReplicationConfigRuleSourceSelectionCriteriaArgs(
                sse_kms_encrypted_objects=aws.s3.BucketReplicationConfigRuleSourceSelectionCriteriaSseKmsEncryptedObjectsArgs(
                    status="Enabled"
                )
            )
            if key_arn is not None
            else None,
            destination=aws.s3.BucketReplicationConfigRuleDestinationArgs(
                bucket=bucket_arn,
                account=args.account.id if crosses else None,
                # Without it the replica belongs to the sending account, and the receiving one can't read it.
                access_control_translation=aws.s3.BucketReplicationConfigRuleDestinationAccessControlTranslationArgs(
                    owner="Destination"
                )
                if crosses
                else None,
                encryption_configuration=aws.s3.BucketReplicationConfigRuleDestinationEncryptionConfigurationArgs(
                    replica_kms_key_id=key_arn
                )
                if key_arn is not None
                else None,
                metrics=aws.s3.BucketReplicationConfigRuleDestinationMetricsArgs(
                    status="Enabled",
                    event_threshold=aws.s3.BucketReplicationConfigRuleDestinationMetricsEventThresholdArgs(
                        minutes=minutes
                    )
                    if minutes
                    else None,
                ),
                replication_time=aws.s3.BucketReplicationConfigRuleDestinationReplicationTimeArgs(
                    status="Enabled",
                    time=aws.s3.BucketReplicationConfigRuleDestinationReplicationTimeTimeArgs(
                        minutes=minutes
                    ),
                )
                if minutes
                else None,
            ),
        )

    def _watch(self, destination: "ReplicaDestination") -> Queue:
        name, landing = self._name, self._args.landing
        mine = pulumi.ResourceOptions(parent=self)
        failed = Queue(
            f"{name}-failed",
            self._account,
            topic=self._topic,
            # No alarm of its own: S3 sends a test event here when it is told of the queue. The rules' alarms ring.
            meaning=None,
            senders={"s3.amazonaws.com": landing.bucket_arn()},
            opts=mine,
        )
        events = ["s3:Replication:OperationFailedReplication"]
        if self._args.time_control:
            events.append("s3:Replication:OperationMissedThreshold")
        aws.s3.BucketNotification(
            name,
            bucket=landing.bucket,
            queues=[
                aws.s3.BucketNotificationQueueArgs(id="replication", queue_arn=failed.arn, events=events)
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[failed]),
        )
        for rule in self._rule_ids():
            dimensions = {
                "SourceBucket": landing.bucket,
                "DestinationBucket": destination.bucket.name,
                "RuleId": rule,
            }
            alarm(
                f"{rule}-pending",
                "AWS/S3/OperationsPendingReplication",
                dimensions,
                statistic="Minimum",
                minutes=15,
                periods=2,
                topic=self._topic,
                meaning="Objects have waited for replication for half an hour without a moment when none did; see the "
                "replication status of the newest objects and the failed-replication queue.",
                opts=mine,
            )
            alarm(
                f"{rule}-latency",
                "AWS/S3/ReplicationLatency",
                dimensions,
                above=900,
                statistic="Maximum",
                periods=3,
                topic=self._topic,
                meaning="Replication is more than 15 minutes behind.",
                opts=mine,
            )
            alarm(
                f"{rule}-failures",
                "AWS/S3/OperationsFailedReplication",
                dimensions,
                topic=self._topic,
                meaning="Objects could not be replicated; the failed-replication queue names each, with the reason. "
                "Mend the grant it names, then run the backfill (existing_objects).",
                opts=mine,
            )
        return failed

    def _replicate_existing(self, config: aws.s3.BucketReplicationConfig) -> None:
        name, args, landing, account = self._name, self._args, self._args.landing, self._account
        mine = pulumi.ResourceOptions(parent=self)
        role_name = names.role(f"{name}-backfill-job")
        role = aws.iam.Role(
            f"{name}-backfill-job",
            name=role_name,
            description=f"Replicates what was in the landing {landing.name} before its rules",
            assume_role_policy=trust(
                "batchoperations.s3.amazonaws.com", account.id, account.arn("s3", "job/*")
            ),
            opts=mine,
        )
        bucket_arn = landing.bucket_arn()
        reports = pulumi.Output.concat(bucket_arn, f"/{REPORTS}/*")
        granted = [
            Statement("ReplicateExisting", ["s3:InitiateReplication"], [landing.objects_arn()]),
            Statement(
                "ListWhatIsEligible",
                ["s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"],
                [bucket_arn],
            ),
            Statement("WriteReport", ["s3:PutObject"], [reports]),
        ]
        if landing.key_arn is not None:
            granted.append(
                Statement(
                    "EncryptReport",
                    ["kms:GenerateDataKey"],
                    [landing.key_arn],
                    through_s3(account, bucket_arn),
                )
            )
        job_policy = aws.iam.RolePolicy(
            f"{name}-backfill-job",
            name="backfill",
            role=role.name,
            policy=document(*granted),
            opts=mine,
        )
        function = LambdaFunction(
            f"{name}-backfill",
            account,
            args.functions,
            handler="backfill",
            description=f"Makes the S3 Batch Replication job of {landing.name}",
            statements=[
                Statement(
                    "MakeJob",
                    ["s3:CreateJob", "s3:ListJobs"],
                    ["*"],
                    every_resource_because="neither action takes a resource",
                ),
                Statement("CancelJob", ["s3:UpdateJobStatus"], [account.arn("s3", "job/*")]),
                pass_role(
                    "HandOverTheJobsRole", account.role_arn(role_name), "batchoperations.s3.amazonaws.com"
                ),
            ],
            environment={
                "ACCOUNT_ID": account.id,
                "BUCKET": landing.bucket,
                "ROLE_ARN": role.arn,
                "REPORT_BUCKET": landing.bucket,
                "REPORT_PREFIX": REPORTS,
                "PREFIXES": json.dumps(args.rule_prefixes()),
            },
            topic=self._topic,
            asynchronous=False,
            opts=mine,
        )
        aws.lambda_.Invocation(
            f"{name}-backfill",
            function_name=function.name,
            input=json.dumps({"prefixes": args.rule_prefixes()}),
            lifecycle_scope="CRUD",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config, job_policy]),
        )


class ReplicaDestination(pulumi.ComponentResource):
    """The receiving side, in the other account: the bucket whose policy lets the source's role in, its key, and the
    way of an arrival: event -> queue -> function -> the account's default event bus."""

    def __init__(
        self,
        name: str,
        args: ReplicationArgs,
        source_role_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:pipelines:ReplicaDestination", name, None, opts)
        mine = pulumi.ResourceOptions(parent=self)
        account = args.account
        _, self.planned_arn = SecureBucket.planned(name, account)

        self.key_arn: pulumi.Input[str] | None = args.key_arn
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
                    )
                ],
                retain=args.retain_data,
                opts=mine,
            )
            self.key_arn = key.arn
        self.bucket = SecureBucket(
            name,
            account,
            lifecycle=args.lifecycle,
            key_arn=self.key_arn,
            statements=_receive_statements(args, self.planned_arn, source_role_arn),
            retain=args.retain_data,
            opts=mine,
        )
        self.function_name: pulumi.Output[str] | None = None
        if args.landing.layout == "dynamodb-export":
            self.function_name = self._arrival(name, args)
        else:
            # Objects without a manifest: each is an event of its own on the account's default bus.
            aws.s3.BucketNotification(name, bucket=self.bucket.name, eventbridge=True, opts=mine)
        self.register_outputs({"bucket": self.bucket.name})

    def _arrival(self, name: str, args: ReplicationArgs) -> pulumi.Output[str]:
        account, topic = args.account, args.alarm_topic_arn
        mine = pulumi.ResourceOptions(parent=self)
        arrivals = Queue(
            f"{name}-arrivals",
            account,
            topic=topic,
            meaning="An export has not arrived whole in the time it was given, or is corrupt; the dead-letter queue "
            "holds its event, the function's log names the missing files. Mend replication, then redrive the queue.",
            senders={"s3.amazonaws.com": self.planned_arn},
            visibility_seconds=6 * _ARRIVAL_TIMEOUT,
            max_receives=args.attempts,
            opts=mine,
        )
        aws.s3.BucketNotification(
            name,
            bucket=self.bucket.name,
            queues=[
                aws.s3.BucketNotificationQueueArgs(
                    id=f"arrival-{index}",
                    queue_arn=arrivals.arn,
                    events=args.events,
                    filter_prefix=prefix,
                    filter_suffix=MANIFEST,
                )
                for index, prefix in enumerate(args.rule_prefixes())
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[arrivals]),
        )
        announced = names.table(f"{name}-announced")
        table = aws.dynamodb.Table(
            f"{name}-announced",
            name=announced,
            billing_mode="PAY_PER_REQUEST",
            hash_key="id",
            attributes=[aws.dynamodb.TableAttributeArgs(name="id", type="S")],
            ttl=aws.dynamodb.TableTtlArgs(attribute_name="expiration", enabled=True),
            opts=mine,
        )
        function = LambdaFunction(
            f"{name}-arrival",
            account,
            args.functions,
            handler="arrival",
            description=f"Announces each export of {args.landing.name} that has arrived whole",
            statements=self._arrival_statements(
                args, arrivals.arn, account.arn("dynamodb", f"table/{announced}")
            ),
            environment={
                "EVENT_BUS": "default",
                "IDEMPOTENCY_TABLE": table.name,
                "PREFIX": args.landing.prefix,
            },
            topic=topic,
            asynchronous=False,
            timeout_seconds=_ARRIVAL_TIMEOUT,
            reserved_concurrency=args.reserved_concurrency,
            memory_mb=512,
            opts=mine,
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
            opts=mine,
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
            Statement("Announce", ["events:PutEvents"], [account.arn("events", "event-bus/default")]),
        ]
        if self.key_arn is not None:
            granted.append(
                Statement(
                    "DecryptManifests", ["kms:Decrypt"], [self.key_arn], through_s3(account, self.planned_arn)
                )
            )
        return granted


def deploy(name: str, args: ReplicationArgs, accounts: Accounts) -> Deployed:
    """The pipeline of a stack."""
    source, destination = accounts[args.landing.account], accounts[args.account]
    pipeline = ReplicationPipeline(name, args, source.provider, destination.provider, source.alarm_topic_arn)
    outputs = {
        "bucket": pipeline.bucket,
        "arrival_function": pipeline.function,
        "event_bus": "default",
        "failed_replications": pipeline.failed_replications,
    }
    return Deployed(outputs, pipeline.landing)


def through_s3(account: AccountArgs, bucket_arn: pulumi.Input[str]) -> Conditions:
    """A key's use by S3 only, for objects of one bucket: with a Bucket Key the encryption context is the bucket's ARN,
    else the object's (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html)."""
    return {
        "StringEquals": {"kms:ViaService": f"s3.{account.region}.{account.dns_suffix}"},
        "StringLike": {
            "kms:EncryptionContext:aws:s3:arn": [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")]
        },
    }


def _write_actions(args: ReplicationArgs) -> list[str]:
    actions = ["s3:ReplicateObject", "s3:ReplicateTags"]
    if args.delete_markers:
        actions.append("s3:ReplicateDelete")
    if args.account.id != args.landing.account.id:
        actions.append("s3:ObjectOwnerOverrideToBucketOwner")
    return actions


def _replication_statements(
    args: ReplicationArgs, replica_arn: str, replica_key: pulumi.Input[str] | None
) -> list[Statement]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html"""
    landing = args.landing
    read = [pulumi.Output.concat(landing.bucket_arn(), f"/{prefix}*") for prefix in args.rule_prefixes()]
    write = [f"{replica_arn}/{prefix}*" for prefix in args.rule_prefixes()]
    granted = [
        Statement("ReadRules", ["s3:GetReplicationConfiguration", "s3:ListBucket"], [landing.bucket_arn()]),
        Statement(
            "ReadObjects",
            ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"],
            read,
        ),
        Statement("WriteReplicas", _write_actions(args), write),
    ]
    if landing.key_arn is not None and replica_key is not None:
        granted += [
            Statement(
                "DecryptObjects",
                ["kms:Decrypt"],
                [landing.key_arn],
                through_s3(landing.account, landing.bucket_arn()),
            ),
            Statement(
                "EncryptReplicas", ["kms:Encrypt"], [replica_key], through_s3(args.account, replica_arn)
            ),
        ]
    return granted


def _receive_statements(
    args: ReplicationArgs, replica_arn: str, source_role_arn: pulumi.Input[str]
) -> Sequence[Statement]:
    role = {"AWS": source_role_arn}
    write = [f"{replica_arn}/{prefix}*" for prefix in args.rule_prefixes()]
    return [
        Statement("ReceiveReplicas", _write_actions(args), write, principals=role),
        Statement(
            "ShowVersioning", ["s3:GetBucketVersioning", "s3:ListBucket"], [replica_arn], principals=role
        ),
    ]
