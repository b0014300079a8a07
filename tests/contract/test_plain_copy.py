"""What the plain copy of an Iceberg table holds, whatever broke off before, in or after it, as pyarrow reads it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from tests.contract.embedded_cloud import SECRET, WORKLOAD, Cloud
from tests.contract.iceberg_lake import Lake, day, iceberg_table, line
from tests.contract.normaliser import schema_of
from tests.contract.test_iceberg import EVERY_TYPE, ITEM, SCHEMA, Killed, KilledAt, items, steps
from tests.waiting import eventually

# handlers/iceberg is on the path since iceberg_lake was imported.
import plain_copy  # isort: skip
from duckdb_rows import Shape  # isort: skip

KEY = "copies/orders/rows.parquet"
Run = iceberg_table.Run


@pytest.fixture
def lake(cloud: Cloud, tmp_path: Path) -> Lake:
    lake = Lake(cloud, tmp_path)
    lake.s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": "Enabled"})
    return lake


def there(lake: Lake) -> bool:
    return bool(lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix=KEY).get("Contents"))


def copy(lake: Lake, run: str, schema: Any = SCHEMA, connection: Any = None) -> bool:
    connection = connection or lake.connect()
    address, shape = f"s3://{lake.bucket}/{KEY}", Shape.of(schema.json())
    try:
        return plain_copy.write(connection, lake.target(), shape, run, address, there=there(lake))
    finally:
        connection.close()


def parquet(lake: Lake) -> Any:
    body = lake.s3.get_object(Bucket=lake.bucket, Key=KEY)["Body"].read()
    reader: Any = pq
    return reader.ParquetFile(io.BytesIO(body))


def ids(lake: Lake) -> list[str]:
    return sorted(row["id"] for row in parquet(lake).read().to_pylist())


def versions(lake: Lake) -> int:
    return len(lake.s3.list_object_versions(Bucket=lake.bucket, Prefix=KEY).get("Versions", []))


class Interrupted:
    """A connection that does something else before, or after, it copies."""

    def __init__(self, lake: Lake, meanwhile: Callable[[], Any], *, after: bool):
        self.real: Any = lake.connect()
        self.meanwhile, self.after = meanwhile, after

    def execute(self, sql: str) -> Any:
        if not sql.startswith("COPY"):
            return self.real.execute(sql)
        if not self.after:
            self.meanwhile()
        result = self.real.execute(sql)
        if self.after:
            self.meanwhile()
        return result

    def close(self) -> None:
        self.real.close()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=steps)
def test_after_every_run_the_copy_has_the_rows_of_the_table_and_none_that_was_deleted(
    cloud: Cloud, tmp_path: Path, history: list[Any]
) -> None:
    lake = Lake(cloud, tmp_path)
    lake.export(SCHEMA, items("a", "b"), 1)
    for number, (_, window) in enumerate(history, 2):
        data = b"".join(
            line(number * 100 + at, {"id": {"S": key}, "sort": {"N": str(sort)}}, body)
            for at, (key, sort, body) in enumerate(window)
        )
        files = lake.upload(SCHEMA, data, incremental=True)
        lake.write(SCHEMA, Run(f"run-{number}", day(number - 1), day(number), files))
        assert copy(lake, f"run-{number}")
        assert sorted(parquet(lake).read().to_pylist(), key=repr) == sorted(lake.rows(), key=repr)


def test_every_type_of_the_grammar_is_copied_as_it_is(lake: Lake) -> None:
    schema = schema_of([ITEM], EVERY_TYPE, keys=["id"])
    lake.export(schema, [ITEM], 1, "one")
    assert copy(lake, "one", schema)
    assert parquet(lake).read().to_pylist() == lake.rows() != []
    assert parquet(lake).schema_arrow.names == [column["Name"] for column in schema.glue_columns()]


def test_a_table_that_lost_all_rows_is_copied_without_any(lake: Lake) -> None:
    lake.export(SCHEMA, items("a"), 1, "one")
    copy(lake, "one")
    lake.export(SCHEMA, [], 2, "two")
    assert copy(lake, "two") and ids(lake) == []


def test_a_column_that_no_export_has_any_more_is_not_copied(lake: Lake) -> None:
    wide = schema_of(items("a", new={"S": "x"}), keys=["id", "sort"])
    lake.export(wide, items("a", new={"S": "x"}), 1, "one")
    lake.export(SCHEMA, items("a"), 2, "two")
    copy(lake, "two")
    assert parquet(lake).schema_arrow.names == [column["Name"] for column in SCHEMA.glue_columns()]


def test_a_run_that_comes_again_writes_nothing_again(lake: Lake) -> None:
    lake.export(SCHEMA, items("a"), 1, "one")
    assert copy(lake, "one") and not copy(lake, "one") and versions(lake) == 1


def test_a_run_that_changed_nothing_writes_its_own(lake: Lake) -> None:
    lake.export(SCHEMA, items("a"), 1, "one")
    copy(lake, "one")
    lake.export(SCHEMA, items("a"), 2, "two")
    assert copy(lake, "two") and versions(lake) == 2 and ids(lake) == ["a"]


@pytest.mark.parametrize("after", [False, True])
def test_a_copy_that_is_killed_at_any_statement_is_as_before_or_whole_and_comes_again(
    lake: Lake, after: bool
) -> None:
    lake.export(SCHEMA, items("a"), 1, "one")
    copy(lake, "one")
    number = 0
    for number in range(30):
        before, run, name = ids(lake), f"run-{number:02}", f"k{number:02}"
        lake.export(SCHEMA, items("a", name), number + 2, run)
        try:
            copy(lake, run, connection=KilledAt(lake, number, after=after))
            break
        except Killed:
            assert ids(lake) in (before, ["a", name])
        copy(lake, run)
        assert ids(lake) == ["a", name]
    assert number >= 4, "there is nothing to be killed at"


PROGRAM = """
import sys
sys.path[:0] = sys.argv[1].split(":")
import lake_catalog
endpoint, account, secret, table, address = sys.argv[2:]
access = lake_catalog.Access(account, "us-east-1", endpoint, endpoint, account, secret, None)
with lake_catalog.Engine().lake(access, memory_limit="512MB") as lake:
    lake.execute("SET threads = 1")
    # Slow, and of more than one part.
    lake.execute(
        f"COPY (SELECT kept.id, md5((i * 7)::VARCHAR) || sha256(i::VARCHAR) AS filler "
        f"FROM {table} AS kept, range(30000000) AS numbers(i)) TO '{address}' (FORMAT parquet)"
    )
