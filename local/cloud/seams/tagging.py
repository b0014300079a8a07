"""Of ministack: the tagging API."""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import tagging as service

collectors: dict[str, Any] = service._RESOURCE_TAG_COLLECTORS
"""By service."""
resource_tags: Callable[[str], Mapping[str, str] | None] = service.resource_tags
"""Of an ARN."""
