"""What `make up` waits for: all that was sent, read once more together before it is reported."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from local import samples
from local.samples import Cloud, Row, export, firehose
from tests.typed import fake, ignoring


class Kind:
    """A kind of pipeline; each reading shows the next number of arrived items of ten, and the last one ever after."""

    def __init__(self, *arrived: int):
        self.numbers, self.read = list(arrived), 0

    def prepare(self, *_: Any) -> None: ...

    def start(self, *_: Any) -> None: ...

    def rows(self, cloud: samples.Cloud, name: str, pipeline: Any, due: datetime | None) -> list[Row]:
        arrived = self.numbers[min(self.read, len(self.numbers) - 1)]
        self.read += 1
        return [Row(name, name, "t", 10, arrived, 1.0 if arrived == 10 else None)]


@pytest.fixture
def up(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(patience: float = 60.0, **kinds: Kind) -> list[int]:
        monkeypatch.setattr(samples, "kinds", lambda: kinds)
        outputs = {"pipelines": {name: {"kind": name} for name in kinds}}
        cloud = samples.Cloud("http://nowhere", outputs, patience=patience, pause=0.0)
        return [row.arrived for row in samples.run(cloud, lambda line: None)]

    return run


def test_what_has_arrived_is_not_read_again_until_the_rest_has(up: Any) -> None:
    early, late = Kind(10), Kind(0, 3, 7, 10)
    assert up(early=early, late=late) == [10, 10]
    assert (early.read, late.read) == (2, 5)  # the last reading is of all


def test_what_falls_short_in_the_last_reading_is_waited_for(up: Any) -> None:
    early, late = Kind(10, 9, 10), Kind(0, 10)
    assert up(early=early, late=late) == [10, 10]


def test_without_patience_it_reports_what_is_there(up: Any) -> None:
    assert up(patience=-1.0, never=Kind(4)) == [4]


class Stuck(Kind):
    """A kind that refuses to be set going."""

    def start(self, *_: Any) -> None:
        raise samples.SampleError("no such stream")


class Unread(Kind):
    """A kind that can't be read at first, and at the end only where it is `broken`."""

    def __init__(self, times: int):
        super().__init__(10)
        self.times = times

    def rows(self, cloud: samples.Cloud, name: str, pipeline: Any, due: datetime | None) -> list[Row]:
        self.times -= 1
        if self.times >= 0:
            raise samples.SampleError("403")
        return super().rows(cloud, name, pipeline, due)


def test_a_pipeline_that_can_t_be_set_going_says_why_and_the_others_arrive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds = {"stuck": Stuck(4), "well": Kind(0, 10)}
    monkeypatch.setattr(samples, "kinds", lambda: kinds)
    cloud = samples.Cloud(
        "http://nowhere", {"pipelines": {name: {"kind": name} for name in kinds}}, pause=0.0
    )
    stuck, well = samples.run(cloud, lambda line: None)
    assert (stuck.failure, stuck.complete) == ("no such stream", False)
    assert well.complete


def test_what_can_t_be_read_is_read_again_and_reported_where_it_stays_so(
    up: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert up(unread=Unread(3)) == [10]
    kinds = {"unread": Unread(10**6)}
    monkeypatch.setattr(samples, "kinds", lambda: kinds)
    outputs = {"pipelines": {"unread": {"kind": "unread"}}}
    [row] = samples.run(samples.Cloud("", outputs, patience=0.05, pause=0.0), lambda line: None)
    assert row.failure == "what arrived can't be read: 403" and not row.complete


def test_a_table_is_counted_once_a_run_and_anew_for_a_status() -> None:
    pages = iter([[{"Count": 3}, {"Count": 4}], [{"Count": 9}], [{"Count": 11}]])
    scan = SimpleNamespace(paginate=fake(lambda **_: next(pages)))
    client = SimpleNamespace(get_paginator=fake(lambda name: scan))
    cloud: Any = SimpleNamespace(client=fake(lambda service, place: client), counted={})
    place, due = {"account": "1", "region": "r"}, datetime(2026, 1, 1)
    assert [export.size(cloud, place, "orders", due) for _ in range(3)] == [7, 7, 7]
    assert [export.size(cloud, place, "orders") for _ in range(2)] == [9, 11]


class Stream:
    """A shard whose records are read one page at a time, and which pages were."""

    def __init__(self, *records: bytes):
        self.records, self.read = list(records), list[bytes]()

    def list_shards(self, **_: Any) -> dict[str, Any]:
        return {"Shards": [{"ShardId": "shardId-0"}]}

    def get_shard_iterator(self, StartingSequenceNumber: str = "-1", **_: Any) -> dict[str, Any]:
        return {"ShardIterator": str(int(StartingSequenceNumber) + 1)}

    def get_records(self, ShardIterator: str, Limit: int) -> dict[str, Any]:
        first = int(ShardIterator)
        page = self.records[first : first + 2]
        self.read += page
        return {
            "Records": [
                {"Data": data, "SequenceNumber": str(first + n)} for n, data in enumerate(page)
            ],
            "NextShardIterator": str(first + len(page)),
        }  # fmt: skip


def test_what_is_in_a_stream_is_counted_and_each_record_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(b'{"n": 1}', b'{"n": 2}', b'{"n": 2}')
    monkeypatch.setattr(Cloud, "client", ignoring(lambda: stream))
    cloud, place = Cloud("http://127.0.0.1:9", {}), {"account": "1", "region": "r", "stream": "ticks"}
    assert firehose.in_stream(cloud, place, {"n": ["2"]}) == 1
    stream.records += [b'{"n": 3}', b'{"n": 4}']
    assert firehose.in_stream(cloud, place, {"n": ["2"]}) == 3
    assert firehose.in_stream(cloud, place, {"n": ["2"]}) == 3
    assert stream.read == stream.records
