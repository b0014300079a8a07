"""Of ministack: DynamoDB."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ministack.services import dynamodb as service

from .parts import Record, RegionalStore, Replaceable, Store

change_record: Replaceable[Callable[..., Record]] = Replaceable(service, "_build_change_record")
stream_event: Replaceable[Callable[..., None]] = Replaceable(service, "_emit_stream_event")
"""Table, event, old and new item, whether replicas get it."""
exports: Store[Record] = service._exports
lock: AbstractContextManager[Any] = service._lock
table_name: Callable[[str], str] = service._normalize_table_name
"""Of a name or an ARN."""
recovery_settings: Store[Record] = service._pitr_settings
remove_item: Replaceable[Callable[[Record, str, str], Record | None]] = Replaceable(service, "_remove_item")
"""Table, partition, sort."""
tables: Store[Record] = service._tables
ttl_settings: RegionalStore[Record] = service._ttl_settings


def exports_end_by_themselves(ends: bool) -> None:
    """Whether ministack says of an export that it is complete, after a while."""
    service._EXPORT_COMPLETE_AFTER_SEC = 1.0 if ends else float("inf")
