"""Types for what tests use of libraries that leave them out, and for lambdas that stand for a function."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

import pyarrow
import pyarrow.parquet
import pytest
import yaml

# The stubs of these leave half of them unknown.
pa: Any = pyarrow
pq: Any = pyarrow.parquet
_yaml: Any = yaml


class _ByName(Protocol):
    def __call__(self, /, **named: Any) -> Any: ...


_Function = (
    Callable[[], Any]
    | Callable[[Any], Any]
    | Callable[[Any, Any], Any]
    | Callable[[Any, Any, Any], Any]
    | Callable[[Any, Any, Any, Any], Any]
    | _ByName
)


def fake(function: _Function) -> Callable[..., Any]:
    """The lambda itself: of parameters that have no type elsewhere, as what it stands for is untyped or a fake too."""
    return function


def ignoring(function: Callable[[], Any]) -> Callable[..., Any]:
    """The function, which may be called with any arguments."""

    def called(*_: Any, **__: Any) -> Any:
        return function()

    return called


def as_yaml(content: object, **options: Any) -> str:
    """The content as YAML, as `yaml.safe_dump` writes it with the options."""
    return _yaml.safe_dump(content, **options)


def import_from(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Puts a folder, as a bundle's root, first where modules are looked for, until the test's end."""
    monkeypatch.syspath_prepend(str(folder))  # pyright: ignore[reportUnknownMemberType] - as in pytest


def listed(value: Any) -> list[Any]:
    """A list's or tuple's members, or the value alone: a policy writes one member without its list."""
    return list(cast("list[Any] | tuple[Any, ...]", value)) if isinstance(value, list | tuple) else [value]
