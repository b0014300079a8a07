"""The comparison of each day's load in BigQuery with the exports that it took: a function, its schedule, two alarms a
table, and the function's way to Google without a key."""

import json
from collections.abc import Iterable, Mapping, Sequence

import pulumi
import pulumi_gcp as gcp

from components import names
from components.blocks.alarm import alarm
from components.blocks.function import LambdaFunction
from components.blocks.schedule import Schedule
from components.iam import Statement
from components.landing import Landing
from components.pipelines.pipeline import PipelineArgs

NAMESPACE = "Tributary"


def compare_loads(
    name: str,
    args: PipelineArgs,
    landing: Landing,
    tables: Mapping[str, str],
    *,
    google: Mapping[str, pulumi.Input[str]],
    account: gcp.serviceaccount.Account,
    load: int,
    copied_before: int,
    after: int,
    decrypt: Sequence[Statement],
    parent: pulumi.Resource,
    depends_on: Sequence[pulumi.Resource],
) -> pulumi.Output[str]:
    """The function's name. `tables` are the landing's, each with its name in BigQuery; `google` the function's PROJECT,
    DATASET and LOCATION; `load` is the load's minute of the day, `copied_before` how many minutes earlier the files
    were listed that it took, `after` how many later it is compared."""
    mine, part = pulumi.ResourceOptions(parent=parent), f"{name}-reconcile"
    pool = gcp.iam.WorkloadIdentityPool(
        part,
        workload_identity_pool_id=names.identity_pool(part),
        description=f"Lets the function that compares {name} in",
        opts=mine,
    )
    provider = gcp.iam.WorkloadIdentityPoolProvider(
        part,
        workload_identity_pool_id=pool.workload_identity_pool_id,
        workload_identity_pool_provider_id="amazon",
        aws=gcp.iam.WorkloadIdentityPoolProviderAwsArgs(account_id=args.account.id),
        # The whole ARN, which ends in the session's name, may be longer than a subject's 127 characters.
        attribute_mapping={"google.subject": "assertion.arn.extract('assumed-role/{role}/')"},
        opts=mine,
    )
    let_in = gcp.serviceaccount.IAMMember(
        part,
        service_account_id=account.name,
        role="roles/iam.workloadIdentityUser",
        member=pulumi.Output.concat(
            "principal://iam.googleapis.com/", pool.name, "/subject/", names.role(part)
        ),
        opts=mine,
    )
    compared = [{"prefix": f"{landing.prefix}{table}/", "table": made} for table, made in tables.items()]
    function = LambdaFunction(
        part,
        args.account,
        args.functions,
        handler="reconcile",
        description=f"Compares each load of {name} with the exports that it took",
        statements=[*_statements(landing, tables), *decrypt],
        environment={
            "TABLES": json.dumps(compared),
            "BUCKET": landing.bucket,
            "LOAD_TIME": f"{load // 60:02}:{load % 60:02}",
            "PIPELINE": name,
            "NAMESPACE": NAMESPACE,
            "AUDIENCE": pulumi.Output.concat("//iam.googleapis.com/", provider.name),
            "SERVICE_ACCOUNT": account.email,
            **google,
        }
        | ({"COPIED_MINUTES_BEFORE": str(copied_before)} if copied_before else {}),
        topic=args.alarm_topic_arn,
        asynchronous=True,
        timeout_seconds=300,
        reserved_concurrency=args.reserved_concurrency,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[let_in, *depends_on]),
    )
    assert function.failed is not None  # asynchronous
    at = (load + after) % (24 * 60)
    Schedule(
        f"{name}-compare",
        args.account,
        expression=f"cron({at % 60} {at // 60} * * ? *)",
        timezone="UTC",
        target_arn=function.arn,
        event={"scheduled_time": "<aws.scheduler.scheduled-time>"},
        dead_letter_arn=function.failed.arn,
        meaning=f"Compares the day's load of {name}",
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[function]),
    )
    for table, made in tables.items():
        for what, below, statistic, meaning in (
            ("short", 0, "Minimum", "lacks rows that the exports hold: see the transfer's runs in the console, then "
             "whether Google may still read the landing; the next load catches up"),
            ("over", None, "Maximum", "holds more rows than its exports: a file was loaded twice, or the load "
             "caught up a day that had failed; the view shows each row once"),
        ):  # fmt: skip
            alarm(
                f"{name}-{table}-{what}",
                f"{NAMESPACE}/BigQueryDifference",
                {"Pipeline": name, "Table": made},
                below=below,
                statistic=statistic,
                minutes=24 * 60,
                topic=args.alarm_topic_arn,
                meaning=f"The day's load of {made} {meaning}.",
                opts=mine,
            )
    return function.name


def _statements(landing: Landing, tables: Iterable[str]) -> list[Statement]:
    below = [f"{landing.prefix}{table}/AWSDynamoDB/" for table in tables]
    manifests = [pulumi.Output.concat(landing.bucket_arn(), f"/{at}*/manifest-summary.json") for at in below]
    return [
        Statement(
            "ListExports", ["s3:ListBucket"], [landing.bucket_arn()], {"StringEquals": {"s3:prefix": below}}
        ),
        Statement("ReadManifests", ["s3:GetObject"], manifests),
        Statement(
            "PublishDifference",
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
            every_resource_because="a metric has no ARN; its namespace is the condition",
        ),
    ]
