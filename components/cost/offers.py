"""Where each price stands in the published lists, and how it is read out of one. Pure functions of a list's text.

AWS: one offer file a service and region, without credentials
(https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html); a
product is recognised by its usage type, which begins with the region's code everywhere but in us-east-1, and by what
sets it apart from others of that usage type. Google: the SKUs of a service
(https://cloud.google.com/billing/docs/reference/rest/v1/services.skus/list), recognised by their description and
region. A key that is in neither table has no usage type that a page names: its rows are read from the pages by hand.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

OFFER = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{}/current/{}/index.json"
SKUS = "https://cloudbilling.googleapis.com/v1/services/{}/skus"


@dataclass(frozen=True)
class Product:
    """A product of an offer: its usage type without the region's code, as a pattern, and attributes that it has, in
    capitals or not; the empty text is one that it has not."""

    offer: str
    usage: str
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])


def _dynamodb(usage: str, **attributes: str) -> Product:
    return Product("AmazonDynamoDB", usage, attributes)


PRODUCTS = {
    "aoss.ocu": Product("AmazonES", "IndexingOCU"),
    "osis.ocu": Product("AmazonES", "IngestionOCU"),
    "kinesis.stream_hour": Product("AmazonKinesis", "OnDemand-StreamHour"),
    "kinesis.on_demand_in": Product("AmazonKinesis", "OnDemand-BilledIncomingBytes"),
    "kinesis.on_demand_out": Product("AmazonKinesis", "OnDemand-BilledOutgoingBytes"),
    "kinesis.on_demand_retention": Product("AmazonKinesis", "OnDemand-ExtendedRetention-ByteHrs"),
    "kinesis.long_retention": Product("AmazonKinesis", "OnDemand-LongTermRetention-ByteHrs"),
    "kinesis.shard_long_retention": Product("AmazonKinesis", "LongTermRetention-ByteHrs"),
    "kinesis.shard_hour": Product("AmazonKinesis", "Storage-ShardHour"),
    "kinesis.put_unit": Product("AmazonKinesis", "PutRequestPayloadUnits"),
    "kinesis.extended_shard_hour": Product("AmazonKinesis", "Extended-ShardHour"),
    "firehose.in": Product(  # another source (`sourcetype`) is another price
        "AmazonKinesisFirehose", "BilledBytes", {"group": "Event-by-Event Processing", "sourcetype": ""}
    ),
    "firehose.vpc_hour": Product("AmazonKinesisFirehose", "Firehose-VpcDelivery-Hours"),
    "firehose.vpc_in": Product("AmazonKinesisFirehose", "Firehose-VpcDelivery-Bytes"),
    "dynamodb.storage": _dynamodb("TimedStorage-ByteHrs"),
    "dynamodb.pitr": _dynamodb("TimedPITRStorage-ByteHrs"),
    "dynamodb.write": _dynamodb("WriteRequestUnits", operation="PayPerRequestThroughput"),
    "dynamodb.read": _dynamodb("ReadRequestUnits", operation="PayPerRequestThroughput"),
    "dynamodb.export": _dynamodb("ExportDataSize-Bytes"),
    "rds.export": Product("AmazonRDS", "Aurora:SnapshotExportToS3"),
    # Intelligent-Tiering's overhead of an object is of the same usage type.
    "s3.storage": Product("AmazonS3", "TimedStorage-ByteHrs", {"volumeType": "Standard"}),
    "s3.infrequent": Product(
        "AmazonS3", "TimedStorage-SIA-ByteHrs", {"volumeType": "Standard - Infrequent Access"}
    ),
    "s3.put": Product("AmazonS3", "Requests-Tier1", {"group": "S3-API-Tier1"}),
    "s3.get": Product("AmazonS3", "Requests-Tier2", {"group": "S3-API-Tier2"}),
    "transfer.internet": Product("AWSDataTransfer", "DataTransfer-Out-Bytes", {"toLocation": "External"}),
    "glue.crawler": Product("AWSGlue", "Crawler-DPU-Hour", {"operation": "CrawlerRun"}),
    "athena.scan": Product("AmazonAthena", "DataScannedInTB"),
    "lambda.request": Product("AWSLambda", "Request", {"group": "AWS-Lambda-Requests"}),
    "lambda.x86_64": Product("AWSLambda", "Lambda-GB-Second", {"group": "AWS-Lambda-Duration"}),
    "lambda.arm64": Product("AWSLambda", "Lambda-GB-Second-ARM", {"group": "AWS-Lambda-Duration-ARM"}),
    "lambda.x86_64_storage": Product("AWSLambda", "Lambda-Storage-GB-Second"),
    "lambda.arm64_storage": Product("AWSLambda", "Lambda-Storage-GB-Second-ARM"),
    "states.transition": Product("AmazonStates", "StateTransition"),
    "events.custom": Product("AWSEvents", "Event-64K-Chunks", {"eventType": "Custom Event"}),
    # `Requests-RBP` in us-east-1, `Requests-Tier1` elsewhere, and both for FIFO and fair queues under other names.
    "sqs.request": Product("AWSQueueService", "Requests-(RBP|Tier1)", {"group": "SQS-APIRequest-Tier1"}),
    "sns.email": Product("AmazonSNS", "DeliveryAttempts-SMTP"),
    "logs.in": Product("AmazonCloudWatch", "DataProcessing-Bytes"),
    "logs.storage": Product("AmazonCloudWatch", "TimedStorage-ByteHrs"),
    "cloudwatch.alarm": Product("AmazonCloudWatch", "CW:AlarmMonitorUsage", {"alarmType": "Standard"}),
    # https://repost.aws/knowledge-center/cloudwatch-understand-and-reduce-charges
    "cloudwatch.dashboard": Product("AmazonCloudWatch", "DashboardsUsageHour"),
    "cloudwatch.fast_alarm": Product("AmazonCloudWatch", "CW:HighResAlarmMonitorUsage"),
    "cloudwatch.composite": Product("AmazonCloudWatch", "CW:CompositeAlarmMonitorUsage"),
    "cloudwatch.metric": Product("AmazonCloudWatch", "CW:MetricMonitorUsage"),
    "kms.key": Product("awskms", "KMS-Keys"),
    "kms.request": Product("awskms", "KMS-Requests"),
}
"""Price -> its product of AWS."""

BIGQUERY, STORAGE = "24E6-581D-38E5", "95FF-2EF5-5EA1"
GOOGLE = {
    "bigquery.storage": (BIGQUERY, r"Active Logical Storage \(.*\)"),
    "bigquery.long_storage": (BIGQUERY, r"Long Term Logical Storage \(.*\)"),
    "bigquery.query": (BIGQUERY, r"Analysis \(.*\)"),
    "gcs.storage": (STORAGE, r"Standard Storage (?!.*Dual-region|.*Early Delete).*"),
}
"""Price -> the service and the description of its SKU at Google."""
PLACES = {"eu": ("eu", "europe")}
"""What else a location is called: Cloud Storage's multi-region EU is `europe` among its SKUs' regions, else those of
https://cloud.google.com/storage/docs/locations (`getDSRegionResourceGroup` in
https://github.com/infracost/infracost/blob/master/internal/resources/google/storage_bucket.go)."""


