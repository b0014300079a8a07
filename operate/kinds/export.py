"""An export: the record of what is published of each table, the runs of its state machine, its schedule.

With `run: simple` there is neither: DynamoDB's own list of the table's exports says what came.
"""

import json
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from components.shared import landing_folders, scheduled_time
from components.shared.run_commands import start_command
from operate import schedules
from operate.alarms import FiringAlarm
from operate.outputs import Cloud, Refused, partition
from operate.row import FAILING, LAST_RUN, NOTHING, OK, RUNNING, Described, Problem, TableStatus, when
from operate.switch import Switch

RECORD = landing_folders.published_record("").rpartition("/")[2]


def tables(cloud: Cloud, name: str, pipeline: Described) -> list[TableStatus]:
    """A row for each table that is published, and for each source of which nothing is."""
    if "state_machine" not in pipeline:
        return [_exported(cloud, name, pipeline, table) for table in pipeline["landing"]["tables"]]
    run, rows = newest_run(cloud, pipeline), list[TableStatus]()
    without = dict.fromkeys(pipeline["sources"])
    for record, arrived in records(cloud, pipeline):
        source = str(record.get("source") or record["table"])
        without.pop(source, None)
        state, problems = _of_run(run, source)
        late = (arrived - datetime.fromisoformat(record["exported_to"])).total_seconds()
        table = (
            source
            if pipeline["sources"].get(source) == "dynamodb"
            else str(record.get("of") or record["table"])
        )
        rows.append(
            TableStatus(
                name, pipeline["kind"], table, arrived_at=arrived, late_seconds=late, rows=record["rows"],
                state=state or OK,
                problems=problems,
            )
        )  # fmt: skip
    for source in without:
        state, problems = _of_run(run, source)
        rows.append(TableStatus(name, pipeline["kind"], source, state=state or NOTHING, problems=problems))
    return rows


