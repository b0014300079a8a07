"""Which engine is taken, and that what is broken in the cache is made again, by one run at a time."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import CommandError

from local import cache, engine
from tests.typed import fake
from tests.waiting import PATIENCE


def pulumi(path: Path, says: str) -> Path:
    """An executable that prints a version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """An empty cache, a PATH without pulumi, and a build that takes a moment; what it has made."""
    monkeypatch.setenv("TRIBUTARY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    built: list[Path] = []

    def build(folder: Any, say: Any):
        time.sleep(0.2)
        built.append(pulumi(folder / "pulumi", f"v{engine.VERSION}"))
        return built[-1]

    monkeypatch.setattr(engine, "build", build)
    return built


def cached() -> Path:
    return cache.folder() / "engine" / engine.VERSION / "pulumi"


def test_a_pulumi_on_path_of_the_right_version_is_taken_and_nothing_is_built(
    made: list[Path], tmp_path: Path
):
    binary = pulumi(tmp_path / "bin" / "pulumi", "v3.999.0")
    assert engine.find() == binary
    assert made == []


@pytest.mark.parametrize("says", ["v3.100.0", "v3.249.9", "v4.0.0", "not a version"])
def test_a_pulumi_on_path_of_another_version_is_ignored_and_named(
    made: list[Path], tmp_path: Path, says: str
):
    binary = pulumi(tmp_path / "bin" / "pulumi", says)
    lines: list[str] = []
    assert engine.find(lines.append) == cached()
    assert len(made) == 1
    assert any(str(binary) in line and engine.VERSION in line for line in lines)


@pytest.mark.parametrize("content", [b"", b"\x7fELF half of it", b"#!/bin/sh\nexit 3\n"])
def test_a_half_built_cache_is_repaired(made: list[Path], content: bytes):
    cached().parent.mkdir(parents=True)
    cached().write_bytes(content)
    cached().chmod(0o755)
    assert engine.find(lambda line: None) == cached()
    assert len(made) == 1
    assert engine.fits(cached())


def test_a_whole_cache_is_used_as_it_is(made: list[Path]):
    pulumi(cached(), f"v{engine.VERSION}")
    assert engine.find() == cached()
    assert made == []


def test_a_build_that_makes_no_engine_leaves_nothing_in_the_cache(
    made: list[Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine, "build", fake(lambda folder, say: pulumi(folder / "pulumi", "v3.1.0")))
    with pytest.raises(engine.EngineError, match=engine.VERSION):
        engine.find(lambda line: None)
    assert [path.name for path in cached().parent.iterdir()] == [".lock"]


def test_two_runs_at_once_build_once_and_the_second_says_that_it_waits(made: list[Path]):
    lines: list[str] = []
    runs = [threading.Thread(target=engine.find, args=(lines.append,)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(made) == 1
    assert [line for line in lines if "waiting" in line]


def test_the_lock_of_a_folder_that_its_holder_removed_is_taken_anew(tmp_path: Path):
    lock = tmp_path / "run" / "lock"
    inside = threading.Event()

    def second() -> None:
        with engine.locked(lock, lambda: None):
            assert lock.exists()
            inside.set()

    with engine.locked(lock, lambda: None):
        waiter = threading.Thread(target=second)
        waiter.start()
        time.sleep(0.1)
        assert not inside.is_set()
        lock.unlink()
        lock.parent.rmdir()
    waiter.join(PATIENCE)
    assert inside.is_set()


def test_a_failed_build_says_what_was_tried_and_what_go_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TRIBUTARY_CACHE", str(tmp_path))
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'go: no such module'; exit 1\n")
    go.chmod(0o755)
    monkeypatch.setattr(engine, "toolchain", fake(lambda say: go))
    with pytest.raises(engine.EngineError, match=r"(?s)install Pulumi by hand.*no such module"):
        engine.build(tmp_path, lambda line: None)


@pytest.mark.parametrize(("ending", "killed"), [("kill -9 $$", True), ("exit 3", False)])
def test_an_engine_that_a_signal_ended_is_known_not_to_have_written_its_state(
    tmp_path: Path, ending: str, killed: bool
):
    binary = tmp_path / "pulumi"
    binary.write_text(f"#!/bin/sh\n[ $1 = version ] && echo v{engine.VERSION} && exit\n{ending}\n")
    binary.chmod(0o755)
    running = engine.Engine(binary)
    with pytest.raises(CommandError):
        running.run(["up"], str(tmp_path), {})
    assert running.killed is killed


def test_an_engine_is_asked_for_its_version_once_as_long_as_it_is_the_same_file(tmp_path: Path):
    binary, runs = tmp_path / "pulumi", tmp_path / "runs"
    pulumi(binary, "v3.999.0").write_text(f"#!/bin/sh\necho run >>{runs}\necho v3.999.0\n")
    assert [str(engine.version(binary)) for _ in range(3)] == ["3.999.0"] * 3
    assert len(runs.read_text().splitlines()) == 1
    pulumi(binary, "v3.999.1")
    assert str(engine.version(binary)) == "3.999.1"
