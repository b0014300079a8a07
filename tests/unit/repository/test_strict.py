"""pyright checks everything strictly but the folders here, each with what keeps it; none is to be added."""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.sources import modules

ROOT = Path(__file__).resolve().parents[3]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pyright"]
# A folder that is checked strictly leaves this list, and comes back never.
NOT_STRICT = {
    "tests": "fixtures and fakes are untyped; what they stand on is checked strictly, file by file",
}
# One comment for a whole file loosens every line of it.
LOOSENED = {
    "policy/__main__.py": "the policy SDK is in an environment of its own, which the checker does not see",
    "bootstrap/registered.py": "Pulumi's mocks are untyped",
}


def strict(name: str) -> bool:
    """Whether a file of the repository is checked strictly."""
    return any(
        fnmatchcase(name, pattern) and name.count("/") == pattern.count("/")
        if "*" in pattern
        else name == pattern or name.startswith(f"{pattern}/")
        for pattern in SETTINGS["strict"]
    )


def files() -> list[str]:
    """All that pyright checks."""
    named = [name for name in SETTINGS["include"] if name.endswith(".py")]
    folders = [name for name in SETTINGS["include"] if not name.endswith(".py")]
    return named + [str(path.relative_to(ROOT)) for folder in folders for path in modules(folder)]


def test_every_other_folder_is_checked_strictly() -> None:
    loose = [name for name in files() if not strict(name)]
    assert [name for name in loose if not name.startswith(tuple(f"{folder}/" for folder in NOT_STRICT))] == []


@pytest.mark.parametrize("folder", NOT_STRICT)
def test_a_folder_that_has_become_strict_leaves_the_list(folder: str) -> None:
    assert not all(strict(name) for name in files() if name.startswith(f"{folder}/"))


def test_no_folder_joins_those_that_are_not_strict() -> None:
    assert set(NOT_STRICT) <= {"tests"}


def test_no_other_file_loosens_the_check_for_all_of_its_lines() -> None:
    loosened = {
        name
        for name in files()
        if any(line.startswith("# pyright:") for line in (ROOT / name).read_text().splitlines())
    }
    assert loosened == set(LOOSENED)


def test_what_is_strict_is_seen() -> None:
    assert strict("components/names.py") and strict("__main__.py") and strict("delivery/text.py")
    assert (
        strict("local/engine.py")
        and strict("local/cloud/server.py")
        and not strict("tests/unit/repository/test_strict.py")
    )
