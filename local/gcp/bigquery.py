"""BigQuery for the local cloud: `bqemulator`, and what it lacks put in through seams.py.

Put in: offline start (no spatial extension), BIGNUMERIC and exact precisions, nested fields of any name,
columns added by `tables.patch`, `_PARTITIONTIME` of tables partitioned by ingestion time, and load jobs as the
service documents them: columns by name, all or nothing, unknown columns and types refused, bad records
counted, partition decorators.

Limits, each an error and never a wrong value: a BIGNUMERIC column holds 38 digits (declared precision, or 29
and 9 where it has none); GEOGRAPHY and Avro and ORC loads are refused; `MERGE ... INSERT ROW` fails (name the
columns).

Sources: "Job" (https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad),
"Loading JSON data" (https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-json), "Loading
Parquet data" (https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet), "Managing
partitioned table data" (https://docs.cloud.google.com/bigquery/docs/managing-partitioned-table-data).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlglot
from bqemulator.catalog.etag import generate_etag
from bqemulator.catalog.models import JobMeta, TableFieldSchema
from bqemulator.domain.errors import ValidationError
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp
from sqlglot.errors import ParseError

from local.gcp import seams
from local.gcp.decimals import LoadFailed
from local.gcp.limits import is_column_name
from local.gcp.load import read
from local.plain import within

PLAIN = {
    "INTEGER": "BIGINT",
    "INT64": "BIGINT",
    "FLOAT": "DOUBLE",
    "FLOAT64": "DOUBLE",
    "NUMERIC": "DECIMAL(38,9)",
    "BOOLEAN": "BOOLEAN",
    "BOOL": "BOOLEAN",
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "DATE": "DATE",
    "TIME": "TIME",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMPTZ",
    "JSON": "JSON",
}
HIDDEN = "_PARTITIONTIME"
DECORATOR = {8: ("%Y%m%d", "DAY"), 10: ("%Y%m%d%H", "HOUR"), 6: ("%Y%m", "MONTH"), 4: ("%Y", "YEAR")}
_by_ingestion: set[tuple[str, str]] = set()  # (dataset, table) that have the hidden column


def install() -> None:
    """Put it all in; once, before the server starts."""
    seams.install(
        {
            "fields_of": _parse_fields,
            "field_in_json": _rest_field,
            "columns_of": _columns,
            "load_job": _load,
            "tables_in_sql": _hide,
        }
    )


def _parse_fields(raw: list[dict[str, Any]]) -> tuple[TableFieldSchema, ...]:
    """As bqemulator's, and keeps precision and scale; refuses what BigQuery refuses."""
    seen: set[str] = set()
    for field in raw:
        if not is_column_name(field.get("name", "")):
            raise ValidationError(f"Invalid field name {field.get('name')!r}")
        if field["name"].lower() in seen:
            raise ValidationError(f"Duplicate field name: {field['name']}")
        seen.add(field["name"].lower())
    return tuple(
        TableFieldSchema(
            name=f["name"],
            type=f["type"].upper(),
            mode=f.get("mode", "NULLABLE"),
            description=f.get("description"),
            fields=_parse_fields(f.get("fields", [])),
            precision=int(f["precision"]) if "precision" in f else None,
            scale=int(f["scale"]) if "scale" in f else None,
        )
        for f in raw
    )


def _rest_field(field: TableFieldSchema) -> dict[str, Any]:
    body: dict[str, Any] = {"name": field.name, "type": field.type, "mode": field.mode}
    body |= {k: str(getattr(field, k)) for k in ("precision", "scale") if getattr(field, k) is not None}
    body |= {"description": field.description} if field.description else {}
    return body | ({"fields": [_rest_field(f) for f in field.fields]} if field.fields else {})


def _columns(fields: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(field["name"], _duckdb(field)) for field in fields]


def _duckdb(field: dict[str, Any]) -> str:
    kind = field["type"].upper()
    if kind in ("RECORD", "STRUCT"):
        sql_type = (
            "STRUCT(" + ", ".join(f'"{name}" {inner}' for name, inner in _columns(field["fields"])) + ")"
        )
    elif kind == "BIGNUMERIC":
        precision, scale = (
            int(field.get("precision", 38)),
            int(field.get("scale", 0 if "precision" in field else 9)),
        )
        if precision > 38:
            raise ValidationError(
                f"{field['name']}: the local BigQuery holds 38 digits, BIGNUMERIC({precision},{scale}) needs more"
            )
        sql_type = f"DECIMAL({precision},{scale})"
    elif kind in PLAIN:
        sql_type = PLAIN[kind]
    else:
        raise ValidationError(f"{field['name']}: the local BigQuery has no type {kind}")
    return sql_type + "[]" if field.get("mode", "").upper() == "REPEATED" else sql_type


