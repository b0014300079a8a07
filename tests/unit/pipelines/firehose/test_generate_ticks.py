"""Stock ticks on their way onto the stream."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.unit.pipelines.conftest import Wire

PUT = "PutRecords"


class Stream:
    """Takes records; `refusals` says of each call how many of its records are refused, from the first."""

    def __init__(self, wire: Any):
        self.records: list[Any] = []
        self.refusals: list[Any] = []
        self.sizes: list[Any] = []
        wire.answers[PUT] = self.put

    def put(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        given = json.loads(body)["Records"]
        self.sizes.append(len(given))
        refused = min(len(given), self.refusals.pop(0) if self.refusals else 0)
        self.records += given[refused:]
        code = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"}
        taken = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
        answers = [code] * refused + [taken] * (len(given) - refused)
        return 200, {}, json.dumps({"FailedRecordCount": refused, "Records": answers}).encode()

    def documents(self):
        return [json.loads(base64.b64decode(record["Data"])) for record in self.records]


@pytest.fixture
def stream(wire: Wire) -> Stream:
    return Stream(wire)


@pytest.fixture
def app(load: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    app = load("generate_ticks", STREAM="ticks")
    monkeypatch.setattr(app, "clock", SimpleNamespace(now=0.0), raising=False)

    def sleep(seconds: Any):
        app.clock.now += seconds

    monkeypatch.setattr(app, "time", SimpleNamespace(monotonic=lambda: app.clock.now, sleep=sleep))
    return app


def test_ten_ticks_are_sent_where_the_event_has_no_count(
    app: ModuleType, stream: Stream, context: SimpleNamespace
):
    assert app.handler({}, context)["sent"] == 10
    for number, tick in enumerate(stream.documents()):
        assert set(tick) == {"EVENT_TIME", "TICKER", "PRICE", "run", "seq"}
        assert datetime.fromisoformat(tick["EVENT_TIME"]).tzinfo is not None
        assert tick["TICKER"] in {"AAPL", "AMZN", "INTC", "MSFT", "TBV"}
        assert 1 <= tick["PRICE"] <= 100
        assert (tick["run"], tick["seq"]) == (context.aws_request_id, number)


def test_every_tick_is_sent_once_in_calls_of_at_most_500(
    app: ModuleType, stream: Stream, context: SimpleNamespace
):
    assert app.handler({"count": 1234, "rate": 5000}, context)["sent"] == 1234
    assert sorted(tick["seq"] for tick in stream.documents()) == list(range(1234))
    assert stream.sizes == [500, 500, 234]


def test_partition_keys_spread_over_the_shards(app: ModuleType, stream: Stream, context: SimpleNamespace):
    app.handler({"count": 2000, "rate": 5000}, context)
    shards = Counter(int(record["PartitionKey"], 16) >> 62 for record in stream.records)
    assert len({record["PartitionKey"] for record in stream.records}) == 2000
    assert min(shards[shard] for shard in range(4)) > 350


def test_the_rate_is_kept(app: ModuleType, stream: Stream, context: SimpleNamespace):
    answer = app.handler({"count": 100, "rate": 10}, context)
    assert stream.sizes == [10] * 10
    assert answer == {"run": context.aws_request_id, "sent": 100, "seconds": 9.0}


def test_only_the_records_that_were_refused_are_put_again(
    app: ModuleType, stream: Stream, context: SimpleNamespace
):
    stream.refusals = [7, 3]
    app.handler({"count": 500, "rate": 5000}, context)
    assert stream.sizes == [500, 7, 3]
    assert sorted(tick["seq"] for tick in stream.documents()) == list(range(500))


def test_a_stream_that_refuses_to_the_end_is_an_error_that_says_how_many_were_sent(
    app: ModuleType, stream: Stream, context: SimpleNamespace
):
    stream.refusals = [0] + [500] + [2] * 100
    with pytest.raises(
        Exception, match=r"ticks refused 2 records in 8 tries, 998 were sent.*slow down"
    ) as failed:
        app.handler({"count": 1000, "rate": 5000}, context)
    assert failed.type.__name__ == "NotSent"


def test_a_call_that_is_throttled_as_a_whole_is_waited_out(
    app: ModuleType, wire: Wire, stream: Stream, context: SimpleNamespace
):
    wire.fault(PUT, (400, "ProvisionedThroughputExceededException"), (500, "InternalFailure"))
    assert app.handler({}, context)["sent"] == 10
    assert len(stream.records) == 10


def test_a_call_that_fails_five_times_is_an_error(
    app: ModuleType, wire: Wire, stream: Stream, context: SimpleNamespace
):
    wire.fault(PUT, *[(500, "InternalFailure")] * 9)
    with pytest.raises(Exception, match="InternalFailure"):
        app.handler({}, context)
    assert wire.calls[PUT] == 5


def test_a_stream_that_is_not_there_is_an_error(
    app: ModuleType, wire: Wire, stream: Stream, context: SimpleNamespace
):
    wire.fault(PUT, (400, "ResourceNotFoundException"))
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        app.handler({}, context)


def test_what_does_not_fit_in_the_functions_time_is_an_error_that_says_how_many_were_sent(
    app: ModuleType, stream: Stream, context: SimpleNamespace
):
    context.get_remaining_time_in_millis = lambda: 60_000 - app.clock.now * 1000
    with pytest.raises(TimeoutError, match="520 of 100000 ticks were sent"):
        app.handler({"count": 100_000, "rate": 10}, context)


@pytest.mark.parametrize(
    "event", [{"count": 0}, {"count": "ten"}, {"count": 1.5}, {"rate": -1}, {"rate": True}]
)
def test_a_count_or_a_rate_that_is_none_sends_nothing(
    app: ModuleType, stream: Stream, context: SimpleNamespace, event: dict[str, Any]
):
    with pytest.raises(ValueError, match="expected a"):
        app.handler(event, context)
    assert stream.sizes == []
