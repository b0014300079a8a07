"""An export's tables under Lake Formation: who is granted what, on what, and what must be so before."""

import json
from typing import Any

import pulumi
import pytest

from tests.recording import Recording, record

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}
BUCKET = "arn:aws:s3:::tributary-test-lake-landing-111111111111"
KEY = "arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555"
ANALYST, MINER = (f"arn:aws:iam::111111111111:{who}" for who in ("role/analyst", "user/teams/miner"))
DATABASE = {"catalogId": "111111111111", "name": "tributary_test_lake"}
TABLES = {"catalogId": "111111111111", "databaseName": "tributary_test_lake", "wildcard": True}
ORDERS, SHOP = {"dynamodb": "orders"}, {"rds_instance": "shop"}
EVERYBODY = [{"permissions": ["ALL"], "principal": "IAM_ALLOWED_PRINCIPALS"}]


def lake(
    *sources: dict[str, Any], data_lake: dict[str, Any] | None = None, without: bool = False, **keys: Any
) -> Recording:
    pipeline = {"kind": "export", "sources": list(sources), "key_arn": KEY} | keys
    if not without:
        pipeline = {"lake_formation": {"readers": [ANALYST, MINER]}} | pipeline
    config = {"accounts": {"workload": WORKLOAD}, "pipelines": {"lake": pipeline}}
    return record("test", config, data_lake=data_lake)


def grants(recorded: Recording) -> dict[str, tuple[str, list[str], dict[str, Any]]]:
    """Every grant by its name: to whom, what, on what."""
    permissions = recorded.of("aws:lakeformation/permissions:Permissions")
    return {
        name: (
            grant["principal"],
            grant["permissions"],
            next(grant[on] for on in ("database", "table", "dataLocation") if on in grant),
        )
        for name, grant in permissions.items()
    }


def test_without_it_nothing_is_registered_or_granted_in_lake_formation() -> None:
    open_to_iam = {"admins": [], "createTableDefaultPermissions": EVERYBODY}
    recorded = lake(ORDERS, without=True, data_lake=open_to_iam)
    assert [r.type for r in recorded.resources if "lakeformation" in r.type.lower()] == []


def test_it_registers_exactly_these_resources_more() -> None:
    plain, governed = (lake(ORDERS, SHOP, without=without).counts() for without in (True, False))
    assert {kind: n - plain.get(kind, 0) for kind, n in governed.items() if n != plain.get(kind)} == {
        "aws:iam/role:Role": 1,
        "aws:iam/rolePolicy:RolePolicy": 1,
        "aws:lakeformation/permissions:Permissions": 8,  # 2 locations, and 2 for each of writer and readers
        "aws:lakeformation/resource:Resource": 2,
        "tributary:blocks:LakeFormation": 1,
    }


def test_the_writer_makes_and_changes_tables_and_a_reader_only_selects() -> None:
    writer = "arn:aws:iam:workload:mock:tributary-test-lake-catalog"
    place = {"arn": f"{BUCKET}/lake", "catalogId": "111111111111"}
    assert grants(lake(ORDERS)) == {
        "lake-writer-lake": (writer, ["DATA_LOCATION_ACCESS"], place),
        "lake-writer-database": (writer, ["CREATE_TABLE", "DESCRIBE"], DATABASE),
        "lake-writer-tables": (writer, ["ALTER", "DESCRIBE"], TABLES),
        "lake-role-analyst-database": (ANALYST, ["DESCRIBE"], DATABASE),
        "lake-role-analyst-tables": (ANALYST, ["DESCRIBE", "SELECT"], TABLES),
        "lake-user-teams-miner-database": (MINER, ["DESCRIBE"], DATABASE),
        "lake-user-teams-miner-tables": (MINER, ["DESCRIBE", "SELECT"], TABLES),
    }


def test_the_crawler_is_the_writer_where_it_makes_the_tables() -> None:
    crawled = {who for name, (who, *_) in grants(lake(ORDERS, catalog="crawler")).items() if "writer" in name}
    assert crawled == {"arn:aws:iam:workload:mock:tributary-test-lake-crawler"}


def test_a_location_is_registered_under_a_role_of_the_pipeline_that_reads_it_and_nothing_else() -> None:
    recorded = lake(ORDERS, SHOP)
    registered = recorded.of("aws:lakeformation/resource:Resource")
    assert {location["arn"] for location in registered.values()} == {f"{BUCKET}/lake", f"{BUCKET}/raw/shop"}
    for location in registered.values():
        assert (location["useServiceLinkedRole"], location["hybridAccessEnabled"]) == (False, False)
        assert location["roleArn"] == "arn:aws:iam:workload:mock:tributary-test-lake-lake"
    trusted = json.loads(recorded.inputs_of("aws:iam/role:Role", "lake-lake")["assumeRolePolicy"])[
        "Statement"
    ]
    assert [(s["Principal"], s["Condition"]) for s in trusted] == [
        (
            {"Service": "lakeformation.amazonaws.com"},
            {
                "StringEquals": {"aws:SourceAccount": "111111111111"},
                "ArnLike": {"aws:SourceArn": "arn:aws:lakeformation:eu-central-1:111111111111:*"},
            },
        )
    ]
    policy = json.loads(recorded.inputs_of("aws:iam/rolePolicy:RolePolicy", "lake-lake")["policy"])[
        "Statement"
    ]
    prefixes = ["lake/*", "raw/shop/*"]
    assert [(s["Action"], s["Resource"], s.get("Condition")) for s in policy] == [
        (["s3:GetObject"], [f"{BUCKET}/{prefix}" for prefix in prefixes], None),
        (["s3:ListBucket"], [BUCKET], {"StringLike": {"s3:prefix": prefixes}}),
        (["kms:Decrypt"], [KEY], None),
    ]


@pytest.mark.parametrize(
    ("settings", "expected_message"),
    [
        ({"createTableDefaultPermissions": EVERYBODY}, "new tables are open to IAM_ALLOWED_PRINCIPALS by default"),
        ({"createDatabaseDefaultPermissions": EVERYBODY}, "new databases are open to IAM_ALLOWED_PRINCIPALS"),
        ({"admins": []}, "the data lake has no administrator, and nobody else may grant"),
    ],
)  # fmt: skip
def test_an_account_in_which_a_grant_would_not_matter_is_refused_with_the_command_that_mends_it(
    settings: dict[str, Any], expected_message: str
) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        lake(ORDERS, data_lake=settings)
    assert f"pipelines.lake.lake_formation: in account 111111111111, eu-central-1, {expected_message}" in str(
        refused.value
    )
    assert "aws lakeformation put-data-lake-settings --region eu-central-1" in str(refused.value)
    assert '"CreateTableDefaultPermissions":[]' in str(refused.value)
