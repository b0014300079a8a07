"""A replica's run fills the tables that the source's has: whatever comes first, twice, or half."""

import contextlib
import itertools
import json
from typing import Any

import pytest

from tests.contract.kills.deployed import rows
from tests.contract.kills.kill_table import (
    DUE,
    NEXT,
    REPLICA,
    Failed,
    a_run,
    arrival_of,
    arrived,
    handed_over,
    nothing,
    world,
)
from tests.contract.kills.walks import Walk, walked

THIRD = "2026-01-04T03:00:00Z"


@pytest.fixture(scope="module")
def here():
    with world() as made:
        yield made


@pytest.fixture(scope="module")
def source(here: Any):
    """The state of the exporting account after three runs: orders once in full, then two windows; shop three times."""
    here.services.restore(nothing(here))
    here.services.calls.plan()
    for due in (DUE, NEXT, THIRD):
        a_run(here, due)
    return here.services.state()


@pytest.fixture
def replica(here: Any, source: Any, monkeypatch: pytest.MonkeyPatch):
    """The receiving account, to which all has come and in which no run was; its catalog function hands nothing over."""
    monkeypatch.setattr(here.apps["catalog"], "hands_over", False)
    here.services.restore(arrived(source))
    here.services.calls.plan()
    return here.services


def published(state: Any):
    """What readers see: the catalog, the published files' rows, and the records of what is published."""
    files = {
        key: rows(content) if key.endswith(".parquet") else json.loads(content)
        for key, content in state["objects"].items()
        if key.startswith("lake/") or key.endswith(("/current.json", "/names.json"))
    }
    return {"files": files, "tables": state["tables"], "partitions": state["partitions"]}


def run(here: Any, key: Any, before: Any = None):
    walked(here, REPLICA, {"record": key}, *([before] if before else []))


def test_the_runs_of_what_has_arrived_publish_what_the_source_has_published(
    here: Any, source: Any, replica: Any
):
    for key in [*handed_over(source, "orders"), *handed_over(source, "shop")]:
        run(here, key)
    assert published(replica.state()) == published(source)
    assert not [key for key in replica.state()["objects"] if key not in source["objects"]]


def test_the_source_is_published_with_rows_that_changed(source: Any):
    """Else the others compare nothing with nothing."""
    snapshots = {
        key: rows for key, rows in published(source)["files"].items() if key.startswith("lake/orders/")
    }
    assert len(snapshots) >= 3 and len({repr(rows) for rows in snapshots.values()}) >= 2
    assert len(handed_over(source, "orders")) == len(handed_over(source, "shop")) == 3
    assert {"orders", "orders_latest", "shop_orders"} & set(source["tables"]) >= {"orders", "orders_latest"}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_increments_that_come_in_any_order_wait_for_their_turn(
    here: Any, source: Any, replica: Any, order: Any
):
    keys = handed_over(source, "orders")
    waiting: list[str] = [keys[number] for number in order]
    tries = 0

    class NotYet(Exception):
        pass

    def once(handler: Any, event: Any):
        # A run whose export has to wait is left where it waits: the next one gets its turn.
        if handler == "replica_source" and event["step"] == "start" and event["item"]["polls"] > 0:
            raise NotYet

    while waiting:
        tries += 1
        assert tries < 10
        key = waiting.pop(0)
        try:
            run(here, key, once)
        except NotYet:
            waiting.append(key)
    assert published(replica.state())["files"]["state/orders/current.json"] == json.loads(
        source["objects"]["state/orders/current.json"]
    )
    here_kept, source_kept = (
        {key: kept for key, kept in published(state)["files"].items() if "orders" in key}
        for state in (replica.state(), source)
    )
    assert here_kept == source_kept


def test_an_increment_whose_beginning_never_comes_fails_with_what_lacks(here: Any, source: Any, replica: Any):
    with pytest.raises(
        Failed, match=r"SourcesFailed.*begins at 2026-01-0.*nothing of orders is published here"
    ):
        run(here, handed_over(source, "orders")[1])
    assert published(replica.state()) == {"files": {}, "tables": {}, "partitions": {}}


def test_what_is_published_already_is_not_published_again(here: Any, source: Any, replica: Any):
    keys = handed_over(source, "orders")
    for key in keys:
        run(here, key)
    before = replica.state()
    for key in reversed(keys[1:]):
        run(here, key)
    assert published(replica.state()) == published(before)


def test_a_full_export_that_comes_late_gets_its_partition_and_moves_nobody_back(
    here: Any, source: Any, replica: Any
):
    keys = handed_over(source, "shop")
    for key in keys:  # the snapshots of this world are of one time
        record = json.loads(source["objects"][key])
        record["work"]["exported_to"] = f"{record['work']['export_date']}T03:00:00+00:00"
        replica.objects[key] = json.dumps(record).encode()
    newest, *older = sorted(keys, key=lambda key: json.loads(replica.objects[key])["due"], reverse=True)
    run(here, newest)
    before = published(replica.state())
    for key in older:
        run(here, key)
    after = published(replica.state())
    assert (after["files"], after["tables"]) == (before["files"], before["tables"])
    shop = {table: kept for table, kept in published(source)["partitions"].items() if "shop" in str(table)}
    assert after["partitions"] == shop and len(str(shop).split("raw/shop/")) == 4


@pytest.mark.parametrize("of", ["orders", "shop"])
@pytest.mark.parametrize("half", ["without its last file", "without its description"])
def test_half_an_export_is_announced_to_nobody(here: Any, source: Any, replica: Any, of: str, half: str):
    key = handed_over(source, of)[0]
    work = json.loads(source["objects"][key])["work"]
    if of == "orders":
        folder = work["summary_key"].rpartition("/")[0]
        data = sorted(k for k in source["objects"] if k.startswith(f"{folder}/data/"))
        removed = data[-1] if half == "without its last file" else work["summary_key"]
    else:
        files = sorted(k for k in source["objects"] if k.startswith(work["export_prefix"]))
        removed = (
            files[-1] if half == "without its last file" else next(k for k in files if k.endswith(".json"))
        )
    content = replica.objects.pop(removed)
    message = {"Records": [arrival_of(key)]}
    assert here.call("arrival", message)["batchItemFailures"]
    assert replica.state()["announced"] == source["announced"]
    replica.objects[removed] = content
    for item in replica.items.values():
        item["in_progress_expiration"] = {"N": "0"}
    assert not here.call("arrival", message)["batchItemFailures"]
    (announced,) = [e for e in replica.state()["announced"] if e not in source["announced"]]
    assert key in str(announced)


def test_every_step_of_a_replicas_run_may_fail_once_and_the_run_is_started_again(
    here: Any, source: Any, replica: Any
):
    first, second, _ = handed_over(source, "orders")
    run(here, first)
    walk = Walk(here, REPLICA, {"record": second})
    expected = published(replica.state())
    assert len(walk.tasks) >= 6
    for number, (task, _) in enumerate(walk.tasks):
        for after in (False, True):
            count = itertools.count()

            def fault(handler: Any, event: Any, count: Any = count, after: Any = after):
                if next(count):
                    return None
                if not after:
                    raise Failed("States.TaskFailed", "{}")
                return Failed("States.TaskFailed", "{}")

            with contextlib.suppress(Failed):
                walk.again(number, fault)
            run(here, second)
            assert published(replica.state()) == expected, (number, task, after)
