"""What arrived on the embedded cloud, from what its `status` prints."""

from __future__ import annotations

import json
from typing import Any

from delivery.arrived import Arrival, arrivals, read, written
from delivery.arrived import Arrived as Run
from local.__main__ import beside
from local.samples import Row
from operate.row import FAILING, Problem, TableStatus

SENT = [
    Row("shop-lake", "export", "orders", 3, 3, 1.5), Row("shop-lake", "export", "returns", 0, 0, 1.5),
    Row("search", "zero-etl", "-", 0, 0, None, {}, "not run: no Java"),
]  # fmt: skip
RUNNING = [TableStatus("shop-lake", "export", name, rows=3) for name in ("orders", "returns")]


def rows(running: list[TableStatus]) -> list[dict[str, Any]]:
    """As `python -m local status --format json` prints them."""
    return json.loads(json.dumps(beside(SENT, running)))


def test_each_table_that_was_sent_has_its_way_and_no_other_row_is_one() -> None:
    ways = arrivals(rows(RUNNING))
    assert ways == (
        Arrival("shop-lake", "export", "orders", 3, 3, 1.5), Arrival("shop-lake", "export", "returns", 0, 0, 1.5),
        Arrival("search", "zero-etl", "-", 0, 0, None),
    )  # fmt: skip
    assert [way.complete for way in ways] == [True, True, False]
    run = Run("local", ways)
    assert read(written(run)) == run


def test_what_fails_in_the_running_stack_is_the_failure_of_its_table_and_of_a_pipeline_that_of_all_its_tables() -> (
    None
):
    failing = [
        TableStatus("shop-lake", "export", "orders", state=FAILING, problems=(Problem("It is late."),)),
        TableStatus("shop-lake", "export", "-", state=FAILING, problems=(Problem("No run was started."),)),
    ]
    ways = arrivals(rows(failing))
    assert len(ways) == 3
    assert [way.failure for way in ways] == ["It is late.; No run was started.", "No run was started.", ""]
    assert not any(way.complete for way in ways)
