"""The small stacks that `python -m tests.live` deploys: what they register, and that it is found by its name again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.live import observed, stack_config
from tests.live.google import Google
from tests.live.place import Sandbox
from tests.live.sweep import named
from tests.recording import Recording, record

FIRST_ACCOUNT, SECOND_ACCOUNT = "111111111111", "222222222222"
NAME = "tributary-live-0a1b2c3d"
# What its names are called, where there is such an input at all; the others go with what they belong to.
NAMES = (
    "name", "bucket", "pipelineName", "accountId", "datasetId", "workloadIdentityPoolId", "displayName", "roleId",
    "ruleName", "aliasName", "userName", "dashboardName",
)  # fmt: skip
# A policy of a role is called by what it does, and goes with the role; a key is found by its alias.
WITHOUT = (
    "aws:iam/rolePolicy:RolePolicy", "aws:kms/key:Key", "aws:lambda/eventSourceMapping:EventSourceMapping",
)  # fmt: skip


def sandbox(*accounts: str, google: bool = False) -> Sandbox:
    def nobody(*_: Any) -> Any:
        raise AssertionError("nothing is called")

    project = Google("my-sandbox", "EU", nobody) if google else None
    return Sandbox(
        nobody,
        accounts,
        "eu-central-1",
        project,
        roles={SECOND_ACCOUNT: f"arn:aws:iam::{SECOND_ACCOUNT}:role/deploy"},
    )


def registered(place: Sandbox, **more: Any) -> Recording:
    config = stack_config.config(place, NAME) | more
    return record("live-0a1b2c3d", {key.removeprefix("tributary:"): value for key, value in config.items()})


def whole() -> list[Recording]:
    searching = {"tributary:pipelines": stack_config.searches(sandbox(FIRST_ACCOUNT), NAME)}
    return [
        registered(sandbox(FIRST_ACCOUNT, SECOND_ACCOUNT, google=True)),
        registered(sandbox(FIRST_ACCOUNT), **searching),
    ]


@pytest.mark.parametrize(
    ("place", "kinds"),
    [
        (sandbox(FIRST_ACCOUNT), {"lake"}),
        (sandbox(FIRST_ACCOUNT, SECOND_ACCOUNT), {"lake", "replica"}),
        (sandbox(FIRST_ACCOUNT, google=True), {"lake", "warehouse"}),
        (sandbox(FIRST_ACCOUNT, SECOND_ACCOUNT, google=True), {"lake", "replica", "warehouse"}),
    ],
    ids=["one account", "two accounts", "with Google", "all"],
)
def test_a_stack_has_each_pipeline_that_the_sandbox_has_room_for(place: Sandbox, kinds: set[str]) -> None:
    recorded = registered(place)
    assert set(recorded.outputs["pipelines"]) == kinds
    providers = {r.name: r.inputs for r in recorded.resources if r.type == "pulumi:providers:aws"}
    assert {p["allowedAccountIds"][2:14] for p in providers.values()} == set(place.accounts)


def test_every_type_of_a_stack_is_described_or_it_is_said_where_it_is_seen() -> None:
    states = [{"type": r.type} for recording in whole() for r in recording.resources]
    assert len({state["type"] for state in states}) > 50
    assert list(observed.unseen(states)) == []
    known = {state["type"] for state in states}
    assert {*observed.AWS, *observed.GOOGLE, *observed.SEEN_ELSEWHERE} - known == set()


def test_all_that_a_stack_makes_is_found_by_the_beginning_of_its_name_and_goes_with_it() -> None:
    for recording in whole():
        for resource in recording.resources:
            names = [resource.inputs[key] for key in NAMES if isinstance(resource.inputs.get(key), str)]
            if resource.type in observed.AWS and resource.type not in WITHOUT:
                assert any(named(name) for name in names), (resource.type, resource.name, names)
        outputs = recording.outputs["pipelines"]
        kept = [r.name for r in recording.resources if r.inputs.get("forceDestroy") is False]
        assert outputs and kept == []
