"""The tables of an RDS snapshot export, from its `export_tables_info_*.json` files. Pure.

An export's Parquet is typed already; what the catalog needs is the columns and where they stand. One entry a table
in `perTableStatus`: `target` (`db.table` of MySQL and MariaDB, `db.schema.table` of PostgreSQL), `status`,
`warningMessage`, `schemaMetadata.originalTypeMappings` with `columnName`, `originalType`, `expectedExportedType`
(such as `int64`, `binary (UTF8)`, `fixed_len_byte_array(9) (DECIMAL(20,0))`). Files: `<export>/<db>/<schema.table>/
<batch>/part-*.gz.parquet`, see rds_folders.py.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.FileNames.html (File naming convention)
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.html#USER_ExportSnapshot.Limits: what RDS
skips: tables with a slash in their name, with `, ; { } ( ) = tab newline space` in a column's, with a row of about 2 GB
and more, temporary and unlogged ones
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.data-types.html (Data conversion when
exporting to an Amazon S3 bucket for Amazon RDS): an unsigned BIGINT is DECIMAL(20,0) and so holds 2^64-1; BIT and
BLOB are bytes; DATETIME and TIMESTAMP of MySQL are INT64 with TIMESTAMP_MICROS; DATE, TIME, ENUM, SET, JSON, a DECIMAL
of more than 38 digits, and of PostgreSQL every DECIMAL and TIMESTAMP are text.

The schema follows the exported type, which is what the files hold; `source_types` keeps the database's own types.

Three things can become of an entry:
- It is a table.
- RDS has skipped it: it is complete and has no schema (a database without tables is such an entry, too). The run
  reports it, and publishes the others.
- It is refused by name: it did not complete, has a warning, can't be read under a name that its files have, or its
  files have other columns. The others are published, and the run fails in its report until the table is mended or named
  in `leave_out`.
What makes the whole export unusable is an `ExportInfoError`: a description that is missing, or a table that the config
names and that is not there.

The service gives no counts, and leaves a number out where a part would be empty, so a part that is gone altogether is
not noticed. What can be seen is: that the descriptions are all there, of every table that the config's `only` names;
that every batch with a part has its `_success`, where the export writes them; and of every part that it is whole, has
the table's columns, and how many rows it holds.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from catalog_names import file_columns
from column_types import Column, Type
from footer import Footer
from rds_folders import folder, is_mysql, places
from run_records import TableShape
from table_schema import Schema, SchemaError, type_of

PRIMITIVES = {
    "boolean": Type("boolean"),
    "int32": Type("int"),
    "int64": Type("bigint"),
    "int96": Type("timestamp"),
    "float": Type("float"),
    "double": Type("double"),
    "binary": Type("binary"),
    "byte_array": Type("binary"),
    "fixed_len_byte_array": Type("binary"),
}
TEXT = {"UTF8", "STRING", "ENUM", "JSON"}


class ExportInfoError(Exception):
    """An export that did not complete, or whose description cannot be read."""


@dataclass(frozen=True)
class Table:
    """A table of the export."""

    target: str
    location: str
    """The folder of its batches, ending with '/'."""
    schema: Schema
    source_types: Mapping[str, str]
    """Column -> the database's own type."""

    def json(self) -> TableShape:
        """As it is handed to what publishes it."""
        columns = [{"Name": c.name, "Type": c.type.glue()} for c in self.schema.columns]
        return {
            "table": self.target,
            "location": self.location,
            "schema": self.schema.json(),
            "columns": columns,
            "source_types": dict(self.source_types),
        }


def exported_type(text: str) -> Type:
    """The type that the files have. Raises ExportInfoError for another."""
    # A logical type in brackets behind the primitive: `binary (UTF8)`, `int32 (DECIMAL(9,2))`.
    logical = re.search(r"\(\s*([A-Za-z]\w*)(?:\(([^()]*)\))?[^()]*\)\s*$", text)
    primitive = re.match(r"\s*(\w+)", text)
    kind = PRIMITIVES.get(primitive[1].lower()) if primitive else None
    if kind and logical:
        name = logical[1].upper()
        if name == "DECIMAL" and logical[2]:
            try:
                return type_of(f"decimal({logical[2].replace(' ', '')})")
            except SchemaError as error:
                raise ExportInfoError(
                    f"the exported type {text!r} is no decimal of up to 38 digits"
                ) from error
        if name in TEXT:
            return Type("string")
        if name == "DATE":
            return Type("date")
        if name.startswith("TIMESTAMP"):
            return Type("timestamp")
        if name.startswith("INT"):  # INT_8, INT_16: the primitive holds them
            return kind
        kind = None
    if kind is None:
        raise ExportInfoError(f"the exported type {text!r} is not known")
    return kind


