"""The `pulumi` command line and its providers as a job gets them: archives whose digests stand in `pulumi.lock`.

    python -m delivery pulumi          installs them; where the lock lacks one, or one has another digest, nothing runs
    python -m delivery pulumi --lock   writes the lock anew, for the versions of requirements.lock

A digest is the one that GitHub computed when the release's file was uploaded
(https://docs.github.com/en/rest/releases/releases), for the runners that the workflows have: Linux on x86-64.
"""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from delivery.command import Stopped

LOCK = "delivery/pulumi.lock"
_LOCKED = ".venv/bin/python -m delivery pulumi --lock"
_RELEASES, _API = "https://github.com/", "https://api.github.com/repos/"
PROVIDERS = ("aws", "gcp")


def archives(root: Path) -> dict[str, str]:
    """Address by package: the releases of what requirements.lock has of Pulumi. Raises Stopped."""
    text = (root / "requirements.lock").read_text()
    addresses: dict[str, str] = {}
    for package in ("pulumi", *(f"pulumi-{name}" for name in PROVIDERS)):
        version = re.search(rf"^{package}==([\d.]+)", text, re.M)
        if not version:
            raise Stopped(f"requirements.lock has no {package}")
        file = f"v{version[1]}-linux-x64" if package == "pulumi" else f"v{version[1]}-linux-amd64"
        name = package.replace("pulumi-", "pulumi-resource-")
        path = f"pulumi/{package}/releases/download/v{version[1]}/{name}-{file}.tar.gz"
        addresses[package] = _RELEASES + path
    return addresses


def digests(root: Path) -> dict[str, str]:
    """SHA-256 by package. Raises Stopped where the lock lacks one."""
    lines = [line for line in (root / LOCK).read_text().splitlines() if line and not line.startswith("#")]
    locked = {address: digest for digest, address in (line.split() for line in lines)}
    missing = [address for address in archives(root).values() if address not in locked]
    if missing:
        raise Stopped(
            f"{LOCK} has no digest of {', '.join(missing)}, so that nothing is installed; write it by "
            f"`{_LOCKED}`, compare it with the release's page and commit it"
        )
    return {package: locked[address] for package, address in archives(root).items()}


def install(root: Path, home: Path, environment: Mapping[str, str]) -> Path:
    """Installs the command line and the providers into `home` (as PULUMI_HOME), for the job's later steps too; returns
    the program. Raises Stopped; where one archive has another digest nothing is unpacked."""
    expected, addresses = digests(root), archives(root)
    content = {package: _checked(addresses[package], expected[package]) for package in addresses}
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(content["pulumi"])) as archive:
            archive.extractall(folder, filter="data")
        shutil.rmtree(home / "bin", ignore_errors=True)
        shutil.copytree(Path(folder) / "pulumi", home / "bin")
        program = home / "bin" / "pulumi"
        for name in PROVIDERS:
            version = re.search(r"/v([\d.]+)/", addresses[f"pulumi-{name}"])
            file = Path(folder) / f"{name}.tar.gz"
            file.write_bytes(content[f"pulumi-{name}"])
            _plugin(program, home, name, version[1] if version else "", file)
    _tell(environment, "GITHUB_PATH", str(home / "bin"))
    # A plugin that is missing fails the job, and is not fetched beside the lock:
    # https://www.pulumi.com/docs/iac/cli/environment-variables/
    _tell(environment, "GITHUB_ENV", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true")
    return program


def _checked(address: str, expected: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=300) as answer:
            content: bytes = answer.read()
    except OSError as error:
        raise Stopped(f"{address}: {error}") from error
    if (actual := hashlib.sha256(content).hexdigest()) != expected:
        raise Stopped(f"{address} has the digest {actual}, and {LOCK} says {expected}")
    return content


def _plugin(program: Path, home: Path, name: str, version: str, file: Path) -> None:
    command = [str(program), "plugin", "install", "resource", name, version, "--file", str(file)]
    environment = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        reason = error.stderr if isinstance(error, subprocess.CalledProcessError) else error
        raise Stopped(f"pulumi-{name} {version} was not installed: {reason}") from error


def _tell(environment: Mapping[str, str], variable: str, line: str) -> None:
    if file := environment.get(variable):
        with Path(file).open("a") as to:
            to.write(line + "\n")


def lock(root: Path) -> list[str]:
    """Writes the lock by what GitHub knows of the releases' files; returns its lines. Raises Stopped."""
    lines = [f"{_digest(address)}  {address}" for address in archives(root).values()]
    comment = (root / LOCK).read_text().splitlines()[0]
    (root / LOCK).write_text("\n".join([comment, *lines]) + "\n")
    return lines


def _digest(address: str) -> str:
    repository, _, rest = address.removeprefix(_RELEASES).partition("/releases/download/")
    tag, _, file = rest.partition("/")
    try:
        with urllib.request.urlopen(f"{_API}{repository}/releases/tags/{tag}", timeout=60) as answer:
            assets: list[dict[str, Any]] = json.loads(answer.read())["assets"]
    except OSError as error:
        raise Stopped(f"the release {tag} of {repository}: {error}") from error
    digest = next((str(asset.get("digest")) for asset in assets if asset.get("name") == file), "")
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise Stopped(f"GitHub has no digest of {file} in the release {tag} of {repository}")
    return digest.removeprefix("sha256:")
