"""Compiles a handler's C file for Lambda's architecture, on whatever machine this is. Pure: makes no resource.

A C file beside a handler's app.py becomes a shared library of the same name in its bundle (decode.c -> decode.so).
It is plain C behind ctypes, without Python's API, so one library serves every Python of an architecture. The
compiler is zig's C compiler from the package `ziglang`: one wheel holds compiler, linker and the C libraries of
every target, and the same input gives the same bytes.
glibc 2.17 (manylinux2014) is older than that of any Lambda runtime.

Errors: `CompileError`, with the compiler's words.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TARGETS = {"arm64": "aarch64-linux-gnu.2.17", "x86_64": "x86_64-linux-gnu.2.17"}
FLAGS = ["-O3", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-s"]


class CompileError(Exception):
    """C that does not compile, or no compiler."""


def shared_library(name: str, source: bytes, architecture: str) -> bytes:
    """`name` is for messages and, being in the library, the same wherever the source stands."""
    if not importlib.util.find_spec("ziglang"):
        raise CompileError(f"{name} needs a C compiler; install the package 'ziglang'")
    with tempfile.TemporaryDirectory(prefix="tributary-compile-") as scratch:
        Path(scratch, name).write_bytes(source)
        library = Path(scratch, "library.so")
        command = [sys.executable, "-m", "ziglang", "cc", "-target", TARGETS[architecture], *FLAGS]
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
            raise CompileError(f"{name} does not compile for {architecture}: {done.stderr.strip()}")
        return library.read_bytes()
