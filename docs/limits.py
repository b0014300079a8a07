"""The limits of a config's keys: which member of an API each ends in, what that takes, and what our check is.

The rows are data, in config-limits.toml beside this file; what an API takes is its own model's (botocore's, Google's
discovery documents) and, where no model says it, a page's; our check is read from the argument classes.
"""

import dataclasses
import functools
import importlib.util
import inspect
import json
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import annotated_types
import botocore.session
from pydantic import AfterValidator, BeforeValidator
from pydantic.fields import FieldInfo

from components.arguments.declare import A_NUMBER
from components.arguments.plain import is_list
from components.cost.usage import USAGE
from components.plugin import COMPONENTS
from components.stack.kinds import KINDS
from components.stack.settings import StackArgs

ROWS = Path(__file__).with_name("config-limits.toml")
Row = dict[str, Any]


def rows() -> dict[str, dict[str, Row]]:
    """Argument class -> key -> row; a row of text is that of an API's member."""
    read = tomllib.loads(ROWS.read_text())
    return {
        name: {key: row if isinstance(row, dict) else {"api": row} for key, row in keys.items()}
        for name, keys in read.items()
    }


def listed(value: Any) -> list[Any]:
    """A row's value that may be one or several."""
    return [] if value is None else [*value] if is_list(value) else [value]


@functools.cache
def classes() -> dict[type, list[str]]:
    """Every argument class that a config or a program's arguments are made of -> where it stands in them."""
    places: dict[type, list[str]] = {}

    def walk(cls: type, path: str) -> None:
        for declared in (
            ancestor for ancestor in reversed(cls.__mro__) if dataclasses.is_dataclass(ancestor)
        ):
            places.setdefault(declared, []).append(path)
        for name, hint in typing.get_type_hints(cls, include_extras=True).items():
            inner, shape = argument_class(hint)
            if inner:
                walk(inner, f"{path}.{name}{shape}")

    walk(StackArgs, "the stack")
    for kind in KINDS:
        walk(KINDS[kind].args, kind)
        walk(USAGE[kind], f"{kind}.usage")
    for name, (_, args) in COMPONENTS.items():
        walk(args, name)
    return places


def argument_class(hint: Any) -> tuple[type | None, str]:
    """The argument class in a field, and how it stands there: `[]` in a list, `.*` in a mapping."""
    bare = unwrapped(hint)
    origin, inner = typing.get_origin(bare), typing.get_args(bare)
    shape = {list: "[]", dict: ".*"}.get(origin, "") if origin in (list, dict) else ""
    last = unwrapped(inner[-1]) if shape else bare
    return (last, shape) if isinstance(last, type) and dataclasses.is_dataclass(last) else (None, shape)


def unwrapped(hint: Any) -> Any:
    """A hint without its metadata, and without None."""
    while typing.get_origin(hint) in (Annotated, typing.Union, types.UnionType):
        hint = next(choice for choice in typing.get_args(hint) if choice is not type(None))
    return hint


def keys(cls: type) -> Iterator[tuple[str, Any]]:
    """The keys that a class declares itself, each with its hint; of a mapping also `<key>.<name>`. A key that holds
    another class has that class's keys."""
    hints = typing.get_type_hints(cls, include_extras=True)
    for name in inspect.get_annotations(cls):
        bare = unwrapped(hints[name])
        if typing.get_origin(bare) is dict and typing.get_args(bare)[0] is not Any and name != "mapping":
            yield f"{name}.<name>", typing.get_args(bare)[0]
        if argument_class(hints[name])[0] is None:
            yield name, hints[name]


def member(path: str) -> Any:
    """The shape that a path of botocore's leads to. KeyError where there is none."""
    operation, _, steps = path.partition(": ")
    service, _, name = operation.rpartition(".")
    shape = _model(service).operation_model(name).input_shape
    for step in steps.split("."):
        shape = shape.members[step.removesuffix("[]")]
        shape = shape.member if step.endswith("[]") else shape
    return shape


@functools.cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def google_member(path: str) -> Mapping[str, Any]:
    """The property that a path of Google's leads to. KeyError where there is none."""
    api, _, steps = path.partition(" ")
    name, *inner = steps.split(".")
    schema: Any = {"$ref": name}
    for step in [None, *inner]:
        if step:
            schema = schema.get("items", schema)["properties"][step]
        if "$ref" in schema:
            schema = _discovered(api)["schemas"][schema["$ref"]]
    return schema


@functools.cache
def _discovered(api: str) -> Any:
    client = importlib.util.find_spec("googleapiclient")
    assert client and client.submodule_search_locations
    folder = Path(client.submodule_search_locations[0]) / "discovery_cache" / "documents"
    return json.loads((folder / f"{api}.json").read_text())


