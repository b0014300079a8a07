"""Cases that several tables have alike: a function's, a queue's, a key's, alarms', a trust's; and the accounts that
they speak of. `neighbour` in an ARN is something of the same account that a pipeline has no business with.
"""

from typing import Any

from tests.contract.iam.proof import Case, can, cannot
from tests.recording import PITR_ON

HERE, THERE, ELSEWHERE = "111111111111", "222222222222", "333333333333"
REGION = "us-east-1"
NEIGHBOUR = "arn:aws:s3:::neighbour"
S3_CALLS = "s3.us-east-1.amazonaws.com"


def arn(service: str, resource: str, account: str = HERE) -> str:
    """An ARN in the tables' region."""
    return f"arn:aws:{service}:{REGION}:{account}:{resource}"


def adopted(table: str, key_arn: str = "") -> dict[str, Any]:
    """A table that exists, encrypted with a customer's key or as DynamoDB encrypts it by itself."""
    encrypted = {"serverSideEncryption": {"enabled": True, "kmsKeyArn": key_arn}} if key_arn else {}
    return PITR_ON | {"arn": arn("dynamodb", f"table/{table}")} | encrypted


def role_arn(role: str, account: str = HERE) -> str:
    """The ARN of a role."""
    return f"arn:aws:iam::{account}:role/{role}"


def outsider(account: str) -> str:
    """Somebody who is allowed everything by their own account, and is not of this stack."""
    return role_arn("admin", account)


def taken_on_by(
    service: str, role: str, account: str, source: str = "", other: str = "", *, tells_account: bool = True
) -> list[Case]:
    """The service takes the role on for this account (and this source), for no other, and nobody else does. A service
    of which no page says that it names the account takes it on without that, too."""
    target, own = role_arn(role, account), {"aws:SourceAccount": account}
    if source:
        own["aws:SourceArn"] = source
    cases = [
        can(service, "sts:AssumeRole", target, context=own),
        cannot(service, "sts:AssumeRole", target, context=own | {"aws:SourceAccount": ELSEWHERE}),
        Case(not tells_account, service, "sts:AssumeRole", target),
        cannot("ec2.amazonaws.com", "sts:AssumeRole", target, context=own),
        cannot(outsider(ELSEWHERE), "sts:AssumeRole", target),
    ]
    if source:
        cases.append(cannot(service, "sts:AssumeRole", target, context=own | {"aws:SourceArn": other}))
    return cases


def runs_as_a_function(role: str, account: str) -> list[Case]:
    """A function takes its role on, writes its own log, and no other's."""
    log = f"log-group:/aws/lambda/{role}:log-stream:2026/01/01/1"
    other = "log-group:/aws/lambda/neighbour:log-stream:2026/01/01/1"
    return [
        *taken_on_by("lambda.amazonaws.com", role, account),
        can(role, "logs:CreateLogStream", arn("logs", log, account)),
        can(role, "logs:PutLogEvents", arn("logs", log, account)),
        cannot(role, "logs:PutLogEvents", arn("logs", other, account)),
        cannot(role, "logs:GetLogEvents", arn("logs", log, account)),
    ]


def scheduled(role: str, function: str) -> list[Case]:
    """Scheduler takes the role on for the schedule's own group; the role calls one function, and puts what it could not
    deliver into the function's queue."""
    group, other = (arn("scheduler", f"schedule-group/{name}") for name in (role, "neighbour"))
    return [
        *taken_on_by("scheduler.amazonaws.com", role, HERE, group, other),
        can(role, "lambda:InvokeFunction", arn("lambda", f"function:{function}")),
        cannot(role, "lambda:InvokeFunction", arn("lambda", "function:neighbour")),
        can(role, "sqs:SendMessage", arn("sqs", f"{function}-failed")),
        cannot(role, "sqs:SendMessage", arn("sqs", "neighbour")),
        cannot(role, "sqs:ReceiveMessage", arn("sqs", f"{function}-failed")),
    ]


