"""The lives that need a Google project, with the local Google Cloud in its place, and what was recorded of them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from tests.contract.embedded_cloud import SECRET
from tests.contract.gcp.conftest import PROJECT
from tests.live import answers, sweep, sweep_google
from tests.live.every import LIVES
from tests.live.google import Google
from tests.live.place import PREFIX, Place, Sandbox
from tests.live.sandbox import record

GOOGLES = [name for name, life in LIVES.items() if "google" in life.needs]


@pytest.fixture
def sandbox(aws_endpoint: str, endpoint: str) -> Sandbox:
    def client(service: str, account: str, credentials: Any = None) -> Any:
        return boto3.client(
            service, endpoint_url=aws_endpoint, region_name="us-east-1", aws_access_key_id=account,
            aws_secret_access_key=SECRET,
        )  # fmt: skip

    google = Google(PROJECT, "US", lambda: SECRET, endpoint)
    return Sandbox(client, ("111111111111",), "us-east-1", google)


@pytest.mark.parametrize("name", GOOGLES)
def test_a_life_settles_its_questions_as_the_program_relies_on_and_leaves_nothing(
    sandbox: Sandbox, gcp: httpx.Client, tmp_path: Path, name: str
) -> None:
    def standing() -> list[str]:
        datasets = gcp.get(f"/bigquery/v2/projects/{PROJECT}/datasets").json().get("datasets", [])
        buckets = sandbox.client("s3", "111111111111").list_buckets()["Buckets"]
        users = sandbox.client("iam", "111111111111").list_users()["Users"]
        return [
            *(dataset["datasetReference"]["datasetId"] for dataset in datasets),
            *(bucket["Name"] for bucket in buckets),
            *(user["UserName"] for user in users),
        ]

    before = standing()
    path = record(name, sandbox, "embedded", tmp_path)
    settled = answers.settled(path)
    assert settled.keys() == set(LIVES[name].settles)
    assert all(answered["answer"] for answered in settled.values())
    assert answers.unreliable(settled) == []
    assert standing() == before
    assert answers.lived_anew(path, record(name, sandbox, "embedded", tmp_path / "again")) == []
    assert PROJECT not in path.read_text()


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(answers.FOLDER.glob("*.json")) if p.stem in GOOGLES],
    ids=lambda path: path.stem,
)
def test_the_local_google_cloud_answers_as_google_did(sandbox: Sandbox, tmp_path: Path, path: Path) -> None:
    assert answers.lived_anew(path, record(path.stem, sandbox, "embedded", tmp_path)) == []


def test_what_killed_runs_left_in_the_project_is_found_by_its_name_and_cleaned_up(
    sandbox: Sandbox, gcp: httpx.Client
) -> None:
    """Each life is killed at its end: nothing of it is undone. What others have is not touched."""
    project, google = f"/v1/projects/{PROJECT}", sandbox.google
    assert google is not None
    for path, body in (
        (f"{project}/serviceAccounts", {"accountId": "tributary-live-sa"}),
        (f"{project}/serviceAccounts", {"accountId": "somebody-elses"}),
        (f"{project}/roles", {"roleId": "tributary_live_role", "role": {"title": "of a test"}}),
    ):
        assert gcp.post(path, json=body).status_code == 200
    for name in ("topics/tributary-live-runs", "topics/somebody-elses"):
        assert gcp.put(f"{project}/{name}", json={}).status_code == 200
    topic = {"topic": f"projects/{PROJECT}/topics/tributary-live-runs"}
    assert gcp.put(f"{project}/subscriptions/tributary-live-runs", json=topic).status_code == 200
    for number, name in enumerate(name for name in GOOGLES if name != "pool"):
        place, undo = Place(sandbox, f"{PREFIX}{number:08}"), ExitStack()
        LIVES[name].run(place, place.name, undo)
        undo.pop_all()
    pools = {"displayName": "of a test"}
    made = f"{project}/locations/global/workloadIdentityPools?workloadIdentityPoolId=tributary-live-pool"
    assert gcp.post(made, json=pools).status_code == 200
    google.recorder = None
    apis = {api for api, _, _ in sweep_google.left(google)}
    assert apis == {"bigquery", "bigquerydatatransfer", "iam", "pubsub", "storage", "storagetransfer"}
    assert len([api for api, _, _ in sweep_google.left(google) if api == "iam"]) == 3
    assert sweep_google.sweep(google) == []
    assert list(sweep_google.left(google)) == []
    accounts = gcp.get(f"{project}/serviceAccounts").json()["accounts"]
    assert "somebody-elses" in {account["email"].partition("@")[0] for account in accounts}
    assert sweep.sweep(sandbox) == []
