"""What a life is, and how it waits.

A life is a short story of a few resources with some data through them, in a sandbox: `run(place, name, undo)` takes a
`Place`, a name that is free, and an `ExitStack` on which it puts how each thing is destroyed as soon as it is made: it
is unwound whatever happens. What a life shows that the embedded cloud has to get right stands in its docstring, with
the service's page.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from tests.live.place import Place

WITHIN = 120  # seconds


@dataclass(frozen=True)
class Life:
    """Something that is made in a sandbox, watched and destroyed."""

    run: Callable[[Place, str, ExitStack], None]
    settles: tuple[str, ...] = ()
    """The questions of docs/live.md that it answers, word for word."""
    needs: frozenset[str] = frozenset()
    """What it needs: `second account`, `google`, `database`, `lake formation`, `pulumi`, `costly`."""
    makes: str = ""
    """What it makes, for whoever pays for it."""
    cost: str = "less than a cent"
    replays: bool = False
    """Whether its requests can be sent again as they were recorded: nothing in them is a service's own or a secret."""


def until(ready: Callable[[], Any], seconds: float = WITHIN) -> Any:
    """What `ready` gives once it gives something."""
    end, pause = time.monotonic() + seconds, 0.1
    while not (value := ready()):
        if time.monotonic() > end:
            raise TimeoutError(f"the service is not ready after {seconds:.0f} seconds")
        time.sleep(pause)
        pause = min(2 * pause, 2.0)
    return value


def refused(call: Callable[[], Any]) -> str:
    """The code of the error with which AWS refuses the call; that it does, is what the life is about."""
    try:
        call()
    except Exception as error:
        if hasattr(error, "response"):
            return error.response["Error"]["Code"]  # type: ignore[attr-defined]  # botocore's ClientError
        raise
    raise AssertionError("the service took what it should refuse")


def accepted(call: Callable[..., Any], *not_yet: str, **arguments: Any) -> Any:
    """What the call returns; None while the service says by one of these codes that it is not ready for it yet."""
    try:
        return call(**arguments)
    except Exception as error:
        if getattr(error, "response", {}).get("Error", {}).get("Code", "") in not_yet:
            return None
        raise
