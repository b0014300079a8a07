"""One embedded cloud per test module, on a free port."""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import secret
from tests.contract.embedded_cloud import SECRET, Cloud
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An embedded cloud for the module, and its log."""
    state = tmp_path_factory.mktemp("cloud")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = state / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.cloud", "--port", str(port), "--state", str(state)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, secret.VARIABLE: SECRET, "AWS_SESSION_TOKEN": "of-the-host"},
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text()
            assert json.loads(line) == {"endpoint": f"http://127.0.0.1:{port}"}
            yield Cloud(port, log)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


@pytest.fixture(scope="module")
def widens() -> Callable[[str, str], bool]:
    """The catalog function's own rule: whether it lets a published column become another type."""
    folder = str(ROOT / "handlers" / "catalog")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("publishing").widens
    finally:
        sys.path.remove(folder)
