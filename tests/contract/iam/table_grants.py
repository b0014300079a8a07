"""What is granted elsewhere than in IAM documents: inside a collection, in the data lake, and at Google."""

from collections.abc import Iterable
from typing import Any

from tests.contract.iam.proof import Case, can, cannot
from tests.contract.iam.shared_cases import ELSEWHERE, HERE, NEIGHBOUR, role_arn

STRANGER = role_arn("neighbour")


def may_only(who: str, may: str, of: Iterable[str], on: str, *never: str) -> list[Case]:
    """Of all these permissions `who` has those of `may` on the resource, and none on what it never reaches."""
    named = may.split()
    return [
        *(
            Case(action.partition(":")[2] in named or action in named, who, action, on)
            for action in sorted(of)
        ),
        *(cannot(who, action, place) for action in sorted(of) for place in never),
        *(cannot(STRANGER, action, on) for action in sorted(of)),
    ]


INDEX = [
    f"aoss:{what}"
    for what in (
        "CreateIndex",
        "DeleteIndex",
        "DescribeIndex",
        "ReadDocument",
        "UpdateIndex",
        "WriteDocument",
    )
]
ITEMS = [f"aoss:{verb}CollectionItems" for verb in ("Create", "Delete", "Describe", "Update")]


def in_index(who: str, may: str, collection: str, index: str) -> list[Case]:
    """Somebody may do this with one index, and nothing with another index, another collection or index templates."""
    others = (f"index/{collection}/{index}x", f"index/{collection}/neighbour", f"index/{collection}x/{index}")
    items = [cannot(who, action, f"collection/{collection}") for action in ITEMS]
    return may_only(who, may, INDEX, f"index/{collection}/{index}", *others) + items


def reached(collection: str, *, endpoint: str, dashboards: str) -> list[Case]:
    """From where a collection's two endpoints are reached: `public`, or a VPC endpoint and from nowhere else."""
    cases: list[Any] = []
    for place, source in (("endpoint", endpoint), ("dashboard", dashboards)):
        cases.append(can(source, "reaches", f"{place}/{collection}"))
        cases += [
            cannot(network, "reaches", f"{place}/{collection}x") for network in ("public", "vpce-1", "vpce-2")
        ]
        if source != "public":
            cases += [cannot(network, "reaches", f"{place}/{collection}") for network in ("public", "vpce-2")]
    return cases


DATABASE = ["ALTER", "CREATE_TABLE", "DESCRIBE", "DROP"]
TABLES_OF = ["ALTER", "DELETE", "DESCRIBE", "DROP", "INSERT", "SELECT"]


def governed(
    database: str, writer: str, readers: Iterable[str], locations: Iterable[str], account: str = HERE
) -> list[Case]:
    """The writer makes and changes tables at the registered locations and reads none; readers select and change none
    (https://docs.aws.amazon.com/lake-formation/latest/dg/lf-permissions-reference.html)."""
    place, table = f"database/{account}/{database}", f"table/{account}/{database}/orders"
    other, others = f"database/{account}/{database}x", f"table/{account}/{database}x/orders"
    return [
        *may_only(writer, "CREATE_TABLE DESCRIBE", DATABASE, place, other, f"database/{ELSEWHERE}/{database}"),
        *may_only(writer, "ALTER DESCRIBE", TABLES_OF, table, others, f"table/{ELSEWHERE}/{database}/orders"),
        *(
            case
            for location in locations
            for case in (
                *may_only(
                    writer, "DATA_LOCATION_ACCESS", ["DATA_LOCATION_ACCESS"], f"location/{location}/a",
                    f"location/{location}x/a", f"location/{NEIGHBOUR}/lake/a",
                ),
                *(cannot(reader, "DATA_LOCATION_ACCESS", f"location/{location}/a") for reader in readers),
            )
        ),
        *(
            case
            for reader in readers
            for case in (
                *may_only(reader, "DESCRIBE", DATABASE, place, other),
                *may_only(reader, "DESCRIBE SELECT", TABLES_OF, table, others),
            )
        ),
    ]  # fmt: skip


