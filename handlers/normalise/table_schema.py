"""A table's columns: derived from what the data holds, widened when it changes, and written as JSON. Pure.

An `Observation` is what a number of items hold, per attribute: types, and of numbers their widest digits.
Merging is commutative and associative, so the result does not depend on which file was read first. A `Schema`
is made of one (`derive`), with declared types first; a published schema is only ever widened (`widen`): new
attributes become new columns, a DECIMAL gains scale. Anything else stays as it is and is reported as a conflict; its
values stand in the rest column (see decode.c), so that no reader breaks and nothing is lost. A published column is
widened to a declared type as well, and a new one is made with it; a declared type that a published column can't become,
and that it wasn't widened from, is an error.

Older partitions keep the type that they were written with, and Athena reads them only where Trino's Hive connector
coerces that type to the table's: a DECIMAL to a wider one, but no integer to a DECIMAL
(https://github.com/trinodb/trino/blob/master/plugin/trino-hive/src/main/java/io/trino/plugin/hive/util/HiveCoercionPolicy.java).
So a number of DynamoDB's, which may be a fraction tomorrow, is a DECIMAL from its first day on; who knows better
declares `bigint`.

Types: column_types.py; double, lists and structs are declared only.
Derived: S string, B binary, BOOL boolean, N decimal(38,s), sets of them, M and L json; an attribute
seen with two types, or with numbers that no decimal(38,s) holds, json.

Names: see catalog_names.py. A declared attribute chooses its column's name before the others do.

JSON: {"columns": [{"attribute", "name", "type"}], "keys": [attribute, ..]}.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from catalog_names import REST, column_names, field_names
from column_types import DECIMAL_DIGITS, Column, Type, stored, stored_column
from landing_folders import published_record

BIGINT_DIGITS = 19
RECORD = published_record("<table>")
SCALARS = {"S": "string", "B": "binary", "BOOL": "boolean"}
ATTRIBUTE_TYPES = {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}


class SchemaError(Exception):
    """A schema, or a declaration, that says nothing usable."""


def type_of(value: Any) -> Type:
    """A type that is declared, or that a schema keeps. Raises SchemaError for another."""
    try:
        return stored(value, field_names)
    except ValueError as error:
        raise SchemaError(str(error)) from error


def column_of(value: Mapping[str, Any]) -> Column:
    """A column that a schema keeps. Raises SchemaError for a type that is none."""
    try:
        return stored_column(value, field_names)
    except ValueError as error:
        raise SchemaError(str(error)) from error


@dataclass(frozen=True)
class Schema:
    """A table's columns."""

    columns: tuple[Column, ...]
    keys: tuple[str, ...] = ()
    """Attributes."""

    @classmethod
    def of(cls, schema_json: Mapping[str, Any]) -> "Schema":
        """From its JSON. Raises SchemaError for what says nothing usable."""
        schema = cls(tuple(column_of(c) for c in schema_json["columns"]), tuple(schema_json.get("keys", ())))
        if missing := set(schema.keys) - {c.attribute for c in schema.columns}:
            raise SchemaError(f"the key attributes {sorted(missing)} are no columns of the schema")
        return schema

    def json(self) -> dict[str, Any]:
        """As it is kept; `of` reads it."""
        return {"columns": [c.json() for c in self.columns], "keys": list(self.keys)}

    def glue_columns(self) -> list[dict[str, str]]:
        """For Glue's StorageDescriptor.Columns; the rest column is always the last."""
        columns = [{"Name": c.name, "Type": c.type.glue()} for c in self.columns]
        return [*columns, {"Name": REST, "Type": "string"}]


# ---- what the data holds ----


@dataclass(frozen=True)
class Numbers:
    """The widest of some numbers: digits before and behind the point."""

    digits: int = 0
    scale: int = 0

    @classmethod
    def of(cls, text: str) -> "Numbers":
        """Of one number. Raises SchemaError for what is none."""
        try:
            number = Decimal(text)
        except InvalidOperation as error:
            raise SchemaError(f"{text!r} is not a number") from error
        _, figures, exponent = number.as_tuple()
        if not isinstance(exponent, int):
            raise SchemaError(f"{text!r} is not a number")
        mantissa = "".join(map(str, figures)).lstrip("0")
        stripped = mantissa.rstrip("0")
        exponent += len(mantissa) - len(stripped)
        digits = max(len(stripped) + exponent, 0) if stripped else 0
        scale = max(-exponent, 0) if stripped else 0
        return cls(digits, scale)

    def merged(self, other: "Numbers") -> "Numbers":
        """The widest of both."""
        return Numbers(max(self.digits, other.digits), max(self.scale, other.scale))

    def type(self) -> Type | None:
        """The decimal that holds them; None where none does."""
        if self.digits + self.scale <= DECIMAL_DIGITS:
            return Type("decimal", DECIMAL_DIGITS, self.scale)
        return None


