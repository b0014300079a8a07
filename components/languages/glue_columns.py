"""What a table's declared attributes are as columns of the catalog, and as attributes of a DynamoDB export. Pure.

The names and types are those of components/shared/, as the run's; tests/contract compares both. `json` is kept
where Glue says string.
"""

from collections.abc import Mapping
from typing import Any

from components.shared.catalog_names import column_names, field_names
from components.shared.column_types import declared as declared_type


def columns(declared: Mapping[str, Any]) -> dict[str, str]:
    """Column -> type of attributes declared as an export's source declares them."""
    names = column_names(declared)
    return {names[attribute]: column_type(kind) for attribute, kind in declared.items()}


def column_type(kind: Any) -> str:
    """A declared type as Glue writes it."""
    return declared_type(kind, field_names).glue(json="json")


def attributes(declared: Mapping[str, Any]) -> dict[str, str]:
    """Attribute -> DynamoDB's type, where the declared type determines it: `json` may be any."""
    types = {attribute: declared_type(kind, field_names).attribute() for attribute, kind in declared.items()}
    return {attribute: type_ for attribute, type_ in types.items() if type_}
