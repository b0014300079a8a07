"""Which run is a load's, which exports it took, and the result of the load check. Pure.

The layout is DynamoDB's (<prefix>AWSDynamoDB/<export id>/manifest-summary.json, with `itemCount`):
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
The rule of which files a load takes is the Data Transfer Service's, by time of modification:
https://docs.cloud.google.com/bigquery/docs/s3-transfer-intro#incremental_transfers
A run's times and states:
https://docs.cloud.google.com/bigquery/docs/reference/datatransfer/rest/v1/projects.locations.transferConfigs.runs
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import metric_names
import variables
from dynamodb_exports import SUMMARY_KEY
from loaded_tables import LoadedTable

METRICS = {
    metric_names.LOAD_FAILED: "failed",
    metric_names.LOAD_DIFFERENCE: "difference",
    metric_names.LOADED: "loaded",
}
UNFINISHED = ("PENDING", "RUNNING")


@dataclass(frozen=True)
class Load:
    """A load's day, and between which times its files were written: of the load before and of its own, or of the copies
    that they took them from."""

    day: date
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Settings:
    """The function's environment."""

    tables: tuple[LoadedTable, ...]
    bucket: str
    load_time: str
    checked_after: timedelta
    run_within: timedelta
    pipeline: str
    project: str
    dataset: str
    location: str
    audience: str
    service_account: str
    google_endpoint: str | None
    copied_minutes_before: int

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """From the environment. Raises KeyError for a variable that is not there."""
        return cls(
            tables=tuple(LoadedTable(**table) for table in json.loads(environ[variables.TABLES])),
            bucket=environ[variables.BUCKET],
            load_time=environ.get(variables.LOAD_TIME) or "",
            checked_after=timedelta(minutes=int(environ[variables.CHECKED_MINUTES_AFTER])),
            run_within=timedelta(minutes=int(environ[variables.RUN_WITHIN_MINUTES])),
            pipeline=environ[variables.PIPELINE],
            project=environ[variables.PROJECT],
            dataset=environ[variables.DATASET],
            location=environ[variables.LOCATION],
            audience=environ[variables.AUDIENCE],
            service_account=environ[variables.SERVICE_ACCOUNT],
            google_endpoint=environ.get(variables.GOOGLE_ENDPOINT) or None,
            copied_minutes_before=int(environ.get(variables.COPIED_MINUTES_BEFORE) or 0),
        )


class LoadsNotChecked(Exception):
    """Names every table that could not be checked, and why."""

    def __init__(self, failed: Mapping[str, str]):
        super().__init__("; ".join(f"{table}: {reason}" for table, reason in failed.items()))


def last_run(runs: Iterable[Mapping[str, Any]], at: datetime, settings: Settings) -> Mapping[str, Any] | None:
    """The newest run of a transfer since its last load was due; None where there is none. A run that began lately and
    is not finished does not count."""
    begun = [(datetime.fromisoformat(run["scheduleTime"]), run) for run in runs]
    came = [
        (when, run)
        for when, run in begun
        if when >= at - settings.run_within
        and (run["state"] not in UNFINISHED or when <= at - settings.checked_after)
    ]
    return max(came, key=lambda timed: timed[0])[1] if came else None


def awaited(config: Mapping[str, Any], at: datetime, settings: Settings) -> bool:
    """Whether a transfer's first load is not due yet: it was created or changed after the last load's time."""
    changed, to_come = config["updateTime"], None if config.get("disabled") else config.get("nextRunTime")
    return (
        to_come is not None
        and datetime.fromisoformat(to_come) > at
        and datetime.fromisoformat(changed) >= at - settings.run_within
    )


def run_result(table: LoadedTable, run: Mapping[str, Any] | None, not_due_yet: bool) -> dict[str, Any]:
    """{table, state, failed} of a table's newest run; `failed` is 1 unless it succeeded or is not due yet."""
    state = run["state"] if run else "AWAITED" if not_due_yet else "MISSING"
    return {"table": table.table, "state": state, "failed": int(state not in ("SUCCEEDED", "AWAITED"))}


def due_load(at: datetime, load_time: str, copied_minutes_before: int = 0) -> Load:
    """The last load due before that time; it took what had been written when its files were copied."""
    hour, minute = (int(part) for part in load_time.split(":"))
    until = at.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if until > at:
        until -= timedelta(days=1)
    taken = until - timedelta(minutes=copied_minutes_before)
    return Load(until.date(), taken - timedelta(days=1), taken)


def manifests_taken(
    objects: Iterable[tuple[str, datetime]], load: Load, *, newest: bool = False
) -> list[str]:
    """The manifests of the exports that were written between the load before and this one; `newest`: of the last one
    before this load, whenever that was."""
    until = [
        (written, key) for key, written in objects if SUMMARY_KEY.fullmatch(key) and written <= load.until
    ]
    if newest:
        return [key for _, key in sorted(until)[-1:]]
    return [key for written, key in until if load.since < written]


def count_sql(settings: Settings, table: LoadedTable, load: Load) -> str:
    """The statement that counts the rows of a load's partition."""
    return (
        f"SELECT COUNT(*) FROM `{settings.project}.{settings.dataset}.{table.table}` "
        f"WHERE _PARTITIONDATE = DATE '{load.day.isoformat()}'"
    )


def result(load: Load, expected: int, loaded: int) -> dict[str, Any]:
    """What the count of a load says."""
    return {
        "load_date": load.day.isoformat(),
        "expected": expected,
        "loaded": loaded,
        "difference": loaded - expected,
    }


def metrics(pipeline: str, table: LoadedTable, outcome: Mapping[str, Any]) -> list[dict[str, object]]:
    """The metrics that an outcome has, as PutMetricData takes them."""
    dimensions = metric_names.of_table(pipeline, table.table)
    return [
        metric_names.datum(name, outcome[key], dimensions) for name, key in METRICS.items() if key in outcome
    ]
