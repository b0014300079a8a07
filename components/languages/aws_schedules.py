"""Schedules and time zones as a config writes them. Pure."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from components.arguments import nearest


@dataclass(frozen=True)
class _Field:
    """One field of a cron expression."""

    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()
    """Names of the values, from the least on."""
    special: str = "(?!)"
    """What it takes besides values, `*`, ranges and increments; the groups are values."""

    def value(self, text: str) -> int:
        if text.upper() in self.words:
            return self.words.index(text.upper()) + self.least
        if re.fullmatch("[0-9]{1,4}", text) and self.least <= int(text) <= self.most:
            return int(text)
        raise ValueError(text)

    def values(self, part: str) -> set[int]:
        """What a part between two commas stands for; nothing where that depends on the month. Raises ValueError."""
        if special := re.fullmatch(self.special, part):
            for text in filter(None, special.groups()):
                self.value(text)
            return set()
        match = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([0-9]{1,4}))?", part)
        if not match or (match[3] and not 1 <= int(match[3]) <= self.most):
            raise ValueError(part)
        first = self.value(match[1]) if match[1] else self.least
        last = self.value(match[2]) if match[2] else self.most if match[3] or not match[1] else first
        span = self.most - self.least + 1
        if last < first:  # as FRI-MON
            last += span
        return {self.least + (n - self.least) % span for n in range(first, last + 1, int(match[3] or 1))}

    def listed(self, text: str) -> list[int]:
        """What all of the field's text stands for, in order. Raises ValueError."""
        return sorted(set[int]().union(*(self.values(part) for part in text.split(","))))

    def wrong(self, text: str) -> str:
        """What is wrong in the field's text; empty where nothing is."""
        try:
            for part in text.split(","):
                self.values(part)
                if part != text and ("#" in part or part == "?"):
                    return f"'{part}' in the {self.name} stands alone"
        except ValueError:
            words = f" or {self.words[0]}-{self.words[-1]}" if self.words else ""
            return f"the {self.name} '{text}' must be of {self.least}-{self.most}{words}"
        return ""


# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based, the same as in
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
_CRON = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of the month", 1, 31, special=r"\?|L|LW|(\w+)W"),
    _Field(
        "month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
    ),
    _Field(
        "day of the week", 1, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), r"\?|L|(\w+)L|(\w+)#[1-5]"
    ),
    _Field("year", 1970, 2199),
)


def schedule(value: str) -> str:
    """`cron(…)` or `rate(…)` as EventBridge Scheduler takes it
    (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html)."""
    if len(value) > 256:  # https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
        raise ValueError(
            f"'{value[:40]}…' has {len(value)} characters, and a schedule at most 256; write ranges and steps, such "
            "as '0-30/5', for long lists"
        )
    if re.fullmatch(r"rate\([1-9][0-9]* (minute|hour|day)s?\)", value):
        return value
    at = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)", value)
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
    if wrong := [
        problem for field, text in zip(_CRON, at.groups(), strict=True) if (problem := field.wrong(text))
    ]:
        raise ValueError(
            f"'{value}' is not a schedule: {'; '.join(wrong)}; write such as 'cron(0 16 * * ? *)'"
        )
    return value


def cron(value: str) -> str:
    """`cron(…)` as Glue takes it (https://docs.aws.amazon.com/glue/latest/dg/monitor-data-warehouse-schedule.html)."""
    if value.startswith("rate(") or "#" in value:
        raise ValueError(f"'{value}': Glue takes no rate and no '#'; write such as 'cron(0 6 * * ? *)'")
    if least_minutes(schedule(value)) < 5:
        raise ValueError(
            f"'{value}' comes faster than Glue takes, every 5 minutes; write such as 'cron(0 6 * * ? *)'"
        )
    return value


def least_minutes(value: str) -> int:
    """The shortest time between two runs of a schedule, in minutes; for a cron of single minutes an hour."""
    if rate := _rate(value):
        return rate
    minutes = _CRON[0].listed(value.removeprefix("cron(").split(" ")[0])
    return min(b - a for a, b in zip(minutes, [*minutes[1:], minutes[0] + 60], strict=True))


