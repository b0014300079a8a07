"""A schedule that calls a Lambda function."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

import pulumi
import pulumi_aws as aws
from pydantic import AfterValidator

from components import names
from components.accounts import AccountArgs
from components.arguments import nearest
from components.iam import Statement, document, trust


def _schedule(value: str) -> str:
    at = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)", value)
    every = re.fullmatch(r"rate\(([1-9]\d*) (minute|hour|day)s?\)", value)
    if every:
        return value
    if not at:
        raise ValueError(
            f"'{value}' is not a schedule; write 'cron(minutes hours day-of-month month day-of-week year)', such as "
            "'cron(0 16 * * ? *)', or 'rate(6 hours)'"
        )
    if (at[3] == "?") == (at[5] == "?"):
        raise ValueError(
            f"'{value}' names both the day of the month and the day of the week, or neither; write '?' for just one "
            "of them, such as 'cron(0 16 * * ? *)'"
        )
    return value


_timezones = cache(available_timezones)  # it reads hundreds of files


def _timezone(value: str) -> str:
    if value not in _timezones():
        raise ValueError(f"'{value}' is not a time zone; {nearest(value, _timezones())[:80]}")
    return value


ScheduleExpression = Annotated[str, AfterValidator(_schedule)]
Timezone = Annotated[str, AfterValidator(_timezone)]


class FunctionSchedule(pulumi.ComponentResource):
    """An EventBridge schedule in its own group and time zone that calls `function_arn` with `event`
    (`<aws.scheduler.scheduled-time>` in it becomes the planned time, the same on a retry:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html).
    What the service can't deliver goes to `dead_letter_arn`. It costs nothing at rest."""

    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        *,
        expression: str,
        timezone: str,
        function_arn: str,
        event: Mapping[str, object],
        dead_letter_arn: pulumi.Input[str],
        meaning: str,
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:blocks:FunctionSchedule", name, None, opts)
        mine = pulumi.ResourceOptions(parent=self)
        physical = names.schedule(name)
        group = aws.scheduler.ScheduleGroup(name, name=physical, opts=mine)
        role = aws.iam.Role(
            name,
            name=names.role(name),
            # The service sends the group's ARN, not the schedule's:
            # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
            assume_role_policy=trust(
                "scheduler.amazonaws.com", account.id, account.arn("scheduler", f"schedule-group/{physical}")
            ),
            opts=mine,
        )
        policy = aws.iam.RolePolicy(
            name,
            name="schedule",
            role=role.name,
            policy=document(
                Statement("CallTheFunction", ["lambda:InvokeFunction"], [function_arn]),
                Statement("KeepWhatFailed", ["sqs:SendMessage"], [dead_letter_arn]),
            ),
            opts=mine,
        )
        schedule = aws.scheduler.Schedule(
            name,
            name=physical,
            group_name=group.name,
            description=meaning,
            schedule_expression=expression,
            schedule_expression_timezone=timezone,
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=aws.scheduler.ScheduleTargetArgs(
                arn=function_arn,
                role_arn=role.arn,
                input=json.dumps(event),
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=5
                ),
                dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=dead_letter_arn),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.name = schedule.name
        self.register_outputs({"name": self.name})
