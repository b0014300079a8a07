"""Builds handlers/<name>/ and its requirements into the zip that Lambda runs. Pure: makes no Pulumi resource.

A bundle is the same to the byte on every machine, so an unchanged handler is no diff in a preview. Paths are
sorted, times and modes fixed, byte code and installers' records left out, and files are stored, not deflated:
zlib's output differs between implementations (zlib, zlib-ng, Apple's), and Pulumi compares a zip by its
bytes.

Requirements: handlers/<name>/requirements.txt lists every package, exact, with hashes; nothing is resolved
here. It is made from requirements.in, where there is one (see `LOCK_COMMAND`). Only wheels for Lambda's
platform are taken; no code of a package runs. boto3 is not bundled: Lambda's runtime has it, and the handlers
use no API shape newer than 2023. One that does adds boto3 to its requirements.in, and its own copy wins (the
bundle comes first on Lambda's sys.path). A folder is a whole function, with the
modules of components/shared/ that it imports, which hold what both sides of a deployment must know, and for a
C file the shipped library of the architecture (decode.c -> decode.so; see libraries.py).

Limits: 50 MB (52,428,800 bytes) for a zip that is uploaded directly (`Bundle.uploads_directly`); a larger one
goes by an object in S3, up to the 250 MB of an unpacked one, which it is as large
as. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (Lambda quotas)

Cache: `bundles` in $TRIBUTARY_CACHE (else $XDG_CACHE_HOME/tributary, else ~/.cache/tributary), one zip and its sha256
per key. The key covers sources, requirements, platform, Python and `VERSION`; of a C file its library, too, and the
record of the compiler, flags and target that this was built with. Both files are put in place by a rename, and two
builders write the same bytes, so they may work at once; an entry that does not match its sha256 is built again. Of a
handler the `ENTRIES` entries that were used last stay.

Errors: `BundleError`, which says what was found and what to write instead.
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import CO_COROUTINE, CO_OPTIMIZED
from pathlib import Path
from types import CodeType

import uv

from components.bundling.libraries import FOLDER, LibraryError, shipped_library

ENTRIES = 20
"""How many bundles of a handler the cache holds: those of some clones, runtimes and architectures."""
VERSION = "1"  # part of the cache's key: raise it when a change here changes a bundle's bytes
HANDLERS = Path(__file__).resolve().parents[2] / "handlers"
SHARED = Path(__file__).resolve().parents[1] / "shared"
LOCK_COMMAND = (
    "uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate "
    "--no-emit-index-url requirements.in -o requirements.txt"
)

# Lambda's Python 3.12 and later run on Amazon Linux 2023, whose glibc is 2.34.
PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
UPLOAD_LIMIT = 50 * 1024 * 1024
ZIP_LIMIT = 250 * 1024 * 1024
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
MODE = 0o100644  # Lambda needs files that every user can read
# What an installer notes differs by installer, version and folder (a console script: the interpreter's path).
INSTALLERS_RECORDS = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}


class BundleError(Exception):
    """A handler that cannot be bundled."""


@dataclass(frozen=True)
class Bundle:
    """A zip for Lambda, in the cache."""

    name: str
    path: Path  # the zip, in the cache
    sha256: str  # of the zip, in hex
    size: int  # of the zip, in bytes
    runtime: str
    architecture: str
    handler: str = "app.handler"

    @property
    def uploads_directly(self) -> bool:
        """Whether it may be sent with the request; a larger zip goes by an object in S3."""
        return self.size <= UPLOAD_LIMIT

    @property
    def code_sha256(self) -> str:
        """The sha256 as Lambda returns it (`CodeSha256`)."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()


def known_handlers(handlers: Path = HANDLERS) -> list[str]:
    """The names of the folders that are handlers."""
    return sorted(app.parent.name for app in handlers.glob("*/app.py"))


