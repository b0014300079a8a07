"""Of ministack: KMS."""

from collections.abc import Callable
from typing import Any

from ministack.services import kms as service

from .parts import Record, Store

keys: Store[Record] = service._keys
aliases: Store[Any] = service._aliases
key_of: Callable[[str], Record | None] = service._resolve_key
"""An id, an ARN or an alias."""
