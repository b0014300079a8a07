"""What Athena merges into an Iceberg table, as pyiceberg reads it, and what ends in between leaves of a run."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from sqlglot import exp

from tests.contract.embedded_cloud import Cloud
from tests.contract.iceberg_lake import day, iceberg_table, line
from tests.contract.merging_lake import MergingLake, NotMerged, merge_statement, merging
from tests.contract.normaliser import full, normalise, schema_of
from tests.contract.test_iceberg import EVERY_TYPE, ITEM, SCHEMA, Connection, ids, items, steps
from tests.waiting import PATIENCE

Run = iceberg_table.Run


@pytest.fixture
def lake(cloud: Cloud, tmp_path: Path) -> MergingLake:
    return MergingLake(cloud, tmp_path)


def exported(lake: MergingLake, schema: Any, rows: list[Any], at: int) -> Run:
    return Run(f"full-{at}", None, day(at), lake.upload(schema, full(rows)))


def window(lake: MergingLake, since: int, until: int, *changes: bytes) -> Run:
    files = lake.upload(SCHEMA, b"".join(changes), incremental=True)
    return Run(f"window-{until}", day(since), day(until), files)


def change(key: str, **body: Any) -> bytes:
    return line(5, {"id": {"S": key}, "sort": {"N": "1"}}, body)


def snapshots(lake: MergingLake) -> int:
    return len(lake.read().metadata.snapshots)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=steps)
def test_after_every_run_the_table_holds_what_a_full_export_holds_whoever_wrote_the_one_before(
    cloud: Cloud, tmp_path: Path, history: list[Any]
) -> None:
    lake, table = MergingLake(cloud, tmp_path), dict[tuple[str, int], dict[str, Any]]()
    for number, (incremental, writes) in enumerate(history, 1):
        for key, sort, body in writes:
            table.pop((key, sort), None)
            if body is not None:
                table[key, sort] = body
        everything = full([{"id": {"S": k}, "sort": {"N": str(s)}, **b} for (k, s), b in table.items()])
        if incremental and number > 1:
            lines = [
                line(number * 100 + at, {"id": {"S": key}, "sort": {"N": str(sort)}}, body)
                for at, (key, sort, body) in enumerate(writes)
            ]
            run = Run(
                f"run-{number}",
                day(number - 1),
                day(number),
                lake.upload(SCHEMA, b"".join(lines), incremental=True),
            )
        else:
            run = Run(f"run-{number}", None, day(number), lake.upload(SCHEMA, everything))
        written = lake.write(SCHEMA, run) if number == 2 else lake.merge(SCHEMA, run)
        assert written.committed and written.rows == len(table)
        _, expected = normalise(everything, SCHEMA)
        assert sorted(map(str, lake.rows())) == sorted(map(str, expected))


def test_every_type_of_the_grammar_is_merged_and_read_back(lake: MergingLake) -> None:
    schema = schema_of([ITEM], EVERY_TYPE, ["id"])
    lake.merge(schema, exported(lake, schema, [ITEM], 1))
    _, [expected] = normalise(full([ITEM]), schema)
    assert lake.rows() == [expected]
    changed: dict[str, Any] = ITEM | {
        "list": {"L": []},
        "place": {"M": {"city": {"S": "Bonn"}}},
        "names": {"SS": ["z"]},
    }
    lake.merge(schema, exported(lake, schema, [changed], 2))
    _, [expected] = normalise(full([changed]), schema)
    assert lake.rows() == [expected]


def test_a_column_is_added_before_the_statement_that_fills_it(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    wider = schema_of(items("a", new={"S": "x"}), keys=["id", "sort"])
    lake.merge(wider, exported(lake, wider, items("a", new={"S": "x"}), 2))
    assert [row["new"] for row in lake.rows()] == ["x"]


def test_a_full_export_replaces_a_table_in_one_commit_that_holds_what_changed(lake: MergingLake) -> None:
    lake.export(SCHEMA, items(*map(str, range(50))), 1)
    before = snapshots(lake)
    run = exported(lake, SCHEMA, items(*map(str, range(1, 50)), "x"), 2)
    assert lake.merge(SCHEMA, run).rows == 50
    assert ids(lake) == sorted([*map(str, range(1, 50)), "x"])
    added = [
        s.summary["added-records"]
        for s in lake.read().metadata.snapshots[before:]
        if s.summary and "added-records" in (s.summary.additional_properties)
    ]
    assert added == ["1"]


def test_the_statement_is_athenas_sql(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    for run in (exported(lake, SCHEMA, items("b"), 2), window(lake, 1, 2, change("b"))):
        statement = lake.prepare(SCHEMA, run)
        assert isinstance(statement, str)
        parsed = sqlglot.parse_one(statement, read="athena")
        assert isinstance(parsed, exp.Merge)
        assert [when.args["then"].sql().split()[0] for when in parsed.args["whens"].expressions] == [
            "DELETE",
            "UPDATE",
            "INSERT",
        ]


def test_a_run_that_ends_before_its_statement_leaves_the_table_and_comes_again(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a", "b"), 1)
    run = exported(lake, SCHEMA, items("c"), 2)
    lake.prepare(SCHEMA, run)
    assert ids(lake) == ["a", "b"]
    assert lake.merge(SCHEMA, run).committed
    assert ids(lake) == ["c"]
    assert lake.read().properties[iceberg_table.RUN] == "full-2"


@pytest.mark.parametrize("incremental", [False, True])
def test_a_statement_whose_answer_is_lost_counts_and_changes_nothing_again(
    lake: MergingLake, incremental: bool
) -> None:
    lake.export(SCHEMA, items("a", "gone"), 1)
    if incremental:
        removed = line(5, {"id": {"S": "gone"}, "sort": {"N": "1"}}, None)
        run = window(lake, 1, 2, change("b"), removed)
    else:
        run = exported(lake, SCHEMA, items("a", "b"), 2)
    statement = lake.prepare(SCHEMA, run)
    assert isinstance(statement, str)
    lake.athena(statement)
    assert ids(lake) == ["a", "b"]
    written = snapshots(lake)
    # The same statement is refused, as the table has another snapshot; the run comes again with one of its own.
    with pytest.raises(NotMerged):
        lake.athena(statement)
    assert lake.merge(SCHEMA, run).committed
    assert snapshots(lake) == written and ids(lake) == ["a", "b"]
    assert not lake.merge(SCHEMA, run).committed


def test_a_marking_whose_answer_is_lost_counts(lake: MergingLake) -> None:
    run = exported(lake, SCHEMA, items("a"), 1)
    lake.merge(SCHEMA, run)
    pointer = lake.pointer()
    assert not lake.mark(run).committed
    assert lake.pointer() == pointer


def test_a_statement_fails_where_another_run_was_ahead_of_it(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    older, newer = (
        window(lake, 1, 2, change("b", n={"N": "2"})),
        window(lake, 1, 3, change("b", n={"N": "3"})),
    )
    statement = lake.prepare(SCHEMA, older)
    assert isinstance(statement, str)
    assert lake.write(SCHEMA, newer).committed
    with pytest.raises(NotMerged) as failed:
        lake.athena(statement)
    reason, may_come_again = merging.failure({"Error": "States.TaskFailed", "Cause": str(failed.value)})
    assert "to BOOL" in reason and may_come_again
    assert not lake.merge(SCHEMA, older).committed
    assert [row["n"] for row in lake.rows() if row["id"] == "b"] == [3]


@pytest.mark.parametrize("function", [False, True])
def test_a_statement_fails_whole_where_another_writer_commits_while_it_runs_and_the_run_comes_again(
    cloud: Cloud, tmp_path: Path, function: bool
) -> None:
    """Of two commits onto one snapshot the second is refused (https://iceberg.apache.org/spec/#optimistic-concurrency)."""
    lake = MergingLake(cloud, tmp_path)
    lake.export(SCHEMA, items("a", "c"), 1)
    run = window(lake, 1, 2, change("b", n={"N": "2"}))
    with Gate(lake) as gate:
        query = gate.begin(run)
        if function:
            lake.write(SCHEMA, run)
        else:
            lake.done(lambda other: other.execute(f"DELETE FROM {lake.name} WHERE id = 'c'"))
        pointer = lake.pointer()
        gate.opened.set()
        with pytest.raises(NotMerged, match="ICEBERG_COMMIT_ERROR") as failed:
            lake.merged(query)
    assert lake.pointer() == pointer
    # What the state machine hands the function, which makes the statement anew.
    reason, may_come_again = merging.failure({"Error": "States.TaskFailed", "Cause": str(failed.value)})
    assert "ICEBERG_COMMIT_ERROR" in reason and may_come_again
    assert lake.merge(SCHEMA, run).committed is not function
    assert ids(lake) == (["a", "b", "c"] if function else ["a", "b"])
    assert [row["n"] for row in lake.rows() if row["id"] == "b"] == [2]


class Gate(ThreadingHTTPServer):
    """A table beside the lake's own, whose metadata file stands here and is given out once `opened` is set."""

    def __init__(self, lake: MergingLake):
        super().__init__(("127.0.0.1", 0), Waiting)
        self.lake, self.called, self.opened = lake, threading.Event(), threading.Event()
        bucket, _, key = lake.pointer().removeprefix("s3://").partition("/")
        self.metadata = lake.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        location = f"http://127.0.0.1:{self.server_port}/metadata.json"
        parameters = {"table_type": "ICEBERG", "metadata_location": location}
        lake.glue.create_table(
            DatabaseName=lake.database, TableInput={"Name": "gate", "Parameters": parameters}
        )
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def server_close(self) -> None:
        """At the end of the block."""
        self.opened.set()
        self.shutdown()
        super().server_close()

    def begin(self, run: Run) -> str:
        """Begins the run's statement, which has read its snapshot of the lake's table and waits here."""
        statement = self.lake.prepare(SCHEMA, run)
        assert isinstance(statement, str)
        counted = f'(SELECT count(*) AS _counted FROM "{self.lake.database}"."gate")'
        query = self.lake.begin(statement.replace("AS begun_", f"AS begun_ CROSS JOIN {counted} AS gate_"))
        assert self.called.wait(PATIENCE), "the statement did not come to the gate"
        return query


class Waiting(BaseHTTPRequestHandler):
    """Answers once the gate is open."""

    def do_HEAD(self) -> None:
        gate = cast("Gate", self.server)
        gate.called.set()
        gate.opened.wait()
        self.send_response(200)
        self.send_header("Content-Length", str(len(gate.metadata)))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(cast("Gate", self.server).metadata)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to say."""


def test_an_older_run_is_refused_while_a_later_one_may_be_in_the_table(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    older, newer = (
        window(lake, 1, 2, change("b", n={"N": "2"})),
        window(lake, 1, 3, change("b", n={"N": "3"})),
    )
    statement = lake.prepare(SCHEMA, newer)
    assert isinstance(statement, str)
    lake.athena(statement)
    for write in (lake.merge, lake.write):
        with pytest.raises(iceberg_table.TableAltered, match="a later run, until 2026-01-03"):
            write(SCHEMA, older)
    assert lake.mark(newer).committed
    assert not lake.merge(SCHEMA, older).committed
    assert [row["n"] for row in lake.rows() if row["id"] == "b"] == [3]


def test_the_function_may_write_what_athena_began(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    run = exported(lake, SCHEMA, items("b"), 2)
    lake.prepare(SCHEMA, run)
    assert lake.write(SCHEMA, run).committed
    assert ids(lake) == ["b"]


def test_a_table_that_is_gone_or_was_made_anew_is_not_marked(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    run = exported(lake, SCHEMA, items("b"), 2)
    statement = lake.prepare(SCHEMA, run)
    assert isinstance(statement, str)
    lake.glue.delete_table(DatabaseName=lake.database, Name=lake.table)
    with pytest.raises(NotMerged, match="TABLE_NOT_FOUND"):
        lake.athena(statement)
    lake.export(SCHEMA, items("x"), 1)
    with pytest.raises(iceberg_table.TableAltered, match="is not the table that the run was merged into"):
        lake.mark(run)


def test_a_key_that_somebody_put_in_twice_is_reported_and_not_marked(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a", n={"N": "1"}), 1)
    lake.done(
        lambda other: other.execute(f"INSERT INTO {lake.name} (id, sort, n) VALUES ('a', 1, 5), ('x', 1, 1)")
    )
    with pytest.raises(iceberg_table.TableAltered, match="would have 2 rows, and the export has 1"):
        lake.merge(SCHEMA, exported(lake, SCHEMA, items("a", n={"N": "2"}), 2))
    assert (
        iceberg_table.RUN not in lake.read().properties
        or lake.read().properties[iceberg_table.RUN] == "full-1"
    )


def test_a_column_that_somebody_gave_another_type_is_refused_before_the_statement(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a", n={"N": "1"}), 1)
    lake.done(lambda other: other.execute(f"ALTER TABLE {lake.name} DROP COLUMN n"))
    lake.done(lambda other: other.execute(f"ALTER TABLE {lake.name} ADD COLUMN n VARCHAR"))
    with pytest.raises(iceberg_table.TableAltered, match="has n as VARCHAR"):
        lake.merge(SCHEMA, exported(lake, SCHEMA, items("a", n={"N": "1"}), 2))


def test_preparing_is_one_commit_that_comes_again_where_its_answer_was_lost(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    run, shape = exported(lake, SCHEMA, items("b"), 2), merging.Shape.of(SCHEMA.json())

    def lose(commit: Callable[[], Any]) -> None:
        commit()
        raise merging.duckdb.IOException("the answer was lost")

    connection: Any = Connection(lake, lose)
    with pytest.raises(iceberg_table.NotCommitted, match="lost"):
        merging.prepare(connection, lake.target(), shape, run)
    connection.close()
    assert lake.merge(SCHEMA, run).committed and ids(lake) == ["b"]


def test_athena_refuses_two_rows_of_the_source_for_one_of_the_table(lake: MergingLake) -> None:
    lake.export(SCHEMA, items("a", n={"N": "1"}), 1)
    source = "(SELECT * FROM (VALUES ('a', 2), ('a', 3)) AS t(id, n))"
    with pytest.raises(NotMerged, match="MERGE_TARGET_ROW_MULTIPLE_MATCHES"):
        lake.athena(
            f'MERGE INTO "{lake.database}"."{lake.table}" AS o USING {source} AS s ON o.id = s.id '
            "WHEN MATCHED THEN UPDATE SET n = s.n"
        )
    assert [row["n"] for row in lake.rows()] == [1]


@pytest.mark.parametrize(
    ("rows", "changed", "merges"),
    [(10, 2_000_000, False), (11, 1, True), (11, 0, False), (0, 2_000_001, True), (0, 0, False)],
)
def test_the_sizes_decide_and_the_reason_names_them(rows: int, changed: int, merges: bool) -> None:
    decided, why = merging.beyond(merging.Limits(10, 2), rows, changed)
    assert decided is merges and f"{rows:,} rows" in why and ("at the most" in why) is merges


def test_what_was_stopped_does_not_come_again() -> None:
    stopped = {
        "QueryExecutionId": "q",
        "Status": {"State": "CANCELLED", "StateChangeReason": "Bytes scanned limit was exceeded"},
    }
    caught = {"Error": "States.TaskFailed", "Cause": json.dumps({"QueryExecution": stopped})}
    assert merging.failure(caught) == ("query q: Bytes scanned limit was exceeded", False)
    assert merging.failure({"Error": "States.Timeout", "Cause": "none"}) == ("States.Timeout: none", True)


def test_no_statement_of_a_table_with_a_thousand_columns_is_longer_than_a_state_holds() -> None:
    shape = merging.Shape({f"column_{number:04}": "VARCHAR" for number in range(1000)}, ["column_0000"])
    merge = merge_statement.Merge("database", "table", "staged", incremental=False)
    assert len(merge_statement.statement(merge, shape, 2**63 - 1)) > merge_statement.LIMIT
