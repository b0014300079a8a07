"""The time of day in this cloud, which a test can set forward."""

import functools
import os
import time
from pathlib import Path


def clock() -> float:
    """Seconds since 1970, and what the file `clock` of the cloud's folder adds to it: a test's next day."""
    try:
        return time.time() + float(clock_file(os.environ["TRIBUTARY_CLOUD_STATE"]).read_text())
    except FileNotFoundError:
        return time.time()


@functools.cache  # every item that is written comes by here
def clock_file(state: str) -> Path:
    """The file, in the folder of the cloud's state."""
    return Path(state, "clock")
