"""What the local Google provider sends for the program's own resources is what Google's APIs take."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from local.gcp import messages
from local.providers.gcp import Gcp
from local.providers.gcp_types import ROWS
from tests.recording import Recorded
from tests.unit.bootstrap.recorded import made as accounts_made_ready
from tests.unit.pipelines.bigquery_transfer.recorded import warehouse
from tests.unit.pipelines.bigquery_transfer.test_storage_copy import copied, event_driven

# How a resource of a type is changed in place, beside whatever else stays as it is.
CHANGES: dict[str, dict[str, Any]] = {
    "gcp:bigquery/dataset:Dataset": {"description": "changed"},
    "gcp:bigquery/table:Table": {"description": "changed", "expirationTime": 1893456000000},
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": {"displayName": "changed", "disabled": True},
    "gcp:storage/bucket:Bucket": {"publicAccessPrevention": "inherited"},
    "gcp:storage/transferJob:TransferJob": {"status": "DISABLED"},
    "gcp:projects/iAMCustomRole:IAMCustomRole": {"title": "changed"},
    "gcp:pubsub/topic:Topic": {"messageRetentionDuration": "86400s"},
    "gcp:serviceaccount/account:Account": {"displayName": "changed"},
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": {"description": "changed"},
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": {"description": "changed"},
}


class Calls(Gcp):
    """The provider, whose requests are checked and answered with what they bring."""

    def __init__(self) -> None:
        super().__init__()
        self.policy: dict[str, Any] = {"bindings": []}
        self.project = "shop-analytics"
        self.calls: list[Any] = []

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        parts = urlsplit(path)
        messages.check(method, unquote(parts.path), parse_qs(parts.query), body)
        self.calls.append((method, parts.path))
        if parts.path.endswith(("/iam", "IamPolicy")):
            self.policy = (body or {}).get("policy", body) or self.policy
            return json.loads(json.dumps(self.policy)) | {"etag": "YWNhYg=="}
        enabled = {"status": "ENABLED", "state": "ENABLED"}
        shown = body or {"email": "a@b", "includedPermissions": [], "items": [], **enabled}
        if parts.path.startswith("/storage/v1/b"):
            access = {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}}
            return shown | access | {"name": parts.path.rsplit("/", 1)[-1]}
        if parts.path.endswith("/transferConfigs"):
            return shown | {"name": "projects/p/locations/eu/transferConfigs/1"}
        return shown | {"name": shown.get("name") or parts.path.removeprefix("/v1/")}


def resources() -> dict[str, Recorded]:
    """One of each type, of every way of a transfer, and of what makes a project ready for one."""
    recordings = [accounts_made_ready(), warehouse(), copied(), event_driven()]
    return {
        resource.type: resource
        for recording in recordings
        for resource in recording.resources
        if resource.type in ROWS
    }


@pytest.fixture(scope="module")
def made() -> dict[str, Recorded]:
    return resources()


def test_each_type_that_the_local_provider_has_is_one_that_the_program_makes(made: dict[str, Recorded]):
    assert set(made) == set(ROWS)


@pytest.mark.parametrize("kind", ROWS)
def test_every_request_for_a_resource_is_one_of_its_api(kind: str, made: dict[str, Recorded]):
    provider, inputs = Calls(), made[kind].inputs
    key, state = provider.create(
        kind, inputs, {"pipeline": "shop"} if "labels" in inputs else {}, lambda key: None
    )
    provider.read(kind, key, inputs)
    if ROWS[kind].update:
        changes = CHANGES[kind]
        provider.update(kind, key, state, inputs, inputs | changes, {}, set(changes))
    provider.delete(kind, key, inputs | {"name": state.get("name", key)})
    assert len(provider.calls) >= (2 if ROWS[kind].never_deleted else 3)
