"""The time that a scheduled run is for, the same on every try: how a schedule writes it, and how it is read. Pure.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

KEY = "scheduled_time"
ATTRIBUTE = "<aws.scheduler.scheduled-time>"
EVENT = {KEY: ATTRIBUTE}
"""A schedule's input, in which EventBridge Scheduler writes the time."""


def planned(event: object) -> datetime:
    """The time of an event, in UTC. Raises ValueError for an event without one, or for a time without its zone."""
    text = cast("Mapping[str, object]", event).get(KEY) if isinstance(event, Mapping) else None
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError(
            f"{KEY} is {text!r}; expected a time with its zone such as '2026-01-01T16:00:00Z' "
            f"(a schedule's input has '{ATTRIBUTE}' there)"
        )
    return time.astimezone(UTC)
