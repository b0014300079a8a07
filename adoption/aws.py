"""The types of AWS that the program registers.

The form of an id is that of the section "Import" on the provider's page of the type,
https://www.pulumi.com/registry/packages/aws/api-docs/<module>/<type>/#import, which is in the docstring of the
installed SDK too; a test compares. Operations: https://docs.aws.amazon.com/boto3/latest/reference/services/.
"""

from collections.abc import Mapping
from typing import Any

from adoption.kinds import Kind, Lacking, Search, Values, by, filled
from adoption.parts import listed

# What S3 says of a bucket that never had the setting is an error, or nothing at all.
_NOTIFIES = "EventBridgeConfiguration||QueueConfigurations||TopicConfigurations||LambdaFunctionConfigurations"


def _part(operation: str, answer: str = "@") -> Kind:
    return Kind("{bucket}", "s3", by(operation, answer, Bucket="{bucket}"))


def _query(client: Any, values: Values) -> str | None:
    """A named query's id: its name is no key, so that all of the workgroup's are read."""
    pages = client.get_paginator("list_named_queries").paginate(WorkGroup=filled("{workgroup}", values))
    ids = listed(pages.build_full_result(), "NamedQueryIds")
    for start in range(0, len(ids), 50):  # so many at most
        batch = client.batch_get_named_query(NamedQueryIds=ids[start : start + 50])["NamedQueries"]
        for query in batch:
            if query["Name"] == filled("{name}", values):
                return query["NamedQueryId"]
    return None


def _mapping(client: Any, values: Values) -> str | None:
    """A mapping's id: by its function, and its source where that is known; of several none is taken."""
    pages = client.get_paginator("list_event_source_mappings")
    answer = pages.paginate(FunctionName=filled("{functionName}", values)).build_full_result()
    uuids = [
        each["UUID"]
        for each in listed(answer, "EventSourceMappings")
        if _is_of(each.get("EventSourceArn", ""), values.get("eventSourceArn"))
    ]
    return _only(uuids, "eventSourceArn")


def _subscription(client: Any, values: Values) -> str | None:
    """A confirmed subscription's ARN: by its protocol, and its endpoint where that is known."""
    pages = client.get_paginator("list_subscriptions_by_topic")
    answer = pages.paginate(TopicArn=filled("{topic}", values)).build_full_result()
    arns = [
        each["SubscriptionArn"]
        for each in listed(answer, "Subscriptions")
        if each["Protocol"] == filled("{protocol}", values)
        and (each["Endpoint"] == values.get("endpoint") or _is_of(each["Endpoint"], values.get("endpoint")))
        and each["SubscriptionArn"].startswith("arn:")  # else PendingConfirmation
    ]
    return _only(arns, "endpoint")


def _is_of(arn: str, source: str | None) -> bool:
    """Whether an ARN is that of a resource known by its ARN or, where the account has it already, by the id of its
    import: a queue's URL, a stream's or a table's name. Of one that is not known any ARN is."""
    if source is None or source.startswith("arn:"):
        return source in (None, arn)
    return source.rpartition("/")[2] in arn.replace("/", ":").split(":")


def _only(ids: list[str], by_what: str) -> str | None:
    if len(ids) > 1:
        raise Lacking(by_what)
    return ids[0] if ids else None


def _aoss(kind: str) -> Search:
    return by(f"get_{kind}_policy", f"{kind}PolicyDetail.name", name="{name}", type="{type}")


