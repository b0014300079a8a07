"""The types of pulumi-aws that the embedded cloud makes: Pulumi type -> API operations (columns: aws.Row)."""

from typing import Any

from . import aws_analytics, aws_iam
from . import aws_dynamodb_steps as dynamodb
from . import aws_lambda_steps as functions
from . import aws_s3_steps as s3
from . import aws_steps as steps
from .aws_rows import WHOLE, Entry, Member, Row

S3_NAME = (r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*(\.\.|-s3alias$|--ol-s3$))"
           r"(?!(\d+\.){3}\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
           "a bucket name (3-63 of a-z, 0-9, '.', '-', starting and ending with a letter or digit)")  # fmt: skip
IAM_NAME = (r"[\w+=,.@-]{1,64}", "an IAM name (1-64 of letters, digits and _+=,.@-)")
POLICY_NAME = (r"[\w+=,.@-]{1,128}", "a policy name (1-128 of letters, digits and _+=,.@-)")


def bucket_part(noun: str, paths: dict[str, str], **more: Any) -> Row:
    """A configuration that hangs on a bucket: put, get and delete of the same noun."""
    row: dict[str, Any] = {
        "create": (f"put_bucket_{noun}",), "update": (f"put_bucket_{noun}",), "read": (f"get_bucket_{noun}",),
        "delete": (f"delete_bucket_{noun}",), "local": ("expectedBucketOwner", "skipDestroy", "token"),
    }  # fmt: skip
    return Row("s3", id="{bucket}", paths=paths, **(row | more))


LAMBDA_CODE = {"code": "Code.ZipFile|ZipFile", "s3Bucket": "Code.S3Bucket|S3Bucket", "s3Key": "Code.S3Key|S3Key",
               "s3ObjectVersion": "Code.S3ObjectVersion|S3ObjectVersion",
               "imageUri": "Code.ImageUri|ImageUri"}  # fmt: skip
QUEUE = {
    "name": "QueueName", "url": "QueueUrl", "arn": "Attributes.QueueArn",
    "visibilityTimeoutSeconds": "Attributes.VisibilityTimeout", "delaySeconds": "Attributes.DelaySeconds",
    "messageRetentionSeconds": "Attributes.MessageRetentionPeriod", "maxMessageSize": "Attributes.MaximumMessageSize",
    "receiveWaitTimeSeconds": "Attributes.ReceiveMessageWaitTimeSeconds", "policy": "Attributes.Policy",
    "redrivePolicy": "Attributes.RedrivePolicy", "redriveAllowPolicy": "Attributes.RedriveAllowPolicy",
    "sqsManagedSseEnabled": "Attributes.SqsManagedSseEnabled", "kmsMasterKeyId": "Attributes.KmsMasterKeyId",
    "kmsDataKeyReusePeriodSeconds": "Attributes.KmsDataKeyReusePeriodSeconds", "fifoQueue": "Attributes.FifoQueue",
    "contentBasedDeduplication": "Attributes.ContentBasedDeduplication",
    "deduplicationScope": "Attributes.DeduplicationScope", "fifoThroughputLimit": "Attributes.FifoThroughputLimit",
}  # fmt: skip
TOPIC = {p: f"Attributes.{m}" for p, m in {
    "policy": "Policy", "displayName": "DisplayName", "kmsMasterKeyId": "KmsMasterKeyId",
    "deliveryPolicy": "DeliveryPolicy",
    "fifoTopic": "FifoTopic", "contentBasedDeduplication": "ContentBasedDeduplication",
    "tracingConfig": "TracingConfig",
    "signatureVersion": "SignatureVersion", "owner": "Owner"}.items()}  # fmt: skip
SUBSCRIPTION = {p: f"Attributes.{p[0].upper()}{p[1:]}" for p in (
    "deliveryPolicy", "filterPolicy", "filterPolicyScope", "rawMessageDelivery", "redrivePolicy",
    "subscriptionRoleArn")}  # fmt: skip

