"""Incremental exports folded into a snapshot are the full export of that moment."""

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.normaliser import full, normalise, schema_of
from tests.typed import pa, pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "handlers" / "fold"))

import folding
import parts

keys = st.sampled_from("abcd")
numbers = st.sampled_from(["1", "-7", "9223372036854775807"])
bodies = st.fixed_dictionaries(
    {}, optional={"n": numbers.map(lambda n: {"N": n}), "odd": st.just({"BOOL": True})}
)
# A write puts an item or (None) deletes it; a window holds the writes since the one before.
writes = st.tuples(keys, st.integers(0, 1), st.one_of(st.none(), bodies))
SCHEMA = schema_of([{"id": {"S": "a"}, "sort": {"N": "1"}, "n": {"N": "1"}}], keys=["id", "sort"])


def lines(window: Any, start: Any):
    for at, (key, sort, body) in enumerate(window):
        named = {"id": {"S": key}, "sort": {"N": str(sort)}}
        line = {"Metadata": {"WriteTimestampMicros": {"N": str(start + at)}}, "Keys": named}
        yield json.dumps(line if body is None else line | {"NewImage": named | body}).encode() + b"\n"


def stored(path: Any, data: Any, incremental: Any):
    from decoder import arrow_schema

    _, rows = normalise(data, SCHEMA, incremental=incremental)
    schema: Any = arrow_schema(SCHEMA, incremental)  # another library's, by Arrow's interface between them
    pq.write_table(pa.Table.from_pylist(rows, pa.schema(schema)), path)
    return path


def ordered(rows: Any):
    return sorted(rows, key=lambda row: (row["id"], row["sort"]))


@settings(max_examples=40, deadline=None)
@given(
    before=st.lists(writes, max_size=5),
    windows=st.lists(st.lists(writes, max_size=6), max_size=3),
    data=st.data(),
)
def test_folding_windows_gives_the_rows_of_a_full_export(
    tmp_path_factory: pytest.TempPathFactory, before: Any, windows: Any, data: Any
):
    folder = tmp_path_factory.mktemp("fold")
    table: dict[Any, Any] = {}

    def export():
        items = [{"id": {"S": k}, "sort": {"N": str(s)}, **b} for (k, s), b in table.items()]
        return full(items)

    def apply(window: Any):
        for key, sort, body in window:
            table.pop((key, sort), None)
            if body is not None:
                table[key, sort] = body

    apply(before)
    current = stored(folder / "current.parquet", export(), False)
    files: list[Any] = []
    for number, window in enumerate(windows):
        apply(window)
        text = list(lines(window, number * 100))
        shuffled = data.draw(st.permutations(text))  # files of a window come in no order
        files.append([stored(folder / f"{number}.parquet", b"".join(shuffled), True)])
    _, expected = normalise(export(), SCHEMA)
    # The published rows lie in files as the last fold, or an export, happened to leave them.
    table_now = pq.read_table(current)
    ends = sorted(data.draw(st.lists(st.integers(0, table_now.num_rows), max_size=3)))
    published: dict[str, Path] = {}
    for first, last in itertools.pairwise([0, *ends, table_now.num_rows]):
        published[f"{first}-{len(published)}"] = folder / f"published-{len(published)}.parquet"
        pq.write_table(table_now.slice(first, last - first), list(published.values())[-1])
    # Bytes that make as many parts: one, one a file and a share of the changes besides, and some in between.
    limit = data.draw(st.integers(1, 8))
    divided = parts.divide(dict.fromkeys(published, 2), data.draw(st.integers(0, 8)), limit)
    rows: list[Any] = []
    for number, part in enumerate(divided):
        output = folder / f"next-{number}.parquet"
        folding.fold(schema=SCHEMA.json(), current=[published[name] for name in part.files], windows=files,
                     output=output, spill=folder / "spill",
                     share=None if part.share is None else (part.share, part.shares))  # fmt: skip
        rows += pq.read_table(output).to_pylist()
    assert ordered(rows) == ordered(expected)


def test_a_snapshot_of_a_narrower_schema_is_widened(tmp_path: Path):
    pq.write_table(
        pa.table({"id": ["a", "b"], "n": [1, 2], "_rest": pa.nulls(2, pa.string())}), tmp_path / "c.parquet"
    )
    wider = schema_of([{"id": {"S": "a"}, "n": {"N": "0.5"}, "new": {"S": "x"}}], keys=["id"])
    text = next(lines([("b", 0, {"n": {"N": "2.5"}, "new": {"S": "y"}})], 1))
    _, rows = normalise(text, wider, incremental=True)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "w.parquet")
    folded = folding.fold(schema=wider.json(), current=[tmp_path / "c.parquet"], windows=[[tmp_path / "w.parquet"]],
                          output=tmp_path / "next.parquet", spill=tmp_path / "spill")  # fmt: skip
    assert folded == folding.Counts(rows=2, changes=1, deletes=0)
    table = pq.read_table(tmp_path / "next.parquet")
    assert str(table.schema.field("n").type) == "decimal128(38, 1)"
    assert sorted((str(r["n"]), r["new"]) for r in table.to_pylist()) == [("1.0", None), ("2.5", "y")]


def test_a_schema_without_keys_is_refused(tmp_path: Path):
    with pytest.raises(folding.FoldError, match="no keys"):
        folding.fold(
            schema={"columns": [], "keys": []}, current=[], windows=[], output=tmp_path / "n", spill=tmp_path
        )
