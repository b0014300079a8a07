"""Whatever call or step breaks off, the next attempt ends where an undisturbed one does: nothing lost, nothing doubled
but what the documentation names. The page's tables are what was seen here."""

from pathlib import Path
from typing import Any

import pytest

from tests.contract.kills import kill_table

HANDLERS = Path(__file__).resolve().parents[3] / "handlers"
WITHOUT_CALLS = {"transform"}
# DuckDB calls S3 and Glue itself, over the wire: it is killed at every statement there.
ELSEWHERE = {"iceberg": "tests/contract/test_iceberg.py"}


@pytest.fixture(scope="module")
def tables() -> Any:
    return kill_table.tables()


def test_a_call_that_breaks_off_leaves_nothing_lost_and_nothing_doubled(tables: Any):
    assert [(o.handler, o.step, o.wrong) for o in tables[0] if o.wrong] == []
    assert all(o.number == 4 * sum(o.calls.values()) + 1 for o in tables[0])


def test_what_may_come_twice_comes_twice_where_the_documentation_says_so(tables: Any):
    twice = {o.handler: set(o.twice) for o in tables[0] if o.twice}
    lost_answer = {"PutRecords time-out", "PutRecords killed"}
    assert twice == {
        "arrival": {"PutEvents time-out", "PutEvents killed", "UpdateItem error"},
        "generate_ticks": lost_answer,
        "replay": lost_answer | {"DeleteObject error"},
    }


def test_a_step_that_breaks_off_leaves_the_run_after_it_where_an_undisturbed_one_ends(tables: Any):
    assert [(kind, wrong) for kind, _, wrong in tables[1] if wrong] == []
    assert {number for _, number, _ in tables[1]} == {18}


def test_every_handler_that_calls_a_service_is_in_the_table(tables: Any):
    there = {folder.name for folder in HANDLERS.iterdir() if (folder / "app.py").exists()}
    assert {o.handler for o in tables[0]} == there - WITHOUT_CALLS - ELSEWHERE.keys()
    assert all(
        "killed_at_any_statement" in (HANDLERS.parent / file).read_text() for file in ELSEWHERE.values()
    )
    for handler in WITHOUT_CALLS:
        assert "boto3" not in "".join(file.read_text() for file in (HANDLERS / handler).glob("*.py"))


def test_the_page_shows_what_was_seen(tables: Any):
    page = kill_table.PAGE.read_text()
    assert kill_table.written(page, *tables) == page, "run: python -m tests.contract.kills.kill_table"
