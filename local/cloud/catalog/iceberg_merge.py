"""MERGE INTO an Iceberg table, as Athena carries it out: one commit, or nothing.

DuckDB's MERGE takes one UPDATE or DELETE action on such a table, so the clauses are evaluated over a copy of the table
and of the source: each pair of rows that fits `ON` takes the first WHEN MATCHED clause whose condition holds, each row
of the source without a fitting one the first WHEN NOT MATCHED. The rows that change are then taken away and put in, in
one transaction, by the account's own Glue catalog, whose check at the commit refuses it where another writer was ahead.
Rows are taken away by the columns of `ON`, which has to be an AND of equal columns; what else has their values is put
in again. Errors: MERGE_TARGET_ROW_MULTIPLE_MATCHES, ICEBERG_COMMIT_ERROR, NOT_SUPPORTED, as ValueError.
Source: docs.aws.amazon.com/athena/latest/ug/merge-into-statement.html, trino.io/docs/current/sql/merge.html.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import duckdb
from sqlglot import exp

from ..seams.parts import Record
from ..seams.responses import get_account_id, get_region
from . import iceberg_scan

Expand = Callable[[Any], Any]
"""Puts what a table of the catalog stands for in the place of its name."""


def merge(statement: Any, table: Record, expand: Expand) -> None:
    """Carries the statement out. `table`: the target's record in the catalog."""
    target, source = statement.this.alias_or_name, statement.args["using"].alias_or_name
    pairs = [(equal.this, equal.expression) for equal in _equal_columns(statement.args["on"])]
    keys = [side.name for pair in pairs for side in pair if side.table == target]
    if len(keys) != len(pairs) or not keys:
        raise ValueError("NOT_SUPPORTED: ON is not an AND of equal columns of the target and the source")
    with iceberg_scan.connect() as connection:
        catalog = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/iceberg"
        connection.execute(
            f"ATTACH '{get_account_id()}' AS lake (TYPE iceberg, ENDPOINT '{catalog}', AUTHORIZATION_TYPE 'sigv4', "
            f"SIGV4_SERVICE 'glue', SIGV4_REGION '{get_region()}', SECRET own, ACCESS_DELEGATION_MODE 'none', "
            "STAGE_CREATE_TABLES false, DISABLE_MULTI_TABLE_COMMIT true, REMOVE_FILES_ON_DELETE false)"
        )
        name = f'lake."{table["DatabaseName"]}"."{table["Name"]}"'
        connection.execute("BEGIN")
        # Pins the snapshot that the commit is checked against.
        columns = [row[0] for row in connection.execute(f"DESCRIBE {name}").fetchall()]
        connection.execute(f"CREATE TEMP TABLE before AS SELECT *, row_number() OVER () AS _row FROM {name}")
        from_source = exp.select("*").from_(statement.args["using"])
        connection.execute(f"CREATE TEMP TABLE source AS {expand(from_source).sql(dialect='duckdb')}")
        written = _evaluate(connection, statement, columns, (target, source))
        listed, key = (", ".join(f'"{column}"' for column in some) for some in (columns, keys))
        if written:
            touched = f"SELECT {key} FROM before WHERE _row IN (SELECT _row FROM changes)"
            connection.execute(
                f"CREATE TEMP TABLE others AS SELECT {listed} FROM before WHERE ({key}) IN ({touched}) "
                "AND _row NOT IN (SELECT _row FROM changes WHERE _row IS NOT NULL)"
            )
            connection.execute(f"DELETE FROM {name} WHERE ({key}) IN ({touched})")
            connection.execute(
                f"INSERT INTO {name} ({listed}) SELECT {listed} FROM changes WHERE NOT _delete "
                f"UNION ALL SELECT {listed} FROM others"
            )
        try:
            connection.execute("COMMIT")
        except duckdb.Error as error:
            raise ValueError(
                f"ICEBERG_COMMIT_ERROR: Failed to commit the transaction during write: {error}"
            ) from error
        connection.execute("DETACH lake")


def _equal_columns(condition: Any) -> list[Any]:
    parts = list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
    if not all(
        isinstance(part, exp.EQ)
        and isinstance(part.this, exp.Column)
        and isinstance(part.expression, exp.Column)
        for part in parts
    ):
        raise ValueError("NOT_SUPPORTED: ON is not an AND of equal columns")
    return parts


def _evaluate(connection: Any, statement: Any, columns: list[str], names: tuple[str, str]) -> int:
    """Makes `changes`: rows in the table's columns, `_row` of the row that they take the place of, `_delete` where
    nothing takes it. Returns how many."""
    target, source = names
    condition = statement.args["on"].sql(dialect="duckdb")
    own = ", ".join(f'{target}."{column}"' for column in columns)
    selects: list[str] = []
    for matched in (True, False):
        clauses = [
            when for when in statement.args["whens"].expressions if bool(when.args["matched"]) is matched
        ]
        conditions = [
            when.args["condition"].sql(dialect="duckdb") if when.args.get("condition") else "TRUE"
            for when in clauses
        ]
        chosen = (
            "CASE "
            + " ".join(f"WHEN {test} THEN {number}" for number, test in enumerate(conditions))
            + " END"
        )
        if matched:
            pairs = f"FROM before AS {target} JOIN source AS {source} ON {condition}"
        else:
            pairs = f"FROM source AS {source} ANTI JOIN before AS {target} ON {condition}"
        for number, when in enumerate(clauses):
            values, deletes = _values(when.args["then"], columns, own)
            row = f"{target}._row" if matched else "NULL::BIGINT"
            selects.append(
                f"SELECT {values}, {row} AS _row, {deletes} AS _delete {pairs} WHERE ({chosen}) = {number}"
            )
    union = " UNION ALL ".join(selects)
    # In the table's own types and names.
    connection.execute("CREATE TEMP TABLE changes AS SELECT *, FALSE AS _delete FROM before WHERE FALSE")
    connection.execute(f"INSERT INTO changes {union}")
    ((number, twice),) = connection.execute(
        "SELECT (SELECT count(*) FROM changes), (SELECT count(*) FROM (SELECT 1 FROM changes WHERE _row IS NOT NULL "
        "GROUP BY _row HAVING count(*) > 1))"
    ).fetchall()
    if twice:
        raise ValueError(
            "MERGE_TARGET_ROW_MULTIPLE_MATCHES: One MERGE target table row matched more than one source row"
        )
    return number


def _values(then: Any, columns: list[str], own: str) -> tuple[str, bool]:
    """The row that a clause makes, as a SELECT lists it, and whether it makes none."""
    if isinstance(then, exp.Update):
        new = {equal.this.name: equal.expression.sql(dialect="duckdb") for equal in then.expressions}
        qualified = dict(zip(columns, own.split(", "), strict=True))
        return ", ".join(new.get(column, qualified[column]) for column in columns), False
    if isinstance(then, exp.Insert):
        named = [column.name for column in then.this.expressions]
        new = dict(
            zip(named, (value.sql(dialect="duckdb") for value in then.expression.expressions), strict=True)
        )
        return ", ".join(new.get(column, "NULL") for column in columns), False
    return own, True
