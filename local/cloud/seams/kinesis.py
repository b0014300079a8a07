"""Of ministack: Kinesis."""

from collections.abc import Callable

from ministack.services import kinesis as service

from .parts import Record, Replaceable, Store

consumer_of_arn: Callable[[str], Record | None] = service._consumer_from_arn
expire_iterators: Replaceable[Callable[[], None]] = Replaceable(service, "_expire_iterators")
expire_records: Replaceable[Callable[[Record], None]] = Replaceable(service, "_expire_records")
next_sequence_number: Replaceable[Callable[[], str]] = Replaceable(service, "_next_sequence_number")
stream_of_arn: Callable[[str], Record | None] = service._resolve_stream_by_arn
streams: Store[Record] = service._streams
