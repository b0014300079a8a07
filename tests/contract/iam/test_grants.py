"""The evaluators of OpenSearch Serverless, Lake Formation and Google's IAM decide as their services document it."""

import json
from typing import Any

import pytest

from tests.contract.iam import aoss, google, lake_formation
from tests.contract.iam.grants import Grant, UnreadGrant
from tests.contract.iam.harvest import harvest
from tests.recording import Recorded

HERE, THERE = "111111111111", "222222222222"
WRITER, READER = (f"arn:aws:iam::{HERE}:role/{name}" for name in ("writer", "reader"))
PROVIDERS = [
    Recorded("pulumi:providers:aws", "here", {"allowedAccountIds": [HERE], "region": "us-east-1"}),
    Recorded("pulumi:providers:gcp", "google", {"project": "shop"}),
]
AOSS = "https://docs.aws.amazon.com/opensearch-service/latest/developerguide/"
LAKE = "https://docs.aws.amazon.com/lake-formation/latest/dg/"
GOOGLE = "https://docs.cloud.google.com/"


def granted(type: str, provider: str, *inputs: dict[str, Any]) -> list[Grant]:
    return harvest(
        PROVIDERS + [Recorded(type, f"r{n}", properties, provider) for n, properties in enumerate(inputs)]
    ).grants


def data(*rules: tuple[str, str, str], who: str = WRITER) -> dict[str, Any]:
    named = [{"ResourceType": k, "Resource": [r], "Permission": p.split()} for k, r, p in rules]
    return {"type": "data", "policy": json.dumps([{"Rules": named, "Principal": [who]}])}


def network(*statements: tuple[str, str, str]) -> dict[str, Any]:
    """Of each: `public` or an endpoint, the kind, the collection."""
    return {
        "type": "network",
        "policy": json.dumps(
            [
                {"Rules": [{"ResourceType": kind, "Resource": [f"collection/{name}"]}]}
                | {"AllowFromPublic": who == "public"}
                | ({} if who == "public" else {"SourceVPCEs": [who]})
                for who, kind, name in statements
            ]
        ),
    }


SYNTAX, POLICY = "serverless-data-access.html#serverless-data-access-syntax", "serverless-data-access.html"
BESIDE_IAM = "serverless-data-access.html#serverless-data-access-vs-iam"
SUPPORTED = "serverless-data-access.html#serverless-data-supported-permissions"
RULES = "serverless-network.html#serverless-network-policies"
CLOSED = "serverless-network.html#serverless-network-considerations"
PRECEDENCE = "serverless-network.html#serverless-network-precedence"
ACCESS = "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy"
SECURITY = "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy"
READS, A = "aoss:ReadDocument", "index/logs/a"
LOGS = data(("index", "index/logs*/*", "aoss:ReadDocument"))
TWO = (
    data(("index", "index/logs/a", "aoss:ReadDocument")),
    data(("index", "index/logs/a", "aoss:WriteDocument")),
)
EVERYTHING = data(("index", "index/logs/*", "aoss:*"))
LOOKS, INSIDE = network(("public", "dashboard", "logs")), network(("vpce-1", "collection", "logs"))
ENCRYPTED = {"type": "encryption", "policy": "{}"}
MIXED = network(("vpce-1", "collection", "logs"), ("public", "collection", "logs"))


