"""CONTRIBUTING.md's lists of files are what the pipelines and handlers that are there have."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from components.stack.kinds import KINDS

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
HANDLERS = sorted(path.parent.name for path in (ROOT / "handlers").glob("*/app.py"))


def paths(heading: str) -> list[str]:
    """The files and folders that a recipe names."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"`((?:[\w.<>-]+/)+[\w.<>-]*|[\w.-]+\.(?:yaml|md|toml))`", section)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_pipeline_has_every_file_of_the_recipe(kind: str) -> None:
    named = paths("A pipeline")
    assert len(named) >= 15
    module = kind.replace("-", "_")
    missing = [
        path for path in named if not (ROOT / path.replace("<kind>", module).replace("<page>", kind)).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_alarms_of_each_pipeline_stand_where_the_recipe_has_them(kind: str) -> None:
    """In its room's alarms.py, of an export in lake/: no other file of a room makes one."""
    room = ROOT / "components" / ("lake" if kind == "export" else f"pipelines/{kind.replace('-', '_')}")
    makes = {
        file.name for file in room.glob("*.py") if re.search(r"^ +alarm\($", file.read_text(), re.MULTILINE)
    }
    assert makes == {"alarms.py"} | ({"state_machine.py"} if kind == "export" else set())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_room_names_the_tests_that_guard_it(kind: str) -> None:
    room = kind.replace("-", "_")
    text = (ROOT / "components/pipelines" / room / "__init__.py").read_text()
    named = re.findall(r"tests/[\w./]+(?<!,)", text.partition("Guarded by: ")[2])
    assert {path.split("/")[1] for path in named} == {"unit", "contract", "e2e"}
    assert f"tests/unit/pipelines/{room}/" in named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_pipeline_is_in_what_the_recipe_lists_for_it(kind: str) -> None:
    for stack in ("dev", "prod", "local"):
        config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
        assert kind in [pipeline["kind"] for pipeline in config["tributary:pipelines"].values()], stack
    assert f"(docs/{kind}.md)" in (ROOT / "README.md").read_text()
    assert f'"{kind}"' in (ROOT / "components/stack/kinds.py").read_text()
    room = f"components.pipelines.{kind.replace('-', '_')}."
    assert room in (ROOT / "components/plugin/__init__.py").read_text()


@pytest.mark.parametrize("handler", HANDLERS)
def test_each_handler_has_every_file_of_the_recipe(handler: str) -> None:
    named = [path.replace("<name>", handler) for path in paths("A handler")]
    assert len(named) >= 4
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert list(ROOT.glob(f"tests/**/test_{handler.removesuffix('e')}*.py"))  # normalise, test_normaliser.py


@pytest.mark.parametrize("heading", ["A block", "An alarm", "A rule for names", "Rules"])
def test_what_the_other_recipes_name_is_there(heading: str) -> None:
    assert f"## {heading}\n" in TEXT
    assert [path for path in paths(heading) if "<" not in path and not (ROOT / path).exists()] == []


def test_the_commands_are_modules_and_targets_that_are_there() -> None:
    modules = re.findall(r"python -m ([\w.]+)", TEXT)
    assert len(modules) >= 4
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []
    targets = re.findall(r"make ([a-z][\w-]+)", TEXT)
    makefile = (ROOT / "Makefile").read_text()
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.M)] == []
