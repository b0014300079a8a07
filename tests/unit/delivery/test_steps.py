"""What the workflows' steps run, as they run it: on recorded previews, with a `pulumi` that prints them.

Each command of a step is one of this package or of the Makefile, and each of this package is run here in the form that
the workflow has; nothing of it is left to a script that no test sees.
"""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery import command, credentials
from delivery.__main__ import main
from delivery.preview import read
from delivery.reviewed import differences
from delivery.settings import StackDelivery
from tests.typed import fake
from tests.unit.delivery.github_api import Api
from tests.unit.delivery.recordings import recorded, text

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = ("preview", "deploy", "drift")
RUNS = [
    (workflow, name, step["run"])
    for workflow in WORKFLOWS
    for name, content in yaml.safe_load((ROOT / f".github/workflows/{workflow}.yml").read_text())[
        "jobs"
    ].items()
    for step in content["steps"]
    if "run" in step
]
COMMANDS = sorted({run for _, _, run in RUNS if "-m delivery" in run})
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(("workflow", "name", "run"), RUNS)
def test_a_step_runs_a_target_or_a_command_of_this_package(workflow: str, name: str, run: str) -> None:
    assert re.fullmatch(r"make setup( policy/venv)?|\.venv/bin/python -m (delivery|operate) [^|;&\n]+", run)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the repository, as far as the steps read it, with its folders of commands."""
    root = tmp_path / "clone"
    root.mkdir()
    for name in (
        "delivery.yaml",
        "Pulumi.yaml",
        "Pulumi.dev.yaml",
        "Pulumi.local.yaml",
        "Pulumi.prod.yaml",
        "requirements.lock",
    ):
        shutil.copy(ROOT / name, root / name)
    for room in ("components/shared", "delivery", "operate"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (root / ".venv" / "bin" / "python").chmod(0o755)
    pulumi = root / "bin" / "pulumi"
    pulumi.parent.mkdir()
    # Prints the recording, notes its words and the config that it was started with, and ends as `pulumi` would.
    pulumi.write_text(
        f'#!/bin/sh\ncd "{root}"\n'
        'echo "$PULUMI_ENABLE_STREAMING_JSON_PREVIEW $*" >> pulumi.log\ncat Pulumi.prod.yaml > seen.yaml\n'
        'case $1 in preview) cat recording.jsonl;; up) exit "${UP_CODE:-0}";;\n'
        '  stack) echo "{\\"deployment\\": {\\"resources\\": []}, \\"pipelines\\": {}}";; esac\n'
    )
    pulumi.chmod(0o755)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        git(root, *words)
    return root


def git(root: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def step(root: Path, run: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a step's script as GitHub does: `bash -e`."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "PULUMI_"))
    }
    environment |= {"PATH": f"{root / 'bin'}:{os.environ['PATH']}", **variables}
    return subprocess.run(
        ["bash", "-e", "-c", run], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def the(words: str, workflow: str = "") -> str:
    """The one step that begins so."""
    [run] = {
        run
        for workflow_name, _, run in RUNS
        if f"-m delivery {words}" in run and workflow in ("", workflow_name)
    }
    return run


def words(root: Path) -> list[str]:
    return (root / "pulumi.log").read_text().splitlines()


def test_a_job_gets_no_pulumi_whose_digest_the_lock_has_not(clone: Path) -> None:
    (clone / "delivery/pulumi.lock").write_text("# none\n")
    done = step(clone, the("pulumi"), PULUMI_HOME=str(clone / "home"))
    assert done.returncode == 1 and "no digest of https://github.com/pulumi/pulumi/releases/" in done.stderr
    assert not (clone / "home").exists()


def test_the_touched_stacks_are_the_jobs_output(clone: Path, tmp_path: Path) -> None:
    base = git(clone, "rev-parse", "HEAD")
    (clone / "Pulumi.prod.yaml").write_text((clone / "Pulumi.prod.yaml").read_text() + "# changed\n")
    git(clone, "rm", "-q", "Pulumi.local.yaml")
    git(clone, "commit", "-qam", "two")
    out = tmp_path / "output"
    done = step(clone, the("stacks", "preview"), BASE=base, GITHUB_OUTPUT=str(out))
    assert done.returncode == 0, done.stderr
    assert out.read_text().splitlines() == ['stacks=["prod"]', 'embedded=["prod"]', 'removed=["local"]']
    assert json.loads(step(clone, the("stacks", "deploy"), BEFORE=base).stdout)["stacks"] == ["prod"]
    assert json.loads(step(clone, the("stacks", "drift")).stdout)["stacks"] == ["dev", "prod"]


def test_a_preview_is_saved_as_a_plan_under_the_preview_role_by_the_policies(clone: Path) -> None:
    (clone / "recording.jsonl").write_text(text("prod/new-pipeline"))
    done = step(clone, the("preview", "preview"), STACK="prod", PREVIEW_ROLE="preview")
    assert done.returncode == 0, done.stderr
    [line] = words(clone)
    assert line.startswith("true preview --json --save-plan ")
    assert line.endswith(
        "/previews/prod.plan --policy-pack policy --policy-pack-config policy/levels/prod.json "
        "--stack prod --non-interactive"
    )
    accounts = yaml.safe_load((clone / "seen.yaml").read_text())["config"]["tributary:accounts"]
    assert {account["role"].rpartition("/")[2] for account in accounts.values()} == {"preview"}
    assert read("prod", (clone / "previews" / "prod.jsonl").read_text()) == recorded("prod/new-pipeline")


def test_a_refresh_is_compared_without_the_policies(clone: Path) -> None:
    (clone / "recording.jsonl").write_text(text("dev/unchanged"))
    done = step(clone, the("preview", "drift"), STACK="dev", REFRESH_ROLE="refresh")
    assert done.returncode == 0, done.stderr
    assert words(clone)[0].endswith("/compared/dev.plan --refresh --stack dev --non-interactive")


@pytest.mark.parametrize(("change", "code"), [("dev/key-on", 0), ("dev/misspelt-key", 1)])
def test_the_comment_is_made_published_and_judged(
    clone: Path, job: Api, tmp_path: Path, change: str, code: int
) -> None:
    (clone / "previews").mkdir()
    (clone / "previews" / "dev.jsonl").write_text(text(change))
    variables = {
        "GITHUB_API_URL": os.environ["GITHUB_API_URL"],
        "GITHUB_REPOSITORY": "shop/data",
        "GITHUB_TOKEN": "t",
    }
    summary = tmp_path / "summary.md"
    for _ in range(2):
        given = {
            "COMMIT": "0" * 40,
            "LINK": "https://a",
            "REMOVED": '["old"]',
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        assert step(clone, the("comment"), **given).returncode == 0
        assert step(clone, the("publish"), NUMBER="7", **variables).returncode == 0
    [comment] = job.comments
    assert "`old`" in comment["body"] and "`dev`" in comment["body"]
    assert summary.read_text() == comment["body"]
    assert step(clone, the("verdict")).returncode == code


def test_drift_is_an_issue_of_what_differs_and_of_what_was_added_by_hand(clone: Path, job: Api) -> None:
    compared = clone / "compared"
    compared.mkdir()
    given = {
        "GITHUB_API_URL": os.environ["GITHUB_API_URL"],
        "GITHUB_REPOSITORY": "shop/data",
        "GITHUB_TOKEN": "t",
    }
    given |= {"STACK": "dev", "LINK": "https://a"}
    refused = step(clone, the("drift"), **given)
    assert (refused.returncode, job.issues) == (1, [])
    assert "dev was not compared" in refused.stderr
    strangers = [{"resource": "arn:aws:sns:a:1:b", "kind": "subscription", "what": "sqs a-queue"}]
    unread = [{"resource": "arn:aws:sns:a:1:b", "kind": "unread", "what": "GetTopicAttributes: AccessDenied"}]
    file = compared / "dev.strangers.json"
    for added, state, body in (
        (strangers, "open", "sqs a-queue"),
        (None, "open", "It could not be scanned for what was added by hand"),
        (unread, "open", "GetTopicAttributes: AccessDenied"),
        ([], "closed", "GetTopicAttributes: AccessDenied"),
    ):
        (compared / "dev.jsonl").write_text(text("dev/unchanged"))
        file.unlink(missing_ok=True)
        if added is not None:
            file.write_text(json.dumps(added))
        done = step(clone, the("drift"), **given)
        assert done.returncode == 0, done.stderr
        assert [issue.get("state", "open") for issue in job.issues] == [state]
        assert body in job.issues[0]["body"]


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


def test_what_was_reviewed_is_found_by_the_merged_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers: dict[str, Any] = {
        "actions/workflows/preview.yml/runs?event=pull_request&head_sha=h": {
            "workflow_runs": [
                {"id": 1, "head_repository": {"full_name": "stranger/data"}},
                {"id": 2, "head_repository": {"full_name": "shop/data"}},
            ]
        },
        "actions/runs/2/artifacts": {"artifacts": [{"id": 5, "name": "previews", "expired": False}]},
    }
    zipped = archive(**{"dev.jsonl": "a", "../dev.jsonl": "b", "dev.plan": "c"})
    monkeypatch.setattr("delivery.github.Repository.pages", fake(lambda self, path: [{"head": {"sha": "h"}}]))
    monkeypatch.setattr("delivery.github.Repository.call", fake(lambda self, method, path: answers[path]))
    monkeypatch.setattr("delivery.github.Repository.download", fake(lambda self, path: zipped))
    monkeypatch.setenv("GITHUB_REPOSITORY", "shop/data")
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    run = shlex.split(
        the("reviewed").replace("$GITHUB_SHA", "c").replace("--to reviewed", f"--to {tmp_path / 'r'}")
    )
    assert main(run[3:]) == 0
    assert [path.name for path in tmp_path.rglob("*")] == ["r", "dev.jsonl"]
    assert capsys.readouterr().out == "reviewed: dev.jsonl\n"


@pytest.mark.parametrize(
    ("shown", "planned", "stops"),
    [
        ("dev/key-on", "dev/key-on", ""),
        ("dev/key-on", "dev/renamed-table", "dev would not be deployed as it was reviewed"),
        ("dev/key-on", "dev/misspelt-key", "dev can't be previewed: the config is refused"),
        ("", "dev/key-on", ""),
    ],
)
def test_what_was_reviewed_is_deployed_by_its_plan_and_nothing_else_is(
    clone: Path, shown: str, planned: str, stops: str
) -> None:
    (clone / "reviewed").mkdir()
    if shown:
        (clone / "reviewed" / "dev.jsonl").write_text(text(shown))
    (clone / "recording.jsonl").write_text(text(planned))
    done = step(clone, the("deploy"), STACK="dev")
    ups = [line for line in words(clone) if line.startswith("true up ")]
    if stops:
        assert (done.returncode, ups) == (1, [])
        assert stops in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        [up] = ups
        assert (
            up.startswith("true up --yes --skip-preview --plan ") and "/planned/dev.plan --policy-pack" in up
        )


def test_a_stack_with_approval_deploys_nothing_that_nobody_was_shown(clone: Path) -> None:
    (clone / "recording.jsonl").write_text(text("prod/new-pipeline"))
    done = step(clone, the("deploy"), STACK="prod")
    assert done.returncode == 1
    assert "nothing was shown for this commit" in done.stderr
    assert not [line for line in words(clone) if " up " in line]


def test_a_deployment_that_fails_is_red(clone: Path) -> None:
    (clone / "recording.jsonl").write_text(text("dev/key-on"))
    done = step(clone, the("deploy"), STACK="dev", UP_CODE="255")
    assert done.returncode == 1
    assert "pulumi up ended with 255" in done.stderr


def test_what_differs_from_what_was_reviewed_is_said() -> None:
    shown, now = recorded("dev/key-on"), recorded("dev/renamed-table")
    assert differences(shown, shown) == []
    reasons = differences(shown, now)
    assert "it creates shop-lake-clients (dynamodb.Table), which was not shown" in reasons
    assert "it no longer creates shop-lake-landing (kms.Key)" in reasons
    assert any(
        reason.startswith("it sets shop-lake-source (iam.RolePolicy) to other values: policy ")
        for reason in reasons
    )


def test_the_policies_are_mandatory_where_delivery_yaml_says_so() -> None:
    policies = command._policies  # pyright: ignore[reportPrivateUsage] - the options alone
    levels = {level: policies(StackDelivery(policies=level))[-1] for level in ("advisory", "mandatory")}
    assert levels == {"advisory": "policy/levels/dev.json", "mandatory": "policy/levels/prod.json"}
    for level, file in levels.items():
        assert json.loads((ROOT / file).read_text())["all"] == level


JOB = {
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://token.example/?a=b",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "bearer",
    "GCP_PROVIDER": "projects/1/locations/global/workloadIdentityPools/github/providers/data",
    "GCP_SERVICE_ACCOUNT": "preview@shop.iam.gserviceaccount.com",
}


def test_google_is_entered_by_federation_and_no_key(tmp_path: Path) -> None:
    variables = JOB | {"RUNNER_TEMP": str(tmp_path), "GITHUB_ENV": str(tmp_path / "env")}
    assert credentials.for_job(variables) == ["Google: by workload identity federation"]
    file = tmp_path / "google-credentials.json"
    assert (tmp_path / "env").read_text() == f"GOOGLE_APPLICATION_CREDENTIALS={file}\n"
    assert file.stat().st_mode & 0o077 == 0
    content = json.loads(file.read_text())
    assert content["audience"] == f"//iam.googleapis.com/{JOB['GCP_PROVIDER']}"
    assert content["credential_source"]["url"].startswith(
        "https://token.example/?a=b&audience=https%3A%2F%2Fiam"
    )
    assert "private_key" not in file.read_text()


def test_a_refresh_enters_google_as_another_account_than_a_preview() -> None:
    """A previewer's role reads no resource, and a refresh reads each."""
    entered: dict[Any, Any] = {}
    for name, job in (("preview", "preview"), ("drift", "compare")):
        workflow = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
        entered[name] = workflow["jobs"][job]["env"]["GCP_SERVICE_ACCOUNT"]
    assert entered == {
        "preview": "${{ vars.GCP_SERVICE_ACCOUNT }}",
        "drift": "${{ vars.GCP_REFRESH_SERVICE_ACCOUNT }}",
    }
    assert "`GCP_REFRESH_SERVICE_ACCOUNT`" in (ROOT / "docs" / "pull-requests.md").read_text()


