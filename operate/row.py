"""What is known of the way of one table through one pipeline, and a report of all of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

IN_ALL, LAST_RUN, LAST_DAY = "in all", "last run", "last 24 h"
"""What the number of rows counts: what readers see, what the last run brought, what came within a day."""
OK, RUNNING, PAUSED, NOTHING, FAILING, UNREAD = "ok", "running", "paused", "nothing yet", "failing", "unread"


@dataclass(frozen=True)
class Problem:
    """What is failing, since when, and what to do."""

    what: str
    """What happened, what it means for the data and what to do; of an alarm, its own text."""
    name: str = ""
    """Of the alarm."""
    since: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"what": self.what, "alarm": self.name or None, "since": _instant(self.since)}


@dataclass(frozen=True)
class TableStatus:
    """What one pipeline last carried of one table."""

    pipeline: str
    kind: str
    table: str
    """`-`: what concerns the pipeline as a whole."""
    arrived_at: datetime | None = None
    """When the last of it came to where it is read."""
    late_seconds: float | None = None
    """How long it took: from the time at which the source was so to its arrival."""
    rows: int | None = None
    counted: str = IN_ALL
    state: str = OK
    problems: tuple[Problem, ...] = ()

    @property
    def well(self) -> bool:
        """Whether nothing is failing, and everything could be read."""
        return self.state not in (FAILING, UNREAD)

    def as_json(self) -> dict[str, Any]:
        """The row as plain data; times are of ISO 8601, in UTC."""
        return {
            "pipeline": self.pipeline, "kind": self.kind, "table": self.table, "arrived_at": _instant(self.arrived_at),
            "late_seconds": None if self.late_seconds is None else round(self.late_seconds, 1), "rows": self.rows,
            "counted": self.counted, "state": self.state, "problems": [each.as_json() for each in self.problems],
        }  # fmt: skip


def report(rows: Sequence[TableStatus]) -> str:
    """The rows as a table, then what is failing and what to do."""
    if not rows:
        return "no pipelines"
    head = ("pipeline", "kind", "table", "arrived (UTC)", "late", "rows", "counted", "state")
    lines = [
        (
            row.pipeline, row.kind, row.table,
            row.arrived_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if row.arrived_at else "-",
            duration(row.late_seconds), "-" if row.rows is None else f"{row.rows:,}",
            row.counted if row.rows is not None else "-", row.state,
        )
        for row in rows
    ]  # fmt: skip
    widths = [max(map(len, cells)) for cells in zip(head, *lines, strict=True)]
    right = {4, 5}
    text = [
        "  ".join(cell.rjust(w) if n in right else cell.ljust(w) for n, (cell, w) in
                  enumerate(zip(cells, widths, strict=True))).rstrip()
        for cells in (head, tuple("-" * width for width in widths), *lines)
    ]  # fmt: skip
    for row in rows:
        for problem in row.problems:
            since = f" since {problem.since.astimezone(UTC):%Y-%m-%d %H:%M}" if problem.since else ""
            text += [
                "",
                f"{row.pipeline} {row.table}: {problem.name or row.state}{since}",
                f"  {problem.what}",
            ]
    return "\n".join(text)


def dashboards(described: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each dashboard of the stack's output `dashboards`; empty where it has none."""
    lines = [f"dashboard of {account}: {each['name']}, {each['url']}" for account, each in described.items()]
    return "".join(f"\n{line}" for line in lines)


def as_json(rows: Iterable[TableStatus]) -> str:
    """The rows as a JSON array."""
    return json.dumps([row.as_json() for row in rows])


def duration(seconds: float | None) -> str:
    """`12 s`, `5 min`, `3 h`, `2 d`: the largest unit of which there are two or more."""
    if seconds is None:
        return "-"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def when(value: Any) -> datetime | None:
    """A time of a service, as text or as it is, in UTC; None for nothing."""
    if not value:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _instant(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


Described = Mapping[str, Any]
"""A pipeline, as the stack's outputs have it."""