def _hide(sql: str) -> str:
    """`*` of a table partitioned by ingestion time leaves the pseudo-column out; `_PARTITIONDATE` is its date."""
    if not _by_ingestion:
        return sql
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except ParseError:
        return sql  # DuckDB says what is wrong with it
    for column in list(tree.find_all(exp.Column)):
        if column.name.upper() == "_PARTITIONDATE":
            date = exp.cast(exp.column(HIDDEN, table=column.table or None), "DATE")
            column.replace(
                exp.alias_(date, "_PARTITIONDATE") if isinstance(column.parent, exp.Select) else date
            )
    for select in tree.find_all(exp.Select):
        start = select.args.get("from_") or select.args.get("from")
        sources = [start.this] if start else []
        joins: list[exp.Join] = select.args.get("joins") or []
        sources += [join.this for join in joins]
        hidden = {
            s.alias_or_name: True
            for s in sources
            if isinstance(s, exp.Table) and (s.db.split("__", 1)[-1], s.name) in _by_ingestion
        }
        for star in select.expressions:
            inner = star.this if isinstance(star, exp.Column) else star
            whole = (isinstance(star, exp.Star) and hidden) or (
                isinstance(star, exp.Column) and star.table in hidden
            )
            if isinstance(inner, exp.Star) and whole:
                without: list[exp.Expr] = inner.args.get("except_") or inner.args.get("except") or []
                name = "except_" if "except_" in exp.Star.arg_types else "except"
                inner.set(name, [*without, exp.to_identifier(HIDDEN)])
    return tree.sql("duckdb")


def check_table(body: dict[str, Any]) -> None:
    """What `tables.insert` refuses beyond the fields themselves."""
    top = {f["name"]: f for f in body.get("schema", {}).get("fields", [])}
    partition = within(body, "timePartitioning")
    if (by := partition.get("field")) and top.get(by, {}).get("type", "").upper() not in (
        "DATE",
        "TIMESTAMP",
        "DATETIME",
    ):
        raise ValidationError(
            f"The field specified for partitioning ({by}) must be a top-level DATE, TIMESTAMP or DATETIME field"
        )
    clustered: list[str] = within(body, "clustering").get("fields", [])
    if len(clustered) > 4:
        raise ValidationError("Clustering takes at most 4 fields")
    for name in clustered:
        if (
            name not in top
            or top[name]["type"].upper() in ("RECORD", "STRUCT", "JSON", "FLOAT", "BYTES")
            or top[name].get("mode") == "REPEATED"
        ):
            raise ValidationError(
                f"Clustering field {name} must be a top-level, non-repeated field of a type that can be clustered"
            )


def after_insert(ctx: Any, body: dict[str, Any]) -> None:
    """Give a new table its hidden column where it is partitioned by ingestion time."""
    ref, partition = body["tableReference"], body.get("timePartitioning")
    key = (ref["datasetId"], ref["tableId"])
    _by_ingestion.discard(key)
    if partition and "field" not in partition:
        ctx.engine.execute(
            f"ALTER TABLE {quoted_table_ref(ref['projectId'], *key)} ADD COLUMN {HIDDEN} TIMESTAMPTZ"
        )
        _by_ingestion.add(key)


def alter(ctx: Any, project: str, dataset: str, table: str, body: dict[str, Any]) -> None:
    """What a new `schema` in `tables.patch` or `update` does: columns are added, also inside a RECORD; nothing else
    changes. ("Modifying table schemas", https://docs.cloud.google.com/bigquery/docs/managing-table-schemas)"""
    meta = ctx.catalog.get_table(project, dataset, table)
    if meta is None or "schema" not in body or meta.table_type != "TABLE":
        return
    wanted = _parse_fields(body["schema"].get("fields", []))
    message = f"Provided Schema does not match Table {project}:{dataset}.{table}. Field "
    for path, field in list(_added(meta.schema_.fields, wanted, (), message)):
        ref, column = quoted_table_ref(project, dataset, table), ".".join(f'"{part}"' for part in path)
        ctx.engine.execute(f"ALTER TABLE {ref} ADD COLUMN {column} {_duckdb(_rest_field(field))}")


