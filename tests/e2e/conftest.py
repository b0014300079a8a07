"""The embedded cloud and the local stack on it, in a clone of the work tree in the temporary folder.

They are there once for all tests, are brought up by the command that a user types, and end with the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from local import background, cache
from tests.order import end_with_group
from tests.typed import as_yaml

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "__main__.py",
    "Pulumi.yaml",
    "Pulumi.local.yaml",
    "bootstrap",
    "components",
    "delivery",
    "delivery.yaml",
    "handlers",
    "operate",
    "policy",
    "local",
    "pyproject.toml",
)
LEAK = "AKIALEAKLEAKLEAK0001"
ORDERS = 12_000
WAKING = {"TRIBUTARY_AOSS_WAKING": "503", "TRIBUTARY_AOSS_COLD": "1"}
"""How a collection that sleeps answers: a refusal, which no page has and none rules out, then late."""
CHANGES = """
import json, sys
from pathlib import Path
from local import engine, stack
from local.background import Clone
root, operation = Path(sys.argv[1]), sys.argv[2]
clone = Clone(root)
log = open(root / "operation.log", "a")
found = getattr(stack.LocalStack(root, clone.folder, engine.find(), clone.running(),
                                 lambda line: print(line, file=log, flush=True)), operation)()
print(json.dumps(found), flush=True)
import os; os._exit(0)
"""


@dataclass(frozen=True)
class Run:
    """A clone in which the two commands are run as a user runs them."""

    root: Path

    @property
    def clone(self) -> background.Clone:
        """The clone's processes."""
        return background.Clone(self.root)

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        """Starts Python in the clone."""
        if (
            signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        ):  # as for a job in the background: it is inherited
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return subprocess.Popen(
            [sys.executable, "-P", *command], cwd=self.root, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(self.root), "TRIBUTARY_CACHE": str(cache.folder())}
            | environment,
        )  # fmt: skip

    def local(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`python -m local …` in the clone, once it has ended."""
        process = self.start("-m", "local", *arguments, **environment)
        out, err = process.communicate(timeout=900)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def operation(self, name: str) -> str:
        """`preview` or `up` of the stack alone; what it returns, as JSON."""
        process = self.start("-c", CHANGES, str(self.root), name)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, (self.root / "operation.log").read_text() + out + err
        return out.splitlines()[-1]

    def edit(self, path: str, pattern: str, replacement: str) -> None:
        """Replaces the first match of a pattern in a file of the clone."""
        text = (self.root / path).read_text()
        changed = re.sub(pattern, replacement, text, count=1)
        assert changed != text, f"{path} holds nothing like {pattern}"
        (self.root / path).write_text(changed)

    def ahead(self, seconds: float | None, of: str = "") -> None:
        """Puts the time of the embedded AWS (of the embedded Google Cloud: `gcp`) so many seconds ahead; None: it is
        the machine's again."""
        clock = self.clone.folder / "cloud" / of / "clock"
        if seconds is None:
            clock.unlink(missing_ok=True)
        else:  # in one step: the cloud reads it at any moment; Google's may have had no call yet
            clock.parent.mkdir(mode=0o700, exist_ok=True)
            clock.with_name("clock.new").write_text(str(seconds))
            clock.with_name("clock.new").replace(clock)

    def asleep(self, aoss: Any) -> dict[str, float]:
        """Puts the time so far ahead that the collections of generation `nextgen` sleep; their units by part, which an
        account's client for OpenSearch Serverless sees. A write on its way wakes them once more: then further."""
        file, there = self.clone.folder / "cloud" / "clock", dict[str, float]()
        for hour in range(1, 6):
            before = float(file.read_text()) if file.exists() else 0.0
            self.ahead(before + 3600)
            if not any((there := units(aoss)).values()):
                break
            time.sleep(hour)
        return there

    def keep(self, *names: str, tables: Sequence[str] = (), **changes: object) -> None:
        """Leaves these pipelines of the local stack, with these keys changed; of an export only these DynamoDB tables,
        where some are named."""
        file = self.root / "Pulumi.local.yaml"
        settings = yaml.safe_load(file.read_text())
        kept = {name: settings["config"]["tributary:pipelines"][name] | changes for name in names}
        for pipeline in kept.values():
            if tables and "sources" in pipeline:
                pipeline["sources"] = [
                    source for source in pipeline["sources"] if source.get("dynamodb") in tables
                ]
        sources = [source for pipeline in kept.values() for source in pipeline.get("sources", ())]
        if not any(source.get("format") == "iceberg" for source in sources):
            for pipeline in kept.values():
                for args in (pipeline, pipeline.get("catalog")):
                    if isinstance(args, dict):
                        for key in ("past_days", "merge_beyond", "compact_after"):
                            cast("dict[str, Any]", args).pop(key, None)
        settings["config"]["tributary:pipelines"] = kept
        file.write_text(as_yaml(settings, sort_keys=False))

    def processes(self) -> list[str]:
        """The commands of all processes that know this clone's folder."""
        processes: list[str] = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                place = str((folder / "cwd").readlink())
                if int(folder.name) != os.getpid() and (
                    str(self.root) in command or place.startswith(str(self.root))
                ):
                    processes.append(command)
            except OSError:
                continue
        return processes


def units(aoss: Any) -> dict[str, float]:
    """The units of an account's only collection group, by part; no request to a collection, so that none wakes."""
    [group] = aoss.list_collection_groups()["collectionGroupSummaries"]
    [detail] = aoss.batch_get_collection_group(ids=[group["id"]])["collectionGroupDetails"]
    return {part: detail["currentCapacity"][part]["capacityInOcu"] for part in ("indexing", "search")}


def clone_into(folder: Path) -> Run:
    """A copy of what a clone holds; the interpreter is this one's. Compiled modules come along, as they do not change;
    not the handlers', whose folders are deployed."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            compiled = shutil.ignore_patterns("__pycache__") if part == "handlers" else None
            shutil.copytree(ROOT / part, folder / part, ignore=compiled)
        elif (ROOT / part).exists():
            shutil.copyfile(ROOT / part, folder / part)
    return Run(folder)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Run]:
    """A clone in which nothing runs; whatever the test leaves is stopped."""
    run = clone_into(tmp_path)
    yield run
    run.clone.stop()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Run]:
    """A clone after `make up` in the shell of somebody who is signed in to everything; up.log has what it printed."""
    run = clone_into(tmp_path_factory.mktemp("clone"))
    # Three files of an export, and several pages of whatever is read in pages; four times as many show no more.
    run.edit("local/samples/export.py", '"orders": 50_000', f'"orders": {ORDERS:_}')
    # One that sleeps, so that ingestion and its readers meet that as well.
    run.edit(
        "Pulumi.local.yaml",
        r"collection: \{standby_replicas: false, readers",
        "collection: {generation: nextgen, readers",
    )
    end_with_group(pytestconfig, run.clone.stop)
    shared = run.root / "credentials"
    shared.write_text(f"[default]\naws_access_key_id = {LEAK}\naws_secret_access_key = {LEAK}\n")
    os.utime(shared, ns=(0, shared.stat().st_mtime_ns))  # reading it would show
    signed_in = {
        **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), LEAK),
        **dict.fromkeys(("AWS_SHARED_CREDENTIALS_FILE", "GOOGLE_APPLICATION_CREDENTIALS"), str(shared)),
        "AWS_PROFILE": "nobody",
        "PULUMI_ACCESS_TOKEN": LEAK,
        **WAKING,
        **dict.fromkeys(("AWS_ENDPOINT_URL", "HTTP_PROXY"), "http://127.0.0.1:9"),
    }
    try:
        done = run.local("up", **signed_in)
        (run.root / "up.log").write_text(done.stdout + done.stderr)
        assert done.returncode == 0, done.stdout + done.stderr
        yield run
    finally:
        run.clone.stop()
