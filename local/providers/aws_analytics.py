"""The types of pulumi-aws for search, streams, the catalog, queries and people (see aws.Row for the columns).

Changing a Firehose destination replaces the delivery stream here; the real provider updates it in place.
"""

from typing import Any

from . import aws_analytics_steps as steps
from .aws_rows import WHOLE, Entry, Member, Row

AOSS_NAME = (
    r"[a-z][a-z0-9-]{2,31}",
    "a name OpenSearch Serverless takes (3-32 of a-z, 0-9, '-', starting with a letter)",
)
GLUE_NAME = (r"[^\x00-\x1fA-Z]{1,255}", "a catalog name (1-255 characters, no capital letters)")
IAM_NAME = (r"[\w+=,.@-]{1,64}", "an IAM name (1-64 of letters, digits and _+=,.@-)")


def aoss_policy(noun: str, read: str, **more: Any) -> Row:
    """A kind of OpenSearch Serverless policy (`noun` is the operations' own word): its name and type identify one."""
    return Row(
        "opensearchserverless", create=(f"create_{noun}_policy",), read=(read,), update=(f"update_{noun}_policy",),
        delete=(f"delete_{noun}_policy",), keys=("type",), name="name", names=AOSS_NAME, volatile=("policyVersion",
        ), imported=("{name}/{type}", "{name}"), **more,
    )  # fmt: skip


def inside(member: str, *props: str) -> dict[str, str]:
    """The paths of properties that are members of one structure: `description` at `DatabaseInput.description`."""
    return {p: f"{member}.{p}" for p in props}


S3_SINK = {
    f"{at}.{p}": m for at in (
        "extendedS3Configuration", "extendedS3Configuration.s3BackupConfiguration",
        "opensearchserverlessConfiguration.s3Configuration", "opensearchserverlessConfiguration")
    for p, m in {
        "bufferingInterval": "BufferingHints.IntervalInSeconds", "bufferingSize": "BufferingHints.SizeInMBs",
        "retryDuration": "RetryOptions.DurationInSeconds",
        "kmsKeyArn": "EncryptionConfiguration.KMSEncryptionConfig.AWSKMSKeyARN",
        "s3Configuration": "S3Configuration|S3DestinationDescription",
        "s3BackupConfiguration": "S3BackupConfiguration|S3BackupDescription"}.items()
}  # fmt: skip

