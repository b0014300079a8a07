"""Reads Parquet files as BigQuery does: the file's own schema must be the table's, or lack NULLABLE columns of it.

No load changes a column's type, also not to a wider one: "Field … has changed type"
(https://docs.cloud.google.com/bigquery/docs/troubleshoot-schemas); a mode is relaxed and a
column added only by `schemaUpdateOptions`, which the Data Transfer Service does not set.
"Parquet conversions" (https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions);
`DecimalTargetType` and `ParquetOptions` in "Job" (https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from local.gcp.decimals import LoadFailed, decimal
from local.gcp.limits import BIGNUMERIC, INT64, NUMERIC
from local.plain import within

# A type has two names (`type` in https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema).
ALIASES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}


def read(path: Path, fields: list[dict[str, Any]], load: dict[str, Any], table: str) -> list[dict[str, Any]]:
    """The file's rows as mappings of the table's fields; LoadFailed where it is no Parquet, where its schema is another
    than the table's, and where a value is out of range."""
    try:
        rows: pa.Table = pq.read_table(path, coerce_int96_timestamp_unit="us")  # pyright: ignore[reportUnknownMemberType] - of untyped filters
    except pa.ArrowInvalid as error:
        raise LoadFailed(f"Input file is not in Parquet format: {path.name} ({error})") from None
    targets: list[str] = load.get("decimalTargetTypes") or ["NUMERIC"]
    inference = bool(within(load, "parquetOptions").get("enableListInference"))
    have = [_parquet_field(name, kind, targets, inference) for name, kind in _columns(rows.schema)]
    _same(have, fields, table, "", bool(load.get("ignoreUnknownValues")))
    return [_shape(row, rows.schema, fields, inference) for row in rows.to_pylist()]


def _columns(schema: Iterable[pa.Field[Any]]) -> list[tuple[str, pa.DataType]]:
    """The name and the type of each column of a file, or of each field of a struct."""
    return [(field.name, field.type) for field in schema]


def _parquet_field(name: str, kind: pa.DataType, targets: list[str], inference: bool) -> dict[str, Any]:
    """The field that BigQuery reads from a Parquet column."""

    def record(inner: list[dict[str, Any]], mode: str = "NULLABLE", name: str = name) -> dict[str, Any]:
        return {"name": name, "type": "RECORD", "mode": mode, "fields": inner}

    t = pa.types
    if t.is_map(kind):
        pair = [
            _parquet_field(n, i, targets, inference)
            for n, i in (("key", kind.key_type), ("value", kind.item_type))
        ]
        return record([record(pair, "REPEATED", "key_value")])
    if t.is_list(kind) or t.is_large_list(kind):
        if inference:
            return _parquet_field(name, kind.value_type, targets, inference) | {"mode": "REPEATED"}
        return record(
            [record([_parquet_field("element", kind.value_type, targets, inference)], "REPEATED", "list")]
        )
    if t.is_struct(kind):
        return record([_parquet_field(n, of, targets, inference) for n, of in _columns(kind)])
    if t.is_decimal(kind):
        fits = [
            n
            for n, (whole, after) in (("NUMERIC", NUMERIC), ("BIGNUMERIC", BIGNUMERIC), ("STRING", (99, 99)))
            if n in targets and kind.precision - kind.scale <= whole and kind.scale <= after
        ]
        widest = next(n for n in ("STRING", "BIGNUMERIC", "NUMERIC") if n in targets)
        digits = {"precision": kind.precision, "scale": kind.scale}
        return {"name": name, "type": (fits or [widest])[0], "mode": "NULLABLE"} | digits
    if t.is_timestamp(kind) and kind.unit == "ns":
        raise LoadFailed(
            f"Unsupported Parquet type of column {name}: TIMESTAMP with nanoseconds; write microseconds"
        )
    for fits_in, target in (
        (t.is_boolean, "BOOLEAN"),
        (t.is_integer, "INTEGER"),
        (t.is_floating, "FLOAT"),
        (t.is_string, "STRING"),
        (t.is_large_string, "STRING"),
        (t.is_binary, "BYTES"),
        (t.is_large_binary, "BYTES"),
        (t.is_fixed_size_binary, "BYTES"),
        (t.is_date32, "DATE"),
        (t.is_time, "TIME"),
        (t.is_timestamp, "TIMESTAMP"),
    ):
        if fits_in(kind):
            return {"name": name, "type": target, "mode": "NULLABLE"}
    raise LoadFailed(f"Unsupported Parquet type of column {name}: {kind}")


