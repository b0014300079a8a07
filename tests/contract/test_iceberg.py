"""What a run writes into an Iceberg table, as pyiceberg reads it."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.embedded_cloud import Cloud
from tests.contract.iceberg_lake import Lake, day, iceberg_table, line
from tests.contract.normaliser import full, normalise, schema_of
from tests.waiting import eventually

keys = st.sampled_from("abcd")
bodies = st.fixed_dictionaries(
    {}, optional={"n": st.sampled_from(["1", "-7", "9223372036854775807"]).map(lambda n: {"N": n}),
                  "odd": st.just({"BOOL": True})}
)  # fmt: skip
# A write puts an item or (None) deletes it; a step holds the writes since the one before, and how it is exported.
writes = st.tuples(keys, st.integers(0, 1), st.one_of(st.none(), bodies))
steps = st.lists(st.tuples(st.booleans(), st.lists(writes, max_size=6)), min_size=1, max_size=4)
SCHEMA = schema_of([{"id": {"S": "a"}, "sort": {"N": "1"}, "n": {"N": "1"}}], keys=["id", "sort"])
EVERY_TYPE = {
    "id": "string", "text": "string", "bytes": "binary", "yes": "boolean", "whole": "bigint", "real": "double",
    "any": "json", "money": "decimal(10,2)", "names": {"set": "string"}, "sums": {"set": "decimal(38,3)"},
    "list": {"list": {"list": "bigint"}}, "place": {"struct": {"city": "string", "Zip Code": "bigint"}},
}  # fmt: skip
ITEM: dict[str, Any] = {
    "id": {"S": "é\u2028'\""}, "text": {"S": ""}, "bytes": {"B": "AP8="}, "yes": {"BOOL": False},
    "whole": {"N": "-9223372036854775808"}, "real": {"N": "0.1"}, "any": {"M": {"x": {"NULL": True}}},
    "money": {"N": "-12345678.91"}, "names": {"SS": ["a", "b"]}, "sums": {"NS": ["0.001"]},
    "list": {"L": [{"L": [{"N": "1"}]}, {"L": []}]}, "place": {"M": {"city": {"S": "Köln"}, "Zip Code": {"N": "5"}}},
    "extra": {"S": "of no column"},
}  # fmt: skip


@pytest.fixture
def lake(cloud: Cloud, tmp_path: Path) -> Lake:
    return Lake(cloud, tmp_path)


def items(*ids: str, **more: Any) -> list[dict[str, Any]]:
    return [{"id": {"S": i}, "sort": {"N": "1"}, **more} for i in ids]


def ids(lake: Lake) -> list[str]:
    return sorted(row["id"] for row in lake.rows())


class Connection:
    """A connection whose COMMIT goes by `commit`, which gets the real one's."""

    def __init__(self, lake: Lake, commit: Callable[[Callable[[], Any]], Any]):
        self.real: Any = lake.connect()
        self.commit = commit

    def execute(self, sql: str) -> Any:
        return self.commit(lambda: self.real.execute(sql)) if sql == "COMMIT" else self.real.execute(sql)

    def close(self) -> None:
        self.real.close()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=steps)
def test_after_every_run_the_table_holds_what_a_full_export_holds(
    cloud: Cloud, tmp_path: Path, history: list[Any]
) -> None:
    lake, table = Lake(cloud, tmp_path), dict[tuple[str, int], dict[str, Any]]()
    for number, (incremental, window) in enumerate(history, 1):
        for key, sort, body in window:
            table.pop((key, sort), None)
            if body is not None:
                table[key, sort] = body
        everything = full([{"id": {"S": k}, "sort": {"N": str(s)}, **b} for (k, s), b in table.items()])
        if incremental and number > 1:
            data = b"".join(
                line(number * 100 + at, {"id": {"S": k}, "sort": {"N": str(s)}}, b)
                for at, (k, s, b) in enumerate(window)
            )
            files = lake.upload(SCHEMA, data, incremental=True)
            run = iceberg_table.Run(f"run-{number}", day(number - 1), day(number), files)
        else:
            run = iceberg_table.Run(f"run-{number}", None, day(number), lake.upload(SCHEMA, everything))
        written = lake.write(SCHEMA, run)
        _, expected = normalise(everything, SCHEMA)
        assert sorted(lake.rows(), key=repr) == sorted(expected, key=repr)
        assert written.committed and written.rows == len(table)