@pytest.mark.parametrize(
    ("page", "type", "policies", "who", "may", "on", "verdict"),
    [
        # a pattern stands for all collections and indexes that begin so
        (SYNTAX, ACCESS, [LOGS], WRITER, READS, "index/logs-eu/a", True),
        (SYNTAX, ACCESS, [LOGS], WRITER, READS, "index/shop/a", False),
        # several policies of one resource add up
        (POLICY, ACCESS, [*TWO], WRITER, READS, A, True),
        (POLICY, ACCESS, [*TWO], WRITER, "aoss:WriteDocument", A, True),
        (POLICY, ACCESS, [TWO[0]], WRITER, "aoss:WriteDocument", A, False),
        # who isn't named has nothing, whatever IAM allows
        (BESIDE_IAM, ACCESS, [EVERYTHING], READER, READS, A, False),
        # aoss:* is every permission of the kind, on indexes or on a collection's items
        (SUPPORTED, ACCESS, [EVERYTHING], WRITER, "aoss:DeleteIndex", A, True),
        (SUPPORTED, ACCESS, [EVERYTHING], WRITER, "aoss:DeleteCollectionItems", "collection/logs", False),
        # a collection's endpoint and its Dashboards are opened apart
        (RULES, SECURITY, [LOOKS], "public", "reaches", "dashboard/logs", True),
        (RULES, SECURITY, [LOOKS], "public", "reaches", "endpoint/logs", False),
        (RULES, SECURITY, [INSIDE], "vpce-1", "reaches", "endpoint/logs", True),
        (RULES, SECURITY, [INSIDE], "vpce-2", "reaches", "endpoint/logs", False),
        # without a policy that opens it, nobody reaches a collection
        (CLOSED, SECURITY, [], "public", "reaches", "endpoint/logs", False),
        # where rules overlap, the public one prevails
        (PRECEDENCE, SECURITY, [MIXED], "public", "reaches", "endpoint/logs", True),
        # an encryption policy opens nothing
        ("serverless-encryption.html", SECURITY, [ENCRYPTED], "public", "reaches", "endpoint/logs", False),
    ],
)  # fmt: skip
def test_opensearch_serverless(
    page: str, type: str, policies: list[dict[str, Any]], who: str, may: str, on: str, verdict: bool
) -> None:
    assert aoss.allows(granted(type, "here", *policies), who, may, on) is verdict, AOSS + page


def lake(who: str, permissions: str, **on: dict[str, Any]) -> dict[str, Any]:
    return {"principal": who, "permissions": permissions.split(), **on}


REFERENCE, TABLES, REGISTER = (
    "lf-permissions-reference.html",
    "granting-table-permissions.html",
    "register-data-lake.html",
)
PERMISSIONS, PLACE = "aws:lakeformation/permissions:Permissions", "DATA_LOCATION_ACCESS"
IN_SHOP = {"database": {"name": "shop", "catalogId": HERE}}
ALL_TABLES = {"table": {"databaseName": "shop", "catalogId": HERE, "wildcard": True}}
ORDERS = {"table": {"databaseName": "shop", "catalogId": HERE, "name": "orders"}}
ALL = lake(WRITER, "SELECT", **ALL_TABLES)
BELOW = {"dataLocation": {"arn": "arn:aws:s3:::lake/shop", "catalogId": HERE}}
SHOP, TABLE, OTHER = f"database/{HERE}/shop", f"table/{HERE}/shop/orders", f"table/{HERE}/shop/customers"


@pytest.mark.parametrize(
    ("page", "grants", "may", "on", "verdict"),
    [
        (REFERENCE, [lake(WRITER, "SELECT", **ORDERS)], "SELECT", TABLE, True),
        (REFERENCE, [lake(WRITER, "SELECT", **ORDERS)], "SELECT", OTHER, False),
        (REFERENCE, [lake(WRITER, "SELECT", **ORDERS)], "INSERT", TABLE, False),
        (REFERENCE, [lake(READER, "SELECT", **ORDERS)], "SELECT", TABLE, False),
        # Super is all permissions of the resource
        (REFERENCE, [lake(WRITER, "ALL", **ORDERS)], "DROP", TABLE, True),
        # a database's permissions are not its tables'
        (REFERENCE, [lake(WRITER, "ALL", **IN_SHOP)], "CREATE_TABLE", SHOP, True),
        (REFERENCE, [lake(WRITER, "ALL", **IN_SHOP)], "SELECT", TABLE, False),
        # all tables of a database, and the database is visible
        (TABLES, [ALL], "SELECT", OTHER, True),
        (TABLES, [ALL], "DESCRIBE", SHOP, True),
        (TABLES, [ALL], "ALTER", SHOP, False),
        (TABLES, [ALL], "SELECT", f"table/{HERE}/shop-eu/a", False),
        # another account's catalog has other tables
        (TABLES, [ALL], "SELECT", f"table/{THERE}/shop/orders", False),
        # a location is what lies below it
        (REGISTER, [lake(WRITER, PLACE, **BELOW)], PLACE, "location/arn:aws:s3:::lake/shop/orders", True),
        (REGISTER, [lake(WRITER, PLACE, **BELOW)], PLACE, "location/arn:aws:s3:::lake/shop-eu", False),
        # to make tables somewhere is not to read there
        ("access-control-underlying-data.html", [lake(WRITER, PLACE, **BELOW)], "SELECT", TABLE, False),
        # the default of an account that was never changed: whoever IAM lets in
        ("change-settings.html", [lake("IAM_ALLOWED_PRINCIPALS", "ALL", **ALL_TABLES)], "SELECT", TABLE, True),
    ],
)  # fmt: skip
def test_lake_formation(page: str, grants: list[dict[str, Any]], may: str, on: str, verdict: bool) -> None:
    granted_here = granted(PERMISSIONS, "here", *grants)
    assert lake_formation.allows(granted_here, WRITER, may, on) is verdict, LAKE + page


