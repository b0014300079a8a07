"""Records a life in a sandbox, or in the embedded cloud in its place."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from pathlib import Path

from tests.live.answers import FOLDER
from tests.live.every import LIVES
from tests.live.place import PREFIX, Place, Sandbox


def record(name: str, sandbox: Sandbox, endpoint: str = "aws", folder: Path = FOLDER) -> Path:
    """Lives the life and returns the file of what was answered. Whatever it made is destroyed however it ends, newest
    first, and what cannot be destroyed is raised after all the rest is gone. Its calls to destroy are recorded too. A
    life that failed leaves no file."""
    place = Place(sandbox, f"{PREFIX}{uuid.uuid4().hex[:8]}")
    with ExitStack() as undo:
        LIVES[name].run(place, place.name, undo)
    return place.recorder.write(name, endpoint, folder)
