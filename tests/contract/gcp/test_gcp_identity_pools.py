"""Workload identity pools on the wire, against Google's own description of the API: the discovery document of iam v1
that ships in google-api-python-client, and "REST Resource: projects.locations.workloadIdentityPools"
(https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.gcp.conftest import NUMBER, PROJECT
from tests.contract.gcp.discovery import document, strays

PARENT = f"projects/{PROJECT}/locations/global"
POOLS = document("iam.v1")["resources"]["projects"]["resources"]["locations"]["resources"][
    "workloadIdentityPools"
]
PROVIDERS = POOLS["resources"]["providers"]


class Api:
    def __init__(self, gcp: httpx.Client):
        self.gcp = gcp

    def __call__(self, method: dict[str, Any], body: Any = None, query: str = "", **path: str) -> Any:
        """The answer of a method of the discovery document, its form checked against the document."""
        at = method["path"]
        for name, value in path.items():
            at = at.replace(f"{{+{name}}}", value)
        answer = self.gcp.request(method["httpMethod"], f"/{at}{query}", json=body)
        assert answer.status_code == 200, answer.text
        assert strays("iam.v1", method["response"]["$ref"], answer.json()) == []
        return answer.json()

    def ended(self, operation: dict[str, Any]) -> dict[str, Any]:
        assert not operation.get("done") and "response" not in operation
        ended = self(POOLS["resources"]["operations"]["methods"]["get"], name=operation["name"])
        assert ended["done"] and ended["name"] == operation["name"]
        return ended["response"]


@pytest.fixture
def api(gcp: httpx.Client) -> Api:
    return Api(gcp)


def made(api: Api, description: str) -> str:
    pool, methods = f"pool-{next(NUMBER)}", POOLS["methods"]
    query = f"?workloadIdentityPoolId={pool}"
    operation = api(methods["create"], {"description": description}, query, parent=PARENT)
    name = f"{PARENT}/workloadIdentityPools/{pool}"
    assert operation["name"].startswith(f"{name}/operations/")
    assert api.ended(operation)["name"] == name
    return name


def test_a_pool_is_made_changed_and_deleted_by_operations_that_end_with_their_result(api: Api) -> None:
    methods, name = POOLS["methods"], made(api, "lets the loads in")
    assert api(methods["get"], name=name)["description"] == "lets the loads in"
    changed = api(methods["patch"], {"description": "of orders"}, "?updateMask=description", name=name)
    assert api.ended(changed)["description"] == "of orders"
    deleted = api.ended(api(methods["delete"], name=name))
    assert deleted == {"@type": "type.googleapis.com/google.protobuf.Empty"}
    assert api(methods["get"], name=name)["state"] == "DELETED"
    assert api.ended(api(methods["undelete"], name=name))["state"] == "ACTIVE"


def test_a_pools_provider_is_made_changed_and_deleted_by_operations_and_goes_with_its_pool(api: Api) -> None:
    methods, pool = PROVIDERS["methods"], made(api, "")
    body = {"aws": {"accountId": "111111111111"}, "displayName": "before"}
    operation = api(methods["create"], body, "?workloadIdentityPoolProviderId=amazon", parent=pool)
    name = f"{pool}/providers/amazon"
    assert api.ended(operation)["aws"] == {"accountId": "111111111111"}
    api.ended(api(methods["patch"], {"displayName": "after"}, "?updateMask=displayName", name=name))
    assert api(methods["get"], name=name)["displayName"] == "after"
    api.ended(api(methods["delete"], name=name))
    assert api(methods["get"], name=name)["state"] == "DELETED"
    assert api.ended(api(methods["undelete"], name=name))["state"] == "ACTIVE"
    api.ended(api(POOLS["methods"]["delete"], name=pool))
    changed = api.gcp.patch(f"/v1/{name}?updateMask=displayName", json={"displayName": "later"})
    assert changed.status_code == 404


def test_a_patch_changes_what_its_mask_names_and_clears_what_it_leaves_out(api: Api) -> None:
    methods, name = POOLS["methods"], made(api, "lets the loads in")
    body = {"displayName": "Loads", "disabled": True}
    api.ended(api(methods["patch"], body, "?updateMask=displayName,description", name=name))
    read = api(methods["get"], name=name)
    assert read["displayName"] == "Loads" and "description" not in read and "disabled" not in read


def test_a_pool_lists_its_attestation_rules(api: Api) -> None:
    name = made(api, "")
    assert api(POOLS["methods"]["listAttestationRules"], resource=name) == {}
    missing = api.gcp.get(f"/v1/{name}-not-there:listAttestationRules")
    assert missing.status_code == 404


def test_an_operation_that_was_never_begun_is_not_found(api: Api) -> None:
    assert api.gcp.get(f"/v1/{made(api, '')}/operations/never").status_code == 404
