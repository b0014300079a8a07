"""What each role of the export and replication pipelines must be able to do, and must not.

The stack: `lake` exports two tables in account HERE into a landing with a customer's key; `replica` carries it, with
what was there before and with deletions, into account THERE under a key of that account. `neighbour` in an ARN is
something of the same account that the pipeline has no business with.
"""

from typing import Any

from tests.contract.iam.proof import Case, can, cannot
from tests.recording import PITR_ON

HERE, THERE, ELSEWHERE = "111111111111", "222222222222", "333333333333"
REGION = "us-east-1"
CONFIG = {
    "accounts": {"workload": {"id": HERE, "region": REGION}, "analytics": {"id": THERE, "region": REGION}},
    "pipelines": {
        "lake": {
            "kind": "export",
            "run": "simple",
            "account": "workload",
            "create_key": True,
            "sources": [{"dynamodb": "orders"}, {"dynamodb": "customers"}],
        },
        "replica": {
            "kind": "replication",
            "from": "lake",
            "account": "analytics",
            "create_key": True,
            "delete_markers": True,
            "existing_objects": True,
        },
    },
}


def arn(service: str, resource: str, account: str = HERE) -> str:
    return f"arn:aws:{service}:{REGION}:{account}:{resource}"


def adopted(table: str, key_arn: str = "") -> dict[str, Any]:
    """A table that exists, encrypted with a customer's key or as DynamoDB encrypts it by itself."""
    encrypted = {"serverSideEncryption": {"enabled": True, "kmsKeyArn": key_arn}} if key_arn else {}
    return PITR_ON | {"arn": arn("dynamodb", f"table/{table}")} | encrypted


TABLES_KEY = arn("kms", "key/customers-table", THERE)
TABLES = {"orders": adopted("orders"), "customers": adopted("customers", TABLES_KEY)}
LANDING = f"arn:aws:s3:::tributary-proof-lake-landing-{HERE}"
REPLICA = f"arn:aws:s3:::tributary-proof-replica-replica-{THERE}"
NEIGHBOUR = "arn:aws:s3:::neighbour"
LANDING_KEY, REPLICA_KEY = arn("kms", "key/lake-landing"), arn("kms", "key/replica-replica", THERE)
EXPORT, SCHEDULE = "tributary-proof-lake-export", "tributary-proof-lake-schedule"
COPIER, JOB = "tributary-proof-replica-source", "tributary-proof-replica-source-backfill-job"
BACKFILL, ARRIVAL = "tributary-proof-replica-source-backfill", "tributary-proof-replica-replica-arrival"
ARRIVALS = arn("sqs", "tributary-proof-replica-replica-arrivals", THERE)
ANNOUNCED = arn("dynamodb", "table/tributary-proof-replica-replica-announced", THERE)
S3_CALLS = "s3.us-east-1.amazonaws.com"


def role_arn(role: str, account: str = HERE) -> str:
    return f"arn:aws:iam::{account}:role/{role}"


def outsider(account: str) -> str:
    """Somebody who is allowed everything by their own account, and is not of this stack."""
    return role_arn("admin", account)


