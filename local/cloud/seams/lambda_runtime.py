"""Of ministack: Lambda's workers."""

import queue
import subprocess
from collections.abc import Callable
from typing import Any, Protocol

from ministack.core import lambda_runtime as service

from .parts import Record, Replaceable

execution_credentials: Replaceable[Callable[[Record], dict[str, str]]] = Replaceable(
    service, "execution_credentials"
)
"""Of a function's configuration."""
reset: Callable[[], None] = service.reset
"""Ends the workers."""
archives: Replaceable[Any] = Replaceable(service, "zipfile")
"""The standard library's module, by which workers unpack a function's code and its layers."""


class Worker(Protocol):
    """A process in which a function runs, one invocation after another."""

    @property
    def _proc(self) -> subprocess.Popen[str]: ...
    @property
    def _stderr_queue(self) -> queue.Queue[str]:
        """The lines that it printed, as they were read."""
        ...


keep_reading: Replaceable[Callable[[Worker], None]] = Replaceable(service.Worker, "_read_stderr")
"""Runs in a thread of its own from the worker's start to its end."""
lines_of_invocation: Replaceable[Callable[..., str]] = Replaceable(service.Worker, "_drain_stderr_bounded")
"""Of a worker that has just answered."""


def process(worker: Worker) -> subprocess.Popen[str]:
    """The worker's process, with pipes."""
    return worker._proc  # pyright: ignore[reportPrivateUsage] - this is the seam


def lines(worker: Worker) -> queue.Queue[str]:
    """The lines that were read and are in no invocation's log yet."""
    return worker._stderr_queue  # pyright: ignore[reportPrivateUsage] - this is the seam