def longest_minutes(value: str) -> int:
    """The longest time between two runs of a schedule within the years that it names, in minutes of its own clock."""
    if rate := _rate(value):
        return rate
    minutes, hours, day, month, weekday, _ = value.removeprefix("cron(").removesuffix(")").split(" ")
    times = _times_of_day(minutes, hours)
    within_a_day = max((later - earlier for earlier, later in pairwise(times)), default=0)
    overnight = times[0] - times[-1]
    if {day, weekday} <= {"*", "?"} and month == "*":
        return max(within_a_day, 1440 + overnight)
    months = _CRON[3].listed(month)
    days = [
        number
        for number in range(*_EVERY_CALENDAR)
        if (candidate := date.fromordinal(number)).month in months
        and _is_day(candidate, day)
        and _is_weekday(candidate, weekday)
    ]
    # 30 February never comes.
    between = max((later - earlier for earlier, later in pairwise(days)), default=366 * 8)
    return max(within_a_day, between * 1440 + overnight)


# A leap day on each weekday: 28 years.
_EVERY_CALENDAR = date(2001, 1, 1).toordinal(), date(2029, 1, 1).toordinal()


def _rate(value: str) -> int:
    """The minutes of a rate, 0 of a cron."""
    every = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", value)
    return int(every[1]) * {"minute": 1, "hour": 60, "day": 1440}[every[2]] if every else 0


def _times_of_day(minutes: str, hours: str) -> list[int]:
    return [60 * hour + minute for hour in _CRON[1].listed(hours) for minute in _CRON[0].listed(minutes)]


def _is_day(candidate: date, day: str) -> bool:
    """Whether a date is of the field for the day of the month."""
    last = monthrange(candidate.year, candidate.month)[1]
    if day == "L":
        return candidate.day == last
    if day.endswith("W"):
        near = last if day == "LW" else int(day[:-1])
        return near <= last and candidate == _nearest_weekday(candidate.replace(day=near))
    return day in ("*", "?") or candidate.day in _CRON[2].listed(day)


def _nearest_weekday(candidate: date) -> date:
    """The Monday to Friday nearest to a date, within its month."""
    for days in (0, -1, 1, 2, -2):
        near = candidate + timedelta(days)
        if near.month == candidate.month and near.isoweekday() <= 5:
            return near
    raise AssertionError(candidate)


def _is_weekday(candidate: date, weekday: str) -> bool:
    """Whether a date is of the field for the day of the week, where 1 is Sunday."""
    number = candidate.isoweekday() % 7 + 1
    which, _, nth = weekday.partition("#")
    if nth:
        return number == _CRON[4].value(which) and (candidate.day + 6) // 7 == int(nth)
    if weekday.endswith("L"):
        week_to_go = candidate + timedelta(7)
        return (
            number == 7
            if weekday == "L"
            else number == _CRON[4].value(weekday[:-1]) and week_to_go.month != candidate.month
        )
    return weekday in ("*", "?") or number in _CRON[4].listed(weekday)


def starts(value: str, zone: str) -> list[list[int]]:
    """The times of day at which a cron starts, in minutes of UTC, once for each distance of the zone from UTC within a
    year; none of a rate, which counts from when it was made."""
    expression = re.fullmatch(r"cron\((\S+) (\S+) .*\)", value)
    if not expression:
        return []
    local = _times_of_day(expression[1], expression[2])
    noons = [datetime(datetime.now(UTC).year, month, 15, 12, tzinfo=ZoneInfo(zone)) for month in range(1, 13)]
    offsets = {
        int(offset.total_seconds() // 60) for noon in noons if (offset := noon.utcoffset()) is not None
    }
    return [sorted((minutes - offset) % 1440 for minutes in local) for offset in sorted(offsets)]


_timezones = cache(available_timezones)  # it reads hundreds of files


def timezone(value: str) -> str:
    """A time zone of the IANA database."""
    if value not in _timezones():
        raise ValueError(f"'{value}' is not a time zone; {nearest(value, _timezones())[:80]}")
    return value
