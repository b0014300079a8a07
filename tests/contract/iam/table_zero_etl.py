"""What the role of an ingestion pipeline must be able to do, and must not.

The stack: `search` carries two tables of account HERE by one ingestion pipeline each into a collection that is reached
through VPC endpoints only, which their own service's is added to.
"""

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
    outsider,
    taken_on_by,
    through_dynamodb,
    tls_only,
)
from tests.contract.iam.table_grants import in_index, reached

CONFIG = {
    "accounts": {"workload": {"id": HERE, "region": REGION}},
    "pipelines": {
        "search": {
            "kind": "zero-etl",
            "tables": [{"name": "orders"}, {"name": "customers"}],
            "collection": {"network": {"public": False, "vpc_endpoints": ["vpce-1"]}},
        }
    },
}
TABLES = {t: adopted(t, arn("kms", f"key/{t}-table", THERE)) for t in ("orders", "customers")}
BUCKET = f"arn:aws:s3:::tributary-proof-search-export-{HERE}"
COLLECTION = arn("aoss", "collection/tributary-proof-search")  # as the mocks write it
# A pipeline's name has 28 characters at most, so these are cut.
PIPELINES = {
    "orders": "pipeline/tributary-proof-sea-00bab476",
    "customers": "pipeline/tributary-proof-sea-06e0f5a1",
}


def ingests(table: str, other: str) -> list[Case]:
    """The role of one table's pipeline reads that table, writes its prefixes, and knows nothing of the other's."""
    role = f"tributary-proof-search-{table}"
    own, foreign = arn("dynamodb", f"table/{table}"), arn("dynamodb", f"table/{other}")
    export = f"{BUCKET}/export/{table}/AWSDynamoDB/1/data/a.json.gz"
    return [
        *taken_on_by(
            "osis-pipelines.amazonaws.com",
            role,
            HERE,
            arn("osis", PIPELINES[table]),
            arn("osis", "pipeline/neighbour"),
        ),
        *(
            case
            for action, below in (
                ("DescribeTable", ""),
                ("DescribeContinuousBackups", ""),
                ("ExportTableToPointInTime", ""),
                ("DescribeExport", "/export/1"),
                ("DescribeStream", "/stream/1"),
                ("GetRecords", "/stream/1"),
                ("GetShardIterator", "/stream/1"),
            )
            for case in (
                can(role, f"dynamodb:{action}", own + below),
                cannot(role, f"dynamodb:{action}", foreign + below),
            )
        ),
        *through_dynamodb(role, arn("kms", f"key/{table}-table", THERE), table),
        *(
            cannot(role, f"dynamodb:{action}", own)
            for action in ("Scan", "PutItem", "UpdateTable", "DeleteTable")
        ),
        *(
            can(role, f"s3:{action}", export)
            for action in ("AbortMultipartUpload", "GetObject", "PutObject", "PutObjectAcl")
        ),
        cannot(role, "s3:DeleteObject", export),
        cannot(role, "s3:PutObject", f"{BUCKET}/export/{other}/a"),
        cannot(role, "s3:PutObject", f"{NEIGHBOUR}/export/{table}/a"),
        can(role, "s3:PutObject", f"{BUCKET}/dead-letters/{table}/a"),
        cannot(role, "s3:GetObject", f"{BUCKET}/dead-letters/{table}/a"),
        cannot(role, "s3:PutObject", f"{BUCKET}/dead-letters/{other}/a"),
        can(role, "aoss:APIAccessAll", COLLECTION),
        can(role, "aoss:BatchGetCollection", "*", context={"aoss:collection": "tributary-proof-search"}),
        cannot(role, "aoss:BatchGetCollection", "*", context={"aoss:collection": "neighbour"}),
        *(
            case
            for action in ("GetSecurityPolicy", "UpdateSecurityPolicy")
            for case in (
                can(role, f"aoss:{action}", "*", context={"aoss:collection": "tributary-proof-search"}),
                cannot(role, f"aoss:{action}", "*", context={"aoss:collection": "neighbour"}),
            )
        ),
        cannot(role, "aoss:CreateSecurityPolicy", "*", context={"aoss:collection": "tributary-proof-search"}),
        cannot(role, "aoss:APIAccessAll", arn("aoss", "collection/neighbour")),
        cannot(role, "aoss:DeleteCollection", COLLECTION),
        cannot(outsider(ELSEWHERE), "s3:GetObject", export),
    ]


# https://docs.aws.amazon.com/opensearch-service/latest/developerguide/pipeline-collection-access.html
WRITES = "CreateIndex DescribeIndex UpdateIndex WriteDocument"

TABLE: list[Case] = [
    *ingests("orders", "customers"),
    *ingests("customers", "orders"),
    *(
        case
        for table in ("orders", "customers")
        for case in in_index(f"tributary-proof-search-{table}", WRITES, "tributary-proof-search", table)
    ),
    *reached("tributary-proof-search", endpoint="vpce-1", dashboards="public"),
    *tls_only(BUCKET, HERE),
    *alarms(HERE, "workload-alarms"),
]
