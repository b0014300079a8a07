"""A heart beat: Lambda's metric of the calls of its function."""

from datetime import datetime

from operate.alarms import FiringAlarm
from operate.measures import measured
from operate.outputs import Cloud
from operate.row import LAST_DAY, NOTHING, OK, Described, TableStatus
from operate.switch import Switch


def tables(cloud: Cloud, name: str, pipeline: Described) -> list[TableStatus]:
    """One row: the beats of a day."""
    of = {"FunctionName": str(pipeline["function"])}
    beats = measured(cloud, pipeline, "AWS/Lambda", "Invocations", of)
    state = OK if beats.last else NOTHING
    return [TableStatus(name, "heart-beat", "-", arrived_at=beats.last, counted=LAST_DAY, state=state)]


def concerns(pipeline: Described, alarm: FiringAlarm) -> str | None:
    """None: there is one row."""
    return None


def switches(cloud: Cloud, name: str, pipeline: Described) -> list[Switch]:
    """None."""
    return []


def run(cloud: Cloud, name: str, pipeline: Described, at: datetime) -> str:
    """A beat."""
    cloud.client("lambda", pipeline).invoke(FunctionName=pipeline["function"], InvocationType="Event")
    return f"{name}: a beat is under way"