def taken_on_by(
    service: str, role: str, account: str, source: str = "", other: str = "", *, tells_account: bool = True
) -> list[Case]:
    """The service takes the role on for this account (and this source), for no other, and nobody else does. A service
    of which no page says that it names the account takes it on without that, too."""
    target, ours = role_arn(role, account), {"aws:SourceAccount": account}
    if source:
        ours["aws:SourceArn"] = source
    cases = [
        can(service, "sts:AssumeRole", target, context=ours),
        cannot(service, "sts:AssumeRole", target, context=ours | {"aws:SourceAccount": ELSEWHERE}),
        Case(not tells_account, service, "sts:AssumeRole", target),
        cannot("ec2.amazonaws.com", "sts:AssumeRole", target, context=ours),
        cannot(outsider(ELSEWHERE), "sts:AssumeRole", target),
    ]
    if source:
        cases.append(cannot(service, "sts:AssumeRole", target, context=ours | {"aws:SourceArn": other}))
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
        ours = {"aws:SourceArn": source}
        if sender != "events.amazonaws.com":
            ours["aws:SourceAccount"] = account
            theirs = ours | {"aws:SourceAccount": ELSEWHERE}
            cases.append(cannot(sender, "sqs:SendMessage", where, context=theirs))
        cases += [
            can(sender, "sqs:SendMessage", where, context=ours),
            cannot(sender, "sqs:SendMessage", where, context=ours | {"aws:SourceArn": NEIGHBOUR}),
            cannot(sender, "sqs:ReceiveMessage", where, context=ours),
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
    ours = {"kms:ViaService": S3_CALLS, "kms:EncryptionContext:aws:s3:arn": bucket}
    others = (
        {"kms:EncryptionContext:aws:s3:arn": f"{bucket}/raw/a"},
        {"kms:EncryptionContext:aws:s3:arn": NEIGHBOUR},
        {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"},
    )
    return [
        can(role, "kms:Decrypt", where, context=ours, alone=alone),
        *(cannot(role, "kms:Decrypt", where, context=ours | other, alone=alone) for other in others),
        cannot(role, "kms:Decrypt", where, alone=alone),
    ]


def through_dynamodb(role: str, where: str, *tables: str) -> list[Case]:
    """A table's key is used for these tables and by DynamoDB only, on behalf of whoever exports or reads them
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html;
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html). The key is another
    account's, so that the role's own policy is needed whatever the key's says."""
    context = "kms:EncryptionContext:aws:dynamodb:"
    ours = {
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
            can(role, "kms:Decrypt", where, context=ours | {f"{context}tableName": t}, alone="role")
            for t in tables
        ),
        *(cannot(role, "kms:Decrypt", where, context=ours | other, alone="role") for other in others),
        cannot(role, "kms:Decrypt", where, alone="role"),
        cannot(role, "kms:Decrypt", arn("kms", "key/neighbour", THERE), context=ours, alone="role"),
        cannot(
            role, "kms:CreateGrant", where, context={"kms:ViaService": ours["kms:ViaService"]}, alone="role"
        ),
    ]


def alarms(account: str, name: str) -> list[Case]:
    """CloudWatch publishes an account's own alarms to its topic, under the topic's key."""
    topic, topic_key = arn("sns", f"tributary-proof-{name}", account), arn("kms", f"key/{name}-key", account)
    ours = {"aws:SourceAccount": account, "aws:SourceArn": arn("cloudwatch", "alarm:any", account)}
    theirs = {"aws:SourceAccount": ELSEWHERE}, {"aws:SourceArn": arn("cloudwatch", "alarm:any", ELSEWHERE)}
    cloudwatch = "cloudwatch.amazonaws.com"
    rights = [("sns:Publish", topic), ("kms:Decrypt", topic_key), ("kms:GenerateDataKey", topic_key)]
    return [
        *(can(cloudwatch, action, where, context=ours) for action, where in rights),
        *(
            cannot(cloudwatch, action, where, context=ours | other)
            for action, where in rights
            for other in theirs
        ),
        cannot(cloudwatch, "kms:Encrypt", topic_key, context=ours),
        cannot(outsider(ELSEWHERE), "sns:Publish", topic),
        can(outsider(account), "sns:Publish", topic),
        cannot(outsider(account), "sns:Publish", topic, context={"aws:SecureTransport": "false"}),
        *key(topic_key, account),
    ]


TABLE: list[Case] = [
    # --- export: the schedule calls the function, and keeps what it could not deliver
    *taken_on_by(
        "scheduler.amazonaws.com",
        SCHEDULE,
        HERE,
        arn("scheduler", f"schedule-group/{SCHEDULE}"),
        arn("scheduler", "schedule-group/neighbour"),
    ),
    can(SCHEDULE, "lambda:InvokeFunction", arn("lambda", f"function:{EXPORT}")),
    cannot(SCHEDULE, "lambda:InvokeFunction", arn("lambda", "function:neighbour")),
    can(SCHEDULE, "sqs:SendMessage", arn("sqs", f"{EXPORT}-failed")),
    cannot(SCHEDULE, "sqs:SendMessage", arn("sqs", "neighbour")),
    cannot(SCHEDULE, "sqs:ReceiveMessage", arn("sqs", f"{EXPORT}-failed")),
    # --- export: the function starts exports of its tables, which DynamoDB writes with the function's rights
    *runs_as_a_function(EXPORT, HERE),
    can(EXPORT, "dynamodb:ExportTableToPointInTime", arn("dynamodb", "table/orders")),
    can(EXPORT, "dynamodb:ExportTableToPointInTime", arn("dynamodb", "table/customers")),
    cannot(EXPORT, "dynamodb:ExportTableToPointInTime", arn("dynamodb", "table/neighbour")),
    cannot(EXPORT, "dynamodb:Scan", arn("dynamodb", "table/orders")),
    cannot(EXPORT, "dynamodb:PutItem", arn("dynamodb", "table/orders")),
    can(EXPORT, "s3:PutObject", f"{LANDING}/raw/orders/AWSDynamoDB/1/data/a.json.gz"),
    can(EXPORT, "s3:PutObjectAcl", f"{LANDING}/raw/orders/AWSDynamoDB/1/data/a.json.gz"),
    can(EXPORT, "s3:AbortMultipartUpload", f"{LANDING}/raw/orders/AWSDynamoDB/1/data/a.json.gz"),
    cannot(EXPORT, "s3:PutObject", f"{LANDING}/other/a"),
    cannot(EXPORT, "s3:PutObject", f"{NEIGHBOUR}/raw/a"),
    cannot(EXPORT, "s3:GetObject", f"{LANDING}/raw/orders/a"),
    cannot(EXPORT, "s3:DeleteObject", f"{LANDING}/raw/orders/a"),
    # Of two tables one is encrypted with a customer's key; the statement names both.
    *through_dynamodb(EXPORT, TABLES_KEY, "customers", "orders"),
    can(EXPORT, "kms:GenerateDataKey", LANDING_KEY),
    can(EXPORT, "kms:Decrypt", LANDING_KEY),
    cannot(EXPORT, "kms:Decrypt", arn("kms", "key/neighbour")),
    cannot(EXPORT, "kms:CreateGrant", LANDING_KEY),
    can(EXPORT, "sqs:SendMessage", arn("sqs", f"{EXPORT}-failed")),
    cannot(EXPORT, "sqs:SendMessage", arn("sqs", "neighbour")),
    *queue(f"{EXPORT}-failed", HERE),
    *tls_only(LANDING, HERE),
    *key(LANDING_KEY, HERE),
    # --- replication: S3 reads the landing and writes the other account's bucket, and no more. The guide's trust has no
    # condition (https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html).
    *taken_on_by("s3.amazonaws.com", COPIER, HERE, tells_account=False),
    can(COPIER, "s3:GetReplicationConfiguration", LANDING),
    can(COPIER, "s3:ListBucket", LANDING),
    cannot(COPIER, "s3:ListBucket", NEIGHBOUR),
    cannot(COPIER, "s3:PutReplicationConfiguration", LANDING),
    *(
        case
        for action in ("ForReplication", "Acl", "Tagging")
        for case in (
            can(COPIER, f"s3:GetObjectVersion{action}", f"{LANDING}/raw/orders/a"),
            cannot(COPIER, f"s3:GetObjectVersion{action}", f"{LANDING}/other/a"),
            cannot(COPIER, f"s3:GetObjectVersion{action}", f"{NEIGHBOUR}/raw/a"),
        )
    ),
    cannot(COPIER, "s3:DeleteObject", f"{LANDING}/raw/orders/a"),
    cannot(COPIER, "s3:PutObject", f"{LANDING}/raw/orders/a"),
    *(
        case
        for action in (
            "ReplicateObject",
            "ReplicateTags",
            "ReplicateDelete",
            "ObjectOwnerOverrideToBucketOwner",
        )
        for case in (
            can(COPIER, f"s3:{action}", f"{REPLICA}/raw/orders/a"),
            cannot(COPIER, f"s3:{action}", f"{REPLICA}/other/a"),
            cannot(COPIER, f"s3:{action}", f"{NEIGHBOUR}/raw/a", owner=THERE),
            cannot(outsider(HERE), f"s3:{action}", f"{REPLICA}/raw/orders/a"),
        )
    ),
    cannot(COPIER, "s3:GetObject", f"{REPLICA}/raw/orders/a"),
    cannot(COPIER, "s3:PutObject", f"{REPLICA}/raw/orders/a"),
    cannot(COPIER, "s3:DeleteObject", f"{REPLICA}/raw/orders/a"),
    cannot(COPIER, "s3:PutBucketPolicy", REPLICA),
    # The bucket's policy shows its versioning, as the service's guide has it for buckets of different accounts
    # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html); the role's own
    # policy has no such grant there, nor here.
    can(COPIER, "s3:GetBucketVersioning", REPLICA, alone="resource"),
    can(COPIER, "s3:ListBucket", REPLICA, alone="resource"),
    cannot(COPIER, "s3:PutBucketVersioning", REPLICA, alone="resource"),
    cannot(outsider(HERE), "s3:ListBucket", REPLICA),
    *through_s3(COPIER, "kms:Decrypt", LANDING_KEY, LANDING),
    *(
        case
        for side in ("role", "resource", "")
        for case in through_s3(COPIER, "kms:Encrypt", REPLICA_KEY, REPLICA, alone=side)
    ),
    cannot(COPIER, "kms:Encrypt", LANDING_KEY),
    # The replica's bucket has a Bucket Key, which S3 decrypts with this role to verify it; the context is the bucket's
    # ARN (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html#bk-replication).
    *(
        case
        for side in ("role", "resource", "")
        for case in verifies_bucket_key(COPIER, REPLICA_KEY, REPLICA, alone=side)
    ),
    *queue(f"{COPIER}-failed", HERE, "s3.amazonaws.com", LANDING),
    *tls_only(REPLICA, THERE),
    *key(REPLICA_KEY, THERE),
    # --- what was there before: a function makes a job, the job replicates and reports
    *runs_as_a_function(BACKFILL, HERE),
    # It tags its jobs and cancels those alone:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-job-tags-examples.html; to make a job with tags it
    # needs s3:PutJobTagging: https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-batch-operations.html
    *(
        case
        for action, where, key in (
            ("CreateJob", "*", "aws:RequestTag"),
            ("PutJobTagging", arn("s3", "job/1"), "aws:RequestTag"),
            ("UpdateJobStatus", arn("s3", "job/1"), "aws:ResourceTag"),
        )
        for case in (
            can(BACKFILL, f"s3:{action}", where, context={f"{key}/tributary-backfill": BACKFILL}),
            cannot(BACKFILL, f"s3:{action}", where, context={f"{key}/tributary-backfill": "neighbour"}),
            cannot(BACKFILL, f"s3:{action}", where),
        )
    ),
    *(
        cannot(
            BACKFILL,
            f"s3:{action}",
            arn("s3", "job/1", THERE),
            context={f"{key}/tributary-backfill": BACKFILL},
        )
        for action, key in (("PutJobTagging", "aws:RequestTag"), ("UpdateJobStatus", "aws:ResourceTag"))
    ),
    can(BACKFILL, "s3:ListJobs", "*"),
    cannot(BACKFILL, "s3:UpdateJobPriority", arn("s3", "job/1")),
    cannot(BACKFILL, "s3:GetObject", f"{LANDING}/raw/orders/a"),
    can(
        BACKFILL,
        "iam:PassRole",
        role_arn(JOB),
        context={"iam:PassedToService": "batchoperations.s3.amazonaws.com"},
    ),
    cannot(BACKFILL, "iam:PassRole", role_arn(JOB), context={"iam:PassedToService": "lambda.amazonaws.com"}),
    cannot(
        BACKFILL,
        "iam:PassRole",
        role_arn(COPIER),
        context={"iam:PassedToService": "batchoperations.s3.amazonaws.com"},
    ),
    *taken_on_by("batchoperations.s3.amazonaws.com", JOB, HERE, tells_account=False),
    can(JOB, "s3:InitiateReplication", f"{LANDING}/raw/orders/a"),
    cannot(JOB, "s3:InitiateReplication", f"{LANDING}/other/a"),
    cannot(JOB, "s3:InitiateReplication", f"{NEIGHBOUR}/raw/a"),
    can(JOB, "s3:GetReplicationConfiguration", LANDING),
    can(JOB, "s3:PutInventoryConfiguration", LANDING),
    cannot(JOB, "s3:PutInventoryConfiguration", NEIGHBOUR),
    can(JOB, "s3:PutObject", f"{LANDING}/backfill/job-1/manifest.json"),
    cannot(JOB, "s3:PutObject", f"{LANDING}/raw/orders/a"),
    cannot(JOB, "s3:GetObject", f"{LANDING}/raw/orders/a"),
    # "Completion reports are always encrypted with … Amazon S3 managed keys"
    # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-create-job.html).
    cannot(JOB, "kms:GenerateDataKey", LANDING_KEY),
    cannot(JOB, "kms:Decrypt", LANDING_KEY),
    # --- arrival: the function takes events, reads the replica, remembers and announces
    *runs_as_a_function(ARRIVAL, THERE),
    *(
        can(ARRIVAL, f"sqs:{action}Message{what}", ARRIVALS)
        for action, what in (("Receive", ""), ("Delete", ""), ("Change", "Visibility"))
    ),
    can(ARRIVAL, "sqs:GetQueueAttributes", ARRIVALS),
    can(ARRIVAL, "sqs:GetQueueUrl", ARRIVALS),
    cannot(ARRIVAL, "sqs:SendMessage", ARRIVALS),
    cannot(ARRIVAL, "sqs:ReceiveMessage", f"{ARRIVALS}-dead"),
    can(ARRIVAL, "s3:GetObject", f"{REPLICA}/raw/orders/AWSDynamoDB/1/manifest-summary.json"),
    cannot(ARRIVAL, "s3:GetObject", f"{REPLICA}/other/a"),
    cannot(ARRIVAL, "s3:GetObject", f"{NEIGHBOUR}/raw/a"),
    cannot(ARRIVAL, "s3:PutObject", f"{REPLICA}/raw/orders/a"),
    cannot(ARRIVAL, "s3:DeleteObject", f"{REPLICA}/raw/orders/a"),
    can(ARRIVAL, "s3:ListBucket", REPLICA),
    cannot(ARRIVAL, "s3:ListBucket", NEIGHBOUR),
    *(
        case
        for action in ("DeleteItem", "GetItem", "PutItem", "UpdateItem")
        for case in (
            can(ARRIVAL, f"dynamodb:{action}", ANNOUNCED),
            cannot(ARRIVAL, f"dynamodb:{action}", arn("dynamodb", "table/neighbour", THERE)),
        )
    ),
    cannot(ARRIVAL, "dynamodb:Scan", ANNOUNCED),
    # It speaks as itself and nobody else: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
    *(
        Case(may, ARRIVAL, "events:PutEvents", arn("events", f"event-bus/{bus}", THERE), context=spoken)
        for may, bus, spoken in (
            (True, "default", {"events:source": "tributary.arrival"}),
            (False, "neighbour", {"events:source": "tributary.arrival"}),
            (False, "default", {"events:source": "tributary.catalog"}),
            (False, "default", {}),
        )
    ),
    *through_s3(ARRIVAL, "kms:Decrypt", REPLICA_KEY, REPLICA),
    cannot(ARRIVAL, "kms:Encrypt", REPLICA_KEY),
    *queue("tributary-proof-replica-replica-arrivals", THERE, "s3.amazonaws.com", REPLICA),
    *queue("tributary-proof-replica-replica-arrivals-dead", THERE),
    # --- alarms of both accounts
    *alarms(HERE, "workload-alarms"),
    *alarms(THERE, "analytics-alarms"),
]
