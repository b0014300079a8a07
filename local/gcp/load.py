"""Reads the files of a load job into rows of a table's schema, refusing what BigQuery refuses.

JSON: a record that does not fit is a bad record; up to `maxBadRecords` are skipped, one more fails the
job. Parquet has no bad records: the file's own schema must be the table's (or lack NULLABLE columns of it),
and a value out of range fails the job.

Sources: "Loading JSON data" (https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-json),
"Parquet
conversions"
(https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions),
`maxBadRecords` (JSON and CSV only), `ignoreUnknownValues` and `DecimalTargetType` in "Job"
(https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job).
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa

from local.gcp import parquet
from local.gcp.decimals import LoadFailed, decimal, digits
from local.gcp.limits import INT64
from local.plain import is_list, is_object

ARROW = {
    "INTEGER": pa.int64(),
    "INT64": pa.int64(),
    "FLOAT": pa.float64(),
    "FLOAT64": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "BOOL": pa.bool_(),
    "STRING": pa.string(),
    "JSON": pa.string(),
    "BYTES": pa.binary(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "DATETIME": pa.timestamp("us"),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
}
TRUTH = {
    "true": True,
    "false": False,
    "t": True,
    "f": False,
    "yes": True,
    "no": False,
    "y": True,
    "n": False,
    "1": True,
    "0": False,
}
TIME = r"(?:[ tT](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?)"
MOMENT = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})" + TIME + r"?(?: ?([zZ]|UTC|[+-]\d{1,2}(?::?\d\d)?))?"
)


class BadRecord(ValueError):
    """One record does not fit."""


class Exact(float):
    """A JSON number with the digits it was written with."""

    def __new__(cls, text: str) -> Exact:
        """The nearest float to the text, which stays beside it in `text`."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


def read(
    files: list[Path], fields: list[dict[str, Any]], load: dict[str, Any], table: str
) -> tuple[pa.Table, int]:
    """The rows of all files and how many bad records were skipped."""
    kind = load.get("sourceFormat", "none")
    schema = pa.schema([pa.field(f["name"], _arrow(f)) for f in fields])
    rows, bad, most, first = list[dict[str, Any]](), 0, int(load.get("maxBadRecords", 0)), ""
    for path in files:
        if kind == "PARQUET":
            rows += parquet.read(path, fields, load, table)
            continue
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8")
        if kind == "NEWLINE_DELIMITED_JSON":
            records = _json(text, fields, bool(load.get("ignoreUnknownValues")))
        else:
            raise LoadFailed(f"The local BigQuery loads no {kind} files")
        for number, record in enumerate(records, 1):
            if isinstance(record, BadRecord):
                bad, first = bad + 1, first or f"{path.name}, record {number}: {record}"
            else:
                rows.append(record)
    if bad > most:
        raise LoadFailed(
            f"{kind} table encountered too many errors, giving up. Rows: {len(rows) + bad}; errors: {bad}; "
            f"max bad: {most}. First: {first}"
        )
    return pa.Table.from_pylist(rows, schema), bad


def _arrow(field: dict[str, Any]) -> pa.DataType:
    if field["type"] in ("RECORD", "STRUCT"):
        kind: pa.DataType = pa.struct([pa.field(f["name"], _arrow(f)) for f in field["fields"]])
    elif field["type"] in ("NUMERIC", "BIGNUMERIC"):
        kind = pa.decimal128(38, digits(field)[1])
    else:
        kind = ARROW[field["type"]]
    return pa.list_(kind) if field.get("mode") == "REPEATED" else kind


def _json(
    text: str, fields: list[dict[str, Any]], ignore_unknown: bool
) -> Iterator[dict[str, Any] | BadRecord]:
    for line in text.splitlines():
        if line.strip():
            try:
                record = json.loads(line, parse_float=Exact)
                yield _record(record, fields, ignore_unknown, "")
            except json.JSONDecodeError as error:
                yield BadRecord(f"JSON parsing error: {error}")
            except BadRecord as error:
                yield error


