"""Whose request it is, and answers in the services' forms."""

from ministack.core import responses as service
from ministack.core.concurrency import run_offloop
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    new_uuid,
    request_scope,
)
from ministack.core.router import SERVICE_PATTERNS, extract_access_key_id

__all__ = [
    "SERVICE_PATTERNS",
    "AccountRegionScopedDict",
    "error_response_json",
    "extract_access_key_id",
    "get_account_id",
    "get_region",
    "json_response",
    "new_uuid",
    "request_scope",
    "run_offloop",
]
botocore_names: dict[str, str] = service._BOTOCORE_NAME
"""By ministack's name of a service."""
