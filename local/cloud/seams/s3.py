"""Of ministack: S3."""

from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any

from ministack.services import s3 as service

from .parts import Answer, Record, Replaceable, Store

default_encryption_headers: Callable[[str], dict[str, str]] = service._bucket_default_sse_headers
"""Of a bucket."""
bucket_encryption: Store[Any] = service._bucket_encryption
bucket_owner: Callable[[str], str | None] = service._bucket_owner_account
bucket_replication: Store[Any] = service._bucket_replication
bucket_versioning: Store[str] = service._bucket_versioning
buckets: Store[Record] = service._buckets
event_to_lambda: Replaceable[Callable[[str, Record, str], None]] = Replaceable(
    service, "_deliver_event_to_lambda"
)
"""Function, payload, region."""
error: Callable[..., Answer] = service._error
"""Code, message, status, resource."""
fire_event: Callable[..., None] = service._fire_s3_event_async
"""Bucket, key, event and more by name."""
foreign_bucket_allows: Replaceable[Callable[..., bool]] = Replaceable(service, "_foreign_bucket_allows")
"""Owner, bucket, key, method, query, caller, headers."""
invalid_notification: Callable[[str], Answer] = service._invalid_notification_config
replicate: Replaceable[Callable[..., None]] = Replaceable(service, "_maybe_replicate")
"""Bucket, key, object, data, tags."""
replicate_delete_marker: Replaceable[Callable[[str, str], None]] = Replaceable(
    service, "_maybe_replicate_delete_marker"
)
"""Bucket, key."""
object_tags: Store[dict[str, str]] = service._object_tags
object_versions: Store[list[Record]] = service._object_versions
bucket_and_key: Callable[[str, Record], tuple[str, str]] = service._parse_bucket_key
"""Path, headers."""
read_body: Callable[[str, str, Record], bytes] = service._read_body
"""Bucket, key, object."""
record_delete_marker: Callable[[str, str, Record | None], str] = service._record_delete_marker
"""Bucket, key, the object before."""
record_version: Callable[[str, str, Record | None, Record, bytes | None], str | None] = (
    service._record_object_version
)
"""Bucket, key, the object before and now, its data."""
replication_prefix: Callable[[Any], str] = service._replication_rule_prefix
replication_tags: Callable[[Any], dict[str, str]] = service._replication_rule_tags
validate_notifications: Replaceable[Callable[..., Answer | None]] = Replaceable(
    service, "_validate_notification_configs"
)
"""Configurations, region, bucket, whether without the destinations."""
mappings_wake: Event = service.esm_wake
"""Set when a mapping has something to read."""
handle_request: Replaceable[Callable[..., Awaitable[Answer]]] = Replaceable(service, "handle_request")
"""Method, path, headers, body, query."""
put_object: Callable[[str, str, bytes, Record], Answer] = service._put_object
"""Bucket, key, data, headers."""
