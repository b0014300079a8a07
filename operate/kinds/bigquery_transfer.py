"""A transfer into BigQuery: the runs of the Data Transfer Service
(https://docs.cloud.google.com/bigquery/docs/reference/datatransfer/rest/v1/projects.locations.transferConfigs.runs),
the rows of the table (.../bigquery/docs/reference/rest/v2/tables#Table), and the copy's job, where there is one
(https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from components.shared.catalog_names import viewed_table
from operate.alarms import FiringAlarm
from operate.kinds.export import schedule_switches
from operate.outputs import Cloud
from operate.row import FAILING, NOTHING, OK, RUNNING, Described, Problem, TableStatus, when
from operate.switch import Switch


def tables(cloud: Cloud, name: str, pipeline: Described) -> list[TableStatus]:
    """A row a table, of the newest run of its transfer that has ended well."""
    return [_table(cloud, name, table, resources) for table, resources in pipeline["tables"].items()]


def _table(cloud: Cloud, name: str, table: str, resources: Mapping[str, Any]) -> TableStatus:
    listed: list[dict[str, Any]] = cloud.google("GET", f"/v1/{resources['transfer']}/runs").get(
        "transferRuns", []
    )
    runs = sorted(listed, key=lambda run: str(run.get("scheduleTime", "")), reverse=True)
    if not runs:
        return TableStatus(name, "bigquery-transfer", table, state=NOTHING)
    state, problems, nothing = OK, tuple[Problem, ...](), dict[str, Any]()
    if runs[0]["state"] in ("PENDING", "RUNNING"):
        state = RUNNING
    elif runs[0]["state"] != "SUCCEEDED":
        reason = runs[0].get("errorStatus", nothing).get("message", "no reason given")
        text = (
            f"The last load {runs[0]['state'].lower()}: {reason}. Readers see the loads before it. Correct the cause; "
            "the next load takes what was written since the last one that succeeded. All of its log: "
            f"bq show --transfer_log {runs[0]['name']}"
        )
        state, problems = FAILING, (Problem(text, since=when(runs[0].get("endTime"))),)
    loaded = next((run for run in runs if run["state"] == "SUCCEEDED"), nothing)
    arrived, due = when(loaded.get("endTime")), when(loaded.get("scheduleTime"))
    return TableStatus(
        name, "bigquery-transfer", table, arrived_at=arrived,
        late_seconds=(arrived - due).total_seconds() if arrived and due else None,
        rows=_rows(cloud, resources["view"]) if loaded else None, state=state, problems=problems,
    )  # fmt: skip


def _rows(cloud: Cloud, view: str) -> int | None:
    """The rows of the table below a view, `<project>.<dataset>.<table>_latest`; a row that was loaded twice counts
    twice."""
    project, dataset, name = view.split(".", 2)
    path = f"/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{quote(viewed_table(name), safe='')}"
    number = cloud.google("GET", path).get("numRows")
    return None if number is None else int(number)


def concerns(pipeline: Described, alarm: FiringAlarm) -> str | None:
    """The landing's table whose table in BigQuery an alarm names."""
    named = {
        viewed_table(resources["view"].split(".", 2)[2]): table
        for table, resources in pipeline["tables"].items()
    }
    return named.get(alarm.source or "")


def switches(cloud: Cloud, name: str, pipeline: Described) -> list[Switch]:
    """Each table's transfer, the job that copies to Cloud Storage, and the check of loads, which would fire for want of
    one."""

    def turn_transfer(transfer: str, on: bool) -> bool:
        if on != bool(cloud.google("GET", f"/v1/{transfer}").get("disabled")):
            return False
        cloud.google("PATCH", f"/v1/{transfer}?updateMask=disabled", {"disabled": not on})
        return True

    transfers = [
        Switch(
            f"transfer of {table}",
            lambda transfer=resources["transfer"]: (
                bool(cloud.google("GET", f"/v1/{transfer}").get("disabled")) or None
            ),
            lambda on, transfer=resources["transfer"]: turn_transfer(transfer, on),
            "The first load after it takes what was written since the last one.",
        )
        for table, resources in pipeline["tables"].items()
    ]
    return transfers + _copies(cloud, pipeline) + schedule_switches(cloud, pipeline, "No load is checked.")


def _copies(cloud: Cloud, pipeline: Described) -> list[Switch]:
    if not pipeline.get("copy"):
        return []
    job, project = pipeline["copy"]["job"], pipeline["project"]

    def off() -> bool | None:
        return cloud.google("GET", f"/v1/{job}?projectId={project}")["status"] == "DISABLED" or None

    def turn(on: bool) -> bool:
        if on != bool(off()):
            return False
        body = {
            "projectId": project, "transferJob": {"status": "ENABLED" if on else "DISABLED"},
            "updateTransferJobFieldMask": "status",
        }  # fmt: skip
        cloud.google("PATCH", f"/v1/{job}", body)
        return True

    return [Switch(f"copy {job}", off, turn, "Events of new objects wait in their queue, for its retention.")]


def run(cloud: Cloud, name: str, pipeline: Described, at: datetime) -> str:
    """Runs the copy, where it has a schedule of its own, and a load of each table of what has been copied."""
    begin_copy(cloud, pipeline)
    load(cloud, pipeline)
    return f"{name}: loads of {len(pipeline['tables'])} tables are under way"


def load(cloud: Cloud, pipeline: Described) -> None:
    """Runs a load of each table."""
    for table in pipeline["tables"].values():
        body = {"requestedRunTime": datetime.now(UTC).isoformat()}
        cloud.google("POST", f"/v1/{table['transfer']}:startManualRuns", body)


def begin_copy(cloud: Cloud, pipeline: Described) -> None:
    """Runs the job that copies to Cloud Storage, unless events of new objects do."""
    if not pipeline.get("copy"):
        return
    job, project = pipeline["copy"]["job"], pipeline["project"]
    if "schedule" in cloud.google("GET", f"/v1/{job}?projectId={project}"):
        cloud.google("POST", f"/v1/{job}:run", {"projectId": project})
