"""Stock ticks, and the way of records onto a stream. The ticks are pure.

Limits: 500 records and 5 MB a call, 1 MB a record (PutRecords); a tick has about 150 bytes. Partition keys are random,
so that ticks spread over all shards, whatever their ticker.
"""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import variables

TICKERS = ("AAPL", "AMZN", "INTC", "MSFT", "TBV")
MOST_AT_ONCE = 500
TRIES, FIRST_WAIT, LONGEST_WAIT = 8, 0.1, 5.0  # seconds


@dataclass(frozen=True)
class Settings:
    """The function's environment."""

    stream: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """From the environment. Raises KeyError for a variable that is not there."""
        return cls(environ[variables.STREAM])


class NotSent(Exception):
    """The stream refused records to the end."""


def read_request(event: Mapping[str, Any]) -> tuple[int, float]:
    """How many ticks, and how many a second. Raises ValueError for what is no such number."""
    count, rate = event.get("count", 10), event.get("rate", 1000)
    for name, value, most in (("count", count, 10_000_000), ("rate", rate, 100_000)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            raise ValueError(f"{name} is {value!r}; expected a number above 0 and up to {most:,}")
    if count != int(count):
        raise ValueError(f"count is {count!r}; expected a whole number")
    return int(count), rate


def ticks(count: int, run: str, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Ticks of one run, numbered."""
    for number in range(count):
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        yield {
            "EVENT_TIME": moment,
            "TICKER": chance.choice(TICKERS),
            "PRICE": round(chance.uniform(1, 100), 2),
            "run": run,
            "seq": number,
        }


def batches(generated: Iterable[dict[str, Any]], rate: float) -> Iterator[list[dict[str, Any]]]:
    """Records for PutRecords, at most a second's worth at once."""
    generated, size = iter(generated), max(1, min(MOST_AT_ONCE, int(rate)))
    while batch := [_record(tick) for tick in islice(generated, size)]:
        yield batch


def _record(tick: dict[str, Any]) -> dict[str, Any]:
    return {"Data": json.dumps(tick).encode(), "PartitionKey": f"{random.getrandbits(64):016x}"}


def put_all(
    kinesis: Any, stream: str, records: list[dict[str, Any]], sleep: Callable[[float], None], before: int = 0
) -> None:
    """Puts all records, those that were refused again. PutRecords answers 200 also when it took none. Raises NotSent,
    which counts the ones `before` as sent."""
    left = records
    answers: list[dict[str, Any]] = []
    for tries in range(TRIES):
        if tries:
            sleep(random.uniform(0.5, 1) * min(LONGEST_WAIT, FIRST_WAIT * 2**tries))
        answers = kinesis.put_records(StreamName=stream, Records=left)["Records"]
        refused = [pair for pair in zip(left, answers, strict=True) if pair[1].get("ErrorCode")]
        left, answers = [record for record, _ in refused], [answer for _, answer in refused]
        if not left:
            return
    sent = before + len(records) - len(left)
    raise NotSent(
        f"{stream} refused {len(left)} records in {TRIES} tries, {sent} were sent; the last answer: "
        f"{answers[0]['ErrorCode']}: {answers[0].get('ErrorMessage')}"
    )
