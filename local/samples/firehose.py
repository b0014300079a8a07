"""Sample stock ticks: the pipeline's own generator sends 10, then 10,000; counted in the index, each once, by ticker.

The index is read by the role that the config makes for Dashboards. A tick is known by its run and its
number in it. The seconds are the greatest age of a record when it was delivered (Firehose's metric DataFreshness).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from opensearchpy import OpenSearch
from opensearchpy.exceptions import TransportError

from local.samples import Cloud, Row, SampleError
from local.samples.export import keys

RUNS = ({"count": 10}, {"count": 10_000, "rate": 5_000})
FRESHNESS = "DeliveryToAmazonOpenSearchServerless.DataFreshness"


def prepare(cloud: Cloud, name: str, pipeline: Mapping[str, Any]) -> None:
    """Nothing: the deployment has made the stream, the index and the generator."""


def start(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime) -> None:
    """Runs the generator; raises SampleError where it did not send what it was to."""
    for event in RUNS:
        answer = cloud.client("lambda", pipeline).invoke(
            FunctionName=pipeline["generator"], Payload=json.dumps(event).encode()
        )
        reported = json.loads(answer["Payload"].read())
        if "FunctionError" in answer or reported["sent"] != event["count"]:
            raise SampleError(f"{name}: the generator did not send {event['count']} ticks: {reported}")


def rows(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime | None) -> list[Row]:
    """What came from the stream into the index."""
    sent, reader, index = (
        records(cloud, pipeline),
        cloud.search(pipeline, pipeline["reader_role"]),
        pipeline["index"],
    )
    tickers: dict[str, int] = {}
    documents = once = 0
    try:
        documents = reader.count(index=index)["count"]
        answer = reader.search(
            index=index,
            body={"size": 0, "aggs": {"ticker": {"terms": {"field": "TICKER", "order": {"_key": "asc"}}}}},
        )
        tickers = {
            bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["ticker"]["buckets"]
        }
        once = sum(times == 1 for times in ticks(reader, index)) if documents >= sent else documents
    except TransportError as error:
        if error.status_code != 503:  # it is starting
            raise
    bucket, _, prefix = pipeline["backup"].removeprefix("s3://").partition("/")
    failed = len(keys(cloud, {**pipeline, "bucket": bucket}, prefix))
    counts: dict[str, int | str] = {
        "records": sent,
        "documents": documents,
        "failed objects": failed,
    } | tickers
    failure = f"records were not delivered; see {pipeline['backup']}" if failed else ""
    if documents > once:
        failure = f"{documents - once} documents have another of the same tick"
    complete = once == sent > 0
    return [
        Row(
            name,
            pipeline["kind"],
            index,
            sent,
            once,
            freshness(cloud, pipeline) if complete else None,
            counts,
            failure,
        )
    ]


def records(cloud: Cloud, pipeline: Mapping[str, Any]) -> int:
    """How many records the stream holds."""
    kinesis, stream, count = cloud.client("kinesis", pipeline), {"StreamName": pipeline["stream"]}, 0
    for shard in kinesis.list_shards(**stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            **stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        behind = 1
        # A page may be empty before the end: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
        while iterator and behind:
            answer = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
            count, iterator = count + len(answer["Records"]), answer.get("NextShardIterator")
            behind = answer.get("MillisBehindLatest") or len(answer["Records"])
    return count


def ticks(reader: OpenSearch, index: str) -> Iterator[int]:
    """How many documents each tick has become."""
    sources = [{"run": {"terms": {"field": "run.keyword"}}}, {"seq": {"terms": {"field": "seq"}}}]
    composite: dict[str, Any] = {"size": 5_000, "sources": sources}
    while True:
        body = {"size": 0, "aggs": {"ticks": {"composite": composite}}}
        ticks = reader.search(index=index, body=body)["aggregations"]["ticks"]
        yield from (bucket["doc_count"] for bucket in ticks["buckets"])
        if "after_key" not in ticks:
            return
        composite["after"] = ticks["after_key"]


def freshness(cloud: Cloud, pipeline: Mapping[str, Any]) -> float | None:
    """The most seconds that a record waited for its delivery in the last day, or None where no metric says."""
    now = datetime.now(UTC)
    points = cloud.client("cloudwatch", pipeline).get_metric_statistics(
        Namespace="AWS/Firehose", MetricName=FRESHNESS, Statistics=["Maximum"],
        Dimensions=[{"Name": "DeliveryStreamName", "Value": pipeline["delivery_stream"]}],
        StartTime=now - timedelta(days=1), EndTime=now + timedelta(minutes=1), Period=86_400,
    )["Datapoints"]  # fmt: skip
    return round(max(point["Maximum"] for point in points), 1) if points else None
