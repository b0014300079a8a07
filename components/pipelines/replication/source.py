"""The sending side of a replication."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components import names
from components.arguments import replaced
from components.blocks.function import Execution, LambdaFunction, Task
from components.blocks.queue import Queue
from components.iam import Statement, check_policy_length, document, pass_role, trust
from components.landing import Landing
from components.pipelines.replication.alarms import watch_rule
from components.pipelines.replication.args import JOB_TAG, REPORTS, ReplicationArgs
from components.pipelines.replication.statements import backfill_statements, replication_statements
from components.shared import variables


@dataclasses.dataclass(frozen=True)
class Replica:
    """The receiving side, as far as the sending one has to know it."""

    bucket: pulumi.Input[str]
    """The bucket's name."""
    bucket_arn: pulumi.Input[str]
    """Its ARN, once its policy lets the role in."""
    planned_arn: pulumi.Input[str]
    """Its ARN, as soon as that is known."""
    key_arn: pulumi.Input[str] | None
    """The KMS key that replicas are encrypted with, where there is one."""
    resources: Sequence[pulumi.Resource] = ()
    """What has to be there before the rules, where that is of this program."""


@dataclasses.dataclass(frozen=True)
class SendingRole:
    """The role that S3 assumes, made by a ReplicaRole."""

    name: pulumi.Input[str]
    arn: pulumi.Input[str]