KINDS: Mapping[str, Kind] = {
    "aws:athena/namedQuery:NamedQuery": Kind(
        "{found}", "athena", Search(("list_named_queries", "batch_get_named_query"), _query)
    ),
    "aws:athena/workgroup:Workgroup": Kind(
        "{name}", "athena", by("get_work_group", "WorkGroup.Name", WorkGroup="{name}")
    ),
    "aws:cloudwatch/dashboard:Dashboard": Kind(
        "{dashboardName}", "cloudwatch", by("get_dashboard", "DashboardArn", DashboardName="{dashboardName}")
    ),
    "aws:cloudwatch/eventRule:EventRule": Kind(
        "default/{name}", "events", by("describe_rule", "Arn", Name="{name}")
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Kind(
        "{rule}/{targetId}",
        "events",
        by("list_targets_by_rule", "Targets[?Id=='{targetId}'].Arn|[0]", Rule="{rule}"),
    ),
    "aws:cloudwatch/logGroup:LogGroup": Kind(
        "{name}",
        "logs",
        by("describe_log_groups", "logGroups[?logGroupName=='{name}'].arn|[0]", logGroupNamePrefix="{name}"),
    ),
    "aws:cloudwatch/logStream:LogStream": Kind(
        "{logGroupName}:{name}",
        "logs",
        by(
            "describe_log_streams",
            "logStreams[?logStreamName=='{name}'].arn|[0]",
            logGroupName="{logGroupName}",
            logStreamNamePrefix="{name}",
        ),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Kind(
        "{name}", "cloudwatch", by("describe_alarms", "MetricAlarms[0].AlarmName", AlarmNames=["{name}"])
    ),
    "aws:dynamodb/table:Table": Kind("{name}", "dynamodb", by("describe_table", TableName="{name}")),
    "aws:glue/catalogDatabase:CatalogDatabase": Kind(
        "{account}:{name}", "glue", by("get_database", Name="{name}")
    ),
    "aws:glue/crawler:Crawler": Kind("{name}", "glue", by("get_crawler", Name="{name}")),
    "aws:glue/securityConfiguration:SecurityConfiguration": Kind(
        "{name}", "glue", by("get_security_configuration", Name="{name}")
    ),
    "aws:iam/accessKey:AccessKey": Kind(
        made_anew="IAM shows a key's secret once, when it is made; delete the old key: a user has two at most"
    ),
    "aws:iam/role:Role": Kind("{name}", "iam", by("get_role", RoleName="{name}")),
    "aws:iam/rolePolicy:RolePolicy": Kind(
        "{role}:{name}", "iam", by("get_role_policy", RoleName="{role}", PolicyName="{name}")
    ),
    "aws:iam/user:User": Kind("{name}", "iam", by("get_user", UserName="{name}")),
    "aws:iam/userLoginProfile:UserLoginProfile": Kind(
        made_anew="nobody can read a password; delete the old profile first (aws iam delete-login-profile)"
    ),
    "aws:iam/userPolicy:UserPolicy": Kind(
        "{user}:{name}", "iam", by("get_user_policy", UserName="{user}", PolicyName="{name}")
    ),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": Kind(
        "{found}",
        "firehose",
        by(
            "describe_delivery_stream",
            "DeliveryStreamDescription.DeliveryStreamARN",
            DeliveryStreamName="{name}",
        ),
    ),
    "aws:kinesis/stream:Stream": Kind(
        "{name}", "kinesis", by("describe_stream_summary", StreamName="{name}")
    ),
    "aws:kms/alias:Alias": Kind(
        "{name}", "kms", by("list_aliases", "Aliases[?AliasName=='{name}'].TargetKeyId|[0]")
    ),
    # A key has no name but that of its alias.
    "aws:kms/key:Key": Kind(
        "{found}",
        "kms",
        by("list_aliases", "Aliases[?AliasName=='{alias}'].TargetKeyId|[0]"),
    ),
    "aws:lakeformation/permissions:Permissions": Kind(
        made_anew="the provider has no import of it; granting again what is granted changes nothing"
    ),
    "aws:lakeformation/resource:Resource": Kind(
        made_anew="the provider has no import of it; deregister the location first "
        "(aws lakeformation deregister-resource)"
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Kind(
        "{found}", "lambda", Search(("list_event_source_mappings",), _mapping)
    ),
    "aws:lambda/function:Function": Kind(
        "{name}", "lambda", by("get_function_configuration", FunctionName="{name}")
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Kind(
        "{functionName}", "lambda", by("get_function_event_invoke_config", FunctionName="{functionName}")
    ),
    "aws:lambda/invocation:Invocation": Kind(
        made_anew="it is a call: the function is called again, which changes nothing where its work is done"
    ),
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": Kind(
        "{name}/{type}", "opensearchserverless", _aoss("access")
    ),
    "aws:opensearch/serverlessCollection:ServerlessCollection": Kind(
        "{found}",
        "opensearchserverless",
        by("batch_get_collection", "collectionDetails[0].id", names=["{name}"]),
    ),
    "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup": Kind(
        "{found}",
        "opensearchserverless",
        by("batch_get_collection_group", "collectionGroupDetails[0].id", names=["{name}"]),
    ),
    "aws:opensearch/serverlessLifecyclePolicy:ServerlessLifecyclePolicy": Kind(
        "{name}/{type}",
        "opensearchserverless",
        by(
            "batch_get_lifecycle_policy",
            "lifecyclePolicyDetails[0].name",
            identifiers=[{"name": "{name}", "type": "{type}"}],
        ),
    ),
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": Kind(
        "{name}/{type}", "opensearchserverless", _aoss("security")
    ),
    "aws:opensearchingest/pipeline:Pipeline": Kind(
        "{pipelineName}", "osis", by("get_pipeline", PipelineName="{pipelineName}")
    ),
    "aws:s3/bucket:Bucket": _part("head_bucket"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _part(
        "get_bucket_lifecycle_configuration", "Rules"
    ),
    "aws:s3/bucketNotification:BucketNotification": _part("get_bucket_notification_configuration", _NOTIFIES),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _part("get_bucket_ownership_controls"),
    "aws:s3/bucketPolicy:BucketPolicy": _part("get_bucket_policy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _part("get_public_access_block"),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _part("get_bucket_replication"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _part(
        "get_bucket_encryption"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _part("get_bucket_versioning", "Status"),
    "aws:s3/bucketObjectv2:BucketObjectv2": Kind(
        "{bucket}/{key}", "s3", by("head_object", Bucket="{bucket}", Key="{key}")
    ),
    "aws:scheduler/schedule:Schedule": Kind(
        "{groupName}/{name}", "scheduler", by("get_schedule", GroupName="{groupName}", Name="{name}")
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Kind(
        "{name}", "scheduler", by("get_schedule_group", Name="{name}")
    ),
    "aws:sfn/stateMachine:StateMachine": Kind(
        "{found}",
        "stepfunctions",
        by(
            "describe_state_machine",
            "stateMachineArn",
            stateMachineArn="arn:{partition}:states:{region}:{account}:stateMachine:{name}",
        ),
    ),
    "aws:sns/topic:Topic": Kind(
        "{found}",
        "sns",
        by(
            "get_topic_attributes",
            "Attributes.TopicArn",
            TopicArn="arn:{partition}:sns:{region}:{account}:{name}",
        ),
    ),
    "aws:sns/topicPolicy:TopicPolicy": Kind(
        "{arn}", "sns", by("get_topic_attributes", "Attributes.Policy", TopicArn="{arn}")
    ),
    "aws:sns/topicSubscription:TopicSubscription": Kind(
        "{found}", "sns", Search(("list_subscriptions_by_topic",), _subscription)
    ),
    "aws:sqs/queue:Queue": Kind("{found}", "sqs", by("get_queue_url", "QueueUrl", QueueName="{name}")),
    "aws:sqs/queuePolicy:QueuePolicy": Kind(
        "{queueUrl}",
        "sqs",
        by("get_queue_attributes", "Attributes.Policy", QueueUrl="{queueUrl}", AttributeNames=["Policy"]),
    ),
}
