"""Of ministack: OpenSearch Serverless."""

from collections.abc import Callable
from typing import Any

from ministack.services import opensearchserverless as service

from .parts import Answer, Record, Replaceable, Store

handlers: dict[str, Callable[[Record], Answer]] = service._HANDLERS
Invalid = service._Invalid
access_policies: Store[Record] = service._access_policies
error: Callable[[int, str, str], Answer] = service._aoss_error
"""Status, reason, type."""
collection_endpoint: Replaceable[Callable[[str], str]] = Replaceable(service, "_collection_endpoint")
collections: Store[Record] = service._collections
create_collection: Callable[[Record], Answer] = service._create_collection
delete_collection: Callable[[Record], Answer] = service._delete_collection
collection_of_name: Callable[[str], Record | None] = service._find_by_name
collection_anywhere: Callable[[str], Record | None] = service._find_collection_anywhere
"""By its id, in any account."""
merge_tags: Callable[[list[Record], list[Record]], list[Record]] = service._merge_tags
now_in_milliseconds: Callable[[], int] = service._now_ms
operation_supported: Callable[[str, str, str], bool] = service._operation_supported
"""Method, path, the collection's type."""
parse_policy_document: Callable[[Any], Any] = service._parse_policy_document
policy_detail: Callable[..., Record] = service._policy_detail
"""A policy, and whether with its document."""
provision: Replaceable[Callable[[Record], None]] = Replaceable(service, "_provision")
proxy: Replaceable[Callable[[str, str, str, Record, bytes], Answer]] = Replaceable(service, "_proxy")
"""Host:port, method, path, headers, body."""
put_policy: Callable[..., Record] = service._put_policy
"""Store, kind, request, check."""
security_policies: Store[Record] = service._security_policies
signed_for_aoss: Callable[[Record, Record], bool] = service._signed_for_aoss
"""Headers, query."""
tags: Store[list[Record]] = service._tags
update_policy: Callable[..., Record] = service._update_policy
"""Store, kind, request, check."""
validate_name: Callable[[Any, str, int], None] = service._validate_name
"""Name, member, most."""
validate_rules: Replaceable[Callable[[Any, tuple[str, ...], bool], None]] = Replaceable(
    service, "_validate_rules"
)
"""Rules, types, whether with permissions."""


def add_member(name: str) -> None:
    """A member that ministack does not know is shown of a collection, and as it is created."""
    service._DETAIL_FIELDS = (*service._DETAIL_FIELDS, name)
    service._CREATE_FIELDS = (*service._CREATE_FIELDS, name)
