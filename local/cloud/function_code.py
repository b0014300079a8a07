"""A function's code is unpacked once, not for each worker of each cloud: all share a folder of the cache.

A worker then starts without writing some hundred files, and without compiling each module anew: the byte code that the
first worker leaves beside the modules is there for the next. In Lambda no function can write there
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). The `FOLDERS` used last stay.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from types import SimpleNamespace

from local import cache

from .seams import lambda_runtime

FOLDERS = 30
"""How many the cache holds: those of the functions of two clones, and some of before."""


def folder() -> Path:
    """Where they are."""
    return cache.folder() / "function-code"


def forget_unused() -> None:
    """Deletes what was unpacked but the `FOLDERS` used last: each change of a handler makes another. What is deleted
    loses its name first: broken off, it is nobody's code any more, and goes when its turn comes again."""
    uses: list[tuple[float, Path]] = []
    for path in folder().iterdir():
        with contextlib.suppress(FileNotFoundError):  # another cloud forgets, too
            uses.append((path.stat().st_mtime, path))
    for _, path in sorted(uses, reverse=True)[FOLDERS:]:
        nameless = path.with_name(f"{path.name}.gone")
        with contextlib.suppress(OSError):
            path.rename(nameless)
        shutil.rmtree(nameless, ignore_errors=True)


class Archive(zipfile.ZipFile):
    """An archive of a function's code, or of a layer."""

    def extractall(
        self,
        path: str | PathLike[str] | None = None,
        members: Iterable[str | zipfile.ZipInfo] | None = None,
        pwd: bytes | None = None,
    ) -> None:
        """Makes of `path`, an empty folder, a link to the folder that has the content of such an archive, which is
        unpacked where none like it was before. Raises what `zipfile` does."""
        if path is None or members is not None or pwd is not None or not self.filename:
            super().extractall(path, members, pwd)
            return
        place = Path(path)
        unpacked = self._unpacked(Path(self.filename))
        place.rmdir()
        place.symlink_to(unpacked, target_is_directory=True)

    def _unpacked(self, archive: Path) -> Path:
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        unpacked = folder() / digest
        if not unpacked.exists():
            folder().mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=folder()))
            super().extractall(fresh)
            try:
                fresh.rename(unpacked)
            except OSError:  # another worker's is there, which may be in use already
                if not unpacked.exists():
                    raise
                shutil.rmtree(fresh)
            forget_unused()
        os.utime(unpacked)
        return unpacked


def install() -> None:
    """Has workers unpack by this."""
    lambda_runtime.archives.replace(SimpleNamespace(**vars(zipfile) | {"ZipFile": Archive}))
