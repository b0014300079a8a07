"""Sample records of a stream; counted in the index, each once.

Where the pipeline has a generator, it sends 10 stock ticks, then 10,000; else 1,000 records are put, with a value for
each property of the index's mapping. The index is read by the role that the config makes for Dashboards, else by one of
the samples' own. A record is known by its run and its number in it, where the mapping lets an index have more fields
than it names. The seconds are the greatest age of a record when it was delivered (Firehose's metric DataFreshness).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from opensearchpy import OpenSearch
from opensearchpy.exceptions import TransportError

from local.samples import Cloud, Row, SampleError, readers, records
from local.samples.export import keys

PUT, AT_ONCE = (
    1_000,
    500,
)  # PutRecords takes 500: docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
RUNS = ({"count": 10}, {"count": 10_000, "rate": 5_000})
FRESHNESS = "DeliveryToAmazonOpenSearchServerless.DataFreshness"


def prepare(cloud: Cloud, name: str, pipeline: Mapping[str, Any]) -> None:
    """Makes the role that reads the index, where it is not the stack's: the deployment has made all else."""
    if (role := reader_role(cloud, name, pipeline)) != pipeline.get("reader_role"):
        readers.prepare(cloud, name, pipeline, role)


def reader_role(cloud: Cloud, name: str, pipeline: Mapping[str, Any]) -> str:
    """The ARN of the role that reads the index: that of Dashboards where the account as a whole may take it on."""
    args = cloud.declared.get(name)
    whole = f"arn:aws:iam::{pipeline['account']}:root"
    if pipeline.get("reader_role") and (args is None or whole in args.dashboards.assumed_by):
        return str(pipeline["reader_role"])
    return readers.named(cloud, pipeline, args.collection.readers if args else ())


def start(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime) -> None:
    """Runs the generator, or puts records; raises SampleError where not all were sent."""
    if not pipeline.get("generator"):
        put(cloud, name, pipeline)
        return
    for event in RUNS:
        answer = cloud.client("lambda", pipeline).invoke(
            FunctionName=pipeline["generator"], Payload=json.dumps(event).encode()
        )
        reported = json.loads(answer["Payload"].read())
        if "FunctionError" in answer or reported["sent"] != event["count"]:
            raise SampleError(f"{name}: the generator did not send {event['count']} ticks: {reported}")


def put(cloud: Cloud, name: str, pipeline: Mapping[str, Any]) -> None:
    """Puts records on the stream. Raises SampleError where it refuses some."""
    args, run = cloud.declared.get(name), uuid.uuid4().hex
    mapping: Mapping[str, Any] = args.mapping if args else {}
    records_to_send = [
        record(mapping, args.transform.timestamp if args and args.transform else "", run, n)
        for n in range(PUT)
    ]
    for first in range(0, PUT, AT_ONCE):
        batch = [
            {"Data": json.dumps(each).encode(), "PartitionKey": str(n)}
            for n, each in enumerate(records_to_send[first : first + AT_ONCE])
        ]
        answer = cloud.client("kinesis", pipeline).put_records(StreamName=pipeline["stream"], Records=batch)
        if refused := answer["FailedRecordCount"]:
            raise SampleError(f"{name}: the stream refused {refused} records: {answer['Records'][:1]}")


def record(mapping: Mapping[str, Any], timestamp: str, run: str, number: int) -> dict[str, Any]:
    """Record `number` of a run; `timestamp`: the field of its time, where the pipeline has one."""
    document = records.document(mapping.get("properties", {}), number)
    document |= {timestamp: datetime.now(UTC).isoformat()} if timestamp else {}
    return document | ({"run": run, "seq": number} if counts_each(mapping) else {})


def counts_each(mapping: Mapping[str, Any]) -> bool:
    """Whether the index has a field for what its mapping does not name, so that each record can be recognized."""
    return str(mapping.get("dynamic", True)).lower() == "true"


def rows(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime | None) -> list[Row]:
    """What came from the stream into the index."""
    args = cloud.declared.get(name)
    sent, reader, index = (
        in_stream(cloud, pipeline, args.transform.drop if args and args.transform else {}),
        cloud.search(pipeline, reader_role(cloud, name, pipeline)),
        pipeline["index"],
    )
    mapping: Mapping[str, Any] = args.mapping if args else {"properties": {"TICKER": {"type": "keyword"}}}
    tickers: dict[str, int] = {}
    documents = once = 0
    try:
        documents = reader.count(index=index)["count"]
        if mapping.get("properties", {}).get("TICKER", {}).get("type") == "keyword":
            answer = reader.search(
                index=index,
                body={
                    "size": 0,
                    "aggs": {"ticker": {"terms": {"field": "TICKER", "order": {"_key": "asc"}}}},
                },
            )
            tickers = {
                bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["ticker"]["buckets"]
            }
        distinct = documents >= sent and counts_each(mapping)
        once = sum(times == 1 for times in ticks(reader, index)) if distinct else documents
    except TransportError as error:
        if error.status_code != 503:  # it is starting
            raise SampleError(f"{index}: {error}") from error
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


def in_stream(cloud: Cloud, pipeline: Mapping[str, Any], drop: Mapping[str, Sequence[str]] = {}) -> int:
    """How many records the stream holds that the pipeline does not drop. What was counted for this cloud before is not
    read again: records are never changed, and those that come are behind it."""
    kinesis, stream, sent = cloud.client("kinesis", pipeline), {"StreamName": pipeline["stream"]}, 0
    for shard in kinesis.list_shards(**stream)["Shards"]:
        known = (pipeline["account"], pipeline["region"], pipeline["stream"], shard["ShardId"])
        last, count = cloud.counted.get(known, ("", 0))
        start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": last}
        iterator = kinesis.get_shard_iterator(
            **stream, ShardId=shard["ShardId"], **start if last else {"ShardIteratorType": "TRIM_HORIZON"}
        )["ShardIterator"]
        behind = 1
        # A page may be empty before the end: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
        while iterator and behind:
            answer = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
            count += sum(not dropped(each["Data"], drop) for each in answer["Records"])
            last = answer["Records"][-1]["SequenceNumber"] if answer["Records"] else last
            iterator = answer.get("NextShardIterator")
            behind = answer.get("MillisBehindLatest") or len(answer["Records"])
        cloud.counted[known] = last, count
        sent += count
    return sent


def dropped(data: bytes, drop: Mapping[str, Sequence[str]]) -> bool:
    """Whether a field of a record has one of the values that the config leaves out: the text, or the JSON value that is
    written so."""
    if not drop:
        return False
    sent_document: dict[str, Any] = json.loads(data)
    return any(
        field in sent_document
        and (sent_document[field] in values or json.dumps(sent_document[field]) in values)
        for field, values in drop.items()
    )


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
