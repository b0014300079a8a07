"""Two stacks of a project whose resources would be called the same are refused, from either side."""

import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest

from components.arguments import Refused
from components.stack.neighbours import collisions
from tests import recording
from tests.recording import record
from tests.typed import as_yaml

STACKS = ("prod", "prod-eu", "prod-eu-1", "production", "dev")
PIPELINES = ("lake", "eu-lake", "eu", "eu-1", "1-lake", "eu-1-lake", "europe-lake", "1")


def beside(folder: Path, stack: str, *pipelines: str, as_text: bool = False) -> None:
    named = {name: {"kind": "export"} for name in pipelines}
    value = as_yaml(named, default_flow_style=True) if as_text else named
    config: dict[str, Any] = {"tributary:pipelines": value, "tributary:accounts": {"workload": {}}}
    (folder / f"Pulumi.{stack}.yaml").write_text(as_yaml({"config": config}))


def errors(folder: Path, stack: str, *pipelines: str) -> list[str]:
    return list(collisions(folder, stack, "tributary", {"accounts": ["workload"], "pipelines": pipelines}))


def test_names_that_meet_are_refused_from_either_side(tmp_path: Path) -> None:
    met = 0
    for own, foreign in itertools.permutations(STACKS, 2):
        for pipeline, other in itertools.product(PIPELINES, PIPELINES):
            folder = tmp_path / f"{own}.{foreign}.{pipeline}.{other}"
            folder.mkdir()
            beside(folder, foreign, other)
            first, two = f"{own}-{pipeline}-", f"{foreign}-{other}-"
            if first.startswith(two) or two.startswith(first):
                met += 1
                assert errors(folder, own, pipeline), (own, pipeline, foreign, other)
            shutil.rmtree(folder)
    assert met > 20


def test_names_that_only_begin_alike_are_none_of_its_business(tmp_path: Path) -> None:
    beside(tmp_path, "prod-eu", "lake")
    beside(tmp_path, "production", "lake")
    (tmp_path / "Pulumi.prod-broken.yaml").write_text("[")
    (tmp_path / "Pulumi.yaml").write_text("name: tributary\n")
    assert errors(tmp_path, "prod", "lake", "europe-lake", "search") == []
    assert errors(tmp_path, "prod-broken", "lake") == []


def test_an_error_says_which_names_meet_and_what_to_write(tmp_path: Path) -> None:
    beside(tmp_path, "prod-eu", "lake")
    assert errors(tmp_path, "prod", "eu-lake") == [
        "pipelines.eu-lake: its resources would be called 'tributary-prod-eu-lake', as those of the stack 'prod-eu' "
        "are (Pulumi.prod-eu.yaml); rename it, so that neither of 'eu-lake' and 'eu' begins with the other"
    ]
    beside(tmp_path, "prod", "eu-lake")
    assert errors(tmp_path, "prod-eu", "lake") == [
        "the stack's name 'prod-eu': resources of pipelines.eu-lake of the stack 'prod' (Pulumi.prod.yaml) are called "
        "'tributary-prod-eu-lake', as this one's would be; name this stack otherwise, or rename 'eu-lake' there"
    ]


def test_the_program_refuses_it_before_anything_is_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside(tmp_path, "proof-eu", "lake")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recording.pulumi, "get_root_directory", lambda: str(tmp_path))
    config = {
        "accounts": {"workload": {"id": "111111111111", "region": "eu-central-1"}},
        "pipelines": {"eu-lake": {"kind": "export", "run": "simple", "sources": [{"dynamodb": "orders"}]}},
    }
    with pytest.raises(Refused, match=r"pipelines\.eu-lake: its resources would be called"):
        record("proof", config)
    assert record("proof-us", config).resources
