"""Writes the tables of config keys into the pages beside this file: `python -m docs`.

A table stands between `<!-- keys: <kind> -->` and `<!-- end of keys -->`. It is made of the kind's argument
class: what a stack's config may say, what it may be, its default, and the sentence of each field.
The tables of limits stand between `<!-- limits -->` and `<!-- end of limits -->` (limits.py).
The tables of cost stand between `<!-- cost: <stack> -->`, `<!-- usage: <kind> -->`, `<!-- prices -->` or
`<!-- free -->`, and `<!-- end of ... -->` (costs.py); README has those of cost.
The table of policies stands between `<!-- policies -->` and `<!-- end of policies -->`.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pulumi
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from components.arguments import Text, described, of_the_stack
from components.arguments.plain import is_list
from components.stack.kinds import KINDS
from docs import costs, limits
from policy.rules import SUBJECTS, Rule, rules_of

PAGES = Path(__file__).resolve().parent
TABLE = re.compile(r"(<!-- keys: (\S+) -->\n).*?(<!-- end of keys -->)", re.DOTALL)
LIMITS = re.compile(r"(<!-- limits -->\n).*?(<!-- end of limits -->)", re.DOTALL)
POLICIES = re.compile(r"(<!-- policies -->\n).*?(<!-- end of policies -->)", re.DOTALL)
# What a stack's config writes instead of a value that only a program has.
IN_CONFIG = {
    "account": ("name", "an account's name from `accounts`; may be left out where there is one only"),
    "from": ("name", "the pipeline whose landing is taken"),
}


def current(page: str) -> str:
    """The page with its tables made anew."""
    page = LIMITS.sub(lambda match: match[1] + limits.page() + match[2], page)
    page = costs.current(page, table_of=lambda cls: _table(_rows(cls)))
    page = POLICIES.sub(lambda match: match[1] + policies() + match[2], page)
    return TABLE.sub(lambda match: match[1] + table(match[2]) + match[3], page)


def policies() -> str:
    """The rules by subject: what fails each, what to write instead, and the page that says why."""

    def cell(text: str) -> str:
        code = re.split(r"(`[^`]*`)", text.replace("|", "\\|"))  # what is code says itself what it says
        return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in code)

    def row(rule: Rule) -> str:
        cells = (f"[{rule.title}]({rule.page})", rule.fails, rule.write[:1].upper() + rule.write[1:] + ".")
        return "| " + " | ".join(map(cell, cells)) + " |\n"

    header = "| rule | what fails it | write instead |\n|---|---|---|\n"
    parts = (f"\n### {head}\n\n{header}{''.join(map(row, rules))}" for head, rules in rules_of(SUBJECTS))
    return "".join(parts) + "\n"


def table(kind: str) -> str:
    """The keys of one kind."""
    return _table(_rows(KINDS[kind].args))


def _table(rows: Iterator[tuple[str, str, str, str]]) -> str:
    lines = ["| key | is | default | what it says |", "|---|---|---|---|"]
    for key, shape, default, sentence in rows:
        lines.append("| " + " | ".join((f"`{key}`", shape, default, sentence.replace("|", "\\|"))) + " |")
    return "\n".join(lines) + "\n"


def _rows(cls: type, path: str = "", holder: Any = None) -> Iterator[tuple[str, str, str, str]]:
    hints = typing.get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        name = field.name
        if not path and name in of_the_stack(cls):
            continue
        if name == "account":
            shape, sentence = IN_CONFIG["account"]
            yield path + name, shape, "", sentence
            continue
        shape, inner = _shape(hints[name])
        # What holds these keys may have defaults of its own.
        default = field.default if holder is None else getattr(holder, name)
        sentence = " ".join(described(cls, name).split())
        if not path and name == "landing":
            yield "from", *_from()
            sentence = "A bucket that exists, instead of `from`."
            yield name, shape, "", sentence
        else:
            yield path + name, shape, _default(default, inner), sentence
        if inner:
            below = {"list": "[].", "mapping by": ".*."}.get(
                shape.rpartition(" ")[0].removesuffix(" of"), "."
            )
            defaults = default if dataclasses.is_dataclass(default) else None
            yield from _rows(inner, path + name + below, defaults)


def _from() -> tuple[str, str, str]:
    shape, sentence = IN_CONFIG["from"]
    return shape, "", sentence


def _shape(hint: Any) -> tuple[str, type | None]:
    """The shape in words, and the argument class that it holds, if any."""
    if hint is Text or typing.get_origin(hint) is pulumi.Output:
        return "text", None
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _shape(inner[0])
    if origin is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in inner), None
    if origin in (typing.Union, types.UnionType):
        return _shape(next(i for i in inner if i is not type(None)))
    if origin is list:
        shape, argument_class = _shape(inner[0])
        return f"list of {shape}", argument_class
    if origin in (dict, Mapping):
        argument_class = _shape(inner[1])[1]
        return "mapping by name" if argument_class else "mapping", argument_class
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return "mapping", hint
    words: dict[Any, str] = {str: "text", int: "whole number", bool: "true or false", float: "number"}
    return words.get(hint, "mapping"), None


def _default(default: Any, inner: type | None) -> str:
    if isinstance(default, FieldInfo):
        default = default.default_factory() if default.default_factory else default.default  # type: ignore[call-arg]  # one without the values of other fields
    if default in (dataclasses.MISSING, PydanticUndefined):
        return "**required**"
    if inner and dataclasses.is_dataclass(default):
        return ""  # the rows of its own keys have them
    if default is None or default == "":
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if default in ([], {}):
        return "none"
    return "`" + (", ".join(map(str, default)) if is_list(default) else str(default)) + "`"


if __name__ == "__main__":
    for path in [PAGES.parent / "README.md", *sorted(PAGES.glob("*.md"))]:
        path.write_text(current(path.read_text()))
