"""Which calls describe each resource of a stack, so that a deployment's answers are recorded resource by resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, cast

from botocore.exceptions import ClientError

from tests.live.google import Refused
from tests.live.place import Place


class Reading(NamedTuple):
    """A call that describes a resource: its parameters are outputs of the resource by name, or lists of one."""

    service: str
    operation: str
    parameters: dict[str, Any]
    more: dict[str, Any] = {}  # noqa: RUF012  # never changed


BUCKET = {"Bucket": "bucket"}
AWS: dict[str, tuple[Reading, ...]] = {
    "aws:athena/workgroup:Workgroup": (Reading("athena", "get_work_group", {"WorkGroup": "name"}),),
    "aws:cloudwatch/dashboard:Dashboard": (
        Reading("cloudwatch", "get_dashboard", {"DashboardName": "dashboardName"}),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (Reading("logs", "describe_log_groups", {"logGroupNamePrefix": "name"}),),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (Reading("cloudwatch", "describe_alarms", {"AlarmNames": ["name"]}),),
    "aws:dynamodb/table:Table": (
        Reading("dynamodb", "describe_table", {"TableName": "name"}),
        Reading("dynamodb", "describe_continuous_backups", {"TableName": "name"}),
        Reading("dynamodb", "list_exports", {"TableArn": "arn"}),
    ),
    "aws:glue/catalogDatabase:CatalogDatabase": (
        Reading("glue", "get_database", {"Name": "name"}),
        Reading("glue", "get_tables", {"DatabaseName": "name"}),
    ),
    "aws:iam/role:Role": (
        Reading("iam", "get_role", {"RoleName": "name"}),
        Reading("iam", "list_role_policies", {"RoleName": "name"}),
    ),
    "aws:iam/rolePolicy:RolePolicy": (Reading("iam", "get_role_policy", {"RoleName": "role", "PolicyName": "name"}),),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (
        Reading("firehose", "describe_delivery_stream", {"DeliveryStreamName": "name"}),
    ),
    "aws:kinesis/stream:Stream": (Reading("kinesis", "describe_stream_summary", {"StreamName": "name"}),),
    "aws:kms/key:Key": (
        Reading("kms", "describe_key", {"KeyId": "keyId"}),
        Reading("kms", "get_key_policy", {"KeyId": "keyId"}),
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        Reading("lambda", "get_event_source_mapping", {"UUID": "uuid"}),
    ),
    "aws:lambda/function:Function": (Reading("lambda", "get_function_configuration", {"FunctionName": "name"}),),
    "aws:opensearch/serverlessCollection:ServerlessCollection": (
        Reading("opensearchserverless", "batch_get_collection", {"names": ["name"]}),
    ),
    "aws:opensearchingest/pipeline:Pipeline": (Reading("osis", "get_pipeline", {"PipelineName": "pipelineName"}),),
    "aws:s3/bucket:Bucket": (Reading("s3", "get_bucket_versioning", BUCKET), Reading("s3", "list_objects_v2", BUCKET)),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        Reading("s3", "get_bucket_lifecycle_configuration", BUCKET),
    ),
    "aws:s3/bucketNotification:BucketNotification": (Reading("s3", "get_bucket_notification_configuration", BUCKET),),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (Reading("s3", "get_bucket_ownership_controls", BUCKET),),
    "aws:s3/bucketPolicy:BucketPolicy": (Reading("s3", "get_bucket_policy", BUCKET),),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (Reading("s3", "get_public_access_block", BUCKET),),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": (Reading("s3", "get_bucket_replication", BUCKET),),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        Reading("s3", "get_bucket_encryption", BUCKET),
    ),
    "aws:scheduler/schedule:Schedule": (
        Reading("scheduler", "get_schedule", {"Name": "name", "GroupName": "groupName"}),
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": (Reading("scheduler", "get_schedule_group", {"Name": "name"}),),
    "aws:sfn/stateMachine:StateMachine": (
        Reading("stepfunctions", "describe_state_machine", {"stateMachineArn": "arn"}),
        Reading("stepfunctions", "list_executions", {"stateMachineArn": "arn"}),
    ),
    "aws:sns/topic:Topic": (Reading("sns", "get_topic_attributes", {"TopicArn": "arn"}),),
    "aws:sqs/queue:Queue": (Reading("sqs", "get_queue_attributes", {"QueueUrl": "url"}, {"AttributeNames": ["All"]}),),
}  # fmt: skip
# (API, path, outputs that fill it); what is None names the project.
GOOGLE: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": (
        ("bigquerydatatransfer", "/v1/{}", ("name",)),
        ("bigquerydatatransfer", "/v1/{}/runs", ("name",)),
    ),
    "gcp:bigquery/dataset:Dataset": (
        ("bigquery", "/bigquery/v2/projects/{}/datasets/{}", ("project", "datasetId")),
    ),
    "gcp:bigquery/table:Table": (
        ("bigquery", "/bigquery/v2/projects/{}/datasets/{}/tables/{}", ("project", "datasetId", "tableId")),
    ),
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": (("iam", "/v1/{}", ("name",)),),
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": (("iam", "/v1/{}", ("name",)),),
    "gcp:pubsub/topic:Topic": (("pubsub", "/v1/{}", ("id",)),),
    "gcp:serviceaccount/account:Account": (("iam", "/v1/{}", ("name",)),),
    "gcp:storage/bucket:Bucket": (
        ("storage", "/storage/v1/b/{}", ("name",)),
        ("storage", "/storage/v1/b/{}/iam", ("name",)),
    ),
    "gcp:storage/transferJob:TransferJob": (("storagetransfer", "/v1/{}", ("name",)),),
}
# What no call describes by itself, with where it is seen instead.
SEEN_ELSEWHERE = {
    "aws:athena/namedQuery:NamedQuery": "of the program's own text",
    "aws:cloudwatch/logStream:LogStream": "in its group",
    "aws:kms/alias:Alias": "in the key",
    "aws:lambda/invocation:Invocation": "in what the function made",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": "in the function",
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": "in the collection's answers",
    "aws:opensearch/serverlessLifecyclePolicy:ServerlessLifecyclePolicy": "in the collection",
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": "in the collection",
    "aws:s3/bucketVersioning:BucketVersioning": "with the bucket",
    "aws:sns/topicPolicy:TopicPolicy": "in the topic's attributes",
    "aws:sqs/queuePolicy:QueuePolicy": "in the queue's attributes",
    "gcp:projects/iAMMember:IAMMember": "in what the service account may do",
    "gcp:projects/iAMCustomRole:IAMCustomRole": "in what the service account may do",
    "gcp:pubsub/topicIAMMember:TopicIAMMember": "in what the topic gets",
    "gcp:serviceaccount/iAMMember:IAMMember": "in what the service account may do",
    "gcp:storage/bucketIAMMember:BucketIAMMember": "with the bucket",
}


def observe(place: Place, state: Iterable[Mapping[str, Any]]) -> None:
    """Makes the calls that describe what is in a stack's state, recorded; one that is refused is recorded as well."""
    accounts = {"near": 0, "far": 1}
    for resource in sorted(state, key=lambda resource: resource["urn"]):
        outputs: dict[str, Any] = resource.get("outputs") or {}
        kind = resource["type"]
        for reading in AWS.get(kind, ()):
            # The provider's URN ends in the account's name in the stack's config.
            account = accounts[resource["provider"].split("::")[-2]]
            with suppress(ClientError):
                arguments = {key: _value(outputs, output) for key, output in reading.parameters.items()}
                getattr(place(reading.service, account), reading.operation)(**arguments, **reading.more)
        for api, path, names in GOOGLE.get(kind, ()):
            with suppress(Refused):
                known: dict[str, Any] = {**outputs, "id": resource["id"]}
                # https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs/get
                more: dict[str, Any] = {"projectId": known["project"]} if api == "storagetransfer" else {}
                place.google(api, "GET", path, *(known[name] for name in names), **more)


def _value(outputs: Mapping[str, Any], output: Any) -> Any:
    return (
        [outputs[name] for name in cast("list[Any]", output)] if isinstance(output, list) else outputs[output]
    )


def unseen(state: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The types in a state that no call describes and no line excuses."""
    known = {*AWS, *GOOGLE, *SEEN_ELSEWHERE}
    for kind in sorted({resource["type"] for resource in state}):
        if kind.startswith(("aws:", "gcp:")) and kind not in known:
            yield kind
