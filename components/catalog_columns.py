"""What a table's declared attributes are as columns of the catalog, and as attributes of a DynamoDB export. Pure.

The names and types are those that the run gives them (handlers/normalise/table_schema.py, which functions carry with
them); tests/contract holds both against each other. `json` is kept where Glue says string.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

REST = "_rest"  # the last column of every table: what no column of its own could hold
RESERVED = {REST, "_write_micros", "_deleted"}
ATTRIBUTE = {"string": "S", "binary": "B", "boolean": "BOOL", "bigint": "N", "double": "N"}


def columns(declared: Mapping[str, Any]) -> dict[str, str]:
    """Column -> type of attributes declared as an export's source declares them."""
    names = column_names(declared)
    return {names[attribute]: column_type(kind) for attribute, kind in declared.items()}


def column_type(kind: Any) -> str:
    """A declared type as Glue writes it."""
    if isinstance(kind, str):
        return kind.replace(" ", "")
    ((shape, inner),) = kind.items()
    if shape == "struct":
        names = column_names(inner)
        return "struct<" + ",".join(f"{names[f]}:{column_type(inner[f])}" for f in sorted(inner)) + ">"
    return f"array<{column_type(inner)}>"


def column_names(attributes: Iterable[str]) -> dict[str, str]:
    """Attribute -> column: lower case, '_' for what Glue refuses, and a hash where two would be called the same."""
    plain = {a: re.sub(r"[^a-z0-9_]", "_", a.lower())[:200] or "_" for a in attributes}
    users = list(plain.values())
    return {
        a: name
        if name not in RESERVED and (users.count(name) == 1 or a == name)
        else f"{name}_{hashlib.sha256(a.encode()).hexdigest()[:8]}"
        for a, name in plain.items()
    }


def attributes(declared: Mapping[str, Any]) -> dict[str, str]:
    """Attribute -> DynamoDB's type, of those whose declared type tells it: `json` may be any."""
    told = {attribute: _attribute(kind) for attribute, kind in declared.items()}
    return {attribute: kind for attribute, kind in told.items() if kind}


def _attribute(kind: Any) -> str | None:
    if isinstance(kind, str):
        return "N" if kind.startswith("decimal") else ATTRIBUTE.get(kind)
    ((shape, inner),) = kind.items()
    return f"{_attribute(inner)}S" if shape == "set" else {"list": "L", "struct": "M"}[shape]
