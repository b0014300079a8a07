"""A function's code is unpacked once, not for each of its workers, which share it.

A worker then starts without writing some hundred files, and without compiling each module anew: the byte code that the
first worker leaves beside the modules is there for the next. In Lambda no function can write there
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
"""

import hashlib
import tempfile
import zipfile
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from types import SimpleNamespace

from .seams import lambda_runtime

FOLDER = "function-code"


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
        folder = Path(tempfile.gettempdir(), FOLDER)
        folder.mkdir(exist_ok=True)
        unpacked = folder / digest
        if not unpacked.exists():
            fresh = Path(tempfile.mkdtemp(dir=folder))
            super().extractall(fresh)
            try:
                fresh.rename(unpacked)
            except OSError:  # another worker's is there, which may be in use already
                if not unpacked.exists():
                    raise
        return unpacked


def install() -> None:
    """Has workers unpack by this."""
    lambda_runtime.archives.replace(SimpleNamespace(**vars(zipfile) | {"ZipFile": Archive}))
