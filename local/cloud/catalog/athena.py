"""Athena over the Glue catalog: partitions where the catalog says they are, and views.

ministack hands a query to DuckDB as it is written, reads every file below a table's location, and knows no views.
Here sqlglot reads the query as Athena would and writes it for DuckDB; a table's partitions are those that are
registered, each read from its own location with the table's columns (one that a file lacks is NULL), if the types
that it was registered with can be coerced to the table's (hive_coercion.py); a view is its own query; CREATE [OR
REPLACE] VIEW and DROP VIEW keep one in Glue as Athena does. Errors: TABLE_NOT_FOUND, NOT_SUPPORTED for any other
statement (INSERT, CTAS, UNLOAD, `"$path"`), and DuckDB's own. Parquet, and Iceberg (iceberg_scan.py), into which MERGE
writes (iceberg_merge.py) and OPTIMIZE (iceberg_optimize.py); the caller's rights on data are not checked. Sources:
docs.aws.amazon.com/athena/latest/ug/create-view.html, docs.aws.amazon.com/athena/latest/ug/partitions.html.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from contextvars import copy_context
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from ..iam import authorization
from ..seams import athena, glue
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import error_response_json, json_response
from . import iceberg_merge, iceberg_optimize, iceberg_scan
from .hive_coercion import coerces

TYPES = {"string": "VARCHAR", "binary": "BLOB", "int": "INTEGER"}


class NotSupported(Exception):
    """A statement that stands in Athena's manual and not here."""


def duckdb_type(hive: str) -> str:
    """A type of the catalog's as DuckDB writes it."""
    return sqlglot.parse_one(hive, read="hive", into=exp.DataType).sql(dialect="duckdb")


def columns_sql(columns: list[Record], in_files: set[str]) -> str:
    """A SELECT's list that casts each column to its type in the catalog, and has NULL for one that the files lack."""
    return ", ".join(
        f"""{f'"{c["Name"]}"' if c["Name"] in in_files else "NULL"}::{duckdb_type(c["Type"])} AS "{c["Name"]}\""""
        for c in columns
    )


def relation(table: Record, name: str, workdirs: list[str]) -> str:
    """The table as a SELECT over copies of its files."""
    columns: list[Record] = table["StorageDescriptor"]["Columns"]
    keys: list[Record] = table.get("PartitionKeys") or []
    parts: list[tuple[Record, list[str]]] = (
        [(p["StorageDescriptor"], p["Values"]) for p in glue.partitions.get(name, [])]
        if keys
        else [(table["StorageDescriptor"], [])]
    )
    selected: list[str] = []
    for descriptor, values in parts:
        location = descriptor["Location"]
        check_partition(name, columns, descriptor.get("Columns") or [], "/".join(values))
        files = athena.table_files(location, workdirs)
        if not files:
            continue
        source = f"read_parquet({athena.sql_list(files)}, union_by_name = true, hive_partitioning = false)"
        in_files = {row[0] for row in duckdb.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        fixed = "".join(
            f", '{value}'::{duckdb_type(key['Type'])} AS \"{key['Name']}\""
            for key, value in zip(keys, values, strict=True)
        )
        selected.append(f"SELECT {columns_sql(columns, in_files)}{fixed} FROM {source}")
    nothing = f"SELECT {columns_sql([*columns, *keys], set())} WHERE FALSE"
    return " UNION ALL ".join(selected) or nothing


def check_partition(name: str, columns: list[Record], own: list[Record], values: str) -> None:
    """A partition keeps the types that it was registered with, and is read only where they can be coerced."""
    types = {column["Name"]: column["Type"] for column in own}
    for column in columns:
        old = types.get(column["Name"], column["Type"])
        if not coerces(old, column["Type"]):
            raise ValueError(
                "HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition schemas. The "
                f"types are incompatible and cannot be coerced. The column '{column['Name']}' in table '{name}' is "
                f"declared as type '{column['Type']}', but partition '{values}' declared column '{column['Name']}' as "
                f"type '{old}'."
            )


def expand(query: Any, database: str, workdirs: list[str]) -> Any:
    """The query with each table of the catalog replaced by what it stands for."""
    ctes = {cte.alias_or_name for cte in query.find_all(exp.CTE)}
    for table in list(query.find_all(exp.Table)):
        if table.name in ctes and not table.db:
            continue
        home = table.db or database
        own, _, kind = table.name.lower().partition("$")
        name = f"{home}/{own}"
        record = glue.tables.get(name)
        if not record or (kind and not iceberg_scan.is_iceberg(record)):
            raise ValueError(f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{home}.{table.name}' does not exist")
        if record.get("TableType") == "VIRTUAL_VIEW":
            view = json.loads(base64.b64decode(record["ViewOriginalText"].split()[3]))
            inner = expand(sqlglot.parse_one(view["originalSql"], read="athena"), view["schema"], workdirs)
        elif iceberg_scan.is_iceberg(record):
            version = table.args.get("version")
            rows = iceberg_scan.metadata_table(record, kind) if kind else None
            inner = sqlglot.parse_one(rows or iceberg_scan.relation(record, version, workdirs), read="duckdb")
        else:
            inner = sqlglot.parse_one(relation(record, name, workdirs), read="duckdb")
        alias: str = table.alias or table.name
        inner_query = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(alias, True)))
        if table is query:
            return inner_query
        table.replace(inner_query)
    return query


