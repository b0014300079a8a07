"""Sample values of declared types, for a table or a stream of any config.

An attribute is in DynamoDB JSON (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html).
A value depends on its name and number alone, so that sending twice sends the same. A declared type is one of
components/shared/column_types.py, or, as a transfer into BigQuery declares it, DynamoDB's own letters.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from components.shared.catalog_names import field_names
from components.shared.column_types import Type, declared

LETTERS: Mapping[str, Any] = {
    "S": "string", "N": "decimal(9,2)", "BOOL": "boolean", "B": "binary", "SS": {"set": "string"},
    "NS": {"set": "decimal(9,2)"}, "BS": {"set": "binary"}, "L": {"list": "string"},
    "M": {"struct": {"name": "string"}},
}  # fmt: skip
"""A type that a column has by the letters of an attribute."""
KEYS: Mapping[str, Mapping[str, str]] = {
    "customers": {"customer_id": "S"}, "orders": {"customer_id": "S", "order_id": "S"}, "returns": {"return_id": "S"},
    "products": {"sku": "S"}, "reviews": {"sku": "S", "at": "N"},
}  # fmt: skip
"""The keys of the shop's tables, the partition's first."""
OTHERWISE: Mapping[str, str] = {"id": "S"}
FIRST = 1_767_225_600  # 2026-01-01, in seconds


def moment(number: int) -> str:
    """The time of record `number`, as ISO 8601 in UTC."""
    return datetime.fromtimestamp(FIRST + number * 7, UTC).isoformat()


def completed(
    item: Mapping[str, Any], columns: Mapping[str, Any], keys: Mapping[str, str], number: int
) -> dict[str, Any]:
    """The item with each of the columns that it lacks, or has of another type than the declared one. `columns`: name ->
    declared type; `keys`: the types of the key, which is as it is."""
    completed_item = dict(item)
    for name, kind in columns.items():
        type_ = typed(kind)
        if name not in keys and (name not in completed_item or not fits(completed_item[name], type_)):
            completed_item[name] = attribute(type_, name, number)
    return completed_item


def typed(kind: Any) -> Type:
    """The type that a config declares, in either grammar. Raises ValueError for what is none."""
    return _of_text(kind) if isinstance(kind, str) else declared(kind, field_names)


@functools.cache  # of the few types, for each of many items
def _of_text(kind: str) -> Type:
    return declared(LETTERS.get(kind, kind), field_names)


def fits(value: Mapping[str, Any], type_: Type) -> bool:
    """Whether an attribute has the type that DynamoDB gives a declared one; of `json` it may be any."""
    letters = type_.attribute()
    return letters is None or letters in value


def attribute(type_: Type, name: str, number: int) -> dict[str, Any]:
    """A value of the type, in DynamoDB JSON."""
    if type_.kind == "set" and type_.element:
        ((letter, value),) = attribute(type_.element, name, number).items()
        return {f"{letter}S": [value]}
    if type_.kind == "list" and type_.element:
        return {"L": [attribute(type_.element, name, number), attribute(type_.element, name, number + 1)]}
    if type_.kind == "struct":
        return {
            "M": {
                column.attribute: attribute(column.type, column.attribute, number) for column in type_.columns
            }
        }
    if type_.kind == "decimal":
        digits = number * 1999 % 10 ** min(type_.precision, 9)
        return {"N": format(Decimal(digits).scaleb(-type_.scale), "f")}
    return {
        "string": {"S": f"{name} {number}"},
        "binary": {"B": number.to_bytes(8, "big")},
        "boolean": {"BOOL": number % 3 == 0},
        "bigint": {"N": str(number)},
        "double": {"N": str(number / 4)},
        "json": {"M": {"number": {"N": str(number)}, "text": {"S": name}}},
    }[type_.kind]


MAPPED: Mapping[str, str] = {
    "boolean": "boolean", "date": "date", "date_nanos": "date", "binary": "base64", "geo_point": "point", "ip": "ip",
    "object": "object", "nested": "object", "flat_object": "object",
    **dict.fromkeys(("byte", "short", "integer", "long", "unsigned_long"), "whole"),
    **dict.fromkeys(("half_float", "float", "double", "scaled_float"), "number"),
}  # fmt: skip
"""What a field of an index takes, by its type; of any other, text
(https://docs.opensearch.org/latest/mappings/supported-field-types/index/)."""


TAKEN: Mapping[str, tuple[str, ...]] = {
    "boolean": ("BOOL",), "whole": ("N",), "number": ("N", "NS"), "object": ("M", "L"),
    "text": ("S", "N", "BOOL", "SS", "NS", "B", "BS", "NULL"),
}  # fmt: skip
"""The attributes that a field takes, by what MAPPED says of its type."""


def mapped(
    item: Mapping[str, Any],
    mapping: Mapping[str, Any],
    unless: Collection[str],
    keys: Mapping[str, str],
    number: int,
) -> dict[str, Any]:
    """The item with what an index's mapping names, in its types, and without what is in `unless` but not in the
    mapping."""
    properties: Mapping[str, Any] = mapping.get("properties", {})
    document_part = {name: value for name, value in item.items() if name in properties or name not in unless}
    for name, of in properties.items():
        kind = _kind(of)
        if (
            name in keys
            or of.get("type") == "alias"
            or {*document_part.get(name, ())} & {*TAKEN.get(kind, ())}
        ):
            continue
        document_part[name] = in_json(document({name: of}, number)[name])
    return document_part


def in_json(value: Any) -> dict[str, Any]:
    """A JSON value as an attribute."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, Mapping):
        fields: Mapping[str, Any] = cast(Mapping[str, Any], value)
        return {"M": {name: in_json(inner) for name, inner in fields.items()}}
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


def _kind(of: Mapping[str, Any]) -> str:
    return MAPPED.get(of.get("type") or ("object" if "properties" in of else "keyword"), "text")


def document(properties: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A JSON object with a value for each property of a mapping."""
    return {name: _mapped(name, of, number) for name, of in properties.items() if of.get("type") != "alias"}


def _mapped(name: str, of: Mapping[str, Any], number: int) -> Any:
    kind = _kind(of)
    if kind == "object":
        return document(of.get("properties", {}), number)
    return {
        "boolean": number % 3 == 0,
        "date": moment(number).replace("+00:00", ".000Z"),
        "base64": "AAEC",
        "point": {"lat": number % 90, "lon": number % 180},
        "ip": f"192.0.2.{number % 256}",
        "whole": number % 100,
        "number": number % 1_000 / 4,
        "text": f"{name}-{number % 97}",
    }[kind]
