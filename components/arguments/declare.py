"""How a class of arguments is declared."""

import copy
import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import FunctionType
from typing import Annotated, Any, TypeVar, cast, dataclass_transform

import pulumi
from pydantic import BeforeValidator, ConfigDict, Field, GetPydanticSchema, model_validator
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo
from pydantic_core import core_schema

T = TypeVar("T")


def _text_or_output(value: Any) -> Any:
    if isinstance(value, str | pulumi.Output):
        return cast(Any, value)
    raise ValueError(f"{value!r} is not text; write it in quotes")


if typing.TYPE_CHECKING:
    Text = pulumi.Input[str]
else:
    # Text that may not be known yet. Pydantic can't follow the forward reference in Input[str]: it gets the check here.
    Text = Annotated[
        pulumi.Output[str],
        GetPydanticSchema(
            lambda _source, _handler: core_schema.no_info_plain_validator_function(_text_or_output)
        ),
    ]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field, dataclasses.field))
def arguments(cls: type[T]) -> type[T]:
    """Makes a class of annotated fields into frozen, checked, keyword-only arguments that refuse unknown keys."""
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True)
    for name, hint in cls.__annotations__.items():
        if is_number(hint):
            cls.__annotations__[name] = Annotated[hint, A_NUMBER]
    if checks_together(cls):
        cls._fit_together = model_validator(mode="after")(_fit_together)  # pyright: ignore  (where pydantic reads it)
    checked_class: Any = dataclass(frozen=True, kw_only=True, config=config)(cls)
    return checked_class


def is_number(hint: Any) -> bool:
    """Whether an annotation takes a number, one of some numbers, or a number and something else."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return is_number(parts[0])
    if origin in (typing.Union, types.UnionType):
        return any(is_number(part) for part in parts)
    if origin is typing.Literal:
        return all(type(part) in (int, float) for part in parts)
    return hint in (int, float)


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is not a number; write one, without quotes")
    return value


A_NUMBER = BeforeValidator(_no_truth_value)
"""What every number's annotation gets: Python counts True as 1, and pydantic follows it."""


class FilledIn:
    """Within `Annotated`: marks a field whose value a program fills in, and says how. The field's documentation ends
    with `note`, so that no docstring repeats it."""

    @property
    def note(self) -> str:
        """Who fills the field in, or what a stack's config writes for it: the end of a sentence."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class FilledBy(FilledIn):
    """A mark with a note of its own."""

    how: str

    @property
    def note(self) -> str:
        """As it is written with the mark."""
        return self.how


OF_THE_STACK = FilledBy("a stack's program fills it in")
"""A stack's program fills the field in; a config that writes it is refused."""
BY_NAME = FilledBy("in a stack's config, its name")
"""A stack's config writes the name of the thing instead."""


def declared_fields(cls: type) -> dict[str, FieldInfo]:
    """The fields of a class of arguments, as Pydantic keeps them: with docstring and metadata, which
    `dataclasses.fields` has not. Pydantic documents the attribute (https://docs.pydantic.dev/latest/api/dataclasses/,
    PydanticDataclass); without it no field would have a sentence, and `python -m components.plugin.schema` fails."""
    return vars(cls).get("__pydantic_fields__", {})


def of_the_stack(cls: type) -> frozenset[str]:
    """The fields of a class of arguments that a stack's program fills in."""
    return frozenset(name for name, field in declared_fields(cls).items() if OF_THE_STACK in field.metadata)


def replaced(args: T, **changes: Any) -> T:
    """A copy with these fields changed; the new values are not checked, as the program makes them and they may not be
    known yet. Raises TypeError for a name that is not a field."""
    known = {field.name for field in dataclasses.fields(args)}  # pyright: ignore  (a class that `arguments` made)
    if unknown := sorted(changes.keys() - known):
        raise TypeError(f"{type(args).__name__} has no field {', '.join(unknown)}")
    changed = copy.copy(args)
    for name, value in changes.items():
        object.__setattr__(changed, name, value)  # it is frozen for everybody else
    return changed


def together(check: Callable[[Any], Iterator[str]]) -> Callable[[Any], Iterator[str]]:
    """Marks a method of arguments that yields what is wrong in several fields together."""
    vars(check)["together"] = True
    return check


class Misfits(ValueError):
    """What the checks of one class have found."""

    def __init__(self, errors: Iterable[str]):
        self.errors = tuple(errors)
        super().__init__("; ".join(self.errors))


@cache
def checks_together(cls: type) -> list[Callable[[Any], Iterator[str]]]:
    """The methods marked `together`, of the class and of those that it inherits from."""
    members = (member for base in reversed(cls.__mro__) for member in vars(base).values())
    return [member for member in members if isinstance(member, FunctionType) and "together" in vars(member)]


def _fit_together(self: Any) -> Any:
    if errors := [error for check in checks_together(self.__class__) for error in check(self)]:
        raise Misfits(errors)
    return self
