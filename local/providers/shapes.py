"""Pulumi's property names and values to botocore's, and back, by rule.

A property finds its member by name, whatever the case and number (`kmsKeyId` -> `KMSKeyId`, `rule` -> `Rules`), or
under the path that a row's `paths` states for it ("LifecycleConfiguration.Rules", alternatives with "|"). A nested
property's exception is keyed by its dotted path ("attributes.name"). What doesn't fit the shape is a ValueError with
the property's path: a property is never dropped in silence. A path is a text, as a row's `id` is, since each is read
both ways, into a request and out of an answer, which JMESPath and functions are not; where a service's model has it no
more, the property is refused by its name. Enums and lengths come from the service's own model.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from botocore.model import Shape

from local.plain import is_list, is_object

from . import schema
from .values import SIGNATURE, Props, archive

PATHS = {"arn": "ResourceArn|ResourceARN|Resource|Arn", "tags": "Tags|TagList|TagSet"}


def match(names: Iterable[str], wanted: str) -> str | None:
    """Which of the names is the wanted one, whatever its case and whether singular or plural; None where none is."""
    folded = {n.lower(): n for n in names}
    low = wanted.lower()
    for candidate in (low, low + "s", low.removesuffix("s"), low + "es", low.removesuffix("ies") + "y"):
        if candidate in folded:
            return folded[candidate]
    return None


def resolve(shape: Shape, prop: str, paths: Mapping[str, str]) -> tuple[list[str], Shape] | None:
    """The members that lead to the property's place in a structure, and the shape there."""
    name = prop.rsplit(".", 1)[-1]
    for path in (paths.get(prop) or PATHS.get(prop) or name).split("|"):
        at, members = shape, list[str]()
        for part in path.split("."):
            if at.type_name == "list":  # a list of one in the API is an object in Pulumi
                at = at.member
            if at.type_name == "map":
                members, at = [*members, part], at.value
                continue
            member = match(at.members, part) if at.type_name == "structure" else None
            if member is None:
                break
            members, at = [*members, member], at.members[member]
        else:
            return members, at
    return None


def place(target: Props, members: list[str], value: Any) -> None:
    """Puts a value under the members, with the structures on the way; an object joins an object that is there."""
    for member in members[:-1]:
        target = target.setdefault(member, {})
    if is_object(value) and is_object(target.get(members[-1])):
        target[members[-1]].update(value)
    else:
        target[members[-1]] = value


def convert(value: Any, shape: Shape, where: str, paths: Mapping[str, str], dry: bool = False) -> Any:
    """A property's value in the service's shape. `dry` leaves archives unread."""
    kind = shape.type_name
    if kind == "structure":
        return _structure(value, shape, where, paths, dry)
    if kind == "list":
        if is_object(value) and not all(resolve(shape.member, f"{where}.{k}", paths) for k in value):
            key, content = list(shape.member.members)[:2]
            return [{key: k, content: str(v)} for k, v in value.items()]
        items = value if is_list(value) else [value]
        return [convert(v, shape.member, where, paths, dry) for v in items]
    if kind == "map":
        if not is_object(value):
            raise ValueError(f"{where}: expected a map, found {value!r}")
        return {k: convert(v, shape.value, f"{where}.{k}", paths, dry) for k, v in value.items()}
    if kind == "blob":
        if is_object(value) and SIGNATURE in value:
            return b"" if dry else archive(value)
        return value if isinstance(value, bytes) else str(value).encode()
    return scalar(value, shape, where)


def _structure(value: Any, shape: Shape, where: str, paths: Mapping[str, str], dry: bool) -> Props:
    if is_list(value) and len(value) == 1:
        value = value[0]
    if not is_object(value):
        raise ValueError(f"{where}: expected an object, found {value!r}")
    members: Props = {}
    for key, item in value.items():
        inner = f"{where}.{key}"
        member = resolve(shape, inner, paths)
        if member is None:
            raise ValueError(f"{inner}: the service's {shape.name} has no such member")
        if item is not None:
            place(members, member[0], convert(item, member[1], inner, paths, dry))
    return {
        m: [v] if is_object(v) and shape.members[m].type_name == "list" else v for m, v in members.items()
    }


