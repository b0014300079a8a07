"""CONTRIBUTING.md's recipes make a pipeline: followed to the letter in a copy of the tree, the tests there pass.

toy/ is a pipeline with a handler, a block, an alarm and a rule for names. Every file that the recipes name is written,
edited or in `NOT_FOLLOWED` with its reason; and the toy needs nothing that the recipes do not name.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.recipe import edits

ROOT = Path(__file__).resolve().parents[3]
TOY = Path(__file__).with_name("toy")
RECIPES = ("A pipeline", "A handler", "A block", "An alarm", "A rule for names")
# What `make up` and the tests with data do takes an engine and minutes; the others say what they are for.
NOT_FOLLOWED = {
    "tests/e2e/": "takes a Pulumi engine and the embedded cloud",
    "tests/contract/kills/": "takes the embedded cloud: the toy's function writes to a stream",
    "tests/contract/": "a handler without a store has its tests beside its pipeline's",
    "tests/contract/iam/kinds.py": "for a new type of resource; the toy registers none",
    "bootstrap/kinds.py": "for a new type of resource; the toy registers none",
    "adoption/aws.py": "for a new type of resource; the toy registers none",
    "adoption/google.py": "for a new type of resource; the toy registers none",
    "delivery/losses.py": "for a new type of resource that holds data; the toy registers none",
    "bootstrap/operating.py": "for what a person may call of it; the recipe's tree is operated by nobody",
    "bootstrap/cheaper.py": "for keys that cost money for a guarantee; the toy has none",
    "components/blocks/function.py": "what a handler's role is granted stands where the component makes the function",
    "components/blocks/alarm.py": "used as it is",
    "components/blocks/queue.py": "used as it is",
    "components/lake/alarms.py": "an export's",
    "components/shared/catalog_names.py": "for columns and tables; the toy names a resource",
    "tests/unit/shared/test_catalog_names.py": "for columns and tables; the toy names a resource",
    "tests/unit/test_names.py": "the toy's own test has the rule",
}
COPIED = (
    "Makefile",
    "__main__.py",
    "adoption",
    "bootstrap",
    "components",
    "delivery",
    "operate",
    "docs",
    "handlers",
    "local",
    "policy",
    "pyproject.toml",
    "release",
    "tests",
)
# Compiled modules come along, as most do not change; not the handlers', whose folders are bundled.
_LEFT = ("node_modules", ".venv", "venv", "toy")
LITTER = {False: shutil.ignore_patterns(*_LEFT), True: shutil.ignore_patterns("__pycache__", *_LEFT)}


def named(heading: str) -> set[str]:
    """The files and folders that a recipe names, for the toy."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    paths = set(re.findall(r"`((?:[\w.<>-]+/)+[\w.<>-]*|[\w.-]+\.(?:yaml|md|toml))`", section))
    assert paths, heading
    name = {"A handler": "beat", "A block": "tick"}.get(heading, "")
    return {
        path.replace("<kind>", "heart_beat").replace("<page>", "heart-beat").replace("<name>", name)
        for path in paths
    }


def written() -> set[str]:
    """The files of toy/, and their folders."""
    files = [path.relative_to(TOY) for path in TOY.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path) for path in files} | {f"{folder}/" for path in files for folder in path.parents}


