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
LITTER = shutil.ignore_patterns("__pycache__", "node_modules", ".venv", "venv", "toy")


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


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree in which the recipes have been followed, the commands in them included."""
    copy = tmp_path_factory.mktemp("recipe")
    for name in (*COPIED, "README.md", "CONTRIBUTING.md", "CHANGELOG.md", *STACKS):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=LITTER)
        else:
            shutil.copy(source, copy / name)
    shutil.copytree(TOY, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    edits.follow(copy)
    for command in (("-m", "components.plugin.schema"), ("-c", AT_ONCE)):
        done = python(copy, *command)
        assert done.returncode == 0, done.stderr
    return copy


# Commands of the recipe, in one process: each would import the providers' SDKs anew.
AT_ONCE = """
import gc, runpy, sys
gc.disable()
for module in ("docs", "tests.unit.stack.test_urns"):
    sys.argv = [module]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        assert not end.code, (module, end.code)
"""
STACKS = ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "Pulumi.local.yaml")


def python(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in the copy, with nothing of this tree on its path."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONPATH"))
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        # Compiled once for all of these runs, beside the copy: what is in it may be counted or bundled.
        env={**environment, "PYTHONPYCACHEPREFIX": str(tree.with_name(f"{tree.name}-compiled"))},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def passing(tree: Path, *arguments: str) -> str:
    """Runs tests of the copy, which must pass; returns what pytest prints."""
    done = python(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def test_every_file_that_a_recipe_names_is_written_edited_or_left_out_for_a_reason() -> None:
    changed = {name for name, *_ in edits.EDITS} | {"README.md", "docs/names.md"}
    paths = set().union(*map(named, RECIPES))
    assert sorted(paths - written() - changed - NOT_FOLLOWED.keys()) == []
    assert sorted(NOT_FOLLOWED.keys() - paths) == []


def test_the_toy_needs_no_file_that_no_recipe_names() -> None:
    paths = set().union(*map(named, RECIPES))
    folders = (*(path for path in paths if path.endswith("/")), "handlers/beat/", "tests/contract/iam/table_")
    files = {path for path in written() if not path.endswith("/")} | {name for name, *_ in edits.EDITS}
    # A pipeline's room has files of its own, and so has its handler.
    rooms = ("components/pipelines/heart_beat/", "tests/unit/pipelines/heart_beat/")
    assert sorted(path for path in files - paths if not path.startswith((*folders, *rooms))) == []


def test_its_settings_parse_and_it_registers_what_its_own_tests_say(tree: Path) -> None:
    printed = passing(
        tree,
        "tests/unit/pipelines/heart_beat",
        "tests/unit/stack/test_bad_configs.py",
        "-k",
        "heart_beat or beat",
    )
    assert re.search(r"\b(\d+) passed", printed)


def test_other_languages_have_it(tree: Path) -> None:
    schema = json.loads((tree / "components/plugin/schema.json").read_text())
    assert set(schema["resources"]["tributary:index:HeartBeatPipeline"]["requiredInputs"]) == {
        "account",
        "stream",
    }


def test_its_page_has_its_keys(tree: Path) -> None:
    page = (tree / "docs/heart-beat.md").read_text()
    assert "| `every_minutes` |" in page and "| `stream` |" in page


def test_the_checks_of_the_tree_pass_with_it(tree: Path) -> None:
    passing(
        tree,
        "tests/unit/repository/test_contributing.py",
        "tests/unit/repository/test_layers.py",
        "tests/unit/stack/test_urns.py",
        "-k",
        "heart or Heart or beat or recipe or commands or layers or contract or urn or kept or row",
    )


def test_each_of_its_keys_has_a_row_that_names_the_member_of_an_api(tree: Path) -> None:
    """Its rows of docs/config-limits.toml: one for each key, and each member is of a service's model."""
    printed = passing(
        tree, "tests/contract/test_config_limits.py", "-k", "every_key_has_a_row or row_says_where"
    )
    assert re.search(r"\b2 passed", printed)


def test_its_permissions_are_on_the_page(tree: Path) -> None:
    done = python(
        tree,
        "-c",
        "import bootstrap.page as p; p.STACKS = ('dev',); p.options = lambda: p.program('dev'); print(*p._roles())",
    )
    assert done.returncode == 0, done.stderr
    assert "puts a beat on the stream" in done.stdout
    assert "kinesis:PutRecord" in done.stdout


def test_its_policies_are_proven(tree: Path) -> None:
    printed = passing(tree, "tests/contract/iam/test_policies.py", "-k", "heart_beat")
    assert re.search(r"\b[5-9]|\d\d passed", printed)
