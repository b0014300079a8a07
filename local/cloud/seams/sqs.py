"""Of ministack: SQS."""

from collections.abc import Callable
from typing import Any

from ministack.services import sqs as service

from .parts import Record, Replaceable

handlers: dict[str, Callable[..., Any]] = service._HANDLERS
queue_attributes: Callable[[Record, str], Record] = service._act_get_queue_attributes
"""Request, URL."""
complete_message: Callable[[Record], None] = service._ensure_msg_fields
queue_of_arn: Callable[[str], Record | None] = service._queue_by_arn
queue_delay: Callable[..., Any] = service.queue_delay
queue_policy_allows: Replaceable[Callable[..., bool]] = Replaceable(service, "queue_policy_allows")
