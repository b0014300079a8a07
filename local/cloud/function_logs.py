"""What a function printed before it answered is in its log once the answer is there, whole, on a machine of any speed.

ministack waits 50 ms for a first line, and 5 ms for each further one: on a busy machine a line then stands in the next
invocation's log, or in none.
"""

from __future__ import annotations

import array
import fcntl
import os
import queue
import select
import termios
import threading
import time
from typing import Any

from .seams import lambda_runtime

reading = threading.Lock()
"""Taken while lines go from a process's pipe into its worker's queue."""
provided = lambda_runtime.lines_of_invocation.current


def keep_reading(worker: lambda_runtime.Worker) -> None:
    """Reads what a worker prints into its queue, line by line, until the pipe ends; the last may lack its newline."""
    process, lines = lambda_runtime.process(worker), lambda_runtime.lines(worker)
    assert process.stderr
    pipe, rest = os.dup(process.stderr.fileno()), b""  # the worker closes its own as it ends
    printed = select.poll()
    printed.register(pipe, select.POLLIN)
    part = b"more"
    while part:
        printed.poll()
        with reading:
            part = os.read(pipe, 1 << 16)
            *whole, rest = (rest + part).split(b"\n")
            for line in whole if part else [rest] if rest else []:
                lines.put(line.decode(errors="replace"))
    os.close(pipe)


def unread(pipe: int) -> int:
    """The bytes that stand in a pipe."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def lines_of_invocation(worker: lambda_runtime.Worker, **waits: Any) -> str:
    """What an invocation printed, taken when its pipe is empty; of a custom runtime what ministack has of it."""
    process = lambda_runtime.process(worker)
    if not (process and process.stderr):  # a custom runtime prints into one pipe, which ministack reads
        return provided(worker, **waits)
    while True:
        with reading:
            if process.stderr.closed or not unread(process.stderr.fileno()):
                break
        time.sleep(0.001)
    printed: list[str] = []
    lines = lambda_runtime.lines(worker)
    while True:
        try:
            printed.append(lines.get_nowait())
        except queue.Empty:
            return "\n".join(printed)


def install() -> None:
    """Puts both functions in the places of the methods of ministack's Worker."""
    lambda_runtime.keep_reading.replace(keep_reading)
    lambda_runtime.lines_of_invocation.replace(lines_of_invocation)
