"""Each answer of the local Google Cloud has the form that Google describes: no member that the API does not have, and
64-bit integers as text (https://developers.google.com/discovery/v1/type-format)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.gcp.conftest import NUMBER, PROJECT, Transfer, Warehouse
from tests.contract.gcp.discovery import strays

DAY_MS = 86_400_000


@pytest.mark.parametrize("written", [DAY_MS, str(DAY_MS)], ids=["number", "text"])
def test_a_table_and_its_dataset_are_answered_in_bigquerys_form(warehouse: Warehouse, written: Any) -> None:
    """An expiration may be sent as a number or as text, and is answered as text."""
    expiring = {"timePartitioning": {"type": "DAY", "expirationMs": written}, "labels": {"stack": "dev"}}
    at = f"{warehouse.base}/datasets/{warehouse.dataset}"
    made = warehouse.table("orders", [{"name": "id", "type": "INTEGER"}], **expiring)
    patched = warehouse.ok("PATCH", f"{at}/tables/orders", json={"description": "what was sold", **expiring})
    for answer in (made, patched, warehouse.ok("GET", f"{at}/tables/orders")):
        assert answer["timePartitioning"]["expirationMs"] == str(DAY_MS)
        assert strays("bigquery.v2", "Table", answer) == []
    changed = warehouse.ok("PATCH", at, json={"defaultTableExpirationMs": written})
    for answer in (changed, warehouse.ok("GET", at)):
        assert answer["defaultTableExpirationMs"] == str(DAY_MS)
        assert strays("bigquery.v2", "Dataset", answer) == []


def test_a_transfer_and_its_run_are_answered_in_the_transfer_services_form(transfer: Transfer) -> None:
    transfer.warehouse.table("orders", [{"name": "id", "type": "INTEGER"}])
    made = transfer.create()
    assert strays("bigquerydatatransfer.v1", "TransferConfig", made) == []
    assert strays("bigquerydatatransfer.v1", "TransferRun", transfer.run()) == []


def test_a_bucket_and_what_goes_with_it_are_answered_in_their_services_form(gcp: httpx.Client) -> None:
    number = next(NUMBER)

    def ok(method: str, path: str, body: Any = None) -> Any:
        answer = gcp.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    bucket = {"name": f"landing-{number}", "location": "EU", "lifecycle": {"rule": [
        {"action": {"type": "Delete"}, "condition": {"age": 3}}]}}  # fmt: skip
    made = ok("POST", f"/storage/v1/b?project={PROJECT}", bucket)
    assert strays("storage.v1", "Bucket", made) == []
    assert strays("storage.v1", "Policy", ok("GET", f"/storage/v1/b/landing-{number}/iam")) == []
    topic = ok("PUT", f"/v1/projects/{PROJECT}/topics/runs-{number}", {"labels": {"stack": "dev"}})
    assert strays("pubsub.v1", "Topic", topic) == []
    account = {"accountId": f"loads-{number}", "serviceAccount": {"displayName": "Loads"}}
    answered = ok("POST", f"/v1/projects/{PROJECT}/serviceAccounts", account)
    assert strays("iam.v1", "ServiceAccount", answered) == []
    role: dict[str, Any] = {
        "roleId": f"reads_{number}",
        "role": {"title": "Reads", "includedPermissions": []},
    }
    assert strays("iam.v1", "Role", ok("POST", f"/v1/projects/{PROJECT}/roles", role)) == []
    policy = ok("POST", f"/v1/projects/{PROJECT}:getIamPolicy", {})
    assert strays("cloudresourcemanager.v1", "Policy", policy) == []
    agent = ok("GET", f"/v1/googleServiceAccounts/{PROJECT}")
    assert strays("storagetransfer.v1", "GoogleServiceAccount", agent) == []
