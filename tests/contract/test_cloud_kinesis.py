"""The embedded Kinesis where ministack's is not the service's."""

import time
from typing import Any

import pytest

from local.cloud import expiry
from tests.contract.embedded_cloud import WORKLOAD, Cloud


def test_a_stream_has_the_tags_that_it_is_made_with(cloud: Cloud) -> None:
    client = cloud.client("kinesis", WORKLOAD)
    client.create_stream(StreamName="ticks", ShardCount=1, Tags={"team": "data", "stack": "dev"})
    client.create_stream(StreamName="bare", ShardCount=1)
    tags = {name: client.list_tags_for_stream(StreamName=name)["Tags"] for name in ("ticks", "bare")}
    assert tags == {"ticks": [{"Key": "stack", "Value": "dev"}, {"Key": "team", "Value": "data"}], "bare": []}


def test_a_reader_goes_on_after_each_sequence_number_that_a_stream_gives(cloud: Cloud) -> None:
    client = cloud.client("kinesis", WORKLOAD)
    client.create_stream(StreamName="read", ShardCount=1)
    (shard,) = client.list_shards(StreamName="read")["Shards"]
    first = shard["SequenceNumberRange"]["StartingSequenceNumber"]
    put = [
        client.put_record(StreamName="read", Data=b"%d" % n, PartitionKey="a")["SequenceNumber"]
        for n in range(3)
    ]
    assert first < put[0] < put[1] < put[2]
    for number, after in zip((first, *put), (3, 2, 1, 0), strict=True):
        iterator = client.get_shard_iterator(
            StreamName="read", ShardId=shard["ShardId"], ShardIteratorType="AFTER_SEQUENCE_NUMBER",
            StartingSequenceNumber=number,
        )["ShardIterator"]  # fmt: skip
        assert len(client.get_records(ShardIterator=iterator)["Records"]) == after


def test_a_record_is_gone_after_its_retention_and_a_younger_one_is_not() -> None:
    now = time.time()
    young = [{"ApproximateArrivalTimestamp": now - age} for age in (3599, 1)]
    old = [{"ApproximateArrivalTimestamp": now - age} for age in (7300, 3601)]
    stream: dict[str, Any] = {
        "RetentionPeriodHours": 1,
        "shards": {"a": {"records": old + young}, "b": {"records": []}},
    }
    expiry.records(stream)
    assert stream["shards"] == {"a": {"records": young}, "b": {"records": []}}


def test_a_search_for_what_has_run_out_is_made_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    searches: list[Any] = []
    now = [100.0]
    monkeypatch.setattr(expiry.time, "monotonic", lambda: now[0])
    search = expiry.seldom(lambda: searches.append(now[0]))
    for now[0] in (100.0, 101.0, 159.0, 160.0, 161.0, 221.0):
        search()
    assert searches == [100.0, 160.0, 221.0]
