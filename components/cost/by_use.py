"""The use of each kind of pipeline, as quantities that have a price: from its `usage`, its config and its resources.

A pipeline's arguments are typed by its room, which a type checker imports and this module does not: an estimate needs
no Pulumi.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from components.cost.at_rest import COLLECTION, DELIVERY, REPLICATION, STREAM, subnets_of
from components.cost.lake import tables_of_a_run
from components.cost.resource import Number, Quantity, Resource, of_type, quantity
from components.cost.usage import (
    BigQueryTransferUsageArgs,
    ExportUsageArgs,
    FirehoseUsageArgs,
    ReplicationUsageArgs,
    SearchUsageArgs,
    UsageArgs,
    ZeroEtlUsageArgs,
)
from components.shared.run_sources import ICEBERG, INCREMENTAL

if TYPE_CHECKING:
    from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
    from components.pipelines.export.args import ExportArgs
    from components.pipelines.firehose.args import FirehoseArgs
    from components.pipelines.pipeline import PipelineArgs
    from components.pipelines.replication.args import ReplicationArgs
    from components.pipelines.zero_etl.args import ZeroEtlArgs

BUCKET = "aws:s3/bucket:Bucket"
TABLE = "aws:dynamodb/table:Table"
FUNCTION = "aws:lambda/function:Function"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
QUEUE = "aws:sqs/queue:Queue"
INGESTION = "aws:opensearchingest/pipeline:Pipeline"
SCHEDULE = "aws:scheduler/schedule:Schedule"
CRAWLER = "aws:glue/crawler:Crawler"
WORKGROUP = "aws:athena/workgroup:Workgroup"
RUN = "aws:sfn/stateMachine:StateMachine"
COPIES = "gcp:storage/bucket:Bucket"
JOB = "gcp:storage/transferJob:TransferJob"
LOADS = "gcp:bigquery/dataTransferConfig:DataTransferConfig"
GOOGLE_TABLE = "gcp:bigquery/table:Table"
DATASET = "gcp:bigquery/dataset:Dataset"
KB, GB = 2**10, 2**30


Args_co = TypeVar("Args_co", bound="PipelineArgs", covariant=True)
Usage_co = TypeVar("Usage_co", bound=UsageArgs, covariant=True)


@dataclass(frozen=True)
class Used(Generic[Args_co, Usage_co]):
    """A pipeline, what it registered, and what it is used for."""

    args: Args_co
    resources: Sequence[Resource]
    usage: Usage_co

    def region(self, type: str) -> str:
        """The region of the first resource of a type, else that of the pipeline's account."""
        return next((each.region for each in of_type(self.resources, type)), self.args.account.region)

    def has(self, type: str) -> bool:
        """Whether something of that type is registered."""
        return bool(of_type(self.resources, type))

    def use(
        self, of: str, what: str, key: str, least: Number, most: Number | None = None, region: str = ""
    ) -> Quantity:
        """A quantity that depends on what is carried.

        `of`: the type of resource that brings it. `what`: in words. `key`: the row of prices/. `least`, `most`: units a
        month, `most` None where nothing scales. `region`: whose price, by default that of the resource."""
        return quantity(of, what, "by use", key, region or self.region(of), least, most)


