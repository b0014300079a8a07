"""No error of a config shows a regular expression: it says what is wrong, and what to write."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import AfterValidator
from pydantic.fields import FieldInfo

from docs import limits
from tests.unit.stack.test_bad_configs import BAD

# A set or class with a backslash, a count in braces, an anchor, a group that is not kept.
EXPRESSION = re.compile(r"\\[\w.\\\-]|\{\d+,\d*\}|\[\^|\[[^\]' ]*\w-\w[^\]' ]*\]|\^\w|\w\$|\(\?")
WRONG = ("", " ", "\x00", "é?", "x" * 5000)


def checks(hint: Any) -> Iterator[Any]:
    """What checks the values of a type, of its members and of its keys."""
    for part in getattr(hint, "__metadata__", ()):
        yield from part.metadata if isinstance(part, FieldInfo) else [part]
    for inner in get_args(hint):
        yield from checks(inner)


HINTS = [(f"{cls.__name__}.{key}", hint) for cls in limits.classes() for key, hint in limits.keys(cls)]


def test_no_key_is_checked_by_an_expression_without_a_sentence() -> None:
    bare = [
        name for name, hint in HINTS for part in checks(hint) if getattr(part, "pattern", None) is not None
    ]
    assert len(HINTS) > 100
    assert bare == []


def refusals(part: AfterValidator) -> Iterator[str]:
    """What a check says of values that it refuses."""
    test: Any = part.func
    for value in WRONG:
        try:
            test(value)
        except ValueError as error:
            yield str(error)


def test_a_sentence_shows_no_expression() -> None:
    matched = [
        (name, part)
        for name, hint in HINTS
        for part in checks(hint)
        if isinstance(part, AfterValidator) and "pattern" in getattr(part.func, "__dict__", {})
    ]
    assert len(matched) > 20
    shown = {
        name: text
        for name, part in matched
        for text in refusals(part)
        if vars(part.func)["pattern"] in text or EXPRESSION.search(text.replace("\\x00", ""))
    }
    assert shown == {}
    assert [name for name, part in matched if not [*refusals(part)]] == []


@pytest.mark.parametrize("name", sorted(BAD))
def test_no_sentence_of_the_bad_configs_shows_an_expression(name: str) -> None:
    assert EXPRESSION.findall(str(BAD[name][1])) == []


def test_an_expression_is_seen() -> None:
    for text in ("'^[a-z]{2}(-[a-z]+){1,3}-[0-9]$'", "should match [^@]+", r"\d{12}", "(?i:aws)"):
        assert EXPRESSION.search(text)
