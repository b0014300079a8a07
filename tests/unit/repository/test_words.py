"""Names say what a thing is: eight words that stood for fifteen different things each are names of nothing."""

import ast
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

from tests.sources import modules

ROOT = Path(__file__).resolve().parents[3]
ROOMS = (
    "adoption",
    "benchmarks",
    "bootstrap",
    "components",
    "delivery",
    "docs",
    "handlers",
    "local",
    "operate",
    "policy",
    "release",
    "tests",
)
SAY_NOTHING = {"told", "said", "found", "mine", "held", "asked", "look", "one"}
# Whose a thing is says as little, or that it is no more.
WHOSE = {"it", "ours", "theirs", "gone"}
# What became of a thing says as little of it: refused where the names have been changed, folder by folder.
WIDE = {"made", "given", "kept"}
NOT_YET = ("tests", "components/lake", "handlers/catalog")


def names(source: str) -> Iterator[tuple[str, int]]:
    """What a module names, each with its line: variables, parameters, functions, classes, attributes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield (node.id if isinstance(node, ast.Name) else node.attr), node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno


def empty(source: str, words: Set[str] = frozenset(SAY_NOTHING | WHOSE)) -> list[tuple[str, int]]:
    return [(name, line) for name, line in names(source) if name.strip("_").lower() in words]


def wide(folder: str) -> list[str]:
    """Where a folder's names are wide, without the folders in it that are not done yet."""
    return [
        f"{name}:{line} {word}"
        for file in modules(folder)
        if not (name := str(file.relative_to(ROOT))).startswith(
            tuple(f"{other}/" for other in NOT_YET if other != folder)
        )
        for word, line in empty(file.read_text(), WIDE)
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_no_name_says_nothing(room: str) -> None:
    files = modules(room)
    assert len(files) > 3
    assert [
        f"{file.relative_to(ROOT)}:{line} {name}" for file in files for name, line in empty(file.read_text())
    ] == []


@pytest.mark.parametrize("room", sorted({*ROOMS} - {*NOT_YET}))
def test_no_name_says_only_what_became_of_a_thing(room: str) -> None:
    assert wide(room) == []


@pytest.mark.parametrize("folder", NOT_YET)
def test_a_folder_whose_names_are_changed_leaves_the_list(folder: str) -> None:
    assert wide(folder) != []


def test_a_name_that_says_nothing_is_seen_wherever_it_is_made() -> None:
    source = (
        "def one(found):\n    self.told = [held for held in found]\n    return lambda mine: (look := mine)"
    )
    assert sorted(name for name, _ in empty(source)) == ["found", "held", "look", "mine", "one", "told"]
