"""A function's log has each line of an invocation as it answers, and none of another, however slowly lines are read."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time

from local.cloud import function_logs
from tests.waiting import PATIENCE

PRINTS = """
import sys
for turn in sys.stdin:
    for number in range(int(turn)):
        print(f"{turn.strip()}: {number}", file=sys.stderr, flush=True)
    print("answered", flush=True)
print("the end", end="", file=sys.stderr)
"""


class Slow(queue.Queue[str]):
    """A thread that gets the processor late, as on a busy machine."""

    def put(self, item: str, block: bool = True, timeout: float | None = None) -> None:
        time.sleep(0.02)
        super().put(item, block, timeout)


class Worker:
    def __init__(self) -> None:
        self._stderr_queue = Slow()
        self._proc = subprocess.Popen(
            [sys.executable, "-c", PRINTS], text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.reader = threading.Thread(target=function_logs.keep_reading, args=[self], daemon=True)
        self.reader.start()

    def invoke(self, lines: int) -> list[str]:
        assert self._proc.stdin and self._proc.stdout
        self._proc.stdin.write(f"{lines}\n")
        assert self._proc.stdout.readline() == "answered\n"
        return function_logs.lines_of_invocation(self).splitlines()

    def end(self) -> list[str]:
        assert self._proc.stdin
        self._proc.stdin.close()
        self._proc.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return function_logs.lines_of_invocation(self).splitlines()


def test_an_answer_comes_with_its_lines_and_no_others() -> None:
    worker = Worker()
    for count in (0, 1, 12, 0, 3):
        assert worker.invoke(count) == [f"{count}: {number}" for number in range(count)]
    assert worker.end() == ["the end"]
