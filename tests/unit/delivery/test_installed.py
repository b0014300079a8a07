"""The command line and the providers of a job: what has another digest than the lock's is never unpacked or run."""

import hashlib
import io
import json
import re
import tarfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery import installed
from delivery.command import Stopped
from tests.typed import fake

ROOT = Path(__file__).resolve().parents[3]
REQUIRED = "pulumi==3.272.0 \\\n    --hash=sha256:00\npulumi-aws==7.51.1 \\\npulumi-gcp==10.2.0 \\\n"
# Notes how it was called, and what it was given.
PROGRAM = '#!/bin/sh\necho "$PULUMI_HOME $*" >> "$PULUMI_HOME/calls"\ncat "$7" >> "$PULUMI_HOME/calls"\n'


def archive(**files: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"pulumi/{name}")
            member.size, member.mode = len(text), 0o755
            tar.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A repository whose lock names three releases, and what their addresses answer with."""
    (tmp_path / "requirements.lock").write_text(REQUIRED)
    (tmp_path / "delivery").mkdir()
    addresses = installed.archives(tmp_path)
    content = [archive(pulumi=PROGRAM), b"provider of aws\n", b"provider of gcp\n"]
    answers = dict(zip(addresses.values(), content, strict=True))
    write(tmp_path, answers)
    monkeypatch.setattr(urllib.request, "urlopen", fake(lambda url, timeout: io.BytesIO(answers[url])))
    return answers


def write(root: Path, content: dict[str, bytes]) -> None:
    lines = [f"{hashlib.sha256(each).hexdigest()}  {address}" for address, each in content.items()]
    (root / installed.LOCK).write_text("\n".join(["# made by", *lines]) + "\n")


def test_each_archive_is_checked_unpacked_and_put_on_the_jobs_path(
    tmp_path: Path, released: dict[str, bytes]
) -> None:
    home, path, variables = tmp_path / "home", tmp_path / "path", tmp_path / "env"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "pulumi-language-python").write_text("of another release")
    job = {"GITHUB_PATH": str(path), "GITHUB_ENV": str(variables)}
    assert installed.install(tmp_path, home, job) == home / "bin" / "pulumi"
    assert [file.name for file in (home / "bin").iterdir()] == ["pulumi"]
    calls = (home / "calls").read_text()
    assert re.findall(r"^(\S+) plugin install resource (\w+) ([\d.]+) --file ", calls, re.M) == [
        (str(home), "aws", "7.51.1"),
        (str(home), "gcp", "10.2.0"),
    ]
    assert "provider of aws\n" in calls and "provider of gcp\n" in calls
    assert path.read_text() == f"{home / 'bin'}\n"
    assert variables.read_text() == "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true\n"


@pytest.mark.parametrize("exchanged", range(3))
def test_nothing_is_unpacked_where_one_archive_was_exchanged(
    tmp_path: Path, released: dict[str, bytes], exchanged: int
) -> None:
    address = list(released)[exchanged]
    released[address] += b"evil"
    with pytest.raises(Stopped, match=rf"{re.escape(address)} has the digest"):
        installed.install(tmp_path, tmp_path / "home", {})
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("change", ["nothing is locked", "one is not", "the version is another"])
def test_nothing_is_downloaded_where_the_lock_lacks_a_digest(
    tmp_path: Path, released: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    if change == "the version is another":
        (tmp_path / "requirements.lock").write_text(REQUIRED.replace("7.51.1", "7.51.2"))
    else:
        left = list(released)[: 2 if change == "one is not" else 0]
        write(tmp_path, {address: released[address] for address in left})
    monkeypatch.delattr(urllib.request, "urlopen")
    with pytest.raises(Stopped, match="has no digest of https://github"):
        installed.install(tmp_path, tmp_path / "home", {})


def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path, released: dict[str, bytes]) -> None:
    address = next(iter(released))
    released[address] = archive(**{"../../evil": "x"})
    write(tmp_path, released)
    with pytest.raises(tarfile.OutsideDestinationError):
        installed.install(tmp_path, tmp_path / "home", {})


def test_the_lock_is_written_by_what_github_knows_of_each_release(
    tmp_path: Path, released: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (tmp_path / installed.LOCK).read_text()
    write(tmp_path, {})
    monkeypatch.setattr(urllib.request, "urlopen", releases(released, lambda digest: f"sha256:{digest}"))
    assert len(installed.lock(tmp_path)) == 3
    assert (tmp_path / installed.LOCK).read_text() == before


@pytest.mark.parametrize("known", [None, "", "sha512:00", "sha256:0"])
def test_a_release_without_a_digest_changes_no_lock(
    tmp_path: Path, released: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, known: str | None
) -> None:
    before = (tmp_path / installed.LOCK).read_text()
    monkeypatch.setattr(urllib.request, "urlopen", releases(released, lambda _: known))
    with pytest.raises(Stopped, match="has no digest of pulumi-v3"):
        installed.lock(tmp_path)
    assert (tmp_path / installed.LOCK).read_text() == before


def releases(files: dict[str, bytes], digest: Callable[[str], str | None]) -> Any:
    """Answers as https://docs.github.com/en/rest/releases/releases#get-a-release-by-tag-name does."""

    def answer(url: str, timeout: float) -> io.BytesIO:
        request = re.fullmatch(r"https://api\.github\.com/repos/(.+)/releases/tags/(v[\d.]+)", url)
        assert request
        repository, tag = request.groups()
        assets: list[dict[str, str | None]] = [
            {"name": "B3SUMS", "digest": "sha256:" + "0" * 64},
            *(
                {
                    "name": address.rpartition("/")[2],
                    "digest": digest(hashlib.sha256(content).hexdigest()),
                }
                for address, content in files.items()
                if f"/{repository}/releases/download/{tag}/" in address
            ),
        ]
        return io.BytesIO(json.dumps({"tag_name": tag, "assets": assets}).encode())

    return answer


def test_the_repositorys_lock_has_no_other_archive_than_what_is_installed() -> None:
    lines = (ROOT / installed.LOCK).read_text().splitlines()
    assert lines[0].startswith("# ")
    locked = {address: digest for digest, address in (line.split() for line in lines[1:])}
    assert set(locked) <= set(installed.archives(ROOT).values())
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in locked.values())
