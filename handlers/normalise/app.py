"""Makes typed Parquet of an export, step by step; a state machine calls it with the step to take.

The events and what they return: components/shared/run_steps.py.

`normalise`: one data file; a Distributed Map over manifest-files.json calls it for each. Writes
`<output_prefix><file>-<n>.parquet`, and its result as `<report_prefix><file>.json` (the file's name without
.json.gz): {"file", "items", "deleted", "raw_bytes", "outputs": [{"key", "rows", "bytes"}], "rest": {"items",
"attributes"}}. Called twice it writes the same keys again. Nothing is visible of a file that is not sound: `FileError`
names it.

`schema`: reads the beginnings of up to 32 files and what earlier runs could not hold (`seen_key`), derives or widens,
and writes the schema, with the columns as Glue has them ("glue_columns"), as `schema_key`; `SchemaError` where a
declared type is not what a published column can become.

`reconcile`: every file's report is there, and the items add up to the summary's, or `ExportError`. Then a full
export's Parquet is copied from <output_prefix> to <location>, which queries read: they never see one that is not
whole, but for the moments that copying takes. An increment's stays, to be folded, and what goes into an Iceberg
table. What no column could hold is kept for the next run's schema.

`rds`: the tables of a finished RDS snapshot export, if it is whole, and their rows by the footers of their files; see
rds_export.py. Writes them (`DatabaseTables` of components/shared/run_records.py) as `tables_key`, since a state
machine's state holds about 100 tables.

Environment: components/shared/variables.py.

Memory: about 300 MB; 1,769 MB buys a whole vCPU, which is what it can use.
"""

import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import boto3
import footer
import rds_export
import variables
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError
from data_file import DAMAGED, UNREADABLE, FileError, KeysDoNotFit, items_of, normalise, whole_lines
from export import DataFile, data_files, reconcile, sample
from isal import igzip
from multipart import Upload
from run_records import GLUE_COLUMNS, DatabaseTable, DatabaseTables
from run_sources import ICEBERG, PARQUET
from run_steps import (
    NORMALISE,
    RECONCILE,
    SCHEMA,
    TABLES,
    DerivedSchema,
    DescribedTables,
    FileEvent,
    Reconciled,
    ReconcileEvent,
    SchemaEvent,
    TablesEvent,
)
from table_schema import Observation, Schema, derive, type_of, widen

SAMPLED_FILES, SAMPLED_BYTES = 32, 1 << 20
# Conflicts, and characters of each: a state machine's state is no place for thousands.
NAMED_CONFLICTS, SENTENCE = 20, 300
FOOTERS_AT_ONCE, FOOTER_BYTES = 10, 64 << 10
COPIES_AT_ONCE = 32  # S3 does the work; an output is far below the 5 GB that one request copies
UNSOUND = (*DAMAGED, *UNREADABLE)

logger = Logger(service="normalise")
bucket = os.environ[variables.BUCKET]
s3 = boto3.client(
    "s3",
    config=Config(retries={"mode": "standard", "total_max_attempts": 6}, max_pool_connections=COPIES_AT_ONCE),
)


@logger.inject_lambda_context
def handler(event: Any, _context: object) -> Any:
    """Takes the step that the event names."""
    steps = {NORMALISE: normalise_file, SCHEMA: make_schema, RECONCILE: reconcile_export, TABLES: rds_tables}
    result = steps[event["step"]](event)
    logger.info("done", step=event["step"], result=result)
    return result


def normalise_file(event: FileEvent) -> dict[str, Any]:
    """Makes Parquet of one data file."""
    file = DataFile.of(event["file"], event["manifest_key"])
    uploads: list[Upload] = []

    def open_output(number: int) -> Upload:
        uploads.append(Upload(s3, bucket, f"{event['output_prefix']}{file.name}-{number:05}.parquet"))
        return uploads[-1]

    try:
        report = normalise(
            f"s3://{bucket}/{file.key}",
            body(file.key),
            schema=Schema.of(read_json(event["schema_key"])),
            incremental=event["incremental"],
            md5=file.md5,
            items=file.items,
            open_output=open_output,
        )
        for upload in uploads:
            upload.complete()
    except BaseException as error:
        for upload in uploads:
            upload.abort()
        if isinstance(error, FileError):
            # Kept beside the others' reports, where `reconcile` finds it: a map's own error names no item.
            seen = error.seen.json() if isinstance(error, KeysDoNotFit) else {}
            unsound = {"file": file.key, "error": str(error), "seen": seen}
            write_json(f"{event['report_prefix']}{file.name}.json", unsound)
        raise
    outputs = [
        {"key": u.key, "rows": n, "bytes": u.size} for u, n in zip(uploads, report.outputs, strict=True)
    ]
    result = {"file": file.key, **report.json(), "outputs": outputs}
    write_json(f"{event['report_prefix']}{file.name}.json", result)
    return result


