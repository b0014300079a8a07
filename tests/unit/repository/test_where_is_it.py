"""CONTRIBUTING.md answers a newcomer's questions in one hop: each link is a file, in which the word stands. A room's
`__init__.py` lists its files, as they are."""

import ast
import re
from pathlib import Path

import pytest

from tests.sources import modules

ROOT = Path(__file__).resolve().parents[3]
SECTION = (ROOT / "CONTRIBUTING.md").read_text().partition("## Where is it?\n")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in SECTION.splitlines()
    if line.startswith("| ") and not line.startswith("| question")
]


def test_the_ten_questions_are_there() -> None:
    assert len(ROWS) >= 10
    assert all(len(row) == 3 for row in ROWS)


@pytest.mark.parametrize(("question", "files", "words"), ROWS, ids=[row[0] for row in ROWS])
def test_an_answer_is_one_hop_away(question: str, files: str, words: str) -> None:
    links, sought = re.findall(r"\]\(([^)]+)\)", files), re.findall(r"`([^`]+)`", words)
    assert links and len(links) == len(sought)
    for link, word in zip(links, sought, strict=True):
        assert word in (ROOT / link).read_text(), f"{link} has no {word}"


def test_what_else_a_row_names_is_there() -> None:
    assert (ROOT / "tests/contract/iam/test_policies.py").is_file()


ROOMS = [
    path.parent.relative_to(ROOT)
    for folder in (
        "adoption",
        "bootstrap",
        "components",
        "delivery",
        "local/cloud",
        "operate",
        "policy",
        "release",
    )
    for path in modules(folder, "__init__.py")
    if len(list(path.parent.glob("*.py"))) > 2
]


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_room_lists_its_files(room: Path) -> None:
    page = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text())) or ""
    files = {path.name for path in (ROOT / room).glob("*.py")} - {"__init__.py", "__main__.py"}
    listed = set(re.findall(r"(?<![/\w])\w+\.py\b", page))
    assert {file for file in files if file not in page} == set(), "not listed"
    assert {file for file in listed if not [path for path in modules(str(room)) if path.name == file]} <= {
        "app.py",
        "__main__.py",
    }
