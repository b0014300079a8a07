"""The embedded Kinesis where ministack's is not the service's."""

from tests.contract.embedded_cloud import WORKLOAD, Cloud


def test_a_stream_has_the_tags_that_it_is_made_with(cloud: Cloud) -> None:
    client = cloud.client("kinesis", WORKLOAD)
    client.create_stream(StreamName="ticks", ShardCount=1, Tags={"team": "data", "stack": "dev"})
    client.create_stream(StreamName="bare", ShardCount=1)
    tags = {name: client.list_tags_for_stream(StreamName=name)["Tags"] for name in ("ticks", "bare")}
    assert tags == {"ticks": [{"Key": "stack", "Value": "dev"}, {"Key": "team", "Value": "data"}], "bare": []}
