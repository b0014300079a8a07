"""A run of an export's state machine, and what Athena counts beside what its sources hold.

`arrived` is what `SELECT count(*)` on `<table>_latest` says once the run that shows the tables at `due` or later has
ended; a source that failed has a row with the reason that the run's last step gave. The seconds are those of the run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from components.shared import scheduled_time
from local.samples import Cloud, Row, SampleError, declared_databases
from local.samples.mysql import Table
from operate.kinds import export as operated


def start(cloud: Cloud, pipeline: Mapping[str, Any], due: datetime) -> str:
    """The ARN of the execution."""
    return operated.start_run(cloud, pipeline, due)


def rows(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime | None) -> list[Row]:
    """What the newest run has published of each table."""
    from local.samples import export

    run, rows = latest_run(cloud, pipeline, due), list[Row]()
    over = run is not None and run["status"] != "RUNNING"
    failure = run.get("cause", "") if run and run["status"] == "FAILED" else ""
    seconds = (run["stopDate"] - run["startDate"]).total_seconds() if run and over else None
    for source, kind in pipeline["sources"].items():
        of_database = kind != "dynamodb"
        written = exported(cloud, name, source) if of_database else {}
        for table in written if of_database else [source]:
            rows_written = written[table].rows if of_database else export.size(cloud, pipeline, source, due)
            counts: dict[str, int | str] = {"rows in the source": rows_written}
            arrived, reason = 0, failure if source in failure else ""
            if run and over and not reason:
                arrived = counted(cloud, pipeline, run["executionArn"], called(cloud, name, table))
                counts["rows in Athena"] = arrived
            took = seconds if not reason else None
            rows.append(Row(name, pipeline["kind"], table, rows_written, arrived, took, counts, reason))
    return rows


def exported(cloud: Cloud, name: str, source: str) -> dict[str, Table]:
    """The tables of a database that an export publishes."""
    database, args = declared_databases.of_source(cloud.declared, name, source), cloud.declared.get(name)
    if args is None:
        return dict(database.tables)
    (of,) = [each for each in args.sources if each.name == source and not each.dynamodb]
    return {t: database.tables[t] for t in database.chosen(of.only) if t not in of.leave_out}


def called(cloud: Cloud, name: str, table: str) -> str:
    """What the catalog calls a table."""
    args = cloud.declared.get(name)
    names: Mapping[str, str] = args.names_in_catalog() if args else {}
    return names.get(table, table.replace(".", "_"))


def latest_run(cloud: Cloud, pipeline: Mapping[str, Any], due: datetime | None) -> dict[str, Any] | None:
    """The newest execution of the machine itself, for `due` or later."""
    client = cloud.client("stepfunctions", pipeline)
    runs = client.list_executions(stateMachineArn=pipeline["state_machine"])["executions"]
    for run in sorted(runs, key=lambda run: run["startDate"], reverse=True):
        described = client.describe_execution(executionArn=run["executionArn"])
        if due is None or datetime.fromisoformat(json.loads(described["input"])[scheduled_time.KEY]) >= due:
            return described
    return None


def ended(cloud: Cloud, pipeline: Mapping[str, Any], due: datetime | None) -> bool:
    """Whether a run for `due` or later is over; False of an export that has no state machine."""
    run = latest_run(cloud, pipeline, due) if "state_machine" in pipeline else None
    return run is not None and run["status"] != "RUNNING"


def counted(cloud: Cloud, pipeline: Mapping[str, Any], run: str, table: str) -> int:
    """The rows of the table's latest export, as Athena counts them; queried once a run."""
    known = (run, table)
    if known not in cloud.counted:
        cloud.counted[known] = int(
            query(cloud, pipeline, f'SELECT count(*) FROM "{table}_latest"')[0][0] or 0
        )
    return cloud.counted[known]


def query(cloud: Cloud, pipeline: Mapping[str, Any], sql: str) -> list[list[str | None]]:
    """The rows of a query in the pipeline's workgroup and database."""
    athena = cloud.client("athena", pipeline)
    query_id = athena.start_query_execution(
        QueryString=sql,
        WorkGroup=pipeline["workgroup"],
        QueryExecutionContext={"Database": pipeline["database"]},
    )["QueryExecutionId"]
    while (done := athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"])[
        "State"
    ] in (
        "QUEUED",
        "RUNNING",
    ):
        time.sleep(0.1)
    if done["State"] != "SUCCEEDED":
        raise SampleError(f"{sql}: {done.get('StateChangeReason')}")
    answer = athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"][1:]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in answer]
