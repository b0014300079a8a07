"""Parts of what is JSON: what is not there is empty."""

from collections.abc import Mapping
from typing import Any


def part(of: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The mapping under a key, under a key of that, and so on."""
    for key in keys:
        value: Any = of.get(key)
        of = value or dict[str, Any]()
    return of


def listed(of: Mapping[str, Any], key: str) -> list[Any]:
    """The list under a key."""
    value: Any = of.get(key)
    return value or list[Any]()
