"""A warm function has its DuckDB from one call to the next, and of the catalog nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.contract.embedded_cloud import SECRET, WORKLOAD, Cloud
from tests.contract.iceberg_lake import Lake, day, iceberg_table, lake_catalog, line
from tests.contract.normaliser import full, schema_of

from duckdb_rows import Shape  # isort: skip

SCHEMA = schema_of([{"id": {"S": "a"}, "n": {"N": "1"}}], keys=["id"])


@pytest.fixture
def lake(cloud: Cloud, tmp_path: Path) -> Lake:
    return Lake(cloud, tmp_path)


def access(lake: Lake) -> lake_catalog.Access:
    endpoint = lake.cloud.endpoint
    return lake_catalog.Access(WORKLOAD, "us-east-1", endpoint, endpoint, WORKLOAD, SECRET, None)


def items(*ids: str) -> list[Any]:
    return [{"id": {"S": i}, "n": {"N": "1"}} for i in ids]


def export(lake: Lake, engine: lake_catalog.Engine, at: int, *ids: str) -> iceberg_table.Written:
    run = iceberg_table.Run(f"full-{at}", None, day(at), lake.upload(SCHEMA, full(items(*ids))))
    with engine.lake(access(lake), memory_limit="256MB") as connection:
        return iceberg_table.write(connection, lake.target(), Shape.of(SCHEMA.json()), run)


def warm_connection(engine: lake_catalog.Engine) -> duckdb.DuckDBPyConnection:
    """The engine's connection, between two uses."""
    assert engine._warm  # pyright: ignore[reportPrivateUsage]
    return engine._warm[0]  # pyright: ignore[reportPrivateUsage]


def ids(lake: Lake) -> list[str]:
    return sorted(row["id"] for row in lake.rows())


def test_a_warm_engine_goes_on_from_what_another_writer_left(lake: Lake) -> None:
    engine = lake_catalog.Engine()
    assert export(lake, engine, 1, "a").rows == 1
    first = warm_connection(engine)
    assert lake.export(SCHEMA, items("a", "b"), 2).committed
    # Were the first run's table in memory still, this would be refused, or write b again.
    written = export(lake, engine, 3, "a", "b", "c")
    assert (written.changes, written.rows) == (1, 3) and ids(lake) == ["a", "b", "c"]
    assert warm_connection(engine) is first


def test_between_two_uses_an_engine_has_no_catalog_no_credentials_and_no_rows(lake: Lake) -> None:
    engine = lake_catalog.Engine()
    export(lake, engine, 1, "a")
    export(lake, engine, 2, "a", "b")
    connection = warm_connection(engine)
    names = {row[0] for row in connection.execute("SELECT database_name FROM duckdb_databases()").fetchall()}
    assert names == {"memory", "system", "temp"}
    for what in ("duckdb_secrets()", "duckdb_tables()"):
        assert connection.execute(f"FROM {what}").fetchall() == []


def test_an_engine_whose_use_failed_is_thrown_away(lake: Lake) -> None:
    engine = lake_catalog.Engine()
    export(lake, engine, 1, "a")
    broken = warm_connection(engine)
    with (
        pytest.raises(KeyboardInterrupt),
        engine.lake(access(lake), memory_limit="256MB") as connection,
    ):
        connection.execute("BEGIN")
        connection.execute(f"DELETE FROM {lake.name}")
        raise KeyboardInterrupt
    with pytest.raises(duckdb.ConnectionException):
        broken.execute("SELECT 1")
    assert ids(lake) == ["a"]
    assert export(lake, engine, 2, "a", "b").committed and ids(lake) == ["a", "b"]


def test_each_use_has_the_credentials_that_it_is_given(lake: Lake) -> None:
    engine = lake_catalog.Engine()
    export(lake, engine, 1, "a")
    with pytest.raises(duckdb.Error), engine.lake(
        replace(access(lake), secret_key="another"), memory_limit="256MB"
    ) as connection:  # fmt: skip
        connection.execute(f"SELECT * FROM {lake.name}").fetchall()
    assert export(lake, engine, 2, "b").committed and ids(lake) == ["b"]


@pytest.mark.parametrize("last", [{"n": {"N": "2"}}, None])
def test_of_images_that_were_written_in_one_microsecond_one_counts(lake: Lake, last: Any) -> None:
    lake.export(SCHEMA, items("a", "z"), 1)
    changes = b"".join(
        line(at, {"id": {"S": key}}, body)
        for at, key, body in [
            (4, "a", {"n": {"N": "0"}}), (5, "a", {"n": {"N": "2"}}), (5, "a", last), (6, "b", {}),
        ]
    )  # fmt: skip
    files = lake.upload(SCHEMA, changes, incremental=True)
    written = lake.write(SCHEMA, iceberg_table.Run("window", day(1), day(2), files))
    read = {row["id"]: row["n"] for row in lake.rows()}
    assert written.rows == len(lake.rows()) == len(read)
    assert read.pop("z") == 1 and read.pop("b") is None
    assert read == {"a": 2} or (last is None and not read)


def test_an_export_in_which_a_key_stands_twice_is_refused(lake: Lake) -> None:
    lake.export(SCHEMA, items("a"), 1)
    pointer = lake.pointer()
    with pytest.raises(iceberg_table.TableAltered, match="stands in it several times"):
        lake.export(SCHEMA, items("a", "b", "b"), 2)
    assert lake.pointer() == pointer
