"""Which export of a table comes next, and what is to be done with it. Pure.

Incremental exports tile time exactly: each window begins where the last published one ended (its start is in the
window, its end is not), and spans 15 minutes to 24 hours. A run that comes less than 15 minutes after the last one
exports nothing and leaves the time to the next. After a gap the windows are worked off one by one, each at most a day
long and cut so that what is left is no shorter than 15 minutes. Older than recovery ever reaches back (35 days, less
one for the run itself), or than the service says it does (a table's recovery may be younger, or kept for fewer days): a
full export, from which the next window begins.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_IncrementalExportSpecification.html
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import dynamodb_exports
import landing_folders
from catalog_names import partition_folder
from run_records import PublishedRecord
from run_sources import FULL, ICEBERG, RunSource
from run_steps import TableExport, TableWork
from sources import Settings

SHORTEST, LONGEST, REACH = timedelta(minutes=15), timedelta(hours=24), timedelta(days=34)


@dataclass(frozen=True)
class Span:
    """What an export shows: all of the table at `until`, or what changed from `since` on and before `until`."""

    until: datetime
    since: datetime | None
    due: datetime

    def export(self, arn: str, notice: str) -> TableExport:
        """The export that was started for it."""
        return {
            "arn": arn,
            "until": self.until.isoformat(),
            "since": self.since.isoformat() if self.since else None,
            "more": self.due - self.until >= SHORTEST and self.since is not None,
            "notice": notice,
        }


def everything(due: datetime) -> Span:
    """A full export."""
    return Span(due, None, due)


def span(source: RunSource, current: PublishedRecord | None, due: datetime) -> Span | None:
    """The next export; None when none is due."""
    if source.mode == FULL or not current:
        return everything(due)
    since = datetime.fromisoformat(current["exported_to"])
    if due - since < SHORTEST:
        return None
    if due - since > REACH:
        return everything(due)
    left = due - since
    if left <= LONGEST:
        return Span(due, since, due)
    # The last window must not be too short for the service.
    return Span(since + (LONGEST if left - LONGEST >= SHORTEST else LONGEST - SHORTEST), since, due)


def request(source: RunSource, span: Span, attempt: int, settings: Settings) -> dict[str, Any]:
    """The parameters of ExportTableToPointInTime
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html)."""
    what: dict[str, Any] = (
        {
            "ExportType": "INCREMENTAL_EXPORT",
            "IncrementalExportSpecification": {
                "ExportFromTime": span.since,
                "ExportToTime": span.until,
                "ExportViewType": "NEW_IMAGE",
            },
        }
        if span.since
        else {"ExportType": "FULL_EXPORT", "ExportTime": span.until}
    )
    encryption = (
        {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": settings.kms_key_arn}
        if settings.kms_key_arn
        else {"S3SseAlgorithm": "AES256"}
    )
    parameters: dict[str, Any] = {
        "TableArn": source.arn,
        "ExportFormat": "DYNAMODB_JSON",
        "S3Bucket": settings.bucket,
        "S3BucketOwner": settings.bucket_owner,
        "S3Prefix": landing_folders.raw(source.name),
        **what,
        **encryption,
    }
    # The same for every try, so that a second try starts no second export (for 8 hours). Other parameters need another
    # token: the service refuses a known token with other parameters, also those of another stack's export of the table.
    named = repr((settings.pipeline, attempt, sorted(parameters.items())))
    return parameters | {"ClientToken": hashlib.sha256(named.encode()).hexdigest()[:32]}


def keys(described: Mapping[str, Any]) -> dict[str, str]:
    """A table's key attributes, the partition's first, with the types of S, N or B."""
    types = {a["AttributeName"]: a["AttributeType"] for a in described["AttributeDefinitions"]}
    ordered = sorted(described["KeySchema"], key=lambda key: key["KeyType"])  # HASH before RANGE
    return {key["AttributeName"]: types[key["AttributeName"]] for key in ordered}


def work(
    source: RunSource,
    started: TableExport,
    export: Mapping[str, Any],
    keys: Mapping[str, str],
    current: PublishedRecord | None,
) -> TableWork:
    """Where everything of a finished export stands; `export` is what DescribeExport says of it. A second call for the
    same export returns the same."""
    # Keys are known without any data; a number's digits are left to the data, where there is some.
    declared: dict[str, Any] = {
        key: {"S": "string", "B": "binary"}[kind] for key, kind in keys.items() if kind != "N"
    }
    if not export["ItemCount"]:
        declared |= {key: "decimal(38,0)" for key, kind in keys.items() if kind == "N"}
    table, export_id = source.table, started["arn"].rsplit("/", 1)[-1]
    folder = export["ExportManifest"].rpartition("/")[0]
    date = started["until"][:10]
    # An Iceberg table has its files where it wants; Parquet has a folder an export.
    lake = landing_folders.lake(table)
    if source.format != ICEBERG:
        lake += partition_folder(date, export_id)
    incremental = started["since"] is not None
    # A place that nobody queries: what has not been reconciled yet is half an export.
    output = landing_folders.window(table, export_id)
    return {
        "table": table,
        "export_id": export_id,
        "export_date": date,
        "exported_to": started["until"],
        "more": started["more"],
        "notice": started.get("notice", ""),
        "incremental": incremental,
        "format": source.format,
        "manifest_key": f"{folder}/{dynamodb_exports.FILES}",
        "summary_key": f"{folder}/{dynamodb_exports.SUMMARY}",
        "keys": list(keys),
        "declared": declared | dict(source.declared),
        "schema_key": landing_folders.schema_key(table, export_id),
        "seen_key": landing_folders.seen_key(table),
        "published_key": current["schema_key"] if current else None,
        "report_prefix": landing_folders.file_reports_prefix(table, export_id),
        "output_prefix": output,
        "location": lake,
        "current_prefix": current["location"] if current else None,
        "window_prefixes": [output],
        "output_key": f"{lake}snapshot.parquet",
    }
