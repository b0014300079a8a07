"""`make check` leaves out the tests of tools that nobody has changed; `make test` and CI leave out none."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests import daily

ROOT = Path(__file__).resolve().parents[3]
MAKEFILE = (ROOT / "Makefile").read_text()


def test_each_room_and_each_place_that_the_rule_names_is_there() -> None:
    for room, places in daily.TOOLS.items():
        assert list((ROOT / "tests/unit" / room).glob("test_*.py")), room
        assert [place for place in places if not (ROOT / place).exists()] == []
    assert [place for place in daily.EVERYTHING if not (ROOT / place).exists()] == []


@pytest.mark.parametrize(
    ("changed", "run"),
    [
        ([], set[str]()),
        (["components/iam.py", "README.md"], set[str]()),
        (["deliveries.py", "delivery.py"], set[str]()),
        (["delivery/touched.py"], {"delivery"}),
        (["tests/unit/release/test_release.py", "local/stack.py"], {"release", "local"}),
        (["handlers/fold/app.py"], {"bundling"}),
        (["requirements.lock"], {"bundling", "local", "release"}),
        (["tests/sdk.py"], set(daily.TOOLS)),
    ],
)
def test_a_tools_tests_run_where_the_tool_is_changed(changed: list[str], run: set[str]) -> None:
    assert set(daily.TOOLS) - set(daily.untouched(changed)) == run


def commit(clone: Path, message: str) -> None:
    author = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", clone, "add", "--all"], check=True)
    subprocess.run(["git", "-C", clone, *author, "commit", "--quiet", "--message", message], check=True)


def test_a_change_is_what_the_branch_has_committed_what_it_has_not_and_what_is_new(tmp_path: Path) -> None:
    assert daily.changed_files(tmp_path) is None  # git does not know it
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", tmp_path], check=True)
    for name in ("kept.py", "committed.py", "edited.py", "deleted.py", "moved.py"):
        (tmp_path / name).write_text(f"# {name}, as it was at first\n")
    commit(tmp_path, "all: first")
    assert daily.changed_files(tmp_path) == []
    subprocess.run(["git", "-C", tmp_path, "switch", "--quiet", "--create", "branch"], check=True)
    (tmp_path / "committed.py").write_text("# other\n")
    (tmp_path / "moved.py").rename(tmp_path / "elsewhere.py")
    commit(tmp_path, "all: second")
    (tmp_path / "edited.py").write_text("# other\n")
    (tmp_path / "deleted.py").unlink()
    (tmp_path / "größe.py").touch()
    changed = daily.changed_files(tmp_path)
    expected = {"committed.py", "deleted.py", "edited.py", "elsewhere.py", "größe.py", "moved.py"}
    assert changed is not None and set(changed) == expected


def test_where_git_can_not_tell_everything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(daily, "changed_files", lambda: None)
    daily.main()
    assert capsys.readouterr() == ("tests/unit\n", "")
    monkeypatch.setattr(daily, "changed_files", list[str])
    daily.main()
    printed = capsys.readouterr()
    assert printed.out.split() == ["tests/unit", *(f"--ignore=tests/unit/{room}" for room in daily.TOOLS)]
    assert "left to make test" in printed.err


def test_no_other_command_leaves_tests_out() -> None:
    assert re.findall(r".*tests\.daily\)?.*", MAKEFILE)[-1].startswith("\t@words=")
    assert len(re.findall(r"-m tests\.daily", MAKEFILE)) == 1
    assert re.search(
        r"^quick: .*\n\t@\$\(PY\) -m pytest -q -n \$\(CORES\) tests/unit$", MAKEFILE, re.MULTILINE
    )
    assert "make --no-print-directory test\n" in (ROOT / ".ci/run").read_text()
    steps = [
        step.get("run", "")
        for path in (ROOT / ".github/workflows").glob("*.yml")
        for job in yaml.safe_load(path.read_text())["jobs"].values()
        for step in job.get("steps", [])
    ]
    assert sum("make --jobs=2 lint quick" in step for step in steps) == 2
    assert [step for step in steps if re.search(r"make .*\b(check|daily)\b", step)] == []
