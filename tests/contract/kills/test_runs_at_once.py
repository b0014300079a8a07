"""Runs of one source that overlap, a clock that is off, and a bucket with a past: what is published is the same."""

import datetime as clock
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.kills.deployed import seen
from tests.contract.kills.kill_table import DUE, NEXT, a_run, a_walk, nothing, world
from tests.typed import fake

SAME_DAY = "2026-01-03T09:00:00Z"


@pytest.fixture(scope="module")
def here() -> Iterator[Any]:
    with world() as made:
        yield made


@pytest.fixture
def begun(here: Any) -> dict[str, Any]:
    """The state after a first run, from which runs take windows."""
    here.services.restore(nothing(here))
    here.services.calls.plan()
    here.services.calls.meanwhile = None
    a_run(here, DUE)
    return here.services.state()


def published(here: Any):
    """What readers see: the catalog, and the records of what is published."""
    state = here.services.state()
    records = {key: value for key, value in state["objects"].items() if key.endswith("/current.json")}
    return {"tables": state["tables"], "partitions": state["partitions"], "records": records}


def tasks_of(here: Any, begun: Any, due: Any):
    here.services.restore(begun)
    tasks: list[Any] = []
    a_run(here, due, lambda handler, event: tasks.append((handler, event)))
    return tasks


def test_a_run_that_is_started_twice_at_once_publishes_what_one_does(here: Any, begun: dict[str, Any]):
    here.services.restore(begun)
    walk = a_walk(here, NEXT)
    expected = seen(here.services.state())
    for number in range(0, len(walk.tasks), 4):
        walk.again(number, first(lambda: a_run(here, NEXT)))
        assert seen(here.services.state()) == expected, (
            f"the second one ran before task {number}: {walk.tasks[number]}"
        )


@pytest.mark.parametrize("later", [SAME_DAY, "2026-01-04T03:00:00Z"])
def test_a_run_that_outlives_the_next_ones_schedule_takes_nothing_back(
    here: Any, begun: dict[str, Any], later: Any
):
    here.services.restore(begun)
    walk = a_walk(here, NEXT)
    a_run(here, later)
    expected = published(here)["tables"]["orders_latest"]
    for number in range(0, len(walk.tasks), 4):
        walk.again(number, first(lambda: a_run(here, later)))
        after = published(here)
        assert after["tables"]["orders_latest"]["Parameters"] == expected["Parameters"], walk.tasks[number]
        assert f'"exported_to": "{later[:10]}'.encode() in after["records"]["state/orders/current.json"]


@pytest.mark.parametrize("source", ["orders", "shop"])
def test_two_publications_at_once_leave_readers_at_the_newer_one(
    here: Any, begun: dict[str, Any], source: str
):
    def publication(due: Any, before: Any):
        tasks = tasks_of(here, before, due)
        return next(e for _, e in tasks if e.get("step") == "publish" and e["export"]["source"] == source)

    older = publication(NEXT, begun)
    both = here.services.state()
    here.services.restore(begun)
    newer = publication("2026-01-04T03:00:00Z", begun)
    files = both["objects"] | here.services.state()["objects"]
    published_keys = [key for key in files if key.endswith(("current.json", "names.json"))]
    before = begun | {"objects": files | {key: begun["objects"][key] for key in published_keys}}
    newer["export"]["exported_to"] = max(newer["export"]["exported_to"], "2026-01-04T03:00:00+00:00")
    newer["export"]["export_date"] = "2026-01-04"

    here.services.restore(before)
    here.services.calls.plan()
    here.call("catalog", older)
    calls = list(here.services.calls.made)
    here.call("catalog", newer)
    expected = published(here)
    for number in range(1, len(calls) + 1):
        here.services.restore(before)
        here.services.calls.plan(number, "meanwhile")
        here.services.calls.meanwhile = lambda: here.call("catalog", newer)
        for _ in range(3):  # as the state machine does
            try:
                here.call("catalog", older)
                break
            except Exception:
                here.services.calls.plan()
        assert published(here) == expected, f"the newer one came before call {number}: {calls[number - 1]}"


def first(do: Any):
    """Does it once, before the first task that runs."""
    count = iter(range(1000))
    return fake(lambda handler, event: do() and None if next(count) == 0 else None)


@pytest.mark.parametrize("off", [-3600, 3600])
def test_a_clock_that_is_an_hour_off_changes_nothing_that_is_published(
    here: Any, begun: dict[str, Any], off: Any, monkeypatch: pytest.MonkeyPatch
):
    a_run(here, NEXT)
    expected = seen(here.services.state())

    class Off(clock.datetime):
        @classmethod
        def now(cls, tz: Any = None):
            return clock.datetime.now(tz) + clock.timedelta(seconds=off)

    monkeypatch.setattr(here.apps["catalog"], "datetime", Off)
    monkeypatch.setattr(time, "time", fake(lambda now=time.time: now() + off))
    here.services.restore(begun)
    a_run(here, NEXT)
    assert seen(here.services.state()) == expected


def test_a_hundred_thousand_older_objects_cost_a_run_no_call(here: Any, begun: dict[str, Any]):
    here.services.calls.plan()
    a_run(here, NEXT)
    expected, calls = published(here), len(here.services.calls.made)
    older = {
        f"{place}{number:06}/{name}": b""
        for number in range(10_000)
        for place, name in [
            ("raw/orders/AWSDynamoDB/", "manifest-files.json"), ("raw/orders/AWSDynamoDB/", "data/a.json.gz"),
            ("raw/orders/AWSDynamoDB/data/", "a.json.gz"), ("raw/shop/shop-", "shop/shop.products/1/a.parquet"),
            ("state/orders/", "files/a.json"), ("state/orders/", "published.json"), ("state/shop/", "tables.json"),
            ("windows/orders/", "a.parquet"), ("lake/orders/export_date=2020-01-01/run=", "a.parquet"),
            ("firehose/failed/", "a.gz"),
        ]
    }  # fmt: skip
    assert len(older) == 100_000
    here.services.restore(begun | {"objects": begun["objects"] | older})
    here.services.calls.plan()
    here.services.listed.clear()
    a_run(here, NEXT)
    assert (published(here), len(here.services.calls.made)) == (expected, calls)
    assert not older.keys() & set(here.services.listed)