def functions(used: "Used[PipelineArgs, UsageArgs]") -> Iterator[Quantity]:
    """The functions' runs: which of them run how often is not known, so from the smallest memory to the largest."""
    functions_of_it = of_type(used.resources, FUNCTION)
    if functions_of_it:
        runs, ms = used.usage.monthly_requests, used.usage.request_duration_ms
        memory = sorted(each.known("memory_size", (int, float), 128) for each in functions_of_it)
        seconds = Decimal(str(runs)) * Decimal(str(ms)) / 1000
        processor = functions_of_it[0].known("architectures", list, ["x86_64"])[0]
        yield used.use(FUNCTION, "runs of functions", "lambda.request", runs)
        low, high = (seconds * Decimal(str(size)) / 1024 for size in (memory[0], memory[-1]))
        yield used.use(FUNCTION, "time of functions", f"lambda.{processor}", low, high)
        # The first 512 MB are free (https://aws.amazon.com/lambda/pricing/, "Lambda Ephemeral Storage Pricing").
        paid_storage = sorted(max(0, _ephemeral(each) - 512) for each in functions_of_it)
        if paid_storage[-1]:
            low, high = (seconds * Decimal(str(size)) / 1024 for size in (paid_storage[0], paid_storage[-1]))
            yield used.use(
                FUNCTION, "ephemeral storage of functions", f"lambda.{processor}_storage", low, high
            )
    if used.has(QUEUE):
        # Sent, received and deleted; what failed alone comes into most of them.
        yield used.use(QUEUE, "messages", "sqs.request", 0, 3 * used.usage.monthly_requests)
    if used.has(LOGS):
        days = max(each.known("retention_in_days", (int, float), 0) for each in of_type(used.resources, LOGS))
        yield used.use(LOGS, "logs taken in", "logs.in", used.usage.monthly_log_gb)
        stored_gb = Decimal(str(used.usage.monthly_log_gb)) * Decimal(str(days)) / 30
        yield used.use(LOGS, "logs kept", "logs.storage", 0, stored_gb)
    runs_a_month = {"rate(1 minute)": 43_800, "rate(1 hour)": 730}
    for schedule in of_type(used.resources, SCHEDULE):
        runs = runs_a_month.get(str(schedule.inputs.get("schedule_expression")), 30)
        yield used.use(SCHEDULE, "schedules", "events.scheduler", runs)


def _ephemeral(function: Resource) -> float:
    size = function.known("ephemeral_storage", Mapping, {}).get("size", 512)
    return size if isinstance(size, int | float) else 512


def collections(used: "Used[PipelineArgs, SearchUsageArgs]") -> Iterator[Quantity]:
    """What indexes hold."""
    if used.has(COLLECTION):
        yield used.use(COLLECTION, "index storage", "aoss.storage", used.usage.index_storage_gb)


def tables(used: "Used[PipelineArgs, ZeroEtlUsageArgs | ExportUsageArgs]") -> Iterator[Quantity]:
    """Storage, point-in-time recovery, writes and reads of the tables that the program creates. Adopted tables add no
    cost."""
    source_tables, usage = of_type(used.resources, TABLE), used.usage
    if not source_tables:
        return
    yield used.use(TABLE, "tables' storage", "dynamodb.storage", usage.storage_gb)
    if any(each.known("point_in_time_recovery", Mapping, {}).get("enabled") for each in source_tables):
        yield used.use(TABLE, "point-in-time recovery", "dynamodb.pitr", usage.storage_gb)
    yield used.use(TABLE, "tables' writes", "dynamodb.write", usage.monthly_write_request_units)
    yield used.use(TABLE, "tables' reads", "dynamodb.read", usage.monthly_read_request_units)


def _zero_etl(used: "Used[ZeroEtlArgs, ZeroEtlUsageArgs]") -> Iterator[Quantity]:
    usage, region = used.usage, used.args.account.region
    yield from collections(used)
    yield from tables(used)
    if any(table.export for table in used.args.tables):
        what = "first export of the tables"
        yield quantity(INGESTION, what, "once", "dynamodb.export", region, usage.storage_gb)
    reads = usage.monthly_streams_read_request_units
    yield used.use(INGESTION, "reads of the streams", "dynamodb.stream_read", reads)
    yield used.use(BUCKET, "exports and dead letters", "s3.storage", 0, usage.storage_gb)


