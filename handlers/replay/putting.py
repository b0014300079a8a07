"""The way of lines onto a stream: in batches, what is refused again, each line marked as soon as it is taken.

Limits of PutRecords: 500 records and 5 MB a call, keys counted
(https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html).
"""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from failed import Line

MOST_AT_ONCE, MOST_BYTES, KEY_BYTES = 500, 5_000_000, 16
TRIES, FIRST_WAIT, LONGEST_WAIT = 8, 0.1, 5.0  # seconds


class Refused(Exception):
    """The stream refused records to the end."""


def put_all(kinesis: Any, stream: str, lines: Iterable[Line], sleep: Callable[[float], None]) -> None:
    """Marks each line that the stream took. Raises Refused, or what the client raises; the marks hold all the same."""
    for batch in batches(lines):
        left = batch
        answers: list[dict[str, Any]] = []
        for tries in range(TRIES):
            if tries:
                sleep(random.uniform(0.5, 1) * min(LONGEST_WAIT, FIRST_WAIT * 2**tries))
            records = [{"Data": line.data, "PartitionKey": f"{random.getrandbits(64):016x}"} for line in left]
            answers = kinesis.put_records(StreamName=stream, Records=records)["Records"]
            for line, answer in zip(left, answers, strict=True):
                line.sent = not answer.get("ErrorCode")
            answers = [answer for answer in answers if answer.get("ErrorCode")]
            left = [line for line in left if not line.sent]
            if not left:
                break
        if left:
            refusal = f"{answers[0]['ErrorCode']}: {answers[0].get('ErrorMessage')}"
            raise Refused(
                f"{stream} refused {len(left)} records in {TRIES} tries; the last answer: {refusal}"
            )


def batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines in parts that PutRecords takes."""
    batch: list[Line] = []
    size = 0
    for line in lines:
        weight = len(line.data or b"") + KEY_BYTES
        if batch and (len(batch) == MOST_AT_ONCE or size + weight > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += weight
    if batch:
        yield batch