ROWS = {
    "aws:opensearch/serverlessCollection:ServerlessCollection": Row(
        "opensearchserverless", create=("create_collection",), read=("batch_get_collection",
        "list_tags_for_resource"),
        update=("update_collection", "tag_resource"), delete=("delete_collection",), id="{id}", name="name",
        names=AOSS_NAME,
        untag="untag_resource", ready=("status", "ACTIVE"), paths={"id": "id|ids",
        "encryptionConfigs": "encryptionConfig"},
        result={"batch_get_collection": Entry("collectionDetails", "id", "id"), "list_tags_for_resource": WHOLE},
    ),
    "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup": Row(
        "opensearchserverless", create=("create_collection_group",), read=("batch_get_collection_group",),
        update=("update_collection_group", "tag_resource"), delete=("delete_collection_group",), id="{id}",
        lookup=steps.collection_group,
        name="name", names=AOSS_NAME, untag="untag_resource",
        paths={"id": "id|ids", **{
            f"capacityLimits.{least}{part}CapacityInOcu": f"{least}{part}CapacityInOCU"
            for least in ("min", "max") for part in ("Indexing", "Search")}},
        result={"batch_get_collection_group": Entry("collectionGroupDetails", "id", "id")},
    ),
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": aoss_policy("security",
    "get_security_policy"),
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": aoss_policy("access", "get_access_policy"),
    "aws:opensearch/serverlessLifecyclePolicy:ServerlessLifecyclePolicy": aoss_policy(
        "lifecycle", "batch_get_lifecycle_policy", paths={"name": "name|identifiers.name",
        "type": "type|identifiers.type"},
        result={"batch_get_lifecycle_policy": Entry("lifecyclePolicyDetails", "name", "name")},
    ),
    "aws:opensearchingest/pipeline:Pipeline": Row(
        "osis", create=("create_pipeline",), read=("get_pipeline", "list_tags_for_resource"),
        update=("update_pipeline", "tag_resource"), delete=("delete_pipeline",), id="{pipelineName}",
        name="pipelineName",
        names=(r"[a-z][a-z0-9-]{2,27}", "a pipeline name (3-28 of a-z, 0-9, '-', starting with a letter)"),
        paths={"pipelineArn": "PipelineArn|Arn"}, untag="untag_resource", ready=("Status", "ACTIVE"),
        result={"list_tags_for_resource": WHOLE},
    ),
    "aws:kinesis/stream:Stream": Row(
        "kinesis", create=("create_stream", steps.stream_switches), read=("describe_stream_summary",
        "list_tags_for_stream"),
        update=("add_tags_to_stream", "update_stream_mode", steps.stream_switches), delete=(steps.remove_stream,),
        id="{arn}", imported=("{name}", "arn:aws:kinesis:{_region}:{_account}:stream/{name}"),
        keys=("name",), name="name", names=(r"[\w.-]{1,128}",
        "a stream name (1-128 of letters, digits and _.-)"),
        paths={"name": "StreamName", "arn": "StreamARN", "shardCount": "ShardCount|OpenShardCount",
        "kmsKeyId": "KeyId",
               "retentionPeriod": "RetentionPeriodHours"}, untag="remove_tags_from_stream", ready=("StreamStatus",
               "ACTIVE"),
        handles=("shardCount", "retentionPeriod", "encryptionType", "kmsKeyId"), local=("enforceConsumerDeletion",),
        result={"list_tags_for_stream": WHOLE}, unset={"arn": ...}, after=steps.described_stream,
    ),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": Row(
        "firehose", create=("create_delivery_stream",), read=("describe_delivery_stream",
        "list_tags_for_delivery_stream"),
        update=("tag_delivery_stream",), delete=("delete_delivery_stream",), id="{arn}", keys=("name",), name="name",
        unset={"arn": ..., "versionId": ...},
        names=(r"[\w.-]{1,64}", "a delivery stream name (1-64 of letters, digits and _.-)"),
        untag="untag_delivery_stream",
        before=steps.delivery_stream, after=steps.described_delivery, ready=("DeliveryStreamStatus", "ACTIVE"),
        read_by_function=("destination",), result={"list_tags_for_delivery_stream": WHOLE},
        paths={"name": "DeliveryStreamName", "arn": "DeliveryStreamARN", "kind": "DeliveryStreamType",
               "opensearchserverlessConfiguration": "AmazonOpenSearchServerlessDestinationConfiguration",
               "extendedS3Configuration": "ExtendedS3DestinationConfiguration",
               "kinesisSourceConfiguration": "KinesisStreamSourceConfiguration", **S3_SINK},
    ),
    "aws:glue/catalogDatabase:CatalogDatabase": Row(
        "glue", create=("create_database",), read=("get_database", "get_tags"), update=("update_database",
        "tag_resource"),
        delete=("delete_database",), name="name", names=GLUE_NAME, untag="untag_resource",
        imported=("{catalogId}:{name}", "{name}"),
        before=lambda props: props | ({"within": props["name"]} if "name" in props else {}),
        after=steps.glue_arn("database", "Name"), result={"get_tags": WHOLE}, unset={"catalogId": ...},
        paths={"name": "Name", "within": "DatabaseInput.Name", "tags": "Tags|TagsToAdd", **inside(
            "DatabaseInput", "description", "locationUri", "parameters", "createTableDefaultPermissions",
            "targetDatabase")},
    ),
    "aws:glue/catalogTable:CatalogTable": Row(
        "glue", create=("create_table",), read=("get_table",), update=("update_table",), delete=("delete_table",),
        id="{databaseName}:{name}", name="name", names=GLUE_NAME, paths={"name": "TableInput.Name|Name", **inside(
            "TableInput", "description", "owner", "parameters", "partitionKeys", "retention", "storageDescriptor",
            "tableType", "targetTable", "viewExpandedText", "viewOriginalText")},
    ),
    "aws:glue/crawler:Crawler": Row(
        "glue", create=("create_crawler",), read=("get_crawler", "get_tags"), update=("update_crawler",
        "tag_resource"),
        delete=("delete_crawler",), name="name", untag="untag_resource", result={"get_tags": WHOLE},
        names=(r"[^\x00-\x1f]{1,255}", "a crawler name (1-255 characters)"), after=steps.crawler,
        paths={"securityConfiguration": "CrawlerSecurityConfiguration", "tags": "Tags|TagsToAdd", **inside(
            "Targets", "s3Targets", "catalogTargets", "jdbcTargets", "dynamodbTargets")},
    ),
    "aws:glue/securityConfiguration:SecurityConfiguration": Row(
        "glue", create=("create_security_configuration",), read=("get_security_configuration",),
        delete=("delete_security_configuration",), name="name",
    ),
    "aws:athena/workgroup:Workgroup": Row(
        "athena", create=("create_work_group",), read=("get_work_group", "list_tags_for_resource"),
        update=("update_work_group", "tag_resource"), delete=(steps.remove_workgroup,), name="name",
        untag="untag_resource",
        names=(r"[\w.-]{1,128}", "a workgroup name (1-128 of letters, digits and _.-)"), local=("forceDestroy",),
        paths={"name": "Name|WorkGroup", "configuration": "Configuration|ConfigurationUpdates",
               "configuration.resultConfiguration": "ResultConfiguration|ResultConfigurationUpdates",
               "configuration.resultConfiguration.encryptionConfiguration.kmsKeyArn": "KmsKey"},
        after=lambda data, state: data | {
            "Arn": f"arn:aws:athena:{state['_region']}:{state['_account']}:workgroup/{state.get('name')}"},
        result={"list_tags_for_resource": WHOLE}, unset={"state": "ENABLED"},
    ),
    "aws:athena/namedQuery:NamedQuery": Row(
        "athena", create=("create_named_query",), read=("get_named_query",), update=("update_named_query",),
        delete=("delete_named_query",), id="{namedQueryId}", name="name", paths={"query": "QueryString"},
    ),
    "aws:sfn/stateMachine:StateMachine": Row(
        "stepfunctions", create=("create_state_machine",), read=("describe_state_machine", "list_tags_for_resource"),
        update=("update_state_machine", "tag_resource"), delete=("delete_state_machine",), id="{arn}", name="name",
        names=(r"[\w-]{1,80}", "a state machine name (1-80 of letters, digits, '-', '_')"), untag="untag_resource",
        paths={"arn": "stateMachineArn|resourceArn",
               "loggingConfiguration.logDestination": "destinations.cloudWatchLogsLogGroup.logGroupArn"},
        result={"list_tags_for_resource": WHOLE}, replace=("name", "type"), unset={
            "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
            "loggingConfiguration": {"level": "OFF", "includeExecutionData": False}},
    ),
    "aws:iam/user:User": Row(
        "iam", create=("create_user",), read=("get_user",), update=("put_user_permissions_boundary", "tag_user"),
        delete=(steps.clear_user, "delete_user"),
        name="name", names=IAM_NAME, untag="untag_user", local=("forceDestroy",), result={"get_user": Member("User")},
        unset={"path": "/"},
        paths={"name": "UserName", "uniqueId": "UserId",
               "permissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn|PermissionsBoundary"},
    ),
    "aws:iam/userPolicy:UserPolicy": Row(
        "iam", create=("put_user_policy",), read=("get_user_policy",), update=("put_user_policy",),
        delete=("delete_user_policy",), id="{user}:{name}", name="name",
        paths={"name": "PolicyName", "user": "UserName", "policy": "PolicyDocument"},
    ),
    "aws:iam/accessKey:AccessKey": Row(
        "iam", create=("create_access_key",), read=("list_access_keys",), update=("update_access_key",),
        delete=("delete_access_key",), id="{accessKeyId}", keys=("user",), paths={"user": "UserName",
        "secret": "SecretAccessKey"},
        result={"list_access_keys": Entry("AccessKeyMetadata", "AccessKeyId", "accessKeyId")},
    ),
    "aws:iam/userLoginProfile:UserLoginProfile": Row(
        "iam", create=(steps.make_login,), read=("get_login_profile",), update=("update_login_profile",),
        delete=("delete_login_profile",), id="{user}", paths={"user": "UserName"}, local=("passwordLength", "pgpKey"),
        handles=("user", "passwordResetRequired"),
    ),
    "aws:cloudwatch/dashboard:Dashboard": Row(
        "cloudwatch", create=("put_dashboard",), read=("get_dashboard",), update=("put_dashboard",),
        delete=("delete_dashboards",), id="{dashboardName}", paths={"dashboardName": "DashboardName|DashboardNames"},
    ),
}  # fmt: skip