def reads_exports(who: str, landing: str, landing_key: str, file: str) -> list[Case]:
    """A copy to Google reads a landing's exports, `file` among them, and nothing else; it writes nothing."""
    return [
        can(who, "s3:GetBucketLocation", landing),
        cannot(who, "s3:GetBucketLocation", NEIGHBOUR),
        can(who, "s3:ListBucket", landing, context={"s3:prefix": "raw/orders/AWSDynamoDB/"}),
        cannot(who, "s3:ListBucket", landing, context={"s3:prefix": "backfill/"}),
        cannot(who, "s3:ListBucket", landing),
        cannot(who, "s3:ListBucket", NEIGHBOUR, context={"s3:prefix": "raw/orders/"}),
        can(who, "s3:GetObject", f"{landing}/{file}"),
        cannot(who, "s3:GetObject", f"{landing}/backfill/a"),
        cannot(who, "s3:GetObject", f"{NEIGHBOUR}/{file}"),
        cannot(who, "s3:PutObject", f"{landing}/{file}"),
        cannot(who, "s3:DeleteObject", f"{landing}/{file}"),
        *through_s3(who, "kms:Decrypt", landing_key, landing),
        cannot(who, "kms:GenerateDataKey", landing_key),
    ]


def tls_only(bucket: str, account: str) -> list[Case]:
    """Who is allowed everything in the bucket's account reaches it by TLS, and not without; nobody else does."""
    plain, admin = {"aws:SecureTransport": "false"}, outsider(account)
    return [
        can(admin, "s3:GetObject", f"{bucket}/raw/a"),
        cannot(admin, "s3:GetObject", f"{bucket}/raw/a", context=plain),
        can(admin, "s3:ListBucket", bucket),
        cannot(admin, "s3:ListBucket", bucket, context=plain),
        cannot(outsider(ELSEWHERE), "s3:GetObject", f"{bucket}/raw/a"),
        cannot(outsider(ELSEWHERE), "s3:PutObject", f"{bucket}/raw/a"),
        cannot(outsider(ELSEWHERE), "s3:ReplicateObject", f"{bucket}/raw/a"),
    ]


def queue(name: str, account: str, sender: str = "", source: str = "") -> list[Case]:
    """A queue is reached by TLS only, from its account only, and by its one sender for its one source. S3 names the
    account and the bucket (https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html),
    a rule its ARN alone (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html)."""
    where, plain = arn("sqs", name, account), {"aws:SecureTransport": "false"}
    cases = [
        can(outsider(account), "sqs:SendMessage", where),
        cannot(outsider(account), "sqs:SendMessage", where, context=plain),
        cannot(outsider(ELSEWHERE), "sqs:SendMessage", where),
        cannot(outsider(ELSEWHERE), "sqs:ReceiveMessage", where),
    ]
    if sender:
        own = {"aws:SourceArn": source}
        if sender != "events.amazonaws.com":
            own["aws:SourceAccount"] = account
            foreign = own | {"aws:SourceAccount": ELSEWHERE}
            cases.append(cannot(sender, "sqs:SendMessage", where, context=foreign))
        cases += [
            can(sender, "sqs:SendMessage", where, context=own),
            cannot(sender, "sqs:SendMessage", where, context=own | {"aws:SourceArn": NEIGHBOUR}),
            cannot(sender, "sqs:ReceiveMessage", where, context=own),
        ]
    return cases


# A key that its own account can't administer is lost; a key that its account's policies can't use serves nobody. What
# the default policy lets administrators and users do: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
KEPT_BY_ITS_ACCOUNT = [
    "CancelKeyDeletion", "CreateAlias", "DeleteAlias", "DescribeKey", "DisableKey", "DisableKeyRotation",
    "EnableKey", "EnableKeyRotation", "GetKeyPolicy", "GetKeyRotationStatus", "ListGrants", "ListKeyPolicies",
    "ListKeyRotations", "ListResourceTags", "PutKeyPolicy", "RevokeGrant", "RotateKeyOnDemand", "ScheduleKeyDeletion",
    "TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription", "CreateGrant", "Decrypt", "Encrypt",
    "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
]  # fmt: skip


def key(where: str, account: str) -> list[Case]:
    """A key is its account's to rule, and no other account's to use."""
    return [
        *(can(outsider(account), f"kms:{action}", where) for action in KEPT_BY_ITS_ACCOUNT),
        *(
            cannot(outsider(ELSEWHERE), f"kms:{action}", where)
            for action in ("Decrypt", "Encrypt", "PutKeyPolicy")
        ),
    ]