def _record(record: Any, fields: list[dict[str, Any]], ignore_unknown: bool, path: str) -> dict[str, Any]:
    if not is_object(record):
        raise BadRecord(f"{path or 'the record'} is not an object")
    by_name = {name.lower(): value for name, value in record.items()}
    if not ignore_unknown and (unknown := by_name.keys() - {f["name"].lower() for f in fields}):
        raise BadRecord(f"No such field: {path}{min(unknown)}.")
    return {
        f["name"]: _value(by_name.get(f["name"].lower()), f, ignore_unknown, path + f["name"]) for f in fields
    }


def _value(value: Any, field: dict[str, Any], ignore_unknown: bool, path: str) -> Any:
    if field.get("mode") == "REPEATED":
        if value is None:
            return []
        if not is_list(value):
            raise BadRecord(f"Array specified for non-repeated field or the other way round: {path}.")
        element = field | {"mode": "REQUIRED"}
        return [_value(item, element, ignore_unknown, path) for item in value]
    if value is None:
        if field.get("mode") == "REQUIRED":
            raise BadRecord(f"Missing required field: {path}.")
        return None
    if field["type"] in ("RECORD", "STRUCT"):
        return _record(value, field["fields"], ignore_unknown, path + ".")
    if field["type"] == "JSON":
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (dict, list)):
        raise BadRecord(f"{path} is a {field['type']}, not an object or an array.")
    try:
        return _scalar(value, field)
    except (ValueError, InvalidOperation, OverflowError) as error:
        raise BadRecord(
            f"Could not convert value {value!r} to {field['type']}. Field: {path} ({error})"
        ) from None


def _scalar(value: Any, field: dict[str, Any]) -> Any:
    kind, text = (
        field["type"],
        value.text
        if isinstance(value, Exact)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value),
    )
    match kind:
        case "STRING":
            if not isinstance(value, str):  # no page says that BigQuery makes text of it
                raise ValueError("not text")
            return text
        case "BOOLEAN" | "BOOL":
            if text.lower() not in TRUTH:
                raise ValueError("not a boolean")
            return TRUTH[text.lower()]
        case "INTEGER" | "INT64":
            number = Decimal(text)
            if (
                isinstance(value, bool)
                or number != number.to_integral_value()
                or not INT64[0] <= number <= INT64[1]
            ):
                raise ValueError("not a 64-bit integer")
            return int(number)
        case "FLOAT" | "FLOAT64":
            return float(text)
        case "NUMERIC" | "BIGNUMERIC":
            return decimal(Decimal(text), field)
        case "BYTES":
            return base64.b64decode(text, validate=True)
        case "TIME":
            return time.fromisoformat(text)
        case _:
            return _moment(kind, text)


def _moment(kind: str, text: str) -> Any:
    """A DATE, a DATETIME or a TIMESTAMP."""
    if kind == "TIMESTAMP" and re.fullmatch(r"-?\d+(\.\d+)?([eE]\+?\d+)?", text):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(Decimal(text) * 1_000_000))
    match = MOMENT.fullmatch(text.strip())
    if not match or (kind == "DATE" and match[4]) or (kind != "TIMESTAMP" and match[8]):
        raise ValueError(f"not a {kind}")
    day = date(int(match[1]), int(match[2]), int(match[3]))
    if kind == "DATE":
        return day
    at = time(
        int(match[4] or 0), int(match[5] or 0), int(match[6] or 0), int((match[7] or "0").ljust(6, "0"))
    )
    moment = datetime.combine(day, at)
    if kind == "DATETIME":
        return moment
    zone = match[8] if match[8] and match[8][0] in "+-" else "+00:00"
    hours, minutes = int(zone[1:].split(":")[0][:2]), int(zone[-2:]) if len(zone) > 3 else 0
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
    return moment.replace(tzinfo=timezone(offset)).astimezone(UTC)
