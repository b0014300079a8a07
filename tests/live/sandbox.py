"""A sandbox account in which a life is recorded, or the embedded cloud in its place."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.live.answers import FOLDER, Recorder
from tests.live.lives import LIVES

SHOWN = "111111111111"  # the account that a recorded file shows


def record(
    name: str, client: Callable[[str], Any], account: str, endpoint: str = "aws", folder: Path = FOLDER
) -> Path:
    """Runs the life in the account and returns the file of what was answered. Whatever the life made is destroyed
    however it ends, newest first, and what cannot be destroyed is raised after all the rest is gone. Its calls to
    destroy are recorded too. A life that failed leaves no file."""
    recorder = Recorder({account: SHOWN})
    clients: dict[str, Any] = {}

    def recorded(service: str) -> Any:
        if service not in clients:
            clients[service] = recorder.on(client(service))
        return clients[service]

    with ExitStack() as undo:
        LIVES[name](recorded, f"tributary-live-{uuid.uuid4().hex[:8]}", undo)
    return recorder.write(name, endpoint, folder)
