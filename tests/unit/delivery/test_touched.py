"""Which stacks a change touches."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.bundling.bundles import known_handlers
from components.stack.kinds import KINDS
from delivery import touched

ROOT = Path(__file__).resolve().parents[3]
CONFIGS = {
    "lake": {"tributary:pipelines": {"a": {"kind": "export"}, "b": {"kind": "bigquery-transfer"}}},
    "search": {"tributary:pipelines": {"c": {"kind": "zero-etl"}}},
}


@pytest.mark.parametrize(
    ("path", "stacks"),
    [
        ("Pulumi.lake.yaml", ["lake"]),
        ("Pulumi.yaml", ["lake", "search"]),
        ("__main__.py", ["lake", "search"]),
        ("requirements.lock", ["lake", "search"]),
        ("components/pipelines/export/run.py", ["lake"]),
        ("components/pipelines/zero_etl/body.py", ["search"]),
        ("components/pipelines/pipeline.py", ["lake", "search"]),
        ("components/blocks/key.py", ["lake", "search"]),
        ("handlers/normalise/app.py", ["lake"]),
        ("handlers/index/app.py", []),
        ("handlers/new_one/app.py", ["lake", "search"]),
        ("policy/rules.py", ["lake", "search"]),
        ("policy/levels/dev.json", []),
        ("tests/unit/test_names.py", []),
        ("docs/export.md", []),
        ("local/stack.py", []),
        ("README.md", []),
        ("a/new/folder.py", ["lake", "search"]),
    ],
)
def test_a_file_touches_the_stacks_that_use_it(path: str, stacks: list[str]) -> None:
    assert touched.stacks([path], CONFIGS) == stacks


def test_stacks_come_in_their_order_and_once() -> None:
    assert touched.stacks(["Pulumi.search.yaml", "Pulumi.yaml", "Pulumi.lake.yaml"], CONFIGS) == [
        "lake",
        "search",
    ]
    assert touched.stacks([], CONFIGS) == []


def test_a_stack_whose_file_is_gone_is_named() -> None:
    assert touched.removed(["Pulumi.old.yaml", "Pulumi.lake.yaml"], list(CONFIGS)) == ["old"]


def test_each_handler_is_of_the_kinds_whose_rooms_name_it() -> None:
    """The table is what the rooms say: a handler is named in quotes by the pipelines that deploy it, or by the run that
    they share."""
    sources = {
        path.relative_to(ROOT / "components" / "pipelines").parts[0].replace("_", "-"): [
            file.read_text() for file in path.glob("*.py")
        ]
        for path in (ROOT / "components" / "pipelines").iterdir()
        if path.is_dir()
    }
    run = (ROOT / "components" / "lake" / "run.py").read_text()
    named: dict[Any, Any] = {}
    for handler in known_handlers():
        rooms = {
            room
            for room, texts in sources.items()
            for text in [*texts, *([run] if any("components.lake.run" in text for text in texts) else [])]
            if ("handler=" in text or "step_task(" in text) and re.search(rf'"{handler}"', text)
        }
        named[handler] = tuple(sorted(rooms))
    assert {name: tuple(sorted(kinds)) for name, kinds in touched.HANDLERS.items()} == named
    assert {kind for kinds in named.values() for kind in kinds} <= set(KINDS)


def test_every_file_that_the_program_reads_is_read_on_the_safe_side() -> None:
    """Of each package that __main__.py imports, no file counts as unread."""
    files = [
        path for folder in ("components", "handlers", "policy") for path in (ROOT / folder).rglob("*.py")
    ]
    assert len(files) > 100
    unread = [path for path in files if touched.UNREAD.fullmatch(path.relative_to(ROOT).as_posix())]
    assert unread == []


def test_the_stacks_of_this_repository_are_delivered() -> None:
    content = yaml.safe_load((ROOT / "delivery.yaml").read_text())
    files = {path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")}
    assert {*content["stacks"], *content["embedded"]} == files
