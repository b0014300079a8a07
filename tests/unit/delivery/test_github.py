"""What is called of GitHub's API, against a small one in this process, and the commands as the workflows call them."""

import json
from pathlib import Path

import pytest

from delivery.__main__ import main
from delivery.comment import LABELS, MARKER
from delivery.github import GithubError, put_comment, put_issue, put_labels
from tests.unit.delivery.github_api import SOMEBODY, Api, repository
from tests.unit.delivery.recordings import text


def test_a_comment_is_written_once_and_patched_from_then_on(api: Api) -> None:
    api.comments += [{"id": n, "body": "thanks", "user": SOMEBODY} for n in (1, 2, 3)]
    assert put_comment(repository(api), 7, MARKER, f"{MARKER} one") == "written"
    assert put_comment(repository(api), 7, MARKER, f"{MARKER} two") == "patched"
    assert put_comment(repository(api), 7, MARKER, f"{MARKER} two") == "unchanged"
    assert [comment["body"] for comment in api.comments] == ["thanks"] * 3 + [f"{MARKER} two"]


def test_a_comment_of_somebody_else_is_not_patched_whatever_it_begins_with(api: Api) -> None:
    api.comments.append({"id": 1, "body": f"{MARKER} mine", "user": SOMEBODY})
    assert put_comment(repository(api), 7, MARKER, f"{MARKER} one") == "written"
    assert api.comments[0]["body"] == f"{MARKER} mine"


def test_labels_that_are_no_longer_right_go_and_others_stay(api: Api) -> None:
    api.labels = ["replaces", "help wanted"]
    put_labels(repository(api), 7, ["policy"], LABELS)
    assert sorted(api.labels) == ["help wanted", "policy"]
    put_labels(repository(api), 7, [], LABELS)
    assert api.labels == ["help wanted"]


def test_a_stack_has_one_issue_which_is_closed_once_it_heals(api: Api) -> None:
    marker = "<!-- drift of dev -->"
    assert put_issue(repository(api), marker, "drift", None) == "none"
    assert put_issue(repository(api), marker, "drift", f"{marker} a") == "written"
    assert (
        put_issue(repository(api), "<!-- drift of prod -->", "drift", "<!-- drift of prod --> a") == "written"
    )
    assert put_issue(repository(api), marker, "drift", f"{marker} b") == "patched"
    assert put_issue(repository(api), marker, "drift", f"{marker} b") == "unchanged"
    assert put_issue(repository(api), marker, "drift", None) == "closed"
    assert [issue.get("state", "open") for issue in api.issues] == ["closed", "open"]
    assert put_issue(repository(api), marker, "drift", f"{marker} c") == "written"


def test_what_github_refuses_is_an_error_with_its_answer(api: Api) -> None:
    with pytest.raises(GithubError, match=r"401 .*Bad credentials"):
        put_comment(repository(api, "wrong"), 7, MARKER, MARKER)


def test_the_comment_of_two_stacks_is_made_published_and_patched(job: Api, tmp_path: Path) -> None:
    for name, change in (("dev", "dev/renamed-table"), ("prod", "prod/new-pipeline")):
        (tmp_path / f"{name}.jsonl").write_text(text(change))
    for _ in range(2):
        assert main(["comment", str(tmp_path), "--commit", "0" * 40, "--link", "https://a"]) == 0
        assert main(["publish", str(tmp_path), "--pull-request", "7"]) == 0
    [comment] = job.comments
    assert "`dev`" in comment["body"] and "`prod`" in comment["body"]
    assert job.labels == ["deletes-data"]


def test_drift_writes_an_issue_and_closes_it(job: Api, tmp_path: Path) -> None:
    strangers = tmp_path / "strangers.json"
    strangers.write_text(
        json.dumps([{"resource": "arn:aws:sns:a:1:b", "kind": "subscription", "what": "a queue"}])
    )
    for change, state in (("dev/key-on", "open"), ("dev/unchanged", "closed")):
        (tmp_path / "dev.jsonl").write_text(text(change))
        if state == "closed":
            strangers.write_text("[]")
        command = ["drift", "dev", "--preview", str(tmp_path / "dev.jsonl"), "--link", "https://a"]
        command += ["--strangers", str(strangers)]
        assert main(command) == 0
        assert [issue.get("state", "open") for issue in job.issues] == [state]
    assert "a queue" in job.issues[0]["body"]


def test_outside_of_a_job_nothing_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    assert main(["publish", str(tmp_path), "--pull-request", "7"]) == 1
    assert "this runs in a job of GitHub Actions" in capsys.readouterr().err