def _firehose(used: "Used[FirehoseArgs, FirehoseUsageArgs]") -> Iterator[Quantity]:
    """Kinesis rounds a record up to 1 KB on demand and counts parts of 25 KB of a provisioned stream; Firehose rounds a
    record of a stream up to 5 KB, but not what goes into a VPC (https://aws.amazon.com/kinesis/data-streams/pricing/,
    https://aws.amazon.com/firehose/pricing/)."""
    usage = used.usage
    records = Decimal(str(usage.monthly_data_ingested_gb)) * GB / Decimal(str(usage.record_bytes))

    def rounded(step: int) -> Decimal:
        return records * math.ceil(usage.record_bytes / step)

    yield from collections(used)
    for stream in of_type(used.resources, STREAM):
        hours = stream.number("retention_period", 24)
        gb = rounded(KB) * KB / GB
        if stream.known("stream_mode_details", Mapping, {}).get("stream_mode") == "ON_DEMAND":
            yield used.use(STREAM, "records written", "kinesis.on_demand_in", gb)
            yield used.use(STREAM, "records read", "kinesis.on_demand_out", gb)
            stored_gb = gb / 730 * (min(hours, Decimal(168)) - 24)
            if hours > 24:
                yield used.use(
                    STREAM, "records kept from a day to seven", "kinesis.on_demand_retention", stored_gb
                )
            if hours > 168:
                stored_gb = gb / 730 * (hours - 168)
                yield used.use(STREAM, "records kept beyond seven days", "kinesis.long_retention", stored_gb)
        else:
            yield used.use(STREAM, "records written", "kinesis.put_unit", rounded(25 * KB))
            if hours > 168:  # up to seven days are paid by the shard and hour
                stored_gb = Decimal(str(usage.monthly_data_ingested_gb)) / 730 * (hours - 168)
                yield used.use(
                    STREAM, "records kept beyond seven days", "kinesis.shard_long_retention", stored_gb
                )
    yield used.use(DELIVERY, "records delivered", "firehose.in", rounded(5 * KB) * 5 * KB / GB)
    if any(map(subnets_of, of_type(used.resources, DELIVERY))):
        yield used.use(DELIVERY, "records into a VPC", "firehose.vpc_in", usage.monthly_data_ingested_gb)
    yield used.use(BUCKET, "backup", "s3.storage", usage.backup_gb)


def _export(used: "Used[ExportArgs, ExportUsageArgs]") -> Iterator[Quantity]:
    usage, region = used.usage, used.args.account.region
    runs = Decimal(str(usage.monthly_exports))
    exported = [source for source in used.args.sources if source.dynamodb]
    whole = [source for source in exported if source.mode != INCREMENTAL]
    by = RUN if used.has(RUN) else FUNCTION
    yield from tables(used)
    if whole:
        gb = Decimal(str(usage.storage_gb)) * runs
        yield used.use(by, "exports of tables", "dynamodb.export", gb, region=region)
    if len(whole) < len(exported):
        what = "increments, and a first export"
        yield used.use(by, what, "dynamodb.export", usage.monthly_changed_gb, region=region)
        yield quantity(by, what, "once", "dynamodb.export", region, usage.storage_gb)
    if len(exported) < len(used.args.sources):
        gb = Decimal(str(usage.snapshot_gb)) * runs
        yield used.use(by, "exports of snapshots", "rds.export", gb, region=region)
    if used.has(RUN):
        yield used.use(RUN, "transitions of the run", "states.transition", usage.monthly_transitions)
        args = used.args
        yield from tables_of_a_run(
            used,
            folds=any(source.mode == INCREMENTAL and source.format != ICEBERG for source in args.sources),
            fold_mb=args.fold_mb,
            iceberg=any(source.format == ICEBERG for source in args.sources),
            merges=args.merge_beyond,
            copies=bool(args.copies),
        )
    if used.has(CRAWLER):
        yield used.use(CRAWLER, "crawler", "glue.crawler", usage.monthly_hours)
    yield used.use(WORKGROUP, "queries", "athena.scan", usage.monthly_queries_tb)
    yield used.use(BUCKET, "landing", "s3.storage", usage.landing_gb)
    yield used.use(BUCKET, "requests that write or list", "s3.put", usage.monthly_tier_1_requests)
    yield used.use(BUCKET, "requests that read", "s3.get", usage.monthly_tier_2_requests)