def _same(
    have: list[dict[str, Any]], want: list[dict[str, Any]], table: str, path: str, ignore_unknown: bool
) -> None:
    wanted, names = {f["name"].lower(): f for f in want}, {f["name"].lower() for f in have}
    message = f"Provided Schema does not match Table {table}. "
    for field in have:
        target, name = wanted.get(field["name"].lower()), path + field["name"]
        if target is None:
            if not ignore_unknown:
                raise LoadFailed(f"{message}Cannot add fields (field: {name})")
        elif (ALIASES.get(target["type"], target["type"]), target["mode"] == "REPEATED") != (
            field["type"],
            field["mode"] == "REPEATED",
        ):
            raise LoadFailed(
                f"{message}Field {name} has changed type from {target['type']} to {field['type']}"
            )
        elif "precision" in field and "precision" in target and not _fits(field, target):
            # A column's parameters and a file's may differ; which of them loads no page says.
            file, column = (f"{f['type']}({f['precision']},{f.get('scale', 0)})" for f in (field, target))
            raise LoadFailed(
                f"{message}Field {name} is {file} in the file and {column} in the table, which holds fewer digits: no "
                "page says that such a file is loaded"
            )
        elif field["type"] == "RECORD":
            _same(field["fields"], target["fields"], table, name + ".", ignore_unknown)
    for name, field in wanted.items():
        if name not in names and field["mode"] == "REQUIRED":
            raise LoadFailed(f"{message}Field {path}{field['name']} is missing in new schema")


def _fits(source: dict[str, Any], target: dict[str, Any]) -> bool:
    """Whether a decimal column holds every value of a file's decimal."""
    if target["type"] == "STRING":
        return True
    (whole, after), (most, decimals) = (
        (int(field["precision"]) - int(field["scale"]), int(field["scale"])) for field in (source, target)
    )
    return whole <= most and after <= decimals


def _shape(row: Any, kinds: Any, fields: list[dict[str, Any]], inference: bool) -> dict[str, Any]:
    """A row (or struct) of Arrow's with the groups that Parquet gives lists and maps."""
    types = {name.lower(): (name, kind) for name, kind in _columns(kinds)}
    return {
        f["name"]: _shaped(row[types[low][0]], types[low][1], f, inference)
        if (low := f["name"].lower()) in types
        else []
        if f["mode"] == "REPEATED"
        else None
        for f in fields
    }


def _shaped(value: Any, kind: pa.DataType, field: dict[str, Any], inference: bool) -> Any:
    if value is None:
        if field.get("mode") == "REQUIRED":
            raise LoadFailed(f"Required field {field['name']} cannot be null")
        return [] if field.get("mode") == "REPEATED" else None
    if pa.types.is_map(kind):
        inner = field["fields"][0]["fields"]
        return {
            "key_value": [
                {
                    "key": _shaped(k, kind.key_type, inner[0], inference),
                    "value": _shaped(v, kind.item_type, inner[1], inference),
                }
                for k, v in value
            ]
        }
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        if inference:
            return [_shaped(v, kind.value_type, field | {"mode": "REQUIRED"}, inference) for v in value]
        return {
            "list": [
                {"element": _shaped(v, kind.value_type, field["fields"][0]["fields"][0], inference)}
                for v in value
            ]
        }
    if pa.types.is_struct(kind):
        return _shape(value, kind, field["fields"], inference)
    try:
        if isinstance(value, Decimal):
            return str(value) if field["type"] == "STRING" else decimal(value, field)
        if field["type"] == "INTEGER" and not INT64[0] <= value <= INT64[1]:
            raise ValueError("beyond 64 bits, signed")
        if field["type"] == "TIMESTAMP" and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
    except ValueError as error:
        raise LoadFailed(f"Invalid value {value} of field {field['name']}: {error}") from None
    return value
