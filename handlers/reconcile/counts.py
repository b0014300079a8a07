"""Which exports a load took, and what the comparison says. Pure.

The layout is DynamoDB's (<prefix>AWSDynamoDB/<export id>/manifest-summary.json, with `itemCount`):
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
The rule of which files a load takes is the Data Transfer Service's, by time of modification:
https://docs.cloud.google.com/bigquery/docs/s3-transfer-intro#incremental_transfers
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True)
class Table:
    prefix: str
    table: str


@dataclass(frozen=True)
class Load:
    """A load's day, and between which times its files were written: of the load before and of its own, or of the copies
    that they took them from."""

    day: date
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Settings:
    tables: tuple[Table, ...]
    bucket: str
    load_time: str
    pipeline: str
    namespace: str
    project: str
    dataset: str
    location: str
    audience: str
    service_account: str
    google_endpoint: str | None
    copied_minutes_before: int

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        return cls(
            tables=tuple(Table(**table) for table in json.loads(environ["TABLES"])),
            bucket=environ["BUCKET"],
            load_time=environ["LOAD_TIME"],
            pipeline=environ["PIPELINE"],
            namespace=environ.get("NAMESPACE") or "Tributary",
            project=environ["PROJECT"],
            dataset=environ["DATASET"],
            location=environ["LOCATION"],
            audience=environ["AUDIENCE"],
            service_account=environ["SERVICE_ACCOUNT"],
            google_endpoint=environ.get("GOOGLE_ENDPOINT") or None,
            copied_minutes_before=int(environ.get("COPIED_MINUTES_BEFORE") or 0),
        )


class NotReconciled(Exception):
    """Names every table that could not be compared, and why."""

    def __init__(self, failed: Mapping[str, str]):
        super().__init__("; ".join(f"{table}: {reason}" for table, reason in failed.items()))


def due_load(event: Mapping, load_time: str, copied_minutes_before: int = 0) -> Load:
    """The last load due before the event's time; it took what had been written when its files were copied."""
    text = event.get("scheduled_time") if isinstance(event, Mapping) else None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError(
            f"scheduled_time is {text!r}; expected a time with its zone such as '2026-01-01T16:00:00Z' "
            "(a schedule's input has '<aws.scheduler.scheduled-time>' there)"
        )
    hour, minute = (int(part) for part in load_time.split(":"))
    at = at.astimezone(UTC)
    until = at.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if until > at:
        until -= timedelta(days=1)
    taken = until - timedelta(minutes=copied_minutes_before)
    return Load(until.date(), taken - timedelta(days=1), taken)


def taken(objects: Iterable[tuple[str, datetime]], load: Load) -> list[str]:
    """The manifests of the exports that were written between the load before and this one."""
    manifest = re.compile(r".*AWSDynamoDB/[^/]+/manifest-summary\.json")
    return [key for key, written in objects if manifest.fullmatch(key) and load.since < written <= load.until]


def count_sql(settings: Settings, table: Table, load: Load) -> str:
    return (
        f"SELECT COUNT(*) FROM `{settings.project}.{settings.dataset}.{table.table}` "
        f"WHERE _PARTITIONDATE = DATE '{load.day.isoformat()}'"
    )


def result(table: Table, load: Load, expected: int, loaded: int) -> dict:
    return {
        "table": table.table,
        "load_date": load.day.isoformat(),
        "expected": expected,
        "loaded": loaded,
        "difference": loaded - expected,
    }


def metrics(pipeline: str, compared: Mapping) -> list[dict]:
    dimensions = [{"Name": "Pipeline", "Value": pipeline}, {"Name": "Table", "Value": compared["table"]}]
    return [
        {"MetricName": name, "Dimensions": dimensions, "Value": compared[key], "Unit": "Count"}
        for name, key in (("BigQueryDifference", "difference"), ("BigQueryLoaded", "loaded"))
    ]
