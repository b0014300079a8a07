"""How a component's arguments are declared, checked and told apart: one class serves all three of their readers.

- The config check: `parse` turns plain data (a stack's YAML) into the class, or raises `Refused` with every error at
  once, each with its path, what was found, what was expected and what to write.
- The component: it takes the class (frozen, typed, with a sentence a field).
- Other languages: `schema_of` gives Pulumi's analyzer the same class with annotations it understands
  (https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/build-a-component/).

A field is `name: Annotated[type, check] = default` with a docstring below it. A check takes the value, returns it, and
raises ValueError with "what is wrong; write this instead". What several fields break is found by methods marked
`@together`: they yield "field: what is wrong; write this instead". Each is asked, also where some fields are wrong in
themselves, unless it looks at one of those.
"""

import contextlib
import dataclasses
import difflib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, dataclass_transform

import pulumi
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    TypeAdapter,
    ValidationError,
    model_validator,
)
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
    # Text that may not be known yet. Pydantic can't follow the forward reference in Input[str]: it is told the check.
    Text = Annotated[
        pulumi.Output[str],
        GetPydanticSchema(
            lambda _source, _handler: core_schema.no_info_plain_validator_function(_text_or_output)
        ),
    ]


class Refused(pulumi.RunError):
    """A config that can't be deployed; `errors` holds every reason found, one sentence a reason."""

    def __init__(self, errors: Iterable[str]):
        self.errors = tuple(errors)
        count = "1 error" if len(self.errors) == 1 else f"{len(self.errors)} errors"
        super().__init__(f"the config has {count}:\n" + "\n".join(f"  {error}" for error in self.errors))


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field, dataclasses.field))
def arguments(cls: type[T]) -> type[T]:
    """Makes a class of annotated fields into frozen, checked, keyword-only arguments that refuse unknown keys."""
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True)
    if _checks(cls):
        cls._fit_together = model_validator(mode="after")(_fit_together)  # pyright: ignore  (put where pydantic looks)
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
def _checks(cls: type) -> list[Callable[[Any], Iterator[str]]]:
    members = (member for base in reversed(cls.__mro__) for member in vars(base).values())
    return [member for member in members if getattr(member, "together", False) is True]


def _fit_together(self: Any) -> Any:
    if errors := [error for check in _checks(type(self)) for error in check(self)]:
        raise Misfits(errors)
    return self


def parse(cls: type[T], value: T | Mapping[str, Any], path: str = "", told: Iterable[str] = ()) -> T:
    """The checked arguments. Raises Refused, with every error, each path starting with `path`. `told` are keys without
    a value to check, whose errors have been told: the others' are all that is in Refused."""
    given = {**value, **dict.fromkeys(told, _WRONG)} if told and isinstance(value, Mapping) else value
    try:
        # An instance is checked too: a frozen dataclass may hold what its default or its caller put there.
        return _adapter(cls).validate_python(given)
    except ValidationError as error:
        details = error.errors()
    errors: list[str] = []
    wrong: dict[tuple[Any, ...], set[str]] = {}  # where a class stands -> its fields that are wrong
    for detail in details:
        steps = tuple(_steps(detail["loc"]))
        if not (steps and steps[0] in told):
            errors += _sentences(cls, path, detail)
        for index, step in enumerate(steps):
            wrong.setdefault(steps[:index], set()).add(str(step))
    for steps, fields in wrong.items():
        owner, held = _class_at(cls, steps), _at(given, steps)
        if owner and isinstance(held, Mapping):
            where = join(path, *steps)
            errors += [_placed(where, misfit) for misfit in _misfits(owner, held, fields)]
    raise Refused(errors)


_WRONG: Any = object()  # no field takes it


