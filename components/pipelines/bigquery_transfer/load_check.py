"""Checks every BigQuery load: did it run, and do its rows match the exports it read?

A function, its schedule, its tables' alarms (alarms.py), and the function's way to Google without a key."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_gcp as gcp

from components import names
from components.accounts import AccountArgs
from components.blocks.function import Execution, LambdaFunction, Task
from components.blocks.schedule import Schedule, Target
from components.iam import Statement
from components.landing import Landing
from components.languages import bigquery_schedules
from components.pipelines.bigquery_transfer.alarms import watch_table
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.pipelines.bigquery_transfer.landing_reader import decrypt_statements
from components.pipelines.bigquery_transfer.storage_copy_args import DAY
from components.pipelines.bigquery_transfer.warehouse import Warehouse
from components.shared import dynamodb_exports, metric_names, scheduled_time, variables
from components.shared.loaded_tables import LoadedTable


class LoadCheck(pulumi.ComponentResource):
    """Loads of BigQuery --> a function, `compare_after_minutes` after each --> a metric and an alarm a table, two more
    where rows are counted.

    It enters Google by its own AWS role, so no key is stored. Costs at rest: the alarms, three of the function's among
    them (0.10 dollars each a month).

    Its resources were the pipeline's own before this component existed, so each has an alias with that parent. Their
    names still contain `reconcile` and `compare`, the load check's older names: another name would replace the role,
    the function and the identity pool.
    """

    function: pulumi.Output[str]
    """The function's name."""

    def __init__(
        self,
        name: str,
        args: BigQueryTransferArgs,
        warehouse: Warehouse,
        transfers: Mapping[str, pulumi.Input[str]],
        account: gcp.serviceaccount.Account,
        opts: pulumi.ResourceOptions,
    ):
        """`transfers`: table of the landing -> its transfer's name. `account`: the
        service account that reads the dataset and the transfers' runs.

        `warehouse`: the dataset and its tables."""
        super().__init__("tributary:pipelines:LoadCheck", f"{name}-load-check", None, opts)
        self.pipeline, self.args, self.account = name, args, account
        self.formerly = pulumi.Alias(parent=opts.parent)
        provider, let_in = self._way_into_google()
        function = self._function(warehouse, transfers, provider, let_in)
        self._schedule(function)
        self._alarms(transfers)
        self.function = function.name
        self.register_outputs({"function": self.function})

    def _child(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, aliases=[self.formerly], depends_on=after)

    def _way_into_google(
        self,
    ) -> tuple[gcp.iam.WorkloadIdentityPoolProvider, gcp.serviceaccount.IAMMember]:
        """A pool that lets the function's role in, and nobody else, as the service account."""
        part, account = f"{self.pipeline}-reconcile", self.account
        pool = gcp.iam.WorkloadIdentityPool(
            part,
            workload_identity_pool_id=account.unique_id.apply(
                lambda unique: names.identity_pool(part, unique)
            ),
            description=f"Lets the load check of {self.pipeline} in",
            opts=self._child(),
        )
        provider = gcp.iam.WorkloadIdentityPoolProvider(
            part,
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id="amazon",
            aws=gcp.iam.WorkloadIdentityPoolProviderAwsArgs(account_id=self.args.account.id),
            # The whole ARN, which ends in the session's name, may be longer than a subject's 127 characters.
            attribute_mapping={"google.subject": "assertion.arn.extract('assumed-role/{role}/')"},
            # The mapping takes the subject from anywhere in the ARN, and an IAM user's path may have the form of a
            # role's session (arn:aws:iam::<account>:user/assumed-role/<role>/x). Only the whole ARN differs:
            # https://docs.cloud.google.com/iam/docs/workload-identity-federation#conditions
            attribute_condition=(
                f"assertion.arn.startsWith('{_session_of(self.args.account, names.role(part))}/')"
            ),
            opts=self._child(),
        )
        let_in = gcp.serviceaccount.IAMMember(
            part,
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=pulumi.Output.concat(
                "principal://iam.googleapis.com/", pool.name, "/subject/", names.role(part)
            ),
            opts=self._child(),
        )
        return provider, let_in

    def _function(
        self,
        warehouse: Warehouse,
        transfers: Mapping[str, pulumi.Input[str]],
        provider: gcp.iam.WorkloadIdentityPoolProvider,
        let_in: pulumi.Resource,
    ) -> LambdaFunction:
        args, counted, load = self.args, self.args.counted(), self.args.load_minute()
        landing, after = args.landing, args.compare_after_minutes
        gap = bigquery_schedules.longest_gap(args.schedule)
        # Loads at a time of day are checked on each day, so no run of an earlier load counts, however rarely it loads.
        at_a_time = bigquery_schedules.minute(args.schedule)
        within = after + int(gap.total_seconds()) // 60 - (0 if at_a_time is None else DAY)
        tables = [
            LoadedTable(
                args.physical(table),
                transfer,
                f"{landing.prefix}{table}/" if table in counted else None,
                args.is_copy(table),
            ).json()
            for table, transfer in transfers.items()
        ]
        environment = {
            variables.TABLES: pulumi.Output.json_dumps(tables),
            variables.BUCKET: landing.bucket,
            variables.CHECKED_MINUTES_AFTER: str(after),
            variables.RUN_WITHIN_MINUTES: str(within),
            variables.PIPELINE: self.pipeline,
            variables.AUDIENCE: pulumi.Output.concat("//iam.googleapis.com/", provider.name),
            variables.SERVICE_ACCOUNT: self.account.email,
            variables.PROJECT: args.gcp.project,
            variables.DATASET: warehouse.dataset,
            variables.LOCATION: args.place(),
        }
        if load is not None:
            environment[variables.LOAD_TIME] = f"{load // 60:02}:{load % 60:02}"
        if load is not None and args.storage_transfer and (lead := args.storage_transfer.lead(load)):
            environment[variables.COPIED_MINUTES_BEFORE] = str(lead)
        return LambdaFunction(
            f"{self.pipeline}-reconcile",
            args.account,
            args.functions,
            task=Task(
                handler="load_check",
                description=f"Checks each load of {self.pipeline}, and compares it with the exports that it took",
                statements=[
                    *_statements(landing, counted),
                    *(decrypt_statements(landing) if counted else []),
                ],
                environment=environment,
            ),
            topic=args.alarm_topic_arn,
            execution=Execution(
                retries=2,
                timeout_seconds=300,
                reserved_concurrency=args.reserved_concurrency,
            ),
            opts=self._child(let_in, warehouse),
        )

    def _schedule(self, function: LambdaFunction) -> None:
        assert function.failed is not None  # asynchronous
        load, after = bigquery_schedules.minute(self.args.schedule), self.args.compare_after_minutes
        at = None if load is None else (load + after) % DAY
        Schedule(
            f"{self.pipeline}-compare",
            self.args.account,
            expression="rate(1 hour)" if at is None else f"cron({at % 60} {at // 60} * * ? *)",
            timezone="UTC",
            target=Target(
                arn=function.arn,
                event=scheduled_time.EVENT,
                dead_letter_arn=function.failed.arn,
            ),
            meaning=f"Checks the last load of {self.pipeline}",
            opts=self._child(function),
        )

    def _alarms(self, transfers: Mapping[str, pulumi.Input[str]]) -> None:
        for table in self.args.tables:
            watch_table(self.pipeline, table, self.args, transfers[table], self._child())


def _session_of(account: AccountArgs, role: str) -> str:
    """What the ARN of each session of a role begins with
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns)."""
    return f"arn:{account.partition}:sts::{account.id}:assumed-role/{role}"


def _statements(landing: Landing, counted: Sequence[str]) -> list[Statement]:
    publish = Statement(
        "PublishLoadMetrics",
        ["cloudwatch:PutMetricData"],
        ["*"],
        {"StringEquals": {"cloudwatch:namespace": metric_names.NAMESPACE}},
        every_resource_because="a metric has no ARN; its namespace is the condition",
    )
    if not counted:
        return [publish]
    below = [f"{landing.prefix}{table}/{dynamodb_exports.MARK}" for table in counted]
    manifests = [
        pulumi.Output.concat(landing.bucket_arn(), f"/{at}*/{dynamodb_exports.SUMMARY}") for at in below
    ]
    listed = {"StringEquals": {"s3:prefix": below}}
    return [
        Statement("ListExports", ["s3:ListBucket"], [landing.bucket_arn()], listed),
        Statement("ReadManifests", ["s3:GetObject"], manifests),
        publish,
    ]
