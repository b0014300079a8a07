"""Every kind of resource that the program may register, and whether it can grant. One that isn't here fails the proof.

What can grant is read by `harvest`. What can't is listed with the inputs by which it could (a bucket's `acl`), which
then have to be absent. That the list of those inputs is whole, the providers' own SDKs decide (`test_kinds`).
"""

COMPONENTS = ("tributary:", "pulumi:pulumi:Stack", "pulumi:providers:")

GRANTS_NOTHING: dict[str, tuple[str, ...]] = {
    "aws:athena/namedQuery:NamedQuery": (),
    "aws:athena/workgroup:Workgroup": (),
    "aws:cloudwatch/dashboard:Dashboard": (),
    "aws:cloudwatch/eventRule:EventRule": (),
    "aws:cloudwatch/eventTarget:EventTarget": (),
    "aws:cloudwatch/logGroup:LogGroup": (),
    "aws:cloudwatch/logStream:LogStream": (),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (),
    "aws:dynamodb/table:Table": (),
    "aws:glue/catalogDatabase:CatalogDatabase": ("createTableDefaultPermissions",),
    "aws:glue/crawler:Crawler": (),
    "aws:glue/securityConfiguration:SecurityConfiguration": (),
    "aws:iam/accessKey:AccessKey": (),
    "aws:iam/userLoginProfile:UserLoginProfile": (),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (),
    "aws:kinesis/stream:Stream": (),
    "aws:kms/alias:Alias": (),
    "aws:lakeformation/resource:Resource": ("withPrivilegedAccess", "hybridAccessEnabled"),
    "aws:lambda/eventSourceMapping:EventSourceMapping": (),
    "aws:lambda/function:Function": (),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (),
    "aws:lambda/invocation:Invocation": (),
    "aws:opensearch/serverlessCollection:ServerlessCollection": (),
    "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup": (),
    "aws:opensearch/serverlessLifecyclePolicy:ServerlessLifecyclePolicy": (),
    "aws:opensearchingest/pipeline:Pipeline": (),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (),
    "aws:s3/bucketNotification:BucketNotification": (),
    "aws:s3/bucketObjectv2:BucketObjectv2": ("acl",),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": (),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (),
    "aws:s3/bucketVersioning:BucketVersioning": (),
    "aws:scheduler/schedule:Schedule": (),
    "aws:scheduler/scheduleGroup:ScheduleGroup": (),
    "aws:sfn/stateMachine:StateMachine": (),
    "aws:sns/topic:Topic": ("policy",),
    "aws:sns/topicSubscription:TopicSubscription": (),
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": (),
    "gcp:bigquery/table:Table": (),
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": ("inlineTrustConfig",),
    "gcp:pubsub/topic:Topic": (),
    "gcp:serviceaccount/account:Account": (),
    "gcp:storage/bucket:Bucket": (),
    "gcp:storage/transferJob:TransferJob": (),
}

# An input whose name sounds like a grant and that is none: what a service does by itself under a role, which is
# granted elsewhere, and how long or where something is kept.
HARMLESS = {
    "access": {"sourceAccessConfigurations", "publicAccessPrevention", "uniformBucketLevelAccess"},
    "acl": {"blockPublicAcls", "ignorePublicAcls"},
    "polic": {
        "archivePolicy", "blockPublicPolicy", "deletionPolicy", "deliveryPolicy", "filterPolicy", "filterPolicyScope",
        "messageStoragePolicy", "policy of aws:opensearch/serverlessLifecyclePolicy:ServerlessLifecyclePolicy",
        "recrawlPolicy", "redrivePolicy", "replayPolicy", "retentionPolicy", "retryPolicy", "schemaChangePolicy",
        "softDeletePolicy",
    },
}  # fmt: skip