"""


def test_a_copy_whose_process_is_killed_while_it_uploads_leaves_the_one_before(
    lake: Lake, tmp_path: Path
) -> None:
    lake.export(SCHEMA, items("a"), 1, "one")
    copy(lake, "one")
    handlers = Path(plain_copy.__file__).parent
    paths = ":".join([str(handlers), *(entry for entry in sys.path if entry.endswith("shared"))])
    arguments = [lake.cloud.endpoint, WORKLOAD, SECRET, lake.name, f"s3://{lake.bucket}/{KEY}"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, paths, *arguments], env=os.environ | {"TMPDIR": str(tmp_path)}
    )

    def uploading() -> bool:
        assert process.poll() is None, "the copy ended before it was killed"
        return bool(lake.s3.list_multipart_uploads(Bucket=lake.bucket).get("Uploads"))

    eventually(uploading)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert ids(lake) == ["a"] and versions(lake) == 1
    lake.export(SCHEMA, items("b"), 2, "two")
    assert copy(lake, "two") and ids(lake) == ["b"]


@pytest.mark.parametrize("after", [False, True])
def test_of_two_runs_at_once_the_copy_is_the_last_ones_whoever_ends_last(lake: Lake, after: bool) -> None:
    lake.export(SCHEMA, items("a", "gone"), 1, "one")

    def meanwhile() -> None:
        lake.export(SCHEMA, items("a", "new"), 2, "two")
        assert copy(lake, "two")

    with pytest.raises(iceberg_table.NotCommitted, match="while it was copied"):
        copy(lake, "one", connection=Interrupted(lake, meanwhile, after=after))
    copy(lake, "one")  # as the handler does
    assert ids(lake) == ["a", "new"]
    copy(lake, "two")
    assert ids(lake) == ["a", "new"]


def test_a_copy_that_overwrote_a_later_one_is_made_anew_though_its_run_is_not_the_last(lake: Lake) -> None:
    lake.export(SCHEMA, items("a", "gone"), 1, "one")
    copy(lake, "one")
    old = lake.s3.get_object(Bucket=lake.bucket, Key=KEY)["Body"].read()
    lake.export(SCHEMA, items("a"), 2, "two")
    copy(lake, "two")
    lake.s3.put_object(Bucket=lake.bucket, Key=KEY, Body=old)  # an upload of `one` that ended late
    assert copy(lake, "one") and ids(lake) == ["a"]
    assert not copy(lake, "one")


def test_what_somebody_else_wrote_meanwhile_is_copied_by_the_next_try(lake: Lake) -> None:
    lake.export(SCHEMA, items("a"), 1, "one")

    def meanwhile() -> None:
        connection = lake.connect()
        connection.execute(f"DELETE FROM {lake.name} WHERE id = 'a'")
        connection.close()

    with pytest.raises(iceberg_table.NotCommitted):
        copy(lake, "one", connection=Interrupted(lake, meanwhile, after=True))
    assert copy(lake, "one") and ids(lake) == []
