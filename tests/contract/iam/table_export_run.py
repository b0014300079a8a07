"""What each role of an export's run must be able to do, and must not.

The stack: `shop` runs a state machine over a table with increments, and instances and clusters with snapshots of every
kind; the catalog of `crawled` is kept by a crawler.
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
    queue,
    role_arn,
    taken_on_by,
    through_dynamodb,
    tls_only,
)
from tests.contract.iam.table_grants import governed

CONFIG = {
    "accounts": {"workload": {"id": HERE, "region": REGION}},
    "pipelines": {
        "shop": {
            "kind": "export",
            "create_key": True,
            "lake_formation": {"readers": [f"arn:aws:iam::{HERE}:role/analyst"]},
            "sources": [
                {"dynamodb": "orders", "mode": "incremental"},
                {"rds_instance": "stock"},
                {"rds_instance": "mill", "snapshot": "made-for-the-run"},
                {"rds_cluster": "big", "snapshot": "event"},
                {"rds_cluster": "deep", "snapshot": "made-for-the-run"},
            ],
        },
        "crawled": {
            "kind": "export",
            "create_key": True,
            "catalog": "crawler",
            "sources": [{"dynamodb": "customers"}],
        },
    },
}
TABLES = {t: adopted(t, arn("kms", f"key/{t}-table", THERE)) for t in ("orders", "customers")}

RUN = "20260101000000-0123456789"  # how the name of a snapshot made for a run ends (handlers/export_source)


def run_of(
    pipeline: str, table: str, *, registers: bool, folds: bool = False, iceberg: str = ""
) -> list[Case]:
    """What every run of an export has: its functions, its machine and its schedule."""
    landing = f"arn:aws:s3:::tributary-proof-{pipeline}-landing-{HERE}"
    source, run = f"tributary-proof-{pipeline}-source", f"tributary-proof-{pipeline}-run"
    machine, schedule = arn("states", f"stateMachine:{run}"), f"tributary-proof-{pipeline}-schedule"
    return [
        *machine_of(
            pipeline,
            HERE,
            landing,
            arn("kms", f"key/{pipeline}-landing"),
            registers=registers,
            folds=folds,
            iceberg=iceberg,
        ),
        *taken_on_by(
            "scheduler.amazonaws.com",
            schedule,
            HERE,
            arn("scheduler", f"schedule-group/{schedule}"),
            arn("scheduler", "schedule-group/neighbour"),
        ),
        *allowed(schedule, "states:StartExecution", machine, never=arn("states", "stateMachine:neighbour")),
        *allowed(
            schedule,
            "sqs:SendMessage",
            arn("sqs", f"tributary-proof-{pipeline}-unstarted"),
            never=arn("sqs", "neighbour"),
        ),
        cannot(schedule, "lambda:InvokeFunction", arn("lambda", f"function:{source}")),
        # the exports of a table, which DynamoDB writes with the function's rights
        *allowed(
            source,
            "dynamodb:DescribeTable dynamodb:ExportTableToPointInTime",
            arn("dynamodb", f"table/{table}"),
            never=arn("dynamodb", "table/neighbour"),
        ),
        *allowed(
            source,
            "dynamodb:DescribeExport",
            arn("dynamodb", f"table/{table}/export/1"),
            never=arn("dynamodb", "table/neighbour/export/1"),
        ),
        cannot(source, "dynamodb:Scan", arn("dynamodb", f"table/{table}")),
        *through_dynamodb(source, arn("kms", f"key/{table}-table", THERE), table),
        *allowed(
            source,
            "s3:AbortMultipartUpload s3:PutObject s3:PutObjectAcl",
            f"{landing}/raw/{table}/a",
            never=f"{NEIGHBOUR}/raw/{table}/a",
        ),
        cannot(source, "s3:PutObject", f"{landing}/state/a"),
        cannot(source, "s3:GetObject", f"{landing}/raw/a"),
        # what a run hands to replicas of its landing, beside the export
        *allowed(
            f"tributary-proof-{pipeline}-catalog",
            "s3:PutObject",
            f"{landing}/raw/{table}/1.published.json",
            never=f"{landing}/raw/{table}/1.json",
        ),
        cannot(f"tributary-proof-{pipeline}-catalog", "s3:PutObject", f"{landing}/lake/1.published.json"),
        cannot(f"tributary-proof-{pipeline}-catalog", "s3:PutObject", f"{NEIGHBOUR}/raw/1.published.json"),
        *tls_only(landing, HERE),
        *key(arn("kms", f"key/{pipeline}-landing"), HERE),
    ]


def exports_of_rds(source: str, role: str, landing: str, landing_key: str) -> list[Case]:
    """An automated snapshot is exported; one that is made for the run is also made and forgotten; RDS writes. What an
    automated snapshot is called: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html"""
    begins = "rds:StartExportTask rds:DescribeExportTasks"
    neighbour = arn("rds", "snapshot:rds:neighbour-2026-01-01-00-00")
    passed = {"iam:PassedToService": "export.rds.amazonaws.com"}
    own = {"kms:GrantIsForAWSResource": "true"}
    cases = [
        *allowed(
            source,
            begins,
            arn("rds", "snapshot:rds:stock-2026-01-01-00-00"),
            arn("rds", f"snapshot:mill-{RUN}"),
            never=neighbour,
        ),
        *allowed(
            source,
            begins,
            arn("rds", "cluster-snapshot:rds:big-2026-01-01-00-00"),
            arn("rds", f"cluster-snapshot:deep-{RUN}"),
        ),
        *(
            cannot(source, f"rds:{action}", arn("rds", part))
            for action in ("StartExportTask", "DescribeExportTasks")
            for part in (
                "snapshot:stock-by-hand",
                "snapshot:rds:stock-eu-2026-01-01-00-00",
                "snapshot:mill-by-hand-before-the-upgrade",
                f"snapshot:mill-eu-{RUN}",
                "cluster-snapshot:rds:big-eu-2026-01-01-00-00",
                f"cluster-snapshot:deep-eu-{RUN}",
            )
        ),
        *(
            cannot(source, action, arn("rds", part))
            for noun, action, name in (
                ("snapshot", "rds:DeleteDBSnapshot", "mill"),
                ("cluster-snapshot", "rds:DeleteDBClusterSnapshot", "deep"),
            )
            for part in (f"{noun}:{name}-by-hand", f"{noun}:{name}-eu-{RUN}")
        ),
        *allowed(
            source,
            "rds:DescribeDBSnapshots",
            arn("rds", "db:stock"),
            arn("rds", "db:mill"),
            arn("rds", f"snapshot:mill-{RUN}"),
            never=arn("rds", "db:neighbour"),
        ),
        *allowed(
            source,
            "rds:DescribeDBClusterSnapshots",
            arn("rds", "cluster:big"),
            arn("rds", "cluster:deep"),
            arn("rds", f"cluster-snapshot:deep-{RUN}"),
            never=arn("rds", "cluster:neighbour"),
        ),
        *allowed(
            source,
            "rds:CreateDBSnapshot",
            arn("rds", "db:mill"),
            arn("rds", f"snapshot:mill-{RUN}"),
            never=arn("rds", "db:stock"),
        ),
        *allowed(
            source,
            "rds:CreateDBClusterSnapshot",
            arn("rds", "cluster:deep"),
            arn("rds", f"cluster-snapshot:deep-{RUN}"),
            never=arn("rds", "cluster:big"),
        ),
        *allowed(
            source,
            "rds:DeleteDBSnapshot",
            arn("rds", f"snapshot:mill-{RUN}"),
            never=arn("rds", "snapshot:rds:stock-2026-01-01-00-00"),
        ),
        *allowed(
            source,
            "rds:DeleteDBClusterSnapshot",
            arn("rds", f"cluster-snapshot:deep-{RUN}"),
            never=arn("rds", "cluster-snapshot:rds:big-2026-01-01-00-00"),
        ),
        can(source, "iam:PassRole", role_arn(role), context=passed),
        cannot(
            source, "iam:PassRole", role_arn(role), context={"iam:PassedToService": "lambda.amazonaws.com"}
        ),
        cannot(source, "iam:PassRole", role_arn("neighbour"), context=passed),
        can(source, "kms:CreateGrant", landing_key, context=own),
        cannot(source, "kms:CreateGrant", landing_key),
        can(source, "kms:DescribeKey", landing_key),
        *taken_on_by("export.rds.amazonaws.com", role, HERE),
        *allowed(role, "s3:GetBucketLocation s3:ListBucket", landing, never=NEIGHBOUR),
        cannot(role, "s3:PutObject", f"{landing}/raw/orders/a"),
        cannot(role, "s3:PutObject", f"{landing}/lake/a"),
    ]
    folders = [f"{landing}/raw/{name}/a" for name in ("stock", "mill", "big", "deep")]
    return cases + allowed(
        role, "s3:DeleteObject s3:GetObject s3:PutObject", *folders, never=f"{NEIGHBOUR}/raw/stock/a"
    )


SHOP, CRAWLED = (f"arn:aws:s3:::tributary-proof-{name}-landing-{HERE}" for name in ("shop", "crawled"))
SNAPSHOT, CRAWLER = "tributary-proof-shop-snapshot", "tributary-proof-crawled-crawler"
RULE = arn("events", f"rule/{SNAPSHOT}")
LAKE, LAKES = (
    "tributary-proof-shop-lake",
    ["lake/{}", *(f"raw/{n}/{{}}" for n in ("stock", "mill", "big", "deep"))],
)
CRAWLS = "glue:BatchCreatePartition glue:BatchGetPartition glue:CreateTable glue:GetTable glue:UpdateTable"
CRAWLED_LOG = "log-group:/aws-glue/crawlers-role/a:log-stream:1"


TABLE: list[Case] = [
    # --- a run by a state machine, over tables, instances and clusters
    *run_of("shop", "orders", folds=True, registers=True),
    *exports_of_rds(
        "tributary-proof-shop-source", "tributary-proof-shop-rds", SHOP, arn("kms", "key/shop-landing")
    ),
    *taken_on_by("events.amazonaws.com", SNAPSHOT, HERE, RULE, arn("events", "rule/neighbour")),
    can(SNAPSHOT, "states:StartExecution", arn("states", "stateMachine:tributary-proof-shop-run")),
    cannot(SNAPSHOT, "states:StartExecution", arn("states", "stateMachine:neighbour")),
    *queue("tributary-proof-shop-unstarted", HERE, "events.amazonaws.com", RULE),
    *lake_of(LAKE, SHOP, arn("kms", "key/shop-landing"), "tributary_proof_shop", LAKES, HERE),
    *governed(
        "tributary_proof_shop",
        "tributary-proof-shop-catalog",
        [role_arn("analyst")],
        [f"{SHOP}/{p.format('').rstrip('/')}" for p in LAKES],
    ),
    # --- a run whose catalog a crawler keeps
    *run_of("crawled", "customers", registers=False),
    *queue("tributary-proof-crawled-unstarted", HERE),
    *taken_on_by("glue.amazonaws.com", CRAWLER, HERE),
    *allowed(CRAWLER, "s3:GetObject", f"{CRAWLED}/lake/a", never=f"{CRAWLED}/raw/a"),
    *allowed(CRAWLER, "s3:ListBucket", CRAWLED, never=NEIGHBOUR, context={"s3:prefix": "lake/customers"}),
    cannot(CRAWLER, "s3:ListBucket", CRAWLED, context={"s3:prefix": "raw/"}),
    *allowed(
        CRAWLER,
        CRAWLS,
        *(
            arn("glue", p)
            for p in ("catalog", "database/tributary_proof_crawled", "table/tributary_proof_crawled/a")
        ),
        never=arn("glue", "table/neighbour/a"),
    ),
    *allowed(
        CRAWLER,
        "glue:GetDatabase",
        *(arn("glue", p) for p in ("catalog", "database/tributary_proof_crawled")),
        never=arn("glue", "database/neighbour"),
    ),
    cannot(CRAWLER, "glue:DeleteTable", arn("glue", "table/tributary_proof_crawled/a")),
    *allowed(
        CRAWLER,
        "logs:CreateLogStream logs:PutLogEvents",
        arn("logs", CRAWLED_LOG),
        never=arn("logs", "log-group:/aws/lambda/a:log-stream:1"),
    ),
    *allowed(
        CRAWLER,
        "logs:CreateLogGroup",
        arn("logs", "log-group:/aws-glue/crawlers-role/a"),
        never=arn("logs", "log-group:/aws/lambda/a"),
    ),
    *allowed(CRAWLER, "kms:Decrypt", arn("kms", "key/crawled-landing"), never=arn("kms", "key/neighbour")),
    # --- alarms
    *alarms(HERE, "workload-alarms"),
]
