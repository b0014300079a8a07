"""What a value of JSON, or another that has no type yet, is seen to be."""

from __future__ import annotations

from typing import Any, Protocol, TypeGuard

KEY_ID = "tributary:key-id"
"""The tag with which the embedded cloud makes a KMS key under an id that a config names (cloud/kms_key_ids.py)."""


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is a dict; its keys are text, as JSON's are."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether it is a list, of anything."""
    return isinstance(value, list)


class Keyed(Protocol):
    """What has values by key, as a mapping has."""

    def get(self, key: Any, /) -> Any:
        """The value of a key, None where there is none."""
        ...


def within(of: Keyed, key: Any) -> dict[str, Any]:
    """The object that a key has; an empty one where the key is not there, or null."""
    return of.get(key) or {}
