"""The databases that a stack's pipelines export, with the columns and types that its config declares.

A table has the declared columns and no others, as no load adds a column; what a config says nothing of has a few of
its own. The shop's tables (mysql.py) are in every database that is called so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.pipelines.export.args import ExportArgs
from components.pipelines.export.sources import ExportSourceArgs
from components.pipelines.replication.args import ReplicationArgs
from local.samples import column_values, mysql
from local.samples.databases import MYSQL, POSTGRES, SHOP, Database, Key, within
from local.samples.mysql import Table

ROWS = 500


def of_stack(declared: Mapping[str, Any]) -> dict[Key, Database]:
    """The databases that pipelines export. `declared`: the pipelines' arguments by their names."""
    databases: dict[Key, Database] = {}
    for name, args in declared.items():
        for source in args.rds() if isinstance(args, ExportArgs) else ():
            key = (args.account.id, args.account.region, source.kind, source.name)
            database = _database(source, _loaded(declared, name))
            if key in databases:  # two pipelines export it
                database = Database(database.engine, {**database.tables, **databases[key].tables})
            databases[key] = database
    return databases


def of_source(declared: Mapping[str, Any], pipeline: str, source: str) -> Database:
    """The database that is a pipeline's source; the shop's where its arguments are not known."""
    if (args := declared.get(pipeline)) is None:
        return SHOP
    [kind] = [each.kind for each in args.rds() if each.name == source]
    return of_stack(declared)[args.account.id, args.account.region, kind, source]


def origin(declared: Mapping[str, Any], name: str) -> str:
    """The pipeline at the beginning of the way to `name`, which exports; nothing where a bucket is adopted."""
    if name not in declared:
        return ""
    args = declared[name]
    if isinstance(args, BigQueryTransferArgs | ReplicationArgs) and not args.landing.adopted:
        return origin(declared, args.landing.name)
    return name if isinstance(args, ExportArgs) else ""


class _Loaded(NamedTuple):
    """What transfers say of a table besides what its export declares."""

    columns: dict[str, str]
    keys: list[list[str]]


def _loaded(declared: Mapping[str, Any], export: str) -> dict[str, _Loaded]:
    loaded: dict[str, _Loaded] = {}
    for name, args in declared.items():
        if isinstance(args, BigQueryTransferArgs) and origin(declared, name) == export:
            for table, transfer in args.tables.items():
                known = loaded.setdefault(table, _Loaded({}, []))
                known.columns.update(transfer.columns)
                known.keys.append(list(transfer.keys))
    return loaded


def _database(source: ExportSourceArgs, loaded: Mapping[str, _Loaded]) -> Database:
    named = [*source.tables, *source.leave_out, *source.catalog_names]
    parts = {name.count(".") for name in named or source.only}
    engine = POSTGRES if 2 in parts and 1 not in parts else MYSQL
    lacking = ("items",) if engine == MYSQL else ("public", "items")  # of the name of a database
    for part in source.only or ([] if named else [source.name.replace("-", "_")]):
        if not any(within(name, part) for name in named):
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
        declared = {
            name: column_values.column(name, kind, mysql=in_mysql, key=any(name in key for key in keys))
            for name, kind in (kinds or column_values.UNDECLARED).items()
        }
        by_name = {
            name: by_name[name] if name in by_name and by_name[name].exported == column.exported else column
            for name, column in declared.items()
        }
    rows = shops.rows if shops else ROWS
    for key in keys:  # of which no two rows have one
        rows = min(
            rows,
            max((column_values.distinct(by_name[name]) for name in key if name in by_name), default=rows),
        )
    return Table(rows, tuple(by_name.values()))