@dataclass(frozen=True)
class Observation:
    """Attribute -> attribute type -> how many items hold it, and Numbers for N and NS."""

    seen: Mapping[str, Mapping[str, tuple[int, Numbers]]] = field(
        default_factory=dict[str, Mapping[str, tuple[int, Numbers]]]
    )

    @classmethod
    def of_items(cls, items: Iterable[Mapping[str, Mapping[str, Any]]]) -> "Observation":
        """Of items in DynamoDB JSON. Raises SchemaError for a type that DynamoDB does not have."""
        seen: dict[str, dict[str, tuple[int, Numbers]]] = {}
        for item in items:
            for attribute, value in item.items():
                ((kind, content),) = value.items()
                if kind not in ATTRIBUTE_TYPES:
                    raise SchemaError(f"attribute {attribute!r} has the unknown type {kind!r}")
                texts = [content] if kind == "N" else content if kind == "NS" else ()
                kinds = seen.setdefault(attribute, {})
                count, numbers = kinds.get(kind, (0, Numbers()))
                for text in texts:
                    numbers = numbers.merged(Numbers.of(text))
                kinds[kind] = (count + 1, numbers)
        return cls(seen)

    def merged(self, other: "Observation") -> "Observation":
        """What the items of both hold."""
        seen = {attribute: dict(kinds) for attribute, kinds in self.seen.items()}
        for attribute, kinds in other.seen.items():
            merged_kinds = seen.setdefault(attribute, {})
            for kind, (count, numbers) in kinds.items():
                before, known = merged_kinds.get(kind, (0, Numbers()))
                merged_kinds[kind] = (before + count, known.merged(numbers))
        return Observation(seen)

    def json(self) -> dict[str, Any]:
        """As it is kept; `of` reads it."""
        return {
            attribute: {
                kind: {"items": count} | (vars(numbers) if kind in {"N", "NS"} else {})
                for kind, (count, numbers) in sorted(kinds.items())
            }
            for attribute, kinds in sorted(self.seen.items())
        }

    @classmethod
    def of(cls, observation_json: Mapping[str, Mapping[str, Any]]) -> "Observation":
        """From its JSON."""
        return cls(
            {
                attribute: {
                    kind: (
                        entry["items"],
                        Numbers(entry.get("digits", 0), entry.get("scale", 0)),
                    )
                    for kind, entry in kinds.items()
                }
                for attribute, kinds in observation_json.items()
            }
        )

    def widest(self) -> dict[str, dict[str, Numbers]]:
        """What it knows, without how often."""
        return {a: {kind: numbers for kind, (_, numbers) in kinds.items()} for a, kinds in self.seen.items()}

    def type(self, attribute: str) -> Type | None:
        """The type that holds all of the attribute's values; None when only NULL was seen."""
        kinds = {kind: seen for kind, seen in self.seen[attribute].items() if kind != "NULL"}
        if not kinds:
            return None
        if len(kinds) > 1:
            return Type("json")
        ((kind, (_, numbers)),) = kinds.items()
        number = numbers.type()
        if kind == "N":
            return number or Type("json")
        if kind in {"SS", "BS"}:
            return Type("set", element=Type(SCALARS[kind[0]]))
        if kind == "NS":
            return Type("set", element=number) if number else Type("json")
        return Type(SCALARS.get(kind, "json"))


def derive(
    observed: Observation, declared: Mapping[str, Type] | None = None, keys: Iterable[str] = ()
) -> Schema:
    """The schema that holds all that was observed; `declared` types stand as they are. Keys come first."""
    declared, keys = dict(declared or {}), tuple(keys)
    types = {a: t for a in observed.seen if (t := observed.type(a))} | declared
    names = column_names(types, first=declared)
    if missing := [key for key in keys if key not in types]:
        raise SchemaError(f"the key attributes {missing} are neither declared nor in the data")
    ordered = [*keys, *sorted(set(types) - set(keys))]
    return Schema(tuple(Column(a, names[a], types[a]) for a in ordered), keys)


@dataclass(frozen=True)
class Conflict:
    """Values that a published column cannot hold; they stand in the rest column."""

    attribute: str
    column: Type
    observed: tuple[str, ...]
    """Types of attributes."""

    def __str__(self) -> str:
        kinds = ", ".join(self.observed)
        return f"{self.attribute[:100]} is published as {self.column.glue()[:100]}: values ({kinds}) stand in {REST}"


