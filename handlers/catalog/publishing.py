"""The form of a published table in the Glue catalog, and a run's metrics. Pure.

A table `<table>` has one partition an export date (`export_date`, 'yyyy-mm-dd'), registered with its own location, so
that a second export of a day replaces the first in one step. `<table>_latest` is a view of Athena's on one partition.
Columns are only ever added or widened: one that an export lacks stays and is NULL there; a column that would become
another kind is refused as `SchemaConflict`, and so is a name that is another source's or the view's of another table.
https://docs.aws.amazon.com/athena/latest/ug/schema-updates.html (Parquet is read by name, missing columns are NULL)
https://docs.aws.amazon.com/athena/latest/ug/glue-athena.html; a view is a table of type VIRTUAL_VIEW whose
ViewOriginalText holds base64 JSON, as Trino's Hive connector writes it:
https://trino.io/docs/current/connector/hive.html
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import landing_folders
import metric_names
from catalog_names import EXPORT_DATE, table_names
from metric_names import datum

PARTITION_KEY = {"Name": EXPORT_DATE, "Type": "string"}
PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}
# What a column may become besides a wider decimal, so that Trino's Hive connector, which is Athena's, still reads
# partitions of the older type, and without a loss:
# https://github.com/trinodb/trino/blob/master/plugin/trino-hive/src/main/java/io/trino/plugin/hive/util/HiveCoercionPolicy.java
WIDER = {"int": {"bigint"}, "float": {"double"}}
BIGINT_DIGITS = 19


class SchemaConflict(Exception):
    """A column that would become another kind; readers would break."""


class SourcesFailed(Exception):
    """Names every source of a run that failed, and why."""

    def __init__(self, failed: Mapping[str, Mapping], of: int):
        reasons = "; ".join(f"{source}: {reason(error)}" for source, error in failed.items())
        super().__init__(f"{len(failed)} of {of} sources failed. {reasons}")


def reason(error: Mapping) -> str:
    """The message of a caught error; a function's is JSON inside the cause."""
    cause = str(error.get("Cause", ""))
    with suppress(ValueError, AttributeError):
        cause = json.loads(cause).get("errorMessage", cause)
    return f"{error.get('Error')}: {cause}"[:1000]


def tables(export: Mapping) -> list[dict]:
    """The tables of an export: {"table", "of" (the source's own name of it), "columns", "location", "schema_key",
    "rows", "set_aside" (items with a value that no column holds)}. Of a DynamoDB export, which has its columns, its
    reconciled counts and, where it is incremental, the folded snapshot's; or of an RDS export, which has {"described":
    {"tables"}} with the rows that their files hold, and its tables' `names`, see `named`."""
    if "described" in export:
        described, names = export["described"]["tables"], export["names"]
        return [
            {"table": names[table["table"]], "of": table["table"]}
            | {key: table[key] for key in ("columns", "location", "rows")}
            for table in described
        ]
    counted = export["folded"]["rows"] if export["incremental"] else export["reconciled"]["items"]
    return [
        {
            "table": export["table"],
            "of": export["source"],
            "columns": export["columns"],
            "location": export["location"],
            "schema_key": export["schema_key"],
            "rows": counted,
            "set_aside": export["reconciled"].get("rest", {}).get("items", 0),
        }
    ]


def named(
    described: Sequence[Mapping], before: Mapping[str, str], chosen: Mapping[str, str]
) -> dict[str, str]:
    """Table of a database -> table of the catalog: as the config has `chosen`, else as `before`, so that no name ever
    changes hands; else a new one. Tables that are gone keep their names."""
    given = {**before, **chosen}
    sources = (table["table"] for table in described)
    return {**before, **table_names(sources, given, published=given.values())}


def refused(tables: Mapping[str, str]) -> dict:
    """The error of a source of which the others were published."""
    reasons = "; ".join(f"{table}: {why}" for table, why in tables.items())
    cause = f"the others are published; mend it, or name the table in leave_out of the source. {reasons}"
    return {"Error": "TablesRefused", "Cause": cause}


def notice(result: Mapping) -> str | None:
    """What a run reports of a source that did not fail, or None."""
    skips = [f"RDS skipped {table}: {why}" for table, why in result.get("skipped", {}).items()]
    sentences = [*([result["notice"]] if result.get("notice") else []), *result.get("conflicts", ()), *skips]
    return "; ".join(sentences)[:1000] or None


def check_source(table: Mapping, current: Mapping | None, source: str) -> None:
    """Refuses a table that another source, or another table of this one, has published under that name: readers would
    get that one's rows or this one's."""
    name = table["table"]
    # A record that an earlier release wrote has no source, and not the source's name of the table.
    if current and current.get("source", source) != source:
        raise SchemaConflict(
            f"{name} is published of {current['source']}, and {source} has a table of that name, too; give one of them "
            f"another name (catalog_name, catalog_names), or, where {source} takes the place of {current['source']}, "
            f"delete state/{name}/current.json and the table {name} from the catalog"
        )
    if current and current.get("of", table["of"]) != table["of"]:
        raise SchemaConflict(
            f"{name} is published of {current['of']}, and {table['of']} of {source} would take its name; give one of "
            f"them another in catalog_names, or, where {table['of']} takes its place, delete state/{name}/current.json "
            f"and the table {name} from the catalog"
        )


