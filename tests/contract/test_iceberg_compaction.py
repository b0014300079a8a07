"""Athena compacts an Iceberg table after a number of commits: the same rows in fewer files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.embedded_cloud import Cloud
from tests.contract.iceberg_lake import day, iceberg_table, line
from tests.contract.merging_lake import MergingLake, NotMerged
from tests.contract.normaliser import schema_of
from tests.contract.test_iceberg import EVERY_TYPE, ITEM, Connection

SCHEMA = schema_of([{"id": {"S": "a"}, "n": {"N": "1"}}], keys=["id"])


@pytest.fixture
def lake(cloud: Cloud, tmp_path: Path) -> MergingLake:
    return MergingLake(cloud, tmp_path)


def items(*ids: str) -> list[Any]:
    return [{"id": {"S": i}, "n": {"N": "1"}} for i in ids]


def change(lake: MergingLake, at: int, key: str, n: int | None) -> iceberg_table.Written:
    """An increment until day `at` that gives a row its `n`, or (None) takes it away."""
    body = None if n is None else {"n": {"N": str(n)}}
    files = lake.upload(SCHEMA, line(at, {"id": {"S": key}}, body), incremental=True)
    return lake.write(SCHEMA, iceberg_table.Run(f"window-{at}", day(at - 1), day(at), files))


def optimize(lake: MergingLake) -> None:
    lake.athena(f'OPTIMIZE "{lake.database}"."{lake.table}" REWRITE DATA USING BIN_PACK')


def files(lake: MergingLake) -> tuple[int, int]:
    """How many data files and files of deletes the table has, by pyiceberg."""
    tasks = list(lake.read().scan().plan_files())
    return len(tasks), len({file.file_path for task in tasks for file in task.delete_files})


def in_order(lake: MergingLake) -> list[dict[str, Any]]:
    return sorted(lake.rows(), key=lambda row: row["id"])


def test_a_compacted_table_has_the_same_rows_in_one_file_and_is_written_on(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a", "b", "c"), 1)
    for at, (key, n) in enumerate([("a", 2), ("b", None), ("d", 4), ("a", 3)], 2):
        change(lake, at, key, n)
    before, past = in_order(lake), lake.read().metadata.current_snapshot_id
    assert files(lake)[0] > 3 and files(lake)[1] > 1
    optimize(lake)
    assert files(lake) == (1, 0) and in_order(lake) == before
    table = lake.read()
    assert table.properties[iceberg_table.RUN] == "window-5"
    then = table.scan(snapshot_id=past).to_arrow().to_pylist()
    assert sorted(then, key=lambda row: row["id"]) == before
    # Compacted again, it is as it is; the next run goes on from there.
    pointer = lake.pointer()
    optimize(lake)
    assert lake.pointer() == pointer
    assert change(lake, 6, "c", 7).rows == 3
    assert {row["id"]: row["n"] for row in lake.rows()} == {"a": 3, "c": 7, "d": 4}


def test_commits_that_change_rows_are_counted_and_no_others(lake: MergingLake) -> None:
    assert lake.export(SCHEMA, items("a", "b"), 1).commits == 0
    assert change(lake, 2, "a", 2).commits == 1
    again = lake.write(SCHEMA, iceberg_table.Run("window-2", day(1), day(2), []))
    nothing = lake.write(SCHEMA, iceberg_table.Run("nothing", day(2), day(3), []))
    assert (again.committed, again.commits) == (False, 0) and (nothing.committed, nothing.commits) == (
        True,
        0,
    )
    files = lake.upload(SCHEMA, line(4, {"id": {"S": "b"}}, None), incremental=True)
    merged = iceberg_table.Run("merged", day(3), day(4), files)
    assert lake.merge(SCHEMA, merged).commits == 2 and lake.mark(merged).commits == 0
    assert change(lake, 5, "a", 3).commits == 3


def test_a_run_that_a_compaction_was_ahead_of_is_refused_whole_and_can_come_again(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    change(lake, 2, "b", 2)

    def overtaken(commit: Callable[[], Any]) -> None:
        optimize(lake)
        commit()

    with pytest.raises(iceberg_table.NotCommitted, match="409"):
        lake.export(SCHEMA, items("c"), 3, connection=Connection(lake, overtaken))
    assert files(lake) == (1, 0) and [row["id"] for row in in_order(lake)] == ["a", "b"]
    assert lake.export(SCHEMA, items("c"), 3).committed
    assert [row["id"] for row in lake.rows()] == ["c"]


def test_what_athena_does_not_compact_is_refused(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    with pytest.raises(NotMerged, match="NOT_SUPPORTED"):
        lake.athena(f'OPTIMIZE "{lake.database}"."nobody" REWRITE DATA USING BIN_PACK')
    with pytest.raises(NotMerged, match="NOT_SUPPORTED"):
        lake.athena(f"OPTIMIZE {lake.database}.{lake.table} REWRITE DATA USING BIN_PACK WHERE id = 'a'")
    assert files(lake) == (1, 0)


def test_every_type_and_a_column_that_came_later_are_compacted(lake: MergingLake) -> None:
    narrow, first = ({k: v for k, v in of.items() if k != "real"} for of in (EVERY_TYPE, ITEM))
    wide = schema_of([ITEM], EVERY_TYPE, keys=["id"])
    lake.export(schema_of([first], narrow, keys=["id"]), [first], 1)
    lake.export(wide, [ITEM, ITEM | {"id": {"S": "second"}}], 2)
    before = in_order(lake)
    optimize(lake)
    assert files(lake) == (1, 0) and in_order(lake) == before
