"""Of ministack: EventBridge Scheduler."""

from collections.abc import Callable
from typing import Any

from ministack.services import scheduler as service

from .parts import Record, RegionalStore, Replaceable

last_fired: dict[Any, float] = service._schedule_last_fired
"""When each schedule last ran, in seconds."""
schedules: RegionalStore[Record] = service._schedules
tick: Replaceable[Callable[[], None]] = Replaceable(service, "_tick_schedules")
seconds_of: Callable[[Any], float | None] = service._to_epoch


def forget(key: tuple[str, str, str]) -> None:
    """Takes a schedule away: its account, its region, and its key there."""
    service._schedules._data.pop(key, None)
