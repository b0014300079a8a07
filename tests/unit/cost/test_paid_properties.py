"""What the program sets of a type that is paid is priced, listed as left out, or free: no setting is paid in silence.

Each property that a stack of this repository, or the settings that none has, writes of such a type stands in one of the
tables below; one that is new fails until somebody has read the service's pricing page. A table that holds a property
that nobody writes any more fails as well.
"""

import copy
import fnmatch
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from components.arguments.plain import is_list, is_mapping
from components.cost import Pipeline, Resource, estimate
from components.cost.estimates import LEFT_OUT
from components.cost.free import FREE
from components.cost.resource import snake
from components.pipelines.export.sources import ExportSourceArgs
from tests.recording import Recorded, Recording, record
from tests.unit.cost.test_cases import CASES
from tests.unit.cost.test_estimates import STACKS, options

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
BUCKET, COPIES = "aws:s3/bucket:Bucket", "gcp:storage/bucket:Bucket"
COLLECTION = "aws:opensearch/serverlessCollection:ServerlessCollection"
CRAWLER = "aws:glue/crawler:Crawler"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
DATASET, GOOGLE_TABLE = "gcp:bigquery/dataset:Dataset", "gcp:bigquery/table:Table"
DELIVERY = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
FUNCTION = "aws:lambda/function:Function"
GROUP = "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup"
INGESTION = "aws:opensearchingest/pipeline:Pipeline"
KEY = "aws:kms/key:Key"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
MAILS = "aws:sns/topicSubscription:TopicSubscription"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
QUEUE = "aws:sqs/queue:Queue"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
RUN = "aws:sfn/stateMachine:StateMachine"
SCHEDULE = "aws:scheduler/schedule:Schedule"
STREAM = "aws:kinesis/stream:Stream"
TABLE = "aws:dynamodb/table:Table"
WORKGROUP = "aws:athena/workgroup:Workgroup"

TO, BACKUP = "opensearchserverlessConfiguration", "opensearchserverlessConfiguration.s3Configuration"
RULE, LIMIT = "rules.destination", "capacityLimits"
PRICED: dict[str, dict[str, Any]] = {
    ALARM: {"period": 10, "namespace": "its-own"},
    COLLECTION: {"collectionGroupName": "", "standbyReplicas": "DISABLED"},
    COPIES: {"lifecycleRules.condition.age": 60},
    DELIVERY: {f"{TO}.vpcConfig.subnetIds": ["subnet-1", "subnet-2", "subnet-3"]},
    FUNCTION: {"architectures": ["x86_64"], "memorySize": 1024, "ephemeralStorage.size": 512},
    GROUP: {
        f"{LIMIT}.maxIndexingCapacityInOcu": 16,
        f"{LIMIT}.maxSearchCapacityInOcu": 16,
        f"{LIMIT}.minIndexingCapacityInOcu": 2,
        f"{LIMIT}.minSearchCapacityInOcu": 2,
        "generation": "CLASSIC",
    },
    INGESTION: {"minUnits": 3, "maxUnits": 9},
    KEY: {"enableKeyRotation": False},
    LOGS: {"retentionInDays": 365},
    REPLICATION: {f"{RULE}.metrics.status": "Disabled"},
    SCHEDULE: {"scheduleExpression": "rate(1 minute)"},
    STREAM: {"retentionPeriod": 8760, "shardCount": 9, "streamModeDetails.streamMode": "PROVISIONED"},
    TABLE: {"pointInTimeRecovery.enabled": False},
}
"""Type -> property -> a value with which its resource costs something else."""

LINES: dict[str, dict[str, str]] = {
    ALARM: {"alarmActions": "mails of alarms", "okActions": "mails of alarms"},
    CRAWLER: {"schedule": "crawler", "recrawlPolicy.*": "crawler", "s3Targets.*": "crawler"},
    DELIVERY: {
        "kinesisSourceConfiguration.kinesisStreamArn": "records read",
        f"{TO}.processingConfiguration.*": "runs of functions",
        f"{TO}.s3BackupMode": "backup",
        f"{BACKUP}.bucketArn": "backup",
        f"{BACKUP}.compressionFormat": "backup",
        f"{TO}.cloudwatchLoggingOptions.*": "logs taken in",
        f"{BACKUP}.cloudwatchLoggingOptions.*": "logs taken in",
    },
    FUNCTION: {"loggingConfig.*": "logs taken in", "timeout": "time of functions"},
    INGESTION: {"logPublishingOptions.*": "logs taken in"},
    MAILS: {"protocol": "mails of alarms"},
    MAPPING: {"eventSourceArn": "polls of a queue"},
    QUEUE: {"redrivePolicy": "messages"},
    REPLICATION: {
        f"{RULE}.replicationTime.*": "time control",
        f"{RULE}.metrics.eventThreshold.*": "time control",
        f"{RULE}.bucket": "replicas",
    },
    RUN: {"type": "transitions of the run"},
    SCHEDULE: {"target.retryPolicy.*": "schedules", "target.deadLetterConfig.*": "messages"},
    TABLE: {
        "billingMode": "tables' writes",
        "streamEnabled": "reads of the streams",
        "streamViewType": "reads of the streams",
    },
    WORKGROUP: {"configuration.resultConfiguration.outputLocation": "queries"},
}
"""Type -> property -> the line that it is paid in, by what the pipeline is used for."""

