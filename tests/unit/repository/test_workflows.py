"""The public workflows: what they run is pinned, they may only read, and they install what the lock has.

Rules of https://docs.github.com/en/actions/reference/security/secure-use; `make lint` runs `zizmor` and `actionlint`.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
JOBS = [
    pytest.param(workflow, job, id=f"{workflow.stem}-{name}")
    for workflow in WORKFLOWS
    for name, job in yaml.safe_load(workflow.read_text())["jobs"].items()
]
# "Pinning an action to a full-length commit SHA is currently the only way to use an action as an immutable release".
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


# What a job may besides reading the repository; any other job may nothing more.
MORE: dict[str, dict[str, str]] = {
    "preview-preview": {"id-token": "write"},
    "preview-comment": {"pull-requests": "write"},
    "deploy-deploy": {"id-token": "write", "actions": "read", "pull-requests": "read"},
    "drift-compare": {"id-token": "write"},
    "drift-issue": {"issues": "write"},
    "release-bundle": {"id-token": "write", "attestations": "write"},
    "release-program": {"id-token": "write", "attestations": "write"},
    "release-publish": {"contents": "write"},
}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_the_repository_and_its_jobs_what_they_need(workflow: Path) -> None:
    content = yaml.safe_load(workflow.read_text())
    assert content["permissions"] == {"contents": "read"}
    for name, job in content["jobs"].items():
        more = MORE.get(f"{workflow.stem}-{name}")
        assert job.get("permissions") == (more and {"contents": "read", **more}), name
    assert "pull_request_target" not in workflow.read_text()


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_a_job_with_a_clouds_credentials_writes_nothing_at_github_and_runs_nothing_of_a_fork(
    workflow: Path, job: dict[str, Any]
) -> None:
    """Code of the pull request runs in it: what it may is what a stranger would get."""
    may = job.get("permissions", {})
    if "id-token" in may:
        # To attest what it built needs both
        # (https://docs.github.com/en/actions/how-tos/secure-your-work/use-artifact-attestations/use-artifact-attestations).
        attests: set[str] = {"attestations"} if workflow.stem == "release" else set()
        assert {key for key, value in may.items() if value == "write"} == {"id-token", *attests}
        assert "environment" in job, "its trust names an environment, and that a branch"
        triggers = yaml.safe_load(workflow.read_text())[True]
        if "pull_request" in triggers:
            assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"]
    tokens = [step for step in job["steps"] if "GITHUB_TOKEN" in step.get("env", {})]
    assert "GITHUB_TOKEN" not in job.get("env", {})
    for step in tokens:
        assert re.fullmatch(r"\.venv/bin/python -m delivery (publish|reviewed|drift) .*", step["run"])
    assert not re.search(r"\bsecrets\.", workflow.read_text())


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_a_job_ends_and_uses_actions_by_their_commits(workflow: Path, job: dict[str, Any]) -> None:
    assert 0 < job["timeout-minutes"] <= 90
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used and [use for use in used if not PINNED.fullmatch(use)] == []
    for use in used:  # and says which release that is
        assert re.search(rf"{re.escape(use)} # v\d+\.\d+\.\d+$", workflow.read_text(), re.M), use
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        # An expression in a script is code that somebody else may write.
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_pulumi_comes_by_its_digests_and_before_anything_that_runs_it(
    workflow: Path, job: dict[str, Any]
) -> None:
    assert not any("pulumi" in step.get("uses", "") for step in job["steps"])
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    runs = [
        number
        for number, script in enumerate(scripts)
        if re.search(r"delivery (preview|deploy) |make front-door|\bpulumi (plugin|up|preview)", script)
    ]
    installs = [n for n, script in enumerate(scripts) if script == ".venv/bin/python -m delivery pulumi"]
    assert len(installs) == (1 if runs else 0)
    assert not runs or installs[0] < min(runs)


def test_the_front_door_is_pulumis_own() -> None:
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["front-door"]
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    assert scripts[-1] == """make front-door TESTS="-k 'own or adoption'\""""
    assert any('missing("own")' in script for script in scripts)