BIGQUERY, BASIC = "iam/docs/roles-permissions/bigquery", "bigquery/docs/access-control-basic-roles"
ADD_UP, INHERITED = "iam/docs/policies", "iam/docs/policies#inheritance"
OWN_ROLES, STORAGE = "iam/docs/creating-custom-roles", "storage/docs/access-control/iam-roles"
MEMBER, IN_D, IN_B = "gcp:projects/iAMMember:IAMMember", "projects/shop/datasets/d", "projects/shop/buckets/b"
SERVICE_ACCOUNT, ANOTHER = "serviceAccount:one@shop.iam.gserviceaccount.com", "group:people@example.com"
ON_PROJECT = (
    MEMBER,
    {"member": SERVICE_ACCOUNT, "role": "roles/bigquery.jobUser", "project": "shop"},
)
VIEWS = (
    MEMBER,
    {"member": SERVICE_ACCOUNT, "role": "roles/storage.objectViewer", "project": "shop"},
)
IN_BUCKET = (
    "gcp:storage/bucketIAMMember:BucketIAMMember",
    {"member": SERVICE_ACCOUNT, "role": "roles/storage.objectCreator", "bucket": "b"},
)
OWN_ROLE = (
    "gcp:projects/iAMCustomRole:IAMCustomRole",
    {"project": "shop", "roleId": "r", "permissions": ["bigquery.transfers.get"]},
)
HAS_OWN = (
    MEMBER,
    {"member": SERVICE_ACCOUNT, "role": "projects/shop/roles/r", "project": "shop"},
)
DATASET = ("gcp:bigquery/dataset:Dataset", {"datasetId": "d", "accesses": [
    {"role": "WRITER", "userByEmail": SERVICE_ACCOUNT.partition(":")[2]},
    {"role": "READER", "groupByEmail": "people@example.com"},
]})  # fmt: skip


@pytest.mark.parametrize(
    ("page", "resources", "who", "may", "on", "verdict"),
    [
        (BIGQUERY, [ON_PROJECT], SERVICE_ACCOUNT, "bigquery.jobs.create", "projects/shop", True),
        (BIGQUERY, [ON_PROJECT], SERVICE_ACCOUNT, "bigquery.tables.getData", "projects/shop", False),
        (ADD_UP, [ON_PROJECT], ANOTHER, "bigquery.jobs.create", "projects/shop", False),
        (ADD_UP, [ON_PROJECT], SERVICE_ACCOUNT, "bigquery.jobs.create", "projects/other", False),
        # what is granted on a project holds for what is in it, and not the other way round
        (INHERITED, [VIEWS], SERVICE_ACCOUNT, "storage.objects.get", IN_B, True),
        (INHERITED, [IN_BUCKET], SERVICE_ACCOUNT, "storage.objects.create", IN_B, True),
        (INHERITED, [IN_BUCKET], SERVICE_ACCOUNT, "storage.objects.create", "projects/shop/buckets/bb", False),
        (INHERITED, [IN_BUCKET], SERVICE_ACCOUNT, "storage.objects.create", "projects/shop", False),
        # who creates objects neither reads nor overwrites them
        (STORAGE, [IN_BUCKET], SERVICE_ACCOUNT, "storage.objects.get", IN_B, False),
        (STORAGE, [IN_BUCKET], SERVICE_ACCOUNT, "storage.objects.delete", IN_B, False),
        # grants add up
        (ADD_UP, [IN_BUCKET, VIEWS], SERVICE_ACCOUNT, "storage.objects.get", IN_B, True),
        # a project's own role holds what it lists
        (OWN_ROLES, [OWN_ROLE, HAS_OWN], SERVICE_ACCOUNT, "bigquery.transfers.get", "projects/shop", True),
        (OWN_ROLES, [OWN_ROLE, HAS_OWN], SERVICE_ACCOUNT, "bigquery.transfers.update", "projects/shop", False),
        (OWN_ROLES, [OWN_ROLE], SERVICE_ACCOUNT, "bigquery.transfers.get", "projects/shop", False),
        # a dataset's READER and WRITER
        (BASIC, [DATASET], ANOTHER, "bigquery.tables.getData", IN_D, True),
        (BASIC, [DATASET], ANOTHER, "bigquery.tables.updateData", IN_D, False),
        (BASIC, [DATASET], SERVICE_ACCOUNT, "bigquery.tables.updateData", IN_D, True),
        (BASIC, [DATASET], SERVICE_ACCOUNT, "bigquery.datasets.setIamPolicy", IN_D, False),
    ],
)  # fmt: skip
def test_google(
    page: str, resources: list[tuple[str, dict[str, Any]]], who: str, may: str, on: str, verdict: bool
) -> None:
    stack = [Recorded(type, f"r{n}", inputs, "google") for n, (type, inputs) in enumerate(resources)]
    assert google.allows(harvest(PROVIDERS + stack).grants, who, may, on) is verdict, GOOGLE + page


