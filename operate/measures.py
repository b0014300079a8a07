"""What CloudWatch measured within the last day.

GetMetricData: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html; the names of
what was measured: .../API_ListMetrics.html, which lists what has had a data point in the past two weeks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from operate.outputs import Cloud

DAY = 86_400


@dataclass(frozen=True)
class Measured:
    """A metric of the last day."""

    value: float | None
    """The statistic over the day; None where nothing was measured."""
    last: datetime | None
    """The beginning of the last five minutes of which it is not zero."""


def measured(
    cloud: Cloud,
    place: Mapping[str, Any],
    namespace: str,
    metric: str,
    dimensions: Mapping[str, str],
    statistic: str = "Sum",
) -> Measured:
    """A metric of the last day, by five minutes. `statistic`: Sum or Maximum.

    `cloud`: the entered accounts. `place`: the account and region. `namespace`, `metric`, `dimensions`: the metric's,
    as the service publishes it."""
    now = datetime.now(UTC)
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    stat = {
        "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": listed},
        "Period": 300,
        "Stat": statistic,
    }
    points: list[tuple[datetime, float]] = []
    more: dict[str, str] = {}
    while True:
        answer = cloud.client("cloudwatch", place).get_metric_data(
            MetricDataQueries=[{"Id": "m", "MetricStat": stat}],
            StartTime=now - timedelta(seconds=DAY), EndTime=now + timedelta(minutes=5),
            ScanBy="TimestampAscending", **more,
        )  # fmt: skip
        for result in answer["MetricDataResults"]:
            points += zip(result["Timestamps"], result["Values"], strict=True)
        if not answer.get("NextToken"):
            break
        more = {"NextToken": answer["NextToken"]}
    values = [value for _, value in points]
    some = [at for at, value in points if value]
    combined = (sum if statistic == "Sum" else max)(values) if values else None
    return Measured(combined, max(some).astimezone(UTC) if some else None)


def names(
    cloud: Cloud, place: Mapping[str, Any], namespace: str, metric: str, dimensions: Mapping[str, str]
) -> list[dict[str, str]]:
    """The dimensions, all of each, under which a metric has been measured, among those that have `dimensions`."""
    pages = cloud.client("cloudwatch", place).get_paginator("list_metrics")
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return [
        {dimension["Name"]: dimension["Value"] for dimension in each["Dimensions"]}
        for page in pages.paginate(Namespace=namespace, MetricName=metric, Dimensions=listed)
        for each in page["Metrics"]
    ]
