"""One CloudWatch dashboard an account, made of the alarms that the pipelines' components registered there."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

import policy
from components import names
from components.accounts import AccountArgs
from components.pipelines.pipeline import Accounts, Deployed
from components.stack.dashboard import Row, TooMuch, Watched, arrived, body, console
from components.stack.settings import Settings

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
ARRIVED = ("catalog_tables", "delivery_stream", "index", "ingestion_pipelines", "parts")
"""The outputs of a pipeline that say what it is measured by."""


def dashboards(
    settings: Settings, accounts: Accounts, pipelines: Mapping[str, Deployed], checks: policy.Checks
) -> dict[str, dict[str, Any]]:
    """Registers a dashboard in each AWS account that has alarms, where the config has `dashboard: true`: by the
    account's id, the dashboard's name and its address, which the program exports as `dashboards`.

    A dashboard is its account's, in every region (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/
    API_PutDashboard.html), so that two of the config's accounts with one id have one."""
    if not settings.dashboard:
        return {}
    of_provider: dict[Any, AccountArgs] = {
        connection.provider: account for account, connection in accounts.aws.items()
    }
    alarms: dict[str, dict[str, list[pulumi.Output[Watched]]]] = {}
    for alarm in checks.registered(aws.cloudwatch.MetricAlarm):
        account = of_provider[alarm.get_provider(ALARM)]
        pipeline = _pipeline(alarm.pulumi_resource_name, pipelines)
        alarms.setdefault(account.id, {}).setdefault(pipeline, []).append(_watched(alarm, account, pipeline))
    shown: dict[str, dict[str, Any]] = {}
    for name, account in settings.accounts.items():
        if account.id in shown or account.id not in alarms:
            continue
        physical = names.dashboard(f"{name}-dashboard")
        rows = pulumi.Output.all(
            *(_row(key, settings, pipelines[key], account, of) for key, of in alarms[account.id].items())
        )
        text = rows.apply(lambda rows, account=account: _body(account, rows))
        dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=physical,
            dashboard_body=text,
            opts=pulumi.ResourceOptions(provider=accounts[account].provider),
        )
        shown[account.id] = {
            "name": dashboard.dashboard_name,
            "region": account.region,
            "url": console(account.partition, account.region, f"dashboards/dashboard/{physical}"),
        }
    return shown


def _pipeline(alarm: str, pipelines: Mapping[str, Deployed]) -> str:
    """The pipeline of an alarm, by their names: the longest that it begins with."""
    return max((name for name in pipelines if alarm.startswith(f"{name}-")), key=len)


def _watched(
    alarm: aws.cloudwatch.MetricAlarm, account: AccountArgs, pipeline: str
) -> pulumi.Output[Watched]:
    label = alarm.pulumi_resource_name.removeprefix(f"{pipeline}-")

    def read(of: Mapping[str, Any]) -> Watched:
        return Watched(
            label,
            account.arn("cloudwatch", f"alarm:{of['name']}"),
            account.region,
            of["namespace"],
            of["metric"],
            of["dimensions"] or {},
            of["statistic"],
            int(of["period"]),
            float(of["threshold"]),
            of["operator"].startswith("GreaterThan"),
        )

    return pulumi.Output.all(
        name=alarm.name, namespace=alarm.namespace, metric=alarm.metric_name, dimensions=alarm.dimensions,
        statistic=alarm.statistic, period=alarm.period, threshold=alarm.threshold,
        operator=alarm.comparison_operator,
    ).apply(read)  # fmt: skip


def _row(
    name: str,
    settings: Settings,
    pipeline: Deployed,
    account: AccountArgs,
    alarms: list[pulumi.Output[Watched]],
) -> pulumi.Output[Row]:
    """The row of a pipeline. What arrived is measured in the pipeline's own account."""
    here, kind = settings.pipelines[name].args.account, settings.pipelines[name].kind
    outputs = {key: pipeline.outputs[key] for key in ARRIVED if key in pipeline.outputs}
    prefix: str = names.alarm(f"{name}-x").removesuffix("x")

    def read(of: Mapping[str, Any]) -> Row:
        measured = arrived(name, kind, of["outputs"]) if here.id == account.id else []
        region = here.region if here.id == account.id else of["alarms"][0].region
        return Row(name, kind, region, prefix, of["alarms"], measured)

    return pulumi.Output.all(outputs=outputs, alarms=alarms).apply(read)


def _body(account: AccountArgs, rows: list[Row]) -> str:
    """The body as JSON. Raises pulumi.RunError where it would be more than CloudWatch takes."""
    stack = pulumi.get_stack()
    title = (
        f"# {pulumi.get_project()} {stack}, account {account.id}\n"
        f"Made by `pulumi up --stack {stack}`; what is changed here is undone by the next deployment that changes it. "
        f"What is late, what fails and what to do: `make status STACK={stack}`"
    )
    try:
        return json.dumps(body(title, rows, account.partition))
    except TooMuch as error:
        raise pulumi.RunError(f"dashboard: of account {account.id} {error}") from error
