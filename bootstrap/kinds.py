"""What a registered resource is called in AWS: each type of resource, its name in the AWS provider, and its ARNs.

The forms of the ARNs: https://docs.aws.amazon.com/service-authorization/latest/reference/. A resource that hangs on
another (a bucket's policy) has the other's. One whose ARN is an id that the service makes up (a key, a collection) has
a pattern here; it is recognised by the tags that the provider sets on everything it makes (`BY_TAG`).
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A type of resource: the provider's own name of it, and its ARNs with the inputs that they are made of."""

    provider: str
    arns: tuple[str, ...]
    named_after: str = "name"
    """The input that holds the physical name."""


def _of(service: str, resource: str) -> str:
    return f"arn:{{partition}}:{service}:{{region}}:{{account}}:{resource}"


BUCKET = "arn:{partition}:s3:::{bucket}"
ROLE = "arn:{partition}:iam::{account}:role/{%s}"
USER = "arn:{partition}:iam::{account}:user/{%s}"
FUNCTION = _of("lambda", "function:{%s}")
KEY, COLLECTION = _of("kms", "key/*"), _of("aoss", "collection/*")
GROUP = "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup"
ADOPTED_GROUP = "aws:opensearch/getServerlessCollectionGroup:getServerlessCollectionGroup"
BY_TAG = {
    "aws:kms/key:Key",
    "aws:lambda/eventSourceMapping:EventSourceMapping",
    "aws:opensearch/serverlessCollection:ServerlessCollection",
    GROUP,
}

