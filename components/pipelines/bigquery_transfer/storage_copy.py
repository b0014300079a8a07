"""Storage Transfer: a landing in S3 gets into Cloud Storage by a federated AWS role, so no access key is stored."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
from pydantic import AfterValidator, Field

from components import names
from components.arguments import arguments, together
from components.blocks.alarm import alarm
from components.iam import Statement, document
from components.landing import Landing

LEAST_MINUTES = 60  # https://docs.cloud.google.com/storage-transfer/docs/schedule-transfer-jobs
LEAST_LEAD = 15  # minutes that a copy of a day's exports is given before the load
DAY = 24 * 60
# What the multi-region EU does not contain (https://docs.cloud.google.com/bigquery/docs/locations#multi-regions).
_NOT_IN_EU = ("europe-west2", "europe-west6")


def _interval(value: int) -> int:
    if value < LEAST_MINUTES:
        raise ValueError(
            f"{value} minutes: Storage Transfer Service starts a job once in {LEAST_MINUTES} minutes at the most; "
            f"write {LEAST_MINUTES} or more, or event_driven: true"
        )
    return value


def _time(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError(f"'{value}' is not a time of day; write it like '04:00' (UTC)")
    return value


@arguments
class StorageTransferArgs:
    """How the landing gets into Cloud Storage."""

    event_driven: bool = False
    """Copies each file when its event comes to the landing's queue (`event_queue` at the pipeline that it comes from),
    instead of on a schedule. What was there before the job is not copied."""
    start: Annotated[str, AfterValidator(_time)] | None = None
    """When the first copy of a day starts, in UTC; without it 04:00. Give it time enough before `schedule`."""
    every_minutes: Annotated[int, Field(le=366 * DAY), AfterValidator(_interval)] | None = None
    """Minutes between two copies, at least 60; without it 1440, once a day."""
    location: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]+$")] | None = None
    """Where the bucket stands; without it where the dataset does, which alone can load from it, or from a region that
    its multi-region contains."""
    keep_days: Annotated[int, Field(ge=2, le=3650)] = 14
    """Days that a copied file is kept. A file of the landing that is older is not copied (again)."""

    @together
    def _either_events_or_a_schedule(self) -> Iterator[str]:
        for key in ("start", "every_minutes"):
            if self.event_driven and getattr(self, key) is not None:
                yield f"{key}: an event-driven copy has no schedule; leave it out"

    def interval(self) -> int:
        """Minutes between two copies."""
        return self.every_minutes or DAY

    def first(self) -> int:
        """The minute of the day at which a copy starts."""
        hour, minute = (self.start or "04:00").split(":")
        return int(hour) * 60 + int(minute)

    def lead(self, load: int) -> int:
        """Minutes from the start of the last copy to a daily load at this minute of the day."""
        return 0 if self.event_driven else (load - self.first()) % self.interval()

    def without_events(self, landing: Landing) -> Iterator[str]:
        """What keeps it from hearing of the landing's new files."""
        if self.event_driven and landing.event_queue_arn is None:
            yield (
                f"event_driven: the landing of '{landing.name}' has no queue of events; write event_queue: true at "
                f"'{landing.name}', or event_queue_arn at a landing that exists, whose notifications are its owner's"
            )

    def late(self, load: int) -> Iterator[str]:
        """What keeps it from being there whole at a daily load, at this minute of the day, that is compared."""
        if self.event_driven:
            return
        if DAY % self.interval():
            yield (
                f"every_minutes: {self.interval()} does not divide a day, so the copies drift past the daily load "
                "that is compared with its exports; write 1440, or 60, 120, 180, 240, 360, 480, 720"
            )
        elif self.lead(load) < LEAST_LEAD:
            early = (load - LEAST_MINUTES // 2) % self.interval()
            yield (
                f"start: a copy starts {self.lead(load)} minutes before the load, and may not be there whole; give "
                f"it {LEAST_LEAD} or more: write '{early // 60:02}:{early % 60:02}'"
            )

    def elsewhere(self, dataset_location: str) -> Iterator[str]:
        """What keeps a dataset that stands there from loading it."""
        if self.location and not _feeds(self.location, dataset_location):
            yield (
                f"location: a dataset in '{dataset_location}' does not load from a bucket in '{self.location}'; "
                "leave it out, and the bucket stands where the dataset does"
            )


def _feeds(bucket: str, dataset: str) -> bool:
    """ "Location considerations" in https://docs.cloud.google.com/bigquery/docs/cloud-storage-transfer: the same place,
    or contained in the dataset's multi-region; US takes from anywhere."""
    bucket, dataset = bucket.lower(), dataset.lower()
    inside = dataset == "eu" and bucket.startswith("europe-") and bucket not in _NOT_IN_EU
    return bucket == dataset or dataset == "us" or inside


class StorageCopy(pulumi.ComponentResource):
    """A landing in S3 -> Storage Transfer Service -> the same keys in a bucket of Cloud Storage.

    The service's agent takes on a role of the landing's account by its own identity: the trust names its subject
    (https://docs.cloud.google.com/storage-transfer/docs/source-amazon-s3#federated_identity). Nothing is ever deleted,
    on neither side. A file of an export never changes, so one that is there is not copied again, whoever wrote it anew;
    of other files a copy is replaced where it differs. By schedule an export's manifests come along, as there are no
    conditions on endings; the load leaves them. Only files younger than `keep_days` are taken, else what the
    bucket's lifecycle has removed would be copied and loaded once more. Event-driven, the queue's events name the files
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
        args: StorageTransferArgs,
        landing: Landing,
        *,
        project: str,
        location: str,
        folders: Sequence[str],
        read: Sequence[Statement],
        loader: pulumi.Input[str],
        runs: gcp.pubsub.Topic,
        kms_key_name: str | None,
        retain: bool,
        alarm_topic: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions,
    ):
        super().__init__("tributary:pipelines:StorageCopy", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        agent = gcp.storage.get_transfer_project_service_account_output(
            project=project, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        role = aws.iam.Role(
            name,
            name=names.role(name),
            description=f"Lets Google's Storage Transfer Service read the landing {landing.name}",
            assume_role_policy=document(
                Statement(
                    "AssumeByTheAgent",
                    ["sts:AssumeRoleWithWebIdentity"],
                    [],
                    {"StringEquals": {"accounts.google.com:sub": agent.subject_id}},
                    {"Federated": "accounts.google.com"},
                )
            ),
            opts=child_opts,
        )
        policy = aws.iam.RolePolicy(
            name,
            name="read",
            role=role.name,
            policy=document(*read, *self._events(args, landing)),
            opts=child_opts,
        )
        bucket = gcp.storage.Bucket(
            name,
            name=names.cloud_bucket(name, project),
            location=(args.location or location).upper(),
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            lifecycle_rules=[
                gcp.storage.BucketLifecycleRuleArgs(
                    action=gcp.storage.BucketLifecycleRuleActionArgs(type="Delete"),
                    condition=gcp.storage.BucketLifecycleRuleConditionArgs(age=args.keep_days),
                )
            ],
            encryption=(
                gcp.storage.BucketEncryptionArgs(default_kms_key_name=kms_key_name) if kms_key_name else None
            ),
            force_destroy=not retain,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=retain),
        )
        # https://docs.cloud.google.com/storage-transfer/docs/sink-cloud-storage: to delete is needed to overwrite only.
        writes = ["legacyBucketReader", "objectCreator"] if self._once(landing) else ["legacyBucketWriter"]
        granted: list[pulumi.Resource] = [
            gcp.storage.BucketIAMMember(
                f"{name}-{who}-{role_name}",
                bucket=bucket.name,
                role=f"roles/storage.{role_name}",
                member=member,
                opts=child_opts,
            )
            for who, member, roles in (
                ("agent", agent.member, [*writes, "objectViewer"]),
                ("loader", pulumi.Output.concat("serviceAccount:", loader), ["objectViewer"]),
            )
            for role_name in roles
        ]
        granted.append(
            gcp.pubsub.TopicIAMMember(
                name, topic=runs.name, role="roles/pubsub.publisher", member=agent.member, opts=child_opts
            )
        )
        job = gcp.storage.TransferJob(
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
                    include_prefixes=list(folders),
                    max_time_elapsed_since_last_modification=(
                        None if args.event_driven else f"{args.keep_days * DAY * 60}s"
                    ),
                ),
                transfer_options=gcp.storage.TransferJobTransferSpecTransferOptionsArgs(
                    overwrite_when="NEVER" if self._once(landing) else "DIFFERENT",
                    delete_objects_unique_in_sink=False,
                    delete_objects_from_source_after_transfer=False,
                ),
            ),
            notification_config=gcp.storage.TransferJobNotificationConfigArgs(
                pubsub_topic=runs.id,
                event_types=["TRANSFER_OPERATION_FAILED", "TRANSFER_OPERATION_ABORTED"],
                payload_format="JSON",
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, *granted]),
            **self._when(args, landing),
        )
        if landing.event_queue_arn is not None and args.event_driven:
            alarm(
                f"{name}-untaken",
                "AWS/SQS/ApproximateAgeOfOldestMessage",
                {"QueueName": pulumi.Output.from_input(landing.event_queue_arn).apply(_queue_name)},
                above=3600,
                statistic="Maximum",
                topic=alarm_topic,
                meaning="Events of new files wait for an hour or longer: Storage Transfer does not take them, and the "
                "next load lacks these files. See the job's operations in the console, then the role's trust and "
                "policy. The queue keeps the events for 14 days.",
                opts=child_opts,
            )
        self.bucket, self.role_arn, self.job = bucket.name, role.arn, job.name
        # The parameters of a transfer of the data source google_cloud_storage, besides the files.
        self.sensitive_params = None
        self.params: dict[str, pulumi.Input[str]] = {}
        self.register_outputs({"bucket": self.bucket, "role_arn": self.role_arn, "job": self.job})

    @staticmethod
    def _once(landing: Landing) -> bool:
        return landing.layout == "dynamodb-export"

    @staticmethod
    def _events(args: StorageTransferArgs, landing: Landing) -> list[Statement]:
        if not args.event_driven or landing.event_queue_arn is None:
            return []
        taken = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"]
        return [Statement("TakeEvents", taken, [landing.event_queue_arn])]

    @staticmethod
    def _when(args: StorageTransferArgs, landing: Landing) -> Mapping[str, Any]:
        if args.event_driven and landing.event_queue_arn is not None:
            return {"event_stream": gcp.storage.TransferJobEventStreamArgs(name=landing.event_queue_arn)}
        hours, minutes = divmod(args.first(), 60)
        return {
            "schedule": gcp.storage.TransferJobScheduleArgs(
                # In the past, so that the first copy is the first of the next day; any such day does.
                schedule_start_date=gcp.storage.TransferJobScheduleScheduleStartDateArgs(
                    year=2025, month=1, day=1
                ),
                start_time_of_day=gcp.storage.TransferJobScheduleStartTimeOfDayArgs(
                    hours=hours, minutes=minutes, seconds=0, nanos=0
                ),
                repeat_interval=f"{args.interval() * 60}s",
            )
        }


def _queue_name(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]
