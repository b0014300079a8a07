"""EventBridge's schedules and rules, on and off.

A schedule has no switch of its own: UpdateSchedule takes it whole, and what is left out becomes a default
(https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html). A rule has one:
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DisableRule.html.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from operate.outputs import Cloud
from operate.row import when

# What GetSchedule gives and UpdateSchedule takes, by botocore's models of both.
WHOLE = (
    "ActionAfterCompletion", "Description", "EndDate", "FlexibleTimeWindow", "GroupName", "KmsKeyArn", "Name",
    "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "State", "Target",
)  # fmt: skip


def off_since(cloud: Cloud, place: Mapping[str, Any], name: str) -> datetime | None:
    """When the schedule was switched off; None where it is on. The schedule's group has its name."""
    schedule = cloud.client("scheduler", place).get_schedule(GroupName=name, Name=name)
    return when(schedule["LastModificationDate"]) if schedule["State"] == "DISABLED" else None


def switch(cloud: Cloud, place: Mapping[str, Any], name: str, *, on: bool) -> bool:
    """Switches a schedule on or off, and leaves all else of it as it is; whether that changed anything."""
    client, state = cloud.client("scheduler", place), "ENABLED" if on else "DISABLED"
    schedule = client.get_schedule(GroupName=name, Name=name)
    if schedule["State"] == state:
        return False
    whole = {key: schedule[key] for key in WHOLE if schedule.get(key) not in (None, "")}
    client.update_schedule(**whole | {"State": state})
    return True


def rule_is_off(cloud: Cloud, place: Mapping[str, Any], name: str) -> bool:
    """Whether a rule of the default bus is switched off."""
    return cloud.client("events", place).describe_rule(Name=name)["State"] == "DISABLED"


def switch_rule(cloud: Cloud, place: Mapping[str, Any], name: str, *, on: bool) -> bool:
    """Switches a rule of the default bus on or off; whether that changed anything."""
    client = cloud.client("events", place)
    if rule_is_off(cloud, place, name) != on:
        return False
    (client.enable_rule if on else client.disable_rule)(Name=name)
    return True
