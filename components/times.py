"""Schedules and time zones as a config writes them. Pure."""

import re
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

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


def starts(value: str, zone: str) -> list[list[int]]:
    """The times of day at which a cron starts, in minutes of UTC, once for each distance of the zone from UTC within a
    year; none of a rate, which counts from when it was made."""
    found = re.fullmatch(r"cron\((\S+) (\S+) .*\)", value)
    if not found:
        return []
    local = [60 * hour + minute for hour in _field(found[2], 24) for minute in _field(found[1], 60)]
    noons = [datetime(datetime.now(UTC).year, month, 15, 12, tzinfo=ZoneInfo(zone)) for month in range(1, 13)]
    offsets = {
        int(offset.total_seconds() // 60) for noon in noons if (offset := noon.utcoffset()) is not None
    }
    return [sorted((minutes - offset) % 1440 for minutes in local) for offset in sorted(offsets)]


def _field(text: str, below: int) -> list[int]:
    """The values of a field of a cron: `5`, `1,5`, `1-5`, `*`, and each with `/step`."""
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if not all(word.isdigit() for word in (first, last, step) if word and word != "*"):
            raise ValueError(f"'{text}' is no list of numbers in a schedule; write one such as '0' or '0,30'")
        begin = 0 if first == "*" else int(first)
        end = int(last) if last else below - 1 if first == "*" or step else begin
        values |= set(range(begin, min(end, below - 1) + 1, int(step or 1)))
    return sorted(values)


_timezones = cache(available_timezones)  # it reads hundreds of files


def timezone(value: str) -> str:
    """A time zone of the IANA database."""
    if value not in _timezones():
        raise ValueError(f"'{value}' is not a time zone; {nearest(value, _timezones())[:80]}")
    return value
