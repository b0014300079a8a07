"""The command that a person with sandboxes runs, with the embedded cloud as the sandboxes."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.contract.embedded_cloud import ANALYTICS, WORKLOAD, Cloud
from tests.live import sweep
from tests.live.__main__ import main
from tests.live.every import LIVES
from tests.live.life import Life
from tests.live.place import PREFIX, Place, Sandbox
from tests.live.sandbox_file import NotASandbox, SandboxFile, refuse_another
from tests.live.stacks import denied

ACCOUNTS = f'[{{id: "{WORKLOAD}", region: us-east-1}}, {{id: "{ANALYTICS}", region: us-east-1}}]'
FILE = f'allowed_account_ids: ["{WORKLOAD}", "{ANALYTICS}"]\naccounts: {ACCOUNTS}\ndatabase: shop\n'


@pytest.fixture
def sandbox(cloud: Cloud) -> Sandbox:
    return Sandbox(cloud.keyed, (WORKLOAD, ANALYTICS), "us-east-1", database="shop")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sandbox.yaml"
    path.write_text(FILE)
    return path


def run(file: Path, sandbox: Sandbox | None, *words: str, answer: str = "yes") -> tuple[int, str]:
    """The command's exit code and what it printed."""
    lines: list[str] = []
    code = main([str(file), *words], lambda _: answer, sandbox, file.parent / "recorded", lines.append)
    return code, "\n".join(lines)


def test_the_command_shows_what_it_makes_and_what_it_costs_and_makes_nothing_without_a_yes(
    file: Path, sandbox: Sandbox
) -> None:
    code, text = run(file, sandbox, answer="no")
    assert code == 1 and text.endswith("nothing was made")
    for name, life in LIVES.items():
        assert re.search(rf"^  {name} +(not here|{life.cost}: {life.makes}$)", text, re.MULTILINE), name
        assert life.makes and life.cost
    assert f"In {WORKLOAD} and {ANALYTICS} (us-east-1), under names with tributary-live-:" in text
    assert not (file.parent / "recorded").exists()
    assert list(sweep.left(sandbox)) == []


def test_the_command_records_each_life_and_leaves_nothing(file: Path, sandbox: Sandbox) -> None:
    code, text = run(file, sandbox, "--only", "role", "stream", "pool")
    assert code == 0, text
    assert "pool  " in text and "not here, it needs: google" in text
    assert {path.stem for path in (file.parent / "recorded").iterdir()} == {"role", "stream"}
    assert text.endswith("nothing is left")


def test_a_life_that_fails_or_shows_what_the_program_does_not_rely_on_is_reported_and_ends_with_1(
    file: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(place: Place, name: str, undo: ExitStack) -> None:
        raise RuntimeError("half-way")

    def surprising(place: Place, name: str, undo: ExitStack) -> None:
        place.settle("does it", {"so": "no"}, so="yes")

    monkeypatch.setitem(LIVES, "failing", Life(failing))
    monkeypatch.setitem(LIVES, "surprising", Life(surprising))
    code, text = run(file, sandbox, "--only", "failing", "surprising")
    assert code == 1
    assert "failing: FAILED" in text and "RuntimeError: half-way" in text
    assert "surprising: NOT does it: so is 'no', and the program relies on 'yes'" in text
    assert "not as it should be: failing, surprising" in text


def test_what_killed_runs_left_is_found_by_its_name_and_cleaned_up(
    file: Path, sandbox: Sandbox, cloud: Cloud
) -> None:
    """Each life is killed at its end: nothing of it is undone. What others have is not touched."""
    sqs = cloud.client("sqs", WORKLOAD)
    other = sqs.create_queue(QueueName="somebody-elses")["QueueUrl"]
    killed = [name for name, life in LIVES.items() if not life.needs - {"second account", "database"}]
    for number, name in enumerate(killed):
        place, undo = Place(sandbox, f"{PREFIX}{number:08}"), ExitStack()
        LIVES[name].run(place, place.name, undo)
        undo.pop_all()
    code, text = run(file, sandbox, "--clean-up", answer="no")
    assert code == 1 and text.startswith("to be deleted:") and text.endswith("nothing was deleted")
    for number, name in enumerate(killed):
        assert f"{PREFIX}{number:08}" in text, f"{name} has left nothing, or by no name of its own"
    code, text = run(file, sandbox, "--clean-up")
    assert code == 0 and text.endswith("nothing is left"), text
    assert sqs.list_queues()["QueueUrls"] == [other]
    late = sqs.create_queue(QueueName=f"{PREFIX}late")["QueueUrl"]
    code, text = run(file, sandbox, "--only", "role")
    assert code == 1 and "\nleft, see --clean-up:\n" in text and text.endswith(f"{PREFIX}late")
    for queue in (other, late):
        sqs.delete_queue(QueueUrl=queue)


def test_nothing_is_made_in_an_account_that_the_file_does_not_name_as_a_sandbox(
    file: Path, sandbox: Sandbox
) -> None:
    for wrong, message in (
        (f'allowed_account_ids: ["{ANALYTICS}"]\naccounts: {ACCOUNTS}', f"account {WORKLOAD} is not one of"),
        (FILE + "google: {project: my-sandbox, location: EU}", "project my-sandbox is not one of"),
        (f'allowed_account_ids: ["{WORKLOAD}"]\naccounts: []', "accounts"),
        ("accounts: 1", "allowed_account_ids"),
        ("[", "sandbox.yaml"),
    ):
        file.write_text(wrong)
        code, text = run(file, None)
        assert code == 1 and text.startswith("refused: ") and message in text, text
    with pytest.raises(NotASandbox):
        SandboxFile.read(file.parent / "none.yaml")


def test_credentials_of_another_account_than_the_file_says_are_refused(cloud: Cloud) -> None:
    def crossed(service: str, account: str, credentials: Any = None) -> Any:
        return cloud.client(service, ANALYTICS)

    refuse_another(Sandbox(cloud.keyed, (WORKLOAD, ANALYTICS), "us-east-1"))
    with pytest.raises(NotASandbox, match=f"account {WORKLOAD} are of account {ANALYTICS}"):
        refuse_another(Sandbox(crossed, (WORKLOAD,), "us-east-1"))


def test_a_right_that_a_function_did_not_have_is_found_in_its_log(cloud: Cloud, sandbox: Sandbox) -> None:
    logs, group = cloud.client("logs", ANALYTICS), f"/aws/lambda/{PREFIX}0-arrival"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="run")
    for number, message in enumerate(("all is well", "AccessDenied when calling PutEvents")):
        event = {"timestamp": int(time.time() * 1000) + number, "message": message}
        logs.put_log_events(logGroupName=group, logStreamName="run", logEvents=[event])
    place = Place(sandbox, f"{PREFIX}0")
    assert denied(place, place.name) == [f"{group}: AccessDenied when calling PutEvents"]
    assert denied(place, f"{PREFIX}1") == []
    logs.delete_log_group(logGroupName=group)
