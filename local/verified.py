"""What is downloaded and then executed, checked against digests that stand in this repository.

    local/go/go.sum                 the modules of the engine, checked by Go itself
    local/wheels/<package>.txt      wheels of PyPI, checked by uv (`--require-hashes`)
    local/opensearch/jars.sha256    OpenSearch's jars: a digest and the path in Maven's repository a line
    local/opensearch/compiler.sha256

What has another digest is not used, wherever it comes from: a cache, a mirror, or the registry itself.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
MAVEN = "https://repo1.maven.org/maven2/"


class Unverified(Exception):
    """What was to be executed is not there, or is not what the repository's digests say."""


def digests(file: Path) -> Mapping[str, str]:
    """SHA-256 by path in Maven's repository."""
    return {path: digest for digest, path in (line.split() for line in file.read_text().splitlines())}


def check(folder: Path, expected: Mapping[str, str]) -> None:
    """Raises unless the folder has each of these files, flat, with its digest, and no other jar."""
    names = {path.rsplit("/", 1)[1]: digest for path, digest in expected.items()}
    if more := sorted(jar.name for jar in folder.glob("*.jar") if jar.name not in names):
        raise Unverified(f"{folder} holds jars that the repository does not name: {', '.join(more)}")
    for name, digest in names.items():
        try:
            actual = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError:
            raise Unverified(f"{folder / name} is missing") from None
        if actual != digest:
            raise Unverified(f"{folder / name} has the digest {actual}, the repository says {digest}")


def download(expected: Mapping[str, str], folder: Path) -> None:
    """Brings Maven artifacts into the folder, each checked before it is written."""
    for path, digest in expected.items():
        try:
            with urllib.request.urlopen(MAVEN + path, timeout=60) as answer:
                content = answer.read()
        except OSError as error:
            raise Unverified(f"{MAVEN}{path}: {error}") from error
        if (actual := hashlib.sha256(content).hexdigest()) != digest:
            raise Unverified(f"{MAVEN}{path} has the digest {actual}, the repository says {digest}")
        (folder / path.rsplit("/", 1)[1]).write_bytes(content)


def wheel(package: str, *where: str) -> list[str]:
    """The command that installs a wheel of exactly the version and digests of its file in `local/wheels/`."""
    uv = Path(sys.executable).parent / "uv"
    return [str(uv), "pip", "install", "-q", "--require-hashes", "--no-deps", "--only-binary", ":all:", *where,
            "-r", str(HERE / "wheels" / f"{package}.txt")]  # fmt: skip


def run(command: list[str], failure: str, **environment: str) -> None:
    """Runs a command; raises Unverified with `failure` and the end of its output where it fails."""
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            timeout=900,
            env={**os.environ, **environment},
        )
    except (OSError, subprocess.SubprocessError) as error:
        output = str(getattr(error, "stdout", None) or "") + str(getattr(error, "stderr", None) or "")
        raise Unverified(f"{failure}: {output.strip()[-600:] or error}") from error