def widen(
    published: Schema,
    observed: Observation,
    declared: Mapping[str, Type] | None = None,
    *,
    promotes: bool = False,
) -> tuple[Schema, list[Conflict]]:
    """The published schema with what was observed since and what is `declared`, and what its columns can't hold. Raises
    SchemaError where readers would break. `promotes`: types change only as Iceberg promotes them, where a decimal never
    changes its scale (https://iceberg.apache.org/spec/#schema-evolution)."""
    declared = dict(declared or {})
    columns: list[Column] = []
    conflicts: list[Conflict] = []
    refused: list[Column] = []
    known = {c.attribute for c in published.columns}
    for former in published.columns:
        column = former
        if (wanted := declared.get(column.attribute)) and _becomes(column.type, wanted, promotes):
            column = replace(column, type=wanted)
        elif wanted and not _becomes(
            wanted, column.type, promotes
        ):  # else the data has widened what was declared
            refused.append(column)
        kinds = set(observed.seen.get(column.attribute, {})) - {"NULL"}
        seen = observed.type(column.attribute) if kinds else None
        wider = _wider(column.type, seen, promotes)
        if wider is None:
            conflicts.append(Conflict(column.attribute, column.type, tuple(sorted(kinds))))
        columns.append(replace(column, type=wider or column.type))
    # An item without its key is nowhere in the table, so a key's values never stand in the rest column.
    lost = [conflict for conflict in conflicts if conflict.attribute in published.keys]
    lost += [
        Conflict(c.attribute, c.type, ("N",))
        for c in columns
        if c.attribute in published.keys and _overflows(c.type, observed.seen.get(c.attribute, {}))
    ]
    if lost:
        raise SchemaError(
            "; ".join(
                f"the key {c.attribute} was published as {c.column.glue()}; today's values ({', '.join(c.observed)}) "
                "do not fit, and readers can't follow another type"
                for c in lost
            )
            + f"; delete the table from the catalog and its {RECORD}, then run again"
        )
    if refused:
        raise SchemaError(
            "; ".join(
                f"{c.attribute} is declared as {declared[c.attribute].json()!r} and published as {c.type.json()!r}"
                for c in refused
            )
            + "; readers would break. Declare what is published, or delete the table from the catalog and its "
            f"{RECORD} to begin anew"
        )
    new = derive(
        Observation({a: k for a, k in observed.seen.items() if a not in known}),
        {a: wanted for a, wanted in declared.items() if a not in known},
    )
    names = column_names(
        [c.attribute for c in new.columns], taken=[c.name for c in published.columns], first=declared
    )
    columns += [replace(c, name=names[c.attribute]) for c in new.columns]
    _check_declared_names(published, names, declared)
    return Schema(tuple(columns), published.keys), conflicts


def _overflows(column: Type, seen: Mapping[str, tuple[int, Numbers]]) -> bool:
    """Whether a column of numbers has too few digits before the point for those seen of its attribute."""
    whole = {"decimal": column.precision - column.scale, "bigint": BIGINT_DIGITS}.get(column.kind)
    return whole is not None and "N" in seen and seen["N"][1].digits > whole


def _check_declared_names(published: Schema, names: Mapping[str, str], declared: Mapping[str, Type]) -> None:
    """Refuses a newly declared attribute whose column another attribute has already: views, and BigQuery, which know
    the declaration only, would read that one's values."""
    expected = column_names(declared)
    holders = {column.name: column.attribute for column in published.columns}
    if wrong := [a for a in declared if a in names and names[a] != expected[a] and expected[a] in holders]:
        raise SchemaError(
            "; ".join(
                f"{a} is declared, and its column {expected[a]} is published for {holders[expected[a]]}"
                for a in wrong
            )
            + f"; take the declaration back, or delete the table from the catalog and its {RECORD} to "
            "begin anew, with the declared attribute under that name"
        )


def _becomes(column: Type, declared: Type, promotes: bool) -> bool:
    """Whether a published column can be widened to the declared type."""
    if column.kind == declared.kind == "set" and column.element and declared.element:
        return _becomes(column.element, declared.element, promotes)
    if promotes and column.kind == declared.kind == "decimal":
        return declared.scale == column.scale and declared.precision >= column.precision
    if column.kind == declared.kind == "decimal":
        # As many digits before the point are enough as for a column that the data widens; see `_wider`.
        whole = declared.precision - declared.scale
        return declared.scale >= column.scale and whole >= min(column.precision - column.scale, BIGINT_DIGITS)
    return column == declared


def _wider(column: Type, seen: Type | None, promotes: bool) -> Type | None:
    """The type that holds both; None when the column would have to become another kind."""
    if seen is None or column.kind in {"json", "struct", "list", "double"} or column == seen:
        # A struct's or a list's values are judged one by one as they are decoded.
        return column
    if column.kind == "set" and seen.kind == "set" and column.element and seen.element:
        element = _wider(column.element, seen.element, promotes)
        return element and Type("set", element=element)
    if column.kind == "bigint" and seen == Type("decimal", DECIMAL_DIGITS, 0):
        return column  # declared; values of more digits stand in the rest column
    if column.kind == seen.kind == "decimal":
        if seen.scale <= column.scale:
            return column  # of fewer digits, if declared so: what does not fit stands in the rest column
        if promotes:
            return None
        # A published DECIMAL(38,s) has used all digits: it gains scale from those before the point, of which
        # DynamoDB's own numbers (38 significant digits) rarely use more than a BIGINT's.
        whole = min(column.precision - column.scale, DECIMAL_DIGITS - seen.scale)
        return Type("decimal", DECIMAL_DIGITS, seen.scale) if whole >= BIGINT_DIGITS else None
    return None
