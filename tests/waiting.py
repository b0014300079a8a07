"""Waits for what another process will do: generously, since a machine may be slow and busy."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 300  # seconds


def eventually(probe: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first true value of `probe`; an AssertionError with its last one when the time is up."""
    end = time.monotonic() + seconds
    while not (value := probe()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s; the last value was {value!r}"
        time.sleep(0.1)
    return value
