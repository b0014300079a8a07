"""What narrows each action of the roles where a stack's own names don't: tables that `roles` reads.

https://docs.aws.amazon.com/service-authorization/latest/reference/ says of each action which resources and condition
keys it knows.
"""

import re
from collections.abc import Mapping

# Which actions know no resource, and how they are narrowed: by the tags of the request, by the collection's name, by
# the function's ARN, or by nothing.
ANYWHERE = {
    **dict.fromkeys(
        ("aoss:CreateCollection", "aoss:CreateCollectionGroup", "glue:CreateCrawler", "kms:CreateKey",
         "osis:CreatePipeline"),
        "made",
    ),
    "aoss:BatchGetCollectionGroup": "group",
    **dict.fromkeys(
        (
            f"aoss:{verb}{kind}Policy"
            for verb in ("Create", "Delete", "Get", "Update")
            for kind in ("Access", "Lifecycle", "Security")
            if (verb, kind) != ("Get", "Lifecycle")
        ),
        "collection",
    ),
    "aoss:BatchGetCollection": "collection",
    "lambda:CreateEventSourceMapping": "function",
    **dict.fromkeys(("aoss:TagResource", "aoss:UntagResource"), "tagged"),
    **dict.fromkeys(("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"), "region"),
    **dict.fromkeys(
        (
            "aoss:BatchGetLifecyclePolicy", "aoss:ListAccessPolicies", "aoss:ListTagsForResource",
            "glue:CreateSecurityConfiguration",
            "glue:DeleteSecurityConfiguration", "glue:GetSecurityConfiguration", "kinesis:DescribeLimits",
            "kinesis:UpdateShardCount", "kinesis:UpdateStreamMode", "kms:ListAliases",
            "lakeformation:DeregisterResource", "lakeformation:DescribeResource", "lakeformation:GetDataLakeSettings",
            "lakeformation:GrantPermissions", "lakeformation:ListPermissions", "lakeformation:RegisterResource",
            "lakeformation:RevokePermissions", "lakeformation:UpdateResource", "lambda:ListEventSourceMappings",
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
            "states:ValidateStateMachineDefinition",
        ),
        "",
    ),
}  # fmt: skip
# Of a policy on indexes the reference names `aoss:index` as well, or only that; the guide's example for lifecycle
# policies names the collection
# (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-lifecycle.html). No page says how
# the index is written; AWS's own policy has it begin with the collection's name, beside a statement on the collection
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/OpenSearch-Dashboards-Integrate.html).
ON_INDEXES = re.compile("aoss:(Create|Delete|Get|Update)(Access|Lifecycle)Policy")
INDEXES = ("%s", "%s/*", "index/%s/*")
# What is made with its tags asks for these, too, and has no tags yet
# (https://docs.aws.amazon.com/service-authorization/latest/reference/list_opensearchserverless.html:
# CreateCollection; https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html:
# CreateKey).
TAGGED_AS_MADE = ("aoss:TagResource", "kms:TagResource", "lambda:TagResource")
# A mapping's own actions, which name the function.
OF_A_FUNCTION = {f"lambda:{verb}EventSourceMapping" for verb in ("Delete", "Get", "Update")}
# What gives a role or a user more, or takes away what denies it something: where the config names a boundary, of those
# that have it alone, and of those that are made with it
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate).
# The right to take a boundary away is nobody's here.
BOUNDED = {
    f"iam:{name}"
    for name in ("CreateRole", "CreateUser", "DeleteRolePolicy", "DeleteUserPolicy", "PutRolePermissionsBoundary",
                 "PutRolePolicy", "PutUserPermissionsBoundary", "PutUserPolicy")
}  # fmt: skip
BOUNDING = {
    "aws:iam/role:Role": {"iam:PutRolePermissionsBoundary"},
    "aws:iam/user:User": {"iam:PutUserPermissionsBoundary"},
}
# Where a function of the stack hands a role over itself, whose own policy says so.
BY_A_FUNCTION = {"batchoperations.s3.amazonaws.com", "export.rds.amazonaws.com"}
# A role that a service makes for itself in an account, once: https://docs.aws.amazon.com/opensearch-service/latest/
# developerguide/slr-osis.html and serverless-service-linked-roles.html.
LINKED = {
    "aws:opensearchingest/pipeline:Pipeline": (
        "osis.amazonaws.com",
        "AWSServiceRoleForAmazonOpenSearchIngestionService",
    ),
    "aws:opensearch/serverlessCollection:ServerlessCollection": (
        "observability.aoss.amazonaws.com",
        "AWSServiceRoleForAmazonOpenSearchServerless",
    ),
}  # fmt: skip
# What writing to an ingestion pipeline's log asks of who makes it: https://docs.aws.amazon.com/AmazonCloudWatch/latest/
# logs/AWS-logs-and-resource-policy.html.
LOG_DELIVERY = [
    "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeResourcePolicies", "logs:GetLogDelivery",
    "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
]  # fmt: skip
# A `*` in a bucket's name would reach into its keys, so that objects are granted in buckets by their whole names.
OBJECTS = re.compile("^arn:[^:]+:s3:::[^/]+/")
OWN = {
    "athena": "workgroups and their saved queries", "cloudwatch": "alarms and dashboards",
    "dynamodb": "tables, and those that it adopts",
    "events": "rules", "firehose": "delivery streams", "glue": "databases and crawlers", "iam": "roles and users",
    "kinesis": "streams, and those that it adopts", "kms": "aliases", "lambda": "functions", "logs": "log groups",
    "osis": "ingestion pipelines", "s3": "buckets, and the bundles in them", "scheduler": "schedules",
    "sns": "alarm topic", "sqs": "queues", "states": "state machines",
}  # fmt: skip
# What the scan, and who adopts (adoption/aws.py), ask of a resource besides what a refresh reads of it; a page is that
# of the operation of the name.
SCANNED: Mapping[str, set[str]] = {
    "aws:athena/namedQuery:NamedQuery": {"athena:BatchGetNamedQuery", "athena:ListNamedQueries"},
    "aws:lambda/eventSourceMapping:EventSourceMapping": {"lambda:ListEventSourceMappings"},
    "aws:s3/bucket:Bucket": {"s3:GetBucketPolicy"},
    "aws:sqs/queue:Queue": {"sqs:GetQueueAttributes", "sqs:GetQueueUrl"},
    "aws:sns/topic:Topic": {"sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"},
    "aws:kms/key:Key": {"kms:GetKeyPolicy", "kms:ListGrants"},
    "aws:iam/role:Role": {"iam:ListAttachedRolePolicies", "iam:ListRolePolicies"},
    "aws:opensearch/serverlessCollection:ServerlessCollection": {
        "aoss:GetAccessPolicy",
        "aoss:ListAccessPolicies",
    },
}
# What the scan reads of others' making: a policy on `collection/*` is refused to who may read those that name the
# stack's collections only, and that policy is the one to report.
OF_STRANGERS = {"aoss:GetAccessPolicy", "aoss:ListAccessPolicies"}
NETWORK = ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
