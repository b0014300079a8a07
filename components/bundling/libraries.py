"""A handler's C as the repository ships it: a shared library for each of Lambda's architectures.

decode.c beside a handler's app.py has two libraries in libraries/ there, decode.arm64.so and decode.x86_64.so, and
decode.json, which names what they were built of and with: the source's sha256, the compiler with its version, flags and
target, and each library's sha256. So a deployment needs no compiler, and two machines make the same function.
`python -m components.bundling.c_compiler` writes all three.

It is plain C behind ctypes, without Python's API, so one library serves every Python of an architecture.

Errors: `LibraryError`, for a library that is missing, damaged, or built of another source.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

FOLDER = "libraries"
BUILD = "python -m components.bundling.c_compiler"


class LibraryError(Exception):
    """A C file without a sound library; says which command makes it."""


def c_files(handlers: Path) -> Iterable[Path]:
    """The C files of the handlers, sorted."""
    return sorted(handlers.glob("*/*.c"))


def library_path(source: Path, architecture: str) -> Path:
    """Where the library of a C file stands."""
    return source.parent / FOLDER / f"{source.stem}.{architecture}.so"


def record_path(source: Path) -> Path:
    """Where the record of its libraries stands."""
    return source.parent / FOLDER / f"{source.stem}.json"


def shipped_library(source: Path, architecture: str) -> bytes:
    """The library of a C file for `architecture` ('arm64' or 'x86_64'), its digest and its source's checked."""
    try:
        record = json.loads(record_path(source).read_text())
        library = library_path(source, architecture).read_bytes()
        source_sha256, sha256 = record["source_sha256"], record["libraries"][architecture]["sha256"]
    except FileNotFoundError as error:
        raise LibraryError(f"{Path(str(error.filename)).name} is not in {FOLDER}/; run: {BUILD}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise LibraryError(
            f"{FOLDER}/{source.stem}.json is not a record of libraries; run: {BUILD}"
        ) from error
    if hashlib.sha256(source.read_bytes()).hexdigest() != source_sha256:
        raise LibraryError(f"it has changed since its libraries were built; run: {BUILD}")
    if hashlib.sha256(library).hexdigest() != sha256:
        raise LibraryError(
            f"{FOLDER}/{source.stem}.{architecture}.so has not the sha256 in {source.stem}.json: it is damaged, or "
            f"another's. Take it from git again (git checkout -- {FOLDER}/), or build it anew: {BUILD}"
        )
    return library
