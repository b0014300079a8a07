"""Values that came from a file or over the wire, as the type checker understands them."""

from collections.abc import Mapping
from typing import Any, TypeGuard


def is_mapping(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether it is a mapping; its keys are text, as YAML's and JSON's are."""
    return isinstance(value, Mapping)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether it is a list."""
    return isinstance(value, list)


def mapping(value: Any) -> Mapping[str, Any]:
    """The mapping that it is; an empty one where it is nothing or something else."""
    return value if is_mapping(value) else {}
