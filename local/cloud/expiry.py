"""What runs out is searched for as rarely as can be: ministack goes through all of it with each request.

A stream's records stand in the order of their arrival, so the first tells whether any is too old. An iterator and a
session are judged by their age when they are used, so those that are too old may lie there for a while.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from .seams import kinesis, sts
from .seams.parts import Record, Replaceable

EVERY = 60.0  # seconds


def records(stream: Record) -> None:
    """Drops the records of a Kinesis stream that are older than its retention period."""
    cutoff = time.time() - stream["RetentionPeriodHours"] * 3600
    for shard in stream["shards"].values():
        of_shard = shard["records"]
        if of_shard and of_shard[0]["ApproximateArrivalTimestamp"] < cutoff:
            shard["records"] = [
                record for record in of_shard if record["ApproximateArrivalTimestamp"] >= cutoff
            ]


def seldom(search: Callable[[], None]) -> Callable[[], None]:
    """The search, at its first call and then once in `EVERY` seconds."""
    due = 0.0

    @functools.wraps(search)
    def called() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + EVERY
            search()

    return called


def install() -> None:
    """Puts `records` in the place of Kinesis' own search, and has iterators and sessions searched through seldom."""
    kinesis.expire_records.replace(records)
    searches: tuple[Replaceable[Callable[[], None]], ...] = (kinesis.expire_iterators, sts.expire_sessions)
    for part in searches:
        part.replace(seldom(part.current))
