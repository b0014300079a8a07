"""What is executed after it was downloaded has the digest that stands in the repository."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local import engine, guard, opensearch, verified
from tests.typed import fake
from tests.waiting import PATIENCE

ROOT = verified.HERE.parent
WORKFLOWS = [file.relative_to(ROOT) for file in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
PIN = re.compile(r"^[\w-]+==[\w.]+( \\\n    --hash=sha256:[0-9a-f]{64})+$")


@pytest.fixture
def jars(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder of two jars and what the repository would say of them."""
    expected: dict[Any, Any] = {}
    for name in ("a", "b"):
        (tmp_path / f"{name}.jar").write_bytes(name.encode())
        expected[f"org/{name}/1/{name}.jar"] = hashlib.sha256(name.encode()).hexdigest()
    return tmp_path, expected


def test_jars_of_the_right_digests_pass(jars: tuple[Path, dict[str, str]]):
    verified.check(*jars)


@pytest.mark.parametrize("change", ["altered", "missing", "added"])
def test_a_jar_that_is_altered_missing_or_added_is_refused_and_named(
    jars: tuple[Path, dict[str, str]], change: str
):
    folder, expected = jars
    if change == "altered":
        (folder / "b.jar").write_bytes(b"B")
    elif change == "missing":
        (folder / "b.jar").unlink()
    else:
        (folder / "c.jar").write_bytes(b"c")
    with pytest.raises(verified.Unverified, match=r"c\.jar" if change == "added" else r"b\.jar"):
        verified.check(folder, expected)


def test_a_download_of_another_digest_is_not_written(
    jars: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, expected = jars
    monkeypatch.setattr(urllib.request, "urlopen", fake(lambda url, timeout: io.BytesIO(b"not a jar")))
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    with pytest.raises(verified.Unverified, match="the repository says"):
        verified.download(expected, fresh)
    assert [*fresh.iterdir()] == []


def test_a_cache_with_an_altered_jar_runs_no_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRIBUTARY_CACHE", str(tmp_path))
    folder = tmp_path / opensearch.RUNNER
    folder.mkdir()
    monkeypatch.setattr(opensearch, "JARS", {"org/a/1/a.jar": hashlib.sha256(b"a").hexdigest()})
    (folder / "a.jar").write_bytes(b"a")
    assert opensearch.jars() == folder
    (folder / "a.jar").write_bytes(b"evil")
    with pytest.raises(opensearch.Unavailable, match="the repository says"):
        opensearch.jars()


def test_every_wheel_is_named_with_its_version_and_digests():
    files = [*(verified.HERE / "wheels").glob("*.txt")]
    assert {file.stem for file in files} == {engine.GO_WHEEL, opensearch.JAVA_WHEEL}
    for file in files:
        assert PIN.match(file.read_text().strip()), file
        assert "--require-hashes" in verified.wheel(file.stem)


def test_the_packs_wheels_are_named_with_their_digests_too():
    required = re.findall(r"^([a-z-]+)[<>=]", (ROOT / "policy/requirements.txt").read_text(), re.M)
    lock = (ROOT / "policy/requirements.lock").read_text().partition("\n")[2]
    pinned = dict(re.findall(r"^([\w-]+)==\S+(?: ;[^\n]*)? \\\n    (--hash=sha256:[0-9a-f]{64})", lock, re.M))
    assert len(required) == 3 and set(required) <= set(pinned)
    assert len(pinned) == len(re.findall(r"^[\w-]+==", lock, re.M)) > 10


@pytest.mark.parametrize(
    "file", ["Makefile", "local/setup.sh", "tests/pythons.sh", "docs/policies.md", *map(str, WORKFLOWS)]
)
def test_nothing_is_installed_without_digests(file: Any):
    installs = re.findall(r"^.*\bpip\S* (?:install|sync)\b.*$", (ROOT / file).read_text(), re.M)
    assert [line for line in installs if "--require-hashes" not in line] == []


def test_no_code_installs_without_digests():
    """A command that is a list of words has the digests in its statement; npm takes those of its lock."""
    code = {
        str(file.relative_to(ROOT)): file.read_text()
        for file in ROOT.glob("[a-z]*/**/*.py")
        if not {"venv", "node_modules"} & set(file.parts)
    }
    commands = [
        (file, statement)
        for file, text in code.items()
        for statement in re.split(r"\n\s*\n|\n(?=\s*subprocess\.)", text)
        if re.search(r'"pip",\s*"(install|sync)"', statement)
    ]
    assert {file for file, _ in commands} >= {
        "tests/cli/front.py",
        "tests/policy_pack.py",
        "local/verified.py",
    }
    assert [file for file, statement in commands if "--require-hashes" not in statement] == []
    assert {word for text in code.values() for word in re.findall(r'"npm",\s*"(\w+)"', text)} == {"ci"}
    for lock in ROOT.glob("tests/**/package-lock.json"):
        packages = json.loads(lock.read_text())["packages"]
        assert [name for name, package in packages.items() if name and not package.get("integrity")] == []


def test_the_bridges_packages_are_those_of_the_program():
    pins = re.findall(r"^(pulumi(?:-aws)?==\S+)", (ROOT / "tests/cli/bridge.lock").read_text(), re.M)
    program = (ROOT / "requirements.lock").read_text().splitlines()
    assert len(pins) == 2 and {f"{pin} \\" for pin in pins} <= set(program)


@pytest.mark.parametrize("exchanged", [False, True])
def test_uv_refuses_a_wheel_of_another_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchanged: bool
):
    """uv itself decides; a wheel made here stands for one that a registry has exchanged."""
    (tmp_path / "wheels").mkdir()
    wheel = tmp_path / "tool-1.0-py3-none-any.whl"
    about = {"METADATA": "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n", "RECORD": "",
             "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}  # fmt: skip
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tool.py", "")
        for name, text in about.items():
            archive.writestr(f"tool-1.0.dist-info/{name}", text)
    digest = "0" * 64 if exchanged else hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "wheels" / "tool.txt").write_text(f"tool==1.0 --hash=sha256:{digest}\n")
    monkeypatch.setattr(verified, "HERE", tmp_path)
    command = verified.wheel(
        "tool", "--target", str(tmp_path / "to"), "--no-index", "--find-links", str(tmp_path)
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode != 0) == ("Hash mismatch" in done.stderr) == exchanged, done.stderr
    assert (tmp_path / "to" / "tool.py").exists() != exchanged


