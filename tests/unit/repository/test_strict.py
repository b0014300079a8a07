"""pyright checks everything strictly; two files say why one comment loosens them."""

import tomllib
from pathlib import Path
from typing import Any

from tests.sources import modules

ROOT = Path(__file__).resolve().parents[3]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pyright"]
# One comment for a whole file loosens every line of it.
LOOSENED = {
    "policy/__main__.py": "the policy SDK is in an environment of its own, which the checker does not see",
    "bootstrap/registered.py": "Pulumi's mocks are untyped",
}


def files() -> list[str]:
    """All that pyright checks."""
    named = [name for name in SETTINGS["include"] if name.endswith(".py")]
    folders = [name for name in SETTINGS["include"] if not name.endswith(".py")]
    return named + [str(path.relative_to(ROOT)) for folder in folders for path in modules(folder)]


def comments(name: str) -> list[str]:
    """The comments for the checker that hold for a whole file."""
    return [line for line in (ROOT / name).read_text().splitlines() if line.startswith("# pyright:")]


def test_all_that_is_checked_is_checked_strictly() -> None:
    assert set(SETTINGS["strict"]) == set(SETTINGS["include"])
    assert len(files()) > 800


def test_no_file_is_checked_less_strictly_but_for_a_reason() -> None:
    assert {name for name in files() if comments(name)} == set(LOOSENED)
