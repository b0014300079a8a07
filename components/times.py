"""Schedules and time zones as a config writes them. Pure."""

import re
from functools import cache
from zoneinfo import available_timezones

from components.arguments import nearest


def schedule(value: str) -> str:
    """`cron(…)` or `rate(…)` as EventBridge Scheduler takes it
    (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html)."""
    at = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)", value)
    every = re.fullmatch(r"rate\(([1-9]\d*) (minute|hour|day)s?\)", value)
    if every:
        return value
    if not at:
        raise ValueError(
            f"'{value}' is not a schedule; write 'cron(minutes hours day-of-month month day-of-week year)', such as "
            "'cron(0 16 * * ? *)', or 'rate(6 hours)'"
        )
    if (at[3] == "?") == (at[5] == "?"):
        raise ValueError(
            f"'{value}' names both the day of the month and the day of the week, or neither; write '?' for just one "
            "of them, such as 'cron(0 16 * * ? *)'"
        )
    return value


def least_minutes(value: str) -> int:
    """The shortest time between two runs of a schedule, in minutes; for a cron of single minutes an hour."""
    every = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", value)
    if every:
        return int(every[1]) * {"minute": 1, "hour": 60, "day": 1440}[every[2]]
    minutes = value.removeprefix("cron(").split(" ")[0]
    if minutes == "*":
        return 1
    if step := re.fullmatch(r"(?:\*|\d+)/(\d+)", minutes):
        return int(step[1])
    listed = sorted(int(minute) for minute in minutes.split(",") if minute.isdigit())
    if len(listed) > 1:
        return min(b - a for a, b in zip(listed, [*listed[1:], listed[0] + 60], strict=True))
    return 60


_timezones = cache(available_timezones)  # it reads hundreds of files


def timezone(value: str) -> str:
    """A time zone of the IANA database."""
    if value not in _timezones():
        raise ValueError(f"'{value}' is not a time zone; {nearest(value, _timezones())[:80]}")
    return value
