"""What a stack costs, of all that its program registers: an output, a table, and the ceiling that the config sets."""

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

import policy
from components.cost import Pipeline, as_registered, estimate, table
from components.stack.settings import CostArgs, Settings
from policy.ceiling import ESTIMATE


def report_cost(settings: Settings, checks: policy.Checks) -> pulumi.Output[dict[str, Any]]:
    """The estimate of the stack's cost as plain data (components/cost/estimates.py), which the program exports as
    `cost`. Prints its table at preview and at the update. Raises policy.Violated in the output where `cost.ceiling` is
    passed and mandatory."""

    async def reported() -> dict[str, Any]:
        estimate = described(await checks.resources(), settings)
        pulumi.log.info(table(estimate))
        judge(estimate, settings.cost)
        return estimate

    return pulumi.Output.from_input(reported())


def described(resources: Iterable[policy.Resource], settings: Settings) -> dict[str, Any]:
    """The estimate of what was registered for these settings."""
    pipelines = {
        name: Pipeline(each.kind, each.args, each.expected_usage())
        for name, each in settings.pipelines.items()
    }
    google = settings.gcp.location if settings.gcp else ""
    read = (
        as_registered(each.type, each.name, each.props, each.account, each.region, google, each.root)
        for each in resources
    )
    return estimate(read, pipelines).described()


def judge(estimated: Mapping[str, Any], allowed: CostArgs) -> None:
    """Warns where the estimate is above the ceiling, or raises policy.Violated where that is mandatory."""
    if allowed.ceiling is None:
        return
    least, most = estimated["month"]["all"]
    props = {"ceiling": allowed.ceiling, "least": least, "most": most}
    if violations := policy.check(policy.Resource(ESTIMATE, "cost", props)):
        if allowed.enforcement == "mandatory":
            raise policy.Violated(violations)
        for violation in violations:
            pulumi.log.warn(str(violation))
    elif most > allowed.ceiling:
        pulumi.log.info(
            f"cost: up to {most:,.2f} dollars a month, above the ceiling of {allowed.ceiling:,.2f}, if all scales to "
            "its most"
        )
