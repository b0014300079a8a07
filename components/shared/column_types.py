"""A column's type: the grammar in which a config declares it and a schema keeps it, and the tree that it is. Pure.

    string binary boolean bigint double json decimal(p,s)      p at most 38
    {set: string|binary|bigint|double|decimal(p,s)} {list: type} {struct: {name: type}}

A schema also keeps what RDS exports: int, float, date and timestamp (without a zone, microseconds); and of a struct the
columns that it was given, {struct: [{attribute, name, type}]}. `json` is the value's own DynamoDB JSON as text, which
holds every value exactly.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

DECIMAL_DIGITS = 38
DECLARED = ("string", "binary", "boolean", "bigint", "double", "json")
EXPORTED = ("int", "float", "date", "timestamp")
SET_ELEMENTS = ("string", "binary", "bigint", "double", "decimal")
"""What a set may hold: DynamoDB knows sets of text, bytes and numbers."""
ATTRIBUTES = {
    "string": "S", "binary": "B", "boolean": "BOOL", "bigint": "N", "double": "N", "decimal": "N",
    "list": "L", "struct": "M",
}  # fmt: skip
"""The type that DynamoDB gives an attribute; of `json` it may be any."""

FieldNames = Callable[[Iterable[str]], Mapping[str, str]]
"""How the fields of a struct are called: attribute -> column (catalog_names.field_names)."""


@dataclass(frozen=True)
class Type:
    """A type: one of DECLARED or EXPORTED, or a decimal, set, list or struct."""

    kind: str
    precision: int = 0
    scale: int = 0
    element: "Type | None" = None
    """Of a set and a list."""
    columns: "tuple[Column, ...]" = ()
    """Of a struct."""

    def json(self) -> Any:
        """As a schema keeps it; `stored` reads it."""
        if self.kind == "decimal":
            return f"decimal({self.precision},{self.scale})"
        if self.element:
            return {self.kind: self.element.json()}
        return {"struct": [column.json() for column in self.columns]} if self.kind == "struct" else self.kind

    def glue(self, json: str = "string") -> str:
        """As Glue and Athena write it; `json`: what stands for that type, which both have not."""
        if self.element:
            return f"array<{self.element.glue(json)}>"
        if self.kind == "struct":
            return "struct<" + ",".join(f"{c.name}:{c.type.glue(json)}" for c in self.columns) + ">"
        return json if self.kind == "json" else str(self.json())

    def attribute(self) -> str | None:
        """DynamoDB's type of such an attribute; None where it may be any."""
        if self.kind == "set" and self.element:
            return f"{self.element.attribute()}S"
        return ATTRIBUTES.get(self.kind)


@dataclass(frozen=True)
class Column:
    """A column, or a field of a struct."""

    attribute: str
    """As the source names it."""
    name: str
    """As Glue does."""
    type: Type

    def json(self) -> dict[str, Any]:
        """As a schema keeps it."""
        return {"attribute": self.attribute, "name": self.name, "type": self.type.json()}


def declared(value: Any, names: FieldNames) -> Type:
    """The type that a config writes. Raises ValueError if the value is not a type."""
    return _read(value, names, DECLARED)


def stored(value: Any, names: FieldNames) -> Type:
    """The type that a config writes or a schema keeps. Raises ValueError if the value is not a type."""
    return _read(value, names, (*DECLARED, *EXPORTED))


def decimal(text: str) -> tuple[int, int] | None:
    """Precision and scale of `decimal(p,s)`; None for another text, or for digits that no column has."""
    match = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", text)
    if not match:
        return None
    precision, scale = int(match[1]), int(match[2])
    return (precision, scale) if 1 <= precision <= DECIMAL_DIGITS and scale <= precision else None


def _read(value: Any, names: FieldNames, plain: tuple[str, ...]) -> Type:
    if isinstance(value, str):
        if value in plain:
            return Type(value)
        if digits := decimal(value):
            return Type("decimal", *digits)
    elif isinstance(value, Mapping) and len(cast(Mapping[str, Any], value)) == 1:
        ((kind, inner),) = cast(Mapping[str, Any], value).items()
        if kind == "list" or (kind == "set" and isinstance(inner, str) and inner.startswith(SET_ELEMENTS)):
            return Type(kind, element=_read(inner, names, plain))
        if kind == "struct" and inner:
            if isinstance(inner, Mapping):
                return Type(kind, columns=_named(cast(Mapping[str, Any], inner), names, plain))
            if isinstance(inner, list) and plain != DECLARED:
                return Type(kind, columns=tuple(stored_column(c, names) for c in cast(list[Any], inner)))
    raise ValueError(
        f"{value!r} is not a type; write one of {', '.join(plain)}, 'decimal(p,s)' with p at most {DECIMAL_DIGITS}, "
        "{set: string|binary|bigint|double|'decimal(p,s)'}, {list: type} or {struct: {name: type}}"
    )


def _named(fields: Mapping[str, Any], names: FieldNames, plain: tuple[str, ...]) -> tuple[Column, ...]:
    named = names(fields)
    return tuple(Column(field, named[field], _read(fields[field], names, plain)) for field in sorted(fields))


def stored_column(value: Mapping[str, Any], names: FieldNames) -> Column:
    """The column that a schema keeps. Raises ValueError if its type is not a type, KeyError if a key is
    missing."""
    return Column(value["attribute"], value["name"], stored(value["type"], names))