@dataclass(frozen=True)
class Tree:
    """A copy of the tree in which the recipes have been followed, and what its programs printed there."""

    root: Path
    page: str
    """The roles of docs/permissions.md, of the copy's stack `dev`."""
    passed: dict[str, int]
    """How many of its tests passed, by what `SELECTED` calls them."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The copy, with the recipes' commands run and its own tests passed."""
    copy = tmp_path_factory.mktemp("recipe")
    for name in (*COPIED, "README.md", "CONTRIBUTING.md", "CHANGELOG.md", *STACKS):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=LITTER[name == "handlers"])
        else:
            shutil.copy(source, copy / name)
    shutil.copytree(TOY, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    edits.follow(copy)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONPATH"))
    }
    printed = ""
    for command in (["-m", "components.plugin.schema"], ["-c", AT_ONCE, json.dumps(SELECTED)]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=copy,
            env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        printed = done.stdout
    page, *runs = printed.split(MARK)
    passed = {
        name: int(re.findall(r"\b(\d+) passed", text)[-1]) for name, text in zip(SELECTED, runs, strict=True)
    }
    return Tree(copy, page, passed)


MARK = "==== the next tests\n"
# The stacks that the URNs are read off are recorded already; a test of the toy's own forgets them.
SELECTED = {
    "checks of the tree": [
        "tests/unit/repository/test_contributing.py",
        "tests/unit/repository/test_layers.py",
        "tests/unit/stack/test_urns.py",
        "-k",
        "heart or Heart or beat or recipe or commands or layers or contract or urn or kept or row",
    ],
    "its own": [
        "tests/unit/pipelines/heart_beat",
        "tests/unit/stack/test_bad_configs.py",
        "-k",
        "heart_beat or beat",
    ],
    "limits": ["tests/contract/test_config_limits.py", "-k", "every_key_has_a_row or row_says_where"],
    "policies": ["tests/contract/iam/test_policies.py", "-k", "heart_beat"],
}
# The recipes' other commands, then the tests of the copy, in one process: each would import the providers' SDKs anew.
# (The plugin's schema adds keys to the arguments' classes.) Nothing of this tree is on its path.
AT_ONCE = f"""
import gc, json, runpy, sys
gc.disable()
selected = json.loads(sys.argv[1])
for module in ("docs", "tests.unit.stack.test_urns"):
    sys.argv = [module]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        assert not end.code, (module, end.code)
import bootstrap.page as page
page.STACKS = ("dev",)
page.options = lambda: page.program("dev")
print(*page._roles())
import pytest
for arguments in selected.values():
    print({MARK.strip()!r}, flush=True)
    code = pytest.main(["-q", "-p", "no:cacheprovider", *arguments])
    assert code == 0, (arguments, code)
"""
STACKS = ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "Pulumi.local.yaml")


def test_every_file_that_a_recipe_names_is_written_edited_or_left_out_for_a_reason() -> None:
    changed = {name for name, *_ in edits.EDITS} | {"README.md", "docs/names.md"}
    paths = {path for recipe in RECIPES for path in named(recipe)}
    assert sorted(paths - written() - changed - NOT_FOLLOWED.keys()) == []
    assert sorted(NOT_FOLLOWED.keys() - paths) == []


def test_the_toy_needs_no_file_that_no_recipe_names() -> None:
    paths = {path for recipe in RECIPES for path in named(recipe)}
    folders = (*(path for path in paths if path.endswith("/")), "handlers/beat/", "tests/contract/iam/table_")
    files = {path for path in written() if not path.endswith("/")} | {name for name, *_ in edits.EDITS}
    # A pipeline's room has files of its own, and so has its handler.
    rooms = ("components/pipelines/heart_beat/", "tests/unit/pipelines/heart_beat/")
    assert sorted(path for path in files - paths if not path.startswith((*folders, *rooms))) == []


def test_its_settings_parse_and_it_registers_what_its_own_tests_say(tree: Tree) -> None:
    assert tree.passed["its own"] >= 4


def test_other_languages_have_it(tree: Tree) -> None:
    schema = json.loads((tree.root / "components/plugin/schema.json").read_text())
    assert set(schema["resources"]["tributary:index:HeartBeatPipeline"]["requiredInputs"]) == {
        "account",
        "stream",
    }


def test_its_page_has_its_keys(tree: Tree) -> None:
    page = (tree.root / "docs/heart-beat.md").read_text()
    assert "| `every_minutes` |" in page and "| `stream` |" in page


def test_the_checks_of_the_tree_pass_with_it(tree: Tree) -> None:
    assert tree.passed["checks of the tree"] >= 20


def test_each_of_its_keys_has_a_row_that_names_the_member_of_an_api(tree: Tree) -> None:
    """Its rows of docs/config-limits.toml: one for each key, and each member is of a service's model."""
    assert tree.passed["limits"] == 2


def test_its_permissions_are_on_the_page(tree: Tree) -> None:
    assert "puts a beat on the stream" in tree.page
    assert "kinesis:PutRecord" in tree.page


def test_its_policies_are_proven(tree: Tree) -> None:
    assert tree.passed["policies"] >= 5
