"""The workers of a function share its unpacked code, and those of another code have another folder."""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.cloud.function_code import FOLDERS, Archive

Worker = Callable[[str], Path]


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """Unpacks code as a worker of ministack does, into a folder of its own: the folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TRIBUTARY_CACHE", str(tmp_path / "cache"))

    def start(code: str) -> Path:
        own = Path(tempfile.mkdtemp())
        with zipfile.ZipFile(own / "code.zip", "w") as archive:
            archive.writestr(zipfile.ZipInfo("app.py"), code)
            archive.writestr(zipfile.ZipInfo("library/part.py"), "")
        (own / "code").mkdir()
        with Archive(own / "code.zip") as archive:
            archive.extractall(str(own / "code"))
        return own / "code"

    return start


def test_workers_of_the_same_code_share_its_folder(worker: Worker) -> None:
    first, second = worker("a = 1"), worker("a = 1")
    assert first != second and first.resolve() == second.resolve()
    assert (second / "app.py").read_text() == "a = 1" and (second / "library" / "part.py").exists()


def test_changed_code_has_a_folder_of_its_own(worker: Worker) -> None:
    before, after = worker("a = 1"), worker("a = 2")
    assert [(code / "app.py").read_text() for code in (before, after)] == ["a = 1", "a = 2"]


def test_workers_that_start_at_once_share_one_whole_folder(worker: Worker, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        folders = list(threads.map(worker, ["a = 1"] * 16))
    assert len({folder.resolve() for folder in folders}) == 1
    assert all((folder / "library" / "part.py").exists() for folder in folders)
    assert list((tmp_path / "cache" / "function-code").iterdir()) == [folders[0].resolve()]


def test_code_that_was_used_last_is_there_still_and_older_one_is_gone(worker: Worker) -> None:
    codes = [worker(f"a = {number}") for number in range(FOLDERS)]
    for number, code in enumerate(codes):
        os.utime(code.resolve(), (number, number))
    worker("a = 0")  # used again
    worker(f"a = {FOLDERS}")
    assert [code.resolve().exists() for code in codes] == [True, False, *[True] * (FOLDERS - 2)]


def test_an_archive_that_is_none_is_refused_as_before(tmp_path: Path) -> None:
    (tmp_path / "code.zip").write_bytes(b"no archive")
    with pytest.raises(zipfile.BadZipFile):
        Archive(tmp_path / "code.zip")


def test_code_whose_deletion_breaks_off_is_not_used_again(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [worker(f"a = {number}") for number in range(FOLDERS)]
    os.utime(codes[0].resolve(), (0, 0))

    def broken_off(path: Path, **_: bool) -> None:
        (path / "app.py").unlink()

    monkeypatch.setattr(shutil, "rmtree", broken_off)
    worker(f"a = {FOLDERS}")
    assert (worker("a = 0") / "app.py").read_text() == "a = 0"