def test_every_type_of_the_grammar_is_read_back(lake: Lake) -> None:
    schema = schema_of([ITEM], EVERY_TYPE, keys=["id"])
    lake.export(schema, [ITEM], 1)
    _, expected = normalise(full([ITEM]), schema)
    assert lake.rows() == expected
    (row,) = expected
    assert (
        row["money"] == Decimal("-12345678.91") and row["bytes"] == b"\x00\xff" and row["list"] == [[1], []]
    )
    entry = lake.entry()
    assert entry and entry["StorageDescriptor"]["Columns"] == schema.glue_columns()
    assert lake.read().metadata.format_version == 2


def test_a_column_is_added_and_a_decimal_widened_under_the_ids_that_they_have(lake: Lake) -> None:
    narrow = schema_of(
        items("a", m={"N": "1.5"}, t={"SS": ["x"]}), {"m": "decimal(10,2)"}, keys=["id", "sort"]
    )
    lake.export(narrow, items("a", m={"N": "1.5"}, t={"SS": ["x"]}), 1)
    before = {f.name: f.field_id for f in lake.read().schema().fields}
    more = items("a", "b", m={"N": "12345678901.25"}, t={"SS": ["x"]}, new={"S": "n"})
    wide = schema_of(more, {"m": "decimal(38,2)"}, keys=["id", "sort"])
    lake.export(wide, more, 2)
    after = {f.name: f.field_id for f in lake.read().schema().fields}
    assert after.items() > before.items() and after["new"] > max(before.values())
    assert {(r["id"], str(r["m"]), r["new"]) for r in lake.rows()} == {
        ("a", "12345678901.25", "n"), ("b", "12345678901.25", "n"),
    }  # fmt: skip


def test_a_full_export_writes_what_changed_and_no_more(lake: Lake) -> None:
    lake.export(SCHEMA, items(*map(str, range(50))), 1)
    changed = items(*map(str, range(1, 50))) + items("x")
    written = lake.export(SCHEMA, changed, 2)
    assert (written.changes, written.deletes, written.rows) == (2, 1, 50)
    summary = lake.read().metadata.snapshots[-1].summary
    assert summary and summary["added-records"] == "1"
    assert ids(lake) == sorted([*map(str, range(1, 50)), "x"])


def test_a_run_that_comes_again_changes_nothing(lake: Lake) -> None:
    lake.export(SCHEMA, items("a"), 1, "one")
    pointer = lake.pointer()
    again = lake.export(SCHEMA, items("b"), 1, "one")
    assert not again.committed and again.rows == 1
    assert lake.pointer() == pointer and ids(lake) == ["a"]
    assert lake.read().properties[iceberg_table.RUN] == "one"


def test_an_older_run_changes_nothing(lake: Lake) -> None:
    lake.export(SCHEMA, items("new"), 2)
    assert not lake.export(SCHEMA, items("old"), 1).committed
    assert ids(lake) == ["new"]


def test_a_run_that_is_killed_before_its_commit_leaves_the_table_and_comes_again(lake: Lake) -> None:
    lake.export(SCHEMA, items("a", "b"), 1)
    pointer = lake.pointer()

    def kill(commit: Callable[[], Any]) -> None:
        raise Killed

    with pytest.raises(Killed):
        lake.export(SCHEMA, items("c"), 2, connection=Connection(lake, kill))
    assert lake.pointer() == pointer and ids(lake) == ["a", "b"]
    assert lake.export(SCHEMA, items("c"), 2).committed
    assert ids(lake) == ["c"]


