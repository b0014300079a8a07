"""Work that goes on behind an answered request: an export, a batch job, the events of each new day."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("tributary.cloud")
running: set[asyncio.Task[None]] = set()  # the loop keeps only a weak reference


def in_background(work: Coroutine[Any, Any, None]) -> None:
    """Runs it on the cloud's loop. Its error, which nobody awaits, goes into the cloud's log."""
    task = asyncio.get_running_loop().create_task(work)
    running.add(task)
    task.add_done_callback(ended)


def ended(task: asyncio.Task[None]) -> None:
    """Lets go of a task that is over, and logs its error with the traceback; a cancelled task has none."""
    running.discard(task)
    if not task.cancelled() and (error := task.exception()):
        log.error("%s ended with an error", task.get_coro(), exc_info=error)
