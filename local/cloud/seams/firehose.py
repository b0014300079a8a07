"""Of ministack: Firehose."""

from collections.abc import Callable

from ministack.services import firehose as service

from .parts import Answer, Record, Replaceable, Store

handlers: dict[str, Callable[[Record], Answer]] = service._HANDLERS
create_delivery_stream: Callable[[Record], Answer] = service._create_delivery_stream
destination_description: Replaceable[Callable[[Record], Record]] = Replaceable(service, "_dest_description")
evaluate_prefix: Callable[..., str] = service._evaluate_prefix
"""Template, time, error_type."""
stream_arn: Callable[[str], str] = service._stream_arn
streams: Store[Record] = service._streams
