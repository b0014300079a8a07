"""The types of resource that cost nothing, each with the page that says so or the reason."""

_IAM = "IAM is free (https://aws.amazon.com/iam/)"
_PART = "a setting of what it belongs to, which is paid there"
_GOOGLE_IAM = "IAM is free (https://cloud.google.com/iam#pricing)"

FREE = {
    "aws:athena/namedQuery:NamedQuery": "a text that is kept; queries are paid by what they scan",
    "aws:cloudwatch/eventRule:EventRule": "events of AWS's services are free "
    "(https://aws.amazon.com/eventbridge/pricing/)",
    "aws:cloudwatch/eventTarget:EventTarget": _PART,
    "aws:cloudwatch/logStream:LogStream": _PART,
    "aws:glue/catalogDatabase:CatalogDatabase": "a million objects of the catalog are free "
    "(https://aws.amazon.com/glue/pricing/)",
    "aws:glue/securityConfiguration:SecurityConfiguration": _PART,
    "aws:iam/accessKey:AccessKey": _IAM,
    "aws:iam/role:Role": _IAM,
    "aws:iam/rolePolicy:RolePolicy": _IAM,
    "aws:iam/user:User": _IAM,
    "aws:iam/userLoginProfile:UserLoginProfile": _IAM,
    "aws:iam/userPolicy:UserPolicy": _IAM,
    "aws:kms/alias:Alias": "aliases are free (https://aws.amazon.com/kms/pricing/)",
    "aws:lakeformation/permissions:Permissions": "permissions are free "
    "(https://aws.amazon.com/lake-formation/pricing/)",
    "aws:lakeformation/resource:Resource": "a registered place is free "
    "(https://aws.amazon.com/lake-formation/pricing/)",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _PART,
    "aws:lambda/invocation:Invocation": "one run at each deployment that changes it: below a cent",
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": _PART,
    "aws:opensearch/serverlessLifecyclePolicy:ServerlessLifecyclePolicy": _PART,
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": _PART,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _PART,
    "aws:s3/bucketNotification:BucketNotification": _PART,
    "aws:s3/bucketObjectv2:BucketObjectv2": "a bundle of some MB: below a cent",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _PART,
    "aws:s3/bucketPolicy:BucketPolicy": _PART,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _PART,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _PART,
    "aws:s3/bucketVersioning:BucketVersioning": _PART,
    "aws:scheduler/scheduleGroup:ScheduleGroup": _PART,
    "aws:sns/topic:Topic": "a topic is free; its mails are paid (https://aws.amazon.com/sns/pricing/)",
    "aws:sns/topicPolicy:TopicPolicy": _PART,
    "aws:sqs/queuePolicy:QueuePolicy": _PART,
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": "loads and the transfer service for Amazon S3 are free "
    "(https://cloud.google.com/bigquery/pricing#bqdts)",
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": _GOOGLE_IAM,
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": _GOOGLE_IAM,
    "gcp:projects/iAMCustomRole:IAMCustomRole": _GOOGLE_IAM,
    "gcp:projects/iAMMember:IAMMember": _GOOGLE_IAM,
    "gcp:pubsub/topic:Topic": "10 GiB a month are free, and it carries a message a run "
    "(https://cloud.google.com/pubsub/pricing)",
    "gcp:pubsub/topicIAMMember:TopicIAMMember": _GOOGLE_IAM,
    "gcp:serviceaccount/account:Account": _GOOGLE_IAM,
    "gcp:serviceaccount/iAMMember:IAMMember": _GOOGLE_IAM,
    "gcp:storage/bucketIAMMember:BucketIAMMember": _GOOGLE_IAM,
    "gcp:storage/transferJob:TransferJob": "transfers without agents are free; what leaves AWS is paid there "
    "(https://cloud.google.com/storage-transfer/pricing)",
}
"""Type of resource -> why nothing is paid for it."""
