"""The whole stack of `python -m tests.live`, with the embedded cloud as two sandbox accounts and a Google project."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from components.accounts import AccountArgs
from local.configured import architecture
from tests.cli import standing
from tests.cli.front import Front, missing
from tests.live import answers, observed
from tests.live.__main__ import main
from tests.live.google import Google
from tests.live.place import Sandbox
from tests.live.stacks import LIVES
from tests.typed import as_yaml

ACCOUNTS = ("111111111111", "222222222222")
pytestmark = [
    pytest.mark.skipif(bool(missing("local")), reason=str(missing("local"))),
    pytest.mark.xdist_group("live"),
]


class Door(Front):
    """A front door whose cloud goes on when a stack is gone, as a sandbox does."""

    def stop(self) -> None:
        """Nothing."""

    def end(self) -> None:
        super().stop()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    made = Door(tmp_path_factory.mktemp("live"), "live", "local")
    yield made
    made.end()


@pytest.fixture(scope="module")
def sandbox(door: Door) -> Sandbox:
    def client(service: str, account: str, credentials: Any = None) -> Any:
        return boto3.client(
            service, endpoint_url=door.endpoint, region_name="us-east-1", aws_access_key_id=account,
            aws_secret_access_key="local", config=Config(proxies={}, s3={"addressing_style": "path"}),
        )  # fmt: skip

    def deploys(stack: str) -> Door:
        door.stack = stack
        return door

    google = Google("tributary-local", "US", lambda: "local", door.gcp)
    functions = {
        "architecture": architecture(),
        "runtime": f"python3.{sys.version_info.minor}",
    }
    return Sandbox(client, ACCOUNTS, "us-east-1", google, functions=functions, deploys=deploys)


def test_a_whole_stack_is_deployed_carries_data_is_recorded_and_destroyed(
    sandbox: Sandbox, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sandbox.yaml"
    lines: list[Any] = []
    states: list[Any] = []
    accounts: list[dict[str, Any]] = [{"id": id, "region": "us-east-1"} for id in ACCOUNTS]
    allowed = {"allowed_account_ids": list(ACCOUNTS), "allowed_projects": ["tributary-local"]}
    google = {"project": "tributary-local", "location": "US"}
    file.write_text(as_yaml({**allowed, "accounts": accounts, "google": google}))
    observe = observed.observe

    def seen(place: Any, state: list[dict[str, Any]]) -> None:
        states.extend(state)
        observe(place, state)

    monkeypatch.setattr(observed, "observe", seen)
    places = [AccountArgs(**account) for account in accounts]
    before = standing.in_aws(door.endpoint, places)
    code = main([str(file), "--only", "stack"], lambda _: "yes", sandbox, tmp_path / "recorded", lines.append)
    assert code == 0, "\n".join(lines)
    assert lines[-1] == "nothing is left"
    assert standing.in_aws(door.endpoint, places) == before  # by other lists than the clean-up's
    path = tmp_path / "recorded" / "stack.json"
    settled = answers.settled(path)
    assert settled.keys() == set(LIVES["stack"].settles)
    assert answers.unreliable(settled) == []
    arrived = [row.split(":")[0].split()[0] for row in settled[LIVES["stack"].settles[1]]["answer"]["rows"]]
    assert arrived == ["export", "replication", "bigquery-transfer"]
    # What describes each resource was called, and well: no type of a stack is left out.
    assert list(observed.unseen(states)) == []
    calls = answers.read(path)
    assert [f"{call.service}:{call.operation} {call.error}" for call in calls if call.error] == []
    kinds = {resource["type"] for resource in states}
    assert {call.operation for call in calls if call.service == "dynamodb"} >= {
        "DescribeTable",
        "ListExports",
    }
    assert len(calls) > 100 and {"aws:s3/bucketReplicationConfig:BucketReplicationConfig"} <= kinds
    assert json.loads(path.read_text())["calls"]
    recorded = answers.FOLDER / path.name
    if recorded.exists():
        assert answers.lived_anew(recorded, path) == []
