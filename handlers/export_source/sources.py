"""A run's sources, as the state machine hands them over. Pure.

A source: {"name", "kind": "dynamodb", "arn", "table", "mode": "full" | "incremental", "declared": {attribute: type}} or
{"name", "kind": "rds_instance" | "rds_cluster", "only": [..], "leave_out": [..], "catalog_names": {table: name},
"snapshot": "latest-automated" | "made-for-the-run" | "event"}. `table` is the table's name in the catalog. A function's
environment, of 4 KB, would hold about 20 of them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scheduled_time import planned


@dataclass(frozen=True)
class Source:
    name: str
    kind: str
    arn: str = ""
    table: str = ""
    mode: str = "full"
    declared: Mapping[str, object] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    catalog_names: Mapping[str, str] = field(default_factory=dict)
    snapshot: str = ""

    @classmethod
    def of(cls, description: Mapping) -> "Source":
        lists = {key: tuple(description.get(key, ())) for key in ("only", "leave_out")}
        return cls(**{**description, **lists})


@dataclass(frozen=True)
class Settings:
    pipeline: str
    bucket: str
    bucket_owner: str
    kms_key_arn: str
    export_role_arn: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        return cls(
            pipeline=environ["PIPELINE"],
            bucket=environ["BUCKET"],
            bucket_owner=environ["BUCKET_OWNER"],
            kms_key_arn=environ.get("KMS_KEY_ARN", ""),
            export_role_arn=environ.get("EXPORT_ROLE_ARN", ""),
        )


def chosen(sources: Iterable[Source], snapshot: str | None) -> list[Source]:
    """The sources of a run: of a snapshot's event the one whose automated snapshot it is, `rds:<identifier>-` and its
    time; on the schedule all that do not follow events."""
    if snapshot is None:
        return [s for s in sources if s.snapshot != "event"]
    named = re.fullmatch(r"rds:(.+)-\d{4}(-\d\d){4}", snapshot)
    return [s for s in sources if s.snapshot == "event" and named and named[1] == s.name]


def due_time(event: Mapping) -> datetime:
    """The time that the run is for, in UTC and whole seconds."""
    return planned(event).replace(microsecond=0)


def wait(polls: int) -> int:
    """Seconds until the next poll, from 13 s to 10 min: an export takes minutes at the least, hours for a large table,
    and each poll is nine of the 25,000 events that an execution keeps."""
    return min(600, int(10 * 1.3**polls))
