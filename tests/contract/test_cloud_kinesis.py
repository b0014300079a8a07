"""The embedded Kinesis where ministack's is not the service's."""

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