@dataclass(frozen=True)
class Described:
    """The tables of an RDS export, and for each skipped or refused target the reason."""

    tables: tuple[Table, ...]
    skipped: Mapping[str, str]
    refused: Mapping[str, str]
    other_folders: frozenset[str]  # of entries that are no table of the catalog


def describe(
    prefix: str,
    infos: Mapping[str, Any],
    keys: Iterable[str],
    only: Sequence[str] = (),
    leave_out: Sequence[str] = (),
) -> Described:
    """Every entry of the export below `prefix`. `infos` are the descriptions by key, `keys` those of all its files;
    `only` names what was to be exported (`db`, `db.table`, `db.schema.table`), `leave_out` the tables that are
    not to be published. ExportInfoError with all faults at once where the export can't be used."""
    entries = [
        (str(status.get("target", "?")), status, key)
        for key, info in sorted(infos.items())
        for status in _statuses(key, info)
    ]
    folders = _folders(prefix, {target: "schemaMetadata" in status for target, status, _ in entries}, keys)
    without_files = {target for target, status, _ in entries if _is_skipped(status)}
    tables: list[Table] = []
    skipped: dict[str, str] = {}
    refused: dict[str, str] = {}
    for target, status, key in entries:
        reason = "; ".join(_warnings(status)) or "RDS gives no reason"
        if target in leave_out:
            continue
        if _is_skipped(status):
            skipped[target] = reason
        elif not _is_complete(status):
            refused[target] = f"it is {status.get('status')!r}: {reason} ({key})"
        elif _warnings(status):
            refused[target] = f"it is complete with a warning: {reason} ({key})"
        elif others := [
            other
            for other in folders
            if other != target and folders[other] == folders[target] and other not in without_files
        ]:
            refused[target] = f"it lies in one folder with {', '.join(others)}: {folders[target]}"
        else:
            try:
                tables.append(_table(target, folders[target], status))
            except ExportInfoError as error:
                refused[target] = f"{error} ({key})"
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                refused[target] = f"what describes it can't be read: {error!r} ({key})"
    _check_wanted(prefix, infos, only, leave_out, set(folders), skipped)
    own = {table.location for table in tables}
    return Described(
        tuple(sorted(tables, key=lambda table: table.target)),
        skipped,
        refused,
        frozenset(folders.values()) - own,
    )


def _is_complete(status: Mapping[str, Any]) -> bool:
    return str(status.get("status", "")).upper() == "COMPLETE"


def _is_skipped(status: Mapping[str, Any]) -> bool:
    return _is_complete(status) and "schemaMetadata" not in status


def _statuses(key: str, info: Any) -> list[Mapping[str, Any]]:
    described = cast(Mapping[str, Any], info) if isinstance(info, Mapping) else {"perTableStatus": None}
    statuses: Any = described.get("perTableStatus", [])
    if not isinstance(statuses, list | tuple):
        raise ExportInfoError(f"{key} is not an export_tables_info file")
    listed = list(cast(Sequence[Any], statuses))
    if not all(isinstance(status, Mapping) for status in listed):
        raise ExportInfoError(f"{key} is not an export_tables_info file")
    return listed


def _check_wanted(
    prefix: str,
    infos: Mapping[str, Any],
    only: Sequence[str],
    leave_out: Sequence[str],
    targets: set[str],
    skipped: Mapping[str, str],
) -> None:
    faults = _gaps(prefix, infos)
    faults += [
        f"'{wanted}' is in `only`, and no table of it was exported"
        for wanted in only
        if not any(target == wanted or target.startswith(f"{wanted}.") for target in targets)
    ]
    faults += [
        f"'{wanted}' is in `only`, and RDS skipped it: {skipped[wanted]}"
        for wanted in only
        if wanted in skipped
    ]
    faults += [
        f"'{name}' is to be left out, and no table is called so"
        for name in leave_out
        if infos and name not in targets
    ]
    if faults:
        raise ExportInfoError("; ".join(faults))