ROWS = aws_analytics.ROWS | aws_iam.ROWS | {
    "aws:s3/bucket:Bucket": Row(
        "s3", create=(s3.make_bucket, "put_bucket_tagging"), read=("head_bucket", "get_bucket_tagging"),
        update=(s3.bucket_tags,), delete=(s3.remove_bucket,), id="{bucket}", name="bucket", names=S3_NAME,
        paths={"tags": "Tagging.TagSet"}, local=("forceDestroy",), handles=("bucket", "objectLockEnabled", "tags"),
        replace=("objectLockEnabled",), after=s3.bucket_facts,
    ),
    "aws:s3/bucketVersioning:BucketVersioning": bucket_part(
        "versioning", {}, delete=(s3.suspend_versioning,), after=s3.under("versioningConfiguration"),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": bucket_part(
        "encryption", {"rules": "ServerSideEncryptionConfiguration.Rules"},
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": bucket_part(
        "ownership_controls", {"rule": "OwnershipControls.Rules"},
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Row(
        "s3", create=("put_public_access_block",), update=("put_public_access_block",),
        read=("get_public_access_block",),
        delete=("delete_public_access_block",), id="{bucket}", local=("skipDestroy",),
        paths={p: f"PublicAccessBlockConfiguration.{p}" for p in (
            "blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")},
    ),
    "aws:s3/bucketPolicy:BucketPolicy": bucket_part("policy", {}),
    "aws:s3/bucketObjectv2:BucketObjectv2": Row(
        "s3", create=("put_object",), read=("head_object",), update=("put_object",), delete=("delete_object",),
        id="{bucket}/{key}", paths={"source": "Body", "content": "Body", "etag": "ETag"},
        local=("sourceHash", "forceDestroy", "overrideProvider"),
        withheld=("source", "content", "contentType"),
        unset=dict.fromkeys(("contentType", "etag", "serverSideEncryption"), ...),
        replace=("bucket", "key"), volatile=("versionId", "etag"),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": bucket_part(
        "lifecycle_configuration", {"rules": "LifecycleConfiguration.Rules"}, delete=("delete_bucket_lifecycle",),
        unset={"transitionDefaultMinimumObjectSize": ...},
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": bucket_part(
        "replication", {
            "role": "ReplicationConfiguration.Role", "rules": "ReplicationConfiguration.Rules",
        },
    ),
    "aws:s3/bucketNotification:BucketNotification": bucket_part(
        "notification_configuration", {"configuration": "NotificationConfiguration"}, before=s3.notifications,
        after=s3.notified,
        delete=(s3.forget_notifications,), read_by_function=("lambdaFunctions", "queues", "topics", "eventbridge"),
        unset={"eventbridge": False},
    ),
    "aws:kms/key:Key": Row(
        "kms", create=("create_key", steps.key_switches), id="{keyId}", untag="untag_resource",
        read=(steps.key_state, "get_key_policy", "get_key_rotation_status", "list_resource_tags"),
        update=("put_key_policy", "update_key_description", "tag_resource", steps.key_switches),
        delete=(steps.remove_key,), fixed={"PolicyName": "default"}, local=("deletionWindowInDays",),
        handles=("enableKeyRotation", "isEnabled", "rotationPeriodInDays"),
        paths={"keyId": "KeyId", "isEnabled": "Enabled", "enableKeyRotation": "KeyRotationEnabled",
               "customerMasterKeySpec": "KeySpec|CustomerMasterKeySpec", "tags": "Tags",
               "bypassPolicyLockoutSafetyCheck": "BypassPolicyLockoutSafetyCheck"},
        unset={"customerMasterKeySpec": "SYMMETRIC_DEFAULT", "keyUsage": "ENCRYPT_DECRYPT", "isEnabled": True,
               "multiRegion": False, "rotationPeriodInDays": 365},
        defaults={"description": ""}, result={"get_key_policy": WHOLE, "get_key_rotation_status": WHOLE,
        "list_resource_tags": WHOLE},
    ),
    "aws:kms/alias:Alias": Row(
        "kms", create=("create_alias",), read=("list_aliases",), update=("update_alias",), delete=("delete_alias",),
        paths={"name": "AliasName", "arn": "AliasArn"}, result={"list_aliases": Entry("Aliases", "AliasName", "name")},
        name="name", names=(r"alias/(?!aws/)[\w/-]{1,250}", "an alias (alias/ and 1-250 of letters, digits and /_-)"),
    ),
    "aws:iam/role:Role": Row(
        "iam", create=("create_role",), read=("get_role",), delete=(steps.detach_role, "delete_role"),
        unset={"path": "/", "maxSessionDuration": 3600},
        update=("update_assume_role_policy", "update_role", "put_role_permissions_boundary", "tag_role"),
        name="name", names=IAM_NAME, untag="untag_role", local=("forceDetachPolicies",), replace=("path",),
        paths={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument|PolicyDocument",
        "uniqueId": "RoleId",
               "arn": "Arn", "permissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn|PermissionsBoundary"},
        defaults={"description": "", "maxSessionDuration": 3600}, result={"get_role": Member("Role")},
    ),
    "aws:iam/rolePolicy:RolePolicy": Row(
        "iam", create=("put_role_policy",), read=("get_role_policy",), update=("put_role_policy",),
        delete=("delete_role_policy",), id="{role}:{name}", name="name", names=POLICY_NAME,
        paths={"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
    ),
    "aws:lambda/function:Function": Row(
        "lambda", create=("create_function", "put_function_concurrency"),
        read=("get_function_configuration", "get_function_concurrency", "list_tags"),
        update=("update_function_code", "update_function_configuration", functions.concurrency, "tag_resource"),
        delete=("delete_function",), name="name", untag="untag_resource", ready=("State", "Active"),
        names=(r"[A-Za-z0-9_-]{1,64}", "a function name (1-64 of letters, digits, '-', '_')"),
        paths={"name": "FunctionName", "arn": "FunctionArn|Resource", "tags": "Tags", **LAMBDA_CODE,
               "codeSha256": "CodeSha256", "sourceCodeSize": "CodeSize"},
        defaults={"memorySize": 128, "timeout": 3, "description": ""}, replace=("packageType",),
        local=("sourceCodeHash", "skipDestroy", "useResourceTimeoutForPropagation"),
        handles=("reservedConcurrentExecutions",),
        unset={"codeSha256": ..., "packageType": "Zip", "ephemeralStorage": {"size": 512}, "snapStart": {
            "applyOn": "None", "optimizationStatus": ...}, "tracingConfig": {"mode": "PassThrough"},
            "reservedConcurrentExecutions": -1, "vpcConfig": {"vpcId": ...}},
        volatile=("codeSha256", "lastModified", "version", "qualifiedArn", "qualifiedInvokeArn", "sourceCodeSize"),
        after=functions.function_facts, result={"get_function_concurrency": WHOLE, "list_tags": WHOLE},
        withheld=tuple(LAMBDA_CODE),
    ),
    "aws:lambda/permission:Permission": Row(
        "lambda", create=("add_permission",), read=(functions.permission,), delete=("remove_permission",),
        id="{statementId}", name="statementId", keys=("function", "qualifier"), paths={"function": "FunctionName"},
        names=(r"[A-Za-z0-9_-]{1,100}", "a statement id (1-100 of letters, digits, '-', '_')"),
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Row(
        "lambda", create=("create_event_source_mapping",), read=("get_event_source_mapping", "list_tags"),
        update=("update_event_source_mapping", "tag_resource"), untag="untag_resource", result={"list_tags": WHOLE},
        delete=("delete_event_source_mapping",), id="{uuid}",
        paths={"functionName": "FunctionName", "arn": "EventSourceMappingArn|Resource"},
        after=lambda data, state: data | {"Enabled": data.get("State") in ("Enabled", "Enabling", "Creating"),
                                          "FunctionName": state.get("functionName")
                                          or data.get("FunctionArn", "").split(":")[-1]},
        defaults={"enabled": True}, unset={"enabled": True, "maximumBatchingWindowInSeconds": 0},
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Row(
        "lambda", create=("put_function_event_invoke_config",), update=("put_function_event_invoke_config",),
        read=("get_function_event_invoke_config",), delete=("delete_function_event_invoke_config",),
        id="{functionName}",
        keys=("qualifier",), after=lambda data, state: data | {"FunctionName": state.get("functionName")},
    ),
    "aws:lambda/invocation:Invocation": Row(
        "lambda", create=(functions.invoke_create,), read=(functions.invoked,), update=(functions.invoke_update,),
        delete=(functions.invoke_delete,), id="{functionName}", volatile=("result",),
        forces=functions.invocation_forces,
        handles=("input", "functionName", "lifecycleScope", "qualifier", "terraformKey", "triggers", "tenantId"),
    ),
    "aws:cloudwatch/logGroup:LogGroup": Row(
        "logs", create=("create_log_group", "put_retention_policy"), read=("describe_log_groups",
        "list_tags_for_resource"),
        update=(steps.retention, "associate_kms_key", "tag_resource"), delete=("delete_log_group",), name="name",
        names=(r"[\w/.#-]{1,512}", "a log group name (1-512 of letters, digits and _-/.#)"), untag="untag_resource",
        paths={"name": "logGroupName|logGroupNamePrefix"}, handles=("retentionInDays",),
        result={"describe_log_groups": Entry("logGroups", "logGroupName", "name"), "list_tags_for_resource": WHOLE},
        after=steps.without_star, local=("skipDestroy",), replace=("logGroupClass",),
        unset={"logGroupClass": "STANDARD"},
    ),
    "aws:cloudwatch/logStream:LogStream": Row(
        "logs", create=("create_log_stream",), read=("describe_log_streams",), delete=("delete_log_stream",),
        name="name", keys=("logGroupName",), paths={"name": "logStreamName|logStreamNamePrefix"},
        imported=("{logGroupName}:{name}", "{name}"),
        names=(r"[^:*]{1,512}", "a log stream name (1-512 characters without ':' and '*')"),
        result={"describe_log_streams": Entry("logStreams", "logStreamName", "name")},
    ),
    "aws:cloudwatch/dashboard:Dashboard": Row(
        "cloudwatch", create=("put_dashboard",), update=("put_dashboard",), read=("get_dashboard",),
        delete=("delete_dashboards",), id="{dashboardName}", name="dashboardName",
        paths={"dashboardName": "DashboardName|DashboardNames"},
        names=(r"[\w-]{1,255}", "a dashboard name (1-255 of letters, digits and _-)"),
        result={"get_dashboard": WHOLE},
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Row(
        "cloudwatch", create=("put_metric_alarm",), update=("put_metric_alarm", "tag_resource"), read=(
            "describe_alarms", "list_tags_for_resource"), delete=("delete_alarms",), name="name",
            untag="untag_resource",
        names=(r"[^\x00-\x1f]{1,255}", "an alarm name (1-255 characters)"),
        paths={"name": "AlarmName|AlarmNames", "arn": "AlarmArn|ResourceARN", "metricQueries": "Metrics",
               "metricQueries.metric": "MetricStat", "metricQueries.metric.metricName": "Metric.MetricName",
               "metricQueries.metric.namespace": "Metric.Namespace",
               "metricQueries.metric.dimensions": "Metric.Dimensions"},
        result={"describe_alarms": Entry("MetricAlarms", "AlarmName", "name"), "list_tags_for_resource": WHOLE},
        unset={"actionsEnabled": True}, withheld=("metricQueries",),  # ministack takes Metrics and does not return them
    ),
    "aws:cloudwatch/eventBus:EventBus": Row(
        "events", create=("create_event_bus",), read=("describe_event_bus", "list_tags_for_resource"),
        update=("update_event_bus", "tag_resource"), delete=("delete_event_bus",), name="name",
        untag="untag_resource",
        names=(r"(?!default$)[/.\w-]{1,256}", "an event bus name (1-256 of letters, digits and /._-; not 'default')"),
        result={"list_tags_for_resource": WHOLE},
    ),
    "aws:cloudwatch/eventRule:EventRule": Row(
        "events", create=("put_rule",), update=("put_rule", "tag_resource"), read=("describe_rule",
        "list_tags_for_resource"),
        imported=("default/{name}", "{name}"),
        delete=(steps.clear_rule, "delete_rule"), name="name", keys=("eventBusName",), paths={"name": "Name"},
        names=(r"[.\w-]{1,64}", "a rule name (1-64 of letters, digits and ._-)"), untag="untag_resource",
        local=("forceDestroy",), result={"list_tags_for_resource": WHOLE}, inputs={"eventBusName": "default"},
        unset={"state": "ENABLED"},
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Row(
        "events", create=("put_targets",), update=("put_targets",), read=("list_targets_by_rule",),
        id="{rule}-{targetId}", imported=("{rule}/{targetId}", "{rule}-{targetId}"),
        delete=("remove_targets",), name="targetId", keys=("eventBusName",), local=("forceDestroy",),
        paths={"targetId": "Targets.Id|Ids"} | {p: f"Targets.{p}" for p in (
            "arn", "roleArn", "input", "inputPath", "inputTransformer", "deadLetterConfig", "retryPolicy")}
        | {"sqsTarget": "Targets.SqsParameters", "kinesisTarget": "Targets.KinesisParameters",
           "inputTransformer.inputPaths": "InputPathsMap", "ecsTarget": "Targets.EcsParameters"},
        result={"list_targets_by_rule": Entry("Targets", "Id", "targetId")}, inputs={"eventBusName": "default"},
    ),
    "aws:scheduler/schedule:Schedule": Row(
        "scheduler", create=("create_schedule",), update=("update_schedule",), read=("get_schedule",),
        delete=("delete_schedule",), id="{groupName}/{name}", name="name",
        names=(r"[\w.-]{1,64}", "a schedule name (1-64 of letters, digits and _.-)"), inputs={"groupName": "default"},
        unset={"actionAfterCompletion": "NONE", "state": "ENABLED"},
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Row(
        "scheduler", create=("create_schedule_group",), read=("get_schedule_group",
        "list_tags_for_resource"), paths={"arn": "Arn|ResourceArn"}, result={"list_tags_for_resource": WHOLE},
        delete=("delete_schedule_group",),
        id="{name}", name="name", names=(r"[\w.-]{1,64}", "a schedule group name (1-64 of letters, digits and _.-)"),
    ),
    "aws:sqs/queue:Queue": Row(
        "sqs", create=("create_queue",), read=("get_queue_attributes", "list_queue_tags"), id="{url}",
        update=("set_queue_attributes", "tag_queue"), delete=("delete_queue",), name="name", untag="untag_queue",
        names=(r"(?=.{1,80}$)[A-Za-z0-9_-]+(\.fifo)?", "a queue name (1-80 of letters, digits, '-', '_')"),
        paths=QUEUE, fixed={"AttributeNames": ["All"]}, replace=("name", "fifoQueue"),
        result={"list_queue_tags": WHOLE, "get_queue_attributes": WHOLE},
        after=steps.queue_name,
        unset={"visibilityTimeoutSeconds": 30, "delaySeconds": 0, "messageRetentionSeconds": 345600,
               "maxMessageSize": ..., "receiveWaitTimeSeconds": 0, "policy": ..., "fifoQueue": False,
               "kmsDataKeyReusePeriodSeconds": 300, "contentBasedDeduplication": False},
        defaults={"visibilityTimeoutSeconds": 30, "delaySeconds": 0, "messageRetentionSeconds": 345600,
                  "maxMessageSize": 262144, "receiveWaitTimeSeconds": 0, "redrivePolicy": "", "policy": ""},
    ),
    "aws:sqs/queuePolicy:QueuePolicy": Row(
        "sqs", create=("set_queue_attributes",), update=("set_queue_attributes",), read=("get_queue_attributes",),
        delete=(steps.clear("set_queue_attributes", "Policy"),), id="{queueUrl}",
        paths={"policy": "Attributes.Policy"}, fixed={"AttributeNames": ["Policy"]},
    ),
    "aws:sns/topic:Topic": Row(
        "sns", create=("create_topic",), read=("get_topic_attributes", "list_tags_for_resource"), id="{arn}",
        update=(steps.attributes("set_topic_attributes", TOPIC), "tag_resource"), delete=("delete_topic",),
        name="name",
        names=(r"(?=.{1,256}$)[A-Za-z0-9_-]+(\.fifo)?", "a topic name (1-256 of letters, digits, '-', '_')"),
        paths={**TOPIC, "arn": "TopicArn|ResourceArn"}, untag="untag_resource", handles=tuple(TOPIC),
        replace=("name", "fifoTopic"), result={"list_tags_for_resource": WHOLE}, unset={"policy": ...},
        after=lambda data, state: data | {"Name": (data.get("TopicArn") or state["arn"]).split(":")[-1]},
    ),
    "aws:sns/topicPolicy:TopicPolicy": Row(
        "sns", create=(steps.attributes("set_topic_attributes", TOPIC),),
        update=(steps.attributes("set_topic_attributes", TOPIC),),
        read=("get_topic_attributes",), delete=(), id="{arn}", paths={**TOPIC, "arn": "TopicArn"},
        handles=("policy", "arn"),
    ),
    "aws:sns/topicSubscription:TopicSubscription": Row(
        "sns", create=("subscribe",), read=("get_subscription_attributes",), id="{arn}", delete=("unsubscribe",),
        update=(steps.attributes("set_subscription_attributes", SUBSCRIPTION),), handles=tuple(SUBSCRIPTION),
        fixed={"ReturnSubscriptionArn": True}, local=("endpointAutoConfirms", "confirmationTimeoutInMinutes"),
        paths={**SUBSCRIPTION, "arn": "SubscriptionArn", "topic": "TopicArn", "ownerId": "Owner"},
        after=lambda data, state: data.get("Attributes", data),
    ),
    "aws:dynamodb/table:Table": Row(
        "dynamodb", create=("create_table", dynamodb.table_switches), name="name", ready=("TableStatus", "ACTIVE"),
        read=("describe_table", "describe_continuous_backups", "describe_time_to_live", "list_tags_of_resource"),
        update=("update_table", "tag_resource", dynamodb.table_switches), delete=("delete_table", dynamodb.table_gone),
        names=(r"[\w.-]{3,255}", "a table name (3-255 of letters, digits and _.-)"), untag="untag_resource",
        before=dynamodb.table, after=dynamodb.described_table, handles=("ttl", "pointInTimeRecovery"),
        read_by_function=("ttl", "pointInTimeRecovery", "hashKey", "rangeKey", "streamEnabled", "streamViewType"),
        replace=("hashKey", "rangeKey", "localSecondaryIndexes"), sparse=("update_table",),
        defaults={"billingMode": "PROVISIONED"}, unset={
            "readCapacity": 0, "writeCapacity": 0, "ttl": {"attributeName": "", "enabled": False},
            "warmThroughput": ...,
            "pointInTimeRecovery": {"recoveryPeriodInDays": 35, "enabled": False}, "tableClass": "STANDARD",
            "deletionProtectionEnabled": False, "streamEnabled": False, "billingMode": "PROVISIONED"},
        paths={"name": "TableName", "arn": "TableArn|ResourceArn", "attributes": "AttributeDefinitions",
               "attributes.name": "AttributeName", "attributes.type": "AttributeType", "keys": "KeySchema",
               "capacity": "ProvisionedThroughput", "stream": "StreamSpecification", "tableClass": "TableClass",
               "billingMode": "BillingMode", "serverSideEncryption": "SSESpecification",
               "serverSideEncryption.kmsKeyArn": "KMSMasterKeyId", "globalSecondaryIndexes.name": "IndexName",
               "localSecondaryIndexes.name": "IndexName", "streamArn": "LatestStreamArn",
               "streamLabel": "LatestStreamLabel"},
        result={"describe_continuous_backups": WHOLE, "describe_time_to_live": WHOLE, "list_tags_of_resource": WHOLE},
    ),
}  # fmt: skip

INVOKES = {  # function -> the type that it reads, and the argument that is the id
    "aws:dynamodb/getTable:getTable": ("aws:dynamodb/table:Table", "name"),
    "aws:s3/getBucket:getBucket": ("aws:s3/bucket:Bucket", "bucket"),
    "aws:iam/getRole:getRole": ("aws:iam/role:Role", "name"),
    "aws:kms/getKey:getKey": ("aws:kms/key:Key", "keyId"),
    "aws:cloudwatch/getEventBus:getEventBus": ("aws:cloudwatch/eventBus:EventBus", "name"),
    "aws:lambda/getFunction:getFunction": ("aws:lambda/function:Function", "functionName"),
    "aws:kinesis/getStream:getStream": ("aws:kinesis/stream:Stream", "name"),
    "aws:opensearch/getServerlessCollectionGroup:getServerlessCollectionGroup": (
        "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup",
        "name",
    ),
}
