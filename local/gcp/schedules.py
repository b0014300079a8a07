"""The schedules of BigQuery transfers, for the local Data Transfer Service alone. Times are UTC.

Written from the pages, and not from the rule that a preview has, so that each is a judge of the other: `schedule` in
"REST Resource: projects.locations.transferConfigs"
(https://docs.cloud.google.com/bigquery/docs/reference/datatransfer/rest/v1/projects.locations.transferConfigs) and
"Formatting the schedule" (https://docs.cloud.google.com/appengine/docs/flexible/scheduling-jobs-with-cron-yaml). A
schedule of days is the list of a month's days that it names, month by month.
"""

from __future__ import annotations

import calendar
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

DEFAULT = "every 24 hours"
# "Amazon S3 transfers" (https://docs.cloud.google.com/bigquery/docs/s3-transfer) and "Cloud Storage transfers"
# (https://docs.cloud.google.com/bigquery/docs/cloud-storage-transfer).
LEAST = {"amazon_s3": timedelta(hours=24), "google_cloud_storage": timedelta(minutes=15)}
WEEK = {name.lower()[:length]: day for day, name in enumerate(calendar.day_name) for length in (3, 9)}
YEAR = {name.lower()[:length]: n for n, name in enumerate(calendar.month_name) if n for length in (3, 9)}
PLACES = {
    word: n
    for n, words in enumerate(("first 1st", "second 2nd", "third 3rd", "fourth 4th", "fifth 5th"), 1)
    for word in words.split()
}
INTERVAL = re.compile(
    r"every (?P<many>\d+) (?P<unit>minutes|mins|hours)"
    r"(?: (?:(?P<synchronized>synchronized)|from (?P<start>\d\d:\d\d) to (?P<end>\d\d:\d\d)))?"
)
DAYS = re.compile(
    r"(?:every )?(?:(?P<dates>\d+(?:,\d+)*)|(?:(?P<places>\w+(?:,\w+)*) )?(?P<week>[a-z]+(?:,[a-z]+)*))"
    r"(?: of (?P<months>[a-z]+(?:,[a-z]+)*))? (?P<clock>\d\d?:\d\d)"
)


@dataclass(frozen=True)
class Schedule:
    """When a config runs: each `least_interval`, all day or in a window of it, or at `clock` on the days it names."""

    least_interval: timedelta
    window: tuple[timedelta, timedelta] | None = None  # of the day, of an interval
    clock: timedelta = timedelta()
    months: frozenset[int] = frozenset()
    dates: frozenset[int] = frozenset()
    week: frozenset[int] = frozenset()
    places: frozenset[int] = field(default=frozenset())  # none: every one

    def next_after(self, after: datetime) -> datetime:
        """The first run later than `after`; an interval without a window counts from it. ValueError if none comes."""
        if not self.months and not self.window:
            return after + self.least_interval
        return next(run for run in self._from(after) if run > after)

    def _from(self, after: datetime) -> Iterator[datetime]:
        first = datetime(after.year, after.month, after.day, tzinfo=UTC)
        if self.window:
            for day in itertools.count():
                at, end = (first + timedelta(days=day) + edge for edge in self.window)
                while at <= end:
                    yield at
                    at += self.least_interval
        for month in itertools.islice(itertools.count(after.year * 12 + after.month - 1), 12 * 9):
            for day in self._days(month // 12, month % 12 + 1):
                yield datetime(month // 12, month % 12 + 1, day, tzinfo=UTC) + self.clock
        raise ValueError("the schedule never comes; its day is in none of its months")

    def _days(self, year: int, month: int) -> list[int]:
        if month not in self.months:
            return []
        first, length = calendar.monthrange(year, month)
        if self.dates:
            return sorted(day for day in self.dates if day <= length)
        of_week = {w: list(range(1 + (w - first) % 7, length + 1, 7)) for w in self.week}
        return sorted(
            day for days in of_week.values() for place, day in enumerate(days, 1)
            if not self.places or place in self.places
        )  # fmt: skip


def parse(text: str) -> Schedule:
    """ValueError says what can't be read."""
    words = " ".join(text.lower().split()) or DEFAULT
    if interval := INTERVAL.fullmatch(words):
        each = timedelta(**{"hours" if interval["unit"] == "hours" else "minutes": int(interval["many"])})
        if not each:
            raise ValueError(f"schedule {text!r}: the interval is 0")
        if interval["synchronized"]:
            return Schedule(each, (timedelta(), timedelta(hours=24) - timedelta(minutes=1)))
        if interval["start"]:
            return Schedule(each, (clock(interval["start"], text), clock(interval["end"], text)))
        return Schedule(each)
    days = DAYS.fullmatch(words)
    if not days:
        raise ValueError(f"schedule {text!r} is not understood")
    months = days["months"] or "month"
    if months in ("month", "quarter"):
        of_year = frozenset(range(1, 13, 3 if months == "quarter" else 1))
    else:
        of_year = frozenset(named(months, YEAR, text))
    schedule = Schedule(
        timedelta(days=1),
        clock=clock(days["clock"], text),
        months=of_year,
        dates=frozenset(int(day) for day in (days["dates"] or "").split(",") if day),
        week=frozenset(range(7) if days["week"] == "day" else named(days["week"], WEEK, text)),
        places=frozenset(named(days["places"], PLACES, text)),
    )
    schedule.next_after(datetime.now(UTC))
    return schedule


def clock(text: str, whole: str) -> timedelta:
    """A time of day (`07:30`) as what has passed since midnight; ValueError, with the schedule in it, on another."""
    hour, _, minute = text.partition(":")
    try:
        at = time(int(hour), int(minute))
    except ValueError:
        raise ValueError(f"schedule {whole!r}: {text!r} is no time of day") from None
    return timedelta(hours=at.hour, minutes=at.minute)


def named(words: str | None, names: dict[str, int], whole: str) -> list[int]:
    """The number of each word between commas, none of None; ValueError on a word that `names` lacks."""
    for word in words.split(",") if words else ():
        if word not in names:
            raise ValueError(f"schedule {whole!r}: {word!r} is none of {', '.join(names)}")
    return [names[word] for word in words.split(",")] if words else []
