"""What each role of the export and replication pipelines must be able to do, and must not.

The stack: `lake` exports two tables in account HERE into a landing with a customer's key; `replica` carries it, with
what was there before and with deletions, into account THERE under a key of that account. `neighbour` in an ARN is
something of the same account that the pipeline has no business with.
"""

from tests.contract.iam.proof import Case, can, cannot
from tests.contract.iam.shared_cases import (
    HERE,
    NEIGHBOUR,
    REGION,
    THERE,
    adopted,
    alarms,
    arn,
    key,
    outsider,
    queue,
    role_arn,
    runs_as_a_function,
    taken_on_by,
    through_dynamodb,
    through_s3,
    tls_only,
    verifies_bucket_key,
)

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
TABLES_KEY = arn("kms", "key/customers-table", THERE)
TABLES = {"orders": adopted("orders"), "customers": adopted("customers", TABLES_KEY)}
LANDING = f"arn:aws:s3:::tributary-proof-lake-landing-{HERE}"
REPLICA = f"arn:aws:s3:::tributary-proof-replica-replica-{THERE}"
LANDING_KEY, REPLICA_KEY = arn("kms", "key/lake-landing"), arn("kms", "key/replica-replica", THERE)
EXPORT, SCHEDULE = "tributary-proof-lake-export", "tributary-proof-lake-schedule"
COPIER, JOB = "tributary-proof-replica-source", "tributary-proof-replica-source-backfill-job"
BACKFILL, ARRIVAL = "tributary-proof-replica-source-backfill", "tributary-proof-replica-replica-arrival"
ARRIVALS = arn("sqs", "tributary-proof-replica-replica-arrivals", THERE)
ANNOUNCED = arn("dynamodb", "table/tributary-proof-replica-replica-announced", THERE)

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
