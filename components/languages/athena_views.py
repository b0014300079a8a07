"""SQL that a config declares, checked before anything is deployed. Pure.

A view is one SELECT over tables of its own pipeline, by name or as `<table>_latest`. Every column that it names must be
declared: of a DynamoDB source in `columns`, of an RDS source in `tables`. sqlglot reads it as Athena would
(https://github.com/tobymao/sqlglot, dialect `athena`).
"""

import re
from collections.abc import Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from components.arguments import nearest
from components.shared.catalog_names import EXPORT_DATE, REST, viewed_table

ADDED = {REST: "varchar", EXPORT_DATE: "varchar"}  # what every table has besides its own columns


def check_view(sql: str, tables: Mapping[str, Mapping[str, object] | None]) -> str:
    """The view's SQL, if it holds. `tables`: each table of the catalog with its declared columns, None where they are
    not declared. Raises ValueError with what is wrong."""
    try:
        statements = sqlglot.parse(sql, read="athena")
    except SqlglotError as error:
        message = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # sqlglot marks the place for a terminal
        raise ValueError(f"not SQL that Athena reads: {message}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ValueError("a view is one SELECT; leave out CREATE VIEW, and anything after the SELECT")
    schema: dict[str, Any] = {}
    ctes = {cte.alias_or_name for cte in statements[0].find_all(exp.CTE)}
    for table in statements[0].find_all(exp.Table):
        if table.db:
            raise ValueError(f"'{table.db}.{table.name}' is of another database; write {table.name}")
        if table.name in ctes:
            continue
        base = viewed_table(table.name)
        if base not in tables:
            raise ValueError(f"'{table.name}' is no table of this pipeline; {nearest(table.name, tables)}")
        declared = tables[base]
        if declared is None:
            raise ValueError(f"the columns of '{base}' are not declared; declare them at its source")
        schema[table.name] = dict.fromkeys(declared, "varchar") | ADDED
    try:
        qualify(statements[0].copy(), schema=schema, dialect="athena", quote_identifiers=False)
    except SqlglotError as error:
        declared = "; ".join(f"{table}: {', '.join(columns)}" for table, columns in schema.items())
        raise ValueError(f"{error}; declared are {declared}") from None
    return sql