def page() -> str:
    """The table, a section for each class."""
    known, sections = rows(), list[str]()
    for cls, places in classes().items():
        lines = [_line(cls, key, hint, known[cls.__name__][key]) for key, hint in keys(cls)]
        if lines:
            kinds = [place for place in places if place.split(".")[0] not in COMPONENTS]
            where = ", ".join(f"`{place}`" for place in dict.fromkeys(kinds or places))
            sections.append(
                f"\n### {cls.__name__}\n\nAt {where}.\n\n| key | ends in | which takes | our check |\n"
                "|---|---|---|---|\n" + "".join(lines)
            )
    return "".join(sections) + "\n"


def _line(cls: type, key: str, hint: Any, row: Row) -> str:
    ends = [f"`{path}`" for path in [*listed(row.get("api")), *listed(row.get("google"))]]
    ends += [row[what] for what in ("part", "none") if what in row]
    takes = [_limits(member(path)) for path in listed(row.get("api"))]
    takes += [f"at most {member(path).metadata['max']} of them" for path in listed(row.get("count"))]
    takes += [
        phrases for path in listed(row.get("google")) if (phrases := google_member(path).get("format", ""))
    ]
    if "page" in row:
        takes.append(f"[{_documented(row)}]({row['page']})")
    if "times" in row:
        ends[-1] += f", {row['times']:,} times"
    cells = (
        f"`{key}`",
        "; ".join(ends),
        "; ".join(dict.fromkeys(filter(None, takes))),
        our_check(cls, key, hint),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _limits(shape: Any) -> str:
    traits, phrases = shape.metadata, list[str]()
    if "min" in traits or "max" in traits:
        what = "" if shape.type_name in ("integer", "long") else " characters"
        phrases.append(
            f"{traits.get('min', 0):,} to {traits['max']:,}{what}"
            if "max" in traits
            else f"{traits['min']:,} or more{what}"
        )
    if "enum" in traits:
        shown = [f"`{value}`" for value in traits["enum"]]
        phrases.append(", ".join(shown) if len(shown) < 9 else f"one of {len(shown)} words")
    elif "pattern" in traits:
        phrases.append(f"`{traits['pattern']}`")
    return ", ".join(phrases)


def _documented(row: Row) -> str:
    phrases: list[str] = []
    if "least" in row:
        phrases.append(f"{row['least']:,} to {row['most']:,}")
    phrases += [f"`{row['pattern']}`"] if "pattern" in row else []
    phrases += [", ".join(map(str, row["values"]))] if isinstance(row.get("values"), list) else []
    return ", ".join(phrases)


def our_check(cls: type, key: str, hint: Any) -> str:
    """What the class's own check of a key is, in words."""
    phrases = [*_phrases(hint)]
    field = vars(cls)["__pydantic_fields__"].get(key)
    phrases += _of(field.metadata) if isinstance(field, FieldInfo) else []
    return "; ".join(dict.fromkeys(phrases))


def _phrases(hint: Any) -> Iterator[str]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        yield from _phrases(inner[0])
        yield from _of(inner[1:])
    elif origin in (typing.Union, types.UnionType):
        for choice in inner:
            yield from _phrases(choice)
    elif origin is list:
        yield from _phrases(inner[0])
    elif origin is dict:
        yield from _phrases(inner[1])
    elif origin is Literal:
        shown = [f"`{value}`" for value in inner]
        yield ", ".join(shown) if len(shown) < 9 else f"one of {len(shown)} values"
    elif hint is bool:
        yield "true or false"


def _of_function(check: Any) -> list[str]:
    """What a check by a function says: its pattern, its limits, its sentence, or its name."""
    function: object = check
    marks = vars(function) if hasattr(function, "__dict__") else {}
    if "pattern" in marks:
        return [f"`{marks['pattern']}`"]
    if "limits" in marks:
        return ["{:,} to {:,}".format(*marks["limits"])]
    if check.__doc__:
        return [" ".join(check.__doc__.split()).split(" (http")[0].rstrip(".")]
    return [f"the check `{check.__name__.strip('_')}`"] if check.__name__ != "checked" else []


def _of(metadata: Any) -> list[str]:
    phrases: list[str] = []
    for check in metadata:
        if isinstance(check, FieldInfo):
            phrases += _of(check.metadata)
        elif check is A_NUMBER:
            continue
        elif isinstance(check, AfterValidator | BeforeValidator):
            phrases += _of_function(check.func)
        elif isinstance(check, annotated_types.Ge):
            phrases.append(f"{check.ge:,} or more")
        elif isinstance(check, annotated_types.Le):
            phrases.append(f"{check.le:,} or less")
        elif isinstance(check, annotated_types.MinLen):
            phrases.append(f"{check.min_length:,} or more long")
        elif isinstance(check, annotated_types.MaxLen):
            phrases.append(f"{check.max_length:,} or less long")
        elif getattr(check, "pattern", None):
            phrases.append(f"`{check.pattern}`")
    return phrases