def _gaps(prefix: str, infos: Mapping[str, Any]) -> list[str]:
    """What is missing of export_tables_info_<id>_from_1_to_<n>.json, from_<n+1>_to_<m>.json and so on."""
    if not infos:
        return [f"no export_tables_info_*.json below {prefix}: the export is not complete"]
    named = {key: re.search(r"_from_(\d+)_to_(\d+)\.json$", key) for key in infos}
    ranges = sorted((int(numbers[1]), int(numbers[2]), key) for key, numbers in named.items() if numbers)
    faults, following = (
        [f"{key} names no range of tables" for key, numbers in named.items() if not numbers],
        1,
    )
    for first, last, key in ranges:
        if first != following:
            faults.append(f"tables {following} to {first - 1} are described by no file below {prefix}")
        entries = len(infos[key].get("perTableStatus", ()))
        if entries != last - first + 1:
            faults.append(f"{key} describes {entries} tables")
        following = last + 1
    return faults


def parts(described: Described, keys: Iterable[str]) -> dict[str, list[str]]:
    """The Parquet files of each table among all keys of the export, by its target. All faults at once."""
    by_table: dict[str, list[str]] = {table.target: [] for table in described.tables}
    places = {table.location: table.target for table in described.tables}
    keys = sorted(keys)
    done = {key.rpartition("/")[0] for key in keys if key.endswith("/_success")}
    faults: list[str] = []
    for key in keys:
        if not key.endswith(".parquet") or described.other_folders & set(_places_above(key)):
            continue
        batch = key.rpartition("/")[0]
        target = next((places[place] for place in _places_above(key) if place in places), None)
        if target is None:
            faults.append(f"{key} is of no table that export_tables_info describes")
            continue
        if done and batch not in done:
            faults.append(f"{batch}/ has no _success: {target} is not whole")
        by_table[target].append(key)
    if faults:
        raise ExportInfoError("; ".join(dict.fromkeys(faults)))
    return by_table


def _places_above(key: str) -> Iterator[str]:
    """The folders that a file can be a table's in: with a batch below the table's, or, as of old, without."""
    batch = key.rpartition("/")[0]
    yield f"{batch}/"
    yield f"{batch.rpartition('/')[0]}/"


def other_columns(table: Table, footers: Mapping[str, Footer]) -> str | None:
    """Why a table whose files have other columns than export_tables_info describes can't be read; None where all have
    the same."""
    expected = {column.attribute for column in table.schema.columns}
    for key, footer in footers.items():
        if differ := expected ^ set(footer.columns):
            return f"{key} and its description in export_tables_info differ in {', '.join(sorted(differ))}"
    return None


def _warnings(status: Mapping[str, Any]) -> tuple[str, ...]:
    warnings: Any = status.get("warningMessage") or ()
    return (
        tuple(map(str, cast(Sequence[Any], warnings)))
        if isinstance(warnings, list | tuple)
        else (str(warnings),)
    )


def _folders(prefix: str, described: Mapping[str, bool], keys: Iterable[str]) -> dict[str, str]:
    """Target -> the folder of its batches. `described` says of each target whether it is a table: what RDS skipped may
    be a schema of PostgreSQL, or a database with a dot in its name, and look like a table of MySQL. Where names hold
    dots, the folder that has files is the one."""
    mysql = is_mysql([target for target, is_table in described.items() if is_table])
    written = {"/".join(key.removeprefix(prefix).split("/")[:2]) for key in keys if key.endswith(".parquet")}
    expected = {target: folder(target, mysql=mysql) for target in described}
    free = written - set(expected.values())
    return {
        target: f"{prefix}{place if place in written else next((p for p in places(target) if p in free), place)}/"
        for target, place in expected.items()
    }


def _table(target: str, place: str, status: Mapping[str, Any]) -> Table:
    if "." not in target:
        raise ExportInfoError("it is neither db.table nor db.schema.table")
    mappings: list[dict[str, Any]] = status["schemaMetadata"]["originalTypeMappings"]
    names, faults = file_columns(m["columnName"] for m in mappings)
    columns: list[Column] = []
    for mapping in mappings:
        name = mapping["columnName"]
        try:
            columns.append(Column(name, names[name], exported_type(mapping["expectedExportedType"])))
        except ExportInfoError as error:
            faults.append(f"column {name}: {error}")
    if faults:
        raise ExportInfoError("; ".join(faults))
    sources = {m["columnName"]: m["originalType"] for m in mappings}
    return Table(target, place, Schema(tuple(columns)), sources)
