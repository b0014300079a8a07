"""Databases as the embedded cloud's RDS has them: tables, by instance or cluster of an account and region.

declared_databases.py makes those of a stack; `write` hands them to the embedded cloud, as a file of its folder, where
`read` reads them for each export. Where there is none of that name, the shop's tables (mysql.py) are in each that is
called so.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import duckdb

from local.samples import mysql
from local.samples.mysql import Column, Table

FILE = "databases.json"
MYSQL, POSTGRES = "mysql", "postgres"
Key = tuple[str, str, str, str]
"""Account, region, rds_instance or rds_cluster, identifier."""


class Database(NamedTuple):
    """What an instance or a cluster holds: its tables by their names, `database.table` or `database.schema.table`."""

    engine: str
    tables: Mapping[str, Table]

    def folder(self, table: str) -> str:
        """Where an export has the table's files, of MySQL below the database's name twice
        (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.FileNames.html)."""
        database, _, rest = table.partition(".")
        return f"{database}/{table if self.engine == MYSQL else rest}"

    def chosen(self, only: Iterable[str]) -> list[str]:
        """The tables that ExportOnly names, each by a whole name or by its database or schema; all without."""
        only = list(only)
        return [t for t in self.tables if not only or any(within(t, pattern) for pattern in only)]


SHOP = Database(MYSQL, mysql.TABLES)


def within(table: str, pattern: str) -> bool:
    """Whether a table is what ExportOnly names, or in it: a database or a schema."""
    return table == pattern or table.startswith(f"{pattern}.")


def parquet(table: Table) -> bytes:
    """The table's rows as a Parquet file, compressed with gzip."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        file = Path(folder, "part.parquet")
        connection.execute(f"COPY ({table.sql()}) TO '{file}' (FORMAT parquet, COMPRESSION gzip)")
        return file.read_bytes()


def write(state: Path, databases: Mapping[Key, Database]) -> None:
    """Hands the databases to the embedded cloud whose folder this is."""
    content = [[*key, *database] for key, database in databases.items()]
    state.mkdir(parents=True, exist_ok=True)
    (state / f"{FILE}.new").write_text(json.dumps(content))
    (state / f"{FILE}.new").replace(state / FILE)  # in one step: the cloud reads it at any moment


def read(state: Path) -> dict[Key, Database]:
    """The databases of the embedded cloud whose folder this is."""
    if not (state / FILE).is_file():
        return {}
    return {
        (account, region, kind, name): Database(
            engine,
            {
                table: Table(rows, tuple(Column(*column) for column in listed))
                for table, (rows, listed) in tables.items()
            },
        )
        for account, region, kind, name, engine, tables in json.loads((state / FILE).read_text())
    }