def test_googles_own_library_takes_the_file() -> None:
    identity_pool = pytest.importorskip("google.auth.identity_pool")
    content = credentials.google(JOB, JOB["GCP_PROVIDER"], JOB["GCP_SERVICE_ACCOUNT"])
    made = identity_pool.Credentials.from_info(content)
    assert made.service_account_email == JOB["GCP_SERVICE_ACCOUNT"]


def test_a_job_without_a_token_says_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GCP_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ROLE", "arn:aws:iam::111111111111:role/preview")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert main(shlex.split(the("credentials"))[3:]) == 1
    assert (
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set: the job needs 'id-token: write'"
        in capsys.readouterr().err
    )


def test_every_command_of_a_step_is_run_here() -> None:
    """One that a workflow calls and no test above runs fails this: `embedded` is in test_embedded.py, `scan` reads a
    cloud (tests/contract/test_strangers.py)."""
    source = Path(__file__).read_text()
    called = {re.search(r"-m delivery (\w+)", run)[1] for run in COMMANDS}  # type: ignore[index]
    assert called - {"embedded", "scan"} == set(re.findall(r'the\("(\w+)"', source))


def test_after_a_deployment_what_arrived_is_checked_by_the_role_that_reads(clone: Path) -> None:
    """Its commands are those of `make status STACK=<stack> ROLE=<role>`."""
    [run] = {run for workflow, _, run in RUNS if workflow == "deploy" and "-m operate" in run}
    steps = [run for workflow, _, run in RUNS if workflow == "deploy"]
    assert steps.index(run) > steps.index(the("deploy", "deploy"))
    done = step(clone, run, STACK="prod", STATUS_ROLE="status-tributary-prod")
    assert (done.returncode, done.stdout.strip()) == (0, "no pipelines"), done.stderr
    assert words(clone) == [" stack output --json --stack prod --non-interactive"]
    assert step(clone, run, STACK="prods", STATUS_ROLE="x").returncode == 1