PROJECT = "projects/shop-analytics"
MAIL = "mock.iam.gserviceaccount.com"
AGENT = "serviceAccount:project-1@storage-transfer-service.iam.gserviceaccount.com"
READS_DATA = "bigquery.tables.get bigquery.tables.getData"
LOADS_DATA = f"{READS_DATA} bigquery.tables.create bigquery.tables.update bigquery.tables.updateData"
OF_DATASET = [
    *LOADS_DATA.split(), "bigquery.datasets.get", "bigquery.datasets.update", "bigquery.datasets.setIamPolicy",
]  # fmt: skip
OF_PROJECT = ["bigquery.jobs.create", "bigquery.transfers.get", "bigquery.transfers.update"]
TOKEN = "iam.serviceAccounts.getAccessToken"
OF_ACCOUNT = [TOKEN, "iam.serviceAccounts.delete", "iam.serviceAccounts.getOpenIdToken"]
OF_TOPIC = ["pubsub.topics.delete", "pubsub.topics.publish"]


def warehouse(dataset: str, transfer: str, load_check: str, function: str) -> list[Case]:
    """Each account runs jobs in the project; the transfer's loads the dataset
    (https://docs.cloud.google.com/bigquery/docs/s3-transfer#required_permissions), the load check's reads it and the
    transfers' runs (https://docs.cloud.google.com/bigquery/docs/working-with-transfers). The function's role
    speaks as the load check's account, and nothing else does
    (https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds)."""
    place, account = f"{PROJECT}/datasets/{dataset}", f"{PROJECT}/serviceAccounts/{load_check}@{MAIL}"
    loads, checks = (f"serviceAccount:{account_id}@{MAIL}" for account_id in (transfer, load_check))
    session = f"arn:aws:sts::{HERE}:assumed-role/{function}/x"
    others = (
        session.replace(HERE, ELSEWHERE),
        session.replace(function, f"{function}x"),
        session.replace(function, "neighbour"),
        f"arn:aws:iam::{HERE}:user/assumed-role/{function}/x",
    )
    return [
        *may_only(loads, "bigquery.jobs.create", OF_PROJECT, PROJECT, "projects/neighbour"),
        *may_only(
            loads, f"{LOADS_DATA} bigquery.datasets.get bigquery.datasets.update", OF_DATASET, place,
            f"{PROJECT}/datasets/neighbour",
        ),
        *may_only(checks, "bigquery.jobs.create bigquery.transfers.get", OF_PROJECT, PROJECT, "projects/neighbour"),
        *may_only(
            checks, f"{READS_DATA} bigquery.datasets.get", OF_DATASET, place, f"{PROJECT}/datasets/neighbour"
        ),
        *may_only("specialGroup:projectOwners", " ".join(OF_DATASET), OF_DATASET, place),
        *may_only(
            session, f"{TOKEN} iam.serviceAccounts.getOpenIdToken", OF_ACCOUNT, account,
            f"{PROJECT}/serviceAccounts/{transfer}@{MAIL}",
        ),
        *(cannot(principal, TOKEN, account) for principal in (*others, loads, checks)),
        *(cannot(who, "iam.serviceAccounts.getOpenIdToken", account) for who in (loads, checks)),
    ]  # fmt: skip


OF_BUCKET = [
    "storage.buckets.get", "storage.objects.create", "storage.objects.delete", "storage.objects.get",
    "storage.objects.list", "storage.buckets.setIamPolicy",
]  # fmt: skip


def copied(bucket: str, topic: str, transfer: str, *, overwrites: bool) -> list[Case]:
    """The project's agent writes the copy's bucket and reads it, deletes only where it overwrites, and reports runs
    (https://docs.cloud.google.com/storage-transfer/docs/sink-cloud-storage,
    https://docs.cloud.google.com/storage-transfer/docs/transfer-notifications); the transfer's account reads it
    (https://docs.cloud.google.com/bigquery/docs/cloud-storage-transfer#required_permissions)."""
    place, runs = f"{PROJECT}/buckets/{bucket}", f"{PROJECT}/topics/{topic}"
    loads = f"serviceAccount:{transfer}@{MAIL}"
    never = ("storage.buckets.setIamPolicy", *(() if overwrites else ("storage.objects.delete",)))
    writes = " ".join(name for name in OF_BUCKET if name not in never)
    other = f"{PROJECT}/buckets/neighbour"
    return [
        *may_only(AGENT, writes, OF_BUCKET, place, other),
        *may_only(loads, "storage.objects.get storage.objects.list", OF_BUCKET, place, other),
        *may_only(AGENT, "pubsub.topics.publish", OF_TOPIC, runs, f"{PROJECT}/topics/neighbour"),
        cannot(loads, "pubsub.topics.publish", runs),
        cannot(AGENT, "bigquery.jobs.create", PROJECT),
    ]
