"""Which sources a run exports, for what time, and how long it waits between two polls. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import variables
from run_sources import EVENT, RunSource
from scheduled_time import planned


@dataclass(frozen=True)
class Settings:
    """The function's environment; an ARN is empty where there is none."""

    pipeline: str
    bucket: str
    bucket_owner: str
    kms_key_arn: str
    export_role_arn: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """From the environment. Raises KeyError for a variable that is not there."""
        return cls(
            pipeline=environ[variables.PIPELINE],
            bucket=environ[variables.BUCKET],
            bucket_owner=environ[variables.BUCKET_OWNER],
            kms_key_arn=environ.get(variables.KMS_KEY_ARN, ""),
            export_role_arn=environ.get(variables.EXPORT_ROLE_ARN, ""),
        )


def chosen(sources: Iterable[RunSource], snapshot: str | None) -> list[RunSource]:
    """The sources of a run: of a snapshot's event the one whose automated snapshot it is, `rds:<identifier>-` and its
    time; on the schedule all that do not follow events."""
    if snapshot is None:
        return [source for source in sources if source.snapshot != EVENT]
    named = re.fullmatch(r"rds:(.+)-\d{4}(-\d\d){4}", snapshot)
    return [source for source in sources if source.snapshot == EVENT and named and named[1] == source.name]


def due_time(event: object) -> datetime:
    """The time that the run is for, in UTC and whole seconds."""
    return planned(event).replace(microsecond=0)


def wait(polls: int) -> int:
    """Seconds until the next poll, from 13 s to 10 min: an export takes minutes at the least, hours for a large table,
    and each poll is nine of the 25,000 events that an execution keeps."""
    return min(600, int(10 * 1.3**polls))
