"""The embedded cloud beside what the services answered in a sandbox, and the harness that records it.

The harness is run with the embedded cloud as the account, so that it works on the day that somebody has one.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.contract.embedded_cloud import WORKLOAD, Cloud
from tests.live import answers, lives
from tests.live.sandbox import record

RECORDED = sorted(answers.FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_embedded_cloud_answers_as_the_service_did(cloud: Cloud, path: Path) -> None:
    calls = answers.read(path)
    assert calls
    assert answers.replay(calls, lambda service: cloud.client(service, WORKLOAD), {}) == []


@pytest.mark.parametrize("name", ["table", "role", "stream", "machine"])
def test_a_life_is_recorded_leaves_nothing_and_replays_without_a_difference(
    cloud: Cloud, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def client(service: str) -> Any:
        return cloud.client(service, WORKLOAD)

    path = record(name, client, WORKLOAD, "embedded", tmp_path)
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
    members = [member for call in calls for member in call.answer.values() if isinstance(member, dict)]
    members[0].popitem()
    assert len(answers.replay(calls, client, {})) == 1


def test_a_life_that_fails_destroys_what_it_made_and_leaves_no_file(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def client(service: str) -> Any:
        return cloud.client(service, WORKLOAD)

    def broken(recorded: Any, name: str, undo: ExitStack) -> None:
        lives.role(recorded, name, undo)
        raise RuntimeError("half-way")

    monkeypatch.setitem(lives.LIVES, "broken", broken)
    with pytest.raises(RuntimeError, match="half-way"):
        record("broken", client, WORKLOAD, "embedded", tmp_path)
    assert client("iam").list_roles()["Roles"] == []
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
