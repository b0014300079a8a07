"""What the AWS side of a BigQuery transfer must be able to do, and must not: the user and the function.

The stack: `plain` exports two tables of account HERE under a customer's key; `warehouse` loads both. `typed` loads one
typed table of a bucket that exists, which lies beside its exports.
"""

from tests.contract.iam.proof import Case, can, cannot
from tests.contract.iam.shared_cases import (
    ELSEWHERE,
    HERE,
    NEIGHBOUR,
    REGION,
    alarms,
    arn,
    outsider,
    queue,
    reads_exports,
    runs_as_a_function,
    scheduled,
    through_s3,
)
from tests.contract.iam.table_grants import warehouse
from tests.contract.iam.table_replication import PLAIN as LANDING
from tests.contract.iam.table_replication import PLAIN_CASES
from tests.contract.iam.table_replication import PLAIN_KEY as LANDING_KEY
from tests.contract.iam.table_replication import TABLES as TABLES

CONFIG = {
    "accounts": {"workload": {"id": HERE, "region": REGION}},
    "gcp": {"project": "shop-analytics", "location": "EU"},
    "pipelines": {
        "plain": {
            "kind": "export",
            "run": "simple",
            "create_key": True,
            "sources": [{"dynamodb": "orders"}, {"dynamodb": "customers"}],
        },
        "warehouse": {
            "kind": "bigquery-transfer",
            "from": "plain",
            "tables": {table: {"columns": {"id": "S"}, "keys": ["id"]} for table in ("orders", "customers")},
        },
        "typed": {
            "kind": "bigquery-transfer",
            "landing": {
                "account": "workload",
                "bucket": "shop-lake",
                "prefix": "raw/",
                "layout": "objects",
                "typed": {"orders": {"files": "lake/orders/*.parquet", "columns": {"id": "string"}}},
            },
            "tables": {"orders": {"keys": ["id"]}},
        },
    },
}
READER, LOAD_CHECK = "user/tributary-proof-warehouse-reader", "tributary-proof-warehouse-reconcile"
TYPED, SHOP = "user/tributary-proof-typed-reader", "arn:aws:s3:::shop-lake"
SCHEDULE, TYPED_SCHEDULE = "tributary-proof-warehouse-compare", "tributary-proof-typed-compare"
TYPED_LOAD_CHECK = "tributary-proof-typed-reconcile"
# A service account's name has 30 characters at most, so these are cut.
LOADER, CHECKER = "tributary-proof-wareh-65a76f1e", "tributary-proof-wareh-f80b9669"
# The evaluator wants a resource by name, and knows one that CloudWatch checks for OTLP data only.
METRICS = arn("cloudwatch", "dataset/default")
DATA = "raw/orders/AWSDynamoDB/1/data/a.json.gz"

# The export's own cases, which its table has, too.
EXPORT = [*PLAIN_CASES, *alarms(HERE, "workload-alarms")]

