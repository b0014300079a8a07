"""Of ministack: the table of IAM's actions."""

from collections.abc import Callable

from ministack.core import iam_actions as service

from .parts import Answer, Record, Replaceable

namespaces: dict[str, str] = service.SERVICE_TO_IAM_NAMESPACE
"""By service."""
botocore_names: dict[str, list[str]] = service._BOTOCORE_SERVICE_MAP
"""By service."""
rest_action: Callable[[str, str, str, Record], str | None] = service._match_rest_action
"""Service, method, path, query."""
query_parameter: Callable[[Record, str], str] = service._query_param
access_denied_response: Callable[..., Answer] = service.access_denied_response
action_of: Replaceable[Callable[..., str | None]] = Replaceable(service, "extract_iam_action")
"""Service, method, path, headers, body, query."""
resource_of: Replaceable[Callable[..., str]] = Replaceable(service, "extract_resource_arn")
"""Service, method, path, headers, body, query, region, account."""
request_context: Replaceable[Callable[[str, str, bytes, Record], Record]] = Replaceable(
    service, "request_tag_context"
)
"""Service, action, body, query."""
