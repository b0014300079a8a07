"""The shipped libraries: of the source that is there, the same bytes from any folder, refused when they are not."""

import ctypes
import json
import re
import shutil
import struct
from pathlib import Path

import pytest

from components.bundling import bundles, c_compiler
from components.bundling.bundles import BundleError, bundle
from components.bundling.libraries import c_files, library_path, record_path, shipped_library
from tests.typed import ignoring

ROOT = Path(__file__).resolve().parents[3]
SOURCES = list(c_files(bundles.HANDLERS))
APP = "def handler(event, context):\n    return event\n"
ARCHITECTURES = ("arm64", "x86_64")
# https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html (e_machine)
MACHINES = {"arm64": 183, "x86_64": 62}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIBUTARY_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of handlers with one, `tiny`, a small C file in it, and the libraries of that."""
    handlers = tmp_path_factory.mktemp("built") / "handlers"
    (handlers / "tiny").mkdir(parents=True)
    (handlers / "tiny" / "app.py").write_text(APP)
    (handlers / "tiny" / "tiny.c").write_text("int tiny(void) { return 7; }\n")
    assert c_compiler.main([], handlers) == 0
    return handlers


@pytest.fixture
def source(built: Path, tmp_path: Path) -> Path:
    """The C file in a copy of that folder."""
    return shutil.copytree(built, tmp_path / "handlers") / "tiny" / "tiny.c"


def bundled(source: Path, architecture: str = "arm64") -> bundles.Bundle:
    return bundle("tiny", architecture=architecture, handlers=source.parents[1])


def test_there_is_a_c_file_with_libraries() -> None:
    assert [path.name for path in SOURCES] == ["decode.c"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_what_is_shipped_is_what_the_pinned_compiler_makes_from_another_folder(
    source: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "a folder of another depth" / "handlers" / source.parent.name
    elsewhere.mkdir(parents=True)
    shutil.copy(source, elsewhere)
    anew = c_compiler.contents(elsewhere / source.name)
    assert len(anew) == len(ARCHITECTURES) + 1
    for path, content in anew.items():
        assert (source.parent / path.relative_to(elsewhere)).read_bytes() == content, path.name


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_library_is_of_its_architecture_and_knows_no_folder(source: Path, architecture: str) -> None:
    library = shipped_library(source, architecture)
    assert library[:4] == b"\x7fELF"
    assert struct.unpack_from("<H", library, 18) == (MACHINES[architecture],)
    assert not re.search(rb"/(tmp|home|root|Users)/", library)


def test_the_compiler_that_the_record_names_is_the_one_that_is_pinned() -> None:
    pinned = f"ziglang=={c_compiler.COMPILER}"
    for file in ("pyproject.toml", "requirements.lock"):
        assert pinned in (ROOT / file).read_text()
    for path in SOURCES:
        record = json.loads(record_path(path).read_text())
        assert record["compiler"] == f"ziglang {c_compiler.COMPILER}"
        assert record["flags"] == c_compiler.FLAGS
        targets = {name: library["target"] for name, library in record["libraries"].items()}
        assert targets == c_compiler.TARGETS


def test_users_do_not_install_the_compiler() -> None:
    project = (ROOT / "pyproject.toml").read_text().partition("[dependency-groups]")[0]
    assert "ziglang" not in project
    assert "ziglang" not in (ROOT / "components/plugin/requirements.txt").read_text()


def test_a_bundle_needs_no_compiler(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_compiler.subprocess, "run", ignoring(lambda: pytest.fail("compiled")))
    assert bundled(source).path.exists()


def test_another_compiler_is_refused(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_compiler, "COMPILER", "0.1.2")
    with pytest.raises(c_compiler.CompileError, match=r"needs the package ziglang 0\.1\.2, and here is"):
        c_compiler.contents(source)


def test_a_source_that_has_changed_is_refused_and_the_command_is_in_the_message(source: Path) -> None:
    source.write_text("int tiny(void) { return 8; }\n")
    with pytest.raises(
        BundleError, match=r"tiny/tiny\.c: .*has changed.*run: python -m components\.bundling"
    ):
        bundled(source)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_library_that_is_not_the_recorded_one_is_refused(source: Path, architecture: str) -> None:
    path = library_path(source, architecture)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(
        BundleError, match=r"has not the sha256.*git checkout.*python -m components\.bundling"
    ):
        bundled(source, architecture)


@pytest.mark.parametrize("damage", ["no library", "no record", "an empty record", "no JSON"])
def test_what_is_missing_is_refused_with_the_command(source: Path, damage: str) -> None:
    if damage == "no library":
        library_path(source, "arm64").unlink()
    elif damage == "no record":
        record_path(source).unlink()
    else:
        record_path(source).write_text("{}" if damage == "an empty record" else "{")
    with pytest.raises(BundleError, match=r"run: python -m components\.bundling\.c_compiler"):
        bundled(source)


@pytest.mark.parametrize("change", ["compiler", "flags", "target"])
def test_another_compiler_flag_or_target_is_another_bundle_in_the_cache(source: Path, change: str) -> None:
    before = bundled(source)
    record = json.loads(record_path(source).read_text())
    if change == "target":
        record["libraries"]["arm64"]["target"] = "aarch64-linux-gnu.2.28"
    else:
        record[change] = "another"
    record_path(source).write_text(json.dumps(record))
    after = bundled(source)
    assert after.path != before.path
    assert (
        after.sha256 == before.sha256
    )  # the same bytes: what a build was made with is not part of the function


def test_the_check_sees_a_library_that_its_source_does_not_give(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handlers = source.parents[1]
    assert c_compiler.main(["--check"], handlers) == 0
    library_path(source, "x86_64").write_bytes(b"another")
    assert c_compiler.main(["--check"], handlers) == 1
    assert "tiny.x86_64.so: is not what its source gives" in capsys.readouterr().out
    assert library_path(source, "x86_64").read_bytes() == b"another"
    assert c_compiler.main([], handlers) == 0
    assert c_compiler.main(["--check"], handlers) == 0


def test_this_machine_loads_its_library(source: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.library"
    path.write_bytes(c_compiler.host_library(source))
    assert ctypes.CDLL(str(path)).tiny() == 7


def test_a_mac_compiles_one_of_its_own(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_compiler.sys, "platform", "darwin")
    monkeypatch.setattr(c_compiler.platform, "machine", lambda: "arm64")
    library = c_compiler.host_library(source)
    # https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/loader.h (MH_MAGIC_64, cputype)
    assert struct.unpack_from("<II", library) == (0xFEEDFACF, 0x0100000C)
