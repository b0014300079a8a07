"""The alarms of an account that ring, and how a test that made them ring leaves the stack to others as it was.

An alarm on a sum rings for its period, and no metric can be deleted. So what was counted is counted once more, below
zero: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html takes such a value.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from local.samples import Cloud


def ringing(cloud: Cloud, place: Mapping[str, Any]) -> dict[str, Any]:
    """The alarms that ring in the account and region of `place`, by name."""
    pages = cloud.client("cloudwatch", place).get_paginator("describe_alarms").paginate(StateValue="ALARM")
    return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}


def silence(cloud: Cloud, place: Mapping[str, Any]) -> None:
    """Takes back what the ringing alarms of `place` counted in the last hour. An AssertionError names those that still
    ring: of them no sum is counted, so the cause must end."""
    cloudwatch, now = cloud.client("cloudwatch", place), datetime.now(UTC)
    for alarm in ringing(cloud, place).values():
        metric = {key: alarm[key] for key in ("MetricName", "Dimensions")}
        points = cloudwatch.get_metric_statistics(
            Namespace=alarm["Namespace"], **metric, Statistics=["Sum"], Period=alarm["Period"],
            StartTime=now - timedelta(hours=1), EndTime=now + timedelta(minutes=5),
        )["Datapoints"]  # fmt: skip
        counted = sum(point["Sum"] for point in points)
        cloudwatch.put_metric_data(Namespace=alarm["Namespace"], MetricData=[{**metric, "Value": -counted}])
    assert sorted(ringing(cloud, place)) == []
