"""What somebody may, and may not, to whom the policy is attached that an export yields for its readers.

The pages: https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html (the workgroup),
https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html (the catalog, and the database
`default`), https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html (results),
https://docs.aws.amazon.com/athena/latest/ug/encryption.html (the key),
https://docs.aws.amazon.com/lake-formation/latest/dg/access-control-underlying-data.html (governed tables).
"""

from typing import Any

from tests.contract.iam.proof import Case, can, cannot
from tests.contract.iam.shared_cases import HERE, NEIGHBOUR, REGION, arn, through_s3

READER = "analyst"
LAKE: dict[str, Any] = {
    "kind": "export",
    "create_key": True,
    "sources": [{"dynamodb": "orders"}, {"rds_instance": "stock"}],
}
GOVERNED = LAKE | {"lake_formation": {"readers": [f"arn:aws:iam::{HERE}:role/{READER}"]}}
BUCKET, KEY = f"arn:aws:s3:::tributary-proof-shop-landing-{HERE}", arn("kms", "key/shop-landing")
WORKGROUP = arn("athena", "workgroup/tributary-proof-shop")
DATABASE = "tributary_proof_shop"
QUERIES = [
    "BatchGetNamedQuery", "BatchGetQueryExecution", "GetNamedQuery", "GetQueryExecution", "GetQueryResults",
    "GetQueryResultsStream", "GetWorkGroup", "ListNamedQueries", "ListQueryExecutions", "StartQueryExecution",
    "StopQueryExecution",
]  # fmt: skip
CATALOG = ["BatchGetPartition", "GetDatabase", "GetPartition", "GetPartitions", "GetTable", "GetTables"]
OWN = [arn("glue", part) for part in ("catalog", f"database/{DATABASE}", f"table/{DATABASE}/orders")]


def config(pipeline: dict[str, Any]) -> dict[str, Any]:
    """A stack with this one export."""
    return {"accounts": {"workload": {"id": HERE, "region": REGION}}, "pipelines": {"shop": pipeline}}


def reads(*, governed: bool) -> list[Case]:
    """The same for both kinds, but that Lake Formation gives access to governed tables' files, and IAM does not."""
    data = [f"{BUCKET}/lake/orders/a.parquet", f"{BUCKET}/raw/stock/1/a.parquet"]
    return [
        *(can(READER, f"athena:{query}", WORKGROUP) for query in QUERIES),
        *(
            cannot(READER, f"athena:{query}", arn("athena", "workgroup/tributary-proof-shop-eu"))
            for query in QUERIES
        ),
        *(cannot(READER, f"athena:{a}WorkGroup", WORKGROUP) for a in ("Update", "Delete", "Create")),
        cannot(READER, "athena:DeleteNamedQuery", WORKGROUP),
        # A database has no say in its tables alone: each is checked with the catalog and the database.
        *(
            can(READER, f"glue:{action}", database)
            for action in CATALOG
            for database in (OWN[:2] if action == "GetDatabase" else OWN)
        ),
        *(
            cannot(READER, f"glue:{action}", arn("glue", "table/tributary_proof_shop_eu/a"))
            for action in CATALOG
            if action != "GetDatabase"
        ),
        cannot(READER, "glue:GetDatabase", arn("glue", "database/tributary_proof_shop_eu")),
        can(READER, "glue:GetDatabase", arn("glue", "database/default")),
        cannot(READER, "glue:GetTable", arn("glue", "table/default/a")),
        *(cannot(READER, f"glue:{action}Table", OWN[2]) for action in ("Create", "Update", "Delete")),
        *(Case(not governed, READER, "s3:GetObject", location) for location in data),
        *(
            cannot(READER, "s3:GetObject", location)
            for location in (
                f"{BUCKET}/raw/orders/a",
                f"{BUCKET}/state/a",
                f"{BUCKET}/windows/a",
                f"{NEIGHBOUR}/lake/a",
            )
        ),
        *(
            Case(may, READER, "s3:ListBucket", BUCKET, context={"s3:prefix": prefix})
            for may, prefix in (
                (not governed, "lake/orders/"),
                (not governed, "raw/stock/"),
                (True, "results/"),
                (False, "raw/orders/"),
                (False, "state/"),
            )
        ),
        cannot(READER, "s3:ListBucket", BUCKET),
        cannot(READER, "s3:ListBucket", NEIGHBOUR, context={"s3:prefix": "results/"}),
        *(
            case
            for action in ("GetBucketLocation", "ListBucketMultipartUploads")
            for case in (can(READER, f"s3:{action}", BUCKET), cannot(READER, f"s3:{action}", NEIGHBOUR))
        ),
        *(
            can(READER, f"s3:{action}", f"{BUCKET}/results/1.csv")
            for action in ("AbortMultipartUpload", "GetObject", "ListMultipartUploadParts", "PutObject")
        ),
        # It writes nothing but results, and deletes nothing.
        *(
            cannot(READER, f"s3:{action}", f"{BUCKET}/{prefix}/a")
            for action in ("PutObject", "DeleteObject", "AbortMultipartUpload")
            for prefix in ("lake", "raw/stock", "raw/orders", "state", "code")
        ),
        cannot(READER, "s3:DeleteObject", f"{BUCKET}/results/1.csv"),
        *(
            case
            for action in ("kms:Decrypt", "kms:GenerateDataKey")
            for case in through_s3(READER, action, KEY, BUCKET)
        ),
        cannot(READER, "kms:CreateGrant", KEY),
        Case(governed, READER, "lakeformation:GetDataAccess", "*"),
        cannot(READER, "lakeformation:GrantPermissions", "*"),
    ]