class KilledAt:
    """A connection of a process that is killed at one of its statements, before it is carried out or after."""

    def __init__(self, lake: Lake, number: int, *, after: bool):
        self.real: Any = lake.connect()
        self.left, self.after = number, after

    def execute(self, sql: str) -> Any:
        self.left -= 1
        if self.left < 0 and not self.after:
            raise Killed
        answer = self.real.execute(sql)
        if self.left < 0:
            raise Killed
        return answer

    def close(self) -> None:
        self.real.close()


class Killed(BaseException):
    pass


@pytest.mark.timeout(900)
@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_is_killed_at_any_statement_leaves_all_or_nothing_and_comes_again(
    cloud: Cloud, tmp_path: Path, after: bool
) -> None:
    wider = schema_of(items("a", new={"S": "x"}), keys=["id", "sort"])
    run = (wider, items("a", "c", new={"S": "x"}), 2)
    number = 0
    for number in range(100):
        lake = Lake(cloud, tmp_path)  # each a table of its own: reading is dearer with each commit
        lake.export(SCHEMA, items("a", "b"), 1)
        try:
            lake.export(*run, connection=KilledAt(lake, number, after=after))
            break
        except Killed:
            assert ids(lake) in (["a", "b"], ["a", "c"])
        assert lake.export(*run).rows == 2
        assert [(row["id"], row["new"]) for row in sorted(lake.rows(), key=lambda row: row["id"])] == [
            ("a", "x"),
            ("c", "x"),
        ]
    assert number > 15, "there is nothing to be killed at"


def test_a_commit_whose_answer_is_lost_counts_and_the_run_changes_nothing_again(lake: Lake) -> None:
    lake.export(SCHEMA, items("a"), 1)

    def lose(commit: Callable[[], Any]) -> None:
        commit()
        raise duckdb.IOException("the answer was lost")

    with pytest.raises(iceberg_table.NotCommitted, match="lost"):
        lake.export(SCHEMA, items("b"), 2, connection=Connection(lake, lose))
    pointer = lake.pointer()
    assert ids(lake) == ["b"]
    assert not lake.export(SCHEMA, items("b"), 2).committed
    assert lake.pointer() == pointer


def test_of_two_writers_the_second_is_refused_whole_and_can_come_again(lake: Lake) -> None:
    lake.export(SCHEMA, items("a"), 1)

    def overtaken(commit: Callable[[], Any]) -> None:
        assert lake.export(SCHEMA, items("b"), 2).committed
        commit()

    with pytest.raises(iceberg_table.NotCommitted, match="409"):
        lake.export(SCHEMA, items("c"), 3, connection=Connection(lake, overtaken))
    assert ids(lake) == ["b"]
    assert lake.export(SCHEMA, items("c"), 3).committed
    assert ids(lake) == ["c"]


