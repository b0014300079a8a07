"""The embedded cloud as a process in the background of one clone, and the folder `.tributary/` it lives in.

    .tributary/lock        locked by whoever starts or stops something in this clone
    .tributary/cloud.json  the process: pid, when it began, its ready line and the secret of the run
    .tributary/cloud.log   what it printed
    .tributary/cloud/      its state
    .tributary/stack/      Pulumi's workspace and state of the `local` stack, worth only what that cloud is

Nobody but the user may enter the folder (0700) or read cloud.json (0600).

A process is of this clone when it is alive, began when the file says, and has the clone's state folder in its
command: a stale file whose pid the system gave to another process leads to nothing. Raises `CloudError` when the
cloud does not get ready within `READY_WITHIN` seconds, with the end of its log.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from local import secret
from local.engine import session

READY_WITHIN = 90.0  # seconds; it takes less than one when the machine is idle
STOPPED_WITHIN = 15.0
BUSY_FOR = 60.0  # one that has ended refuses at once; one that is busy answers late


class CloudError(RuntimeError):
    """The embedded cloud did not start."""


@dataclass(frozen=True)
class Clone:
    """A clone of the repository and its run folder."""

    root: Path

    @property
    def folder(self) -> Path:
        """Where all of a clone's state is."""
        return self.root / ".tributary"

    @property
    def record(self) -> Path:
        """The file that says which processes run, and where."""
        return self.folder / "cloud.json"

    def running(self) -> dict[str, Any] | None:
        """The ready line of this clone's cloud and its secret, if that cloud runs and answers."""
        recorded = self._recorded()
        ready = recorded.get("ready")
        if not (ready and is_of_this_clone(recorded, self.folder) and answers(ready["endpoint"])):
            return None
        return self._known(ready)

    def start(self) -> dict[str, Any]:
        """Starts a new cloud, which is empty: what Pulumi remembers of an earlier one goes.

        Gives what the ready line says, and the run's new `secret`. Interrupted, it leaves no process behind.
        """
        self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for stale in ("cloud", "stack"):
            shutil.rmtree(self.folder / stale, ignore_errors=True)
        (self.folder / "cloud").mkdir(parents=True)
        log = self.folder / "cloud.log"
        with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as other:
            port, gcp_port = free.getsockname()[1], other.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "local.cloud",
            "--port",
            str(port),
            "--state",
            str(self.folder / "cloud"),
            "--gcp-port",
            str(gcp_port),
        ]
        new_secret = secret.fresh()
        # Its children (the functions' workers) stay in its session and are found by it when it is stopped.
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=self.root, start_new_session=True,
                                       stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT,
                                       env={**os.environ, secret.VARIABLE: new_secret})  # fmt: skip
        try:
            recorded: dict[str, Any] = {"pid": process.pid, "began": began(process.pid)}
            self._record(recorded)
            recorded["ready"] = self._ready(process, log) | {"secret": new_secret}
            self._record(recorded)
        except BaseException:
            end(process.pid)
            process.wait()
            raise
        return self._known(recorded["ready"])

    def stop(self) -> bool:
        """Stops this clone's cloud and nothing else; False when there was none."""
        recorded = self._recorded()
        alive = is_of_this_clone(recorded, self.folder)
        if alive:
            end(recorded["pid"])
        self.record.unlink(missing_ok=True)
        return alive

    def write_outputs(self, outputs: dict[str, Any]) -> None:
        """Keeps the stack's outputs for `status`, which then needs no engine."""
        (self.folder / "stack" / "outputs.json").write_text(json.dumps(outputs))

    def outputs(self) -> dict[str, Any] | None:
        """The stack's outputs, or None where it is not up."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.folder / "stack" / "outputs.json").read_text())
        return None

    def _known(self, ready: dict[str, Any]) -> dict[str, Any]:
        for endpoint in {ready["endpoint"], ready.get("gcp") or ready["endpoint"]}:
            secret.remember(endpoint, ready.get("secret", ""))
        return ready

    def _record(self, recorded: dict[str, Any]) -> None:
        self.record.touch(0o600)
        self.record.chmod(0o600)
        self.record.write_text(json.dumps(recorded))

    def _recorded(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            recorded: Any = json.loads(self.record.read_text())
            if _has(recorded, "pid") and isinstance(recorded["pid"], int):
                return recorded
        return {}

    def _ready(self, process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
        deadline = time.monotonic() + READY_WITHIN
        while process.poll() is None and time.monotonic() < deadline:
            for line in log.read_text(errors="replace").splitlines():
                with contextlib.suppress(ValueError):
                    ready: Any = json.loads(line)
                    if _has(ready, "endpoint"):
                        return ready
            time.sleep(0.05)
        why = (
            f"ended with {process.returncode}"
            if process.returncode is not None
            else f"is not up in {READY_WITHIN} s"
        )
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise CloudError(f"the embedded cloud {why}; {log} ends with:\n{tail}")


def _has(value: Any, key: str) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and key in value


def began(pid: int) -> str:
    """The start of a process, by which it differs from a later one of the same pid; empty when there is none."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    return _ps(pid, "lstart")


def is_of_this_clone(recorded: dict[str, Any], folder: Path) -> bool:
    """Whether the recorded process is alive and is the cloud of this folder."""
    pid = recorded.get("pid", 0)
    if not pid or not recorded.get("began") or began(pid) != recorded["began"]:
        return False
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        command = _ps(pid, "command")
    return "local.cloud" in command and str(folder) in command


def _ps(pid: int, field: str) -> str:
    with contextlib.suppress(OSError):
        return subprocess.run(["ps", "-o", f"{field}=", "-p", str(pid)],
                              check=False, capture_output=True, text=True).stdout.strip()  # fmt: skip
    return ""


def answers(endpoint: str) -> bool:
    """Whether something answers HTTP at an address, whatever it says."""
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(endpoint, timeout=BUSY_FOR).close()
    except urllib.error.HTTPError:
        return True  # an error of the service is an answer
    except OSError:
        return False
    return True


def end(pid: int) -> None:
    """SIGTERM to the cloud, which takes its workers with it; what is left of its session is killed."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOPPED_WITHIN
        while time.monotonic() < deadline and _alive(pid):
            time.sleep(0.05)
    for left in {pid, *session(pid)} if _alive(pid) else session(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(left, signal.SIGKILL)


def _alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child of ours that has ended is a pid still until it is waited for
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
