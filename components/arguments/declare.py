"""How a class of arguments is declared."""

import dataclasses
import typing
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Annotated, Any, TypeVar, dataclass_transform

import pulumi
from pydantic import ConfigDict, Field, GetPydanticSchema, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import core_schema

T = TypeVar("T")


def _text_or_output(value: Any) -> Any:
    if isinstance(value, str | pulumi.Output):
        return value
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
    if checks_together(cls):
        cls._fit_together = model_validator(mode="after")(_fit_together)  # pyright: ignore  (where pydantic reads it)
    made: Any = dataclass(frozen=True, kw_only=True, config=config)(cls)
    return made


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
    members = (member for base in reversed(cls.__mro__) for member in vars(base).values())
    return [member for member in members if getattr(member, "together", False) is True]


def _fit_together(self: Any) -> Any:
    if errors := [error for check in checks_together(type(self)) for error in check(self)]:
        raise Misfits(errors)
    return self
