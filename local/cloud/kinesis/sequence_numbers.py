"""A stream's sequence numbers in the form that Kinesis gives and takes: digits, the first of them none of zero.

ministack's begin with zeros, and a reader that goes on after one would be refused by the service:
docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html, StartingSequenceNumber. All have one length,
so that they are in order as text, as ministack compares them.
"""

from __future__ import annotations

from ..seams import kinesis

FIRST = "49"  # as those in the service's examples
stock = kinesis.next_sequence_number.current


def following() -> str:
    """A sequence number of a new record: ministack's next, after `FIRST`, which has no zero."""
    return FIRST + stock()


def install() -> None:
    """Has ministack number Kinesis' records by `following`."""
    kinesis.next_sequence_number.replace(following)
