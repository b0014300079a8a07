"""What each role of the export and replication pipelines must be able to do, and must not.

The stack: `plain` exports two tables in account HERE by a function; `lake` exports one and an instance by a run, into a
landing with a customer's key; `replica` carries that, with what was there before and with deletions, into account THERE
under a key of that account, and makes its tables there. `neighbour` in an ARN is
something of the same account that the pipeline has no business with.
"""

from tests.contract.iam.proof import Case, can, cannot
from tests.contract.iam.run_cases import allowed, lake_of, machine_of
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
from tests.contract.iam.table_export_run import run_of
from tests.contract.iam.table_grants import governed

CONFIG = {
    "accounts": {"workload": {"id": HERE, "region": REGION}, "analytics": {"id": THERE, "region": REGION}},
    "pipelines": {
        "plain": {
            "kind": "export",
            "run": "simple",
            "account": "workload",
            "create_key": True,
            "sources": [{"dynamodb": "orders"}, {"dynamodb": "customers"}],
        },
        "lake": {
            "kind": "export",
            "account": "workload",
            "create_key": True,
            "sources": [{"dynamodb": "orders", "mode": "incremental"}],
        },
        "replica": {
            "kind": "replication",
            "from": "lake",
            "account": "analytics",
            "create_key": True,
            "delete_markers": True,
            "existing_objects": True,
            "catalog": {"lake_formation": {"readers": [f"arn:aws:iam::{THERE}:role/analyst"]}},
        },
    },
}
TABLES_KEY = arn("kms", "key/customers-table", THERE)
ORDERS_KEY = arn("kms", "key/orders-table", THERE)
TABLES = {"orders": adopted("orders", ORDERS_KEY), "customers": adopted("customers", TABLES_KEY)}
PLAIN, PLAIN_KEY = f"arn:aws:s3:::tributary-proof-plain-landing-{HERE}", arn("kms", "key/plain-landing")
LANDING = f"arn:aws:s3:::tributary-proof-lake-landing-{HERE}"
REPLICA = f"arn:aws:s3:::tributary-proof-replica-replica-{THERE}"
LANDING_KEY, REPLICA_KEY = arn("kms", "key/lake-landing"), arn("kms", "key/replica-replica", THERE)
EXPORT, SCHEDULE = "tributary-proof-plain-export", "tributary-proof-plain-schedule"
COPIER, JOB = "tributary-proof-replica-source", "tributary-proof-replica-source-backfill-job"
BACKFILL, ARRIVAL = "tributary-proof-replica-source-backfill", "tributary-proof-replica-replica-arrival"
PUBLISHED, LAKE = "tributary-proof-replica-published", "tributary-proof-replica-lake"
RULE = arn("events", f"rule/{PUBLISHED}", THERE)
ARRIVALS = arn("sqs", "tributary-proof-replica-replica-arrivals", THERE)
ANNOUNCED = arn("dynamodb", "table/tributary-proof-replica-replica-announced", THERE)

PLAIN_CASES: list[Case] = [
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
    can(EXPORT, "s3:PutObject", f"{PLAIN}/raw/orders/AWSDynamoDB/1/data/a.json.gz"),
    can(EXPORT, "s3:PutObjectAcl", f"{PLAIN}/raw/orders/AWSDynamoDB/1/data/a.json.gz"),
    can(EXPORT, "s3:AbortMultipartUpload", f"{PLAIN}/raw/orders/AWSDynamoDB/1/data/a.json.gz"),
    cannot(EXPORT, "s3:PutObject", f"{PLAIN}/other/a"),
    cannot(EXPORT, "s3:PutObject", f"{NEIGHBOUR}/raw/a"),
    cannot(EXPORT, "s3:GetObject", f"{PLAIN}/raw/orders/a"),
    cannot(EXPORT, "s3:DeleteObject", f"{PLAIN}/raw/orders/a"),
    *through_dynamodb(EXPORT, TABLES_KEY, "customers", "orders"),
    *through_dynamodb(EXPORT, ORDERS_KEY, "customers", "orders"),
    can(EXPORT, "kms:GenerateDataKey", PLAIN_KEY),
    can(EXPORT, "kms:Decrypt", PLAIN_KEY),
    cannot(EXPORT, "kms:Decrypt", arn("kms", "key/neighbour")),
    cannot(EXPORT, "kms:CreateGrant", PLAIN_KEY),
    can(EXPORT, "sqs:SendMessage", arn("sqs", f"{EXPORT}-failed")),
    cannot(EXPORT, "sqs:SendMessage", arn("sqs", "neighbour")),
    *queue(f"{EXPORT}-failed", HERE),
    *tls_only(PLAIN, HERE),
    *key(PLAIN_KEY, HERE),
]

TABLE: list[Case] = [
    *PLAIN_CASES,
    # --- export: a run, which hands over what it published
    *run_of("lake", "orders", folds=True, registers=True),
    *queue("tributary-proof-lake-unstarted", HERE),
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
    # --- tables: an announcement starts the run, which reads what arrived, and the catalog of the account is its own
    *taken_on_by("events.amazonaws.com", PUBLISHED, THERE, RULE, arn("events", "rule/neighbour", THERE)),
    *allowed(
        PUBLISHED,
        "states:StartExecution",
        arn("states", "stateMachine:tributary-proof-replica-run", THERE),
        never=arn("states", "stateMachine:neighbour", THERE),
    ),
    *queue("tributary-proof-replica-unstarted", THERE, "events.amazonaws.com", RULE),
    *machine_of(
        "replica", THERE, REPLICA, REPLICA_KEY, ("arrived", "raw state", "state"), folds=True, registers=True
    ),
    cannot("tributary-proof-replica-catalog", "s3:PutObject", f"{REPLICA}/raw/orders/1.published.json"),
    *lake_of(LAKE, REPLICA, REPLICA_KEY, "tributary_proof_replica", ["lake/{}"], THERE),
    *governed(
        "tributary_proof_replica",
        "tributary-proof-replica-catalog",
        [role_arn("analyst", THERE)],
        [f"{REPLICA}/lake"],
        THERE,
    ),
    # --- alarms of both accounts
    *alarms(HERE, "workload-alarms"),
    *alarms(THERE, "analytics-alarms"),
]
