"""The tag that names a run's snapshot, as pyiceberg reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contract.embedded_cloud import SECRET, WORKLOAD, Cloud
from tests.contract.iceberg_lake import Lake, iceberg_table, lake_catalog
from tests.contract.normaliser import schema_of

import catalog_commits  # isort: skip
import tags  # isort: skip

SCHEMA = schema_of([{"id": {"S": "a"}}], keys=["id"])


@pytest.fixture
def lake(cloud: Cloud, tmp_path: Path) -> Lake:
    return Lake(cloud, tmp_path)


def export(lake: Lake, at: int, *ids: str) -> None:
    lake.export(SCHEMA, [{"id": {"S": i}} for i in ids], at, f"0{at}-abc")


def add(lake: Lake, run: str, days: int = 0) -> bool:
    endpoint = lake.cloud.endpoint
    access = lake_catalog.Access(WORKLOAD, "us-east-1", endpoint, endpoint, WORKLOAD, SECRET, None)
    return tags.add(access, lake.database, lake.table, run, days)


def rows(lake: Lake, run: str) -> list[str]:
    table = lake.read()
    snapshot = table.snapshot_by_name(run)
    assert snapshot
    read: list[dict[str, Any]] = table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().to_pylist()
    return sorted(row["id"] for row in read)


def test_each_runs_rows_are_read_by_its_name_whatever_came_later(lake: Lake) -> None:
    for at, ids in enumerate(("a", "ab", "b"), 1):
        export(lake, at, *ids)
        assert add(lake, f"0{at}-abc")
    assert [rows(lake, f"0{at}-abc") for at in (1, 2, 3)] == [["a"], ["a", "b"], ["b"]]
    assert lake.read().current_snapshot() == lake.read().snapshot_by_name("03-abc")
    refs: Any = lake.read().metadata.refs
    assert {name: ref.snapshot_ref_type for name, ref in refs.items() if name != "main"} == {
        "01-abc": "tag", "02-abc": "tag", "03-abc": "tag",
    }  # fmt: skip


def test_a_tag_is_made_once_and_never_for_a_run_that_the_table_does_not_hold(lake: Lake) -> None:
    export(lake, 1, "a")
    assert add(lake, "01-abc")
    pointer = lake.pointer()
    assert not add(lake, "01-abc") and not add(lake, "00-older") and lake.pointer() == pointer


def test_a_run_that_changes_no_row_has_its_tag_on_the_snapshot_that_was_there(lake: Lake) -> None:
    export(lake, 1, "a")
    export(lake, 2, "a")
    assert add(lake, "02-abc") and rows(lake, "02-abc") == ["a"]


def test_a_tag_keeps_its_snapshot_for_so_many_days(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    ask = catalog_commits.ask

    def recorded(access: Any, path: str, body: Any = None) -> Any:
        sent.extend(body["updates"] if body else ())
        return ask(access, path, body)

    monkeypatch.setattr(catalog_commits, "ask", recorded)
    export(lake, 1, "a")
    add(lake, "01-abc", days=7)
    export(lake, 2, "b")
    add(lake, "02-abc")
    assert [update.get("max-ref-age-ms") for update in sent] == [604_800_000, None]


def test_where_somebody_commits_at_the_same_time_there_is_no_tag(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(lake, 1, "a")
    ask = catalog_commits.ask

    def overtaken(access: Any, path: str, body: Any = None) -> Any:
        if body:
            export(lake, 2, "b")
        return ask(access, path, body)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(catalog_commits, "ask", overtaken)
        with pytest.raises(iceberg_table.NotCommitted, match="409"):
            add(lake, "01-abc")
    assert lake.read().snapshot_by_name("01-abc") is None and rows(lake, "main") == ["b"]
