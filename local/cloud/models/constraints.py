"""A shape of a service's model as a function that lists what in a value is beyond it: types, required members, `min`,
`max`, `pattern` and `enum`. Each shape is compiled once, when it is first met.

botocore's own `validate.py` checks types, required members and `min` only. The traits:
https://smithy.io/2.0/spec/constraint-traits.html. The wording is the services' own, as in `ValidationException: 1
validation error detected: Value 'x' at 'roleName' failed to satisfy constraint: …`.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable
from typing import Any

from local.plain import is_list, is_object

from . import patterns

Checks = Callable[[Any, str, list[str]], None]
INTEGERS = {"integer": 2**31, "long": 2**63, "short": 2**15, "byte": 2**7, "bigInteger": math.inf}
FLOATS = ("float", "double", "bigDecimal")
NO_NUMBERS = ("NaN", "Infinity", "-Infinity")


class Unreadable(Exception):
    """A request that can't be read as the operation's input: another type, a body that is no JSON."""


def key(name: str, member: Any) -> str:
    """Under which name a request's value holds a member."""
    located = member.serialization.get("location")
    return name if located else member.serialization.get("name", name)


def lower_first(name: str) -> str:
    """A member's name as the services' messages have it, with a small first letter."""
    return name[:1].lower() + name[1:]


