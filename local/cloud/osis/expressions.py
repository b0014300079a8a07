"""Data Prepper's conditions on an event, read and decided: for the embedded OpenSearch Ingestion alone.

Written from Data Prepper's grammar and operators, and not from the rule that a preview has, so that each is a judge of
the other: https://github.com/opensearch-project/data-prepper, DataPrepperExpression.g4 and the operators beside
ParseTreeEvaluator. Operands wait on one stack and operators on another until one that binds less comes. `and` and `or`
bind alike and least; `not` and `-` take what stands next to them. Known is what a route can say: no arithmetic, no
`typeof`, of the functions `getMetadata` only; anything else is a ValueError that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from local.plain import is_list, is_object

from ..seams.parts import Record

Value = Callable[[Record, Record], Any]  # of (data, metadata)
TOKENS = (
    ("function", r"(?P<name>\w+)\(\s*(?P<arguments>[^()]*?)\s*\)"),
    ("pointer", r'"(?P<quoted>/(?:[^"\\]|\\.)*)"|(?P<bare>(?:/[\w.@]+)+)'),
    ("text", r'"(?P<text>(?:[^"\\$]|\\.)*)"'),
    ("number", r"(?:0|[1-9]\d*)(?:\.\d+(?:[eE]-?\d+)?)?(?!\w)"),
    ("word", r"(?:true|false|null)(?!\w)"),
    ("join", r"(?<= )(?:and|or|not in|in)(?= )"),
    ("prefix", r"not(?= )|-"),
    ("compare", r"==|!=|=~|!~|<=|>=|<|>"),
    ("mark", r"[(){},]"),
)
WORDS = {"true": True, "false": False, "null": None}
BINDS = {
    **dict.fromkeys(("and", "or"), 1), **dict.fromkeys(("==", "!="), 2), **dict.fromkeys(("=~", "!~"), 3),
    **dict.fromkeys(("<", "<=", ">", ">="), 4), **dict.fromkeys(("in", "not in"), 5), "not": 6, "-": 6,
}  # fmt: skip


def flag(value: Any) -> bool:
    """The value, if it is true or false; TypeError for any other."""
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def matches(text: Any, pattern: str) -> bool:
    """Whether a pattern matches the whole of a text; it does not match null."""
    return text is not None and re.fullmatch(pattern, text) is not None


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal, where true is not 1 and false is not 0."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def number(value: Any) -> Any:
    """The value, if it is a number; TypeError for any other, true and false among them."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(f"{value!r} is no number")
    return value


DECIDE: dict[str, Callable[[Any, Any], Any]] = {
    "and": lambda left, right: flag(left) and flag(right),
    "or": lambda left, right: flag(left) or flag(right),
    "==": same,
    "!=": lambda left, right: not same(left, right),
    "<": lambda left, right: number(left) < number(right),
    "<=": lambda left, right: number(left) <= number(right),
    ">": lambda left, right: number(left) > number(right),
    ">=": lambda left, right: number(left) >= number(right),
    "=~": matches,
    "!~": lambda text, pattern: text is not None and not matches(text, pattern),
    "in": lambda value, members: any(same(value, member) for member in members),
    "not in": lambda value, members: not any(same(value, member) for member in members),
}
PREFIX: dict[str, Callable[[Any], Any]] = {
    "not": lambda operand: not flag(operand),
    "-": lambda operand: -number(operand),
}


def at(data: Any, path: str) -> Any:
    """The value at a pointer such as `/address/lines/0`, or None."""
    for part in path.strip("/").split("/"):
        if is_list(data) and part.isdigit():
            data = data[int(part)] if int(part) < len(data) else None
        else:
            data = data.get(part) if is_object(data) else None
    return data


def joined(sign: str, left: Value, right: Value) -> Value:
    """An operator with its two operands, as a value of an event."""

    def value(data: Record, metadata: Record) -> Any:
        try:
            return DECIDE[sign](left(data, metadata), right(data, metadata))
        except TypeError:
            return False  # as Data Prepper takes an operator whose operands are of another type

    return value


def prefixed(sign: str, operand: Value) -> Value:
    """`not` or `-` with its operand, as a value of an event; false where the operand is of another type."""

    def value(data: Record, metadata: Record) -> Any:
        try:
            return PREFIX[sign](operand(data, metadata))
        except TypeError:
            return False

    return value


