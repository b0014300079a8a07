"""The command line of adopting: whose role enters, what stops it, and that the project's own files stay."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from botocore.exceptions import NoCredentialsError
from pulumi import automation

from adoption import __main__ as command
from adoption import run
from adoption.looking import Seen
from adoption.wanted import Wanted
from tests.typed import as_yaml, ignoring
from tests.unit.configs import ENTERED

ROOT = Path(__file__).resolve().parents[3]


def named_stack(name: str, **_: Any) -> SimpleNamespace:
    """Takes the place of automation's functions that select a stack."""
    return SimpleNamespace(name=name)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "components").mkdir(parents=True)
    (root / "Pulumi.yaml").write_text("name: tributary\nruntime: python\n")
    (root / "Pulumi.prod.yaml").write_text(as_yaml({"config": {"tributary:accounts": ENTERED}}))
    return root


def entered(project: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[Any]:
    """What the accounts are in the config of the stack itself, and of the one on which it is tried."""
    seen: list[Any] = []

    def stack(name: str, work_dir: str, **_: Any) -> Any:
        content = yaml.safe_load((Path(work_dir) / f"Pulumi.{name}.yaml").read_text())
        seen.append(content["config"]["tributary:accounts"])
        assert (Path(work_dir) / "components").is_dir()
        return SimpleNamespace(name=name)

    monkeypatch.setattr(automation, "select_stack", stack)
    monkeypatch.setattr(automation, "create_or_select_stack", stack)
    monkeypatch.setattr(run, "show", ignoring(lambda: run.Shown({}, [], [])))
    before = (project / "Pulumi.prod.yaml").read_bytes()
    assert command.main(["prod", "--root", str(project), *words]) == 0
    assert (project / "Pulumi.prod.yaml").read_bytes() == before
    return seen


def test_without_a_role_the_accounts_are_entered_as_the_config_has_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entered(project, monkeypatch) == [ENTERED, ENTERED]


def test_a_given_role_is_the_end_of_the_way_into_each_account(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tried = entered(project, monkeypatch, "--role", "refresh-tributary-prod")
    assert real == tried
    assert real["workload"]["role"] == "arn:aws:iam::111111111111:role/refresh-tributary-prod"
    assert real["china"]["role"] == "arn:aws-cn:iam::222222222222:role/refresh-tributary-prod"
    hub, end = real["far"]["roles"]
    assert hub == ENTERED["far"]["roles"][0]
    assert end == {"arn": "arn:aws:iam::333333333333:role/refresh-tributary-prod", "external_id": "shared"}


def made(*words: str) -> str:
    """What `make` would run, or prints."""
    words = ("make", "--dry-run", "--silent", "adopt", *words)
    plain = {key: value for key, value in os.environ.items() if key not in ("STACK", "ROLE", "MAKEFLAGS")}
    return subprocess.run(words, cwd=ROOT, env=plain, capture_output=True, text=True, check=True).stdout


def test_make_wants_a_stack_and_hands_the_role_on() -> None:
    assert "adoption" not in made() and "make adopt STACK=<stack>" in made()
    assert "-m adoption prod --role status\n" in made("STACK=prod", "ROLE=status")
    assert "--role" not in made("STACK=prod")


def test_without_credentials_it_says_so_and_adopts_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: Any) -> Any:
        raise NoCredentialsError

    monkeypatch.setattr(automation, "select_stack", named_stack)
    monkeypatch.setattr(automation, "create_or_select_stack", named_stack)
    monkeypatch.setattr(run, "show", refused)
    assert command.main(["prod", "--root", str(project), "--yes"]) == 1
    assert capsys.readouterr().err == "adopt: Unable to locate credentials\n"


URN = "urn:pulumi:prod::tributary::aws:{}::{}"
SHOWN = run.Shown(
    {"resources": []},
    [
        Seen(Wanted(URN.format("sqs/queue:Queue", "failed"), "", ""), id="https://sqs/failed"),
        Seen(Wanted(URN.format("s3/bucket:Bucket", "landing"), "", ""), reason="it is not there"),
    ],
    [],
)


@pytest.mark.parametrize(
    ("words", "answer", "code", "adopts", "last"),
    [
        (["--show"], None, 0, False, "There, and other than the program has it: 0"),
        ([], False, 1, False, "nothing was adopted"),
        ([], True, 0, True, "adopted: 1; changes of them that `pulumi up` would make: 0"),
        (["--yes"], None, 0, True, "adopted: 1; changes of them that `pulumi up` would make: 0"),
    ],
)
def test_what_would_be_adopted_is_shown_and_nothing_is_without_a_yes(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    answer: bool | None,
    code: int,
    adopts: bool,
    last: str,
) -> None:
    questions: list[str] = []
    adopted: list[run.Shown] = []

    def ask(question: str) -> bool:
        questions.append(question)
        assert answer is not None
        return answer

    def adopt(_: Any, shown: run.Shown, __: Path) -> list[Any]:
        adopted.append(shown)
        return []

    monkeypatch.setattr(automation, "select_stack", named_stack)
    monkeypatch.setattr(automation, "create_or_select_stack", named_stack)
    monkeypatch.setattr(run, "show", ignoring(lambda: SHOWN))
    monkeypatch.setattr(run, "adopt", adopt)
    assert command.main(["prod", "--root", str(project), *words], ask) == code
    assert adopted == ([SHOWN] if adopts else [])
    assert questions == ([] if answer is None else ["Adopt 1 resources into the state of prod?"])
    printed = capsys.readouterr().out.splitlines()
    assert "  aws:sqs/queue:Queue::failed  https://sqs/failed" in printed
    assert "  aws:s3/bucket:Bucket::landing: it is not there" in printed
    assert printed[-1] == last


def test_nobody_at_a_terminal_has_answered_no(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_: str) -> str:
        raise AssertionError("nobody could answer")

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert not command.confirmed("Adopt?")
