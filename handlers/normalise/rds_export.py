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
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

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
    warnings: tuple[str, ...]

    def json(self) -> dict:
        columns = [{"Name": c.name, "Type": c.type.glue()} for c in self.schema.columns]
        return {
            "table": self.target,
            "location": self.location,
            "schema": self.schema.json(),
            "columns": columns,
            "source_types": dict(self.source_types),
            "warnings": list(self.warnings),
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


def tables(prefix: str, infos: Mapping[str, Mapping]) -> list[Table]:
    """Every table of the export below `prefix`; `infos` are the files' contents by key. All faults at once."""
    found, faults = [], []
    if not infos:
        raise ExportInfoError(f"no export_tables_info_*.json below {prefix}: the export is not complete")
    for key, info in sorted(infos.items()):
        for status in info.get("perTableStatus", ()):
            target = str(status.get("target", "?"))
            if str(status.get("status", "")).upper() != "COMPLETE":
                reason = "; ".join(_warnings(status)) or "no reason is told"
                faults.append(f"{target} is {status.get('status')!r}: {reason} ({key})")
                continue
            try:
                found.append(_table(prefix, target, status))
            except (ExportInfoError, KeyError) as error:
                faults.append(f"{target}: {error} ({key})")
    if faults:
        raise ExportInfoError("; ".join(faults))
    return sorted(found, key=lambda table: table.target)


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
    return Table(target, f"{prefix}{database}/{folder}/", Schema(tuple(columns)), sources, _warnings(status))