@cache
def _adapter(cls: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(cls)  # building one costs a hundred times what using it does


class _Unsound(Exception):
    """A check has asked for a field that is wrong in itself."""


class _Sound:
    """Arguments of which some fields are wrong: whoever asks for one of those gets no further."""

    def __init__(self, cls: type, values: Mapping[str, Any]):
        self._cls, self._values = cls, values

    def __getattr__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name in {field.name for field in dataclasses.fields(self._cls)}:
            raise _Unsound(name)
        return inspect.getattr_static(self._cls, name).__get__(self, self._cls)


def _misfits(cls: type, held: Mapping[str, Any], wrong: set[str]) -> Iterator[str]:
    """What does not fit together of the fields that are right in themselves."""
    hints, declared = typing.get_type_hints(cls, include_extras=True), vars(cls)["__pydantic_fields__"]
    values = {
        name: TypeAdapter(hints[name]).validate_python(held[name])
        if name in held
        else field.get_default(call_default_factory=True)
        for name, field in declared.items()
        if name not in wrong
    }
    for check in _checks(cls):
        with contextlib.suppress(_Unsound):
            yield from check(_Sound(cls, values))


def nearest(word: str, known: Iterable[str], *, listed: bool = False) -> str:
    """The known word that was probably meant; where there is none, and with `listed`, all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    every = f"known: {', '.join(known)}" if known else "none is known"
    if not near:
        return every
    return f"did you mean '{near[0]}'?" + (f"; {every}" if listed else "")


def join(path: str, *more: object) -> str:
    """`a.b[0].c` from its parts."""
    for part in more:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def described(cls: type, field: str) -> str:
    """The docstring of a field, also of one that a base class declares; empty where there is none."""
    declared = (getattr(base, "__pydantic_fields__", {}).get(field) for base in cls.__mro__)
    return next((found.description for found in declared if found and found.description), "")


def schema_of(cls: type) -> type:
    """Rewrites the annotations of `cls`, and of the argument classes it holds, into what Pulumi's analyzer infers a
    schema from: no Annotated, no Literal, Optional for what has a default. Checks were compiled before and still hold.
    """
    hints = typing.get_type_hints(cls, include_extras=True)
    optional = {f.name for f in dataclasses.fields(cls) if not _required(f)}
    cls.__annotations__ = {
        name: _plain(hint) | None if name in optional else _plain(hint)
        for name, hint in hints.items()
        if not name.startswith("_")
    }
    return cls


def _required(field: "dataclasses.Field[Any]") -> bool:
    default = field.default
    if default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return True
    return getattr(default, "is_required", lambda: False)()


def _plain(hint: Any) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _plain(inner[0])
    if origin is Literal:
        return type(inner[0])
    if origin in (typing.Union, types.UnionType) and type(None) in inner:
        return _plain(next(i for i in inner if i is not type(None)))
    if origin in (list, tuple):
        return list[_plain(inner[0])]
    if origin in (dict, Mapping):
        return dict[str, _plain(inner[1])]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return schema_of(hint)
    return hint


def _sentences(cls: type, path: str, error: Any) -> list[str]:
    found = error.get("ctx", {}).get("error")
    if isinstance(found, Misfits):
        return [_placed(join(path, *_steps(error["loc"])), misfit) for misfit in found.errors]
    return [_sentence(cls, path, error)]


def _placed(where: str, misfit: str) -> str:
    """A check's sentence with its place: `where`, and the field that the sentence begins with."""
    if not where:
        return misfit
    return f"{where}.{misfit}" if re.match(r"\w[\w.\[\]-]*: ", misfit) else f"{where}: {misfit}"


def _sentence(cls: type, path: str, error: Any) -> str:
    kind, found, where = error["type"], error["input"], join(path, *_steps(error["loc"]))
    if kind == "unexpected_keyword_argument":
        owner = _class_at(cls, error["loc"][:-1])
        known = [f.name for f in dataclasses.fields(owner)] if owner else []
        return f"{where}: no such key; {nearest(str(error['loc'][-1]), known)}"
    if kind == "missing":
        return f"{where}: missing; {_expected(cls, error['loc'])}"
    if kind == "value_error":
        return f"{where}: {error['ctx']['error']}"
    if kind == "string_type" and isinstance(found, int | float):
        return f'{where}: {found} is a number, text is expected; write it in quotes: "{found}"'
    if kind == "literal_error":
        choices = error["ctx"]["expected"]
        near = difflib.get_close_matches(str(found), _words(choices), n=1) if isinstance(found, str) else []
        return f"{where}: {found!r} is not one of {choices}" + (
            f"; did you mean '{near[0]}'?" if near else ""
        )
    if kind in ("dataclass_type", "dict_type", "list_type"):
        shape = "a list" if kind == "list_type" else "a mapping of keys"
        return f"{where}: {found!r} is not {shape}; {_expected(cls, error['loc'])}"
    wrong = re.sub("^(Input|String|List) ", "", error["msg"])
    return f"{where}: {found!r} {wrong}; {_expected(cls, error['loc'])}"


def _words(choices: str) -> list[str]:
    return [word.strip(" '") for word in choices.replace(" or ", ",").split(",")]


def _steps(loc: tuple[Any, ...]) -> list[Any]:
    """Pydantic's location without the marks it adds for keys of a mapping and branches of a union."""
    return [
        step for step in loc if step != "[key]" and not str(step).startswith(("function-", "constrained-"))
    ]


def _at(value: Any, steps: Iterable[Any]) -> Any:
    for step in steps:
        value = (
            value.get(step) if isinstance(value, Mapping) else value[step] if isinstance(step, int) else None
        )
    return value


def _class_at(cls: type, loc: tuple[Any, ...]) -> type | None:
    hint: Any = cls
    for step in loc:
        hint = _bare(hint)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            hint = typing.get_type_hints(hint, include_extras=False).get(str(step))
        else:
            hint = (typing.get_args(hint) or (None,))[-1]
    hint = _bare(hint)
    return hint if isinstance(hint, type) and dataclasses.is_dataclass(hint) else None


def _bare(hint: Any) -> Any:
    while typing.get_origin(hint) in (Annotated, typing.Union, types.UnionType):
        hint = next(i for i in typing.get_args(hint) if i is not type(None))
    return hint


def _expected(cls: type, loc: tuple[Any, ...]) -> str:
    """The first sentence that documents a field, also for an item of its list; for a whole class, its keys."""
    while loc and not isinstance(loc[-1], str):
        loc = loc[:-1]
    owner = _class_at(cls, loc[:-1])
    text = described(owner, str(loc[-1])) if owner and loc else ""
    keys = ", ".join(f.name for f in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else ""
    return f"expected: {re.split(r'[.;] ', ' '.join(text.split()))[0].rstrip('.') if text else f'{{{keys}}}'}"


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


def between(least: int, most: int, message: str) -> AfterValidator:
    """The check of a number, both ends among what is taken; as `matching`."""
    checked = check(lambda v: least <= v <= most, message)
    vars(checked)["limits"] = (least, most)
    return AfterValidator(checked)


def never(why: str) -> BeforeValidator:
    """The check of a key that somebody will look for, and that can't be: `why` says so, and what to write instead."""
    return BeforeValidator(check(lambda v: v is None, why))
