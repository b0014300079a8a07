"""One source of an export: a DynamoDB table, or what an RDS instance or cluster holds."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from components.arguments import arguments, matching, nearest, together
from components.blocks.table import NewTableArgs, TableName
from components.landing import TypedTable
from components.languages import glue_columns
from components.languages.column_types import ColumnType, ExportedType, exported_type
from components.shared.catalog_names import RESERVED, REST, file_columns
from components.shared.landing_folders import copy_key, data_files, raw
from components.shared.rds_folders import folder, is_mysql
from components.shared.run_sources import (
    DYNAMODB,
    ICEBERG,
    INCREMENTAL,
    LATEST_AUTOMATED,
    PARQUET,
    RDS_CLUSTER,
    RDS_INSTANCE,
)

ExportedPart = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_$-]{1,255}(\.[A-Za-z0-9_$-]{1,255}){0,2}",
        "'{value}' names no part of a database; write 'database', 'database.table' (MySQL), "
        "'database.schema' or 'database.schema.table' (PostgreSQL)",
    ),
]
DatabaseName = Annotated[
    str,
    matching(
        r"[a-z](?!.*--)[a-z0-9-]{0,61}[a-z0-9]|[a-z]",
        "'{value}' is not an instance's or a cluster's identifier (1-63 of a-z 0-9 '-', a letter first, no '--', "
        "no '-' at the end); write the identifier, not the ARN",
    ),
]


CatalogName = Annotated[
    str,
    matching(
        rf"(?!({'|'.join(sorted(RESERVED))})\Z)[a-z_][a-z0-9_]{{0,199}}",
        "'{value}' is not a name for a table in the catalog (1-200 of a-z, 0-9 and '_', not starting with a digit)"
        "; write one like 'order_items'",
    ),
]


@arguments
class ExportSourceArgs:
    """One source of an export: a DynamoDB table, or what an RDS instance or cluster holds."""

    dynamodb: TableName | None = None
    """The table's name. An existing table is adopted and never changed; `create` makes a new one."""
    rds_instance: DatabaseName | None = None
    """The identifier of an RDS instance (not Aurora) whose snapshots are exported."""
    rds_cluster: DatabaseName | None = None
    """The identifier of an RDS or Aurora cluster whose snapshots are exported."""
    create: NewTableArgs | None = None
    """Makes the DynamoDB table rather than adopting it."""
    mode: Literal["full", "incremental"] = "full"
    """Of a table: all of it on each run, or the first time and then what changed, folded into the last snapshot."""
    format: Literal["parquet", "iceberg"] = "parquet"
    """Of a table: how the lake keeps it. `parquet` has a partition an export; `iceberg` is an Iceberg table, which each
    run changes in one commit."""
    columns: dict[str, ColumnType] = Field(default_factory=dict)
    """Of a table: types of attributes that are not left to the data: {attribute: type}."""
    only: list[ExportedPart] = Field(default_factory=list)
    """Of a database: what to export of it; all of it without."""
    leave_out: list[str] = Field(default_factory=list)
    """Of a database: tables, as 'database.table' or 'database.schema.table', that are exported and not published."""
    catalog_name: CatalogName | None = None
    """Of a table: what it is called in the catalog; without it by its own name, in lower case and with '_'."""
    catalog_names: dict[str, CatalogName] = Field(default_factory=dict)
    """Of a database: what tables are called in the catalog, {database.table: name}; the others by their own names."""
    tables: dict[str, dict[str, ExportedType]] = Field(default_factory=dict)
    """Of a database: the tables it holds, {database.table: {column: type}}, for queries and `only` to be checked."""
    snapshot: Literal["latest-automated", "made-for-the-run", "event"] = "latest-automated"
    """Of a database: which snapshot; `event` exports each automated one as soon as it is there."""

    @together
    def _is_one_source(self) -> Iterator[str]:
        sources = {DYNAMODB: self.dynamodb, RDS_INSTANCE: self.rds_instance, RDS_CLUSTER: self.rds_cluster}
        named = [key for key, name in sources.items() if name]
        if len(named) != 1:
            yield "a source is one of dynamodb, rds_instance and rds_cluster; name one of them"
            return
        # Read one by one: a key that is wrong in itself ends the check.
        of_a_database: dict[str, Callable[[], object]] = {
            "only": lambda: self.only,
            "tables": lambda: self.tables,
            "snapshot": lambda: self.snapshot != LATEST_AUTOMATED,
            "leave_out": lambda: self.leave_out,
            "catalog_names": lambda: self.catalog_names,
        }
        of_a_table: dict[str, Callable[[], object]] = {
            "create": lambda: self.create,
            "format": lambda: self.format != PARQUET,
            "columns": lambda: self.columns,
            "catalog_name": lambda: self.catalog_name,
        }
        for key, written in (of_a_database if self.dynamodb else of_a_table).items():
            if written() not in (None, False, {}, []):
                yield f"{key}: not a key of a {named[0]} source; leave it out"
        if not self.dynamodb and self.mode == INCREMENTAL:
            yield "mode: a snapshot is exported in full; leave it out"

    @together
    def _only_is_of_the_tables(self) -> Iterator[str]:
        for index, pattern in enumerate(self.only if self.tables else []):
            if not any(table == pattern or table.startswith(f"{pattern}.") for table in self.tables):
                yield f"only[{index}]: '{pattern}' matches nothing in 'tables'; {nearest(pattern, self.tables)}"

    @together
    def _tables_left_out_are_named_nowhere_else(self) -> Iterator[str]:
        for index, table in enumerate(self.leave_out):
            if table in self.only or table in self.tables or table in self.catalog_names:
                yield f"leave_out[{index}]: '{table}' is in only, tables or catalog_names, too; take it away there"

    @together
    def _columns_are_exported_so(self) -> Iterator[str]:
        mysql = is_mysql(list(self.tables))
        for table, columns in self.tables.items():
            for column, kind in columns.items():
                try:
                    exported_type(kind, mysql=mysql)
                except ValueError as error:
                    yield f"tables.{table}.{column}: {error}"

    @together
    def _columns_can_be_read(self) -> Iterator[str]:
        for table, columns in self.tables.items():
            for fault in file_columns(columns)[1]:
                yield (
                    f"tables.{table}: {fault}, and RDS can't rename it; "
                    "leave the table out ('leave_out'), or rename it in the database"
                )

    @property
    def name(self) -> str:
        """What the source is called, and its folder."""
        return self.dynamodb or self.rds_instance or self.rds_cluster or ""

    @property
    def kind(self) -> str:
        """Which of the three kinds of source it is."""
        return DYNAMODB if self.dynamodb else RDS_INSTANCE if self.rds_instance else RDS_CLUSTER

    def exported_tables(self) -> dict[str, Mapping[str, Any] | None]:
        """The tables that the catalog will hold of it, by the source's names, as far as the config knows, each with
        its columns as the catalog names them, or None where none are declared."""
        if self.dynamodb:
            return {self.dynamodb: glue_columns.columns(self.columns) or None}
        exported = [
            table
            for table in self.tables
            if not self.only or any(table == only or table.startswith(f"{only}.") for only in self.only)
        ]
        return {
            table: {column.lower(): kind for column, kind in self.tables[table].items()} or None
            for table in exported
        }

    def typed_tables(self, table: str, *, copied: bool = False) -> dict[str, TypedTable]:
        """Its tables as they lie in the landing as Parquet: a DynamoDB table, called `table` in the catalog, as the run
        normalises it, `copied` with a plain copy of the Iceberg table, a database's as RDS exports them
        (`<database>/<schema.table>/<batch>/`, of MySQL the whole name again). A transfer's path takes a folder for each
        of several wildcards."""
        if self.dynamodb:
            # The run knows a table's keys without any data; a number's digits are left to the data.
            key_columns = [self.create.hash_key, self.create.range_key] if self.create else []
            keys = {
                k.name: {"S": "string", "B": "binary"}[k.type] for k in key_columns if k and k.type != "N"
            }
            declared = keys | self.columns
            return {
                self.dynamodb: TypedTable(
                    files=data_files(table),
                    # Where none is declared, the run takes the columns from the data.
                    columns=glue_columns.columns(declared) | {REST: "string"} if self.columns else {},
                    attributes=glue_columns.attributes(declared),
                    incremental=self.mode == INCREMENTAL,
                    iceberg=self.format == ICEBERG,
                    copy_key=copy_key(table) if copied else None,
                )
            }
        typed: dict[str, TypedTable] = {}
        for name, columns in self.tables.items():
            if name in self.exported_tables():
                place = folder(name, mysql=is_mysql(list(self.tables)))
                typed[name] = TypedTable(
                    files=f"{raw(self.name)}/*/{place}/*/*.parquet", columns=dict(columns)
                )
        return typed
