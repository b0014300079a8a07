"""The tables of an RDS snapshot export, from its `export_tables_info_*.json` files. Pure.

An export's Parquet is typed already; what the catalog needs is the columns and where they stand. One entry a table
in `perTableStatus`: `target` (`db.table` of MySQL and MariaDB, `db.schema.table` of PostgreSQL), `status`,
`warningMessage`, `schemaMetadata.originalTypeMappings` with `columnName`, `originalType`, `expectedExportedType`
(such as `int64`, `binary (UTF8)`, `fixed_len_byte_array(9) (DECIMAL(20,0))`). Files: `<export>/<db>/<schema.table>/
<batch>/part-*.gz.parquet`; for MySQL the schema is the database.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.FileNames.html (File naming convention)
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.data-types.html (Data conversion when
exporting to an Amazon S3 bucket for Amazon RDS): an unsigned BIGINT is DECIMAL(20,0) and so holds 2^64-1; BIT and
BLOB are bytes; DATE, TIME, DATETIME, TIMESTAMP, ENUM, SET, JSON and a DECIMAL of more than 38 digits are text.

The schema follows the exported type, which is what the files hold; `source_types` keeps what the database said.

The service tells no counts, and leaves a number out where a part would be empty, so a part that is gone altogether
can't be told from one that never was. What can be told is: that the descriptions are all there, of every table that
was asked for, each complete and without a warning; that every batch with a part has its `_success`, where the export
writes them; and of every part that it is whole, has the table's columns, and how many rows it holds.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from footer import Footer
from table_schema import Column, Schema, Type, column_names

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
    target: str
    location: str  # the folder of its batches, ending with '/'
    schema: Schema
    source_types: Mapping[str, str]  # column -> the database's own type

    def json(self) -> dict:
        columns = [{"Name": c.name, "Type": c.type.glue()} for c in self.schema.columns]
        return {
            "table": self.target,
            "location": self.location,
            "schema": self.schema.json(),
            "columns": columns,
            "source_types": dict(self.source_types),
        }


def exported_type(said: str) -> Type:
    # A logical type in brackets behind the primitive: `binary (UTF8)`, `int32 (DECIMAL(9,2))`.
    logical = re.search(r"\(\s*([A-Za-z]\w*)(?:\(([^()]*)\))?[^()]*\)\s*$", said)
    primitive = re.match(r"\s*(\w+)", said)
    kind = PRIMITIVES.get(primitive[1].lower()) if primitive else None
    if kind and logical:
        name = logical[1].upper()
        if name == "DECIMAL" and logical[2]:
            return Type.of(f"decimal({logical[2].replace(' ', '')})")
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
        raise ExportInfoError(f"the exported type {said!r} is not known")
    return kind


def tables(prefix: str, infos: Mapping[str, Mapping], only: Sequence[str] = ()) -> list[Table]:
    """Every table of the export below `prefix`; `infos` are the files' contents by key. All faults at once."""
    found, targets = [], []
    faults = _gaps(prefix, infos)
    for key, info in sorted(infos.items()):
        for status in info.get("perTableStatus", ()):
            target = str(status.get("target", "?"))
            targets.append(target)
            if str(status.get("status", "")).upper() != "COMPLETE":
                reason = "; ".join(_warnings(status)) or "no reason is told"
                faults.append(f"{target} is {status.get('status')!r}: {reason} ({key})")
                continue
            if warnings := _warnings(status):
                faults.append(f"{target} is complete with a warning: {'; '.join(warnings)} ({key})")
            try:
                found.append(_table(prefix, target, status))
            except (ExportInfoError, KeyError) as error:
                faults.append(f"{target}: {error} ({key})")
    faults += [
        f"'{asked}' was asked for, and no table of it was exported"
        for asked in only
        if not any(target == asked or target.startswith(f"{asked}.") for target in targets)
    ]
    if faults:
        raise ExportInfoError("; ".join(faults))
    return sorted(found, key=lambda table: table.target)


def _gaps(prefix: str, infos: Mapping[str, Mapping]) -> list[str]:
    """What is missing of export_tables_info_<id>_from_1_to_<n>.json, from_<n+1>_to_<m>.json and so on."""
    if not infos:
        return [f"no export_tables_info_*.json below {prefix}: the export is not complete"]
    named = {key: re.search(r"_from_(\d+)_to_(\d+)\.json$", key) for key in infos}
    ranges = sorted((int(said[1]), int(said[2]), key) for key, said in named.items() if said)
    faults, following = [f"{key} names no range of tables" for key, said in named.items() if not said], 1
    for first, last, key in ranges:
        if first != following:
            faults.append(f"tables {following} to {first - 1} are told by no file below {prefix}")
        told = len(infos[key].get("perTableStatus", ()))
        if told != last - first + 1:
            faults.append(f"{key} tells of {told} tables")
        following = last + 1
    return faults


def parts(prefix: str, found: Sequence[Table], keys: Iterable[str]) -> dict[str, list[str]]:
    """The Parquet files of each table, by its target, among all keys of the export. All faults at once."""
    by_table: dict[str, list[str]] = {table.target: [] for table in found}
    places = {table.location: table.target for table in found}
    keys = sorted(keys)
    done = {key.rpartition("/")[0] for key in keys if key.endswith("/_success")}
    faults = []
    for key in keys:
        if not key.endswith(".parquet"):
            continue
        folder = key.rpartition("/")[0]
        # <db>/<schema.table>/<batch>/part-…; the older layout has no batch.
        depth = key.removeprefix(prefix).split("/")[:2]
        target = places.get(f"{prefix}{'/'.join(depth)}/")
        if target is None:
            faults.append(f"{key} is of no table that export_tables_info tells of")
            continue
        if done and folder not in done:
            faults.append(f"{folder}/ has no _success: {target} is not whole")
        by_table[target].append(key)
    if faults:
        raise ExportInfoError("; ".join(dict.fromkeys(faults)))
    return by_table


def counted(table: Table, footers: Mapping[str, Footer]) -> int:
    """The rows of a table's files, by their footers; all have its columns."""
    expected = {column.attribute for column in table.schema.columns}
    for key, footer in footers.items():
        if differ := expected ^ set(footer.columns):
            raise ExportInfoError(
                f"{key} and what export_tables_info tells of {table.target} differ in {', '.join(sorted(differ))}"
            )
    return sum(footer.rows for footer in footers.values())


def _warnings(status: Mapping) -> tuple[str, ...]:
    said = status.get("warningMessage") or ()
    return (said,) if isinstance(said, str) else tuple(map(str, said))


def _table(prefix: str, target: str, status: Mapping) -> Table:
    database, _, rest = target.partition(".")
    if not rest:
        raise ExportInfoError("a target is db.table or db.schema.table")
    folder = rest if "." in rest else target
    mappings = status["schemaMetadata"]["originalTypeMappings"]
    names = column_names(m["columnName"] for m in mappings)
    columns, faults = [], []
    for mapping in mappings:
        name = mapping["columnName"]
        try:
            columns.append(Column(name, names[name], exported_type(mapping["expectedExportedType"])))
        except ExportInfoError as error:
            faults.append(f"column {name}: {error}")
    if faults:
        raise ExportInfoError("; ".join(faults))
    sources = {m["columnName"]: m["originalType"] for m in mappings}
    return Table(target, f"{prefix}{database}/{folder}/", Schema(tuple(columns)), sources)
