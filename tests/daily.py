"""`python -m tests.daily`: what of tests/unit `make check` runs, as words for pytest.

The rule: everything, but the tests of a tool only where the branch or the working tree changes that tool, its tests,
or what the tool is made of (`TOOLS`). A change elsewhere that breaks a tool is found by `make test` and by CI, which
run all. These rooms are a third of the processor's time of tests/unit; most start other processes.

A branch's changes are those since it left `origin`'s default branch, or `main` where there is none. Where git can't
tell (no git, no such branch, a copy without history) everything runs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Room of tests/unit -> the folders and files whose change has it run, beside its own folder.
TOOLS = {
    "adoption": ("adoption",),
    "bootstrap": ("bootstrap",),
    "bundling": ("components/bundling", "handlers", "requirements.lock"),
    "delivery": ("delivery", ".github", "delivery.yaml"),
    "live": ("tests/live",),
    "local": ("local", "requirements.lock"),
    "release": ("release", "CHANGELOG.md", "requirements.lock"),
}
# What every room stands on.
EVERYTHING = ("tests/conftest.py", "tests/recording.py", "tests/sdk.py", "pyproject.toml")
BASES = ("origin/HEAD", "origin/main", "main")


def untouched(changed: Iterable[str]) -> list[str]:
    """The rooms that no changed file concerns; paths from the project's root."""
    paths = [Path(path) for path in changed]

    def touches(places: Iterable[str]) -> bool:
        return any(path.is_relative_to(place) for path in paths for place in places)

    if touches(EVERYTHING):
        return []
    return [room for room, places in TOOLS.items() if not touches((f"tests/unit/{room}", *places))]


def git(root: Path, *command: str) -> list[str] | None:
    """The lines that git prints, of paths as they are; None where it fails or is not there."""
    try:
        done = subprocess.run(["git", "-C", str(root), "-c", "core.quotePath=false", *command], capture_output=True,
                              text=True, check=False)  # fmt: skip
    except OSError:
        return None
    return done.stdout.splitlines() if done.returncode == 0 else None


def changed_files(root: Path = ROOT) -> list[str] | None:
    """What the branch and the working tree of a clone change, or None where that is not known."""
    for base in BASES:
        if fork := git(root, "merge-base", "HEAD", base):
            changed = git(root, "diff", "--name-only", "--no-renames", fork[0])
            new = git(root, "ls-files", "--others", "--exclude-standard")
            return None if changed is None or new is None else changed + new
    return None


def main() -> None:
    """Prints pytest's words, and on standard error what is left to `make test`."""
    changed = changed_files()
    left = [] if changed is None else untouched(changed)
    if left:
        print(f"check: tests/unit/{{{','.join(left)}}} are left to make test, as nothing of those tools is changed",
              file=sys.stderr)  # fmt: skip
    print(" ".join(["tests/unit", *(f"--ignore=tests/unit/{room}" for room in left)]))


if __name__ == "__main__":
    main()