def through_s3(role: str, action: str, where: str, bucket: str, alone: str = "") -> list[Case]:
    """A key is used for one bucket's objects only, with a Bucket Key and without, and by S3 only."""
    with_bucket_key = {"kms:ViaService": S3_CALLS, "kms:EncryptionContext:aws:s3:arn": bucket}
    without = with_bucket_key | {"kms:EncryptionContext:aws:s3:arn": f"{bucket}/raw/a"}
    elsewhere = with_bucket_key | {"kms:EncryptionContext:aws:s3:arn": NEIGHBOUR}
    by_another_service = with_bucket_key | {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}
    return [
        *(can(role, action, where, context=c, alone=alone) for c in (with_bucket_key, without)),
        *(cannot(role, action, where, context=c, alone=alone) for c in (elsewhere, by_another_service, {})),
    ]


def verifies_bucket_key(role: str, where: str, bucket: str, alone: str = "") -> list[Case]:
    """A key is decrypted with for one bucket's Bucket Key only, and by S3 only; not for its objects."""
    own = {"kms:ViaService": S3_CALLS, "kms:EncryptionContext:aws:s3:arn": bucket}
    others = (
        {"kms:EncryptionContext:aws:s3:arn": f"{bucket}/raw/a"},
        {"kms:EncryptionContext:aws:s3:arn": NEIGHBOUR},
        {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"},
    )
    return [
        can(role, "kms:Decrypt", where, context=own, alone=alone),
        *(cannot(role, "kms:Decrypt", where, context=own | other, alone=alone) for other in others),
        cannot(role, "kms:Decrypt", where, alone=alone),
    ]


def through_dynamodb(role: str, where: str, *tables: str) -> list[Case]:
    """A table's key is used for these tables and by DynamoDB only, on behalf of whoever exports or reads them
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html;
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html). The key is another
    account's, so that the role's own policy is needed whatever the key's says."""
    context = "kms:EncryptionContext:aws:dynamodb:"
    own = {
        "kms:ViaService": f"dynamodb.{REGION}.amazonaws.com",
        f"{context}tableName": tables[0],
        f"{context}subscriberId": HERE,
    }
    others = (
        {f"{context}tableName": "neighbour"},
        {f"{context}subscriberId": ELSEWHERE},
        {"kms:ViaService": S3_CALLS},
    )
    return [
        *(
            can(role, "kms:Decrypt", where, context=own | {f"{context}tableName": t}, alone="role")
            for t in tables
        ),
        *(cannot(role, "kms:Decrypt", where, context=own | other, alone="role") for other in others),
        cannot(role, "kms:Decrypt", where, alone="role"),
        cannot(role, "kms:Decrypt", arn("kms", "key/neighbour", THERE), context=own, alone="role"),
        cannot(
            role, "kms:CreateGrant", where, context={"kms:ViaService": own["kms:ViaService"]}, alone="role"
        ),
    ]


def alarms(account: str, name: str) -> list[Case]:
    """CloudWatch publishes an account's own alarms to its topic, under the topic's key."""
    topic, topic_key = arn("sns", f"tributary-proof-{name}", account), arn("kms", f"key/{name}-key", account)
    own = {"aws:SourceAccount": account, "aws:SourceArn": arn("cloudwatch", "alarm:any", account)}
    foreign = {"aws:SourceAccount": ELSEWHERE}, {"aws:SourceArn": arn("cloudwatch", "alarm:any", ELSEWHERE)}
    cloudwatch = "cloudwatch.amazonaws.com"
    rights = [("sns:Publish", topic), ("kms:Decrypt", topic_key), ("kms:GenerateDataKey", topic_key)]
    return [
        *(can(cloudwatch, action, where, context=own) for action, where in rights),
        *(
            cannot(cloudwatch, action, where, context=own | other)
            for action, where in rights
            for other in foreign
        ),
        cannot(cloudwatch, "kms:Encrypt", topic_key, context=own),
        cannot(outsider(ELSEWHERE), "sns:Publish", topic),
        can(outsider(account), "sns:Publish", topic),
        cannot(outsider(account), "sns:Publish", topic, context={"aws:SecureTransport": "false"}),
        *key(topic_key, account),
    ]