def check_view(name: str, existing: Mapping | None) -> None:
    if existing and existing.get("TableType") != "VIRTUAL_VIEW":
        raise SchemaConflict(
            f"{name}_latest, which is the view on {name}, is a table in the catalog; export one of them by another "
            "pipeline"
        )


def merged(name: str, before: Sequence[Mapping], now: Sequence[Mapping]) -> list[dict]:
    """The columns of both, the published ones first and in their order."""
    types = {column["Name"]: column["Type"] for column in now}
    columns = []
    for column in before:
        new = types.pop(column["Name"], column["Type"])
        if not widens(column["Type"], new):
            raise SchemaConflict(
                f"{name}.{column['Name']} is published as {column['Type']} and exported as {new}; readers would break. "
                f"Mend the source, or delete the table {name} from the catalog to begin anew"
            )
        columns.append({"Name": column["Name"], "Type": new})
    return columns + [{"Name": key, "Type": value} for key, value in types.items()]


def widens(old: str, new: str) -> bool:
    """Whether partitions of the old type can be read under the new one, element by element. A decimal may give digits
    before its point away for its scale, as long as a BIGINT's are left."""
    if old == new or new in WIDER.get(old, ()):
        return True
    was, becomes = _digits(old), _digits(new)
    if was and becomes:
        return becomes[1] >= was[1] and becomes[0] - becomes[1] >= min(was[0] - was[1], BIGINT_DIGITS)
    lists = [re.fullmatch(r"array<(.*)>", kind) for kind in (old, new)]
    return bool(lists[0] and lists[1] and widens(lists[0][1], lists[1][1]))


def _digits(kind: str) -> tuple[int, int] | None:
    decimal = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", kind)
    return (int(decimal[1]), int(decimal[2])) if decimal else None


def table(name: str, columns: Sequence[Mapping], bucket: str, existing: Mapping | None) -> dict:
    """The TableInput of a table that an export is added to."""
    if existing and existing.get("TableType") == "VIRTUAL_VIEW":
        raise SchemaConflict(f"{name} is a view in the catalog; export the table by another pipeline")
    before = existing["StorageDescriptor"]["Columns"] if existing else []
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet", "EXTERNAL": "TRUE"},
        "PartitionKeys": [PARTITION_KEY],
        "StorageDescriptor": {
            "Columns": merged(name, before, columns),
            "Location": f"s3://{bucket}/{landing_folders.lake(name)}",
            **PARQUET,
        },
    }


def partition(table_input: Mapping, bucket: str, location: str, export_date: str) -> dict:
    descriptor = {**table_input["StorageDescriptor"], "Location": f"s3://{bucket}/{location}"}
    return {"Values": [export_date], "StorageDescriptor": descriptor}


def latest(table_input: Mapping, database: str, export_date: str) -> dict:
    """The TableInput of the view on one export date, with all columns that the table ever had."""
    name, columns = table_input["Name"], table_input["StorageDescriptor"]["Columns"]
    quoted = ", ".join(f'"{column["Name"]}"' for column in columns)
    sql = f'SELECT {quoted} FROM "{database}"."{name}" WHERE "export_date" = \'{export_date}\''
    view = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column["Name"], "type": trino(column["Type"])} for column in columns],
    }
    encoded = base64.b64encode(json.dumps(view).encode()).decode()
    return {
        "Name": f"{name}_latest",
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View", "export_date": export_date},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [dict(column) for column in columns],
            "Location": "",
            "SerdeInfo": {},
        },
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "ViewExpandedText": "/* Presto View */",
    }


def trino(hive: str) -> str:
    """A type of Hive's as Trino writes it."""
    hive = hive.strip()
    if nested := re.fullmatch(r"array<(.*)>", hive):
        return f"array({trino(nested[1])})"
    if nested := re.fullmatch(r"struct<(.*)>", hive):
        fields = [part.split(":", 1) for part in _parts(nested[1])]
        return "row(" + ", ".join(f'"{name}" {trino(kind)}' for name, kind in fields) + ")"
    plain = {
        "string": "varchar",
        "binary": "varbinary",
        "int": "integer",
        "float": "real",
        "timestamp": "timestamp(3)",
    }
    return plain.get(hive, hive)


def _parts(text: str) -> list[str]:
    """Split at commas that stand in no bracket."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "<(") - (letter in ">)")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def metrics(pipeline: str, results: Iterable[Mapping], now: datetime) -> list[dict]:
    """What a run reports, as PutMetricData takes it: of each source, and of each table that it published."""
    data = []
    for result in results:
        failed = "error" in result or bool(result.get("refused"))
        source = metric_names.of_source(pipeline, result["source"])
        published_any = "error" not in result
        data += [
            datum(metric_names.PUBLISHED, 1 if published_any else 0, source),
            datum(metric_names.FAILED, 1 if failed else 0, source),
        ]
        if published_any:
            data.append(datum(metric_names.SKIPPED, len(result.get("skipped", ())), source))
        for published in result["tables"] if published_any else ():
            table = metric_names.of_table(pipeline, published["table"])
            age = (now - datetime.fromisoformat(published["exported_to"])).total_seconds()
            data.append(datum(metric_names.AGE, age, table, "Seconds"))
            counts = {
                metric_names.ROWS: published["rows"],
                metric_names.SET_ASIDE: published.get("set_aside"),
            }
            data += [datum(name, number, table) for name, number in counts.items() if number is not None]
    return data