BY_ROLE = "assertion.arn.extract('assumed-role/{role}/')"
SESSIONS = f"assertion.arn.startsWith('arn:aws:sts::{HERE}:assumed-role/copy/')"


@pytest.mark.parametrize(
    ("condition", "arn", "subject"),
    [
        (SESSIONS, f"arn:aws:sts::{HERE}:assumed-role/copy/x", "copy"),
        (SESSIONS, f"arn:aws:sts::{HERE}:assumed-role/copying/x", None),
        (SESSIONS, f"arn:aws:sts::{THERE}:assumed-role/copy/x", None),
        # a user's path may resemble a role's session: without the condition it is taken for one
        (SESSIONS, f"arn:aws:iam::{HERE}:user/assumed-role/copy/x", None),
        ("", f"arn:aws:iam::{HERE}:user/assumed-role/copy/x", "copy"),
        # a provider for AWS knows identities of its account alone
        ("", f"arn:aws:sts::{THERE}:assumed-role/copy/x", None),
        # what extracts nothing is no subject
        ("", f"arn:aws:iam::{HERE}:user/copy", None),
    ],
)
def test_an_aws_identity_counts_as_its_role_by_the_condition(
    condition: str, arn: str, subject: str | None
) -> None:
    """https://docs.cloud.google.com/iam/docs/workload-identity-federation#conditions"""
    expected = subject and f"pool/subject/{subject}"
    assert google.Federation("pool", HERE, condition, BY_ROLE).principal(arn) == expected


@pytest.mark.parametrize(
    ("type", "inputs"),
    [
        (ACCESS, data(("index", "index/a/b", "aoss:Everything"))),
        (ACCESS, data(("model", "model/a/b", "aoss:*"))),
        (PERMISSIONS, lake(WRITER, "SELECT", lfTagPolicy={"a": "b"})),
        (PERMISSIONS, lake(WRITER, "SELECT", **ORDERS) | {"permissionsWithGrantOptions": ["SELECT"]}),
        (MEMBER, {"member": SERVICE_ACCOUNT, "role": "roles/owner", "project": "shop"}),
        (MEMBER, ON_PROJECT[1] | {"condition": {"expression": "true"}}),
        ("gcp:bigquery/dataset:Dataset", {"datasetId": "d", "accesses": [{"role": "READER", "domain": "example.com"}]}),
    ],
)  # fmt: skip
def test_a_grant_of_a_form_that_nobody_has_read_up_is_an_error(type: str, inputs: dict[str, Any]) -> None:
    with pytest.raises(UnreadGrant):
        granted(type, "google" if type.startswith("gcp:") else "here", inputs)


def test_a_permission_that_no_service_knows_is_an_error_and_not_a_denial() -> None:
    for service, on in ((aoss, "index/a/b"), (lake_formation, TABLE), (google, "projects/shop")):
        with pytest.raises(ValueError, match="Read"):
            service.allows([], WRITER, "Read", on)
