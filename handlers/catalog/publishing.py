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
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypedDict

import landing_folders
import metric_names
from catalog_names import EXPORT_DATE, latest_view, table_names
from column_types import decimal
from hive_types import ARRAY, STRUCT, nested
from metric_names import datum
from run_records import DatabaseTable, HandedOver, PublishedRecord
from run_sources import ICEBERG
from run_steps import ATHENA, FUNCTION, DatabaseWork, FinishedDatabase, FinishedTable, TableWork
from step_keys import keys

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
WRITERS = {FUNCTION: "the function", ATHENA: "Athena"}


class SchemaConflict(Exception):
    """A column that would become another kind; readers would break."""


class SourcesFailed(Exception):
    """Names every source of a run that failed, and why."""

    def __init__(self, failed: Mapping[str, Mapping[str, str]], of: int):
        reasons = "; ".join(f"{source}: {reason(error)}" for source, error in failed.items())
        super().__init__(f"{len(failed)} of {of} sources failed. {reasons}")


def reason(error: Mapping[str, str]) -> str:
    """The message of a caught error; a function's is JSON inside the cause."""
    cause = str(error.get("Cause", ""))
    with suppress(ValueError, AttributeError):
        cause = json.loads(cause).get("errorMessage", cause)
    return f"{error.get('Error')}: {cause}"[:1000]


Export = FinishedTable | FinishedDatabase
"""What the former steps say of an export."""


class Table(TypedDict):
    """A table of an export, as it is published."""

    table: str
    """Its name in the catalog."""
    of: str
    """The source's own name of it."""
    columns: list[dict[str, str]]
    """As Glue has them."""
    location: str
    schema_key: str | None
    rows: int | None
    set_aside: int | None
    """Items with a value that no column holds, where they are counted."""
    iceberg: bool
    """Whether it is an Iceberg table, which the run has committed to."""
    snapshot: str | None
    """The id of the snapshot that it then had, of an Iceberg table."""
    written: str | None
    """What wrote it, and why that, of an Iceberg table."""


def database_tables(described: Sequence[DatabaseTable], names: Mapping[str, str]) -> list[Table]:
    """The tables of an RDS export, with the rows that their files hold; `names`: see `named`."""
    return [
        {
            "table": names[table["table"]],
            "of": table["table"],
            "columns": table["columns"],
            "location": table["location"],
            "schema_key": None,
            "rows": table["rows"],
            "set_aside": None,
            "iceberg": False,
            "snapshot": None,
            "written": None,
        }
        for table in described
    ]


def exported_table(export: FinishedTable, columns: list[dict[str, str]]) -> Table:
    """The table of a DynamoDB export, with its reconciled count or, of an increment, the folded snapshot's; of an
    Iceberg table, what it holds."""
    committed = export.get("committed")
    folded = export.get("folded") or committed
    return {
        "table": export["table"],
        "of": export["source"],
        "columns": columns,
        "location": export["location"],
        "schema_key": export["schema_key"],
        "rows": folded["rows"] if folded else export["reconciled"]["items"],
        "set_aside": export["reconciled"]["rest"]["items"],
        "iceberg": export.get("format") == ICEBERG,
        "snapshot": committed["snapshot"] if committed else None,
        "written": f"{WRITERS[committed['engine']]}: {committed['why']}" if committed else None,
    }


def named(
    described: Sequence[DatabaseTable], before: Mapping[str, str], chosen: Mapping[str, str]
) -> dict[str, str]:
    """Table of a database -> table of the catalog: as the config has `chosen`, else as `before`, so that no name ever
    changes hands; else a new one. Tables that are gone keep their names."""
    given = {**before, **chosen}
    sources = (table["table"] for table in described)
    return {**before, **table_names(sources, given, published=given.values())}


def refused(tables: Mapping[str, str]) -> dict[str, str]:
    """The error of a source of which the others were published."""
    reasons = "; ".join(f"{table}: {why}" for table, why in tables.items())
    cause = f"the others are published; mend it, or name the table in leave_out of the source. {reasons}"
    return {"Error": "TablesRefused", "Cause": cause}


def handed_over_table(export: FinishedTable, columns: dict[str, Any]) -> HandedOver:
    """What a replica's run needs of a table's export; `columns` is what lies at its `schema_key`."""
    return {
        "source": export["source"],
        "kind": export["of"]["kind"],
        "due": export["due"],
        "export": dict(export["export"]),
        "work": {key: export[key] for key in keys(TableWork)},
        "schema": dict(export["schema"]),
        "columns": columns,
    }


def handed_over_database(
    export: FinishedDatabase, names: Mapping[str, str], files: Mapping[str, int]
) -> HandedOver:
    """What a replica's run needs of a database's export; `names` and `files` as HandedOver has them."""
    return {
        "source": export["source"],
        "kind": export["of"]["kind"],
        "due": export["due"],
        "export": dict(export["export"]),
        "work": {key: export[key] for key in keys(DatabaseWork)},
        "names": dict(names),
        "files": dict(files),
    }


def notice(result: Mapping[str, Any]) -> str | None:
    """What a run reports of a source that did not fail, or None."""
    skips = [f"RDS skipped {table}: {why}" for table, why in result.get("skipped", {}).items()]
    sentences = [*([result["notice"]] if result.get("notice") else []), *result.get("conflicts", ()), *skips]
    return "; ".join(sentences)[:1000] or None


