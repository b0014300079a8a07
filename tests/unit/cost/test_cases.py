"""What things cost, computed by hand from the pricing pages of the services: each with its page and its sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from components.cost import Pipeline, Resource, estimate
from components.cost.usage import USAGE, FirehoseUsageArgs
from components.lake.merging import MergeBeyondArgs
from components.landing import FilledTables
from components.pipelines.export.sources import ExportSourceArgs
from components.pipelines.replication.args import ReplicaCatalogArgs
from components.pipelines.zero_etl.args import ZeroEtlTableArgs
from tests.typed import listed

US, FRANKFURT, TOKYO = "us-east-1", "eu-central-1", "ap-northeast-1"
OPENSEARCH = "https://aws.amazon.com/opensearch-service/pricing/"
KINESIS = "https://aws.amazon.com/kinesis/data-streams/pricing/"
FIREHOSE = "https://aws.amazon.com/firehose/pricing/"
DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
AURORA = "https://aws.amazon.com/rds/aurora/pricing/"
S3 = "https://aws.amazon.com/s3/pricing/"
EC2 = "https://aws.amazon.com/ec2/pricing/on-demand/"
LAMBDA = "https://aws.amazon.com/lambda/pricing/"
STATES = "https://aws.amazon.com/step-functions/pricing/"
ATHENA = "https://aws.amazon.com/athena/pricing/"
GLUE = "https://aws.amazon.com/glue/pricing/"
KMS = "https://aws.amazon.com/kms/pricing/"
CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
SQS = "https://aws.amazon.com/sqs/pricing/"
EVENTS = "https://aws.amazon.com/eventbridge/pricing/"
BIGQUERY = "https://cloud.google.com/bigquery/pricing"
STORAGE = "https://cloud.google.com/storage/pricing"
TRANSFER = "https://cloud.google.com/storage-transfer/pricing"


def made(type: str, region: str = US, name: str = "pipe", account: str = "1", **inputs: Any) -> Resource:
    return Resource(type, name, inputs, region, account)


def collection(region: str = US, name: str = "pipe", **inputs: Any) -> Resource:
    token = "aws:opensearch/serverlessCollection:ServerlessCollection"
    return made(token, region, name, **{"standby_replicas": "ENABLED"} | inputs)


def group(
    region: str = US,
    name: str = "pipe",
    generation: str = "NEXTGEN",
    standby_replicas: str = "ENABLED",
    account: str = "1",
    **limits: float,
) -> Resource:
    token = "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup"
    given = {"name": "g", "capacity_limits": [limits], "standby_replicas": standby_replicas}
    return Resource(token, name, given | ({"generation": generation} if generation else {}), region, account)


def stream(region: str = US, mode: str = "ON_DEMAND", **inputs: Any) -> Resource:
    token = "aws:kinesis/stream:Stream"
    return made(token, region, stream_mode_details={"stream_mode": mode}, **inputs)


def ingestion(region: str = US, least: int = 1, most: int = 1) -> Resource:
    return made("aws:opensearchingest/pipeline:Pipeline", region, min_units=least, max_units=most)


def function(region: str = US, memory: int = 256, architecture: str = "arm64") -> Resource:
    token = "aws:lambda/function:Function"
    return made(token, region, memory_size=memory, architectures=[architecture])


def alarm(region: str = US, period: int = 300, **inputs: Any) -> Resource:
    return made("aws:cloudwatch/metricAlarm:MetricAlarm", region, period=period, **inputs)


BUCKET, TABLE = "aws:s3/bucket:Bucket", "aws:dynamodb/table:Table"
DELIVERY = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
REPLICATES = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
METRICS = [{"metric": {"metric_name": "a"}}, {"metric": {"metric_name": "b"}}, {"expression": "m1 / m2"}]
MEASURED = {"destination": {"metrics": {"status": "Enabled"}}}
VPC: dict[str, Any] = {
    "opensearchserverless_configuration": {"vpc_config": {"subnet_ids": ["subnet-1", "subnet-2"]}}
}
PITR: dict[str, Any] = {"point_in_time_recovery": {"enabled": True}}
ON_TABLE = ExportSourceArgs(dynamodb="orders")
INCREMENTAL = ExportSourceArgs(dynamodb="orders", mode="incremental")
ICED = ExportSourceArgs(dynamodb="orders", format="iceberg")
RUN = "aws:sfn/stateMachine:StateMachine"
ON_DATABASE = ExportSourceArgs(rds_instance="shop")


@dataclass(frozen=True)
class Case:
    """`sum`: the arithmetic, as Python; `dollars`: what it comes to, [least, most] where the service scales."""

    name: str
    page: str
    what: str
    sum: str
    dollars: float | tuple[float, float]
    kind: str
    resources: Sequence[Resource]
    usage: dict[str, float]
    args: dict[str, Any]


def case(
    name: str,
    page: str,
    what: str,
    sum: str,
    dollars: float | tuple[float, float],
    kind: str = "firehose",
    *resources: Resource,
    args: dict[str, Any] | None = None,
    **usage: float,
) -> Case:
    return Case(name, page, what, sum, dollars, kind, resources, usage, args or {})


LEAST = "collection, units at the least"
LAKE = {"sources": [ON_TABLE]}
REPLICA = {"time_control": True, "existing_objects": False}
IN_A_REPLICA = REPLICA | {
    "landing": SimpleNamespace(
        account=SimpleNamespace(region=US), filled=FilledTables(iceberg=["orders"], tables={"orders": {}})
    ),
    "catalog": ReplicaCatalogArgs(merge_beyond=MergeBeyondArgs(table_rows=0)),
}
CASES = [
    # OpenSearch Serverless: 0.24 dollars an OCU and hour in us-east-1, 0.334 in Tokyo; 0.5 + 0.5 at the least
    case("classic without standby", OPENSEARCH, LEAST, "(0.5 + 0.5) * 730 * 0.24", 175.20, "firehose",
         collection(standby_replicas="DISABLED")),
    case("classic with standby", OPENSEARCH, LEAST, "(1 + 1) * 730 * 0.24", 350.40, "firehose", collection()),
    case("classic in Tokyo", OPENSEARCH, LEAST, "(0.5 + 0.5) * 730 * 0.334", 243.82, "firehose",
         collection(TOKYO, standby_replicas="DISABLED")),
    case("classic in Tokyo with standby", OPENSEARCH, LEAST, "(1 + 1) * 730 * 0.334", 487.64, "zero-etl",
         collection(TOKYO)),
    case("nextgen asleep", OPENSEARCH, "collection group, units at the least", "(0 + 0) * 730 * 0.24", 0.00,
         "firehose", group(max_indexing_capacity_in_ocu=4, max_search_capacity_in_ocu=4),
         collection(collection_group_name="g")),
    case("nextgen with a minimum", OPENSEARCH, "collection group, units at the least", "(2 + 4) * 730 * 0.24",
         1051.20, "firehose", group(min_indexing_capacity_in_ocu=2, min_search_capacity_in_ocu=4)),
    case("a classic group", OPENSEARCH, "collection group, units at the least", "(1 + 1) * 730 * 0.24", 350.40,
         "firehose", group(generation="CLASSIC"), collection(collection_group_name="g")),
    case("a classic group without standby and a minimum of search", OPENSEARCH,
         "collection group, units at the least", "(0.5 + 4) * 730 * 0.24", 788.40, "firehose",
         group(generation="", standby_replicas="DISABLED", min_search_capacity_in_ocu=4)),
    case("nextgen searched 60 hours", OPENSEARCH, "search, awake", "2 * 0.5 * 60 * 0.24, 4 * 60 * 0.24",
         (14.40, 57.60), "firehose", group(max_search_capacity_in_ocu=4), monthly_search_hours=60),
    case("nextgen written 10 hours", OPENSEARCH, "indexing, awake", "1 * 0.5 * 10 * 0.24, 2 * 10 * 0.24",
         (1.20, 4.80), "firehose", group(max_indexing_capacity_in_ocu=2), monthly_indexing_hours=10),
    case("index storage", OPENSEARCH, "index storage", "50 * 0.024", 1.20, "firehose", collection(),
         index_storage_gb=50),
    case("index storage in Tokyo", OPENSEARCH, "index storage", "50 * 0.026", 1.30, "firehose",
         collection(TOKYO), index_storage_gb=50),
    # OpenSearch Ingestion: 0.24 dollars a unit and hour
    case("one unit of ingestion", OPENSEARCH, "ingestion, units at the least", "1 * 730 * 0.24", 175.20,
         "zero-etl", ingestion()),
    case("units that scale", OPENSEARCH, "ingestion, further units", "0, (4 - 1) * 730 * 0.24", (0.0, 525.60),
         "zero-etl", ingestion(most=4)),
    # Kinesis: on demand a stream and hour and the GB, provisioned a shard and hour and each put of 25 KB
    case("stream on demand", KINESIS, "stream, on demand", "730 * 0.04", 29.20, "firehose", stream()),
    case("stream on demand in Tokyo", KINESIS, "stream, on demand", "730 * 0.052", 37.96, "firehose", stream(TOKYO)),
    case("on demand, 100 GB of 1 KB written", KINESIS, "records written", "100 * 0.08", 8.00, "firehose",
         stream(), monthly_data_ingested_gb=100, record_bytes=1024),
    case("on demand, 100 GB of half a KB count double", KINESIS, "records written", "200 * 0.08", 16.00,
         "firehose", stream(), monthly_data_ingested_gb=100, record_bytes=512),
    case("on demand, 100 GB read in Tokyo", KINESIS, "records read", "100 * 0.052", 5.20, "firehose",
         stream(TOKYO), monthly_data_ingested_gb=100),
    case("on demand, kept for seven days", KINESIS, "records kept from a day to seven",
         "730 / 730 * (168 - 24) * 0.10", 14.40, "firehose", stream(retention_period=168),
         monthly_data_ingested_gb=730),
    case("four shards", KINESIS, "shards", "4 * 730 * 0.015", 43.80, "firehose",
         stream(mode="PROVISIONED", shard_count=4)),
    case("two shards in Frankfurt", KINESIS, "shards", "2 * 730 * 0.018", 26.28, "firehose",
         stream(FRANKFURT, "PROVISIONED", shard_count=2)),
    case("shards kept longer than a day", KINESIS, "shards, kept longer than a day", "4 * 730 * 0.02", 58.40,
         "firehose", stream(mode="PROVISIONED", shard_count=4, retention_period=48)),
    case("provisioned, 100 GB in puts of 25 KB", KINESIS, "records written",
         "100 * 2**30 / (25 * 1024) * 0.000000014", 0.06, "firehose", stream(mode="PROVISIONED"),
         monthly_data_ingested_gb=100, record_bytes=25 * 1024),
    case("a shard kept for a year", KINESIS, "records kept beyond seven days", "730 / 730 * (8760 - 168) * 0.023",
         197.62, "firehose", stream(mode="PROVISIONED", shard_count=1, retention_period=8760),
         monthly_data_ingested_gb=730),
    case("a shard kept for a year, its first week", KINESIS, "shards, kept longer than a day", "1 * 730 * 0.02",
         14.60, "firehose", stream(mode="PROVISIONED", shard_count=1, retention_period=8760)),
    # Firehose: 0.029 dollars a GB, each record of a stream rounded up to 5 KB
    case("delivery of records of 5 KB", FIREHOSE, "records delivered", "100 * 0.029", 2.90, "firehose",
         made(DELIVERY), monthly_data_ingested_gb=100, record_bytes=5 * 1024),
    case("delivery of records of 1 KB, each 5", FIREHOSE, "records delivered", "100 * 5 * 0.029", 14.50,
         "firehose", made(DELIVERY), monthly_data_ingested_gb=100, record_bytes=1024),
    case("delivery into a VPC of two zones, or of one", FIREHOSE, "delivery into a VPC", "730 * 0.01, 2 * 730 * 0.01",
         (7.30, 14.60), "firehose", made(DELIVERY, **VPC)),
    case("into a VPC, records as they are", FIREHOSE, "records into a VPC", "100 * 0.01", 1.00, "firehose",
         made(DELIVERY, **VPC), monthly_data_ingested_gb=100, record_bytes=512),
    # DynamoDB
    case("a table exported once", DYNAMODB, "first export of the tables", "250 * 0.10", 25.00, "zero-etl",
         args={"tables": [ZeroEtlTableArgs(name="orders")]}, storage_gb=250),
    case("a table exported each day", DYNAMODB, "exports of tables", "250 * 30 * 0.10", 750.00, "export",
         args=LAKE, storage_gb=250, monthly_exports=30),
    case("increments of a table", DYNAMODB, "increments, and a first export", "20 * 0.10", 2.00, "export",
         args={"sources": [INCREMENTAL]}, monthly_changed_gb=20),
    case("recovery to a point in time, Frankfurt", DYNAMODB, "point-in-time recovery", "10 * 0.2448", 2.45,
         "export", made(TABLE, FRANKFURT, **PITR), args=LAKE, storage_gb=10),
    case("a table's storage in Tokyo", DYNAMODB, "tables' storage", "10 * 0.285", 2.85, "export",
         made(TABLE, TOKYO, **PITR), args=LAKE, storage_gb=10),
    case("writes of a table that is made", DYNAMODB, "tables' writes", "4_000_000 * 0.625 / 1_000_000", 2.50,
         "zero-etl", made(TABLE, **PITR), monthly_write_request_units=4_000_000),
    case("reads of a table that is made, Tokyo", DYNAMODB, "tables' reads", "20_000_000 * 0.1425 / 1_000_000", 2.85,
         "export", made(TABLE, TOKYO, **PITR), args=LAKE, monthly_read_request_units=20_000_000),
    case("a stream's reads", DYNAMODB, "reads of the streams", "2_628_000 / 100_000 * 0.02", 0.53, "zero-etl",
         args={"tables": []}),
    # RDS
    case("snapshots of 100 GB", AURORA, "exports of snapshots", "100 * 30 * 0.010", 30.00, "export",
         args={"sources": [ON_DATABASE]}, snapshot_gb=100, monthly_exports=30),
    case("snapshots in Tokyo", AURORA, "exports of snapshots", "100 * 4 * 0.012", 4.80, "export",
         args={"sources": [ON_DATABASE], "region": TOKYO}, snapshot_gb=100, monthly_exports=4),
    # S3 and replication
    case("a landing", S3, "landing", "1000 * 0.023", 23.00, "export", made(BUCKET), args=LAKE, landing_gb=1000),
    case("a landing in Frankfurt", S3, "landing", "1000 * 0.0245", 24.50, "export", made(BUCKET, FRANKFURT),
         args=LAKE, landing_gb=1000),
    case("a million writes", S3, "requests that write or list", "1_000_000 / 1000 * 0.005", 5.00, "export",
         made(BUCKET), args=LAKE, monthly_tier_1_requests=1_000_000),
    case("a million reads in Tokyo", S3, "requests that read", "1_000_000 / 1000 * 0.00037", 0.37, "export",
         made(BUCKET, TOKYO), args=LAKE, monthly_tier_2_requests=1_000_000),
    case("time control", S3, "time control", "500 * 0.015", 7.50, "replication", made(REPLICATES), args=REPLICA,
         monthly_replicated_gb=500),
    case("to another region", EC2, "transfer between regions", "500 * 0.02", 10.00, "replication",
         made(REPLICATES), made(BUCKET, FRANKFURT), args=REPLICA, monthly_replicated_gb=500),
    case("from Tokyo to another region", EC2, "transfer between regions", "500 * 0.09", 45.00, "replication",
         made(REPLICATES, TOKYO), made(BUCKET, FRANKFURT), args=REPLICA, monthly_replicated_gb=500),
    case("replicas written in Frankfurt", S3, "replicas written", "1_000_000 / 1000 * 0.0054", 5.40,
         "replication", made(REPLICATES), made(BUCKET, FRANKFURT), args=REPLICA,
         monthly_replicated_objects=1_000_000),
    case("what was there before", S3, "objects that were there", "3_000_000 / 1_000_000 * 1.00", 3.00,
         "replication", made(REPLICATES), args=REPLICA | {"existing_objects": True}, existing_objects=3_000_000),
    case("the job for it", S3, "job for what was there", "1 * 0.25", 0.25, "replication", made(REPLICATES),
         args=REPLICA | {"existing_objects": True}),
    # functions, runs, queries
    case("a million runs", LAMBDA, "runs of functions", "1_000_000 / 1_000_000 * 0.20", 0.20, "firehose",
         function(), monthly_requests=1_000_000),
    case("a second each at 512 MB, Arm", LAMBDA, "time of functions", "1_000_000 * 1 * 0.5 * 0.0000133334", 6.67,
         "firehose", function(memory=512), monthly_requests=1_000_000, request_duration_ms=1000),
    case("a second each at 512 MB, x86", LAMBDA, "time of functions", "1_000_000 * 1 * 0.5 * 0.0000166667", 8.33,
         "firehose", function(memory=512, architecture="x86_64"), monthly_requests=1_000_000,
         request_duration_ms=1000),
    case("a function with 10 GB of disk", LAMBDA, "ephemeral storage of functions",
         "0, 1_000_000 * 600 * (10240 - 512) / 1024 * 0.0000000309", (0.0, 176.13), "firehose", function(),
         made("aws:lambda/function:Function", ephemeral_storage={"size": 10240}), monthly_requests=1_000_000,
         request_duration_ms=600_000),
    case("functions of two sizes", LAMBDA, "time of functions",
         "1_000_000 * 0.25 * 0.0000133334, 1_000_000 * 2 * 0.0000133334", (3.33, 26.67), "firehose",
         function(memory=256), function(memory=2048), monthly_requests=1_000_000),
    case("transitions", STATES, "transitions of the run", "40_000 / 1000 * 0.025", 1.00, "export",
         made("aws:sfn/stateMachine:StateMachine"), args=LAKE, monthly_transitions=40_000),
    case("transitions of a replica", STATES, "transitions of the run", "40_000 / 1000 * 0.025", 1.00, "replication",
         made("aws:sfn/stateMachine:StateMachine"), args=REPLICA, monthly_transitions=40_000),
    # what fills the tables: 100 s of a function of 3,538 MB for a GB that is folded, and 60 for one that is copied
    case("folds in parts of 256 MB", STATES, "transitions of folds", "1024 * 1024 / 256 * 2 / 1000 * 0.025", 0.20,
         "export", made(RUN), args={"sources": [INCREMENTAL], "fold_mb": 256}, monthly_folded_gb=1024),
    case("folds of a TB", LAMBDA, "time of folds", "1024 * 100 * 3538 / 1024 * 0.0000133334", 4.72, "export",
         made(RUN), function(), args={"sources": [INCREMENTAL]}, monthly_folded_gb=1024),
    case("merges beyond some size", ATHENA, "merges", "0, 2 * 5.00", (0.0, 10.0), "export", made(RUN),
         args={"sources": [ICED]}, monthly_merges_tb=2),
    case("merges of all that changes", ATHENA, "merges", "2 * 5.00", 10.00, "export", made(RUN),
         args={"sources": [ICED], "merge_beyond": MergeBeyondArgs(changes_mb=0)}, monthly_merges_tb=2),
    case("merges into a replica's tables", ATHENA, "merges", "2 * 5.00", 10.00, "replication", made(RUN),
         args=IN_A_REPLICA, monthly_merges_tb=2),
    case("copies of a TB", LAMBDA, "time of copies", "1024 * 60 * 3538 / 1024 * 0.0000133334", 2.83, "export",
         made(RUN), function(), args={"sources": [ICED], "copies": ["orders"]}, monthly_copied_gb=1024),
    case("uploads of a TB", S3, "uploads of copies", "1024 * 1024 / 5 * 0.000005", 1.05, "export", made(RUN),
         args={"sources": [ICED], "copies": ["orders"]}, monthly_copied_gb=1024),
    case("copies that are there", S3, "copies of Iceberg tables", "0, 90 / 30 * 3 * 0.023",
         (0.0, 0.21), "export", made(RUN), args={"sources": [ICED], "copies": ["orders"]}, monthly_copied_gb=90),
    case("queries", ATHENA, "queries", "2 * 5.00", 10.00, "export", args=LAKE, monthly_queries_tb=2),
    case("a crawler", GLUE, "crawler", "30 * 10 / 60 * 2 * 0.44", 4.40, "export",
         made("aws:glue/crawler:Crawler"), args=LAKE, monthly_hours=10),
    # keys, alarms, logs, queues, schedules
    case("a key", KMS, "keys, and their first two rotations", "1 * 1.00", 1.00, "firehose", made("aws:kms/key:Key")),
    case("a key that rotates", KMS, "keys, and their first two rotations", "1.00, 1.00 + 1.00 + 1.00", (1.0, 3.0),
         "firehose", made("aws:kms/key:Key", enable_key_rotation=True)),
    case("an alarm", CLOUDWATCH, "alarms", "1 * 0.10", 0.10, "firehose", alarm()),
    case("an alarm on two metrics", CLOUDWATCH, "alarms", "2 * 0.10", 0.20, "firehose",
         alarm(metric_queries=METRICS)),
    case("a metric of a function", CLOUDWATCH, "metrics that functions send", "0, 1 * 0.30", (0.0, 0.30), "firehose",
         alarm(namespace="tributary"), alarm(namespace="AWS/Lambda")),
    case("metrics of replication, two rules of three", CLOUDWATCH, "metrics of replication", "0, 2 * 4 * 0.30",
         (0.0, 2.40), "replication", made(REPLICATES, rules=[MEASURED, {"destination": {}}, MEASURED]), args=REPLICA),
    case("a fast alarm", CLOUDWATCH, "alarms", "1 * 0.30", 0.30, "firehose", alarm(period=10)),
    case("logs in Frankfurt", CLOUDWATCH, "logs taken in", "10 * 0.63", 6.30, "firehose",
         made("aws:cloudwatch/logGroup:LogGroup", FRANKFURT, retention_in_days=30), monthly_log_gb=10),
    case("logs kept for 90 days", CLOUDWATCH, "logs kept", "0, 10 * 90 / 30 * 0.03", (0.0, 0.90), "firehose",
         made("aws:cloudwatch/logGroup:LogGroup", retention_in_days=90), monthly_log_gb=10),
    case("a queue that is polled", SQS, "polls of a queue",
         "2 * 730 * 3600 / 20 * 0.40 / 1_000_000, 5 * 730 * 3600 / 20 * 0.40 / 1_000_000", (0.11, 0.26),
         "firehose", made("aws:lambda/eventSourceMapping:EventSourceMapping")),
    case("a schedule each minute", EVENTS, "schedules", "43_800 * 1.00 / 1_000_000", 0.04, "firehose",
         made("aws:scheduler/schedule:Schedule", schedule_expression="rate(1 minute)")),
    # out of AWS, into Google Cloud
    case("out of AWS", EC2, "transfer out of AWS", "100 * 0.09", 9.00, "bigquery-transfer",
         monthly_transferred_gb=100),
    case("out of AWS from Tokyo", EC2, "transfer out of AWS", "100 * 0.114", 11.40, "bigquery-transfer",
         args={"region": TOKYO}, monthly_transferred_gb=100),
    case("out of AWS through Storage Transfer, itself free", TRANSFER, "transfer out of AWS", "100 * 0.09 + 0",
         9.00, "bigquery-transfer", made("gcp:storage/transferJob:TransferJob", "US"), monthly_transferred_gb=100),
    case("copies kept for three days", STORAGE, "copies", "100 * 3 / 30 * 0.026", 0.26, "bigquery-transfer",
         made("gcp:storage/bucket:Bucket", "EU", lifecycle_rules=[{"condition": {"age": 3}}]),
         monthly_transferred_gb=100),
    case("tables in BigQuery", BIGQUERY, "tables", "500 * 0.023", 11.50, "bigquery-transfer",
         made("gcp:bigquery/dataset:Dataset", "US"), monthly_active_storage_gb=500),
    case("tables unchanged for 90 days", BIGQUERY, "tables, unchanged for 90 days", "500 * 0.016", 8.00,
         "bigquery-transfer", made("gcp:bigquery/dataset:Dataset", "US"), monthly_long_term_storage_gb=500),
    case("queries in BigQuery", BIGQUERY, "queries", "4 * 6.25", 25.00, "bigquery-transfer",
         made("gcp:bigquery/dataset:Dataset", "US"), monthly_queries_tb=4),
]  # fmt: skip


def args_of(costed: Case) -> Any:
    account = SimpleNamespace(region=costed.args.get("region", US))
    plain: dict[str, Any] = REPLICA | {
        "tables": [],
        "sources": [],
        "landing": SimpleNamespace(account=account, filled=None),
        "catalog": None,
        "copies": [],
        "fold_mb": 1024,
        "merge_beyond": MergeBeyondArgs(),
    }
    return SimpleNamespace(account=account, **plain | {k: v for k, v in costed.args.items() if k != "region"})


@pytest.mark.parametrize("costed", CASES, ids=lambda costed: costed.name)
def test_a_thing_costs_what_it_comes_to_by_hand(costed: Case) -> None:
    by_hand: Any = eval(costed.sum)  # the arithmetic of this file
    least, most = listed(by_hand)[0], listed(by_hand)[-1]
    expected = costed.dollars if isinstance(costed.dollars, tuple) else (costed.dollars, costed.dollars)
    assert (round(least, 2), round(most, 2)) == expected
    cost = estimate(
        costed.resources, {"pipe": Pipeline(costed.kind, args_of(costed), USAGE[costed.kind](**costed.usage))}
    )
    (line,) = [
        line
        for line in cost.lines
        if line.quantity.what == costed.what and (line.quantity.when == "once") == (costed.what in ONCE)
    ]
    assert (float(line.least), float(line.most)) == pytest.approx((least, most))
    assert costed.page in (line.price.page, TRANSFER)


ONCE = {"first export of the tables", "objects that were there", "job for what was there"}


def test_there_are_forty_cases_at_least_and_no_two_are_one() -> None:
    assert len({costed.name for costed in CASES}) == len(CASES) >= 40


def two(*made: Resource) -> list[tuple[Decimal, Decimal]]:
    args = SimpleNamespace(account=SimpleNamespace(region=US), tables=[])
    usage = FirehoseUsageArgs(
        monthly_data_ingested_gb=0, backup_gb=0, index_storage_gb=0, monthly_search_hours=0
    )
    cost = estimate(made, {n: Pipeline("firehose", args, usage) for n in ("one", "two")})
    return [cost.sum("at rest", name) for name in ("one", "two")]


def test_the_second_classic_collection_of_an_account_adds_between_nothing_and_its_own_least() -> None:
    least = Decimal("350.40")
    assert two(collection(name="one"), collection(name="two")) == [(least, least), (0, least)]


@pytest.mark.parametrize(
    "other",
    [
        collection(FRANKFURT, name="two"),
        collection(name="two", account="2"),
        collection(name="two", standby_replicas="DISABLED"),
    ],
    ids=["another region", "another account", "without standby replicas"],
)
def test_collections_that_share_nothing_are_paid_each(other: Resource) -> None:
    least, most = two(collection(name="one"), other)[1]
    assert least == most > 0


def test_a_collection_in_a_group_shares_no_unit_with_a_classic_one() -> None:
    classic = collection(name="two")
    assert two(collection(name="one", collection_group_name="g"), classic)[1] == two(classic)[1]
