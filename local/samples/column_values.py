"""A column of a database in the type that a config declares: what an RDS snapshot export writes of it, and its values.

Source of the types: docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.data-types.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from local.samples.mysql import MICROS, NAMES, TEXT, Column

UNDECLARED: Mapping[str, str] = {"id": "bigint", "name": "string", "weight": "double"}
"""The columns of a table of which a config says nothing."""
INT, LONG = "int32", "int64"
WHOLE: Mapping[str, tuple[str, int]] = {
    "tinyint": (INT, 2**7 - 1), "tinyint unsigned": (INT, 2**8 - 1), "uint_8": (INT, 2**8 - 1),
    "smallint": (INT, 2**15 - 1), "smallserial": (INT, 2**15 - 1), "smallint unsigned": (INT, 2**16 - 1),
    "uint_16": (INT, 2**16 - 1), "mediumint": (INT, 2**23 - 1), "mediumint unsigned": (LONG, 2**24 - 1),
    "int": (INT, 2**31 - 1), "integer": (INT, 2**31 - 1), "serial": (INT, 2**31 - 1), "year": (INT, 2155),
    "int unsigned": (LONG, 2**32 - 1), "uint_32": (LONG, 2**32 - 1),
    "bigint": (LONG, 2**63 - 1), "long": (LONG, 2**63 - 1), "bigserial": (LONG, 2**63 - 1),
}  # fmt: skip
"""A whole number's type, and the greatest."""
LARGE = ("bigint unsigned", "uint_64")
FLOATING = ("float", "double", "double precision", "real")
BYTES = ("binary", "varbinary", "blob", "tinyblob", "mediumblob", "longblob", "bytea")
ZONED = ("timestamp", "timestamptz", "timestamp with time zone", "timestamp without time zone", "datetime")


def column(name: str, kind: str, *, mysql: bool = True, key: bool = False) -> Column:
    """The column in this declared type: text where nothing is known of it. Of a key no value is NULL, and the first
    `distinct` are different."""
    low = re.sub(r"uint(\d)", r"uint_\1", " ".join(kind.lower().split()))
    exported, sql = _typed_value(low, mysql)
    return Column(name, low, exported, sql if key else f"CASE WHEN i % 7 <> 3 THEN {sql} END")


def distinct(of: Column) -> int:
    """In how many of the first rows a key's values are different."""
    if of.source in WHOLE:
        return WHOLE[of.source][1]
    if digits := re.search(r"DECIMAL\((\d+)", of.exported):
        return 10 ** int(digits[1]) - 1
    return 2 if of.exported == "boolean" else 2**53


def _typed_value(kind: str, mysql: bool) -> tuple[str, str]:
    """The type in an export's files, and the value of row `i` in DuckDB's SQL."""
    if number := _number(kind, mysql):
        return number
    if kind in ("boolean", "bool"):
        return "boolean", "(i % 2 = 1)"
    if kind in BYTES:
        return "binary", "encode(concat('bytes ', i))"
    if kind in ZONED and mysql:
        return MICROS, "(TIMESTAMP '2026-01-01' + to_seconds(i * 61))"
    text = """'{"number": ', i, '}'""" if kind == "json" else f"{NAMES}[i % 5 + 1], ' ', i"
    return TEXT, f"concat({text})"


def _number(kind: str, mysql: bool) -> tuple[str, str] | None:
    digits = re.fullmatch(r"(?:decimal|numeric) ?\( ?(\d+) ?(?:, ?(\d+) ?)?\)", kind)
    if kind in WHOLE:
        exported, most = WHOLE[kind]
        as_type = "BIGINT" if exported == LONG else "INTEGER"
        return exported, f"(CASE WHEN i = 1 THEN {most} ELSE i % {most} END)::{as_type}"
    if kind in LARGE:
        return _decimal(20, 0, 2**64 - 1)
    if digits and mysql and int(digits[1]) <= 38:
        return _decimal(int(digits[1]), int(digits[2] or 0), 10 ** int(digits[1]) - 1)
    if kind in FLOATING:
        exported = "float" if kind == "real" and not mysql else "double"
        return exported, f"(i / 4)::{exported.upper()}"
    return None


def _decimal(precision: int, scale: int, most: int) -> tuple[str, str]:
    width = len(f"{10**precision:b}") // 8 + 1
    if most == 2**64 - 1:
        physical = "fixed_len_byte_array(9)"
    else:
        physical = INT if precision <= 9 else LONG if precision <= 18 else f"fixed_len_byte_array({width})"
    digits = f"lpad(CASE WHEN i = 1 THEN '{most}' ELSE (i % {most})::VARCHAR END, {max(precision, scale + 1)}, '0')"
    text = f"concat({digits}[:-{scale + 1}], '.', right({digits}, {scale}))" if scale else digits
    return f"{physical} (DECIMAL({precision},{scale}))", f"{text}::DECIMAL({precision},{scale})"