def offered(offer: str, listed: Mapping[str, Any]) -> Iterator[tuple[str, Decimal]]:
    """The prices that one offer file of AWS has, by key: the first that is not free of the tiers on demand."""
    for key, product in PRODUCTS.items():
        if product.offer != offer:
            continue
        # us-east-1 has no code, or one that some services write all the same; KMS writes the region's name. IA- is no
        # region but DynamoDB's class for what is seldom read.
        usage = re.compile(rf"(?!IA-)([A-Z]+\d?-|[a-z]+(-[a-z]+)+-\d-)?{product.usage}")
        for sku, item in listed["products"].items():
            attributes = item.get("attributes", {})
            if usage.fullmatch(attributes.get("usagetype", "")) and all(
                attributes.get(name, "").lower() == value.lower()
                for name, value in product.attributes.items()
            ):
                tiers = sorted(
                    (Decimal(tier.get("beginRange", "0")), Decimal(tier["pricePerUnit"]["USD"]))
                    for term in listed["terms"]["OnDemand"].get(sku, {}).values()
                    for tier in term["priceDimensions"].values()
                )
                if paid := [price for _, price in tiers if price]:
                    yield key, paid[0]
                    break


def sold(service: str, skus: Mapping[str, Any], region: str) -> Iterator[tuple[str, Decimal]]:
    """The prices that one answer of Google's list of SKUs has for a region, by key: the last tier, as the first is
    free."""
    for key, (of, described) in GOOGLE.items():
        for sku in skus.get("skus", ()) if of == service else ():
            places = [place.lower() for place in sku.get("serviceRegions", ())]
            here = PLACES.get(region.lower(), (region.lower(),))
            if re.fullmatch(described, sku.get("description", "")) and not {*here}.isdisjoint(places):
                price = sku["pricingInfo"][0]["pricingExpression"]["tieredRates"][-1]["unitPrice"]
                yield key, Decimal(price.get("units", "0")) + Decimal(price.get("nanos", 0)) / 10**9
                break
