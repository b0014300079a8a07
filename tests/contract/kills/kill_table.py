"""Every call of every handler goes wrong once, in each way, and the handler is called again as its caller would.

`python -m tests.contract.kills.kill_table` writes the tables of docs/failures.md.
"""

import base64
import contextlib
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from components.lake.steps import definition
from components.shared.landing_folders import HANDED_OVER
from tests.contract.kills.deployed import deployed, seen
from tests.contract.kills.exporters import ORDERS
from tests.contract.kills.machine import Failed
from tests.contract.kills.outside import Index, google
from tests.contract.kills.services import FAULTS, Killed
from tests.contract.kills.walks import Before, Walk, undisturbed, walked

DUE, NEXT = "2026-01-02T03:00:00Z", "2026-01-03T03:00:00Z"
SOURCES: list[dict[str, Any]] = [
    {"name": "orders", "kind": "dynamodb", "arn": ORDERS, "table": "orders", "mode": "incremental", "declared": {}},
    {"name": "shop", "kind": "rds_instance", "only": [], "snapshot": "made-for-the-run"},
]  # fmt: skip


def machine(source: str, sources: str | None) -> dict[str, Any]:
    """The machine of an export, or of a replica, in which no sources are planned."""
    return definition(
        {"dynamodb", "rds"},
        sources=sources,
        bucket="landing",
        files_at_once=2,
        source=f"arn:aws:lambda:::{source}",
        normalise="arn:aws:lambda:::normalise",
        fold="arn:aws:lambda:::fold",
        catalog="arn:aws:lambda:::catalog",
    )


MACHINE, REPLICA = machine("export_source", json.dumps(SOURCES)), machine("replica_source", None)


@dataclass(frozen=True)
class Case:
    """One invocation, as it was when nothing went wrong, and the state that it began with."""

    handler: str
    step: str
    event: dict[str, Any]
    before: dict[str, Any]
    # Of which call, and of which fault, the documentation says that something comes twice, and why.
    twice: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    why: str = ""
    counted: str = ""  # what of `seen` comes twice
    again: bool = True  # whether a second call is the same call


def world() -> contextlib.AbstractContextManager[Any]:
    """The handlers on their services, for a `with`."""

    @contextlib.contextmanager
    def made():
        with pytest.MonkeyPatch.context() as patch, deployed(patch) as here:
            here.index = Index(here.services.calls, here.apps["index"])
            google(here.services.calls, here.apps["load_check"])
            yield here

    return made()


def a_walk(here: Any, due: str) -> Walk:
    """An undisturbed run of the state machine."""
    return Walk(here, MACHINE, {"scheduled_time": due})


def a_run(here: Any, due: str, before: Before = undisturbed):
    """A run of the state machine; `before` is called before each task, and may raise Failed."""
    return walked(here, MACHINE, {"scheduled_time": due}, before)


def handed_over(state: dict[str, Any], source: str) -> list[str]:
    """The keys of what the runs of an export handed over of a source, the oldest first."""
    keys = [key for key in state["objects"] if key.startswith(f"raw/{source}/") and key.endswith(HANDED_OVER)]
    return sorted(keys, key=lambda key: json.loads(state["objects"][key])["work"]["exported_to"])


def cases(here: Any) -> Iterator[Case]:
    """Every task of two runs, and one invocation of each of the other handlers."""
    recorded: list[Any] = []
    for due in (DUE, NEXT):
        a_run(here, due, lambda handler, event: recorded.append((handler, event, here.services.state())))
    known: set[str] = set()
    for handler, event, before in recorded:
        described = event.get("item", event.get("export", event))
        kind = "RDS" if described.get("source") == "shop" or event.get("step") == "rds" else "DynamoDB"
        if handler == "fold" or event.get("step") in ("plan", "report"):
            step = event.get("step", "")
        else:
            window = described.get("incremental") or described.get("due", "").startswith("2026-01-03")
            step = f"{event['step']}, {kind}{', a window' if window and kind == 'DynamoDB' else ''}"
        if f"{handler} {step}" not in known:
            known.add(f"{handler} {step}")
            yield Case(handler, step, event, before)
    full = here.services.state()
    yield from others(full, here.services)


def arrived(full: dict[str, Any]) -> dict[str, Any]:
    """The state of an account to which the landing's exports were replicated, and in which nothing is published."""
    raw = {key: content for key, content in full["objects"].items() if key.startswith("raw/")}
    return full | {"objects": raw, "tables": {}, "partitions": {}}


def arrival_of(key: str) -> dict[str, Any]:
    """A message of SQS about a new object."""
    record = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "landing"}, "object": {"key": key}},
    }
    return {
        "messageId": "1",
        "receiptHandle": "r",
        "body": json.dumps({"Records": [record]}),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:222222222222:arrivals",
        "awsRegion": "us-east-1",
    }