def bundle(
    name: str, *, runtime: str = "python3.13", architecture: str = "arm64", handlers: Path = HANDLERS
) -> Bundle:
    """The bundle of handlers/<name>/, from the cache or built now."""
    version = re.fullmatch(r"python(3\.\d+)", runtime)
    if not version:
        raise BundleError(f"runtime {runtime!r} is not a Python of Lambda; write one such as 'python3.13'")
    if architecture not in PLATFORMS:
        raise BundleError(f"architecture {architecture!r} is none of Lambda's; write 'arm64' or 'x86_64'")
    known = known_handlers(handlers)
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise BundleError(
            f"no handler {name!r} (a folder of handlers/ with an app.py). There are: {', '.join(known)}{hint}"
        )

    folder = handlers / name
    sources = _sources(folder)
    _check_entry_point(name, sources["app.py"])
    files = _with_libraries(folder, sources, architecture)
    requirements = _requirements(folder)
    key = _key({**sources, **files}, requirements, PLATFORMS[architecture], version[1])
    cached = _cache() / f"{name}-{key}.zip"
    digest = _verified(cached)
    if digest is None:
        data = _zip(name, files, _packages(name, requirements, PLATFORMS[architecture], version[1]))
        digest = hashlib.sha256(data).hexdigest()
        _write_atomically(cached, data)
        _write_atomically(cached.with_suffix(".sha256"), digest.encode())
    os.utime(cached)
    _forget_unused(cached.parent, name)
    return Bundle(name, cached, digest, cached.stat().st_size, runtime, architecture)


def _cache() -> Path:
    if root := os.environ.get("TRIBUTARY_CACHE"):
        return Path(root).expanduser() / "bundles"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tributary" / "bundles"


def _forget_unused(cache: Path, name: str) -> None:
    """Deletes a handler's bundles but the ENTRIES used last: each change of its code makes another."""
    uses: list[tuple[float, Path]] = []
    for path in cache.glob(f"{name}-*.zip"):
        with suppress(FileNotFoundError):  # another process forgets, too
            uses.append((path.stat().st_mtime, path))
    for _, path in sorted(uses, reverse=True)[ENTRIES:]:
        path.with_suffix(".sha256").unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _files(folder: Path, left_out: Callable[[tuple[str, ...]], bool]) -> dict[str, bytes]:
    """Path (with '/', relative) -> content of every file below folder but byte code and hidden files."""
    contents: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") or part == "__pycache__" for part in parts) or not path.is_file():
            continue
        if path.suffix not in {".pyc", ".pyo"} and not path.name.endswith("~") and not left_out(parts):
            contents["/".join(parts)] = path.read_bytes()
    return contents


def _sources(folder: Path) -> dict[str, bytes]:
    # A library beside the C file is for the machine of whoever built it.
    left_out = {"requirements.txt", "requirements.in"}
    own = _files(folder, lambda parts: parts[0] in left_out or parts[-1].endswith(".so"))
    return own | _shared(own)


def _shared(sources: dict[str, bytes]) -> dict[str, bytes]:
    """The modules of components/shared/ that these sources import, and those that they import in turn."""
    imported: dict[str, bytes] = {}
    waiting = list(sources.items())
    while waiting:
        path, content = waiting.pop()
        pattern = rb"^\s*(?:from|import)\s+(\w+)"
        names = re.findall(pattern, content, re.MULTILINE) if path.endswith(".py") else []
        for module in {f"{name.decode()}.py" for name in names} - imported.keys() - sources.keys():
            if (SHARED / module).is_file():
                imported[module] = (SHARED / module).read_bytes()
                waiting.append((module, imported[module]))
    return imported


def _with_libraries(folder: Path, sources: dict[str, bytes], architecture: str) -> dict[str, bytes]:
    """The sources with each C file replaced by its library for Lambda's architecture."""
    built: dict[str, bytes] = {}
    for path, content in sources.items():
        if path.endswith(".c"):
            try:
                built[path[:-2] + ".so"] = shipped_library(folder / path, architecture)
            except LibraryError as error:
                raise BundleError(f"handlers/{folder.name}/{path}: {error}") from error
        elif not path.startswith(f"{FOLDER}/"):
            built[path] = content
    return built


def _requirements(folder: Path) -> bytes:
    lock = folder / "requirements.txt"
    if (folder / "requirements.in").exists() and not lock.exists():
        raise BundleError(
            f"handlers/{folder.name} has a requirements.in and no requirements.txt; run there: {LOCK_COMMAND}"
        )
    return lock.read_bytes() if lock.exists() else b""


