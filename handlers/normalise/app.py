"""Makes typed Parquet of an export, step by step; a state machine calls it with the step to take.

`normalise`: one data file; a Distributed Map over manifest-files.json calls it for each. Event: {"step":
"normalise", "file": <the manifest's line>, "manifest_key", "schema_key", "output_prefix" (such as
`windows/orders/<export>/`), "report_prefix", "incremental": false}. Writes
`<output_prefix><file>-<n>.parquet`, and its result as `<report_prefix><file>.json` (the file's name without
.json.gz). Returns {"file", "items", "deleted", "raw_bytes", "outputs": [{"key", "rows", "bytes"}], "rest":
{"items", "attributes"}}. Called twice it writes the same keys again. Nothing is visible of a file that is not
sound: `FileError` names it.

`schema`: {"step": "schema", "manifest_key", "schema_key", "published_key" (or null: the table is new), "keys":
[attribute], "declared": {attribute: type}, "seen_key"}. Reads the beginnings of up to 32 files and what earlier
runs could not hold (`seen_key`), derives or widens, and writes the schema, with the columns as Glue has them
("glue_columns"), as `schema_key`; `SchemaError` where a declared type is not what a published column can become.
Returns {"schema_key", "columns", "conflicts", "sampled"}: two numbers, and a few sentences.

`reconcile`: {"step": "reconcile", "manifest_key", "summary_key", "report_prefix", "incremental", "output_prefix",
"location" (such as `lake/orders/export_date=2026-01-01/run=<export>/`), "seen_key"}. Every file's report is there, and
the items add up to the summary's, or `ExportError`. Then a full export's Parquet is copied from <output_prefix> to
<location>, which queries read: they never see one that is not whole, but for the moments that copying takes. An
increment's stays, to be folded. What no column could hold is kept for the next run's schema. Returns counts, and what
stands in the rest column.

`rds`: {"step": "rds", "export_prefix" (`<prefix>/<identifier>/`), "only": [pattern], "leave_out": [table],
"tables_key"}. The tables of a finished RDS snapshot export, if it is whole, and their rows by the footers of their
files; see rds_export.py. Writes {"tables": [{"table", "location", "schema", "columns", "source_types", "files",
"rows"}], "skipped": {table: why}, "refused": {table: why}} as `tables_key`, since a state machine's state, of 262,144
bytes, holds about 100 of them. Returns {"tables_key", "tables", "skipped", "refused", "rows"}, four numbers.

Environment: BUCKET. Memory: about 300 MB; 1,769 MB buys a whole vCPU, which is what it can use.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import footer
import rds_export
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError
from data_file import UNREADABLE, FileError, KeysDoNotFit, items_of, normalise, whole_lines
from export import DataFile, data_files, reconcile, sample
from isal import igzip, isal_zlib
from multipart import Upload
from table_schema import Observation, Schema, Type, derive, widen

SAMPLED_FILES, SAMPLED_BYTES = 32, 1 << 20
NAMED_CONFLICTS, SENTENCE = (
    20,
    300,
)  # conflicts, and characters of each: a state machine's state is no place for thousands
FOOTERS_AT_ONCE, FOOTER_BYTES = 10, 64 << 10
COPIES_AT_ONCE = 32  # S3 does the work; an output is far below the 5 GB that one request copies
# isal's stub has its error as an instance.
DAMAGED: Any = (EOFError, igzip.BadGzipFile, isal_zlib.error, *UNREADABLE)

logger = Logger(service="normalise")
bucket = os.environ["BUCKET"]
s3 = boto3.client(
    "s3",
    config=Config(retries={"mode": "standard", "total_max_attempts": 6}, max_pool_connections=COPIES_AT_ONCE),
)


@logger.inject_lambda_context
def handler(event, _context):
    steps = {
        "normalise": normalise_file,
        "schema": make_schema,
        "reconcile": reconcile_export,
        "rds": rds_tables,
    }
    result = steps[event.get("step", "normalise")](event)
    logger.info("done", step=event.get("step", "normalise"), result=result)
    return result


def normalise_file(event):
    file = DataFile.of(event["file"], event["manifest_key"])
    uploads: list[Upload] = []

    def open_output(number):
        uploads.append(Upload(s3, bucket, f"{event['output_prefix']}{file.name}-{number:05}.parquet"))
        return uploads[-1]

    try:
        report = normalise(
            f"s3://{bucket}/{file.key}",
            body(file.key),
            schema=Schema.of(read_json(event["schema_key"])),
            incremental=bool(event.get("incremental")),
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


def make_schema(event):
    observed = Observation()
    files = sample(manifest(event["manifest_key"]), SAMPLED_FILES)
    for file in files:
        try:
            with igzip.IGzipFile(fileobj=body(file.key)) as text:
                chunk = next(whole_lines(text, SAMPLED_BYTES), b"")
            observed = observed.merged(Observation.of_items(items_of(chunk)))
        except DAMAGED as error:
            raise FileError(f"s3://{bucket}/{file.key} is cut short or damaged: {error}") from error
    observed = observed.merged(seen_before(event["seen_key"]))
    declared = {a: Type.of(type_json) for a, type_json in event.get("declared", {}).items()}
    if event.get("published_key"):
        published = Schema.of(read_json(event["published_key"]))
        if not files:
            # Without an item a key that is a number is declared as the widest one, which is no knowledge of its column.
            declared = {a: type_ for a, type_ in declared.items() if a not in published.keys}
        schema, conflicts = widen(published, observed, declared)
    else:
        schema, conflicts = derive(observed, declared, event.get("keys", ())), []
    columns = schema.glue_columns()
    write_json(event["schema_key"], schema.json() | {"glue_columns": columns})
    return {
        "schema_key": event["schema_key"],
        "columns": len(columns),
        "conflicts": [str(conflict)[:SENTENCE] for conflict in conflicts[:NAMED_CONFLICTS]],
        "sampled": len(files),
    }


def reconcile_export(event):
    reports = {}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=event["report_prefix"])
    for page in pages:
        for entry in page.get("Contents", ()):
            name = entry["Key"].removeprefix(event["report_prefix"]).removesuffix(".json")
            reports[name] = read_json(entry["Key"])
    files = manifest(event["manifest_key"])
    remember(event["seen_key"], reports.values())
    counted = reconcile(files, read_json(event["summary_key"]), reports)
    if not event["incremental"]:
        keys = [output["key"] for file in files for output in reports[file.name]["outputs"]]
        with ThreadPoolExecutor(COPIES_AT_ONCE) as copying:
            list(copying.map(lambda key: show(key, event["output_prefix"], event["location"]), keys))
    return counted


def seen_before(key):
    """What earlier runs saw that the sample of this one may not hold."""
    try:
        return Observation.of(read_json(key))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return Observation()
        raise


def remember(key, reports):
    """Keeps what no column could hold for the next derivation: a sample must not decide for ever."""
    before = merged = seen_before(key)
    for report in reports:
        merged = merged.merged(
            Observation.of(report.get("seen") or report.get("rest", {}).get("attributes", {}))
        )
    if merged.widest() != before.widest():
        write_json(key, merged.json())


def show(key, prefix, location):
    """Copies an output to the location that queries read."""
    target = location + key.removeprefix(prefix)
    s3.copy_object(Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": key})


def rds_tables(event):
    prefix, sizes = event["export_prefix"], {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        sizes |= {entry["Key"]: entry["Size"] for entry in page.get("Contents", ())}
    infos = sorted(key for key in sizes if key.startswith(f"{prefix}export_tables_info_"))
    export = rds_export.describe(
        prefix,
        {key: read_json(key) for key in infos},
        sizes,
        event.get("only", ()),
        event.get("leave_out", ()),
    )
    parts = rds_export.parts(export, sizes)
    keys = [key for part_keys in parts.values() for key in part_keys]
    with ThreadPoolExecutor(FOOTERS_AT_ONCE) as reading:
        footers = dict(zip(keys, reading.map(lambda key: read_footer(key, sizes[key]), keys), strict=True))
    described, refused = [], dict(export.refused)
    for table in export.tables:
        own = {key: footers[key] for key in parts[table.target]}
        if reason := rds_export.other_columns(table, own):
            refused[table.target] = reason
            continue
        rows = sum(read.rows for read in own.values())
        described.append(table.json() | {"files": len(own), "rows": rows})
    write_json(event["tables_key"], {"tables": described, "skipped": export.skipped, "refused": refused})
    return {
        "tables_key": event["tables_key"],
        "tables": len(described),
        "skipped": len(export.skipped),
        "refused": len(refused),
        "rows": sum(table["rows"] for table in described),
    }


def read_footer(key, size):
    def tail(wanted):
        byte_range = f"bytes={max(size - wanted, 0)}-{size - 1}"
        return s3.get_object(Bucket=bucket, Key=key, Range=byte_range)["Body"].read() if size else b""

    try:
        last = tail(FOOTER_BYTES)
        if (needed := footer.length(last)) > len(last):
            last = tail(needed)
        return footer.read(last)
    except footer.FooterError as error:
        raise FileError(f"s3://{bucket}/{key}: {error}") from error


def body(key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"]


def manifest(key):
    return data_files(body(key).iter_lines(), key)


def read_json(key):
    content = body(key).read()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileError(f"s3://{bucket}/{key} is not JSON: {error}") from error


def write_json(key, value):
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(value).encode(), ContentType="application/json")
