"""Checks every BigQuery load: did it run, and do its rows match the exports it read?

A function, its schedule, an alarm a table, two more where rows are counted, and the function's way to Google without a
key."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_gcp as gcp

from components import names
from components.accounts import AccountArgs
from components.blocks.alarm import alarm
from components.blocks.function import LambdaFunction
from components.blocks.schedule import Schedule
from components.iam import Statement
from components.landing import Landing
from components.languages import bigquery_schedules
from components.pipelines.bigquery_transfer.storage_copy import DAY
from components.pipelines.pipeline import PipelineArgs

NAMESPACE = "Tributary"


def compare_loads(
    name: str,
    args: PipelineArgs,
    landing: Landing,
    tables: Mapping[str, Mapping[str, pulumi.Input[str]]],
    *,
    counted: Sequence[str],
    google: Mapping[str, pulumi.Input[str]],
    account: gcp.serviceaccount.Account,
    schedule: str,
    copied_before: int,
    after: int,
    decrypt: Sequence[Statement],
    parent: pulumi.Resource,
    depends_on: Sequence[pulumi.Resource],
) -> pulumi.Output[str]:
    """The function's name. `tables` are the landing's, each with its name in BigQuery and its transfer; of those
    `counted` the exports count the rows. `google` is the function's PROJECT, DATASET and LOCATION; `schedule` is the
    loads', daily at a time where one is counted. A load takes the files that were listed `copied_before`
    minutes before it; it is checked `after` minutes later."""
    child_opts, part = pulumi.ResourceOptions(parent=parent), f"{name}-reconcile"
    pool = gcp.iam.WorkloadIdentityPool(
        part,
        workload_identity_pool_id=account.unique_id.apply(lambda unique: names.identity_pool(part, unique)),
        description=f"Lets the function that compares {name} in",
        opts=child_opts,
    )
    provider = gcp.iam.WorkloadIdentityPoolProvider(
        part,
        workload_identity_pool_id=pool.workload_identity_pool_id,
        workload_identity_pool_provider_id="amazon",
        aws=gcp.iam.WorkloadIdentityPoolProviderAwsArgs(account_id=args.account.id),
        # The whole ARN, which ends in the session's name, may be longer than a subject's 127 characters.
        attribute_mapping={"google.subject": "assertion.arn.extract('assumed-role/{role}/')"},
        # The mapping takes the subject from anywhere in the ARN, and an IAM user's path may have the form of a role's
        # session (arn:aws:iam::<account>:user/assumed-role/<role>/x). Only the whole ARN differs:
        # https://docs.cloud.google.com/iam/docs/workload-identity-federation#conditions
        attribute_condition=f"assertion.arn.startsWith('{_session_of(args.account, names.role(part))}/')",
        opts=child_opts,
    )
    let_in = gcp.serviceaccount.IAMMember(
        part,
        service_account_id=account.name,
        role="roles/iam.workloadIdentityUser",
        member=pulumi.Output.concat(
            "principal://iam.googleapis.com/", pool.name, "/subject/", names.role(part)
        ),
        opts=child_opts,
    )
    checked_tables = [
        {**made, **({"prefix": f"{landing.prefix}{table}/"} if table in counted else {})}
        for table, made in tables.items()
    ]
    load, gap = bigquery_schedules.minute(schedule), bigquery_schedules.longest_gap(schedule)
    # Loads at a time of day are checked on each day, so no run of an earlier load counts, however rarely it loads.
    within = after + int(gap.total_seconds()) // 60 - (0 if load is None else DAY)
    function = LambdaFunction(
        part,
        args.account,
        args.functions,
        handler="reconcile",
        description=f"Checks each load of {name}, and compares it with the exports that it took",
        statements=[*_statements(landing, counted), *(decrypt if counted else [])],
        environment={
            "TABLES": pulumi.Output.json_dumps(checked_tables),
            "BUCKET": landing.bucket,
            "COMPARED_MINUTES_AFTER": str(after),
            "RUN_WITHIN_MINUTES": str(within),
            "PIPELINE": name,
            "NAMESPACE": NAMESPACE,
            "AUDIENCE": pulumi.Output.concat("//iam.googleapis.com/", provider.name),
            "SERVICE_ACCOUNT": account.email,
            **google,
        }
        | ({"LOAD_TIME": f"{load // 60:02}:{load % 60:02}"} if counted and load is not None else {})
        | ({"COPIED_MINUTES_BEFORE": str(copied_before)} if copied_before else {}),
        topic=args.alarm_topic_arn,
        asynchronous=True,
        timeout_seconds=300,
        reserved_concurrency=args.reserved_concurrency,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[let_in, *depends_on]),
    )
    assert function.failed is not None  # asynchronous
    at = None if load is None else (load + after) % DAY
    Schedule(
        f"{name}-compare",
        args.account,
        expression="rate(1 hour)" if at is None else f"cron({at % 60} {at // 60} * * ? *)",
        timezone="UTC",
        target_arn=function.arn,
        event={"scheduled_time": "<aws.scheduler.scheduled-time>"},
        dead_letter_arn=function.failed.arn,
        meaning=f"Checks the last load of {name}",
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[function]),
    )
    failed = (
        ("failed", "LoadFailed", None, "Maximum", "The last load of {} failed, did not run or is not done: the table "
         "lacks its rows. See the transfer's runs in the console; if a permission is missing, check whether Google may "
         "still read the landing."),
    )  # fmt: skip
    of_rows = (
        ("short", "Difference", 0, "Minimum", "The day's load of {} lacks rows that the exports hold. See the "
         "transfer's runs, then whether the files, or their replicas, came after the load. The next load takes what "
         "was written since the last one that succeeded. A replica keeps its source's older timestamp and is skipped: "
         "copy the object onto itself to load it."),
        ("over", "Difference", None, "Maximum", "The day's load of {} holds more rows than its exports: a file was "
         "loaded twice, an export was still being written, or the load caught up a day that had failed. The view "
         "shows each row once; where a load took two exports, it may show the row of either."),
    )  # fmt: skip
    for table, made in tables.items():
        for what, metric, below, statistic, meaning in (*failed, *(of_rows if table in counted else ())):
            alarm(
                f"{name}-{table}-{what}",
                f"{NAMESPACE}/BigQuery{metric}",
                {"Pipeline": name, "Table": made["table"]},
                below=below,
                statistic=statistic,
                minutes=DAY,
                topic=args.alarm_topic_arn,
                meaning=meaning.format(made["table"]),
                opts=child_opts,
            )
    return function.name


def _session_of(account: AccountArgs, role: str) -> str:
    """What the ARN of each session of a role begins with
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns)."""
    return f"arn:{account.partition}:sts::{account.id}:assumed-role/{role}"


def _statements(landing: Landing, counted: Sequence[str]) -> list[Statement]:
    publish = Statement(
        "PublishDifference",
        ["cloudwatch:PutMetricData"],
        ["*"],
        {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
        every_resource_because="a metric has no ARN; its namespace is the condition",
    )
    if not counted:
        return [publish]
    below = [f"{landing.prefix}{table}/AWSDynamoDB/" for table in counted]
    manifests = [pulumi.Output.concat(landing.bucket_arn(), f"/{at}*/manifest-summary.json") for at in below]
    listed = {"StringEquals": {"s3:prefix": below}}
    return [
        Statement("ListExports", ["s3:ListBucket"], [landing.bucket_arn()], listed),
        Statement("ReadManifests", ["s3:GetObject"], manifests),
        publish,
    ]
