"""How a landing gets into Cloud Storage: when, where to, and what keeps it from being there in time."""

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from components.arguments import arguments, matching, together
from components.landing import Landing

LEAST_MINUTES = 60  # https://docs.cloud.google.com/storage-transfer/docs/schedule-transfer-jobs
LEAST_LEAD = 15  # minutes that a copy of a day's exports is given before the load
DAY = 24 * 60
# What the multi-region EU does not contain (https://docs.cloud.google.com/bigquery/docs/locations#multi-regions).
_NOT_IN_EU = ("europe-west2", "europe-west6")


def _interval(value: int) -> int:
    if value < LEAST_MINUTES:
        raise ValueError(
            f"{value} minutes: Storage Transfer Service starts a job once in {LEAST_MINUTES} minutes at the most; "
            f"write {LEAST_MINUTES} or more, or event_driven: true"
        )
    return value


def _time(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError(f"'{value}' is not a time of day; write it like '04:00' (UTC)")
    return value


@arguments
class StorageTransferArgs:
    """How the landing gets into Cloud Storage."""

    event_driven: bool = False
    """Copies each file when its event comes to the landing's queue, instead of on a schedule. The queue is made by
    `event_queue` at the pipeline that the landing comes from. What was there before the job is not copied."""
    start: Annotated[str, AfterValidator(_time)] | None = None
    """When the first copy of a day starts, in UTC; without it 04:00. Give it time enough before `schedule`."""
    every_minutes: Annotated[int, Field(le=366 * DAY), AfterValidator(_interval)] | None = None
    """Minutes between two copies, at least 60; without it 1440, once a day."""
    location: (
        Annotated[
            str,
            matching(
                r"[A-Za-z][A-Za-z0-9-]+",
                "'{value}' is not a location of Cloud Storage; write one such as 'EU' or 'europe-west3'",
            ),
        ]
        | None
    ) = None
    """Where the bucket stands; without it where the dataset does, which alone can load from it, or from a region that
    its multi-region contains."""
    keep_days: Annotated[int, Field(ge=2, le=3650)] = 14
    """Days that a copied file is kept. A file of the landing that is older is not copied (again)."""

    @together
    def _either_events_or_a_schedule(self) -> Iterator[str]:
        if self.event_driven and self.start is not None:
            yield "start: an event-driven copy has no schedule; leave it out"
        if self.event_driven and self.every_minutes is not None:
            yield "every_minutes: an event-driven copy has no schedule; leave it out"

    def interval(self) -> int:
        """Minutes between two copies."""
        return self.every_minutes or DAY

    def start_minute(self) -> int:
        """The minute of the day at which a copy starts."""
        hour, minute = (self.start or "04:00").split(":")
        return int(hour) * 60 + int(minute)

    def lead(self, load: int) -> int:
        """Minutes from the start of the last copy to a daily load at this minute of the day."""
        return 0 if self.event_driven else (load - self.start_minute()) % self.interval()

    def event_problems(self, landing: Landing) -> Iterator[str]:
        """What keeps it from hearing of the landing's new files."""
        if self.event_driven and landing.event_queue_arn is None:
            yield (
                f"event_driven: the landing of '{landing.name}' has no queue of events; write event_queue: true at "
                f"'{landing.name}', or event_queue_arn at a landing that exists, whose notifications are its owner's"
            )

    def lateness_problems(self, load: int) -> Iterator[str]:
        """What keeps it from being there whole at a daily load, at this minute of the day, that is compared."""
        if self.event_driven:
            return
        if DAY % self.interval():
            yield (
                f"every_minutes: {self.interval()} does not divide a day, so the copies drift past the daily load "
                "that is compared with its exports; write 1440, or 60, 120, 180, 240, 360, 480, 720"
            )
        elif self.lead(load) < LEAST_LEAD:
            early = (load - LEAST_MINUTES // 2) % self.interval()
            yield (
                f"start: a copy starts {self.lead(load)} minutes before the load, and may not be there whole; give "
                f"it {LEAST_LEAD} or more: write '{early // 60:02}:{early % 60:02}'"
            )

    def location_problems(self, dataset_location: str) -> Iterator[str]:
        """What keeps a dataset that stands there from loading it."""
        if self.location and not _feeds(self.location, dataset_location):
            yield (
                f"location: a dataset in '{dataset_location}' does not load from a bucket in '{self.location}'; "
                "leave it out, and the bucket stands where the dataset does"
            )


def _feeds(bucket: str, dataset: str) -> bool:
    """Whether a dataset can load from a bucket: of the same place, or of one in the dataset's multi-region; US takes
    from anywhere (https://docs.cloud.google.com/bigquery/docs/cloud-storage-transfer, "Location considerations")."""
    bucket, dataset = bucket.lower(), dataset.lower()
    inside = dataset == "eu" and bucket.startswith("europe-") and bucket not in _NOT_IN_EU
    return dataset in (bucket, "us") or inside
