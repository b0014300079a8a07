"""The databases that a stack exports, as the embedded cloud's RDS has them: tables with the columns that the stack's
config declares, in the types that it declares.

`of_stack` makes them of the pipelines' arguments; `write` hands them to the embedded cloud, as a file of its folder,
where `read` reads them for each export. The shop's tables (mysql.py) are in every database that is called so, with the
columns of the config where its types are others.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from local.samples import column_values, mysql
from local.samples.mysql import Column, Table

ROWS = 500
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
        return [t for t in self.tables if not only or any(_within(t, pattern) for pattern in only)]


SHOP = Database(MYSQL, mysql.TABLES)


def _within(table: str, pattern: str) -> bool:
    return table == pattern or table.startswith(f"{pattern}.")


def of_stack(declared: Mapping[str, Any]) -> dict[Key, Database]:
    """The databases that pipelines export. `declared`: the pipelines' arguments by their names."""
    made: dict[Key, Database] = {}
    for name, args in declared.items():
        for source in getattr(args, "sources", ()):
            if source.dynamodb:
                continue
            key = (args.account.id, args.account.region, source.kind, source.name)
            database = _database(source, _loaded(declared, name))
            if key in made:  # two pipelines export it
                database = Database(database.engine, {**database.tables, **made[key].tables})
            made[key] = database
    return made


def of_source(declared: Mapping[str, Any], pipeline: str, source: str) -> Database:
    """The database that is a pipeline's source; the shop's where its arguments are not known."""
    args = declared.get(pipeline)
    for each in getattr(args, "sources", ()):
        if args and each.name == source and not each.dynamodb:
            return of_stack(declared)[args.account.id, args.account.region, each.kind, source]
    return SHOP


def origin(declared: Mapping[str, Any], name: str) -> str:
    """The pipeline at the beginning of the way to `name`, which exports; nothing where a bucket is adopted."""
    while name in declared and not hasattr(declared[name], "sources"):
        landing = getattr(declared[name], "landing", None)
        name = landing.name if landing and not landing.adopted else ""
    return name if name in declared else ""


class _Loaded(NamedTuple):
    """What transfers say of a table besides what its export declares."""

    columns: dict[str, str]
    keys: list[list[str]]


def _loaded(declared: Mapping[str, Any], export: str) -> dict[str, _Loaded]:
    loaded: dict[str, _Loaded] = {}
    for name, args in declared.items():
        if hasattr(args, "tables") and hasattr(args, "dataset") and origin(declared, name) == export:
            for table, transfer in args.tables.items():
                known = loaded.setdefault(table, _Loaded({}, []))
                known.columns.update(transfer.columns)
                known.keys.append(list(transfer.keys))
    return loaded


def _database(source: Any, loaded: Mapping[str, _Loaded]) -> Database:
    named = [*source.tables, *source.leave_out, *source.catalog_names]
    parts = {name.count(".") for name in named or source.only}
    engine = POSTGRES if 2 in parts and 1 not in parts else MYSQL
    lacking = ("items",) if engine == MYSQL else ("public", "items")  # of the name of a database
    for part in source.only or ([] if named else [source.name.replace("-", "_")]):
        if not any(_within(name, part) for name in named):
            named.append(".".join((part, *lacking[part.count(".") :])))
    shops = mysql.TABLES if source.name == mysql.INSTANCE and engine == MYSQL else {}
    tables: dict[str, Table] = {}
    for name in dict.fromkeys([*shops, *named]):
        more = loaded.get(name, _Loaded({}, []))
        kinds = {**more.columns, **source.tables.get(name, {})}
        tables[name] = _table(mysql.TABLES.get(name) if shops else None, kinds, more.keys, engine == MYSQL)
    return Database(engine, tables)


def _table(shops: Table | None, kinds: Mapping[str, str], keys: Sequence[list[str]], in_mysql: bool) -> Table:
    """A table with the columns of these types and no others, as no load adds a column; the shop's own where they are of
    these types, or where none are declared."""
    by_name = {column.name: column for column in shops.columns} if shops else {}
    if kinds or not shops:
        made = {
            name: column_values.column(name, kind, mysql=in_mysql, key=any(name in key for key in keys))
            for name, kind in (kinds or column_values.UNDECLARED).items()
        }
        by_name = {
            name: by_name[name] if name in by_name and by_name[name].exported == column.exported else column
            for name, column in made.items()
        }
    rows = shops.rows if shops else ROWS
    for key in keys:  # of which no two rows have one
        rows = min(
            rows,
            max((column_values.distinct(by_name[name]) for name in key if name in by_name), default=rows),
        )
    return Table(rows, tuple(by_name.values()))


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