def test_a_table_whose_metadata_file_is_gone_is_refused_and_not_made_anew(lake: Lake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    pointer = lake.pointer()
    bucket, _, key = pointer.removeprefix("s3://").partition("/")
    lake.s3.delete_object(Bucket=bucket, Key=key)
    with pytest.raises(duckdb.Error):
        lake.export(SCHEMA, items("b"), 2)
    assert lake.pointer() == pointer


def window(lake: Lake, since: int, until: int, *changes: bytes) -> iceberg_table.Run:
    files = lake.upload(SCHEMA, b"".join(changes), incremental=True)
    return iceberg_table.Run(f"window-{until}", day(since), day(until), files)


def test_changes_that_do_not_begin_where_the_table_ends_are_refused(lake: Lake) -> None:
    change = line(1, {"id": {"S": "b"}, "sort": {"N": "1"}}, {})
    with pytest.raises(iceberg_table.TableAltered, match="is gone"):
        lake.write(SCHEMA, window(lake, 1, 2, change))
    lake.export(SCHEMA, items("a"), 1)
    with pytest.raises(iceberg_table.TableAltered, match="holds the time until 2026-01-01"):
        lake.write(SCHEMA, window(lake, 2, 3, change))
    assert ids(lake) == ["a"]
    # An earlier beginning does no harm: of each key the newest image is in the window.
    assert lake.write(SCHEMA, window(lake, 1, 3, change)).committed
    assert ids(lake) == ["a", "b"]


def test_a_column_that_somebody_gave_another_type_is_refused(lake: Lake) -> None:
    lake.export(SCHEMA, items("a", n={"N": "1"}), 1)
    other = lake.connect()
    other.execute(f"ALTER TABLE {lake.name} DROP COLUMN n")
    other.execute(f"ALTER TABLE {lake.name} ADD COLUMN n VARCHAR")
    other.close()
    pointer = lake.pointer()
    with pytest.raises(iceberg_table.TableAltered, match="has n as VARCHAR"):
        lake.export(SCHEMA, items("a", n={"N": "1"}), 2)
    assert lake.pointer() == pointer


def test_rows_that_somebody_put_in_or_changed_are_put_right_by_a_full_export(lake: Lake) -> None:
    lake.export(SCHEMA, items("a", "b", n={"N": "1"}), 1)
    other = lake.connect()
    other.execute(
        f"INSERT INTO {lake.name} (id, sort, n) VALUES ('stranger', 1, 1), ('a', 1, 5), ('a', 1, 6)"
    )
    other.execute(f"UPDATE {lake.name} SET n = 9 WHERE id = 'b'")
    other.close()
    assert len(lake.rows()) == 5
    lake.export(SCHEMA, items("a", "b", n={"N": "1"}), 2)
    assert sorted((r["id"], r["n"]) for r in lake.rows()) == [("a", 1), ("b", 1)]


def test_an_export_of_no_items_empties_the_table(lake: Lake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    assert lake.write(SCHEMA, iceberg_table.Run("none", None, day(2), [])).rows == 0
    assert lake.rows() == []


def test_every_snapshot_can_be_read_again(lake: Lake) -> None:
    written = [lake.export(SCHEMA, items(name), at).snapshot for at, name in enumerate("abc", 1)]
    table = lake.read()
    assert written == [entry.snapshot_id for entry in table.history()]
    seen = [
        [row["id"] for row in table.scan(snapshot_id=entry.snapshot_id).to_arrow().to_pylist()]
        for entry in table.history()
    ]
    assert seen == [["a"], ["b"], ["c"]]


def ask(lake: Lake, sql: str) -> list[list[str]]:
    athena = lake.cloud.client("athena", "111111111111")
    query = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": lake.database},
        ResultConfiguration={"OutputLocation": f"s3://{lake.bucket}/results/"},
    )["QueryExecutionId"]

    def finished() -> Any:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        return status["State"] in ("SUCCEEDED", "FAILED") and status

    assert (status := eventually(finished))["State"] == "SUCCEEDED", status
    rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1:]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows]


def test_athena_reads_the_table_now_and_as_it_was(lake: Lake) -> None:
    for at, name in enumerate("abc", 1):
        lake.export(SCHEMA, items(name, n={"N": str(at)}), at)
    first = lake.read().metadata.snapshots[0]
    assert ask(lake, "SELECT id, n + 1 FROM orders o WHERE o.id = 'c'") == [["c", "4"]]
    assert ask(lake, f"SELECT id FROM orders FOR VERSION AS OF {first.snapshot_id}") == [["a"]]
    log = lake.read().history()
    for entry, name in zip(log, "abc", strict=True):
        moment = datetime.fromtimestamp(entry.timestamp_ms / 1000, UTC).isoformat(" ", "milliseconds")
        at = f"TIMESTAMP '{moment.removesuffix('+00:00')}"
        for time in (f"{at} UTC'", f"{at}'"):  # without a zone it is in UTC
            assert ask(lake, f"SELECT id FROM orders FOR TIMESTAMP AS OF {time}") == [[name]]
    listed = ask(
        lake,
        'SELECT snapshot_id, parent_id, is_current_ancestor FROM "orders$history" ORDER BY made_current_at',
    )
    assert [int(row[0]) for row in listed] == [entry.snapshot_id for entry in log]
    assert all(row[2] == "true" for row in listed) and listed[0][1] is None
    with pytest.raises(AssertionError, match="No version history"):
        ask(lake, "SELECT id FROM orders FOR TIMESTAMP AS OF (current_timestamp - interval '1' day)")
