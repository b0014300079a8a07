r"""One checksum of a table in each store that holds it, made from that store's own content.

It is over all rows' scalars: text, numbers, booleans, bytes and times. A row is a line of fields in the source's order,
nothing for NULL, else '=' and the value: a number with neither an exponent nor zeros behind it, bytes as hex, a time in
seconds since 1970. The checksum is the beginning of the MD5 of all lines in the order of their bytes: the source's is
made here, of its items; the other two by a query each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import duckdb

from local.samples import mysql

TEXT, QUOTED = {"BigQuery": "STRING", "Athena": "varchar"}, {"BigQuery": "`{}`", "Athena": '"{}"'}
SECONDS = {"BigQuery": "UNIX_SECONDS({})", "Athena": "CAST(to_unixtime({}) AS bigint)"}
WHOLE = {
    "BigQuery": "TO_HEX(MD5(STRING_AGG(line, CHR(10) ORDER BY line)))",
    "Athena": "to_hex(md5(to_utf8(array_join(array_agg(line ORDER BY line), chr(10)))))",
}


class Contents(NamedTuple):
    """What a store holds of a table."""

    rows: int
    checksum: str


def query(store: str, view: str, columns: Mapping[str, str]) -> str:
    """SQL of BigQuery or Athena for the rows and the checksum of columns: name -> S, N, BOOL, B or T."""

    def field(name: str, kind: str) -> str:
        column = QUOTED[store].format(name)
        if kind == "T":
            column = SECONDS[store].format(column)
        text = f"CAST({column} AS {TEXT[store]})"
        if kind == "N":
            zeros = r"r'\.?0*$'" if store == "BigQuery" else r"'\.?0*$'"
            text = (
                f"CASE WHEN strpos({text}, '.') > 0 THEN regexp_replace({text}, {zeros}, '') ELSE {text} END"
            )
        return f"coalesce('=' || {f'lower(to_hex({column}))' if kind == 'B' else text}, '')"

    line = " || chr(31) || ".join(field(*column) for column in columns.items()) or "''"
    return f"SELECT count(*), {WHOLE[store]} FROM (SELECT {line} AS line FROM {QUOTED[store].format(view)}) AS contents"


def answered(row: list[Any]) -> Contents:
    """The contents in the one row of a query's answer."""
    return Contents(int(row[0]), (row[1] or "0" * 8)[:8].lower())


def of_items(
    items: list[Mapping[str, Any]], of: frozenset[str] | None = None
) -> tuple[Contents, dict[str, str]]:
    """Of a DynamoDB table's items, as a scan gives them; and the attributes that it is over, with `of` those of them
    that it names in small letters."""
    kinds: dict[str, set[str]] = {}
    for item in items:
        for name, value in item.items():
            kinds.setdefault(name, set()).update(value)
    columns = {
        n: k for n, (k, *others) in sorted(kinds.items())
        if not others and k in ("S", "N", "BOOL", "B") and (of is None or n.lower() in of)
    }  # fmt: skip
    rows = ([item.get(n, {}).get(k) for n, k in columns.items()] for item in items)
    numbers = [kind == "N" for kind in columns.values()]
    exact = ([Decimal(v) if n and v else v for v, n in zip(row, numbers, strict=True)] for row in rows)
    return _contents(exact), columns


def of_database(table: mysql.Table, of: frozenset[str] | None = None) -> tuple[Contents, dict[str, str]]:
    """Of a table of the sample database, and the columns that it is over, with `of` those that it names in small
    letters."""
    kinds = {mysql.TEXT: "S", "binary": "B", "boolean": "BOOL", mysql.MICROS: "T"}
    columns = {
        column.name: kinds.get(column.exported, "N")
        for column in table.columns
        if of is None or column.name.lower() in of
    }
    with duckdb.connect() as connection:
        these = ", ".join(column.quoted for column in table.columns if column.name in columns)
        rows = connection.execute(f"SELECT {these} FROM ({table.sql()})").fetchall()
    return _contents(rows), columns


def _contents(rows: Iterable[Iterable[Any]]) -> Contents:
    lines = ["\x1f".join(_field(value) for value in row) for row in rows]
    whole = hashlib.md5("\n".join(sorted(lines, key=str.encode)).encode(), usedforsecurity=False).hexdigest()
    return Contents(len(lines), whole[:8] if lines else "0" * 8)


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"={value.hex()}"
    if isinstance(value, datetime):  # without a zone, as BigQuery reads a file's: of UTC
        return f"={int(value.replace(tzinfo=UTC).timestamp())}"
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        text = format(value, "f")
        return "=" + (text.rstrip("0").rstrip(".") if "." in text else text)
    return f"={str(value).lower()}" if isinstance(value, bool) else f"={value}"
