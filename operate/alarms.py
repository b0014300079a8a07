"""Which alarms of a pipeline fire. What an alarm says, what happened, what it means and what to do, is in its
description (components/blocks/alarm.py).

DescribeAlarms with a prefix: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from components.shared import metric_names
from operate.outputs import Cloud, places
from operate.row import Described, Problem, when


@dataclass(frozen=True)
class FiringAlarm:
    """An alarm in state ALARM."""

    problem: Problem
    of: Mapping[str, str]
    """The dimensions of its metric."""
    metric: str

    @property
    def source(self) -> str | None:
        """The source or table that it is about, where its metric names one."""
        return self.of.get(metric_names.SOURCE) or self.of.get(metric_names.TABLE)


def firing(cloud: Cloud, pipeline: Described) -> list[FiringAlarm]:
    """The alarms of a pipeline that fire, in all its accounts. A pipeline whose name begins with another's and a dash
    has its own."""
    prefix, others = pipeline["alarms"], _longer(cloud, pipeline["alarms"])
    listed: list[FiringAlarm] = []
    for place in places(pipeline):
        pages = cloud.client("cloudwatch", place).get_paginator("describe_alarms")
        for page in pages.paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"]):
            listed += [
                _firing_alarm(alarm)
                for alarm in page["MetricAlarms"]
                if alarm["StateValue"] == "ALARM" and not alarm["AlarmName"].startswith(others)
            ]
    return listed


def _longer(cloud: Cloud, prefix: str) -> tuple[str, ...]:
    every: Iterable[str] = (other["alarms"] for other in cloud.pipelines.values())
    return tuple(other for other in every if other != prefix and other.startswith(prefix))


def _firing_alarm(alarm: Mapping[str, Any]) -> FiringAlarm:
    since: datetime | None = when(
        alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    )
    dimensions = {each["Name"]: each["Value"] for each in alarm.get("Dimensions", [])}
    problem = Problem(alarm.get("AlarmDescription", ""), alarm["AlarmName"], since)
    return FiringAlarm(problem, dimensions, alarm.get("MetricName", ""))
