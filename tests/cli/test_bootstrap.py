"""Accounts made ready from nothing by `make bootstrap`, and a stack deployed by what it made, as a job would.

The `pulumi` command line, the embedded cloud, the project's own providers, or the real AWS provider behind its bridge
(`front`). A job's token is a JWT whose signature nobody checks here; who may enter by it is decided by the trust that
was made, what it may then by the policies that were made, in the cloud's IAM.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

from bootstrap.making import names
from bootstrap.making.github import ISSUER
from tests.cli.front import Front, missing
from tests.typed import as_yaml

HOME, OTHER, REGION = "111111111111", "222222222222", "eu-central-1"
SUBJECT = "repo:example-org/data-platform:environment:"
BUCKET = f"state-tributary-{HOME}"


class Ready(Front):
    """A copy of the project whose stack `dev` has one export in two accounts, and its cloud."""

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        file = self.project / "Pulumi.dev.yaml"
        config = yaml.safe_load(file.read_text())["config"]
        config["tributary:accounts"] = {
            name: {"id": id, "region": REGION, "role": f"arn:aws:iam::{id}:role/deploy-tributary-dev"}
            for name, id in (("workload", HOME), ("analytics", OTHER))
        }
        pipelines = config["tributary:pipelines"]
        lake, replica = pipelines["shop-lake"], pipelines["shop-replica"]
        config["tributary:pipelines"] = {
            "shop-lake": lake | {"account": "workload"}, "shop-replica": replica | {"account": "analytics"},
        }  # fmt: skip
        file.write_text(as_yaml({"config": config}, sort_keys=False))
        accounts = self.program / "Pulumi.accounts.yaml"
        changed = yaml.safe_load(accounts.read_text())["config"]
        changed |= {
            "tributary-bootstrap:stacks": ["dev"],
            "tributary-bootstrap:state": {"account": HOME, "region": REGION},
        }
        accounts.write_text(as_yaml({"config": changed}, sort_keys=False))
        # What the command line itself speaks to, beside the providers: the state and its key.
        self.environment |= {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": HOME,
            "AWS_SECRET_ACCESS_KEY": "local",
        }  # fmt: skip

    @property
    def program(self) -> Any:
        return self.project / "bootstrap" / "program"

    def bootstrap(self, *words: str, answer: str | None = None) -> subprocess.CompletedProcess[str]:
        """`make bootstrap`, or with `answer` to its question."""
        environment: dict[str, str] = {**self.environment}
        environment.pop("PULUMI_BACKEND_URL", None)
        answered = [] if answer is not None else ["--yes"]
        return subprocess.run(
            [sys.executable, "-m", "bootstrap.begin", *answered, *words], cwd=self.project, env=environment,
            input=answer, capture_output=True, text=True, check=False, timeout=self.patience,
        )  # fmt: skip

    def client(self, service: str, account: str = HOME, session: dict[str, str] | None = None) -> Any:
        keys = session or {"aws_access_key_id": account, "aws_secret_access_key": "local"}
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=REGION, **keys,  # type: ignore[call-overload]
            config=Config(proxies={}, s3={"addressing_style": "path"}),
        )  # fmt: skip

    def enter(self, door: str, subject: str, audience: str = "sts.amazonaws.com") -> dict[str, str]:
        """A job's session of a door. Raises ClientError where it is not let in."""
        given = self.client("sts").assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::{HOME}:role/{door}", RoleSessionName="job",
            WebIdentityToken=token(iss=f"https://{ISSUER}", aud=audience, sub=subject),
        )["Credentials"]  # fmt: skip
        return {
            "aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }  # fmt: skip

    def as_a_job(self, door: str, subject: str) -> None:
        """From here on `pulumi` and the providers have a job's session and nothing else."""
        session = self.enter(door, subject)
        self.environment |= {key.upper(): value for key, value in session.items()} | {
            "TRIBUTARY_LOCAL_SESSION": json.dumps(session),
            "PULUMI_BACKEND_URL": f"s3://{BUCKET}?region={REGION}",
        }
        self.environment.pop("PULUMI_CONFIG_PASSPHRASE", None)


def token(**claims: str) -> str:
    """A JWT with these claims, unsigned."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "x"])


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("local", marks=pytest.mark.xdist_group("bootstrap-local")),
        pytest.param("real", marks=[pytest.mark.xdist_group("bootstrap-real"), pytest.mark.real_providers]),
    ],
)
def ready(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    if why := missing(request.param):
        pytest.skip(f"accounts are not made ready with providers '{request.param}': {why}")
    made = Ready(tmp_path_factory.mktemp(f"bootstrap-{request.param}"), "dev", request.param)
    yield made
    made.stop()


def test_it_explains_previews_and_makes_nothing_without_a_yes(ready: Ready) -> None:
    done = ready.bootstrap(answer="no\n")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"lets in {SUBJECT}dev-preview" in done.stdout
    assert "nothing was made" in done.stdout and "to create" in done.stdout
    assert ready.client("iam").list_roles()["Roles"] == []
    assert ready.client("s3").list_buckets()["Buckets"] == []


def test_it_makes_all_of_it_and_its_state_moves_into_the_bucket_that_it_made(ready: Ready) -> None:
    done = ready.bootstrap()
    assert done.returncode == 0, done.stdout + done.stderr
    state = ready.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=".pulumi/stacks/")["Contents"]
    assert ".pulumi/stacks/tributary-bootstrap/accounts.json" in [entry["Key"] for entry in state]
    head = ready.client("s3").head_object(Bucket=BUCKET, Key=state[0]["Key"])
    assert head["ServerSideEncryption"] == "aws:kms"
    assert not (ready.project / ".tributary" / "bootstrap").exists()
    file = (ready.program / "Pulumi.accounts.yaml").read_text()
    assert "secretsprovider: awskms://alias/state-tributary" in file and "encryptionsalt" not in file
    assert '"PREVIEW_ROLE": "preview-tributary-dev"' in done.stdout


def test_a_second_run_works_on_the_bucket_and_changes_nothing(ready: Ready) -> None:
    done = ready.bootstrap()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unchanged" in done.stdout and "to create" not in done.stdout and "updated" not in done.stdout
    locks = ready.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=".pulumi/locks/").get("Contents", [])
    assert locks == [], "each run gives its lock back"
    versions = ready.client("s3").list_object_versions(Bucket=BUCKET, Prefix=".pulumi/locks/")
    assert versions["DeleteMarkers"], "and there was one"


def test_nobody_deletes_a_version_of_the_state(ready: Ready) -> None:
    s3 = ready.client("s3")
    version = s3.list_object_versions(Bucket=BUCKET, Prefix=".pulumi/stacks/")["Versions"][0]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})


def test_another_repository_environment_or_audience_is_not_let_in(ready: Ready) -> None:
    ready.enter("enter-deploy-tributary-dev", f"{SUBJECT}dev")
    for door, subject, audience in (
        ("deploy", f"{SUBJECT}dev-preview", "sts.amazonaws.com"),
        ("preview", f"{SUBJECT}dev", "sts.amazonaws.com"),
        ("deploy", "repo:example-org/data-platform-fork:environment:dev", "sts.amazonaws.com"),
        ("deploy", "repo:example-org/data-platform:ref:refs/heads/main", "sts.amazonaws.com"),
        ("deploy", f"{SUBJECT}dev", "https://github.com/example-org"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            ready.enter(f"enter-{door}-tributary-dev", subject, audience)


def test_the_deploy_role_that_it_made_deploys_the_stack_in_both_accounts(ready: Ready) -> None:
    ready.as_a_job("enter-deploy-tributary-dev", f"{SUBJECT}dev")
    provider = f"awskms://alias/secrets-tributary-dev?region={REGION}"
    ready.ok("stack", "init", "--secrets-provider", provider, events=False)
    assert ready.ok("up", "--yes", "--skip-preview").counts.keys() == {"create"}
    for account in (HOME, OTHER):
        roles = [entry["RoleName"] for entry in ready.client("iam", account).list_roles()["Roles"]]
        assert [name for name in roles if name.startswith("tributary-dev-")]


def test_the_preview_role_previews_it_and_may_change_neither_state_nor_account(ready: Ready) -> None:
    ready.as_a_job("enter-preview-tributary-dev", f"{SUBJECT}dev-preview")
    file = ready.project / "Pulumi.dev.yaml"
    before = file.read_text()
    file.write_text(before.replace("role/deploy-tributary-dev", "role/preview-tributary-dev"))
    try:
        run = ready.ok("preview")
        assert set(run.changes.values()) <= {"update"}
        assert {name.partition("::")[0] for name in run.changes} == {"pulumi:providers:aws"}
        refused = ready.pulumi("up", "--yes", "--skip-preview")
    finally:
        file.write_text(before)
    assert refused.code != 0
    assert "AccessDenied" in refused.text or "not authorized" in refused.text
    with pytest.raises(ClientError, match="AccessDenied"):
        session = ready.enter("enter-preview-tributary-dev", f"{SUBJECT}dev-preview")
        ready.client("sts", session=session).assume_role(
            RoleArn=f"arn:aws:iam::{HOME}:role/deploy-tributary-dev", RoleSessionName="job"
        )


def test_the_template_of_a_stack_set_makes_the_same_roles(ready: Ready) -> None:
    file = ready.work / "roles.json"
    done = ready.bootstrap("--template", str(file))
    assert done.returncode == 0, done.stderr
    resources = json.loads(file.read_text())["Resources"]
    by_template = {
        (entry["Condition"].removeprefix("Account"), entry["Properties"]["RoleName"])
        for entry in resources.values() if entry["Type"] == "AWS::IAM::Role"
    }  # fmt: skip
    made = {
        (account, entry["RoleName"])
        for account in (HOME, OTHER)
        for entry in ready.client("iam", account).list_roles()["Roles"]
        if entry["RoleName"].endswith("-tributary-dev") and not entry["RoleName"].startswith("enter-")
    }
    assert by_template == made and len(made) == 2 * len(names.DOING)