def records(cloud: Cloud, pipeline: Described) -> Iterator[tuple[Mapping[str, Any], datetime]]:
    """The record of each published table, and when it was written (components/shared/run_records.py)."""
    s3, bucket = cloud.client("s3", pipeline), pipeline["bucket"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=landing_folders.STATE)
    for page in pages:
        for entry in page.get("Contents", []):
            if entry["Key"].endswith(f"/{RECORD}"):
                content = json.loads(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
                yield content, entry["LastModified"].astimezone(UTC)


def newest_run(cloud: Cloud, pipeline: Described) -> dict[str, Any] | None:
    """The newest execution of the state machine, described; None where there was none."""
    client = cloud.client("stepfunctions", pipeline)
    listed = client.list_executions(stateMachineArn=pipeline["state_machine"], maxResults=10)["executions"]
    newest = max(listed, key=lambda run: run["startDate"], default=None)
    return client.describe_execution(executionArn=newest["executionArn"]) if newest else None


def _of_run(run: Mapping[str, Any] | None, source: str) -> tuple[str, tuple[Problem, ...]]:
    """What the newest run says of a source: a state, or none, and why it failed."""
    if run is None:
        return "", ()
    if run["status"] == "RUNNING":
        return RUNNING, ()
    cause = str(run.get("cause") or run.get("error") or run["status"])
    if run["status"] == "SUCCEEDED" or (
        run["status"] == "FAILED" and source not in cause and "source" in cause
    ):
        return "", ()
    text = (
        f"The last run {run['status'].lower().replace('_', ' ')}: {cause} Readers see what was published before. "
        "Correct the cause, then start it again with the same input: "
        f"{start_command(run['stateMachineArn'], shlex.quote(run.get('input', '{}')))}"
    )
    return FAILING, (Problem(text, since=when(run.get("stopDate"))),)


def exports(cloud: Cloud, landing: Mapping[str, Any], table: str) -> Iterator[dict[str, Any]]:
    """The exports of a table into the landing that show it at a time, described; an incremental one shows changes."""
    dynamodb, region = cloud.client("dynamodb", landing), landing["region"]
    arn = f"arn:{partition(region)}:dynamodb:{region}:{landing['account']}:table/{table}"
    more: dict[str, str] = {}
    while True:  # botocore has no paginator for it
        page = dynamodb.list_exports(TableArn=arn, **more)
        for summary in page["ExportSummaries"]:
            export = dynamodb.describe_export(ExportArn=summary["ExportArn"])["ExportDescription"]
            if export["S3Bucket"] == landing["bucket"] and "ExportTime" in export:
                yield export
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def _exported(cloud: Cloud, name: str, pipeline: Described, table: str) -> TableStatus:
    newest = max(
        exports(cloud, pipeline["landing"], table), key=lambda export: export["ExportTime"], default=None
    )
    if newest is None:
        return TableStatus(name, "export", table, state=NOTHING)
    if newest["ExportStatus"] == "FAILED":
        text = f"The last export failed: {newest.get('FailureCode')}: {newest.get('FailureMessage')}"
        return TableStatus(
            name, "export", table, state=FAILING, problems=(Problem(text, since=when(newest.get("EndTime"))),)
        )
    if newest["ExportStatus"] != "COMPLETED":
        return TableStatus(name, "export", table, state=RUNNING)
    arrived = when(newest["EndTime"])
    late = (newest["EndTime"] - newest["ExportTime"]).total_seconds()
    return TableStatus(
        name,
        "export",
        table,
        arrived_at=arrived,
        late_seconds=late,
        rows=newest.get("ItemCount"),
        counted=LAST_RUN,
    )


def concerns(pipeline: Described, alarm: FiringAlarm) -> str | None:
    """The source that an alarm is about."""
    return alarm.source


def switches(cloud: Cloud, name: str, pipeline: Described) -> list[Switch]:
    """Its schedule, and the rule by which a snapshot starts a run."""
    while_off = "A snapshot that is made meanwhile starts no run."
    return [*schedule_switches(cloud, pipeline), *rule_switches(cloud, pipeline, while_off)]


def rule_switches(cloud: Cloud, pipeline: Described, while_off: str) -> list[Switch]:
    """The rules that a pipeline's outputs name."""

    def of_rule(rule: str) -> Switch:
        return Switch(
            f"rule {rule}",
            lambda: schedules.rule_is_off(cloud, pipeline, rule) or None,
            lambda on: schedules.switch_rule(cloud, pipeline, rule, on=on),
            while_off,
        )

    rules: list[str] = pipeline.get("rules") or []
    return list(map(of_rule, rules))


def schedule_switches(cloud: Cloud, pipeline: Described, while_off: str = "No run begins.") -> list[Switch]:
    """The schedules that a pipeline's outputs name."""

    def of_schedule(schedule: str) -> Switch:
        return Switch(
            f"schedule {schedule}",
            lambda: schedules.off_since(cloud, pipeline, schedule),
            lambda on: schedules.switch(cloud, pipeline, schedule, on=on),
            while_off,
        )

    named: list[str] = pipeline.get("schedules") or []
    return list(map(of_schedule, named))


def run(cloud: Cloud, name: str, pipeline: Described, at: datetime) -> str:
    """Starts a run with what the schedule would send at that time. Raises Refused where the function fails."""
    if "state_machine" in pipeline:
        return f"{name}: a run is under way: {start_run(cloud, pipeline, at)}"
    answer = cloud.client("lambda", pipeline).invoke(
        FunctionName=pipeline["function"], Payload=_planned(at).encode()
    )
    if answer.get("FunctionError"):
        raise Refused(f"{name}: {pipeline['function']} failed: {answer['Payload'].read().decode()[:2000]}")
    return f"{name}: the exports of {len(pipeline['landing']['tables'])} tables are under way"


def start_run(cloud: Cloud, pipeline: Described, at: datetime) -> str:
    """Starts a run of the state machine for a time; the execution's ARN."""
    started = cloud.client("stepfunctions", pipeline).start_execution(
        stateMachineArn=pipeline["state_machine"], input=_planned(at)
    )
    return str(started["executionArn"])


def _planned(at: datetime) -> str:
    return json.dumps({scheduled_time.KEY: at.astimezone(UTC).isoformat().replace("+00:00", "Z")})
