"""What each role of an export's run must be able to do, and must not.

The stack: `shop` runs a state machine over a table with increments, and instances and clusters with snapshots of every
kind; the catalog of `crawled` is kept by a crawler.
"""

from typing import Any

from tests.contract.iam.proof import Case, can, cannot
from tests.contract.iam.shared_cases import (
    ELSEWHERE,
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
    runs_as_a_function,
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


def allowed(role: str, actions: str, *where: str, never: str = "", **more: Any) -> list[Case]:
    """The role may do each action on each of these, and none of them on `never`."""
    named = actions.split()
    cases = [can(role, action, resource, **more) for action in named for resource in where]
    return cases + [cannot(role, action, never, **more) for action in named if never]


def run_of(pipeline: str, database: str, table: str, *, folds: bool, registers: bool) -> list[Case]:
    """What every run by a state machine has: its functions, its machine and its schedule."""
    landing = f"arn:aws:s3:::tributary-proof-{pipeline}-landing-{HERE}"
    landing_key = arn("kms", f"key/{pipeline}-landing")
    source, normalise, fold, catalog, run = (
        f"tributary-proof-{pipeline}-{part}" for part in ("source", "normalise", "fold", "catalog", "run")
    )
    machine, schedule = arn("states", f"stateMachine:{run}"), f"tributary-proof-{pipeline}-schedule"
    functions = [source, normalise, catalog, *([fold] if folds else [])]
    reads = {source: "state", normalise: "raw state windows", catalog: "state", fold: "lake state windows"}
    writes = {normalise: "lake state windows", catalog: "state", fold: "lake"}
    cases = [
        # For any machine of the account, as the guide's trust has it: a Distributed Map's children carry a label
        # (https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html).
        *taken_on_by(
            "states.amazonaws.com", run, HERE, machine, arn("states", f"stateMachine:{run}", ELSEWHERE)
        ),
        can(
            "states.amazonaws.com",
            "sts:AssumeRole",
            role_arn(run),
            context={"aws:SourceAccount": HERE, "aws:SourceArn": f"{machine}/Files"},
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
        *allowed(
            run,
            "lambda:InvokeFunction",
            *(arn("lambda", f"function:{name}") for name in functions),
            never=arn("lambda", "function:neighbour"),
        ),
        *allowed(run, "states:StartExecution", machine, never=arn("states", "stateMachine:neighbour")),
        *allowed(
            run,
            "states:DescribeExecution",
            arn("states", f"execution:{run}/Files:1"),
            arn("states", f"execution:{run}:1"),
            never=arn("states", "execution:neighbour/Files:1"),
        ),
        # A run that is started again where it failed (https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html)
        # redrives its Map's children (https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html).
        *allowed(
            run,
            "states:RedriveExecution",
            arn("states", f"execution:{run}/Files:1"),
            never=arn("states", "execution:neighbour/Files:1"),
        ),
        cannot(run, "states:RedriveExecution", arn("states", f"execution:{run}:1")),
        # Step Functions stops a Map's children itself: the page above lists no such right, as older ones did.
        cannot(run, "states:StopExecution", arn("states", f"execution:{run}/Files:1")),
        *allowed(run, "s3:GetObject", f"{landing}/raw/a", never=f"{landing}/lake/a"),
        *allowed(run, "kms:Decrypt", landing_key, never=arn("kms", "key/neighbour")),
        cannot(run, "s3:PutObject", f"{landing}/raw/a"),
        # the functions: each its own prefixes
        *(case for name in functions for case in runs_as_a_function(name, HERE)),
        *(
            case
            for name in functions
            for case in (
                *allowed(
                    name,
                    "s3:GetObject",
                    *(f"{landing}/{p}/a" for p in reads[name].split()),
                    never=f"{landing}/results/a",
                ),
                *allowed(name, "s3:ListBucket", landing, never=NEIGHBOUR),
                *allowed(
                    name, "kms:Decrypt kms:GenerateDataKey", landing_key, never=arn("kms", "key/neighbour")
                ),
                cannot(name, "s3:DeleteObject", f"{landing}/lake/a"),
            )
        ),
        *(
            case
            for name, prefixes in writes.items()
            if name in functions
            for case in (
                *allowed(
                    name,
                    "s3:PutObject",
                    *(f"{landing}/{p}/a" for p in prefixes.split()),
                    never=f"{landing}/raw/a",
                ),
                cannot(name, "s3:PutObject", f"{NEIGHBOUR}/lake/a"),
            )
        ),
        *(
            can(name, "s3:AbortMultipartUpload", f"{landing}/{p}/a")
            for name in (normalise, fold)
            if name in functions
            for p in writes[name].split()
        ),
        cannot(normalise, "s3:AbortMultipartUpload", f"{landing}/raw/a"),
        cannot(catalog, "s3:PutObject", f"{landing}/lake/a"),
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
        # publishing; the evaluator knows an account's metrics as its data set
        can(
            catalog,
            "cloudwatch:PutMetricData",
            arn("cloudwatch", "dataset/default"),
            context={"cloudwatch:namespace": "tributary"},
        ),
        cannot(
            catalog,
            "cloudwatch:PutMetricData",
            arn("cloudwatch", "dataset/default"),
            context={"cloudwatch:namespace": "AWS/Lambda"},
        ),
        *tls_only(landing, HERE),
        *key(landing_key, HERE),
    ]
    kept = "glue:CreatePartition glue:CreateTable glue:GetTable glue:UpdatePartition glue:UpdateTable"
    own = [arn("glue", part) for part in ("catalog", f"database/{database}", f"table/{database}/orders")]
    for resource in own:
        cases += [Case(registers, catalog, action, resource) for action in kept.split()]
    cases += [cannot(catalog, action, arn("glue", "table/neighbour/orders")) for action in kept.split()]
    return [*cases, cannot(catalog, "glue:DeleteTable", own[2])]


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
    *run_of("shop", "tributary_proof_shop", "orders", folds=True, registers=True),
    *exports_of_rds(
        "tributary-proof-shop-source", "tributary-proof-shop-rds", SHOP, arn("kms", "key/shop-landing")
    ),
    *taken_on_by("events.amazonaws.com", SNAPSHOT, HERE, RULE, arn("events", "rule/neighbour")),
    can(SNAPSHOT, "states:StartExecution", arn("states", "stateMachine:tributary-proof-shop-run")),
    cannot(SNAPSHOT, "states:StartExecution", arn("states", "stateMachine:neighbour")),
    *queue("tributary-proof-shop-unstarted", HERE, "events.amazonaws.com", RULE),
    # --- the role that Lake Formation reads the tables under
    *taken_on_by(
        "lakeformation.amazonaws.com",
        LAKE,
        HERE,
        arn("lakeformation", "database/tributary_proof_shop"),
        arn("glue", "database/tributary_proof_shop"),
    ),
    *allowed(LAKE, "s3:GetObject", *(f"{SHOP}/{p.format('a')}" for p in LAKES), never=f"{SHOP}/state/a"),
    *(can(LAKE, "s3:ListBucket", SHOP, context={"s3:prefix": prefix.format("")}) for prefix in LAKES),
    cannot(LAKE, "s3:ListBucket", SHOP, context={"s3:prefix": "state/"}),
    cannot(LAKE, "s3:ListBucket", NEIGHBOUR, context={"s3:prefix": "lake/"}),
    cannot(LAKE, "s3:PutObject", f"{SHOP}/lake/a"),
    *allowed(LAKE, "kms:Decrypt", arn("kms", "key/shop-landing"), never=arn("kms", "key/neighbour")),
    *governed(
        "tributary_proof_shop",
        "tributary-proof-shop-catalog",
        [role_arn("analyst")],
        [f"{SHOP}/{p.format('').rstrip('/')}" for p in LAKES],
    ),
    # --- a run whose catalog a crawler keeps
    *run_of("crawled", "tributary_proof_crawled", "customers", folds=False, registers=False),
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
