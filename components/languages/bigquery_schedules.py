"""The schedule of a BigQuery transfer: when it runs next and how long lies between two runs. Pure; times are UTC.

The grammar is App Engine's, as the Data Transfer Service takes it:

    every N (minutes|mins|hours) [from HH:MM to HH:MM | synchronized]
    every day HH:MM                 every monday,thursday HH:MM [of month|jan,jul]
    1st,third monday of month HH:MM     first sunday of quarter HH:MM     1,15 of month HH:MM

Sources: `schedule` in "REST Resource: projects.locations.transferConfigs"
(https://docs.cloud.google.com/bigquery/docs/reference/datatransfer/rest/v1/projects.locations.transferConfigs)
and "Formatting the schedule"
(https://docs.cloud.google.com/appengine/docs/flexible/scheduling-jobs-with-cron-yaml#formatting_the_schedule).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from components.languages import aws_schedules

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
ORDINALS = ("first", "second", "third", "fourth", "fifth")
# The amazon_s3 data source ("Amazon S3 transfers", limitations: https://docs.cloud.google.com/bigquery/docs/s3-transfer).
# and google_cloud_storage ("Cloud Storage transfers", https://docs.cloud.google.com/bigquery/docs/cloud-storage-transfer).
LEAST_INTERVALS = {"amazon_s3": timedelta(hours=24), "google_cloud_storage": timedelta(minutes=15)}
# Minutes from an export's start to a load of it. A small export takes ten, a snapshot's half an hour and more; then it
# is normalised, and its replica is fifteen behind. Whoever exports more than that loads later still.
MARGIN = 60
DEFAULT = "every 24 hours"


@dataclass(frozen=True)
class Schedule:
    """A schedule that has been read: its shortest interval, and the next time after another."""

    least_interval: timedelta
    next_after: Callable[[datetime], datetime]


def parse(text: str) -> Schedule:
    """ValueError says what is not understood."""
    words = " ".join(text.lower().split()) or DEFAULT
    if match := re.fullmatch(
        r"every (\d+) (minutes|mins|hours)(?: (synchronized|from (\d\d:\d\d) to (\d\d:\d\d)))?", words
    ):
        every = timedelta(**{"hours" if match[2] == "hours" else "minutes": int(match[1])})
        if not every:
            raise ValueError(f"schedule {text!r}: the interval is 0; write 'every 24 hours'")
        return Schedule(every, lambda after: after + every)
    match = re.fullmatch(r"(?:every )?(.+?)(?: of (.+?))? (\d\d?):(\d\d)", words)
    if not match or int(match[3]) > 23 or int(match[4]) > 59:
        raise ValueError(
            f"schedule {text!r} is not understood; write 'every 24 hours', 'every day 04:30' or "
            "'first sunday of month 00:00'"
        )
    fits, at = (
        _days(match[1], match[2] or "month", text),
        timedelta(hours=int(match[3]), minutes=int(match[4])),
    )

    def next_after(after: datetime) -> datetime:
        midnight = datetime(after.year, after.month, after.day, tzinfo=UTC)
        runs = (midnight + timedelta(days=n) + at for n in range(366 * 5))
        next_run = next((run for run in runs if run > after and fits(run)), None)
        if next_run is None:
            raise ValueError(f"schedule {text!r} never comes; its day is in none of its months")
        return next_run

    next_after(datetime.now(UTC))
    return Schedule(timedelta(days=1), next_after)


def minute(text: str) -> int | None:
    """The minute of the day at which it runs; none of an interval."""
    at = (
        None
        if re.match(r"every \d+ ", " ".join(text.lower().split()))
        else re.search(r"(\d\d?):(\d\d)$", text)
    )
    return int(at[1]) * 60 + int(at[2]) if at else None


def longest_gap(text: str) -> timedelta:
    """The most that lies between two runs."""
    schedule = parse(text)
    if minute(text) is None:
        return max(schedule.least_interval, timedelta(days=1 if " from " in text.lower() else 0))
    runs = [schedule.next_after(datetime(2024, 1, 1, tzinfo=UTC))]
    while runs[-1].year < 2029:  # with a leap day, and as many weeks as it takes
        runs.append(schedule.next_after(runs[-1]))
    return max(later - earlier for earlier, later in pairwise(runs))


def _days(days: str, months: str, text: str) -> Callable[[datetime], bool]:
    """Is this date one of `days` (`day`, weekdays, ordinals with weekdays, days of the month) in one of `months`?"""

    def number(word: str, names: tuple[str, ...], short: int) -> int | None:
        return next((i for i, name in enumerate(names) if word in (name, name[:short])), None)

    def ordinal(word: str) -> int:
        index = number(word, ORDINALS, 99)
        if index is None and not re.fullmatch(r"[1-5](st|nd|rd|th)", word):
            raise ValueError(f"schedule {text!r}: {word!r} is no ordinal; one of 1st to 5th, first to fifth")
        return (index if index is not None else int(word[0]) - 1) + 1

    def weekdays(names: str) -> set[int]:
        numbers = {number(word, DAYS, 3) for word in names.split(",")} if names != "day" else set(range(7))
        if None in numbers:
            raise ValueError(f"schedule {text!r}: {names!r} is no day; 'day', or of {', '.join(DAYS)}")
        return {day for day in numbers if day is not None}

    quarter, wanted_months = months == "quarter", set(range(12))
    if months not in ("month", "quarter"):
        wanted = {number(word, MONTHS, 3) for word in months.split(",")}
        if None in wanted:
            raise ValueError(
                f"schedule {text!r}: {months!r} is no month; 'month', 'quarter', or of {', '.join(MONTHS)}"
            )
        wanted_months = {month for month in wanted if month is not None}
    if re.fullmatch(r"\d\d?(,\d\d?)*", days):
        numbers = {int(n) for n in days.split(",")}
        return lambda date: date.day in numbers and date.month - 1 in wanted_months
    ordinals, _, names = days.rpartition(" ")
    of_week, places = weekdays(names), {ordinal(word) for word in ordinals.split(",")} if ordinals else None

    def fits(date: datetime) -> bool:
        in_month = (date.month - 1) % 3 == 0 if quarter else date.month - 1 in wanted_months
        return (
            in_month and date.weekday() in of_week and (places is None or (date.day - 1) // 7 + 1 in places)
        )

    return fits


def before_export(text: str, exporter: str, expression: str, timezone: str) -> tuple[str, str] | None:
    """What is wrong with a load at `text` of what an export of that schedule leaves, and the first time of day that
    fits; None where nothing is wrong, or where one of the two has no time of day.

    The export before a load starts MARGIN minutes or more earlier, and on the same day in UTC, or half a day earlier at
    the most: else the load is of an export that another is about to replace. Where the zone has summer time, both
    hold for both of its times. Of exports so close to each other that no load fits, nothing is refused.
    """
    load, days = minute(text), aws_schedules.starts(expression, timezone)
    if load is None:
        return None
    start = next((too_late for starts in days if (too_late := _in_the_way(load, starts)) is not None), None)
    if start is None:
        return None
    later = ((start + MARGIN + minutes) % 1440 for minutes in range(1440))
    fitting = next(
        (
            minute_of_day
            for minute_of_day in later
            if all(_in_the_way(minute_of_day, starts) is None for starts in days)
        ),
        None,
    )
    if fitting is None:
        return None
    return (
        f"{_clock(load)} UTC comes too early for the export of '{exporter}', which starts at {_clock(start)} UTC "
        f"({expression}, {timezone}) and is given {MARGIN} minutes",
        _clock(fitting),
    )


def _in_the_way(load: int, starts: list[int]) -> int | None:
    """The start of an export that a load comes too early for; all are minutes of a day."""
    gap, before = min(((load - start) % 1440, start) for start in starts)
    if gap < MARGIN:
        return before
    if before > load and gap > 720:
        return min(starts, key=lambda start: (start - load) % 1440)
    return None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
