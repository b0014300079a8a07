"""What runs out is taken away as rarely as can be: ministack goes through all of it with each request.

A stream's records stand in the order of their arrival, and its iterators in that of their making, so the first that is
still good ends the search. STS judges a session's end by itself, each time that one is used.
An iterator's five minutes: docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html.
"""

from __future__ import annotations

import time

from ministack.services import kinesis, sts

SESSIONS_EVERY = 60.0  # seconds
_last = [0.0]
stock_sessions = sts._evict_expired_sessions


def records(stream: dict) -> None:
    cutoff = time.time() - stream["RetentionPeriodHours"] * 3600
    for shard in stream["shards"].values():
        kept = shard["records"]
        if kept and kept[0]["ApproximateArrivalTimestamp"] < cutoff:
            shard["records"] = [record for record in kept if record["ApproximateArrivalTimestamp"] >= cutoff]


def iterators() -> None:
    """Of all accounts and regions, the oldest first."""
    cutoff, known = time.time() - kinesis.ITERATOR_EXPIRY_SECONDS, kinesis._shard_iterators._data
    while known and (oldest := next(iter(known.items()), None)) and oldest[1]["created_at"] < cutoff:
        known.pop(oldest[0], None)


def sessions() -> None:
    if time.monotonic() - _last[0] >= SESSIONS_EVERY:
        _last[0] = time.monotonic()
        stock_sessions()


def install() -> None:
    kinesis._expire_records, kinesis._expire_iterators = records, iterators
    sts._evict_expired_sessions = sessions
