"""The lives that need a Google project, with the local Google Cloud in its place, and what was recorded of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from tests.contract.embedded_cloud import SECRET
from tests.contract.gcp.conftest import PROJECT
from tests.live import answers
from tests.live.every import LIVES
from tests.live.google import Google
from tests.live.place import Sandbox
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
            *(one["datasetReference"]["datasetId"] for one in datasets),
            *(one["Name"] for one in buckets),
            *(one["UserName"] for one in users),
        ]

    before = standing()
    path = record(name, sandbox, "embedded", tmp_path)
    settled = answers.settled(path)
    assert settled.keys() == set(LIVES[name].settles)
    assert all(one["answer"] for one in settled.values())
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
    assert answers.unreliable(answers.settled(path)) == []
    assert answers.lived_anew(path, record(path.stem, sandbox, "embedded", tmp_path)) == []
