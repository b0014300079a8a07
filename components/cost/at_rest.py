"""What each type of resource costs by being there, and what a setting of it adds where it is used.

Sources: the pricing pages of prices/*.csv; a page here where how it is counted stands elsewhere.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from components.arguments.plain import is_list, is_mapping
from components.cost.resource import HOURS, Quantity, Resource, quantity

COLLECTION = "aws:opensearch/serverlessCollection:ServerlessCollection"
GROUP = "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
STREAM = "aws:kinesis/stream:Stream"
DELIVERY = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
POLLS = 730 * 3600 // 20
"""Long polls of one poller in a month, each 20 seconds where nothing comes."""


def _collection(resource: Resource) -> Iterator[Quantity]:
    """A classic collection never has fewer units than half a one for indexing and half a one for search, and twice that
    with standby replicas (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scaling.html).
    One in a group is paid by its group."""
    if resource.inputs.get("collection_group_name"):
        return
    units = 2 if resource.known("standby_replicas", str, "ENABLED") == "ENABLED" else 1
    yield quantity(
        COLLECTION, "collection, units at the least", "at rest", "aoss.ocu", resource.region, units * HOURS
    )


def is_nextgen(group: Resource) -> bool:
    """Whether a collection group is of the next generation; one that names none is classic
    (https://www.pulumi.com/registry/packages/aws/api-docs/opensearch/serverlesscollectiongroup/)."""
    return group.known("generation", str, "CLASSIC") == "NEXTGEN"


def _group(resource: Resource) -> Iterator[Quantity]:
    """A group never has fewer units than its minimum, and one of the next generation may have none
    (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scale-to-zero.html). A classic one
    has what a classic collection has where its minimum is below that, once for all that stand in it
    (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/collection-groups-capacity-limits.html); it is
    taken to have one."""
    limits_set = resource.known("capacity_limits", list, [])
    limits: dict[str, Any] = limits_set[0] if limits_set else {}
    standby = resource.known("standby_replicas", str, "ENABLED") == "ENABLED"
    below = 0 if is_nextgen(resource) else 1 if standby else 0.5
    least = sum(
        max(limits.get(key) or 0, below)
        for key in ("min_indexing_capacity_in_ocu", "min_search_capacity_in_ocu")
    )
    yield quantity(
        GROUP,
        "collection group, units at the least",
        "at rest",
        "aoss.ocu",
        resource.region,
        Decimal(str(least)) * HOURS,
    )


def _ingestion(resource: Resource) -> Iterator[Quantity]:
    """An ingestion pipeline is paid by the unit and hour, from its least to its most
    (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/ingestion-scaling.html)."""
    least, most = (resource.number(key, 1) for key in ("min_units", "max_units"))
    yield quantity(
        resource.type, "ingestion, units at the least", "at rest", "osis.ocu", resource.region, least * HOURS
    )
    if most > least:
        more = (most - least) * HOURS
        yield quantity(
            resource.type, "ingestion, further units", "by use", "osis.ocu", resource.region, 0, more
        )


def _stream(resource: Resource) -> Iterator[Quantity]:
    mode = resource.known("stream_mode_details", Mapping, {}).get("stream_mode", "PROVISIONED")
    if mode == "ON_DEMAND":
        yield quantity(STREAM, "stream, on demand", "at rest", "kinesis.stream_hour", resource.region, HOURS)
        return
    shards = resource.number("shard_count", 1)
    yield quantity(STREAM, "shards", "at rest", "kinesis.shard_hour", resource.region, shards * HOURS)
    if resource.number("retention_period", 24) > 24:
        key = "kinesis.extended_shard_hour"
        yield quantity(
            STREAM, "shards, kept longer than a day", "at rest", key, resource.region, shards * HOURS
        )


def _delivery(resource: Resource) -> Iterator[Quantity]:
    """A delivery stream into a VPC is paid for each hour in each availability zone
    (https://aws.amazon.com/firehose/pricing/, "VPC delivery"). Its subnets may be of one zone or of one each."""
    if subnets := subnets_of(resource):
        most = subnets * HOURS
        yield quantity(
            DELIVERY, "delivery into a VPC", "at rest", "firehose.vpc_hour", resource.region, HOURS, most
        )


def subnets_of(delivery: Resource) -> int:
    """How many subnets a delivery stream delivers into; none where its destination is in no VPC, and one where they are
    not known."""
    for key, destination in delivery.inputs.items():
        network = (
            destination.get("vpc_config")
            if key.endswith("_configuration") and is_mapping(destination)
            else None
        )
        if network:
            subnets = network.get("subnet_ids") if is_mapping(network) else None
            return max(1, len(subnets)) if is_list(subnets) else 1
    return 0


def _key(resource: Resource) -> Iterator[Quantity]:
    """Each of the first two yearly rotations adds a dollar a month (https://aws.amazon.com/kms/pricing/)."""
    most = 3 if resource.known("enable_key_rotation", bool, False) else 1
    yield quantity(
        resource.type, "keys, and their first two rotations", "at rest", "kms.key", resource.region, 1, most
    )


def _alarm(resource: Resource) -> Iterator[Quantity]:
    """An alarm is paid by the metrics that it looks at, so that metric math saves nothing; a metric that no service
    sends is paid itself, for each hour in which it is sent (https://aws.amazon.com/cloudwatch/pricing/, "Alarms" and
    "Custom Metrics")."""
    queries: list[Any] = [
        query["metric"] for query in resource.known("metric_queries", list, []) if query.get("metric")
    ]
    metrics = queries or [resource.inputs]
    period = resource.number("period", 60)
    key = "cloudwatch.fast_alarm" if period < 60 else "cloudwatch.alarm"
    yield quantity(ALARM, "alarms", "at rest", key, resource.region, len(metrics))
    custom = sum(not str(metric.get("namespace", "AWS/")).startswith("AWS/") for metric in metrics)
    if custom:
        yield quantity(
            ALARM, "metrics that functions send", "by use", "cloudwatch.metric", resource.region, 0, custom
        )


def _dashboard(resource: Resource) -> Iterator[Quantity]:
    """A dashboard is paid by the month. Three of an account with no more than 50 metrics each are free, which is what
    the least counts (https://aws.amazon.com/cloudwatch/pricing/, "Free tier")."""
    yield quantity(DASHBOARD, "dashboards", "at rest", "cloudwatch.dashboard", resource.region, 0, 1)


def _replication(resource: Resource) -> Iterator[Quantity]:
    """The metrics of a rule are paid as custom ones: bytes and operations that wait, operations that failed, and the
    latency (https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html)."""
    rules: list[Any] = resource.known("rules", list, [])
    enabled = sum(
        _is_enabled(rule.get("destination", {}).get("metrics")) for rule in rules if is_mapping(rule)
    )
    if enabled:
        yield quantity(
            resource.type,
            "metrics of replication",
            "by use",
            "cloudwatch.metric",
            resource.region,
            0,
            4 * enabled,
        )


def _is_enabled(metrics: Any) -> bool:
    return is_mapping(metrics) and metrics.get("status") == "Enabled"


def _mapping(resource: Resource) -> Iterator[Quantity]:
    """Lambda reads a queue by long polls, five at once, and as few as two where little comes
    (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html)."""
    yield quantity(
        MAPPING, "polls of a queue", "at rest", "sqs.request", resource.region, 2 * POLLS, 5 * POLLS
    )


def _bucket_metric(resource: Resource) -> Iterator[Quantity]:
    """Metrics of requests are paid as custom ones: 16 of them at the most
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html)."""
    yield quantity(
        resource.type, "metrics of requests", "at rest", "cloudwatch.metric", resource.region, 1, 16
    )


def _mails(resource: Resource) -> Iterator[Quantity]:
    """An alarm that fires and ends is two mails; 500 of them are a bad month."""
    yield quantity(resource.type, "mails of alarms", "by use", "sns.email", resource.region, 0, 1000)


AT_REST: dict[str, Callable[[Resource], Iterator[Quantity]]] = {
    COLLECTION: _collection,
    GROUP: _group,
    "aws:opensearchingest/pipeline:Pipeline": _ingestion,
    STREAM: _stream,
    DELIVERY: _delivery,
    "aws:kms/key:Key": _key,
    ALARM: _alarm,
    DASHBOARD: _dashboard,
    MAPPING: _mapping,
    REPLICATION: _replication,
    "aws:s3/bucketMetric:BucketMetric": _bucket_metric,
    "aws:sns/topicSubscription:TopicSubscription": _mails,
}
"""Type of resource -> what it costs by being there."""
