"""Of ministack: the evaluator of policies."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_evaluator as service

from .parts import Replaceable

AuthError = service.AuthError
EvalContext = service.EvalContext
PrincipalInfo = service.PrincipalInfo
role_policies: Callable[[str, str], list[Any]] = service._gather_role_policies
"""Role, account."""
is_root_key: Replaceable[Callable[[str], bool]] = Replaceable(service, "_is_root_key")
names_condition_key: Callable[[list[Any], str], bool] = service._names_condition_key
"""Policies, the key's beginning."""
permissions_boundary: Callable[[Any, str, str], list[Any]] = service._permissions_boundary
"""Store, name, account."""
caller_arn: ContextVar[str] = service._request_caller_arn
condition_key: Replaceable[Callable[[str, Any], Any]] = Replaceable(service, "_resolve_condition_key")
"""Key, context."""
resource_policy: Replaceable[Callable[[str, str], tuple[Any, ...] | None]] = Replaceable(
    service, "_resource_policy"
)
"""Service, ARN."""
combine_resource_policy: Callable[..., Any] = service.combine_resource_policy
enforce: Callable[..., Any] = service.enforce
evaluate: Callable[..., Any] = service.evaluate
evaluate_resource_policy: Callable[..., Any] = service.evaluate_resource_policy
parse_policy_document: Callable[[Any], list[Any]] = service.parse_policy_document
pin_request_origin: Callable[[Any, bool], None] = service.pin_request_origin
"""Address, whether over TLS."""
pin_signed_request: Replaceable[Callable[..., Any]] = Replaceable(service, "pin_signed_request")
resolve_caller_identity: Replaceable[Callable[..., Any]] = Replaceable(service, "resolve_caller_identity")
resolve_principal: Replaceable[Callable[..., Any]] = Replaceable(service, "resolve_principal")
"""Access key id, account, credential."""


def always_allow(action: str) -> None:
    """Whoever calls, no policy is needed for the action."""
    service._ALWAYS_ALLOWED_ACTIONS |= {action}  # pyright: ignore[reportPrivateUsage] - this is the seam


def origin_is(address: str, over_tls: bool) -> None:
    """What a request's origin is until one is pinned."""
    service._request_origin = ContextVar("request_origin", default=(address, over_tls))  # pyright: ignore[reportPrivateUsage] - this is the seam
