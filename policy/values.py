"""Values that a rule reads: what isn't known yet, lists, and the leaves of nested ones."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")
Props = Mapping[str, Any]


class NotKnownYet(Exception):
    """A rule needs a value that is known only after the update."""


def _waits(*_: Any) -> Any:
    raise NotKnownYet


class _Unknown:
    """Whoever needs its value (a truth, a comparison, a key, its text) gets NotKnownYet; `is UNKNOWN` needs none."""

    __bool__: Any = _waits
    __eq__ = __ne__ = __str__ = __iter__ = __contains__ = __getitem__ = __bool__
    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name) if name.startswith("__") else NotKnownYet

    def __repr__(self) -> str:
        return "(known after the update)"


UNKNOWN: Any = _Unknown()


def until_unknown(findings: Iterable[T]) -> Iterator[T]:
    """What a rule finds before it comes to a value that it has to wait for."""
    with contextlib.suppress(NotKnownYet):
        yield from findings


def some(items: Iterable[T], test: Callable[[T], object]) -> bool:
    """Whether one of the items passes. Where none does, and one can't be judged yet, that is not known yet."""
    waits = False
    for item in items:
        try:
            if test(item):
                return True
        except NotKnownYet:
            waits = True
    if waits:
        raise NotKnownYet
    return False


# Its own, as components/, delivery/ and local/ have theirs: the pack runs without them, on other programs too.
def is_mapping(value: Any) -> TypeGuard[Props]:
    """Whether a value is known and a mapping; its keys are text, as those of properties and documents are."""
    return isinstance(value, Mapping)


def is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    """Whether a value is known and a list or a tuple."""
    return isinstance(value, list | tuple)


def within(props: Props, key: str) -> Props:
    """A property that is a mapping; an empty one where it is not given. Raises NotKnownYet."""
    return props.get(key) or {}


def absent(value: Any) -> bool:
    """Whether a property is surely not given, or off."""
    return value is not UNKNOWN and not value


def listed(value: Any) -> list[Any]:
    """A list, or what stands alone as one of one item. Raises NotKnownYet."""
    if value is None:
        return []
    if value is UNKNOWN:
        raise NotKnownYet
    return list(value) if is_list(value) else [value]


def known(value: Any) -> list[Any]:
    """What of a list is known: enough for a rule that one bad item breaks."""
    return [] if value is UNKNOWN else [item for item in listed(value) if item is not UNKNOWN]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What is known at any depth, each with its path like `a.b[0]`."""
    if is_mapping(value):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    elif is_list(value):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
    elif value is not None and value is not UNKNOWN:
        yield path, value