def _check_entry_point(name: str, app: bytes) -> None:
    # Compiled, not made into a tree: before Python 3.11.8 `ast.parse` fails where a traceback is written meanwhile, by
    # another thread or by what is collected (https://github.com/python/cpython/issues/106905).
    try:
        constants = compile(app, f"handlers/{name}/app.py", "exec", dont_inherit=True).co_consts
    except SyntaxError as error:
        raise BundleError(f"handlers/{name}/app.py line {error.lineno} is not Python: {error.msg}") from error
    plain = CO_OPTIMIZED  # a function's code; a class's has not this flag, and a coroutine's has another one as well
    if not any(
        isinstance(code, CodeType)
        and code.co_name == "handler"
        and code.co_flags & (plain | CO_COROUTINE) == plain
        for code in constants
    ):
        raise BundleError(
            f"handlers/{name}/app.py has no function 'handler'; Lambda calls app.handler(event, context)"
        )


def _key(sources: dict[str, bytes], requirements: bytes, platform: str, python: str) -> str:
    hashed = hashlib.sha256()
    # By their paths: the order in which shared modules are found is another one in each process.
    in_order = sorted(sources.items())
    for part in (VERSION, platform, python, requirements, *(x for pair in in_order for x in pair)):
        content = part.encode() if isinstance(part, str) else part
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        hashed.update(len(content).to_bytes(8, "big") + content)
    return hashed.hexdigest()[:32]


def _packages(name: str, requirements: bytes, platform: str, python: str) -> dict[str, bytes]:
    """What the requirements install, for Lambda's platform whatever machine this is."""
    if not re.search(rb"^\s*[^#\s]", requirements, re.MULTILINE):
        return {}
    with tempfile.TemporaryDirectory(prefix="tributary-bundle-") as scratch:
        lock, target = Path(scratch, "requirements.txt"), Path(scratch, "target")
        lock.write_bytes(requirements)
        command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable]
        command += ["--target", str(target), "--requirements", str(lock), "--require-hashes", "--no-deps"]
        command += ["--python-platform", platform, "--python-version", python, "--only-binary", ":all:"]
        # In the scratch folder, so that no project's settings of uv are found.
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
        if done.returncode:
            output = done.stderr.strip().replace(scratch, f"handlers/{name}")
            raise BundleError(
                f"the requirements of handlers/{name} do not install for {platform}, Python {python}: "
                f"{output}\n"
                "Every package needs an exact version, its hashes and a wheel for that platform; "
                f"after a change of requirements.in run in that folder: {LOCK_COMMAND}"
            )
        return _files(
            target,
            lambda parts: (
                parts[0] == "bin" or (parts[0].endswith(".dist-info") and parts[-1] in INSTALLERS_RECORDS)
            ),
        )


def _zip(name: str, sources: dict[str, bytes], packages: dict[str, bytes]) -> bytes:
    def tops(paths: Iterable[str]) -> set[str]:
        return {path.split("/")[0].removesuffix(".py") for path in paths}

    if both := tops(sources) & tops(packages):
        raise BundleError(
            f"handlers/{name} has its own {min(both)!r}, and so has a package it requires; rename it"
        )
    with tempfile.SpooledTemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for path, content in sorted({**sources, **packages}.items()):
                entry = zipfile.ZipInfo(path, EPOCH)
                entry.create_system = 3  # Unix, also when made on Windows
                entry.external_attr = MODE << 16
                archive.writestr(entry, content)
        if file.tell() > ZIP_LIMIT:
            raise BundleError(_too_big(name, file.tell(), {**sources, **packages}))
        file.seek(0)
        return file.read()


def _too_big(name: str, size: int, files: dict[str, bytes]) -> str:
    weights: dict[str, int] = {}
    for path, content in files.items():
        top = path.split("/")[0]
        weights[top] = weights.get(top, 0) + len(content)
    heaviest = sorted(weights, key=lambda top: -weights[top])[:3]
    return (
        f"the bundle of handlers/{name} has {size:,} bytes; Lambda takes {ZIP_LIMIT:,}. Heaviest: "
        + ", ".join(f"{top} ({weights[top]:,})" for top in heaviest)
        + ". Require less, or move the work to a service made for it"
    )


def _verified(cached: Path) -> str | None:
    """The sha256 of a sound cache entry; None when there is none or it is damaged."""
    try:
        digest = hashlib.sha256(cached.read_bytes()).hexdigest()
        return digest if cached.with_suffix(".sha256").read_text() == digest else None
    except (OSError, UnicodeDecodeError):
        return None


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
