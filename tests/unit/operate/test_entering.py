"""How `operate` comes to a deployed stack: its outputs by the command line, its accounts by the config's roles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from operate.entering import Deployed, GoogleError, deployed
from operate.outputs import Refused, command
from tests.typed import as_yaml, ignoring
from tests.unit.configs import ENTERED
from tests.unit.operate.fake_cloud import pipelines

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a stack, and a `pulumi` that prints outputs.json."""
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "pulumi"
    tool.write_text(
        f"#!{sys.executable}\nimport pathlib, sys\nfile = pathlib.Path({str(tmp_path / 'outputs.json')!r})\n"
        "sys.exit('no stack named prod') if not file.exists() else print(file.read_text())\n"
    )
    tool.chmod(0o755)
    (tmp_path / "Pulumi.prod.yaml").write_text(as_yaml({"config": {"tributary:accounts": ENTERED}}))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def test_the_pipelines_are_those_of_the_outputs(project: Path) -> None:
    (project / "outputs.json").write_text(json.dumps({"pipelines": pipelines(), "cost": {}}))
    cloud = deployed(project, "prod")
    assert cloud.pipelines == pipelines()
    assert command(cloud, "resume", "shop-lake") == "make resume STACK=prod PIPELINE=shop-lake"


@pytest.mark.parametrize(
    ("outputs", "stack", "why"),
    [
        (None, "prod", "no stack named prod"),
        ("{}", "prod", "it is not deployed"),
        (None, "pro", "there is no Pulumi.pro.yaml"),
    ],
)
def test_a_stack_that_is_not_there_is_a_sentence(
    project: Path, outputs: str | None, stack: str, why: str
) -> None:
    if outputs:
        (project / "outputs.json").write_text(outputs)
    with pytest.raises(Refused, match=why):
        deployed(project, stack)


def test_an_account_is_entered_by_the_configs_way_and_a_given_role_is_its_end() -> None:
    plain, other = Deployed("prod", ENTERED, {}), Deployed("prod", ENTERED, {}, "status-tributary-prod")
    assert [step["arn"] for step in plain.chain("111111111111", "eu-central-1")] == [
        ENTERED["workload"]["role"]
    ]
    assert plain.chain("222222222222", "cn-north-1") == []
    ends = {
        ("111111111111", "eu-central-1"): "arn:aws:iam::111111111111:role/status-tributary-prod",
        ("222222222222", "cn-north-1"): "arn:aws-cn:iam::222222222222:role/status-tributary-prod",
    }
    assert {place: [s["arn"] for s in other.chain(*place)] for place in ends} == {
        k: [v] for k, v in ends.items()
    }
    assert other.chain("333333333333", "eu-west-1") == [
        {"arn": "arn:aws:iam::111111111111:role/hub"},
        {"arn": "arn:aws:iam::333333333333:role/status-tributary-prod", "external_id": "shared"},
    ]


def test_a_path_of_no_known_product_is_asked_of_nobody() -> None:
    with pytest.raises(GoogleError, match="no product"):
        Deployed("prod", {}, {}).google("GET", "/v2/elsewhere")


@pytest.mark.parametrize("command", ["run", "pause", "resume"])
def test_without_a_pipeline_the_command_names_those_that_there_are(project: Path, command: str) -> None:
    (project / "outputs.json").write_text(json.dumps({"pipelines": pipelines()}))
    words = [sys.executable, "-m", "operate", command, "prod", "--root", str(project)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "PIPELINE=<one of catalog-search, plain, shop-lake, shop-replica" in done.stderr


@pytest.fixture
def at_google(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """The requests that Google gets; it lets `mine` make tokens of the account `status@p`, and no other."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.url.path.endswith("/status@p:generateAccessToken"):
            return httpx.Response(200, json={"accessToken": "its", "expireTime": "2030-01-01T00:00:00Z"})
        if request.url.path.endswith(":generateAccessToken"):
            return httpx.Response(
                403, json={"error": {"message": "Permission 'iam.serviceAccounts.getAccessToken'"}}
            )
        return httpx.Response(200, json={})

    client = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(httpx, "post", client.post)
    monkeypatch.setattr(httpx, "request", client.request)
    printed = subprocess.CompletedProcess([], 0, "mine\n", "")
    monkeypatch.setattr(subprocess, "run", ignoring(lambda: printed))
    return sent


def test_google_is_called_as_the_service_account_where_one_is_named(at_google: list[httpx.Request]) -> None:
    """https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken"""
    for account in ("status@p", ""):
        Deployed("prod", {}, {}, google_account=account).google("GET", "/bigquery/v2/projects/p/datasets/d")
    token, as_it, as_the_caller = at_google
    assert (
        token.url.host == "iamcredentials.googleapis.com" and token.headers["authorization"] == "Bearer mine"
    )
    assert json.loads(token.content) == {
        "scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": "3600s",
    }  # fmt: skip
    assert as_it.headers["authorization"] == "Bearer its"
    assert as_the_caller.headers["authorization"] == "Bearer mine"


def test_who_may_not_be_the_service_account_reads_what_is_missing(at_google: list[httpx.Request]) -> None:
    with pytest.raises(
        GoogleError, match=r"no access token of operate@p: 403 .*roles/iam.serviceAccountTokenCreator on it"
    ):
        Deployed("prod", {}, {}, google_account="operate@p").google("GET", "/v1/projects/p/locations/EU")
