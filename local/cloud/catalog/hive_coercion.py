"""Which type of an older partition Athena reads under the type that its table has now.

The rules of Trino's Hive connector, whose engine Athena's is. Limits: char, varchar(n), tinyint, smallint, map and
uniontype, which no export makes, are coerced to themselves only.
https://github.com/trinodb/trino/blob/master/plugin/trino-hive/src/main/java/io/trino/plugin/hive/util/HiveCoercionPolicy.java
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp

TEXT = ("int", "bigint", "timestamp")  # which become text, and text them


def coerces(old: str, new: str) -> bool:
    """Whether values of the partition's type can be read as the table's; both as Glue writes them."""
    return _coerces(*(sqlglot.parse_one(kind, read="hive", into=exp.DataType) for kind in (old, new)))


def _coerces(old: exp.DataType, new: exp.DataType) -> bool:
    if old == new:
        return True
    was, becomes = _name(old), _name(new)
    if was == becomes == "array":
        return _coerces(old.expressions[0], new.expressions[0])
    if was == becomes == "struct":
        # Fields are added and dropped at the end only.
        return all(
            field.name.lower() == other.name.lower() and _coerces(field.args["kind"], other.args["kind"])
            for field, other in zip(old.expressions, new.expressions, strict=False)
        )
    if was == "string":
        return becomes in TEXT
    if becomes == "string":
        return was in (*TEXT, "decimal")
    if was == "int":
        return becomes == "bigint"
    if was in ("float", "double", "decimal"):
        return becomes in ("float", "double", "decimal")
    return False


def _name(kind: exp.DataType) -> str:
    name = kind.this.value.lower()
    return "string" if name in ("text", "varchar") else name
