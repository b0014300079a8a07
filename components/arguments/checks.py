"""The check of one field, for `Annotated`."""

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator


def check(test: Callable[[Any], bool], message: str) -> Callable[[Any], Any]:
    """A check for AfterValidator: `message` may name the value as {value}."""

    def checked(value: Any) -> Any:
        if not test(value):
            raise ValueError(message.format(value=value))
        return value

    return checked


def matching(pattern: str, message: str, flags: re.RegexFlag = re.ASCII) -> AfterValidator:
    """The check of text against a regular expression, whole; what is not known yet passes. `message` may name the value
    as {value}. The expression stays readable at the check, for the page of limits and its test."""
    test = re.compile(pattern, flags)
    checked = check(lambda v: not isinstance(v, str) or test.fullmatch(v) is not None, message)
    vars(checked)["pattern"] = pattern
    return AfterValidator(checked)


Email = Annotated[
    str,
    matching(
        r"[^@\s]+@[^@\s]+",
        "'{value}' is not an e-mail address; write one like 'data@example.com'",
        re.UNICODE,
    ),
]
"""The address of a person or a group."""


def between(least: int, most: int, message: str) -> AfterValidator:
    """The check of a number, both ends among what is taken; as `matching`."""
    checked = check(lambda v: least <= v <= most, message)
    vars(checked)["limits"] = (least, most)
    return AfterValidator(checked)


def never(why: str) -> BeforeValidator:
    """Refuses a key that users will expect, but that can't exist: `why` says why not, and what to write instead."""
    return BeforeValidator(check(lambda v: v is None, why))
