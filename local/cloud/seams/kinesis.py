"""Of ministack: Kinesis."""

from collections.abc import Callable

from ministack.services import kinesis as service

from .parts import Record, Replaceable, Store

consumer_of_arn: Callable[[str], Record | None] = service._consumer_from_arn
next_sequence_number: Replaceable[Callable[[], str]] = Replaceable(service, "_next_sequence_number")
stream_of_arn: Callable[[str], Record | None] = service._resolve_stream_by_arn
streams: Store[Record] = service._streams