def view_input(name: str, sql: str, database: str) -> Record:
    """Glue's record of a view; its columns come from running it over no rows."""
    workdirs: list[str] = []
    try:
        query = expand(sqlglot.parse_one(sql, read="athena"), database, workdirs).sql(dialect="duckdb")
        described = duckdb.execute(f"DESCRIBE {query}").fetchall()
    finally:
        for workdir in workdirs:
            shutil.rmtree(workdir, ignore_errors=True)
    types = {name: sqlglot.parse_one(kind, read="duckdb", into=exp.DataType) for name, kind, *_ in described}
    view_record = {
        "originalSql": sql, "catalog": "awsdatacatalog", "schema": database,
        "columns": [{"name": n, "type": t.sql(dialect="trino").lower()} for n, t in types.items()],
    }  # fmt: skip
    encoded = base64.b64encode(json.dumps(view_record).encode()).decode()
    return {
        "Name": name, "TableType": "VIRTUAL_VIEW", "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "StorageDescriptor": {
            "Columns": [{"Name": n, "Type": t.sql(dialect="hive").lower()} for n, t in types.items()]
        },
        "ViewOriginalText": f"/* Presto View: {encoded} */", "ViewExpandedText": "/* Presto View */",
    }  # fmt: skip


def run(query: str, database: str) -> Record:
    """A statement's result: columns and rows, both empty for CREATE VIEW and DROP VIEW. NotSupported for any other but
    SELECT; ValueError, which begins with Athena's code, for what contradicts the catalog."""
    if query.lstrip().upper().startswith("OPTIMIZE "):
        iceberg_optimize.optimize(query, database)
        return {"columns": [], "rows": []}
    statement = sqlglot.parse_one(query, read="athena")
    if isinstance(statement, exp.Create) and statement.kind == "VIEW":
        home, name = statement.this.db or database, statement.this.name.lower()
        record = {
            "DatabaseName": home,
            "TableInput": view_input(name, statement.expression.sql(dialect="athena"), home),
        }
        if f"{home}/{name}" in glue.tables:
            if not statement.args.get("replace"):
                raise ValueError(f"ALREADY_EXISTS: View already exists: '{home}.{name}'")
            glue.update_table(record)
        else:
            glue.create_table(record)
        return {"columns": [], "rows": []}
    if isinstance(statement, exp.Drop) and statement.kind == "VIEW":
        glue.delete_table(
            {"DatabaseName": statement.this.db or database, "Name": statement.this.name.lower()}
        )
        return {"columns": [], "rows": []}
    if isinstance(statement, exp.Merge):
        merge(statement, database)
        return {"columns": [], "rows": []}
    if not isinstance(statement, exp.Query) or '"$' in query:
        raise NotSupported(
            f"NOT_SUPPORTED: {' '.join(query.split())[:80]}: only SELECT, views, MERGE and OPTIMIZE run here"
        )
    workdirs: list[str] = []
    try:
        with duckdb.connect() as connection:
            answer = connection.execute(expand(statement, database, workdirs).sql(dialect="duckdb"))
            described = answer.description or []
            kinds = [str(column[1]).upper().split("(")[0].strip() for column in described]
            return {
                "columns": [column[0] for column in described],
                "column_types": [athena.duckdb_types.get(kind, "varchar") for kind in kinds],
                "rows": [list(row) for row in answer.fetchall()],
            }
    finally:
        for workdir in workdirs:
            shutil.rmtree(workdir, ignore_errors=True)


def merge(statement: Any, database: str) -> None:
    """MERGE INTO, which takes an Iceberg table."""
    home, name = statement.this.db or database, statement.this.name.lower()
    record = glue.tables.get(f"{home}/{name}")
    if not record:
        raise ValueError(f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{home}.{name}' does not exist")
    if not iceberg_scan.is_iceberg(record):
        raise ValueError(
            "NOT_SUPPORTED: Modifying Hive table rows is only supported for transactional tables"
        )
    workdirs: list[str] = []
    try:
        iceberg_merge.merge(statement, record, lambda query: expand(query, database, workdirs))
    finally:
        for workdir in workdirs:
            shutil.rmtree(workdir, ignore_errors=True)


async def run_duckdb(query: str, database: str, catalog: str | None = None) -> Record:
    """Runs a query in a thread, under the request's account and region, so that the cloud answers others meanwhile."""
    return await asyncio.to_thread(copy_context().run, run, query, database)


async def update_named_query(
    stock: Handler, method: str, path: str, headers: Record, body: bytes, query: Record
) -> Answer:
    """UpdateNamedQuery, not in ministack: docs.aws.amazon.com/athena/latest/APIReference/API_UpdateNamedQuery.html."""
    if not headers.get("x-amz-target", "").endswith(".UpdateNamedQuery"):
        return await stock(method, path, headers, body, query)
    request = json.loads(body or b"{}")
    saved = athena.named_queries.get(request.get("NamedQueryId"))
    if not saved:
        return error_response_json("InvalidRequestException", "NamedQueryId was not found", 400)
    saved |= {key: request[key] for key in ("Name", "Description", "QueryString") if key in request}
    return json_response({})


def install() -> None:
    """Runs ministack's queries by `run_duckdb`, and adds UpdateNamedQuery to its Athena."""
    athena.run_query.replace(run_duckdb)
    authorization.wrap("athena", update_named_query)
