"""Of ministack: SNS."""

from collections.abc import Callable

from ministack.services import sns as service

from .parts import Record, Replaceable

topic_of_arn: Callable[[str], Record | None] = service._topic_by_arn_any_scope
"""In any account."""
topic_policy_allows: Replaceable[Callable[..., bool]] = Replaceable(service, "topic_policy_allows")
