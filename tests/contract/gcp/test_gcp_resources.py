"""Service accounts, policies, identity pools and BigQuery's tables of the local Google Cloud."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.contract.gcp.conftest import NUMBER, PROJECT, Warehouse, lines


def test_an_identity_pool_has_a_name_of_its_own_and_providers_whose_mapping_is_known(
    gcp: httpx.Client,
) -> None:
    pools, pool = f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools", f"pool-{next(NUMBER)}"
    assert (
        gcp.post(f"{pools}/{pool}/providers?workloadIdentityPoolProviderId=amazon", json={}).status_code
        == 404
    )
    assert gcp.post(f"{pools}?workloadIdentityPoolId=no", json={}).status_code == 400
    assert gcp.post(f"{pools}?workloadIdentityPoolId={pool}", json={}).status_code == 200
    assert gcp.get(f"{pools}/{pool}").json()["state"] == "ACTIVE"
    assert gcp.post(f"{pools}?workloadIdentityPoolId={pool}", json={}).status_code == 409
    providers = f"{pools}/{pool}/providers?workloadIdentityPoolProviderId=amazon"
    unknown = {"attributeMapping": {"google.subject": "assertion.userid"}}
    assert gcp.post(providers, json=unknown).status_code == 400
    assert gcp.post(providers, json={"aws": {"accountId": "111111111111"}}).status_code == 200


def test_a_deleted_pool_keeps_its_id_for_30_days_in_which_it_is_read_undeleted_and_not_used(
    gcp: httpx.Client, ahead: Callable[[timedelta], None]
) -> None:
    """https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/delete, and its
    neighbours `create` ("You cannot reuse the name of a deleted pool until 30 days after deletion") and `undelete`."""
    pools, pool = f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools", f"pool-{next(NUMBER)}"
    providers = f"{pools}/{pool}/providers"

    def made(provider: bool = False) -> int:
        if provider:
            body = {"aws": {"accountId": "111111111111"}}
            return gcp.post(f"{providers}?workloadIdentityPoolProviderId=amazon", json=body).status_code
        return gcp.post(f"{pools}?workloadIdentityPoolId={pool}", json={}).status_code

    assert (made(), made(provider=True)) == (200, 200)
    assert gcp.post(f"{pools}/{pool}:undelete", json={}).status_code == 400  # it is there
    assert gcp.delete(f"{pools}/{pool}").status_code == 200
    read = gcp.get(f"{pools}/{pool}").json()
    assert read["state"] == "DELETED"
    ahead(timedelta(days=29))
    assert (made(), made(provider=True)) == (409, 404)
    assert gcp.patch(f"{pools}/{pool}?updateMask=description", json={"description": "x"}).status_code == 404
    assert gcp.delete(f"{pools}/{pool}").status_code == 404
    assert gcp.post(f"{pools}/{pool}:undelete", json={}).status_code == 200
    assert gcp.get(f"{pools}/{pool}").json()["state"] == "ACTIVE"
    assert gcp.get(f"{providers}/amazon").json()["state"] == "ACTIVE"
    # A provider keeps its id as a pool does.
    assert gcp.delete(f"{providers}/amazon").status_code == 200
    assert made(provider=True) == 409
    assert gcp.delete(f"{pools}/{pool}").status_code == 200
    ahead(timedelta(days=29 + 31))
    assert gcp.get(f"{pools}/{pool}").status_code == 404
    assert gcp.post(f"{pools}/{pool}:undelete", json={}).status_code == 404
    assert (made(), made(provider=True)) == (200, 200)


def test_a_deleted_role_is_back_within_7_days_and_keeps_its_id_for_37(
    gcp: httpx.Client, ahead: Callable[[timedelta], None]
) -> None:
    """https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.roles/delete and, for the 37 days,
    https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_project_iam_custom_role."""
    own, role = f"/v1/projects/{PROJECT}/roles", f"looks_{next(NUMBER)}"

    def made() -> int:
        return gcp.post(own, json={"roleId": role, "role": {"title": "Reads"}}).status_code

    assert made() == 200
    assert gcp.post(f"{own}/{role}:undelete", json={}).status_code == 400  # it is there
    assert gcp.delete(f"{own}/{role}").status_code == 200
    ahead(timedelta(days=6))
    assert gcp.get(f"{own}/{role}").json()["deleted"] is True
    refused = gcp.post(own, json={"roleId": role, "role": {"title": "Reads"}})
    assert refused.status_code == 400 and "marked for deletion" in refused.text
    assert refused.json()["error"]["status"] == "FAILED_PRECONDITION"
    assert gcp.patch(f"{own}/{role}", json={"title": "x"}).status_code == 400
    assert gcp.post(f"{own}/{role}:undelete", json={}).status_code == 200
    assert "deleted" not in gcp.get(f"{own}/{role}").json()
    assert gcp.delete(f"{own}/{role}").status_code == 200
    ahead(timedelta(days=6 + 8))
    assert gcp.get(f"{own}/{role}").status_code == 404
    assert gcp.post(f"{own}/{role}:undelete", json={}).status_code == 404
    assert made() == 400
    ahead(timedelta(days=6 + 38))
    assert made() == 200


def test_a_policy_takes_only_members_that_exist_and_the_etag_it_was_read_with(gcp: httpx.Client) -> None:
    account = f"transfer-{next(NUMBER)}"
    member = f"serviceAccount:{account}@{PROJECT}.iam.gserviceaccount.com"
    policy = gcp.post(f"/v1/projects/{PROJECT}:getIamPolicy", json={}).json()
    policy["bindings"] = [{"role": "roles/bigquery.jobUser", "members": [member]}]
    answer = gcp.post(f"/v1/projects/{PROJECT}:setIamPolicy", json={"policy": policy})
    assert answer.status_code == 400 and "does not exist" in answer.text
    assert gcp.post(f"/v1/projects/{PROJECT}/serviceAccounts", json={"accountId": account}).status_code == 200
    assert gcp.post(f"/v1/projects/{PROJECT}:setIamPolicy", json={"policy": policy}).status_code == 200
    stale = gcp.post(f"/v1/projects/{PROJECT}:setIamPolicy", json={"policy": policy})
    assert stale.status_code == 409 and "concurrent" in stale.text


def test_a_service_account_is_made_once_and_gone_when_deleted(gcp: httpx.Client) -> None:
    body = {"accountId": f"loader-{next(NUMBER)}", "serviceAccount": {"displayName": "Loads orders"}}
    made = gcp.post(f"/v1/projects/{PROJECT}/serviceAccounts", json=body).json()
    assert gcp.get(f"/v1/{made['name']}").json()["displayName"] == "Loads orders"
    assert gcp.post(f"/v1/projects/{PROJECT}/serviceAccounts", json=body).status_code == 409
    assert gcp.delete(f"/v1/{made['name']}").status_code == 200
    assert gcp.get(f"/v1/{made['name']}").status_code == 404
    assert gcp.post(f"/v1/projects/{PROJECT}/serviceAccounts", json={"accountId": "Bad"}).status_code == 400


def test_a_role_of_the_projects_own_is_made_once_and_bound_only_while_it_is_there(gcp: httpx.Client) -> None:
    own, made = f"/v1/projects/{PROJECT}/roles", f"looks_{next(NUMBER)}"
    body = {"roleId": made, "role": {"title": "Reads", "includedPermissions": ["bigquery.transfers.get"]}}
    role = gcp.post(own, json=body).json()
    assert role["name"] == f"projects/{PROJECT}/roles/{made}"
    assert gcp.post(own, json=body).status_code == 409
    assert gcp.post(own, json=body | {"roleId": "with-dash"}).status_code == 400
    assert gcp.get(f"/v1/{role['name']}").json()["includedPermissions"] == ["bigquery.transfers.get"]

    def bound() -> int:
        policy = gcp.post(f"/v1/projects/{PROJECT}:getIamPolicy", json={}).json()
        policy["bindings"] = [{"role": role["name"], "members": ["group:a@example.com"]}]
        return gcp.post(f"/v1/projects/{PROJECT}:setIamPolicy", json={"policy": policy}).status_code

    assert bound() == 200
    assert gcp.delete(f"/v1/{role['name']}").status_code == 200
    assert bound() == 400


def test_a_tables_schema_only_grows(warehouse: Warehouse) -> None:
    path = f"{warehouse.base}/datasets/{warehouse.dataset}/tables/t"
    field = {"name": "id", "type": "NUMERIC", "precision": "20", "scale": "0", "mode": "NULLABLE"}
    warehouse.table("t", [field], labels={"a": "b"}, encryptionConfiguration={"kmsKeyName": "projects/p/key"})
    table = warehouse.ok("GET", path)
    assert table["schema"]["fields"] == [field] and table["encryptionConfiguration"] == {
        "kmsKeyName": "projects/p/key"
    }
    for fields in (
        [],
        [field | {"type": "STRING"}],
        [field | {"scale": "2"}],
        [field, {"name": "x", "type": "STRING", "mode": "REQUIRED"}],
    ):
        assert warehouse.gcp.patch(path, json={"schema": {"fields": fields}}).status_code == 400
    warehouse.ok("PATCH", path, json={"schema": {"fields": [field, {"name": "order id", "type": "STRING"}]}})
    warehouse.rows("INSERT INTO $.t (id, `order id`) VALUES (18446744073709551615, 'x')")
    assert warehouse.rows("SELECT `order id` FROM $.t") == [("x",)]


def test_a_record_grows_inside_and_is_otherwise_what_it_was(warehouse: Warehouse) -> None:
    path = f"{warehouse.base}/datasets/{warehouse.dataset}/tables/t"

    def item(**fields: str) -> dict[str, Any]:
        inner = [
            {
                "name": "orders",
                "type": "RECORD",
                "fields": [{"name": n, "type": t} for n, t in fields.items()],
            }
        ]
        return {"schema": {"fields": [{"name": "Item", "type": "RECORD", "fields": inner}]}}

    warehouse.table("t", item(S="STRING")["schema"]["fields"])
    warehouse.load("t", lines({"Item": {"orders": {"S": "a"}}}), "NEWLINE_DELIMITED_JSON")
    assert warehouse.gcp.patch(path, json=item(N="NUMERIC")).status_code == 400
    assert warehouse.gcp.patch(path, json=item(S="INTEGER", N="NUMERIC")).status_code == 400
    warehouse.ok("PATCH", path, json=item(S="STRING", N="NUMERIC"))
    warehouse.load("t", lines({"Item": {"orders": {"N": "1"}}}), "NEWLINE_DELIMITED_JSON")
    rows = warehouse.rows("SELECT Item.orders.S, Item.orders.N FROM $.t ORDER BY 1 NULLS LAST")
    assert [(s, n and float(n)) for s, n in rows] == [("a", None), (None, 1.0)]


@pytest.mark.parametrize(
    "more",
    [
        {"timePartitioning": {"type": "DAY", "field": "name"}},
        {"clustering": {"fields": ["none"]}},
        {"clustering": {"fields": ["name"] * 5}},
        {"schema": {"fields": [{"name": "a$", "type": "STRING"}]}},
        {"schema": {"fields": [{"name": "x", "type": "BIGNUMERIC", "precision": "60", "scale": "30"}]}},
    ],
)
def test_a_table_that_cannot_be_is_refused(warehouse: Warehouse, more: dict[str, Any]) -> None:
    body = {
        "tableReference": {"tableId": "t"},
        "schema": {"fields": [{"name": "name", "type": "STRING"}]},
        **more,
    }
    answer = warehouse.gcp.post(f"{warehouse.base}/datasets/{warehouse.dataset}/tables", json=body)
    assert answer.status_code == 400, answer.text


def test_a_view_of_the_latest_load_survives_a_new_column(warehouse: Warehouse) -> None:
    table = warehouse.table(
        "orders", [{"name": "id", "type": "INTEGER", "mode": "NULLABLE"}], timePartitioning={"type": "DAY"}
    )
    orders = f"`{PROJECT}.{warehouse.dataset}.orders`"
    latest = f"SELECT * FROM {orders} WHERE _PARTITIONTIME = (SELECT MAX(_PARTITIONTIME) FROM {orders})"
    warehouse.ok(
        "POST",
        f"{warehouse.base}/datasets/{warehouse.dataset}/tables",
        json={
            "tableReference": {"tableId": "orders_latest"},
            "view": {"query": latest, "useLegacySql": False},
        },
    )
    warehouse.load("orders$20260101", lines({"id": 1}), "NEWLINE_DELIMITED_JSON")
    warehouse.load(
        "orders$20260102",
        lines({"id": 2}, {"id": 3}),
        "NEWLINE_DELIMITED_JSON",
        writeDisposition="WRITE_TRUNCATE",
    )
    assert warehouse.rows("SELECT * FROM $.orders_latest ORDER BY id") == [("2",), ("3",)]
    path = f"{warehouse.base}/datasets/{warehouse.dataset}/tables/orders"
    warehouse.ok(
        "PATCH",
        path,
        json={"schema": {"fields": [*table["schema"]["fields"], {"name": "colour", "type": "STRING"}]}},
    )
    warehouse.load("orders$20260103", lines({"id": 4, "colour": "red"}), "NEWLINE_DELIMITED_JSON")
    assert warehouse.rows("SELECT id, colour FROM $.orders_latest") == [("4", "red")]
    assert warehouse.rows("SELECT COUNT(*), COUNT(DISTINCT _PARTITIONDATE) FROM $.orders") == [("4", "3")]
    assert warehouse.rows("SELECT COUNT(*) FROM $.orders WHERE _PARTITIONDATE >= '2026-01-02'") == [("3",)]