class Expression:
    """A condition, called with (data, metadata)."""

    def __init__(self, text: str):
        self.text = text
        self.values: list[tuple[str, Value]] = []
        self.waiting: list[str] = []
        expects_value, place = True, 0
        while text[place:].strip():
            kind, match = self.token(place)
            token = match[0].strip()
            if kind in ("join", "compare") or token == ")":
                if expects_value:
                    raise self.wrong(place)
                self.settle(0 if token == ")" else BINDS[token])
                if token == ")":
                    if not self.waiting or self.waiting.pop() != "(":
                        raise self.wrong(place)
                    self.values[-1] = ("", self.values[-1][1])
                else:
                    self.waiting.append(token)
                    expects_value = True
            elif not expects_value:
                raise self.wrong(place)
            elif kind == "prefix" or token == "(":
                self.waiting.append(token if token in ("not", "(") else "minus")
            elif token == "{":
                place = self.members(match.end())
                expects_value = False
                continue
            else:
                self.values.append((kind, self.value(kind, match)))
                expects_value = False
            place = match.end()
        if expects_value:
            raise self.wrong(len(text))
        self.settle(0)
        if self.waiting:
            raise self.wrong(len(text))

    def __call__(self, data: Record, metadata: Record) -> bool:
        """Whether the condition holds for an event; false where it is neither true nor false."""
        return self.values[0][1](data, metadata) is True

    def wrong(self, place: int) -> ValueError:
        """The error, for the caller to raise, of a text that can't be read from this place on."""
        return ValueError(f"{self.text!r} can't be read from {self.text[place:].strip()!r} on")

    def token(self, place: int) -> tuple[str, re.Match[str]]:
        """The kind and the match of the token that comes next, spaces apart. Raises ValueError."""
        start = place + len(self.text[place:]) - len(self.text[place:].lstrip())
        for kind, pattern in TOKENS:
            if match := re.compile(pattern, re.ASCII).match(self.text, start):
                return kind, match
        raise self.wrong(place)

    def settle(self, binds: int) -> None:
        """Join what binds at least as much as what comes now."""
        while self.waiting and self.waiting[-1] != "(":
            sign = self.waiting[-1]
            if (6 if sign == "minus" else BINDS[sign]) < binds:
                return
            self.waiting.pop()
            right, other = self.values.pop()
            if sign in ("not", "minus"):
                self.values.append(("", prefixed("-" if sign == "minus" else sign, other)))
                continue
            left, operand = self.values.pop()
            if (sign in ("in", "not in")) != (right == "set") or (
                sign in ("=~", "!~") and not {left, right} <= {"pointer", "text"}
            ):
                raise ValueError(f"{self.text!r}: {sign!r} does not take what stands beside it")
            self.values.append(("", joined(sign, operand, other)))

    def members(self, place: int) -> int:
        """The literals of a set, of which `{` is read; where it ends."""
        values: list[Any] = []
        while True:
            kind, match = self.token(place)
            if kind not in ("text", "number", "word"):
                raise self.wrong(place)
            values.append(self.value(kind, match)({}, {}))
            _, end = self.token(match.end())
            place = end.end()
            if end[0] == "}":
                self.values.append(("set", lambda data, metadata: values))
                return place
            if end[0] != ",":
                raise self.wrong(match.end())

    def value(self, kind: str, match: re.Match[str]) -> Value:
        """A pointer, a function's call or a literal as a value of an event. ValueError for any other token."""
        if kind == "pointer":
            path = match["quoted"] or match["bare"]
            return lambda data, metadata: at(data, path)
        if kind == "function":
            argument = re.fullmatch(r'"/?([^"]+)"', match["arguments"])
            if match["name"] != "getMetadata" or not argument:
                raise ValueError(f"{self.text!r}: {match[0]!r} is not known here")
            return lambda data, metadata: metadata.get(argument[1])
        if kind not in ("text", "number", "word"):
            raise self.wrong(match.start())
        literal: Any = (
            re.sub(r"\\(.)", r"\1", match["text"]) if kind == "text"
            else Decimal(match[0]) if kind == "number" else WORDS[match[0]]
        )  # fmt: skip
        return lambda data, metadata: literal
