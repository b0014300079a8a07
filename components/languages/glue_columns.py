"""What a table's declared attributes are as columns of the catalog, and as attributes of a DynamoDB export. Pure.

The names are of components/shared/catalog_names.py, as the run's; the types those that the run gives them
(handlers/normalise/table_schema.py); tests/contract compares both. `json` is kept where Glue says string.
"""

from collections.abc import Mapping
from typing import Any

from components.shared.catalog_names import column_names

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
        names = column_names(inner, reserved=())
        return "struct<" + ",".join(f"{names[f]}:{column_type(inner[f])}" for f in sorted(inner)) + ">"
    return f"array<{column_type(inner)}>"


def attributes(declared: Mapping[str, Any]) -> dict[str, str]:
    """Attribute -> DynamoDB's type, where the declared type determines it: `json` may be any."""
    types = {attribute: _attribute(kind) for attribute, kind in declared.items()}
    return {attribute: type_ for attribute, type_ in types.items() if type_}


def _attribute(kind: Any) -> str | None:
    if isinstance(kind, str):
        return "N" if kind.startswith("decimal") else ATTRIBUTE.get(kind)
    ((shape, inner),) = kind.items()
    return f"{_attribute(inner)}S" if shape == "set" else {"list": "L", "struct": "M"}[shape]