def _added(
    have: Any, want: Any, path: tuple[str, ...], message: str
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The fields of `want` that `have` lacks, each with its path; refused where something else is another."""
    new = {field.name.lower(): field for field in want}
    for old in have:
        field, name = new.pop(old.name.lower(), None), ".".join((*path, old.name))
        if field is None:
            raise ValidationError(f"{message}{name} is missing in new schema")
        grows = old.type in ("RECORD", "STRUCT") and old.mode != "REPEATED"
        new_fields, old_fields = (
            _rest_field(f) | {"description": 0, "mode": 0, "fields": 0 if grows else f.fields}
            for f in (field, old)
        )
        if new_fields != old_fields or (
            old.mode != field.mode and (old.mode, field.mode) != ("REQUIRED", "NULLABLE")
        ):
            raise ValidationError(
                f"{message}{name} has changed from {old.type} {old.mode} to {field.type} {field.mode}"
            )
        if grows:
            yield from _added(old.fields, field.fields, (*path, old.name), message)
    for field in new.values():
        if field.mode == "REQUIRED":
            raise ValidationError(f"Cannot add required fields to an existing schema. (field: {field.name})")
        yield (*path, field.name), field


async def _load(project: str, job_id: str, config: dict[str, Any], ctx: Any) -> JobMeta:
    """A load job: reads every file first, so that a refused one leaves the table as it was."""
    now, load = ctx.clock.now(), config["load"]
    target = load["destinationTable"]
    dataset, (name, _, partition) = target["datasetId"], target["tableId"].partition("$")
    project = target.get("projectId", project)
    if (
        ctx.catalog.get_table(project, dataset, name) is None
        and load.get("createDisposition") != "CREATE_NEVER"
    ):
        seams.make_table(project, dataset, name, load, now, ctx)
    meta = ctx.catalog.get_table(project, dataset, name)
    if meta is None:
        raise LoadFailed(f"Not found: Table {project}:{dataset}.{name}")
    fields = [_rest_field(f) for f in meta.schema_.fields]
    if not fields:
        raise LoadFailed(f"No schema specified on job or table {project}:{dataset}.{name}.")
    files = [path for uri in load["sourceUris"] for path in _files(uri, ctx)]
    if not files:
        raise LoadFailed(f"Not found: Uris {', '.join(load['sourceUris'])}")
    rows, bad = read(files, fields, load, f"{project}:{dataset}.{name}")
    ref, hidden = quoted_table_ref(project, dataset, name), (dataset, name) in _by_ingestion
    where, day, unit = (
        "TRUE",
        now.replace(minute=0, second=0, microsecond=0),
        meta.time_partitioning and meta.time_partitioning.type,
    )
    if unit and unit != "HOUR":
        day = day.replace(hour=0)
    column = HIDDEN if hidden else meta.time_partitioning.field if meta.time_partitioning else None
    if partition:
        shape, its_unit = DECORATOR.get(len(partition), ("", ""))
        if not column or its_unit != unit:
            raise LoadFailed(
                f"Incompatible table partitioning specification: {name}${partition} and partitioning by {unit}"
            )
        day = datetime.strptime(partition, shape).replace(tzinfo=UTC)
        where = f"strftime({column}, '{shape}') = '{partition}'"
    values = f"*, TIMESTAMPTZ '{day.isoformat()}' AS {HIDDEN}" if hidden else "*"
    async with ctx.engine.write_lock():
        count = ctx.engine.execute(f"SELECT count(*) FROM {ref} WHERE {where}").fetchone()[0]
        if load.get("writeDisposition") == "WRITE_EMPTY" and count:
            raise LoadFailed(f"Already Exists: Table {project}:{dataset}.{name}")
        ctx.engine.connection.register("_load", rows)
        ctx.engine.execute("BEGIN")
        try:
            if (
                partition
                and not hidden
                and ctx.engine.execute(f"SELECT count(*) FROM _load WHERE ({where}) IS NOT TRUE").fetchone()[
                    0
                ]
            ):
                raise LoadFailed(
                    f"Some rows belong to different partitions rather than destination partition {name}${partition}"
                )
            if load.get("writeDisposition") == "WRITE_TRUNCATE":
                ctx.engine.execute(f"DELETE FROM {ref} WHERE {where}")
            ctx.engine.execute(f"INSERT INTO {ref} BY NAME SELECT {values} FROM _load")
            ctx.engine.execute("COMMIT")
        except BaseException:
            ctx.engine.execute("ROLLBACK")
            raise
        finally:
            ctx.engine.connection.unregister("_load")
        total = ctx.engine.execute(f"SELECT count(*) FROM {ref}").fetchone()[0]
    ctx.catalog.update_table(meta.model_copy(update={"num_rows": total}))
    return JobMeta(
        project_id=project,
        job_id=job_id,
        job_type="LOAD",
        state="DONE",
        configuration=config,
        statistics={
            "load": {
                "inputFiles": str(len(files)),
                "inputFileBytes": str(sum(f.stat().st_size for f in files)),
                "outputRows": str(rows.num_rows),
                "badRecords": str(bad),
            }
        },
        creation_time=now,
        start_time=now,
        end_time=ctx.clock.now(),
        etag=generate_etag(project, job_id, str(now)),
    )


def _files(uri: str, ctx: Any) -> list[Path]:
    """The file of an upload, or of a transfer's staging folder."""
    path = seams.file_of(uri, ctx)
    return [path] if path.is_file() else []