class Compiler:
    """The checks of one service. `skip(shape or (structure, member), trait)` is true for a constraint to leave out,
    because botocore's model is wrong there."""

    def __init__(self, skip: Callable[[str, str], bool]):
        self.skip = skip
        self.compiled: dict[str, Checks] = {}

    def of(self, shape: Any) -> Checks:
        """The shape's checks: a function of (value, path, errors) that adds a sentence to `errors` for whatever is
        beyond the shape, and raises Unreadable for a value of another type."""
        # A member's shape is an object of its own: the same name, traits and limits, and where it stands in a request.
        if (checks_of_shape := self.compiled.get(shape.name)) is None:
            waiting: list[Checks] = []

            def later(*arguments: Any) -> None:  # a shape in itself: its checks are not made yet
                waiting[0](*arguments)

            self.compiled[shape.name] = later
            checks_of_shape = getattr(self, "_" + shape.type_name, self._scalar)(shape)
            waiting.append(checks_of_shape)
            self.compiled[shape.name] = checks_of_shape
        return checks_of_shape

    def limits(self, shape: Any, what: str) -> Callable[[float, Any, str, list[str]], None]:
        """The check of a size by the shape's `min` and `max`; the message calls it `what`, `length` or `value`."""
        least = None if self.skip(shape.name, "min") else shape.metadata.get("min")
        most = None if self.skip(shape.name, "max") else shape.metadata.get("max")

        def check(size: float, value: Any, path: str, errors: list[str]) -> None:
            if least is not None and size < least:
                fail(value, path, f"Member must have {what} greater than or equal to {least}", errors)
            if most is not None and size > most:
                fail(value, path, f"Member must have {what} less than or equal to {most}", errors)

        return check

    def _structure(self, shape: Any) -> Checks:
        if getattr(shape, "is_document_type", False):
            return lambda value, path, errors: None
        # An idempotency token is filled in by whatever SDK makes the call, that of Step Functions too.
        required = {
            name
            for name in shape.required_members
            if not shape.members[name].metadata.get("idempotencyToken")
            and not self.skip(f"{shape.name}.{name}", "required")
        }
        members = [
            (key(name, member), "." + lower_first(name), name in required, self.of(member))
            for name, member in shape.members.items()
            if not member.serialization.get("eventpayload") and not member.serialization.get("eventstream")
        ]
        compiled = {wire: (path, checks) for wire, path, _, checks in members}
        needed = [(wire, path) for wire, path, must, _ in members if must]

        def check(value: Any, path: str, errors: list[str]) -> None:
            if not is_object(value):
                raise Unreadable(f"{path.strip('.') or 'the request'}: a structure is expected")
            for wire, inner in needed:
                if value.get(wire) is None:
                    fail(None, path + inner, "Member must not be null", errors)
            for wire, member_value in value.items():
                if member_value is not None and wire in compiled:
                    inner, checks = compiled[wire]
                    checks(member_value, path + inner, errors)

        return check

    def _list(self, shape: Any) -> Checks:
        limits, members = self.limits(shape, "length"), self.of(shape.member)

        def check(value: Any, path: str, errors: list[str]) -> None:
            if not is_list(value):
                raise Unreadable(f"{path.strip('.')}: a list is expected")
            limits(len(value), value, path, errors)
            for number, item in enumerate(value, 1):
                if item is not None:
                    members(item, f"{path}.{number}.member", errors)

        return check

    def _map(self, shape: Any) -> Checks:
        limits, keys, values = self.limits(shape, "length"), self.of(shape.key), self.of(shape.value)

        def check(value: Any, path: str, errors: list[str]) -> None:
            if not is_object(value):
                raise Unreadable(f"{path.strip('.')}: a map is expected")
            limits(len(value), value, path, errors)
            for name, item in value.items():
                keys(name, path, errors)
                if item is not None:
                    values(item, f"{path}.{name}.member", errors)

        return check

    def _string(self, shape: Any) -> Checks:
        limits, hidden = self.limits(shape, "length"), bool(shape.metadata.get("sensitive"))
        enum = None if self.skip(shape.name, "enum") else shape.metadata.get("enum")
        pattern = None if self.skip(shape.name, "pattern") else shape.metadata.get("pattern")
        allowed = {*enum} if enum else None

        def check(value: Any, path: str, errors: list[str]) -> None:
            if not isinstance(value, str):
                raise Unreadable(f"{path.strip('.')}: a string is expected, not {type(value).__name__}")
            shown = ... if hidden else value
            limits(len(value), shown, path, errors)
            if pattern and not patterns.satisfies(pattern, value):
                fail(shown, path, f"Member must satisfy regular expression pattern: {pattern}", errors)
            if enum and allowed and value not in allowed:
                fail(shown, path, f"Member must satisfy enum value set: [{', '.join(enum)}]", errors)

        return check

    def _blob(self, shape: Any) -> Checks:
        limits = self.limits(shape, "length")

        def check(value: Any, path: str, errors: list[str]) -> None:
            if isinstance(value, str):
                try:
                    value = base64.b64decode(value)
                except (binascii.Error, ValueError):
                    raise Unreadable(f"{path.strip('.')}: base64 is expected") from None
            elif not isinstance(value, bytes):
                raise Unreadable(f"{path.strip('.')}: a blob is expected")
            limits(len(value), ..., path, errors)

        return check

    def _boolean(self, shape: Any) -> Checks:
        def check(value: Any, path: str, errors: list[str]) -> None:
            if not isinstance(value, bool):
                raise Unreadable(f"{path.strip('.')}: true or false is expected, not {value!r}")

        return check

    def _scalar(self, shape: Any) -> Checks:
        if shape.type_name == "timestamp":  # a number or text, by protocol and place
            return lambda value, path, errors: None
        limits, size = self.limits(shape, "value"), INTEGERS.get(shape.type_name)
        whole = shape.type_name not in FLOATS

        def check(value: Any, path: str, errors: list[str]) -> None:
            if not whole and value in NO_NUMBERS:
                return
            if isinstance(value, bool) or not isinstance(value, int | float) or (whole and value % 1):
                raise Unreadable(f"{path.strip('.')}: a {shape.type_name} is expected, not {value!r}")
            if size and not -size <= value < size:
                raise Unreadable(f"{path.strip('.')}: {value} is no {shape.type_name}")
            limits(value, value, path, errors)

        return check


def fail(value: Any, path: str, constraint: str, errors: list[str]) -> None:
    """`...` for a value that is not shown."""
    shown = "" if value is ... else " null" if value is None else f" '{value}'"
    errors.append(f"Value{shown} at '{path.strip('.')}' failed to satisfy constraint: {constraint}")


def message(errors: list[str]) -> str:
    """The services' words for all the errors of a request: how many they are, then each."""
    many = "s" if len(errors) > 1 else ""
    return f"{len(errors)} validation error{many} detected: {'; '.join(errors)}"
