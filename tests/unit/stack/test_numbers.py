"""No key that is a number takes `true` or `false`, which Python counts as 1 and 0."""

import typing
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from components.arguments.declare import is_number
from components.cost.usage import USAGE
from components.stack.kinds import KINDS
from components.stack.settings import StackArgs


def classes(cls: Any, seen: set[type]) -> Iterator[type]:
    """A class of arguments, and those that stand in its fields."""
    if isinstance(cls, type) and "__pydantic_fields__" in vars(cls):
        if cls not in seen:
            seen.add(cls)
            yield cls
            for hint in typing.get_type_hints(cls, include_extras=True).values():
                yield from classes(hint, seen)
        return
    for part in typing.get_args(cls):
        yield from classes(part, seen)


KNOWN: set[type] = set()
ALL = [
    each
    for start in (StackArgs, *(kind.args for kind in KINDS.values()), *USAGE.values())
    for each in classes(start, KNOWN)
]


def numbers(cls: type) -> list[str]:
    return [name for name, hint in typing.get_type_hints(cls).items() if is_number(hint)]


@pytest.mark.parametrize("hint", [int, int | None, Annotated[float, "x"], typing.Literal[1, 3], int | str])
def test_a_number_is_known_as_one(hint: Any) -> None:
    assert is_number(hint)


@pytest.mark.parametrize("hint", [bool, str, bool | None, typing.Literal["a"], list[int], dict[str, int]])
def test_what_is_none_is_not(hint: Any) -> None:
    assert not is_number(hint)


def test_there_are_numbers_to_judge() -> None:
    assert len(ALL) > 30 and sum(len(numbers(cls)) for cls in ALL) > 70


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_a_truth_value_is_no_number(cls: type) -> None:
    for value in (True, False):
        with pytest.raises(ValidationError) as refused:
            TypeAdapter(cls).validate_python(dict.fromkeys(numbers(cls), value) | {"no such key": 1})
        wrong = {error["loc"][0] for error in refused.value.errors() if "is not a number" in error["msg"]}
        assert wrong == set(numbers(cls))
