"""Builds the shipped libraries of handlers' C files (libraries.py), for both of Lambda's architectures on any machine.

    python -m components.bundling.c_compiler            builds them anew and writes their digests
    python -m components.bundling.c_compiler --check    builds them in a scratch folder; fails where a byte differs

For developers and CI: a deployment takes what is shipped. The compiler is zig's C compiler from the package
`ziglang`, at exactly `COMPILER`: one wheel holds compiler, linker and the C libraries of every target, and the same
input gives the same bytes on every machine. glibc 2.17 (manylinux2014) is older than that of any Lambda runtime.

Errors: `CompileError`, with the compiler's words.
"""

import argparse
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from components.bundling.libraries import c_files, library_path, record_path, shipped_library

COMPILER = "0.17.1"  # of the package ziglang; pyproject.toml pins the same
TARGETS = {"arm64": "aarch64-linux-gnu.2.17", "x86_64": "x86_64-linux-gnu.2.17"}
FLAGS = ["-O3", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-s"]
HANDLERS = Path(__file__).resolve().parents[2] / "handlers"


class CompileError(Exception):
    """C that does not compile, or no compiler of the pinned version."""


def compile_library(name: str, source: bytes, target: str) -> bytes:
    """The shared library of `source` for a target of zig's, such as 'aarch64-linux-gnu.2.17'.

    `name` is for messages and, being in the library, the same wherever the source stands.
    """
    try:
        installed = importlib.metadata.version("ziglang")
    except importlib.metadata.PackageNotFoundError:
        installed = "none"
    if installed != COMPILER:
        raise CompileError(
            f"{name} needs the package ziglang {COMPILER}, and here is {installed}; run local/setup.sh"
        )
    with tempfile.TemporaryDirectory(prefix="tributary-compile-") as scratch:
        Path(scratch, name).write_bytes(source)
        library = Path(scratch, "library.so")
        command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *FLAGS]
        # Run in the scratch folder with a relative name: no path of this machine gets into the library.
        done = subprocess.run(
            [*command, "-o", library.name, name],
            cwd=scratch,
            env={**os.environ, "ZIG_LOCAL_CACHE_DIR": str(Path(scratch, "zig"))},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CompileError(f"{name} does not compile for {target}: {done.stderr.strip()}")
        return library.read_bytes()


def host_library(source: Path) -> bytes:
    """The library that this machine can load: the shipped one on Linux, compiled now on macOS."""
    architecture = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower(), "x86_64")
    if sys.platform == "linux":
        return shipped_library(source, architecture)
    target = {"arm64": "aarch64-macos", "x86_64": "x86_64-macos"}[architecture]
    return compile_library(source.name, source.read_bytes(), target)


def built(source: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The libraries of a C file by architecture, and the record of what they were built of and with."""
    content = source.read_bytes()
    libraries = {name: compile_library(source.name, content, target) for name, target in TARGETS.items()}
    record = {
        "source_sha256": hashlib.sha256(content).hexdigest(),
        "compiler": f"ziglang {COMPILER}",
        "flags": FLAGS,
        "libraries": {
            name: {"target": TARGETS[name], "sha256": hashlib.sha256(library).hexdigest()}
            for name, library in libraries.items()
        },
    }
    return libraries, record


def contents(source: Path) -> dict[Path, bytes]:
    """What `source` has in libraries/: path -> bytes."""
    libraries, record = built(source)
    text = json.dumps(record, indent=2) + "\n"
    return {library_path(source, name): library for name, library in libraries.items()} | {
        record_path(source): text.encode()
    }


def main(arguments: list[str] | None = None, handlers: Path = HANDLERS) -> int:
    """Builds every library, or compares them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m components.bundling.c_compiler", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a byte differs")
    check = parser.parse_args(arguments).check
    different: list[str] = []
    for source in c_files(handlers):
        for path, content in contents(source).items():
            if path.is_file() and path.read_bytes() == content:
                continue
            different.append(str(path.relative_to(handlers.parent)))
            if not check:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
    for path in different:
        print(f"{path}: {'is not what its source gives' if check else 'written'}")
    return 1 if check and different else 0


if __name__ == "__main__":
    sys.exit(main())
