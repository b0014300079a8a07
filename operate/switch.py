"""A switch of a pipeline: what starts its runs, or carries its data, and can be off."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

Off = datetime | bool | None
"""Since when a switch is off, as far as the service knows; None: it is on."""


@dataclass(frozen=True)
class Switch:
    """One thing that can be switched off, and on again."""

    what: str
    """Which, such as `schedule tributary-prod-shop-lake-schedule`."""
    off: Callable[[], Off]
    turn: Callable[[bool], bool]
    """Switches it on or off; whether that changed anything."""
    while_off: str = ""
    """What becomes of the data meanwhile."""
