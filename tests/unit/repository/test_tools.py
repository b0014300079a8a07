"""What judges a commit is the same everywhere: `make lint`, pre-commit, and the container that a newcomer opens."""

import json
import re
import shlex
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pre_commit.clientlib import load_config  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType] - it has no types
from pre_commit.languages import pygrep  # pyright: ignore[reportMissingTypeStubs] - it has no types

ROOT = Path(__file__).resolve().parents[3]
MAKEFILE = (ROOT / "Makefile").read_text()
SETUP = "local/setup.sh"


def hooks(stage: str = "pre-commit") -> list[dict[str, Any]]:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"  # nothing is fetched that the lock does not have
    return [hook for hook in repository["hooks"] if hook.get("stages", ["pre-commit"]) == [stage]]


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile, its variables replaced by their values."""
    search = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.M)
    assert search, target
    python = re.search(r"^PY := (.*)$", MAKEFILE, re.M)
    assert python
    return [line.strip("\t@").replace("$(PY)", python[1]) for line in search[1].splitlines()]


def test_pre_commit_takes_its_config() -> None:
    config = cast("dict[str, Any]", load_config(str(ROOT / ".pre-commit-config.yaml")))
    taken = [hook["id"] for hook in config["repos"][0]["hooks"]]
    assert taken == [hook["id"] for stage in ("pre-commit", "commit-msg") for hook in hooks(stage)]
    # Else `pre-commit install` would install no hook for the message, and a message would run all the others.
    assert config["default_install_hook_types"] == ["pre-commit", "commit-msg"]
    assert config["default_stages"] == ["pre-commit"]


@pytest.mark.parametrize(
    ("message", "taken"),
    [
        ("export: a run names each failed source\n\nWhy.\n", True),
        ("docs, local: " + "x" * 59 + "\n", True),
        ("docs, local: " + "x" * 60 + "\n", False),
        ("docs, local: " + "x" * 60, False),
        ("Updates things\n\nexport: not the subject\n", False),
        ("export:\n", False),
        ("fixup! export: a run names each failed source\n", True),
    ],
)
def test_a_commits_subject_has_its_area_and_72_characters(message: str, taken: bool, tmp_path: Path) -> None:
    (hook,) = hooks("commit-msg")
    assert hook["language"] == "pygrep"
    (file := tmp_path / "COMMIT_EDITMSG").write_text(message)
    assert pygrep.main([*hook["args"], hook["entry"], str(file)]) == (0 if taken else 1)


def test_the_hooks_run_what_make_lint_runs() -> None:
    first, *others = [hook["entry"] for hook in hooks()]
    assert first == SETUP and re.search(r"^lint: setup$", MAKEFILE, re.M)
    assert recipe("setup") == [SETUP]
    assert others == recipe("lint")


def test_a_hook_judges_the_whole_tree_with_the_tools_of_the_lock() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    for hook in hooks()[1:]:
        tool, *words = shlex.split(hook["entry"])
        assert tool.startswith(".venv/bin/")
        if words[:2] == ["-m", "local.actionlint"]:  # built of modules whose digests the repository has
            assert (ROOT / "local/go/actionlint/go.sum").is_file()
        else:
            assert re.search(rf"^{tool.removeprefix('.venv/bin/')}==", lock, re.M), tool
        assert hook["language"] == "system" and hook["pass_filenames"] is False


def test_make_pythons_runs_folders_that_are_there() -> None:
    default = re.search(r"\$\{PYTEST:-([^}]*)\}", (ROOT / "tests/pythons.sh").read_text())
    assert default and default[1]
    assert [folder for folder in default[1].split() if not (ROOT / folder).is_dir()] == []


def test_the_container_is_pinned_and_sets_up_as_make_does() -> None:
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", container["image"])
    python = re.search(r"-3\.(\d+)-", container["image"])
    assert python and 11 <= int(python[1]) <= 14  # what local/setup.sh takes
    commands = [shlex.split(command) for command in container["postCreateCommand"].split("&&")]
    assert commands == [[SETUP], [".venv/bin/pre-commit", "install"]]
    assert (ROOT / SETUP).stat().st_mode & 0o111
    assert re.search(r"^pre-commit==", (ROOT / "requirements.lock").read_text(), re.M)
