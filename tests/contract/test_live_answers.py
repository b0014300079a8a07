"""The embedded cloud beside what the services answered in a sandbox, and the harness that records it.

The harness is run with the embedded cloud as the account, so that it works on the day that somebody has one.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from tests.contract.embedded_cloud import ANALYTICS, WORKLOAD, Cloud
from tests.live import answers, lives
from tests.live.every import LIVES
from tests.live.life import Life
from tests.live.place import Sandbox
from tests.live.sandbox import record

HERE = {"second account", "database"}  # needs that this cloud meets; other lives have tests of their own
ALL = sorted(answers.FOLDER.glob("*.json"))
RECORDED = [path for path in ALL if LIVES[path.stem].needs <= HERE]


@pytest.fixture
def sandbox(cloud: Cloud) -> Sandbox:
    """The embedded cloud as somebody's two accounts."""
    return Sandbox(cloud.keyed, (WORKLOAD, ANALYTICS), "us-east-1", database="shop")


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_what_a_service_did_is_what_the_program_relies_on(path: Path) -> None:
    settled = answers.settled(path)
    assert settled.keys() == set(LIVES[path.stem].settles)
    assert answers.unreliable(settled) == []


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_embedded_cloud_answers_as_the_service_did(
    cloud: Cloud, sandbox: Sandbox, path: Path, tmp_path: Path
) -> None:
    calls = answers.read(path)
    assert calls
    if LIVES[path.stem].replays:
        assert answers.replay(calls, lambda service: cloud.client(service, WORKLOAD), {}) == []
    else:
        assert answers.lived_anew(path, record(path.stem, sandbox, "embedded", tmp_path)) == []


@pytest.mark.parametrize("name", ["table", "role", "stream", "machine"])
def test_a_life_is_recorded_leaves_nothing_and_replays_without_a_difference(
    cloud: Cloud, sandbox: Sandbox, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def client(service: str) -> Any:
        return cloud.client(service, WORKLOAD)

    path = record(name, sandbox, "embedded", tmp_path)
    assert client("dynamodb").list_tables()["TableNames"] == []
    assert client("iam").list_roles()["Roles"] == []
    assert client("kinesis").list_streams()["StreamNames"] == []
    assert client("stepfunctions").list_state_machines()["stateMachines"] == []
    calls = answers.read(path)
    assert [call.error for call in calls if call.error] == [
        {
            "table": "ResourceInUseException",
            "role": "EntityAlreadyExists",
            "stream": "ResourceInUseException",
            "machine": "InvalidDefinition",
        }[name]
    ]
    assert answers.replay(calls, client, {}) == []
    # The comparison can fail: an answer with one key less is not the same.
    monkeypatch.setattr(answers, "PAUSE", 0)
    altered, member = next(
        (number, cast("dict[str, Any]", member))
        for number, call in enumerate(calls, 1)
        for member in call.answer.values()
        if isinstance(member, dict)
    )
    member.popitem()
    # Without pauses a run may not have ended by the last look: its call may differ, too.
    different = answers.replay(calls, client, {})
    assert [each for each in different if each.startswith(f"call {altered}, ")]


@pytest.mark.parametrize(
    "name", [name for name, life in LIVES.items() if life.settles and life.needs <= HERE]
)
def test_a_life_settles_its_questions_as_the_program_relies_on_and_leaves_nothing(
    cloud: Cloud, sandbox: Sandbox, tmp_path: Path, name: str
) -> None:
    path = record(name, sandbox, "embedded", tmp_path)
    settled = answers.settled(path)
    assert settled.keys() == set(LIVES[name].settles)
    assert all(answered["answer"] for answered in settled.values())
    assert answers.unreliable(settled) == []
    for account in (WORKLOAD, ANALYTICS):
        assert cloud.client("iam", account).list_roles()["Roles"] == []
        assert cloud.client("s3", account).list_buckets()["Buckets"] == []
        assert cloud.client("sqs", account).list_queues().get("QueueUrls", []) == []
    again = record(name, sandbox, "embedded", tmp_path / "again")
    assert answers.lived_anew(path, again) == []
    # The comparison can fail: an answer that the program relies on, and one with a key less.
    first = next(answered for answered in settled.values() if answered["relied"])
    key = next(iter(first["relied"]))
    first["answer"][key] = "another"
    assert len(answers.unreliable(settled)) == 1
    calls = answers.read(again)
    next(call.answer for call in calls if call.answer).popitem()
    assert len(answers.compare(answers.read(path), calls)) == 1
    assert answers.compare(calls[:-1], answers.read(again)) != []


def test_a_life_that_fails_destroys_what_it_made_and_leaves_no_file(
    cloud: Cloud, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(place: Any, name: str, undo: ExitStack) -> None:
        lives.role(place, name, undo)
        raise RuntimeError("half-way")

    monkeypatch.setitem(LIVES, "broken", Life(broken))
    with pytest.raises(RuntimeError, match="half-way"):
        record("broken", sandbox, "embedded", tmp_path)
    assert cloud.client("iam", WORKLOAD).list_roles()["Roles"] == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_recorded_names_no_account_no_key_and_no_secret() -> None:
    answer = {
        "Arn": "arn:aws:iam::123456789012:role/a",
        "Other": "arn:aws:iam::210987654321:role/b",
        "RoleId": "AROAEXAMPLEEXAMPLE01",
        "SecretAccessKey": "hush",
        "Address": "https://a.example/b?X-Amz-Signature=hush&X-Amz-Date=20260101T000000Z",
        "Number": 123456789012,
    }
    assert answers.mask(answer, {"123456789012": "111111111111"}) == {
        "Arn": "arn:aws:iam::111111111111:role/a",
        "Other": "arn:aws:iam::999999999999:role/b",
        "RoleId": "masked",
        "SecretAccessKey": "masked",
        "Address": "https://a.example/b?X-Amz-Signature=masked&X-Amz-Date=masked",
        "Number": 123456789012,
    }
