"""The rows of all pipelines: what each kind shows, which alarms fire, what is paused."""

import dataclasses
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs] - has none

from operate.alarms import FiringAlarm, firing
from operate.entering import GoogleError
from operate.kinds import KINDS
from operate.outputs import Cloud, command
from operate.row import FAILING, PAUSED, UNREAD, Described, Problem, TableStatus
from operate.switches import switched_off

UNREADABLE = (ClientError, BotoCoreError, GoogleError)
"""What a service that refuses, or can't be reached, raises."""


def status(cloud: Cloud) -> list[TableStatus]:
    """A row for each table of each pipeline. What can't be read is a row that says so."""
    rows: list[TableStatus] = []
    for name, pipeline in cloud.pipelines.items():
        rows += of_pipeline(cloud, name, pipeline)
    return rows


def of_pipeline(cloud: Cloud, name: str, pipeline: Described) -> list[TableStatus]:
    """The rows of one pipeline."""
    kind = KINDS[pipeline["kind"]]
    unread: list[Problem] = []

    def tried(what: str, read: Callable[[], Iterable[Any]]) -> list[Any]:
        try:
            return list(read())
        except UNREADABLE as error:
            unread.append(Problem(f"{what} can't be read: {error}"))
            return []

    rows = tried("What arrived", lambda: kind.tables(cloud, name, pipeline))
    alarms = tried("Which alarms fire", lambda: firing(cloud, pipeline))
    off = tried("What is switched off", lambda: switched_off(cloud, name, pipeline))
    rows = with_alarms(rows, alarms, lambda alarm: kind.concerns(pipeline, alarm), name, pipeline["kind"])
    if off:
        again = command(cloud, "resume", name)
        rows = [_paused(row, off, again) for row in rows]
    if unread:
        rows.append(TableStatus(name, pipeline["kind"], "-", state=UNREAD, problems=tuple(unread)))
    return rows


def with_alarms(
    rows: list[TableStatus],
    alarms: Iterable[FiringAlarm],
    concerns: Callable[[FiringAlarm], str | None],
    name: str,
    kind: str,
) -> list[TableStatus]:
    """The rows with the alarms that fire: an alarm about a table in that table's row, or rows, another in a row of the
    pipeline."""
    tables = {row.table for row in rows}
    sources: dict[str, list[Problem]] = {}
    for alarm in alarms:
        table = concerns(alarm)
        of = [known for known in tables if known == table or (table and known.startswith(f"{table}."))]
        for known in of or ["-"]:
            sources.setdefault(known, []).append(alarm.problem)
    listed = [
        dataclasses.replace(row, state=FAILING, problems=(*row.problems, *sources[row.table]))
        if row.table in sources
        else row
        for row in rows
    ]
    if "-" in sources and "-" not in tables:
        listed.append(TableStatus(name, kind, "-", state=FAILING, problems=tuple(sources["-"])))
    return listed


def _paused(row: TableStatus, off: list[tuple[str, datetime | None, str]], again: str) -> TableStatus:
    sentences = [
        Problem(f"The {what} is switched off. {meanwhile} To switch it on: {again}", since=since)
        for what, since, meanwhile in off
    ]
    state = row.state if row.state == FAILING else PAUSED
    return dataclasses.replace(row, state=state, problems=(*row.problems, *sentences))