KINDS = {
    "aws:athena/namedQuery:NamedQuery": Kind(
        "aws_athena_named_query", (_of("athena", "workgroup/{workgroup}"),), "workgroup"
    ),
    "aws:athena/workgroup:Workgroup": Kind("aws_athena_workgroup", (_of("athena", "workgroup/{name}"),)),
    "aws:cloudwatch/eventRule:EventRule": Kind("aws_cloudwatch_event_rule", (_of("events", "rule/{name}"),)),
    "aws:cloudwatch/eventTarget:EventTarget": Kind(
        "aws_cloudwatch_event_target", (_of("events", "rule/{rule}"),), "rule"
    ),
    "aws:cloudwatch/logGroup:LogGroup": Kind(
        "aws_cloudwatch_log_group", (_of("logs", "log-group:{name}"), _of("logs", "log-group:{name}:*"))
    ),
    "aws:cloudwatch/logStream:LogStream": Kind(
        "aws_cloudwatch_log_stream",
        (_of("logs", "log-group:{logGroupName}"), _of("logs", "log-group:{logGroupName}:*")),
        "logGroupName",
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Kind(
        "aws_cloudwatch_metric_alarm", (_of("cloudwatch", "alarm:{name}"),)
    ),
    # A dashboard is its account's, in every region
    # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html).
    "aws:cloudwatch/dashboard:Dashboard": Kind(
        "aws_cloudwatch_dashboard",
        ("arn:{partition}:cloudwatch::{account}:dashboard/{dashboardName}",),
        "dashboardName",
    ),
    "aws:dynamodb/table:Table": Kind("aws_dynamodb_table", (_of("dynamodb", "table/{name}"),)),
    "aws:glue/catalogDatabase:CatalogDatabase": Kind(
        "aws_glue_catalog_database",
        # Deleting a database deletes what is in it
        # (https://docs.aws.amazon.com/glue/latest/webapi/API_DeleteDatabase.html).
        tuple(
            _of("glue", part)
            for part in ("catalog", "database/{name}", "table/{name}/*", "userDefinedFunction/{name}/*")
        ),
    ),
    "aws:glue/crawler:Crawler": Kind("aws_glue_crawler", (_of("glue", "crawler/{name}"),)),
    "aws:glue/securityConfiguration:SecurityConfiguration": Kind("aws_glue_security_configuration", ()),
    "aws:iam/accessKey:AccessKey": Kind("aws_iam_access_key", (USER % "user",), "user"),
    "aws:iam/role:Role": Kind("aws_iam_role", (ROLE % "name",)),
    "aws:iam/rolePolicy:RolePolicy": Kind("aws_iam_role_policy", (ROLE % "role",), "role"),
    "aws:iam/user:User": Kind("aws_iam_user", (USER % "name",)),
    "aws:iam/userLoginProfile:UserLoginProfile": Kind("aws_iam_user_login_profile", (USER % "user",), "user"),
    "aws:iam/userPolicy:UserPolicy": Kind("aws_iam_user_policy", (USER % "user",), "user"),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": Kind(
        "aws_kinesis_firehose_delivery_stream", (_of("firehose", "deliverystream/{name}"),)
    ),
    "aws:kinesis/stream:Stream": Kind("aws_kinesis_stream", (_of("kinesis", "stream/{name}"),)),
    "aws:kms/alias:Alias": Kind("aws_kms_alias", (_of("kms", "{name}"), KEY)),
    "aws:kms/key:Key": Kind("aws_kms_key", (KEY,), ""),
    "aws:lakeformation/permissions:Permissions": Kind("aws_lakeformation_permissions", (), ""),
    "aws:lakeformation/resource:Resource": Kind("aws_lakeformation_resource", (), ""),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Kind(
        "aws_lambda_event_source_mapping", (_of("lambda", "event-source-mapping:*"),), "functionName"
    ),
    "aws:lambda/function:Function": Kind("aws_lambda_function", (FUNCTION % "name",)),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Kind(
        "aws_lambda_function_event_invoke_config", (FUNCTION % "functionName",), "functionName"
    ),
    "aws:lambda/invocation:Invocation": Kind(
        "aws_lambda_invocation", (FUNCTION % "functionName",), "functionName"
    ),
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": Kind(
        "aws_opensearchserverless_access_policy", (), ""
    ),
    "aws:opensearch/serverlessCollection:ServerlessCollection": Kind(
        "aws_opensearchserverless_collection", (COLLECTION,)
    ),
    GROUP: Kind("aws_opensearchserverless_collection_group", (_of("aoss", "collection-group/*"),)),
    "aws:opensearch/serverlessLifecyclePolicy:ServerlessLifecyclePolicy": Kind(
        "aws_opensearchserverless_lifecycle_policy", (), ""
    ),
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": Kind(
        "aws_opensearchserverless_security_policy", (), ""
    ),
    "aws:opensearchingest/pipeline:Pipeline": Kind(
        "aws_osis_pipeline", (_of("osis", "pipeline/{pipelineName}"),), "pipelineName"
    ),
    "aws:s3/bucket:Bucket": Kind("aws_s3_bucket", (BUCKET,), "bucket"),
    **{
        f"aws:s3/bucket{part}:Bucket{part}": Kind(f"aws_s3_bucket_{name}", (BUCKET,), "bucket")
        for part, name in {
            "LifecycleConfiguration": "lifecycle_configuration",
            "Notification": "notification",
            "OwnershipControls": "ownership_controls",
            "Policy": "policy",
            "PublicAccessBlock": "public_access_block",
            "ReplicationConfig": "replication_configuration",
            "ServerSideEncryptionConfiguration": "server_side_encryption_configuration",
            "Versioning": "versioning",
        }.items()
    },
    "aws:s3/bucketObjectv2:BucketObjectv2": Kind("aws_s3_object", (BUCKET + "/code/*",), "bucket"),
    "aws:scheduler/schedule:Schedule": Kind(
        "aws_scheduler_schedule", (_of("scheduler", "schedule/{groupName}/{name}"),)
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Kind(
        "aws_scheduler_schedule_group", (_of("scheduler", "schedule-group/{name}"),)
    ),
    "aws:sfn/stateMachine:StateMachine": Kind(
        "aws_sfn_state_machine", (_of("states", "stateMachine:{name}"),)
    ),
    "aws:sns/topic:Topic": Kind("aws_sns_topic", (_of("sns", "{name}"),)),
    "aws:sns/topicPolicy:TopicPolicy": Kind("aws_sns_topic_policy", ("{arn}",), "arn"),
    "aws:sns/topicSubscription:TopicSubscription": Kind("aws_sns_topic_subscription", ("{topic}",), "topic"),
    "aws:sqs/queue:Queue": Kind("aws_sqs_queue", (_of("sqs", "{name}"),)),
    "aws:sqs/queuePolicy:QueuePolicy": Kind("aws_sqs_queue_policy", (_of("sqs", "{queueUrl}"),), "queueUrl"),
    # What a program reads through the provider at preview.
    "aws:dynamodb/getTable:getTable": Kind("aws_dynamodb_table (data)", (_of("dynamodb", "table/{name}"),)),
    "aws:kinesis/getStream:getStream": Kind("aws_kinesis_stream (data)", (_of("kinesis", "stream/{name}"),)),
    ADOPTED_GROUP: Kind(
        "aws_opensearchserverless_collection_group (data)", (_of("aoss", "collection-group/*"),)
    ),
    "aws:lakeformation/getDataLakeSettings:getDataLakeSettings": Kind(
        "aws_lakeformation_data_lake_settings (data)", (), ""
    ),
}
PROVIDER_NAMES = {kind.provider: token for token, kind in KINDS.items()}


def arns(type: str, inputs: Mapping[str, Any], place: Mapping[str, str]) -> list[str]:
    """The ARNs of a resource of this type; `place` is its `partition`, `region` and `account`."""
    fields = {**inputs, **place}
    if "queueUrl" in fields:
        fields["queueUrl"] = str(fields["queueUrl"]).rpartition("/")[2]
    if "functionName" in fields:
        fields["functionName"] = str(fields["functionName"]).rpartition(":")[2]
    return [string.Formatter().vformat(form, (), fields) for form in KINDS[type].arns]
