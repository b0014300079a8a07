"""Plain data, such as a stack's YAML, into checked arguments."""

import contextlib
import typing
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from components.arguments.declare import checks_together, declared_fields
from components.arguments.plain import is_mapping
from components.arguments.report import Refused, class_at, join, placed, sentences, steps, value_at

T = TypeVar("T")


def parse(
    cls: type[T], value: T | Mapping[str, Any], path: str = "", already_reported: Iterable[str] = ()
) -> T:
    """Returns the checked arguments. Raises Refused with every error, each path starting with `path`.

    `already_reported`: keys to skip, whose errors the caller has."""
    checked_value = value
    if already_reported and is_mapping(value):
        checked_value = {**value, **dict.fromkeys(already_reported, _WRONG)}
    try:
        # An instance is checked too: a frozen dataclass may hold what its default or its caller put there.
        return _adapter(cls).validate_python(checked_value)
    except ValidationError as error:
        details = error.errors()
    errors: list[str] = []
    wrong: dict[tuple[Any, ...], set[str]] = {}  # where a class stands -> its fields that are wrong
    for detail in details:
        place = tuple(steps(detail["loc"]))
        if not (place and place[0] in already_reported):
            errors += sentences(cls, path, detail)
        for index, step in enumerate(place):
            wrong.setdefault(place[:index], set()).add(str(step))
    for place, fields in wrong.items():
        owner, values = class_at(cls, place), value_at(checked_value, place)
        if owner and is_mapping(values):
            where = join(path, *place)
            errors += [placed(where, misfit) for misfit in _misfits(owner, values, fields)]
    raise Refused(errors)


_WRONG: Any = object()  # no field takes it


@cache
def _adapter(cls: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(cls)  # building one costs a hundred times what using it does


class _Unsound(Exception):
    """A check reads a field that is wrong in itself."""


def _partial(cls: type, values: Mapping[str, Any], wrong: set[str]) -> Any:
    """An instance of `cls` with `values`. The fields in `wrong` have an error already: reading one of those raises
    _Unsound, which ends the check that reads it."""

    def read(partial: object, name: str) -> Any:
        if name in wrong:
            raise _Unsound(name)
        return object.__getattribute__(partial, name)

    partial = object.__new__(type(cls.__name__, (cls,), {"__getattribute__": read}))
    vars(partial).update(values)
    return partial


def _misfits(cls: type, values_by_key: Mapping[str, Any], wrong: set[str]) -> Iterator[str]:
    """What does not fit together of the fields that are right in themselves."""
    hints, declared = typing.get_type_hints(cls, include_extras=True), declared_fields(cls)
    values = {
        name: TypeAdapter(hints[name]).validate_python(values_by_key[name])
        if name in values_by_key
        else field.get_default(call_default_factory=True)
        for name, field in declared.items()
        if name not in wrong
    }
    partial = _partial(cls, values, wrong & declared.keys())
    for check in checks_together(cls):
        with contextlib.suppress(_Unsound):
            yield from check(partial)
