"""A schedule that calls a Lambda function, or starts a state machine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import AfterValidator

from components import names
from components.accounts import AccountArgs
from components.iam import Statement, document, trust
from components.languages import aws_schedules

ScheduleExpression = Annotated[str, AfterValidator(aws_schedules.schedule)]
Timezone = Annotated[str, AfterValidator(aws_schedules.timezone)]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a schedule calls."""

    arn: str
    """Of a Lambda function, or of a state machine."""
    event: Mapping[str, object]
    """What it is called with."""
    dead_letter_arn: pulumi.Input[str]
    """Of the queue that keeps what could not be delivered."""
    action: Literal["lambda:InvokeFunction", "states:StartExecution"] = "lambda:InvokeFunction"


class Schedule(pulumi.ComponentResource):
    """An EventBridge schedule in its own group and time zone that hands its target an event
    (`<aws.scheduler.scheduled-time>` in it becomes the planned time, the same on a retry:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html).
    What the service can't deliver goes to the target's dead-letter queue. It costs nothing at rest."""

    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        *,
        expression: str,
        timezone: str,
        target: Target,
        meaning: str,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """`expression`: cron, rate or at. `timezone`: as in `Asia/Tokyo`. `target`: what it calls, and with which
        event. `meaning`: its description."""
        super().__init__("tributary:blocks:Schedule", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        physical = names.schedule(name)
        group = aws.scheduler.ScheduleGroup(name, name=physical, opts=child_opts)
        role = aws.iam.Role(
            name,
            name=names.role(name),
            permissions_boundary=account.permissions_boundary,
            # The service sends the group's ARN, not the schedule's:
            # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
            assume_role_policy=trust(
                "scheduler.amazonaws.com", account.id, account.arn("scheduler", f"schedule-group/{physical}")
            ),
            opts=child_opts,
        )
        policy = aws.iam.RolePolicy(
            name,
            name="schedule",
            role=role.name,
            policy=document(
                Statement("CallTheTarget", [target.action], [target.arn]),
                Statement("KeepWhatFailed", ["sqs:SendMessage"], [target.dead_letter_arn]),
            ),
            opts=child_opts,
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
                arn=target.arn,
                role_arn=role.arn,
                input=json.dumps(target.event),
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=5
                ),
                dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(
                    arn=target.dead_letter_arn
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.name = schedule.name
        self.register_outputs({"name": self.name})
