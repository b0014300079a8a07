"""A Firehose pipeline: the metrics of its delivery
(https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html)."""

import json
from datetime import datetime

from operate.alarms import FiringAlarm
from operate.kinds.export import schedule_switches
from operate.measures import measured
from operate.outputs import Cloud, Refused
from operate.row import LAST_DAY, NOTHING, OK, Described, TableStatus
from operate.switch import Switch

NAMESPACE, TO = "AWS/Firehose", "DeliveryToAmazonOpenSearchServerless"
WHILE_OFF = (
    "Delivery goes on, as Firehose has no switch; what fails is kept, and not put on the stream again."
)


def tables(cloud: Cloud, name: str, pipeline: Described) -> list[TableStatus]:
    """One row, of the index: what was delivered within a day, and the longest that a record waited."""
    of = {"DeliveryStreamName": pipeline["delivery_stream"]}
    delivered = measured(cloud, pipeline, NAMESPACE, f"{TO}.Records", of)
    oldest = measured(cloud, pipeline, NAMESPACE, f"{TO}.DataFreshness", of, "Maximum")
    return [
        TableStatus(
            name, "firehose", pipeline["index"], arrived_at=delivered.last, late_seconds=oldest.value,
            rows=None if delivered.value is None else int(delivered.value), counted=LAST_DAY,
            state=OK if delivered.last else NOTHING,
        )
    ]  # fmt: skip


def concerns(pipeline: Described, alarm: FiringAlarm) -> str | None:
    """The index, the only one."""
    return pipeline["index"]


def switches(cloud: Cloud, name: str, pipeline: Described) -> list[Switch]:
    """The schedule of its replay, where it has one."""
    return schedule_switches(cloud, pipeline, WHILE_OFF)


def run(cloud: Cloud, name: str, pipeline: Described, at: datetime) -> str:
    """Puts what was not delivered on the stream again, as its schedule would. Raises Refused where that fails."""
    answer = cloud.client("lambda", pipeline).invoke(
        FunctionName=pipeline["replay"], Payload=json.dumps({"errors": "transient"}).encode()
    )
    text = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise Refused(f"{name}: {pipeline['replay']} failed: {text[:2000]}")
    return f"{name}: what was not delivered was put on the stream again: {text}"
