"""A Kinesis record on its way through Firehose."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from local.plain import is_object


@dataclass
class Record:
    """A record as Kinesis gave it, and what became of it so far."""

    data: bytes
    arrived: int  # milliseconds
    attempts: int = 0
    error: tuple[str, str] = ("", "")  # code, message


def chunks(records: list[Record], most: float) -> Iterator[list[Record]]:
    """The records in groups of at most `most` bytes, each of a record at least."""
    batch, size = list[Record](), 0
    for record in records:
        if batch and size + len(record.data) > most:
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record.data)
    if batch:
        yield batch


def one_line(data: bytes) -> bytes | None:
    """The document on one line, as a bulk body wants it; nothing where it is no JSON object."""
    try:
        document = json.loads(data)
    except ValueError:
        return None
    return json.dumps(document).encode() if is_object(document) else None