KEYS = "requests for keys"
LISTED: dict[str, dict[str, str]] = {
    CRAWLER: {"securityConfiguration": KEYS},
    DELIVERY: {f"{BACKUP}.buffering*": "requests of S3 that Firehose", f"{TO}.buffering*": "requests of S3"},
    REPLICATION: {"*.encryptionConfiguration.*": KEYS, "*.sseKmsEncryptedObjects.*": KEYS},
    STREAM: {"encryptionType": KEYS, "kmsKeyId": KEYS},
    WORKGROUP: {"configuration.resultConfiguration.encryptionConfiguration.*": KEYS},
}
"""Type -> property -> how the sentence of the estimate that leaves it out begins."""

ANY = ("name", "description", "role", "roleArn", "labels.*", "forceDestroy", "*.roleArn", "policy")
COSTLESS: dict[str, tuple[str, ...]] = {
    ALARM: (
        *("alarmDescription", "comparisonOperator", "datapointsToAlarm", "dimensions.*", "evaluationPeriods"),
        *("metricName", "statistic", "threshold", "treatMissingData"),
    ),
    BUCKET: ("bucket",),
    COLLECTION: ("type",),
    COPIES: ("location", "lifecycleRules.action.type", "publicAccessPrevention", "uniformBucketLevelAccess"),
    CRAWLER: ("configuration", "databaseName", "schemaChangePolicy.*"),
    # What it shows decides only whether it is among those that are free, which an estimate leaves open.
    DASHBOARD: ("dashboardBody", "dashboardName"),
    DATASET: (
        "accesses.*",
        "datasetId",
        "defaultPartitionExpirationMs",
        "deleteContentsOnDestroy",
        "location",
    ),
    DELIVERY: (
        *("destination", f"{TO}.collectionEndpoint", f"{TO}.indexName", f"{TO}.retryDuration"),
        *(f"{BACKUP}.prefix", f"{BACKUP}.errorOutputPrefix", f"{TO}.vpcConfig.securityGroupIds"),
    ),
    # Free are a network interface (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html) and reserved
    # concurrency (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html).
    FUNCTION: (
        *("code", "environment.*", "handler", "reservedConcurrentExecutions", "runtime", "s3Bucket", "s3Key"),
        "vpcConfig.*",
    ),
    GOOGLE_TABLE: ("datasetId", "deletionProtection", "schema", "tableId", "timePartitioning.*", "view.*"),
    GROUP: ("standbyReplicas",),  # of the next generation: always
    INGESTION: ("pipelineConfigurationBody", "pipelineName", "pipelineRoleArn"),
    KEY: ("deletionWindowInDays",),
    MAILS: ("endpoint", "topic"),
    MAPPING: ("batchSize", "functionName", "functionResponseTypes", "scalingConfig.*"),
    QUEUE: ("messageRetentionSeconds", "sqsManagedSseEnabled", "visibilityTimeoutSeconds"),
    REPLICATION: (
        *("bucket", "rules.deleteMarkerReplication.*", "rules.filter.*", "rules.id", "rules.priority"),
        *("rules.status", f"{RULE}.account", f"{RULE}.accessControlTranslation.*"),
    ),
    RUN: ("definition",),
    SCHEDULE: (
        "flexibleTimeWindow.*",
        "groupName",
        "scheduleExpressionTimezone",
        "target.arn",
        "target.input",
    ),
    # What time to live deletes is free (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html).
    TABLE: ("attributes.*", "deletionProtectionEnabled", "hashKey", "rangeKey", "ttl.*"),
    # What AWS's services send to CloudWatch is free (https://aws.amazon.com/cloudwatch/pricing/, "Metrics").
    WORKGROUP: (
        *("configuration.bytesScannedCutoffPerQuery", "configuration.enforceWorkgroupConfiguration"),
        *(
            "configuration.publishCloudwatchMetricsEnabled",
            "configuration.resultConfiguration.expectedBucketOwner",
        ),
    ),
}
"""Type -> properties that nothing is paid for."""
KIND = {
    **dict.fromkeys((CRAWLER, RUN, TABLE, WORKGROUP), "export"),
    **dict.fromkeys((DATASET, GOOGLE_TABLE, COPIES), "bigquery-transfer"),
    REPLICATION: "replication",
}


