"""A lake of Iceberg tables in an embedded cloud: the handler writes, pyiceberg reads."""

from __future__ import annotations

import json
import sys
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.table import StaticTable

from tests.contract.embedded_cloud import SECRET, WORKLOAD, Cloud
from tests.contract.normaliser import full, normalise

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "handlers" / "iceberg"))

import iceberg_table
import lake_catalog
from duckdb_rows import Shape

idle: list[tuple[Any, tempfile.TemporaryDirectory[str]]] = []
"""Engines that no connection uses now, each with its folder: loading the extensions takes a quarter of a second of a
processor."""


def engine() -> tuple[Any, tempfile.TemporaryDirectory[str]]:
    """A new engine."""
    spill = tempfile.TemporaryDirectory(prefix="iceberg-")
    return lake_catalog.engine(memory_limit="512MB", spill=Path(spill.name)), spill


class Connection:
    """A connection to a warm engine, as a function has one, which is its own until it is closed."""

    def __init__(self, access: lake_catalog.Access):
        self.engine = idle.pop() if idle else engine()
        self.real: Any = self.engine[0].cursor()
        lake_catalog.attach(self.real, access)

    def execute(self, sql: str) -> Any:
        """Carries a statement out."""
        return self.real.execute(sql)

    def close(self) -> None:
        """Ends what is under way, as the end of a process would."""
        self.real.close()
        lake_catalog.detach(self.engine[0])
        idle.append(self.engine)


class Lake:
    """A bucket, a database, and one table that is written."""

    def __init__(self, cloud: Cloud, scratch: Path):
        self.cloud, self.scratch, name = cloud, scratch, uuid.uuid4().hex[:10]
        self.bucket, self.database, self.table = f"lake-{name}", f"db_{name}", "orders"
        self.s3, self.glue = cloud.client("s3", WORKLOAD), cloud.client("glue", WORKLOAD)
        self.s3.create_bucket(Bucket=self.bucket)
        self.glue.create_database(DatabaseInput={"Name": self.database})

    def connect(self) -> Any:
        """A DuckDB with the account's catalog."""
        access = lake_catalog.Access(WORKLOAD, "us-east-1", self.cloud.endpoint, self.cloud.endpoint, WORKLOAD, SECRET,
                                     None)  # fmt: skip
        return Connection(access)

    @property
    def name(self) -> str:
        """The table, as SQL has it."""
        return lake_catalog.qualified(self.database, self.table)

    def entry(self) -> dict[str, Any] | None:
        """The table in the catalog, or None."""
        try:
            return self.glue.get_table(DatabaseName=self.database, Name=self.table)["Table"]
        except self.glue.exceptions.EntityNotFoundException:
            return None

    def pointer(self) -> str:
        """The metadata file that the catalog names."""
        entry = self.entry()
        assert entry
        return entry["Parameters"]["metadata_location"]

    def target(self) -> iceberg_table.Target:
        """The table, as it is written."""
        return iceberg_table.Target(
            self.name, f"s3://{self.bucket}/lake/{self.table}", exists=self.entry() is not None
        )

    def upload(self, schema: Any, data: bytes, *, incremental: bool = False) -> list[str]:
        """The normalised data as a file in the bucket; its address."""
        from decoder import arrow_schema

        _, rows = normalise(data, schema, incremental=incremental)
        arrow: Any = arrow_schema(schema, incremental)
        parquet: Any = pq
        path = self.scratch / f"{uuid.uuid4().hex}.parquet"
        parquet.write_table(pa.Table.from_pylist(rows, pa.schema(arrow)), path)
        self.s3.upload_file(str(path), self.bucket, f"windows/{path.name}")
        return [f"s3://{self.bucket}/windows/{path.name}"]

    def export(
        self, schema: Any, items: list[Any], at: int, run: str = "", connection: Any = None
    ) -> iceberg_table.Written:
        """Writes a full export as of `at` (a day)."""
        made = iceberg_table.Run(run or f"full-{at}", None, day(at), self.upload(schema, full(items)))
        return self.write(schema, made, connection)

    def write(self, schema: Any, run: iceberg_table.Run, connection: Any = None) -> iceberg_table.Written:
        """Writes the run, and closes the connection."""
        connection = connection or self.connect()
        try:
            return iceberg_table.write(connection, self.target(), Shape.of(schema.json()), run)
        finally:
            connection.close()

    def read(self) -> StaticTable:
        """The table as pyiceberg reads it, by what the catalog points to."""
        properties = {
            "s3.endpoint": self.cloud.endpoint, "s3.access-key-id": WORKLOAD, "s3.secret-access-key": SECRET,
            "s3.region": "us-east-1", "s3.force-virtual-addressing": "false",
        }  # fmt: skip
        return StaticTable.from_metadata(self.pointer(), properties)

    def rows(self) -> list[dict[str, Any]]:
        """All rows, as pyiceberg reads them."""
        return self.read().scan().to_arrow().to_pylist()


def day(number: int) -> str:
    """A day's beginning."""
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number - 1)).isoformat()


def line(at: int, keys: dict[str, Any], body: dict[str, Any] | None) -> bytes:
    """A line of an incremental export; None deletes."""
    made = {"Metadata": {"WriteTimestampMicros": {"N": str(at)}}, "Keys": keys}
    return json.dumps(made if body is None else made | {"NewImage": keys | body}).encode() + b"\n"
