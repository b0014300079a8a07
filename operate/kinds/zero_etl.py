"""A zero-ETL pipeline: the metrics of its ingestion pipelines
(https://docs.aws.amazon.com/opensearch-service/latest/developerguide/monitoring-pipeline-metrics.html), their state."""

from datetime import datetime
from typing import Any

from operate.alarms import FiringAlarm
from operate.measures import measured
from operate.outputs import Cloud, Refused
from operate.row import FAILING, LAST_DAY, NOTHING, OK, RUNNING, Described, Problem, TableStatus, when
from operate.switch import Off, Switch

NAMESPACE, DOCUMENTS, LATENCY = (
    "AWS/OSIS",
    "opensearch.documentsSuccess.count",
    "opensearch.EndToEndLatency.max",
)
STOPPED, MOVING = ("STOPPED", "STOPPING"), ("CREATING", "STARTING", "UPDATING")
"""https://docs.aws.amazon.com/opensearch-service/latest/APIReference/API_osis_Pipeline.html"""
WHILE_OFF = (
    "Changes stay in the table's stream for a day. Resumed, it exports the table anew and then follows its stream, so "
    "that what changed is in the index; an item that was deleted while it was off may stay there."
)


def tables(cloud: Cloud, name: str, pipeline: Described) -> list[TableStatus]:
    """A row a table: what was indexed within a day, and the longest that a change took."""
    described = {
        ingestion: _described(cloud, pipeline, ingestion)
        for ingestion in set(pipeline["ingestion_pipelines"].values())
    }
    return [
        _table(cloud, name, pipeline, table, described[ingestion])
        for table, ingestion in pipeline["ingestion_pipelines"].items()
    ]


def _table(
    cloud: Cloud, name: str, pipeline: Described, table: str, ingestion: dict[str, Any]
) -> TableStatus:
    of, part = {"PipelineName": ingestion["PipelineName"]}, pipeline["parts"][table]
    indexed = measured(cloud, pipeline, NAMESPACE, f"{part}.{DOCUMENTS}", of)
    latency = measured(cloud, pipeline, NAMESPACE, f"{part}.{LATENCY}", of, "Maximum")
    state, problems = OK if indexed.last else NOTHING, tuple[Problem, ...]()
    if ingestion["Status"] in MOVING:
        state = RUNNING
    elif ingestion["Status"] not in ("ACTIVE", *STOPPED):
        reason = ingestion.get("StatusReason", dict[str, str]()).get("Description", "no reason given")
        text = (
            f"The ingestion pipeline {ingestion['PipelineName']} is {ingestion['Status']}: {reason}. Changes stay in "
            f"the table's stream for a day. Correct the cause, then: pulumi up --stack {cloud.stack}"
        )
        state, problems = FAILING, (Problem(text, since=when(ingestion.get("LastUpdatedAt"))),)
    return TableStatus(
        name, "zero-etl", table, arrived_at=indexed.last,
        late_seconds=None if latency.value is None else latency.value / 1000,
        rows=None if indexed.value is None else int(indexed.value), counted=LAST_DAY, state=state, problems=problems,
    )  # fmt: skip


def _described(cloud: Cloud, pipeline: Described, ingestion: str) -> dict[str, Any]:
    return cloud.client("osis", pipeline).get_pipeline(PipelineName=ingestion)["Pipeline"]


def concerns(pipeline: Described, alarm: FiringAlarm) -> str | None:
    """The table whose part of the ingestion pipeline an alarm is about: a metric's name begins with the part's."""
    parts = sorted(pipeline["parts"].items(), key=lambda part: len(part[1]), reverse=True)
    ingestion = alarm.of.get("PipelineName")
    return next(
        (
            table
            for table, part in parts
            if alarm.metric.startswith(f"{part}.") and pipeline["ingestion_pipelines"][table] == ingestion
        ),
        None,
    )


def switches(cloud: Cloud, name: str, pipeline: Described) -> list[Switch]:
    """Its ingestion pipelines."""

    def off(ingestion: str) -> Off:
        described = _described(cloud, pipeline, ingestion)
        return (when(described.get("LastUpdatedAt")) or True) if described["Status"] in STOPPED else None

    def turn(ingestion: str, on: bool) -> bool:
        status, client = _described(cloud, pipeline, ingestion)["Status"], cloud.client("osis", pipeline)
        if on == (status not in STOPPED):
            return False
        if status not in ("STOPPED", "ACTIVE"):
            raise Refused(f"{name}: the ingestion pipeline {ingestion} is {status}; try again once it is not")
        (client.start_pipeline if on else client.stop_pipeline)(PipelineName=ingestion)
        return True

    return [
        Switch(
            f"ingestion pipeline {ingestion}",
            lambda ingestion=ingestion: off(ingestion),
            lambda on, ingestion=ingestion: turn(ingestion, on),
            WHILE_OFF,
        )
        for ingestion in sorted(set(pipeline["ingestion_pipelines"].values()))
    ]


def run(cloud: Cloud, name: str, pipeline: Described, at: datetime) -> str:
    """Raises Refused: it follows the tables' streams."""
    raise Refused(
        f"{name}: it follows its tables by itself; to have it export them anew, pause it, then resume it"
    )