def check_source(table: Table, current: PublishedRecord | None, source: str) -> None:
    """Refuses a table that another source, or another table of this one, has published under that name: readers would
    get that one's rows or this one's."""
    name = table["table"]
    record = landing_folders.published_record(name)
    # A record that an earlier release wrote has no source, and not the source's name of the table.
    if current and (published := current.get("source", source)) != source:
        raise SchemaConflict(
            f"{name} is published of {published}, and {source} has a table of that name, too; give one of them "
            f"another name (catalog_name, catalog_names), or, where {source} takes the place of {published}, "
            f"delete {record} and the table {name} from the catalog"
        )
    if current and (published := current.get("of", table["of"])) != table["of"]:
        raise SchemaConflict(
            f"{name} is published of {published}, and {table['of']} of {source} would take its name; give one of "
            f"them another in catalog_names, or, where {table['of']} takes its place, delete {record} "
            f"and the table {name} from the catalog"
        )


def check_view(name: str, existing: Mapping[str, Any] | None) -> None:
    """Refuses a table whose view's name another table has."""
    if existing and existing.get("TableType") != "VIRTUAL_VIEW":
        raise SchemaConflict(
            f"{latest_view(name)}, which is the view on {name}, is a table in the catalog; export one of them by "
            "another pipeline"
        )


def merged(
    name: str, before: Sequence[Mapping[str, str]], now: Sequence[Mapping[str, str]]
) -> list[dict[str, str]]:
    """The columns of both, the published ones first and in their order."""
    types = {column["Name"]: column["Type"] for column in now}
    columns: list[dict[str, str]] = []
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
    was, becomes = decimal(old), decimal(new)
    if was and becomes:
        return becomes[1] >= was[1] and becomes[0] - becomes[1] >= min(was[0] - was[1], BIGINT_DIGITS)
    lists = nested(old), nested(new)
    return bool(
        lists[0]
        and lists[1]
        and lists[0].shape == lists[1].shape == ARRAY
        and widens(lists[0].inner[0], lists[1].inner[0])
    )


def table(
    name: str, columns: Sequence[Mapping[str, str]], bucket: str, existing: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The TableInput of a table that an export is added to."""
    if existing and existing.get("TableType") == "VIRTUAL_VIEW":
        raise SchemaConflict(f"{name} is a view in the catalog; export the table by another pipeline")
    if existing and is_iceberg(existing):
        raise SchemaConflict(
            f"{name} is an Iceberg table in the catalog; write format: iceberg, or delete it and "
            f"{landing_folders.published_record(name)} to begin anew with Parquet"
        )
    before: list[dict[str, str]] = existing["StorageDescriptor"]["Columns"] if existing else []
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


def is_iceberg(existing: Mapping[str, Any]) -> bool:
    """Whether the catalog's table is an Iceberg table: Iceberg's Glue catalog marks it so
    (https://iceberg.apache.org/docs/latest/aws/#glue-catalog)."""
    return existing.get("Parameters", {}).get("table_type", "").upper() == "ICEBERG"


def committed_table(
    name: str, columns: Sequence[Mapping[str, str]], existing: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Of an Iceberg table what its view needs: the run has made it, and nothing here changes it."""
    if not existing or not is_iceberg(existing):
        raise SchemaConflict(f"{name} is no Iceberg table in the catalog, although the run committed to it")
    return {"Name": name, "StorageDescriptor": {"Columns": [dict(column) for column in columns]}}


def partition(table_input: Mapping[str, Any], bucket: str, location: str, export_date: str) -> dict[str, Any]:
    """The PartitionInput of one export date."""
    descriptor = {**table_input["StorageDescriptor"], "Location": f"s3://{bucket}/{location}"}
    return {"Values": [export_date], "StorageDescriptor": descriptor}


def latest(table_input: Mapping[str, Any], database: str, export_date: str) -> dict[str, Any]:
    """The TableInput of the view on one export date, with all columns that the table ever had; on an Iceberg table,
    which has no partitions, the view is on all of it."""
    name, columns = table_input["Name"], table_input["StorageDescriptor"]["Columns"]
    quoted = ", ".join(f'"{column["Name"]}"' for column in columns)
    sql = f'SELECT {quoted} FROM "{database}"."{name}"'
    if table_input.get("PartitionKeys"):
        sql += f" WHERE \"{EXPORT_DATE}\" = '{export_date}'"
    view = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column["Name"], "type": trino(column["Type"])} for column in columns],
    }
    encoded = base64.b64encode(json.dumps(view).encode()).decode()
    return {
        "Name": latest_view(name),
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View", EXPORT_DATE: export_date},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [dict(column) for column in columns],
            "Location": "",
            "SerdeInfo": {},
        },
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "ViewExpandedText": "/* Presto View */",
    }


TRINO = {
    "string": "varchar",
    "binary": "varbinary",
    "int": "integer",
    "float": "real",
    "timestamp": "timestamp(3)",
}


def trino(hive: str) -> str:
    """A type of Hive's as Trino writes it."""
    outer = nested(hive)
    if outer is None:
        return TRINO.get(hive.strip(), hive.strip())
    if outer.shape == STRUCT:
        return "row(" + ", ".join(f'"{name}" {trino(kind)}' for name, kind in outer.fields) + ")"
    return f"{outer.shape}(" + ", ".join(map(trino, outer.inner)) + ")"


def metrics(pipeline: str, results: Iterable[Mapping[str, Any]], now: datetime) -> list[dict[str, object]]:
    """What a run reports, as PutMetricData takes it: of each source, and of each table that it published."""
    data: list[dict[str, object]] = []
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
