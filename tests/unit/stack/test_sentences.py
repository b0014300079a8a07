"""No error of a config shows a regular expression, or is longer than a reader takes in: it says what is wrong, and what
to write."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import AfterValidator
from pydantic.fields import FieldInfo

from components.arguments import Refused
from components.arguments.report import described
from components.stack import settings
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


MOST_WORDS = 30
# The part of a sentence that a key's own documentation is: the other part says what was found.
OF_A_KEY = 22


def longest(error: str) -> int:
    """Words of an error's longest sentence: its path is none, a value that it repeats is one."""
    text = re.sub(r"^[\w.\[\]-]+: ", "", error)
    text = re.sub(r"^[\[{].{,90}? … ", "value ", text)
    text = re.sub(r"""(?<!\w)('[^']*'|"[^"]*")(?!\w)""", "value", text)
    return max(len(sentence.split()) for sentence in re.split(r"(?<=[.!?]) ", text))


@pytest.mark.parametrize("name", sorted(BAD))
def test_an_error_is_at_most_thirty_words_a_sentence(name: str) -> None:
    with pytest.raises(Refused) as refused:
        settings.read(BAD[name][0])
    assert [error for error in refused.value.errors if longest(error) > MOST_WORDS] == []


def test_what_an_error_says_of_a_key_is_short() -> None:
    """An error ends with the first sentence that documents the key, as far as a semicolon."""
    texts = {
        (cls, key): " ".join(described(cls, key).split())
        for cls in limits.classes()
        for key, _ in limits.keys(cls)
    }
    assert len([text for text in texts.values() if text]) > 100
    assert [
        f"{cls.__name__}.{key}: {first}"
        for (cls, key), text in texts.items()
        if longest(first := re.split("[.;] ", text)[0]) > OF_A_KEY
    ] == []


def test_a_long_sentence_is_seen() -> None:
    assert longest("pipelines.a: 'a b c' is not a name; write 'b'. It is short") == 7
    assert longest("pipelines.a: " + "word " * 31) > MOST_WORDS