def scalar(value: Any, shape: Shape, where: str) -> Any:
    """A value as the shape's scalar type. ValueError where it isn't one, not in its enum, or too short or long."""
    kind = shape.type_name
    if is_object(value) or is_list(value):
        raise ValueError(f"{where}: expected a {kind}, found {type(value).__name__}")
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    try:
        if kind in ("integer", "long"):
            return int(value)
        if kind in ("float", "double"):
            return float(value)
    except ValueError:
        raise ValueError(f"{where}: expected a number, found {value!r}") from None
    if kind == "timestamp":
        return value
    string = str(value).lower() if isinstance(value, bool) else str(value)
    enum: list[str] = getattr(shape, "enum", [])
    if enum and string not in enum:
        raise ValueError(
            f"{where}: {string!r} is not one of {', '.join(enum[:12])}{', ...' if len(enum) > 12 else ''}"
        )
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if len(string) < least or (most and len(string) > most):
        raise ValueError(f"{where}: {len(string)} characters, {least} to {most or 'any number'} are allowed")
    return string


def dig(data: Any, prop: str, paths: Mapping[str, str]) -> Any:
    """The API's value of a property in an answer, or None."""
    for path in (paths.get(prop) or PATHS.get(prop) or prop.rsplit(".", 1)[-1]).split("|"):
        for parts in (path.split("."), path.split(".")[-1:]):  # as in the request, or without its envelope
            at: Any = data
            for part in parts:
                at = at[0] if is_list(at) and len(at) == 1 else at
                member = match(at, part) if is_object(at) else None
                at = at[member] if member is not None else None
            if at is not None:
                return at
    return None


def revert(value: Any, prop: schema.Property, where: str, paths: Mapping[str, str]) -> Any:
    """The API's value as the SDK describes the property."""
    if value is None:
        return None
    if prop.shape == "map":
        if is_list(value):  # tags, dimensions
            value = dict(list(v.values())[:2] for v in value)
        return {k: text(v) for k, v in value.items()} if is_object(value) else None
    if prop.many:
        return (
            [item(v, prop, where, paths) for v in value]
            if is_list(value)
            else [item(value, prop, where, paths)]
        )
    if is_list(value) and (prop.nested or not any(isinstance(v, (dict, list)) for v in value)):
        value = value[0] if value else None  # else a document
    return item(value, prop, where, paths)


def item(value: Any, prop: schema.Property, where: str, paths: Mapping[str, str]) -> Any:
    """One value as the SDK has it: a nested class by its properties, 'enabled' as a boolean, a text as a number."""
    if prop.nested and is_object(value):
        properties: Props = {}
        for p in schema.nested(prop.nested).values():
            inner = f"{where}.{p.name}"
            properties[p.name] = revert(dig(value, inner, paths), p, inner, paths)
        return {k: v for k, v in properties.items() if v is not None}
    if prop.shape == "bool":
        return value if isinstance(value, bool) else str(value).lower() in ("true", "enabled")
    if prop.shape in ("int", "float") and isinstance(value, (str, int, float)):
        number = float(value)
        return int(number) if number.is_integer() else number
    return text(value) if prop.shape == "str" else value


def text(value: Any) -> str:
    """A value as the SDK's texts have it: a document as JSON, a time as ISO 8601, a boolean as `true` or `false`."""
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)


def reaches(shape: Shape, name: str, depth: int = 4) -> bool:
    """Whether an answer of this shape has a member of that name."""
    if shape.type_name == "list":
        return reaches(shape.member, name, depth)
    if shape.type_name != "structure" or not depth:
        return False
    return bool(match(shape.members, name)) or any(
        reaches(m, name, depth - 1) for m in shape.members.values()
    )
