"""A schedule of whole minutes."""

import pulumi

from components.accounts import AccountArgs
from components.blocks.schedule import Schedule, Target


def tick(
    name: str,
    account: AccountArgs,
    minutes: int,
    function_arn: str,
    dead_letter_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> Schedule:
    """Calls the function every so many minutes, at least 2 (https://docs.aws.amazon.com/scheduler/latest/UserGuide/
    schedule-types.html#rate-based)."""
    return Schedule(
        name,
        account,
        expression=f"rate({minutes} minutes)",
        timezone="UTC",
        target=Target(arn=function_arn, event={}, dead_letter_arn=dead_letter_arn),
        meaning=f"Calls the function every {minutes} minutes",
        opts=opts,
    )