def programs() -> list[Recording]:
    return [*map(record, STACKS), record("prod", options())]


def paths(value: Any, at: str = "") -> Iterator[str]:
    """The properties of inputs, those of a list's items as of one."""
    items = value if is_list(value) and value and all(map(is_mapping, value)) else [value]
    for item in items:
        if is_mapping(item) and item:
            for key, inner in item.items():
                yield from paths(inner, f"{at}.{key}" if at else key)
        else:
            yield at


def written() -> dict[str, set[str]]:
    """The properties that the programs write, by type; not of the types of which nothing is paid."""
    properties: dict[str, set[str]] = {}
    for resource in (each for program in programs() for each in program.resources):
        if resource.type not in FREE and not resource.type.startswith(("pulumi:", "tributary:")):
            properties.setdefault(resource.type, set()).update(paths(resource.inputs))
    return properties


def tables(type: str) -> list[str]:
    return [*PRICED.get(type, ()), *LINES.get(type, ()), *LISTED.get(type, ()), *COSTLESS.get(type, ())]


def matches(path: str, patterns: Any) -> list[str]:
    return [pattern for pattern in patterns if fnmatch.fnmatchcase(path, pattern)]


def test_each_property_of_what_is_paid_is_priced_listed_or_free() -> None:
    unknown = {
        f"{type}: {path}"
        for type, properties in written().items()
        for path in properties
        if not matches(path, (*tables(type), *ANY))
    }
    assert not unknown, "read the pricing page: is it paid? then price it, or list it in LEFT_OUT"


def test_no_table_has_a_property_that_is_not_written_or_that_another_has() -> None:
    properties = written()
    unused = [
        (type, pattern)
        for type in {*PRICED, *LINES, *LISTED, *COSTLESS}
        for pattern in tables(type)
        if not fnmatch.filter(properties.get(type, ()), pattern)
    ]
    assert unused == []
    twice = [
        (type, path)
        for type, each in properties.items()
        for path in each
        if len(matches(path, tables(type))) > 1
    ]
    assert twice == []


def changed(inputs: Any, path: str, value: Any) -> Any:
    """Inputs with a property set wherever it is."""
    key, _, rest = path.partition(".")
    if is_list(inputs):
        return [changed(each, path, value) for each in inputs]
    if not is_mapping(inputs) or key not in inputs:
        return inputs
    return {**inputs, key: changed(inputs[key], rest, value) if rest else value}


def lines(resource: Recorded, inputs: Any) -> list[Any]:
    """The lines of a pipeline that registers this alone."""
    account = SimpleNamespace(region="us-east-1")
    args = SimpleNamespace(
        account=account,
        landing=SimpleNamespace(account=account),
        tables=[],
        sources=[ExportSourceArgs(dynamodb="orders")],
        time_control=True,
        existing_objects=False,
    )
    there = Resource(resource.type, "pipe", snake(inputs), "us-east-1", "1")
    return list(estimate([there], {"pipe": Pipeline(KIND.get(resource.type, "firehose"), args)}).lines)


@pytest.mark.parametrize(
    ("type", "path"), [(type, path) for type, properties in PRICED.items() for path in properties], ids=str
)
def test_a_priced_property_changes_what_its_resource_costs(type: str, path: str) -> None:
    value = PRICED[type][path]
    resource, other = next(
        (each, other)
        for program in programs()
        for each in program.resources
        if each.type == type and path in paths(each.inputs)
        and (other := changed(copy.deepcopy(each.inputs), path, value)) != each.inputs
    )  # fmt: skip
    assert lines(resource, other) != lines(resource, resource.inputs)


def test_each_line_that_a_property_is_paid_in_is_computed_by_hand_or_is_one_of_a_program() -> None:
    listed = {line["what"] for program in programs() for line in program.outputs["cost"]["lines"]}
    listed |= {case.what for case in CASES}
    assert {line for properties in LINES.values() for line in properties.values()} - listed == set()


def test_each_sentence_that_leaves_a_property_out_is_printed() -> None:
    starts = {start for properties in LISTED.values() for start in properties.values()}
    assert [start for start in starts if not any(text.startswith(start) for text in LEFT_OUT)] == []
