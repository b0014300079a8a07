"""What the roles of an export's run must be able to do, and must not, where a table is an Iceberg table."""

from tests.contract.iam.proof import Case, can, cannot
from tests.contract.iam.run_cases import allowed
from tests.contract.iam.shared_cases import (
    HERE,
    NEIGHBOUR,
    REGION,
    THERE,
    adopted,
    alarms,
    arn,
    queue,
    role_arn,
    taken_on_by,
)
from tests.contract.iam.table_export_run import run_of

CONFIG = {
    "accounts": {"workload": {"id": HERE, "region": REGION}},
    "pipelines": {
        "iced": {
            "kind": "export",
            "create_key": True,
            "past_days": 7,
            "copies": ["orders"],
            "sources": [{"dynamodb": "orders", "mode": "incremental", "format": "iceberg"}],
        },
    },
}
TABLES = {"orders": adopted("orders", arn("kms", "key/orders-table", THERE))}
WRITER, UPKEEP = "tributary-proof-iced-iceberg", "tributary-proof-iced-upkeep"
LANDING = f"arn:aws:s3:::tributary-proof-iced-landing-{HERE}"
CATALOG, DATABASE, ORDERS = (
    arn("glue", part)
    for part in ("catalog", "database/tributary_proof_iced", "table/tributary_proof_iced/orders")
)
TO_GLUE = {"iam:PassedToService": "glue.amazonaws.com"}
# https://docs.aws.amazon.com/glue/latest/dg/optimization-prerequisites.html
LOGS = ("iceberg-compaction", "iceberg-retention", "iceberg-orphan-file-deletion")

TABLE: list[Case] = [
    *run_of("iced", "orders", registers=True, iceberg="orders"),
    *queue("tributary-proof-iced-unstarted", HERE),
    # the plain copy: of this table, and this one object
    *allowed(
        WRITER,
        "s3:AbortMultipartUpload s3:GetObject s3:PutObject",
        f"{LANDING}/copies/orders/rows.parquet",
        never=f"{LANDING}/copies/neighbour/rows.parquet",
    ),
    cannot(WRITER, "s3:PutObject", f"{LANDING}/copies/orders/others.parquet"),
    cannot(WRITER, "s3:DeleteObject", f"{LANDING}/copies/orders/rows.parquet"),
    # the optimizers: the run turns them on, and Glue takes their role on
    *allowed(
        WRITER,
        "glue:CreateTableOptimizer glue:GetTableOptimizer glue:UpdateTableOptimizer",
        CATALOG,
        DATABASE,
        ORDERS,
        never=arn("glue", "table/neighbour/orders"),
    ),
    cannot(WRITER, "glue:DeleteTableOptimizer", ORDERS),
    can(WRITER, "iam:PassRole", role_arn(UPKEEP), context=TO_GLUE),
    cannot(WRITER, "iam:PassRole", role_arn(UPKEEP), context={"iam:PassedToService": "lambda.amazonaws.com"}),
    cannot(WRITER, "iam:PassRole", role_arn("neighbour"), context=TO_GLUE),
    *taken_on_by("glue.amazonaws.com", UPKEEP, HERE),
    *allowed(
        UPKEEP,
        "s3:DeleteObject s3:GetObject s3:PutObject",
        f"{LANDING}/lake/orders/a",
        never=f"{LANDING}/lake/neighbour/a",
    ),
    cannot(UPKEEP, "s3:DeleteObject", f"{LANDING}/state/orders/a"),
    *allowed(UPKEEP, "s3:ListBucket", LANDING, never=NEIGHBOUR, context={"s3:prefix": "lake/orders/data"}),
    cannot(UPKEEP, "s3:ListBucket", LANDING, context={"s3:prefix": "raw/"}),
    *allowed(
        UPKEEP,
        "glue:GetTable glue:UpdateTable",
        CATALOG,
        DATABASE,
        ORDERS,
        never=arn("glue", "table/tributary_proof_iced/neighbour"),
    ),
    cannot(UPKEEP, "glue:DeleteTable", ORDERS),
    *allowed(
        UPKEEP,
        "kms:Decrypt kms:GenerateDataKey",
        arn("kms", "key/iced-landing"),
        never=arn("kms", "key/neighbour"),
    ),
    *(
        case
        for log in LOGS
        for case in (
            *allowed(
                UPKEEP,
                "logs:CreateLogStream logs:PutLogEvents",
                arn("logs", f"log-group:/aws-glue/{log}/logs:log-stream:a"),
                never=arn("logs", "log-group:/aws/lambda/a:log-stream:a"),
            ),
            *allowed(
                UPKEEP,
                "logs:CreateLogGroup",
                arn("logs", f"log-group:/aws-glue/{log}/logs"),
                never=arn("logs", "log-group:/aws/lambda/a"),
            ),
        )
    ),
    *alarms(HERE, "workload-alarms"),
]