def test_the_digests_name_the_node_and_the_compiler_that_run():
    assert sum(path.endswith(f"/{opensearch.RUNNER}.jar") for path in opensearch.JARS) == 1
    assert len(guard.COMPILER) == 1 and all(len(digest) == 64 for digest in guard.COMPILER.values())
    assert f"<version>{opensearch.RUNNER.rpartition('-')[2]}</version>" in opensearch.POM.read_text()


def test_the_engines_modules_are_named_by_go_sum_and_nothing_else_is_requested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert re.search(
        rf"^require {engine.MODULE} v{engine.VERSION}$", (engine.GO / "go.mod").read_text(), re.M
    )
    assert f"{engine.MODULE} v{engine.VERSION} h1:" in (engine.GO / "go.sum").read_text()
    seen: dict[Any, Any] = {}

    def run(command: Any, folder: Any, seconds: Any, env: Any, progress: Any, every: Any):
        seen.update(env, sum=(folder / "go.sum").read_text())
        raise OSError

    monkeypatch.setattr(engine, "toolchain", fake(lambda say: "go"))
    monkeypatch.setattr(engine, "run", run)
    with pytest.raises(engine.EngineError):
        engine.build(tmp_path, lambda line: None)
    assert "-mod=readonly" in seen["GOFLAGS"]
    assert seen["GOSUMDB"] == "off" and seen["GOTOOLCHAIN"] == "local"
    assert seen["sum"] == (engine.GO / "go.sum").read_text()


def test_workflows_use_actions_by_their_commit():
    for file in (ROOT / ".github" / "workflows").glob("*.yml"):
        for used in re.findall(r"uses: *(.*)", file.read_text()):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", used), f"{file.name}: {used}"
