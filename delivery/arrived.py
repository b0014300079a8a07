"""What arrived when the changed stack ran on the embedded cloud: a report of it.

A report is a JSON object: `rows`, one a pipeline and table (pipeline, kind, table, sent, arrived, seconds, failure);
`denials`, what the clouds' IAM refused (principal, action, resource, count); `failure`, why the stack did not come up.
"""

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Arrival:
    """The way of one table through one pipeline."""

    pipeline: str
    kind: str
    table: str
    sent: int
    arrived: int
    seconds: float | None
    failure: str = ""

    @property
    def complete(self) -> bool:
        """Whether all that was sent has arrived."""
        return self.seconds is not None and self.sent == self.arrived and not self.failure


@dataclass(frozen=True)
class Denial:
    """A call that the embedded cloud's IAM refused."""

    principal: str
    action: str
    resource: str
    count: int = 1


@dataclass(frozen=True)
class Arrived:
    """One run of a stack on the embedded cloud."""

    stack: str
    rows: tuple[Arrival, ...] = ()
    denials: tuple[Denial, ...] = ()
    failure: str = ""

    @property
    def complete(self) -> bool:
        """Whether the run came up, each of its tables is complete and nothing was denied."""
        return not self.failure and not self.denials and all(row.complete for row in self.rows)

    @property
    def sentence(self) -> str:
        """How it ended."""
        if self.failure:
            return f"{self.stack}: {self.failure}"
        refused = sum(denial.count for denial in self.denials)
        first = f", the first: {self.denials[0].principal} {self.denials[0].action}" if self.denials else ""
        return (
            f"{self.stack}: {sum(row.complete for row in self.rows)} of {len(self.rows)} arrived, "
            f"{refused or 'no'} call{'' if refused == 1 else 's'} denied{first}"
        )


def read(text: str) -> Arrived:
    """The run that a report is of."""
    content: dict[str, Any] = json.loads(text)
    return Arrived(
        content["stack"],
        tuple(Arrival(**row) for row in content.get("rows", [])),
        tuple(Denial(**denial) for denial in content.get("denials", [])),
        content.get("failure", ""),
    )


def written(run: Arrived) -> str:
    """The report of a run."""
    return json.dumps(dataclasses.asdict(run), indent=1) + "\n"


def arrivals(rows: Sequence[Mapping[str, Any]]) -> tuple[Arrival, ...]:
    """The ways of the tables of `python -m local status --format json`, each with what a running stack says is failing.
    A row of a pipeline as a whole was sent by nobody: what it says fails every table of that pipeline."""
    whole = {str(row["pipeline"]): _failing(row) for row in rows if row["sent"] is None}
    return tuple(
        Arrival(
            row["pipeline"], row["kind"], row["table"], row["sent"], row["arrived"], row["seconds"],
            "; ".join(filter(None, (_failing(row), whole.get(row["pipeline"], "")))),
        )
        for row in rows
        if row["sent"] is not None
    )  # fmt: skip


def _failing(row: Mapping[str, Any]) -> str:
    """What is failing of a row; a pipeline that is left out says so by what has not arrived."""
    problems: Sequence[Mapping[str, str]] = row.get("problems") or ()
    return "; ".join(problem["what"] for problem in problems)


# As AWS words it, and the embedded cloud's log has it, of Google's permissions too: `storage.objects.get`.
DENIED = re.compile(
    r"User: (?P<principal>\S+) is not authorized to perform: (?P<action>[\w:-]+(?:\.\w+)*)"
    r"(?: on resource: (?P<resource>\S+))?"
)


def denials(log: str) -> tuple[Denial, ...]:
    """What a log of the embedded cloud says was refused, the most frequent first."""
    counted = Counter(
        (match["principal"], match["action"], match["resource"] or "") for match in DENIED.finditer(log)
    )
    return tuple(Denial(*key, count) for key, count in counted.most_common())
