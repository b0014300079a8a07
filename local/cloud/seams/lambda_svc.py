"""Of ministack: Lambda."""

from collections.abc import Callable, Iterable
from typing import Any

from ministack.services import lambda_svc as service

from .parts import Record, Replaceable, Store

mapping_arn: Callable[[str], str] = service._esm_arn
mappings: Store[Record] = service._esms
execution_record: Callable[[Record, Record], Record] = service._execution_record_for_config
functions: Store[Record] = service._functions
function_of_qualifier: Callable[[str, str | None], tuple[Record | None, Record | None]] = (
    service._get_func_record_for_qualifier
)
function_of_reference: Callable[[str], tuple[Record | None, Record | None, str]] = (
    service._get_func_record_for_ref
)
all_mappings: Replaceable[Callable[[], Iterable[tuple[str, str, Record]]]] = Replaceable(
    service, "_iter_all_esms"
)
"""Account, region, mapping."""
async_failure: Replaceable[Callable[[str, str, Record, Record], None]] = Replaceable(
    service, "_route_async_failure"
)
"""Target, function, event, result."""
execution_credentials: Replaceable[Callable[[Record], dict[str, str]]] = Replaceable(
    service, "execution_credentials"
)
invoke_async_with_retry: Callable[..., Any] = service.invoke_async_with_retry
