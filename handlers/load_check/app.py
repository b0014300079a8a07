"""Checks each table's load: did it run, and, where the exports count their items, do its rows match them?

Event: {"scheduled_time": "2026-01-01T06:00:00Z"}; EventBridge Scheduler fills `<aws.scheduler.scheduled-time>` in,
CHECKED_MINUTES_AFTER a load's time. The function gets the newest run of every table's transfer from the Data Transfer
Service, of the last RUN_WITHIN_MINUTES, since its last load was due. Where the exports count their items, the load that
is checked is the last one due before the event's time: it took the exports whose manifest was written after the load
before, up to its own time, and put them into its day's partition (WRITE_APPEND to `<table>${run_date}`). A load that
failed shows as a shortage on its day, and as a surplus on the day that caught up. Returns {"tables": [{"table",
"state", "failed", and where counted "load_date", "expected", "loaded", "difference"}]}; a table that could not be
checked is named in one `LoadsNotChecked` after the others' metrics are out, so the function's errors count too.

A table whose loads replace their day's partition (`newest`) has the rows of the last export before the load, and is
compared with that one alone.

Metrics: components/shared/metric_names.py.

Where the files are copied first, a load took what had been written COPIED_MINUTES_BEFORE its time.

Environment: components/shared/variables.py.

The tables: components/shared/loaded_tables.py. No key of Google's is stored.
"""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import boto3
import dynamodb_exports
import metric_names
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from counts import (
    Load,
    LoadsNotChecked,
    Settings,
    awaited,
    count_sql,
    due_load,
    last_run,
    manifests_taken,
    metrics,
    result,
    run_result,
)
from dynamodb_exports import UNREADABLE
from federation import Google, GoogleRefused
from loaded_tables import LoadedTable
from scheduled_time import planned

logger = Logger(service="load_check")
settings = Settings.read(os.environ)
retries = Config(retries={"mode": "standard", "total_max_attempts": 5})
s3, cloudwatch = (boto3.client(name, config=retries) for name in ("s3", "cloudwatch"))
google = Google(boto3.Session(), settings.audience, settings.service_account, settings.google_endpoint)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Checks the last load of each table. Raises LoadsNotChecked."""
    at = planned(event)
    checked: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for table in settings.tables:
        try:
            checked.append(newest_run_result(table, at))
            publish(table, checked[-1])  # before the count, which may be refused
            if table.prefix is not None:
                counted = count(
                    table, table.prefix, due_load(at, settings.load_time, settings.copied_minutes_before)
                )
                publish(table, counted)
                checked[-1] |= counted
        # What a manifest or an answer of another shape raises fails its table alone: the others are checked.
        except (ClientError, BotoCoreError, GoogleRefused, *UNREADABLE) as error:
            failed[table.table] = (
                f"{type(error).__name__}: {error}" if isinstance(error, UNREADABLE) else str(error)
            )
            logger.error("load not checked", table=table.table, reason=str(error))
            continue
        logger.info("load checked", **checked[-1])
    if failed:
        raise LoadsNotChecked(failed)
    return {"tables": checked}


def newest_run_result(table: LoadedTable, at: datetime) -> dict[str, Any]:
    """Whether the table's last load came and succeeded."""
    run = last_run(google.runs(table.transfer), at, settings)
    return run_result(table, run, run is None and awaited(google.transfer(table.transfer), at, settings))


def publish(table: LoadedTable, outcome: Mapping[str, Any]) -> None:
    """Puts the metrics of an outcome."""
    cloudwatch.put_metric_data(
        Namespace=metric_names.NAMESPACE, MetricData=metrics(settings.pipeline, table, outcome)
    )


def count(table: LoadedTable, prefix: str, load: Load) -> dict[str, Any]:
    """The rows that BigQuery has of a load, and those that its exports hold."""
    expected = sum(item_count(key) for key in manifests_taken(manifests(prefix), load, newest=table.newest))
    loaded = google.count(settings.project, settings.location, count_sql(settings, table, load))
    return result(load, expected, loaded)


def manifests(prefix: str) -> Iterator[tuple[str, datetime]]:
    """The keys below a table's exports, and when each was written."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=settings.bucket, Prefix=f"{prefix}{dynamodb_exports.MARK}"
    )
    return ((item["Key"], item["LastModified"]) for page in pages for item in page.get("Contents", []))


def item_count(key: str) -> int:
    """The items of an export, by its summary."""
    return dynamodb_exports.item_count(
        json.loads(s3.get_object(Bucket=settings.bucket, Key=key)["Body"].read())["itemCount"]
    )
