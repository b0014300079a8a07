"""Of ministack: DynamoDB Streams."""

from collections.abc import Callable

from ministack.services import dynamodb_streams as service

from .parts import Record

decode_iterator: Callable[[str], Record | None] = service._decode_iterator
