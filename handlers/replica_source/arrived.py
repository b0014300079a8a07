"""What is to be done with an export that has arrived in a replica. Pure.

Exports arrive in any order, and each has a run of its own. A full one is published as it comes. An increment is folded
into what is published only if that ends where it begins, so its run waits for the run of the one before; after a day,
what it builds on is not going to come. One that ends no later than what is published is in there already.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from landing_folders import published_record
from run_records import HandedOver, PublishedRecord
from run_sources import DATABASES, DYNAMODB
from run_steps import BUSY, DONE, NOTHING, RECORD, Item, Plan, Progress

LONGEST_WAIT = 600  # seconds from one try to the next
MOST_POLLS = 156  # a day, as the wait grows to LONGEST_WAIT within the first 16


class Unconnected(Exception):
    """An increment whose beginning is not the end of what is published here."""


def plan(key: str, record: HandedOver) -> Plan:
    """The run of one export: `key` is where the record of it lies."""
    item: Item = {
        "source": record["source"],
        "of": {RECORD: key},
        "due": record["due"],
        "attempt": 0,
        "polls": 0,
        "snapshot_arn": "",
    }
    planned: dict[str, list[Item]] = {DYNAMODB: [], DATABASES: []}
    planned[DYNAMODB if record["kind"] == DYNAMODB else DATABASES].append(item)
    return {"due": record["due"], "dynamodb": planned[DYNAMODB], "rds": planned[DATABASES]}


def table(item: Item, record: HandedOver, current: PublishedRecord | None) -> Progress:
    """The state of a table's run: DONE with all that normalising and publishing need, NOTHING or BUSY. `current`: what
    is published here of the table. Raises Unconnected."""
    work, since = record["work"], record["export"]["since"]
    published = datetime.fromisoformat(current["exported_to"]) if current else None
    if since is not None and published != datetime.fromisoformat(since):
        if published and published >= datetime.fromisoformat(work["exported_to"]):
            return {**item, "state": NOTHING, "tables": []}
        return _waiting(item, record, published)
    own: Mapping[str, Any] = {
        # Each export has a run of its own.
        "more": False,
        "published_key": current["schema_key"] if current else None,
        "current_prefix": current["location"] if current else None,
    }
    ready = {**item, **work, **own, "export": record["export"], "schema": record.get("schema"), "state": DONE}
    return cast(Progress, ready)


def database(item: Item, record: HandedOver) -> Progress:
    """The state of a database's run: DONE, as each of its exports is a full one."""
    return cast(Progress, {**item, **record["work"], "export": record["export"], "state": DONE})


def names(before: Mapping[str, str] | None, record: HandedOver) -> dict[str, str]:
    """Table of a database -> table of the catalog, as the source's run has named them, beside those that are gone."""
    return {**(before or {}), **record.get("names", {})}


def wait(polls: int) -> int:
    """Seconds until the next try, from 13 s to 10 min."""
    return min(LONGEST_WAIT, int(10 * 1.3 ** min(polls, 50)))


def _waiting(item: Item, record: HandedOver, published: datetime | None) -> Progress:
    polls = item["polls"] + 1
    if polls > MOST_POLLS:
        what = (
            f"{record['source']} is published here up to {published.isoformat()}"
            if published
            else (f"nothing of {record['source']} is published here")
        )
        raise Unconnected(
            f"the increment {record['work']['export_id']} begins at {record['export']['since']}, and {what}: an export "
            "before it has not arrived, or its run failed. Correct that, or let the source export all of the table "
            f"once: delete {published_record(record['work']['table'])} in its landing"
        )
    return {**item, "polls": polls, "state": BUSY, "wait": wait(polls)}
