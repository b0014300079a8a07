"""How a fold is divided: each file and each share once, none too large, and no more parts than the sizes ask for."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recording import ROOT

sizes = st.lists(st.integers(0, 300), max_size=40)


@pytest.fixture(scope="module", autouse=True)
def parts() -> Iterator[ModuleType]:
    """The module of the handler."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "handlers" / "fold"), *sys.path])
        yield importlib.import_module("parts")
    sys.modules.pop("parts", None)


def named(files: list[int]) -> dict[str, int]:
    """Files of these sizes."""
    return {f"{number:03}.parquet": size for number, size in enumerate(files)}


@given(sizes, st.integers(0, 1000), st.integers(1, 200))
def test_each_file_and_each_share_is_in_one_part_that_the_limit_allows(
    parts: ModuleType, files: list[int], changes: int, limit: int
) -> None:
    current = named(files)
    divided = parts.divide(current, changes, limit)
    assert sorted(name for part in divided for name in part.files) == sorted(current)
    shared = [part for part in divided if part.share is not None]
    assert [part.share for part in shared] == list(range(max(1, -(-changes // limit))))
    assert {part.shares for part in shared} == {len(shared)}
    for part in divided:
        filled = sum(current[name] for name in part.files) + (
            changes if part.files and part.share == 0 else 0
        )
        assert filled <= limit or (len(part.files) == 1 and part.share is None) or not part.files


@given(sizes, st.integers(0, 1000), st.integers(1, 200))
def test_no_more_parts_are_made_than_twice_what_the_sizes_ask_for(
    parts: ModuleType, files: list[int], changes: int, limit: int
) -> None:
    divided = parts.divide(named(files), changes, limit)
    assert len(divided) <= 1 + 2 * (sum(files) // limit) + max(1, -(-changes // limit))


def test_a_small_table_is_folded_by_one_part(parts: ModuleType) -> None:
    assert parts.divide({"b": 60, "a": 20}, 20, 100) == [parts.Part(("a", "b"), 0)]
    assert parts.divide({}, 0, 100) == [parts.Part((), 0)]


def test_a_table_that_grows_is_divided_as_its_files_lie(parts: ModuleType) -> None:
    # One file, as a fold of one part left it, is one part's, whatever it has.
    assert parts.divide({"a": 250}, 10, 100) == [parts.Part(("a",)), parts.Part((), 0)]
    # What the changes of the last fold left goes with its neighbour, and those of this one where there is room.
    assert parts.divide({"a": 80, "b": 10}, 10, 100) == [parts.Part(("a", "b"), 0)]
    assert parts.divide({"a": 80, "b": 10}, 150, 100) == [
        parts.Part(("a", "b")), parts.Part((), 0, 2), parts.Part((), 1, 2),
    ]  # fmt: skip


@given(st.lists(st.integers(0, 60), min_size=1, max_size=30))
def test_folds_one_after_the_other_leave_no_more_files_than_the_table_asks_for(
    parts: ModuleType, windows: list[int]
) -> None:
    limit, current = 100, named([30])
    for window in windows:
        # Nothing is deleted, and no key comes twice: the most that a fold can leave.
        divided = parts.divide(current, window, limit)
        current = {
            parts.output("s.parquet", number): sum(current[name] for name in part.files)
            + (0 if part.share is None else window)
            for number, part in enumerate(divided)
        }
    assert sum(current.values()) == 30 + sum(windows)
    assert len(current) <= 2 + 2 * (sum(current.values()) // limit)


def test_a_part_has_so_many_files_and_a_fold_so_many_parts(parts: ModuleType) -> None:
    divided = parts.divide(named([0] * 2500), 0, 100)
    assert [len(part.files) for part in divided] == [1000, 1000, 500]
    with pytest.raises(ValueError, match="10,001 parts of 1 bytes, and a fold has 10,000 at the most"):
        parts.divide({}, 10_001, 1)


def test_parts_are_named_so_that_the_first_is_the_only_file_of_a_fold_of_one(parts: ModuleType) -> None:
    assert [parts.output("lake/a/snapshot.parquet", n) for n in (0, 1, 12)] == [
        "lake/a/snapshot.parquet", "lake/a/snapshot-00001.parquet", "lake/a/snapshot-00012.parquet",
    ]  # fmt: skip


def test_a_part_is_read_as_it_was_written(parts: ModuleType) -> None:
    for part in (parts.Part(("a", "b")), parts.Part((), 1, 3)):
        assert parts.Part.of(part.json()) == part


def test_each_part_that_failed_or_left_no_result_is_named(parts: ModuleType) -> None:
    assert parts.failures({0: {"rows": 1}, 1: {"rows": 2}}, 2) == ""
    reason = parts.failures({0: {"rows": 1}, 2: {"error": "damaged"}}, 3)
    assert reason == (
        "2 of 3 parts are not folded: part 1: no result, as the log of the function explains; part 2: damaged"
    )


def test_the_parts_results_add_up(parts: ModuleType) -> None:
    each = {"rows": 2, "changes": 1, "deletes": 0}
    assert parts.totals([each, each], 18) == {"rows": 4, "changes": 2, "deletes": 0, "bytes": 18, "parts": 2}