def _replication(used: "Used[ReplicationArgs, ReplicationUsageArgs]") -> Iterator[Quantity]:
    """Transfer between regions is paid at the source, the requests at the destination
    (https://aws.amazon.com/s3/pricing/, "Replication")."""
    usage = used.usage
    gb, objects = usage.monthly_replicated_gb, usage.monthly_replicated_objects
    source, destination = used.region(REPLICATION), used.region(BUCKET)
    if source != destination:
        yield used.use(REPLICATION, "transfer between regions", "transfer.region", gb)
    if used.args.time_control:
        yield used.use(REPLICATION, "time control", "s3.time_control", gb)
    yield used.use(REPLICATION, "replicas written", "s3.put", objects, region=destination)
    if used.args.existing_objects:
        there = usage.existing_objects
        yield quantity(REPLICATION, "job for what was there", "once", "s3.batch_job", source, 1)
        yield quantity(REPLICATION, "objects that were there", "once", "s3.batch_object", source, there)
    yield used.use(BUCKET, "replicas", "s3.storage", usage.storage_gb)
    # An item for each export and its parts, gone after days: written twice at the most.
    if used.has(TABLE):
        yield used.use(TABLE, "what has arrived", "dynamodb.write", 0, 2 * objects)
    yield used.use(QUEUE, "arrivals", "sqs.request", 3 * objects)
    yield used.use(FUNCTION, "announcements", "events.custom", 0, objects, region=destination)
    if used.has(RUN):
        yield used.use(RUN, "transitions of the run", "states.transition", usage.monthly_transitions)
        yield used.use(WORKGROUP, "queries", "athena.scan", usage.monthly_queries_tb)
        yield used.use(BUCKET, "requests that write or list", "s3.put", usage.monthly_tier_1_requests)
        yield used.use(BUCKET, "requests that read", "s3.get", usage.monthly_tier_2_requests)
        catalog, filled = used.args.catalog, used.args.landing.filled
        if catalog and filled:
            yield from tables_of_a_run(
                used,
                folds=filled.folds,
                fold_mb=filled.fold_mb,
                iceberg=bool(filled.iceberg),
                merges=catalog.merge_beyond,
                copies=bool(catalog.copies),
            )


def _bigquery_transfer(used: "Used[BigQueryTransferArgs, BigQueryTransferUsageArgs]") -> Iterator[Quantity]:
    """Loads, the transfer service for Amazon S3 and Storage Transfer from it are free
    (https://cloud.google.com/bigquery/pricing#data_ingestion_pricing,
    https://cloud.google.com/storage-transfer/pricing); what leaves AWS is not."""
    usage, from_region = used.usage, used.args.landing.account.region
    place = used.region(DATASET)
    by = JOB if used.has(JOB) else LOADS
    gb = usage.monthly_transferred_gb
    yield used.use(by, "transfer out of AWS", "transfer.internet", gb, region=from_region)
    yield used.use(by, "files read", "s3.get", usage.monthly_objects, region=from_region)
    if used.has(COPIES):
        days = max(
            (
                rule["condition"]["age"]
                for bucket in of_type(used.resources, COPIES)
                for rule in bucket.known("lifecycle_rules", list, [])
                if rule.get("condition", {}).get("age")
            ),
            default=30,
        )
        stored_gb = Decimal(str(gb)) * Decimal(str(days)) / 30
        yield used.use(COPIES, "copies", "gcs.storage", stored_gb)
        yield used.use(COPIES, "copies written", "gcs.class_a", usage.monthly_objects)
    for what, key, amount in (
        ("tables", "bigquery.storage", usage.monthly_active_storage_gb),
        ("tables, unchanged for 90 days", "bigquery.long_storage", usage.monthly_long_term_storage_gb),
    ):
        yield used.use(GOOGLE_TABLE, what, key, amount, region=place)
    yield used.use(DATASET, "queries", "bigquery.query", usage.monthly_queries_tb, region=place)


BY_USE: dict[str, Callable[[Used[Any, Any]], Iterator[Quantity]]] = {
    "zero-etl": _zero_etl,
    "firehose": _firehose,
    "export": _export,
    "replication": _replication,
    "bigquery-transfer": _bigquery_transfer,
}
"""Kind of pipeline -> what it costs by use, beside its functions."""


def by_use(kind: str, used: Used[Any, Any]) -> Iterator[Quantity]:
    """What a pipeline costs by what it is used for."""
    yield from functions(used)
    yield from BY_USE[kind](used)