def make_schema(event: SchemaEvent) -> DerivedSchema:
    """Derives the table's columns, or widens the published ones."""
    observed = Observation()
    files = sample(manifest(event["manifest_key"]), SAMPLED_FILES)
    for file in files:
        try:
            with igzip.IGzipFile(fileobj=body(file.key)) as text:
                chunk = next(whole_lines(text, SAMPLED_BYTES), b"")
            observed = observed.merged(Observation.of_items(items_of(chunk)))
        except UNSOUND as error:
            raise FileError(f"s3://{bucket}/{file.key} is cut short or damaged: {error}") from error
    observed = observed.merged(seen_before(event["seen_key"]))
    declared = {a: type_of(type_json) for a, type_json in event["declared"].items()}
    if published_key := event["published_key"]:
        published = Schema.of(read_json(published_key))
        if not files:
            # Without an item a key that is a number is declared as the widest one, which is no knowledge of its column.
            declared = {a: type_ for a, type_ in declared.items() if a not in published.keys}
        promotes = event.get("format", PARQUET) == ICEBERG
        schema, conflicts = widen(published, observed, declared, promotes=promotes)
    else:
        schema, conflicts = derive(observed, declared, event["keys"]), []
    columns = schema.glue_columns()
    write_json(event["schema_key"], schema.json() | {GLUE_COLUMNS: columns})
    return {
        "schema_key": event["schema_key"],
        "columns": len(columns),
        "conflicts": [str(conflict)[:SENTENCE] for conflict in conflicts[:NAMED_CONFLICTS]],
        "sampled": len(files),
    }


def reconcile_export(event: ReconcileEvent) -> Reconciled:
    """Checks that the files hold what was exported, and shows a full export to readers."""
    reports: dict[str, dict[str, Any]] = {}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=event["report_prefix"])
    for page in pages:
        for entry in page.get("Contents", ()):
            name = entry["Key"].removeprefix(event["report_prefix"]).removesuffix(".json")
            reports[name] = read_json(entry["Key"])
    files = manifest(event["manifest_key"])
    remember(event["seen_key"], reports.values())
    counted = reconcile(files, read_json(event["summary_key"]), reports)
    if not event["incremental"] and event.get("format", PARQUET) == PARQUET:
        keys = [output["key"] for file in files for output in reports[file.name]["outputs"]]
        with ThreadPoolExecutor(COPIES_AT_ONCE) as copying:
            list(copying.map(show, keys, repeat(event["output_prefix"]), repeat(event["location"])))
    return counted


def seen_before(key: str) -> Observation:
    """What earlier runs saw that the sample of this one may not hold."""
    try:
        return Observation.of(read_json(key))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return Observation()
        raise


def remember(key: str, reports: Iterable[Mapping[str, Any]]) -> None:
    """Keeps what no column could hold for the next derivation: a sample must not decide for ever."""
    before = merged = seen_before(key)
    for report in reports:
        merged = merged.merged(
            Observation.of(report.get("seen") or report.get("rest", {}).get("attributes", {}))
        )
    if merged.widest() != before.widest():
        write_json(key, merged.json())


def show(key: str, prefix: str, location: str) -> None:
    """Copies an output to the location that queries read."""
    target = location + key.removeprefix(prefix)
    s3.copy_object(Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": key})


def rds_tables(event: TablesEvent) -> DescribedTables:
    """Describes the tables of a database's export."""
    prefix = event["export_prefix"]
    sizes: dict[str, int] = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        sizes |= {entry["Key"]: entry["Size"] for entry in page.get("Contents", ())}
    infos = sorted(key for key in sizes if key.startswith(f"{prefix}export_tables_info_"))
    export = rds_export.describe(
        prefix,
        {key: read_json(key) for key in infos},
        sizes,
        event["only"],
        event["leave_out"],
    )
    parts = rds_export.parts(export, sizes)
    keys = [key for part_keys in parts.values() for key in part_keys]
    with ThreadPoolExecutor(FOOTERS_AT_ONCE) as reading:
        footers = dict(zip(keys, reading.map(read_footer, keys, map(sizes.__getitem__, keys)), strict=True))
    described: list[DatabaseTable] = []
    refused = dict(export.refused)
    for table in export.tables:
        own = {key: footers[key] for key in parts[table.target]}
        if reason := rds_export.other_columns(table, own):
            refused[table.target] = reason
            continue
        rows = sum(read.rows for read in own.values())
        described.append({**table.json(), "files": len(own), "rows": rows})
    content: DatabaseTables = {"tables": described, "skipped": dict(export.skipped), "refused": refused}
    write_json(event["tables_key"], content)
    return {
        "tables_key": event["tables_key"],
        "tables": len(described),
        "skipped": len(export.skipped),
        "refused": len(refused),
        "rows": sum(table["rows"] for table in described),
    }


def read_footer(key: str, size: int) -> footer.Footer:
    """The footer of a Parquet file of that size."""

    def tail(wanted: int) -> bytes:
        byte_range = f"bytes={max(size - wanted, 0)}-{size - 1}"
        return s3.get_object(Bucket=bucket, Key=key, Range=byte_range)["Body"].read() if size else b""

    try:
        last = tail(FOOTER_BYTES)
        if (needed := footer.length(last)) > len(last):
            last = tail(needed)
        return footer.read(last)
    except footer.FooterError as error:
        raise FileError(f"s3://{bucket}/{key}: {error}") from error


def body(key: str) -> Any:
    """The object's content, as a stream."""
    return s3.get_object(Bucket=bucket, Key=key)["Body"]


def manifest(key: str) -> list[DataFile]:
    """The data files that a manifest lists."""
    return data_files(body(key).iter_lines(), key)


def read_json(key: str) -> Any:
    """The JSON of an object. Raises FileError where it is none."""
    content = body(key).read()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileError(f"s3://{bucket}/{key} is not JSON: {error}") from error


def write_json(key: str, value: object) -> None:
    """Puts JSON as an object."""
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(value).encode(), ContentType="application/json")
