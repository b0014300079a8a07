"""The errors of a config as sentences: the path, what was found, what was expected, what to write."""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterable
from typing import Annotated, Any

import pulumi

from components.arguments.declare import FilledIn, Misfits, declared_fields
from components.arguments.plain import is_mapping

# The most characters of a value that an error repeats.
SHOWN = 60


class Refused(pulumi.RunError):
    """A config that can't be deployed; `errors` holds every reason found, one sentence a reason."""

    def __init__(self, errors: Iterable[str]):
        self.errors = tuple(errors)
        count = "1 error" if len(self.errors) == 1 else f"{len(self.errors)} errors"
        super().__init__(f"the config has {count}:\n" + "\n".join(f"  {error}" for error in self.errors))


def sentences(cls: type, path: str, error: Any) -> list[str]:
    """What a user reads of one error of pydantic's."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Misfits):
        return [placed(join(path, *steps(error["loc"])), misfit) for misfit in cause.errors]
    return [_sentence(cls, path, error)]


def placed(where: str, misfit: str) -> str:
    """A check's sentence with its place: `where`, and the field that the sentence begins with."""
    if not where:
        return misfit
    return f"{where}.{misfit}" if re.match(r"\w[\w.\[\]-]*: ", misfit) else f"{where}: {misfit}"


def _sentence(cls: type, path: str, error: Any) -> str:
    kind, value, where = error["type"], error["input"], join(path, *steps(error["loc"]))
    if kind == "unexpected_keyword_argument":
        owner = class_at(cls, error["loc"][:-1])
        known = [f.name for f in dataclasses.fields(owner)] if owner else []
        return f"{where}: no such key; {nearest(str(error['loc'][-1]), known)}"
    if kind == "missing":
        return f"{where}: missing; {_expected(cls, error['loc'])}"
    if kind == "value_error":
        return f"{where}: {error['ctx']['error']}"
    if kind == "string_type" and isinstance(value, int | float):
        return f"{where}: {_in_quotes(value)}"
    if kind == "literal_error":
        choices = error["ctx"]["expected"]
        near = difflib.get_close_matches(str(value), _words(choices), n=1) if isinstance(value, str) else []
        return f"{where}: {value!r} is not one of {choices}" + (
            f"; did you mean '{near[0]}'?" if near else ""
        )
    if kind in ("dataclass_type", "dict_type", "list_type"):
        shape = "a list" if kind == "list_type" else "a mapping of keys"
        return f"{where}: {_shown(value)} is not {shape}; {_expected(cls, error['loc'])}"
    wrong = re.sub("^(Input|String|List|Dictionary) ", "", error["msg"])
    return f"{where}: {_shown(value)} {wrong}; {_expected(cls, error['loc'])}"


def _shown(value: Any) -> str:
    """A value as a sentence shows it: of a long list or mapping, or a long text, the beginning."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN].rpartition(' ')[0] or text[:SHOWN]} …"


def _in_quotes(value: int | float) -> str:
    """What YAML 1.1 makes of text without quotes: `no` is a truth, 1.10 loses its last digit, 0123 is octal."""
    if isinstance(value, bool | float):
        return f"YAML has read {value}, text is expected; write it in quotes, as it stands in the file"
    octal = f', or "0{value:o}" if it began with 0' if 7 < value < 8**11 else ""
    return f'{value} is a number, text is expected; write it in quotes: "{value}"{octal}'


def _words(choices: str) -> list[str]:
    return [word.strip(" '") for word in choices.replace(" or ", ",").split(",")]


def steps(loc: tuple[Any, ...]) -> list[Any]:
    """Pydantic's location without the marks it adds for keys of a mapping and branches of a union."""
    return [
        step for step in loc if step != "[key]" and not str(step).startswith(("function-", "constrained-"))
    ]


def value_at(value: Any, steps: Iterable[Any]) -> Any:
    """What stands at a place of nested mappings and lists; None where there is none."""
    for step in steps:
        value = value.get(step) if is_mapping(value) else value[step] if isinstance(step, int) else None
    return value


def class_at(cls: type, loc: tuple[Any, ...]) -> type | None:
    """The class of arguments at a place of `cls`; None where there is none."""
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
    owner = class_at(cls, loc[:-1])
    text = described(owner, str(loc[-1])) if owner and loc else ""
    keys = ", ".join(f.name for f in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else ""
    return f"expected: {re.split(r'[.;] ', ' '.join(text.split()))[0].rstrip('.') if text else f'{{{keys}}}'}"


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
    """The docstring of a field, also of one that a base class declares, and the note of its mark (`FilledIn`); empty
    where there is none."""
    for base in cls.__mro__:
        info = declared_fields(base).get(field)
        if info and info.description:
            notes = [mark.note for mark in info.metadata if isinstance(mark, FilledIn)]
            return "; ".join([info.description.rstrip("."), *notes]) + "." if notes else info.description
    return ""