class ReplicaSource(pulumi.ComponentResource):
    """The sending side, in the landing's account: what the role that S3 assumes may do, the rules, alarms on what is
    late, and a queue with an event for each object that failed.

    Costs at rest: three alarms a rule (0.10 dollars each a month)."""

    role_arn: pulumi.Output[str]
    """The ARN of the role that S3 assumes."""
    failed_replications: pulumi.Output[str]
    """The URL of the queue with an event for each object that was not replicated."""

    def __init__(
        self,
        name: str,
        args: ReplicationArgs,
        role: SendingRole,
        replica: Replica,
        alarm_topic_arn: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """`role`: what S3 assumes. `replica`: the receiving bucket and its key. `alarm_topic_arn`: the topic that the
        alarms go to, None for none."""
        super().__init__("tributary:pipelines:ReplicaSource", name, None, opts)
        self._name, self._args, self._topic = name, args, alarm_topic_arn
        self._account = args.landing.account
        self._place = f"pipelines.{name.removesuffix('-source')}"
        self.role_arn = pulumi.Output.from_input(role.arn)
        config = self._rules(role, replica)
        self.failed_replications = self._watch(replica).url
        if args.existing_objects:
            self._replicate_existing(config)
        self.register_outputs({"role_arn": self.role_arn})

    def _rules(self, role: SendingRole, replica: Replica) -> aws.s3.BucketReplicationConfig:
        """Puts the rules onto the landing's bucket, once the bucket that they name lets the role in."""
        name, args = self._name, self._args
        policy = aws.iam.RolePolicy(
            name,
            name="replication",
            role=role.name,
            policy=self._fitting(
                lambda landing, key_arn: replication_statements(args, landing, replica.planned_arn, key_arn),
                replica.key_arn,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        rules = [
            self._rule(rule, prefix, replica.bucket_arn, replica.key_arn)
            for rule, prefix in zip(self._rule_ids(), args.rule_prefixes(), strict=True)
        ]
        return aws.s3.BucketReplicationConfig(
            name,
            bucket=self._versioned_bucket(),
            role=self.role_arn,
            rules=rules,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, *replica.resources]),
        )

    def _versioned_bucket(self) -> pulumi.Input[str]:
        """The landing's bucket, once it is versioned; one that was there is read, unless it is to be turned on."""
        name, landing = self._name, self._args.landing
        if self._args.turn_on_versioning:
            return aws.s3.BucketVersioning(
                name,
                bucket=landing.bucket,
                versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
            ).bucket
        if landing.adopted:
            versioning = aws.s3.BucketVersioning.get(
                f"{name}-adopted", landing.bucket, opts=pulumi.ResourceOptions(parent=self)
            )
            return versioning.versioning_configuration.apply(self._versioned)
        return landing.bucket

    def _versioned(self, versioning: Any) -> pulumi.Input[str]:
        """The adopted bucket's name, if it is versioned: S3 takes no rules for one that is not."""
        status = versioning.status if versioning else None
        if status != "Enabled":
            raise pulumi.RunError(
                f"{self._place}.turn_on_versioning: versioning of the bucket '{self._args.landing.bucket}' is "
                f"{status or 'Disabled'}, and S3 replicates versioned buckets only; write turn_on_versioning: true, or "
                f"turn it on: aws s3api put-bucket-versioning --bucket {self._args.landing.bucket} "
                "--versioning-configuration Status=Enabled"
            )
        return self._args.landing.bucket

    def _fitting(
        self,
        statements: Callable[[Landing, pulumi.Input[str] | None], list[Statement]],
        key_arn: pulumi.Input[str] | None = None,
    ) -> pulumi.Output[str]:
        """A role's policy, refused where it is too long: with stand-ins for keys, which may not be known at preview."""
        landing = self._args.landing
        stand_in = self._account.arn("kms", "key/00000000-0000-0000-0000-000000000000")  # as long as any
        known = replaced(landing, key_arn=None if landing.key_arn is None else stand_in)
        measured = pulumi.Output.from_input(
            document(*statements(known, None if key_arn is None else stand_in))
        ).apply(
            lambda text: check_policy_length(text, f"{self._place}.prefixes", "write fewer or shorter ones")
        )
        policy = document(*statements(landing, key_arn))
        return pulumi.Output.all(policy, measured).apply(lambda both: both[0])

    def _rule_ids(self) -> list[str]:
        return [f"{self._name}-{index}"[-255:] for index in range(len(self._args.rule_prefixes()))]

    def _rule(
        self, rule: str, prefix: str, bucket_arn: pulumi.Input[str], key_arn: pulumi.Input[str] | None
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

    def _watch(self, replica: Replica) -> Queue:
        name, landing = self._name, self._args.landing
        child_opts = pulumi.ResourceOptions(parent=self)
        failed = Queue(
            f"{name}-failed",
            self._account,
            topic=self._topic,
            # No alarm of its own: S3 sends a test event here when the queue is configured. The rules' alarms fire.
            meaning=None,
            senders={"s3.amazonaws.com": landing.bucket_arn()},
            opts=child_opts,
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
            watch_rule(rule, name, self._args, replica.bucket, self._topic, child_opts)
        return failed

    def _replicate_existing(self, config: aws.s3.BucketReplicationConfig) -> None:
        name, args, landing, account = self._name, self._args, self._args.landing, self._account
        child_opts = pulumi.ResourceOptions(parent=self)
        role_name = names.role(f"{name}-backfill-job")
        role = aws.iam.Role(
            f"{name}-backfill-job",
            name=role_name,
            permissions_boundary=account.permissions_boundary,
            description=f"Replicates what was in the landing {landing.name} before its rules",
            # The guide's own trust has no condition, and no page says what Batch Operations sends:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
            assume_role_policy=trust("batchoperations.s3.amazonaws.com", account.id, sends_account=False),
            opts=child_opts,
        )
        job_policy = aws.iam.RolePolicy(
            f"{name}-backfill-job",
            name="backfill",
            role=role.name,
            policy=self._fitting(lambda landing, _: backfill_statements(args, landing)),
            opts=child_opts,
        )
        job_tag = names.function(f"{name}-backfill")  # no other pipeline of the account has it
        tagged = {f"aws:RequestTag/{JOB_TAG}": job_tag}
        function = LambdaFunction(
            f"{name}-backfill",
            account,
            args.functions,
            task=Task(
                handler="backfill",
                description=f"Makes the S3 Batch Replication job of {landing.name}",
                statements=[
                    Statement(
                        "MakeJob",
                        ["s3:CreateJob"],
                        ["*"],
                        {"StringEquals": tagged},
                        every_resource_because="a job has no ARN before it is made; its tag is the condition",
                    ),
                    # A job is tagged as it is made, which needs this besides:
                    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-batch-operations.html
                    Statement(
                        "TagJob", ["s3:PutJobTagging"], [account.arn("s3", "job/*")], {"StringEquals": tagged}
                    ),
                    Statement(
                        "FindJob",
                        ["s3:ListJobs"],
                        ["*"],
                        every_resource_because="the action takes no resource",
                    ),
                    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-job-tags-examples.html
                    Statement(
                        "CancelJob",
                        ["s3:UpdateJobStatus"],
                        [account.arn("s3", "job/*")],
                        {"StringEquals": {f"aws:ResourceTag/{JOB_TAG}": job_tag}},
                    ),
                    pass_role(
                        "HandOverTheJobsRole", account.role_arn(role_name), "batchoperations.s3.amazonaws.com"
                    ),
                ],
                environment={
                    variables.ACCOUNT_ID: account.id,
                    variables.BUCKET: landing.bucket,
                    variables.ROLE_ARN: role.arn,
                    variables.JOB_TAG: f"{JOB_TAG}={job_tag}",
                    variables.REPORT_BUCKET: landing.bucket,
                    variables.REPORT_PREFIX: REPORTS,
                    variables.PREFIXES: json.dumps(args.rule_prefixes()),
                },
            ),
            topic=self._topic,
            execution=Execution(),
            opts=child_opts,
        )
        aws.lambda_.Invocation(
            f"{name}-backfill",
            function_name=function.name,
            input=json.dumps({"prefixes": args.rule_prefixes()}),
            lifecycle_scope="CRUD",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config, job_policy]),
        )


class ReplicaRole(pulumi.ComponentResource):
    """The role alone that S3 assumes, in the landing's account. It comes first, as S3 refuses a bucket's policy with a
    principal that does not exist. It costs nothing."""

    role_arn: pulumi.Output[str]
    """The role's ARN, which the two sides take."""

    def __init__(
        self,
        name: str,
        args: ReplicationArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        formerly: Sequence[pulumi.Alias] = (),
    ):
        """`formerly`: what the role itself was called before."""
        super().__init__("tributary:pipelines:ReplicaRole", name, None, opts)
        role = aws.iam.Role(
            name,
            name=names.role(name),
            permissions_boundary=args.landing.account.permissions_boundary,
            description=f"Replicates the landing {args.landing.name} to account {args.account.id}",
            # The guide's own trust has no condition, and no page says that S3 sends the account; where it does, it is
            # this one: https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
            assume_role_policy=trust("s3.amazonaws.com", args.landing.account.id, sends_account=False),
            opts=pulumi.ResourceOptions(parent=self, aliases=list(formerly)),
        )
        self.role_arn = role.arn
        # Not annotated in the class, where other languages find the outputs.
        self.role = SendingRole(role.name, role.arn)
        self.register_outputs({"role_arn": self.role_arn})