def others(full: dict[str, Any], services: Any) -> Iterator[Case]:
    """The cases of the handlers that are no step of a run."""
    summary = next(key for key in full["objects"] if key.endswith("manifest-summary.json"))
    lost_answer = ("time-out", "killed")
    (orders, *_), (shop, *_) = handed_over(full, "orders"), handed_over(full, "shop")
    for step, key in (("", summary), ("published, DynamoDB", orders), ("published, RDS", shop)):
        yield Case(
            "arrival", step, {"Records": [arrival_of(key)]}, full,
            twice={"PutEvents": lost_answer, "UpdateItem": ("error", "killed")}, counted="announced",
            why="a consumer that must not see an export twice compares " + ("`record`" if step else "`export_arn`"),
        )  # fmt: skip
    for kind, key in (("DynamoDB", orders), ("RDS", shop)):
        yield Case("replica_source", f"plan, {kind}", {"step": "plan", "record": key}, full)
        item = json.loads(full["objects"][key]) | {"of": {"record": key}, "polls": 0, "attempt": 0}
        kept = {name: item[name] for name in ("source", "of", "due", "attempt", "polls")} | {
            "snapshot_arn": ""
        }
        yield Case("replica_source", f"start, {kind}", {"step": "start", "item": kept}, arrived(full))
    yield Case("backfill", "create", {"tf": {"action": "create", "prev_input": None}}, full)
    yield Case("export_start", "", {"scheduled_time": DUE}, full)
    yield Case(
        "generate_ticks", "", {"count": 3}, full, twice={"PutRecords": lost_answer}, counted="records",
        why="a tick has its `run` and its `seq`", again=False,
    )  # fmt: skip
    wanted: dict[str, Any] = {
        "endpoint": "https://c",
        "region": "us-east-1",
        "index": "ticks",
        "mapping": {"properties": {}},
    }
    for action in ("create", "delete"):
        event: dict[str, Any] = wanted | {"delete": True, "tf": {"action": action, "prev_input": None}}
        yield Case("index", action, event, full)
    yield Case("load_check", "", {"scheduled_time": "2026-01-02T06:00:00Z"}, full)
    lines = "".join(
        json.dumps({"errorCode": "403", "rawData": base64.b64encode(f"{n}".encode()).decode()}) + "\n"
        for n in range(3)
    ).encode()
    failed = {f"firehose/failed/{name}": lines for name in ("a", "b")}
    yield Case(
        "replay", "", {}, full | {"objects": full["objects"] | failed},
        twice={"PutRecords": lost_answer, "DeleteObject": ("error",)}, counted="records",
        why="the records of the object at hand, where an answer of the stream or of S3 was lost",
    )  # fmt: skip


def attempt(here: Any, case: Case, number: int = 0, kind: str | None = None) -> tuple[Any, list[str], bool]:
    """What is there after an attempt with that fault and as many calls as it takes; the calls of the first."""
    here.services.restore(case.before)
    indexes: dict[str, Any] = {"ticks": {}} if case.step == "delete" else {}
    here.index.indexes = indexes
    here.apps["load_check"].google.until = 0.0  # else it has its token
    here.services.calls.plan(number, kind)
    failed = False
    try:
        answer = here.call(case.handler, case.event)
        failed = bool(isinstance(answer, dict) and cast("dict[str, Any]", answer).get("batchItemFailures"))
    except (Exception, Killed):
        failed = True
    calls = list(here.services.calls.made)
    here.services.calls.plan()
    if failed or (kind == "called twice" and case.again):
        for item in here.services.items.values():  # the function's time is over
            if item["status"]["S"] == "INPROGRESS":
                item["in_progress_expiration"] = {"N": "0"}
        answer = here.call(case.handler, case.event)
        assert not (isinstance(answer, dict) and cast("dict[str, Any]", answer).get("batchItemFailures")), (
            answer
        )
    shown: dict[str, Any] = seen(here.services.state()) | {
        "indexes": dict(here.index.indexes),
        "metrics": here.services.metrics > 0,
    }
    return shown, calls, failed


@dataclass
class Outcome:
    """What became of a step's calls when each of them failed in each way."""

    handler: str
    step: str
    calls: Counter[str]
    number: int = 0
    same: int = 0
    twice: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    why: str = ""

    def row(self) -> str:
        """A line of the page's table."""
        calls = (
            ", ".join(f"{name} {n}" if n > 1 else name for name, n in sorted(self.calls.items())) or "none"
        )
        result = "as undisturbed"
        if self.twice:
            result = f"{self.same} as undisturbed, {len(self.twice)} with something twice: {self.why}"
        name = f"`{self.handler}`" + (f" {self.step}" if self.step else "")
        return f"| {name} | {calls} | {self.number} | {result} |"


