"""Data Prepper's expressions, by which a route takes an item or leaves it: read into a tree, or refused. Pure.

A tree is ("value", <text, number, true, false or null>), ("path", "outer/inner"), ("set", [values]),
("call", function, arguments), ("typeof", path, type), ("not", tree), ("minus", tree), or (operator, left, right).
Grammar: https://github.com/opensearch-project/data-prepper, DataPrepperExpression.g4: `and` and `or` bind alike, from
left to right; `not` takes only what stands next to it; words have a space on each side; text that begins with '/' is a
path. Functions: https://docs.opensearch.org/latest/data-prepper/pipelines/functions.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

Tree = tuple[Any, ...]

TRUTHS, EQUAL, MATCHES = ("and", "or"), ("==", "!="), ("=~", "!~")
ORDER, MEMBERS, SUMS, PRODUCTS = ("<", "<=", ">", ">="), ("in", "not in"), ("+", "-"), ("*", "/", "%")
# From what binds least to what binds most.
LEVELS = (TRUTHS, EQUAL, MATCHES, ORDER, MEMBERS, SUMS, PRODUCTS)
LITERALS = {"true": True, "false": False, "null": None}
TYPES = ("array", "big_decimal", "boolean", "double", "integer", "long", "map", "string")
FUNCTIONS = (
    *("cidrContains", "contains", "formatDateTime", "generateUuid", "getEventType", "getMetadata", "hasTags"),
    *("join", "length", "now", "startsWith", "subList", "substringAfter", "substringAfterLast"),
    *("substringBefore", "substringBeforeLast", "toJsonString"),
)
_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:(?P<path>/[\w.@]+(?:/[\w.@]+)*|"/(?:[^"\\]|\\[btnfr"'\\/])*")"""
    r"""|(?P<text>"(?:[^"\\$]|\\[btnfr"'\\$])*")|(?P<number>(?:0|[1-9]\d*)(?:\.\d+(?:[eE]-?\d+)?)?(?!\w))"""
    r"""|(?P<word>(?<=[ ])(?:and|or|in|not[ ]in|typeof)(?=[ ])|not(?=[ ]))|(?P<name>[A-Za-z]\w*)"""
    r"""|(?P<sign>==|!=|=~|!~|<=|>=|[-<>+*/%(){},]))""",
    re.ASCII,
)
_ESCAPED = re.compile(r"\\(.)")


def parse(text: str) -> Tree:
    """The tree of an expression. Raises ValueError with what is wrong."""
    return _Reading(text).tree


def parts(tree: Tree) -> Iterator[Tree]:
    """The tree and every tree in it."""
    yield tree
    for inner in tree[1:]:
        if isinstance(inner, tuple):
            yield from parts(cast(Tree, inner))


def paths(tree: Tree) -> list[str]:
    """Every attribute that the expression reads, as 'outer/inner'."""
    return [part[1] for part in parts(tree) if part[0] == "path"]


def mistakes(tree: Tree) -> Iterator[str]:
    """What can be read, and is false of every item without a word, as its types do not fit."""
    truths = [tree]
    for kind, *inner in parts(tree):
        truths += inner if kind in (*TRUTHS, "not") else []
        if kind in (*EQUAL, *MATCHES, *ORDER, *MEMBERS) and inner[0][0] == "not":
            yield f"'not' takes only what stands next to it, not what '{kind}' compares; write not (…) around that"
        if kind in ORDER and any(
            operand[0] == "value" and not isinstance(operand[1], Decimal) for operand in inner
        ):
            yield f"'{kind}' compares numbers; write them without quotes"
    for operand in truths:
        if operand[0] in ("set", "minus", *SUMS, *PRODUCTS) or (
            operand[0] == "value" and not isinstance(operand[1], bool)
        ):
            yield "a value is neither true nor false; compare it with something"


class _Reading:
    def __init__(self, text: str):
        self.tokens: list[tuple[str, str, int]] = []
        self.text, at = text, 0
        while text[at:].strip():
            if not (token := _TOKEN.match(text, at)):
                raise self.wrong(at)
            kind = str(token.lastgroup)
            self.tokens.append((kind, token[kind], token.start(kind)))
            at = token.end()
        self.tree = self.level(0)
        if self.tokens:
            raise self.wrong(self.tokens[0][2])

    def wrong(self, at: int, expected: str = """; write such as '/status == "open"'""") -> ValueError:
        problem = f"'{self.text[at:].strip()}' is not understood" if self.text[at:] else "it ends too early"
        return ValueError(f"'{self.text}' is not an expression of Data Prepper: {problem}{expected}")

    def ahead(self) -> tuple[str, str, int]:
        return self.tokens[0] if self.tokens else ("end", "", len(self.text))

    def take(self, *wanted: str) -> str | None:
        kind, text, _ = self.ahead()
        return self.tokens.pop(0)[1] if kind in ("sign", "word") and text in wanted else None

    def expect(self, wanted: str) -> None:
        if not self.take(wanted):
            raise self.wrong(self.ahead()[2], f", '{wanted}' is expected")

    def level(self, number: int) -> Tree:
        if number == len(LEVELS):
            return self.unary()
        left = self.level(number + 1)
        while operator := self.take(*LEVELS[number]):
            at, right = self.ahead()[2], self.level(number + 1)
            if operator in ("in", "not in") and right[0] != "set":
                raise self.wrong(at, ', a set is expected, such as {"open", "new"}')
            left = (operator, left, right)
        return left

    def unary(self) -> Tree:
        if self.take("not"):
            return ("not", self.unary())
        if self.take("-"):
            return ("minus", self.unary())
        if self.take("("):
            inner = self.level(0)
            self.expect(")")
            return inner
        if self.take("{"):
            return ("set", list(self.some(self.literal, "}")))
        kind, text, at = self.ahead()
        if kind == "path":
            self.tokens.pop(0)
            path = ("path", text.strip('"').strip("/"))
            return self.typed(path) if self.take("typeof") else path
        if kind == "name" and text not in LITERALS:
            self.tokens.pop(0)
            if not self.take("("):
                raise self.wrong(at, f"; write '/{text}' for an attribute, and text in double quotes")
            if text not in FUNCTIONS:
                raise self.wrong(at, f"; functions are {', '.join(FUNCTIONS)}")
            return ("call", text, *(() if self.take(")") else self.some(lambda: self.level(0), ")")))
        return ("value", self.literal())

    def typed(self, path: Tree) -> Tree:
        _, text, at = self.ahead()
        if text not in TYPES:
            raise self.wrong(at, f", a type is expected: {', '.join(TYPES)}")
        self.tokens.pop(0)
        return ("typeof", path, text)

    def some(self, read: Any, end: str) -> Iterator[Any]:
        """What stands between commas, up to `end`."""
        yield read()
        while self.take(","):
            yield read()
        self.expect(end)

    def literal(self) -> Any:
        kind, text, at = self.ahead()
        if kind not in ("text", "number") and text not in LITERALS:
            raise self.wrong(at)
        self.tokens.pop(0)
        if kind == "text":
            return _ESCAPED.sub(r"\1", text[1:-1])
        return Decimal(text) if kind == "number" else LITERALS[text]
