"""Requests made from a service's model: valid ones, and such as are beyond one of its limits. botocore writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from re import _parser as parser  # type: ignore[attr-defined]  # what `re` reads patterns with
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlencode

from botocore.model import OperationModel
from botocore.serialize import create_serializer

from local.cloud.models.differences import WRONG
from tests.typed import listed

UNICODE = {r"\p{L}": "a-zA-Z", r"\p{Z}": " ", r"\p{N}": "0-9", r"\p{P}": "!-/", r"\p{M}": "", r"\p{S}": "+"}
PLAIN = {r"\p{Print}": " -~", r"\p{ASCII}": " -~", r"\p{Alnum}": "a-z0-9", r"\p{Graph}": "!-~"}
LEFT_OUT = {(shape, trait) for _, shape, trait in WRONG}  # what is taken from the models
OF_THE_HOST = ("AccountId", "RequestRoute")  # S3's, which botocore refuses itself as it makes the host's name
SURROGATES = re.compile(r"\\u[dD]800\\u[dD][cC]00-\\u[dD][bB][fF][fF]\\u[dD][fF][fF][fF]")


def as_python(pattern: str) -> re.Pattern[str] | None:
    """The pattern for Python's `re`, with fewer letters than Unicode has; None where it is not Python's at all."""
    pattern = SURROGATES.sub("", pattern)
    for java, characters in UNICODE.items():
        pattern = pattern.replace(java, characters)
    for java, characters in PLAIN.items():
        pattern = pattern.replace(java, f"[{characters}]")
    try:
        return re.compile(pattern.replace(r"\w-", r"\w\-"), re.ASCII)
    except re.error:
        return None


@cache
def matching(pattern: re.Pattern[str], least: int, most: int) -> str | None:
    """A text of `least` to `most` characters that the whole pattern takes."""
    parsed = cast("Any", parser).parse(pattern.pattern, re.ASCII)
    for repeats in (1, 0, 2, 3, 4, 6, 8, 12, 20, 32, 36, 64, least):
        for way in range(4):
            made = text_of(parsed, repeats, way)
            made = made[:most] if pattern.fullmatch(made[:most]) else made
            if least <= len(made) <= most and pattern.fullmatch(made):
                return made
    return None


def text_of(tree: Any, repeats: int, way: int) -> str:
    """A text that fits a parsed pattern; `way` chooses among those that do."""
    made = ""
    for kind, value in tree:
        name = str(kind)
        if name == "LITERAL":
            made += chr(value)
        elif name == "NOT_LITERAL":
            made += "a" if value != ord("a") else "b"
        elif name == "ANY":
            made += "a"
        elif name == "IN":
            made += one_of(tuple(value), way)
        elif name == "BRANCH":
            made += text_of(value[1][way % len(value[1])], repeats, way)
        elif name == "SUBPATTERN":
            made += text_of(value[-1], repeats, way)
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, inner = value
            made += "".join(text_of(inner, repeats, way) for _ in range(min(int(most), max(least, repeats))))
        elif name == "CATEGORY":
            made += one_of(((kind, value),), way)
    return made


@cache
def one_of(members: tuple[Any, ...], way: int) -> str:
    """A character of a class."""
    text = "".join(chr(n) for n in range(0x20, 0x7F))
    inside = [c for c in text if any(holds(c, *member) for member in members if str(member[0]) != "NEGATE")]
    if any(str(kind) == "NEGATE" for kind, _ in members):
        inside = [c for c in text if c not in inside]
    letters = [c for c in inside if c.isalnum()] or inside or ["\t"]
    return letters[0 if way % 2 else -1]


def holds(character: str, kind: Any, value: Any) -> bool:
    """Whether a part of a class has a character."""
    if str(kind) == "LITERAL":
        return ord(character) == value
    if str(kind) == "RANGE":
        return value[0] <= ord(character) <= value[1]
    name = str(value)
    of = {"WORD": r"\w", "DIGIT": r"\d", "SPACE": r"\s"}[name.rsplit("_", 1)[-1]]
    return bool(re.match(of, character, re.ASCII)) != ("NOT" in name)


class CannotMake(Exception):
    """No value of this shape is known to be valid."""


def valid(shape: Any, depth: int = 0, within: tuple[str, ...] = ()) -> Any:
    """A value that a shape takes. Raises CannotMake."""
    kind, limits = shape.type_name, shape.metadata
    least, most = limits.get("min", 0), limits.get("max", 10**6)
    if kind == "structure":
        if shape.name in within:
            raise CannotMake(shape.name)
        made: dict[Any, Any] = {}
        for name, member in shape.members.items():
            must = name in shape.required_members
            if member.serialization.get("eventstream") or not (must or depth < 2):
                continue
            if getattr(shape, "is_tagged_union", False) and made:
                break
            try:
                made[name] = valid(member, depth + 1, (*within, shape.name))
            except CannotMake:
                if must:
                    raise
        if not made and depth:  # a structure that has nothing can't be written in every protocol
            for name, member in shape.members.items():
                try:
                    return {name: valid(member, depth + 1, (*within, shape.name))}
                except CannotMake:
                    continue
            raise CannotMake(f"{shape.name}, without a member")
        return made
    if kind == "list":
        return [valid(shape.member, depth + 1, within) for _ in range(max(1, int(least)))]
    if kind == "map":
        if least > 1:
            raise CannotMake(f"{shape.name} of {least}")
        return {valid(shape.key, depth + 1, within): valid(shape.value, depth + 1, within)}
    if kind == "string":
        if limits.get("enum"):
            return limits["enum"][0]
        if "pattern" not in limits:
            return "a" * min(int(most), max(int(least), 4))
        pattern = as_python(limits["pattern"])
        if pattern is None or (text := matching(pattern, int(least), int(most))) is None:
            raise CannotMake(limits["pattern"])
        return text
    if kind == "blob":
        return b"a" * max(1, int(least))
    if kind == "timestamp":
        return datetime(2026, 1, 1, tzinfo=UTC)
    if kind == "boolean":
        return True
    return (
        max(least, min(1, most)) if kind in ("integer", "long", "short") else float(max(least, min(1, most)))
    )


def beyond(shape: Any, value: Any, depth: int = 0) -> Iterator[tuple[str, str, Any]]:
    """(member, trait, the value with that member beyond that limit), for every limit of every member in `value`."""
    if shape.type_name != "structure" or depth > 1:
        return
    for name in shape.required_members:
        member = shape.members[name]
        # A token is filled in by the SDK, and a body of no bytes is a blob too.
        left_out = member.metadata.get("idempotencyToken") or (
            member.type_name == "blob" and shape.serialization.get("payload") == name
        )
        in_path = member.serialization.get("location") == "uri" or name in OF_THE_HOST
        if name in value and not in_path and not left_out:
            yield name, "required", {n: v for n, v in value.items() if n != name}
    for name, given in value.items():
        member = shape.members[name]
        if name in OF_THE_HOST:
            continue
        for trait, worse in worse_than(member, given):
            if (member.name, trait) in LEFT_OUT:
                continue
            if member.serialization.get("location") in ("uri", "header") and not (
                isinstance(worse, str) and worse.isprintable() and worse.strip() and "/" not in worse
            ):
                continue  # no such path or header can be sent
            if member.serialization.get("location") == "querystring" and worse == []:
                continue  # none of it, which is no list of none
            yield name, trait, {**value, name: worse}
        for inner, trait, worse in beyond(member, given, depth + 1):
            yield inner, trait, {**value, name: worse}


def worse_than(shape: Any, given: Any) -> Iterator[tuple[str, Any]]:
    """Values that break one limit of a shape each, with the limit's name."""
    kind, limits = shape.type_name, shape.metadata
    least, most = limits.get("min"), limits.get("max")
    if kind == "string":
        if most is not None and most <= 10_000:
            yield "max", "a" * (most + 1)
        if least:
            yield "min", "a" * (least - 1)
        if limits.get("enum"):
            yield "enum", "none-of-these"
        pattern = (
            as_python(limits["pattern"]) if "pattern" in limits and r"\p" not in limits["pattern"] else None
        )
        if pattern:
            for text in ("a b", "é!", "a\x01b"):
                if not pattern.fullmatch(text):
                    yield "pattern", text
                    break
    elif kind == "list":
        if most is not None and most <= 1000:
            yield "max", given[:1] * (most + 1)
        if least:
            yield "min", given[: least - 1]
    elif kind in ("integer", "long"):
        if most is not None:
            yield "max", most + 1
        if least is not None:
            yield "min", least - 1


def written(
    operation: OperationModel, value: dict[str, Any]
) -> tuple[str, str, dict[str, str], bytes, dict[str, list[str]]]:
    """(method, path, headers, body, query), as botocore sends them and the embedded cloud's handlers get them."""
    service = operation.service_model
    protocol = service.metadata["protocol"]
    made = create_serializer(protocol, include_validation=False).serialize_to_request(value, operation)
    path, _, fixed = made["url_path"].partition("?")
    query = parse_qs(fixed, keep_blank_values=True)
    given: Any = made["query_string"]
    pairs: list[tuple[str, Any]] = [*given.items()] if isinstance(given, dict) else given or []
    for name, content in pairs:
        if content != []:
            query[name] = [*map(str, listed(content))]
    headers = {name.lower(): str(value) for name, value in made["headers"].items()}
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(cast("dict[str, Any]", body)).encode()
        headers["content-type"] = "application/x-www-form-urlencoded"
    return made["method"], unquote(path), headers, body.encode() if isinstance(body, str) else body, query