TABLE: list[Case] = [
    *EXPORT,
    # --- the user whose key Google has reads the landing, and nothing else
    *reads_exports(READER, LANDING, LANDING_KEY, DATA),
    cannot(READER, "iam:CreateAccessKey", f"arn:aws:iam::{HERE}:user/{READER}"),
    cannot(READER, "dynamodb:Scan", arn("dynamodb", "table/orders")),
    cannot(outsider(ELSEWHERE), "s3:GetObject", f"{LANDING}/{DATA}"),
    # --- the user of a typed table reads its files, and neither the exports nor another table's
    can(TYPED, "s3:GetBucketLocation", SHOP),
    cannot(TYPED, "s3:GetBucketLocation", NEIGHBOUR),
    can(TYPED, "s3:ListBucket", SHOP, context={"s3:prefix": "lake/orders/"}),
    cannot(TYPED, "s3:ListBucket", SHOP, context={"s3:prefix": "lake/"}),
    cannot(TYPED, "s3:ListBucket", SHOP, context={"s3:prefix": "raw/orders/"}),
    can(TYPED, "s3:GetObject", f"{SHOP}/lake/orders/export_date=2026-01-01/run=1/a.parquet"),
    cannot(TYPED, "s3:GetObject", f"{SHOP}/lake/customers/export_date=2026-01-01/run=1/a.parquet"),
    cannot(TYPED, "s3:GetObject", f"{SHOP}/raw/orders/AWSDynamoDB/1/data/a.json.gz"),
    cannot(TYPED, "s3:PutObject", f"{SHOP}/lake/orders/a.parquet"),
    # --- the load check reads manifests, and publishes into one namespace
    *runs_as_a_function(LOAD_CHECK, HERE),
    *(
        case
        for table in ("orders", "customers")
        for case in (
            can(LOAD_CHECK, "s3:ListBucket", LANDING, context={"s3:prefix": f"raw/{table}/AWSDynamoDB/"}),
            can(LOAD_CHECK, "s3:GetObject", f"{LANDING}/raw/{table}/AWSDynamoDB/1/manifest-summary.json"),
            cannot(LOAD_CHECK, "s3:GetObject", f"{LANDING}/raw/{table}/AWSDynamoDB/1/data/a.json.gz"),
        )
    ),
    cannot(LOAD_CHECK, "s3:ListBucket", LANDING, context={"s3:prefix": "raw/"}),
    cannot(LOAD_CHECK, "s3:ListBucket", LANDING),
    cannot(LOAD_CHECK, "s3:GetObject", f"{NEIGHBOUR}/raw/orders/AWSDynamoDB/1/manifest-summary.json"),
    cannot(LOAD_CHECK, "s3:PutObject", f"{LANDING}/raw/orders/AWSDynamoDB/1/manifest-summary.json"),
    *through_s3(LOAD_CHECK, "kms:Decrypt", LANDING_KEY, LANDING),
    can(LOAD_CHECK, "cloudwatch:PutMetricData", METRICS, context={"cloudwatch:namespace": "tributary"}),
    cannot(LOAD_CHECK, "cloudwatch:PutMetricData", METRICS, context={"cloudwatch:namespace": "AWS/S3"}),
    cannot(LOAD_CHECK, "cloudwatch:PutMetricData", METRICS),
    can(LOAD_CHECK, "sqs:SendMessage", arn("sqs", f"{LOAD_CHECK}-failed")),
    cannot(LOAD_CHECK, "sqs:SendMessage", arn("sqs", "neighbour")),
    *queue(f"{LOAD_CHECK}-failed", HERE),
    # --- the function of a landing whose rows no export counts reads nothing of it
    *runs_as_a_function(TYPED_LOAD_CHECK, HERE),
    cannot(TYPED_LOAD_CHECK, "s3:ListBucket", SHOP, context={"s3:prefix": "lake/orders/"}),
    cannot(TYPED_LOAD_CHECK, "s3:GetObject", f"{SHOP}/lake/orders/export_date=2026-01-01/run=1/a.parquet"),
    can(TYPED_LOAD_CHECK, "cloudwatch:PutMetricData", METRICS, context={"cloudwatch:namespace": "tributary"}),
    cannot(TYPED_LOAD_CHECK, "cloudwatch:PutMetricData", METRICS, context={"cloudwatch:namespace": "AWS/S3"}),
    can(TYPED_LOAD_CHECK, "sqs:SendMessage", arn("sqs", f"{TYPED_LOAD_CHECK}-failed")),
    cannot(TYPED_LOAD_CHECK, "sqs:SendMessage", arn("sqs", "neighbour")),
    *queue(f"{TYPED_LOAD_CHECK}-failed", HERE),
    # --- a schedule calls each, and keeps what it could not deliver
    *scheduled(SCHEDULE, LOAD_CHECK),
    *scheduled(TYPED_SCHEDULE, TYPED_LOAD_CHECK),
    # --- at Google
    *warehouse("tributary_proof_warehouse", LOADER, CHECKER, LOAD_CHECK),
    *warehouse(
        "tributary_proof_typed",
        "tributary-proof-typed-transfer",
        "tributary-proof-typed-compare",
        TYPED_LOAD_CHECK,
    ),
]
