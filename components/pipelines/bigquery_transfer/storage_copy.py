"""Storage Transfer: a landing in S3 gets into Cloud Storage by a federated AWS role, so no access key is stored."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from components import names
from components.iam import Statement, document
from components.pipelines.bigquery_transfer.alarms import watch_events
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.pipelines.bigquery_transfer.landing_reader import read_statements
from components.pipelines.bigquery_transfer.storage_copy_args import DAY, StorageTransferArgs

Agent = gcp.storage.AwaitableGetTransferProjectServiceAccountResult | pulumi.Output[Any]


class StorageCopy(pulumi.ComponentResource):
    """A landing in S3 -> Storage Transfer Service -> the same keys in a bucket of Cloud Storage.

    The service's agent takes on a role of the landing's account by its own identity: the trust names its subject
    (https://docs.cloud.google.com/storage-transfer/docs/source-amazon-s3#federated_identity). Nothing is ever deleted,
    on neither side. A file of an export never changes, so one that is there is not copied again, whoever wrote it anew;
    of other files, and where a table is the copy of an Iceberg table, a copy is replaced where it differs. By schedule
    an export's manifests come along, as there are no conditions on endings; the load leaves them. Only files younger
    than `keep_days` are taken, else what the bucket's lifecycle has removed would be copied and loaded once more.
    Event-driven, the queue's events name the files
    (https://docs.cloud.google.com/storage-transfer/docs/event-driven-aws).

    Costs at rest: the copies for their days (0.02 dollars a GB and month), and event-driven an alarm. Storage Transfer
    takes nothing for S3; AWS takes its price for what goes to the internet.
    """

    bucket: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    job: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: BigQueryTransferArgs,
        how: StorageTransferArgs,
        loader: pulumi.Input[str],
        runs: gcp.pubsub.Topic,
        opts: pulumi.ResourceOptions,
    ):
        """`loader`: the e-mail of the service account that loads. `runs`: the topic that hears of what failed.

        `how`: the `storage_transfer` keys of the config."""
        super().__init__("tributary:pipelines:StorageCopy", name, None, opts)
        self.name, self.args, self.how, self.landing = name, args, how, args.landing
        self.child_opts = pulumi.ResourceOptions(parent=self)
        agent = gcp.storage.get_transfer_project_service_account_output(
            project=args.gcp.project, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        role, policy = self._role(agent)
        bucket = self._bucket()
        granted = self._grants(agent, bucket, loader, runs)
        job = self._job(role, bucket, runs, [policy, *granted])
        self._watch(job)
        self.bucket, self.role_arn, self.job = bucket.name, role.arn, job.name
        # The parameters of a transfer of the data source google_cloud_storage, besides the files.
        self.sensitive_params = None
        self.params: dict[str, pulumi.Input[str]] = {}
        self.register_outputs({"bucket": self.bucket, "role_arn": self.role_arn, "job": self.job})

    def _role(self, agent: Agent) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        """Who the service's agent is in AWS: it may read the landing, and take its events."""
        role = aws.iam.Role(
            self.name,
            name=names.role(self.name),
            permissions_boundary=self.landing.account.permissions_boundary,
            description=f"Lets Google's Storage Transfer Service read the landing {self.landing.name}",
            assume_role_policy=document(
                Statement(
                    "AssumeByTheAgent",
                    ["sts:AssumeRoleWithWebIdentity"],
                    [],
                    {"StringEquals": {"accounts.google.com:sub": agent.subject_id}},
                    {"Federated": "accounts.google.com"},
                )
            ),
            opts=self.child_opts,
        )
        read = read_statements(self.landing, self.args.prefixes())
        policy = aws.iam.RolePolicy(
            self.name,
            name="read",
            role=role.name,
            policy=document(*read, *self._events()),
            opts=self.child_opts,
        )
        return role, policy

    def _bucket(self) -> gcp.storage.Bucket:
        args = self.args
        return gcp.storage.Bucket(
            self.name,
            name=names.cloud_bucket(self.name, args.gcp.project),
            location=(self.how.location or args.place()).upper(),
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            lifecycle_rules=[
                gcp.storage.BucketLifecycleRuleArgs(
                    action=gcp.storage.BucketLifecycleRuleActionArgs(type="Delete"),
                    condition=gcp.storage.BucketLifecycleRuleConditionArgs(age=self.how.keep_days),
                )
            ],
            encryption=(
                gcp.storage.BucketEncryptionArgs(default_kms_key_name=args.kms_key_name)
                if args.kms_key_name
                else None
            ),
            force_destroy=not args.retain_data,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=args.retain_data),
        )

    def _grants(
        self, agent: Agent, bucket: gcp.storage.Bucket, loader: pulumi.Input[str], runs: gcp.pubsub.Topic
    ) -> list[pulumi.Resource]:
        """Who may write and read the copies, and tell of a copy that failed."""
        name = self.name
        # https://docs.cloud.google.com/storage-transfer/docs/sink-cloud-storage: to delete is needed to overwrite only.
        writes = ["legacyBucketReader", "objectCreator"] if self._once() else ["legacyBucketWriter"]
        granted: list[pulumi.Resource] = [
            gcp.storage.BucketIAMMember(
                f"{name}-{who}-{role_name}",
                bucket=bucket.name,
                role=f"roles/storage.{role_name}",
                member=member,
                opts=self.child_opts,
            )
            for who, member, roles in (
                ("agent", agent.member, [*writes, "objectViewer"]),
                ("loader", pulumi.Output.concat("serviceAccount:", loader), ["objectViewer"]),
            )
            for role_name in roles
        ]
        granted.append(
            gcp.pubsub.TopicIAMMember(
                name,
                topic=runs.name,
                role="roles/pubsub.publisher",
                member=agent.member,
                opts=self.child_opts,
            )
        )
        return granted

    def _job(
        self,
        role: aws.iam.Role,
        bucket: gcp.storage.Bucket,
        runs: gcp.pubsub.Topic,
        after: Sequence[pulumi.Resource],
    ) -> gcp.storage.TransferJob:
        name, how, landing = self.name, self.how, self.landing
        folders = sorted({self.args.files(table).split("*")[0] for table in self.args.tables})
        return gcp.storage.TransferJob(
            name,
            # IAM never gives a role's id again (https://docs.aws.amazon.com/IAM/latest/UserGuide/
            # reference_identifiers.html#identifiers-unique-ids), so a stack that is made again has another name.
            name=role.unique_id.apply(lambda unique: names.transfer_job(name, unique)),
            description=f"Copies the landing {landing.name} for {name}",
            transfer_spec=gcp.storage.TransferJobTransferSpecArgs(
                aws_s3_data_source=gcp.storage.TransferJobTransferSpecAwsS3DataSourceArgs(
                    bucket_name=landing.bucket, role_arn=role.arn
                ),
                gcs_data_sink=gcp.storage.TransferJobTransferSpecGcsDataSinkArgs(bucket_name=bucket.name),
                object_conditions=gcp.storage.TransferJobTransferSpecObjectConditionsArgs(
                    include_prefixes=folders,
                    max_time_elapsed_since_last_modification=(
                        None if how.event_driven else f"{how.keep_days * DAY * 60}s"
                    ),
                ),
                transfer_options=gcp.storage.TransferJobTransferSpecTransferOptionsArgs(
                    overwrite_when="NEVER" if self._once() else "DIFFERENT",
                    delete_objects_unique_in_sink=False,
                    delete_objects_from_source_after_transfer=False,
                ),
            ),
            notification_config=gcp.storage.TransferJobNotificationConfigArgs(
                pubsub_topic=runs.id,
                event_types=["TRANSFER_OPERATION_FAILED", "TRANSFER_OPERATION_ABORTED"],
                payload_format="JSON",
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=after),
            **self._when(),
        )

    def _watch(self, job: gcp.storage.TransferJob) -> None:
        queue = self.landing.event_queue_arn
        if queue is not None and self.how.event_driven:
            queue_name = pulumi.Output.from_input(queue).apply(_queue_name)
            watch_events(self.name, queue_name, job.name, names.role(self.name), self.args, self.child_opts)

    def _once(self) -> bool:
        # The copy of an Iceberg table is one object, which each run replaces.
        return self.landing.layout == "dynamodb-export" and not any(map(self.args.is_copy, self.args.tables))

    def _events(self) -> list[Statement]:
        queue = self.landing.event_queue_arn
        if not self.how.event_driven or queue is None:
            return []
        taken = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"]
        return [Statement("TakeEvents", taken, [queue])]

    def _when(self) -> Mapping[str, Any]:
        how, queue = self.how, self.landing.event_queue_arn
        if how.event_driven and queue is not None:
            return {"event_stream": gcp.storage.TransferJobEventStreamArgs(name=queue)}
        hours, minutes = divmod(how.start_minute(), 60)
        return {
            "schedule": gcp.storage.TransferJobScheduleArgs(
                # In the past, so that the first copy is the first of the next day; any such day does.
                schedule_start_date=gcp.storage.TransferJobScheduleScheduleStartDateArgs(
                    year=2025, month=1, day=1
                ),
                start_time_of_day=gcp.storage.TransferJobScheduleStartTimeOfDayArgs(
                    hours=hours, minutes=minutes, seconds=0, nanos=0
                ),
                repeat_interval=f"{how.interval() * 60}s",
            )
        }


def _queue_name(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]