def judged(here: Any, case: Case) -> Outcome:
    """Has each call of a case go wrong in each way, and compares what is left with an undisturbed run."""
    expected, calls, failed = attempt(here, case)
    assert not failed, (case.handler, case.step, "an undisturbed call fails")
    outcome = Outcome(case.handler, case.step, Counter(calls), why=case.why)
    plans = [(n, kind) for n in range(1, len(calls) + 1) for kind in FAULTS]
    for number, kind in [*plans, (0, "called twice")]:
        outcome.number += 1
        end, made, _ = attempt(here, case, number, kind)
        name = made[number - 1] if number else ""
        if end == expected:
            outcome.same += 1
        elif kind in case.twice.get(name, ()) and _more(end, expected, case.counted):
            outcome.twice.append(f"{name} {kind}")
        else:
            differs = [key for key in expected if end[key] != expected[key]]
            outcome.wrong.append(f"call {number} ({name}), {kind}: {', '.join(differs)}")
    return outcome


def _more(actual: dict[str, Any], expected: dict[str, Any], what: str) -> bool:
    """Whether nothing is lost, and nothing but `what` differs, of which some came twice."""
    others_same = all(actual[key] == expected[key] for key in expected if key != what)
    whole: Counter[str] = Counter(actual[what])
    wanted: Counter[str] = Counter(expected[what])
    return others_same and set(whole) == set(wanted) and not wanted - whole


STEP_FAULTS = {
    "hiccup": "Lambda refuses, the state machine tries again",
    "killed": "the step did it, Lambda's answer is lost, the state machine tries again",
    "failed": "the step did it and is counted as failed, the run ends and is started again",
    "refused": "the step did nothing and fails, the run ends and is started again",
}


def step_faults(here: Any) -> Iterator[tuple[str, int, list[str]]]:
    """Of each fault, at every task of a run over both sources: what differs from an undisturbed run."""
    here.services.restore(nothing(here))
    a_run(here, DUE)  # the first run's tables are there, the next one takes a window
    walk = a_walk(here, NEXT)
    expected = seen(here.services.state())
    for kind in STEP_FAULTS:
        wrong: list[Any] = []
        for number, (handler, event) in enumerate(walk.tasks):
            with contextlib.suppress(Failed):
                walk.again(number, _faulty(kind))
            a_run(here, NEXT)
            if (state := seen(here.services.state())) != expected:
                differs = [key for key in expected if state[key] != expected[key]]
                task = f"{handler} {event.get('step', '')}"
                wrong.append(f"task {number + 1} ({task}), {kind}: {', '.join(differs)}")
        yield kind, len(walk.tasks), wrong


def _faulty(kind: str):
    counted = itertools.count()

    def before(handler: Any, event: Any):
        if next(counted):
            return None
        if kind == "hiccup":
            raise Failed("Lambda.ServiceException", "{}")
        if kind == "refused":
            raise Failed("States.TaskFailed", "{}")
        return Failed("Lambda.Unknown" if kind == "killed" else "States.TaskFailed", "{}")

    return before


def nothing(here: Any) -> dict[str, Any]:
    """The services' state in which nothing has happened yet."""
    emptied = {key: type(value)() for key, value in here.services.state().items() if key != "rds"}
    return emptied | {"rds": ({}, {})}


def tables() -> tuple[list[Outcome], list[tuple[str, int, list[str]]]]:
    """The table's two halves: each call of a handler by itself, and each fault at every task of a run."""
    with world() as here:
        return [judged(here, case) for case in cases(here)], list(step_faults(here))


PAGE = Path(__file__).resolve().parents[3] / "docs" / "failures.md"


def written(page: str, outcomes: list[Outcome], steps: list[tuple[str, int, list[str]]]) -> str:
    """The page with its two tables made anew."""
    rows = ["| handler | calls of a good run | cases | outcome |", "|---|---|---|---|"]
    rows += [outcome.row() for outcome in outcomes]
    lines = ["| what happens to a step | cases | outcome |", "|---|---|---|"]
    lines += [f"| {STEP_FAULTS[kind]} | {number} | as undisturbed |" for kind, number, _ in steps]
    for mark, made in (("handlers", rows), ("steps", lines)):
        begin, end = f"<!-- kills: {mark} -->\n", "<!-- end of kills -->"
        head, _, rest = page.partition(begin)
        page = head + begin + "\n".join(made) + "\n" + end + rest.partition(end)[2]
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(), *tables()))
