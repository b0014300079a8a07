"""What a landing's column is called and typed in BigQuery; pure, and the only place that decides it.

A column's type is written as Glue writes it (`decimal(38,9)`, `array<struct<a:int>>`), as Parquet writes an
unsigned integer (`uint_64`; MySQL's `bigint unsigned` is the same) or as DynamoDB writes an attribute (`N`,
`SS`, see `dynamodb_item`). The answer is a `TableFieldSchema` of the REST API, which is what a table's
`schema` holds.

The file's format decides with the type, because the Data Transfer Service offers neither list inference nor a
map target type, so a Parquet list or map keeps the groups that its file has:

- PARQUET: `array<T>` is a RECORD `list[].element`, so arrays of arrays nest; `map<K,V>` is a RECORD
  `key_value[].key/value`; a timestamp is a TIMESTAMP whether or not it has a zone (BigQuery reads the wall
  clock as UTC).
- JSON: `array<T>` is REPEATED, an array of arrays is REPEATED JSON (BigQuery has no ARRAY of ARRAY, and a
  wrapping struct would not match the file's text), `map<K,V>` is JSON, a timestamp without zone is a DATETIME.

A decimal is NUMERIC where 29 digits before the point and 9 after it suffice, else BIGNUMERIC (38 and 38): the
order in which `decimal_target_types=NUMERIC,BIGNUMERIC` picks, without which a Parquet decimal is read as
NUMERIC only. A DynamoDB number is BIGNUMERIC; one beyond 5.7E38 or with more than 38 decimals fits no number
type of BigQuery.

A column's name is refused and never changed: files are matched by name, so a changed one would load as NULL.
A table's name is ours, so it is changed where it must be, always to the same.

Sources: "Loading Parquet data from Cloud Storage"
(https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet), "Data types"
(https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types), "Specifying a schema"
(https://docs.cloud.google.com/bigquery/docs/schemas), "Tables"
(https://docs.cloud.google.com/bigquery/docs/tables), `DecimalTargetType` and `MapTargetType` in "Job"
(https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from components.shared.hive_types import MAP, STRUCT, Nested, nested

Field = dict[str, Any]
Format = Literal["PARQUET", "JSON"]

INT64 = (-(2**63), 2**63 - 1)
# Digits before the point and after it.
NUMERIC, BIGNUMERIC = (29, 9), (38, 38)

# Source type -> (in Parquet, in JSON, what is worth knowing). Names on the left are lower case.
SCALARS: dict[str, tuple[str, str, str]] = {
    "boolean": ("BOOLEAN", "BOOLEAN", ""),
    "tinyint": ("INTEGER", "INTEGER", ""),
    "smallint": ("INTEGER", "INTEGER", ""),
    "int": ("INTEGER", "INTEGER", ""),
    "bigint": ("INTEGER", "INTEGER", "-2^63 to 2^63-1"),
    "uint_8": ("INTEGER", "INTEGER", ""),
    "uint_16": ("INTEGER", "INTEGER", ""),
    "uint_32": ("INTEGER", "INTEGER", ""),
    "uint_64": ("NUMERIC(20,0)", "NUMERIC(20,0)", "up to 2^64-1; RDS exports it to Parquet as decimal(20,0)"),
    "float": ("FLOAT", "FLOAT", "widened to 64 bits"),
    "double": ("FLOAT", "FLOAT", ""),
    "string": ("STRING", "STRING", ""),
    "binary": ("BYTES", "BYTES", "base64 in JSON"),
    "date": ("DATE", "DATE", "0001-01-01 to 9999-12-31"),
    "time": ("TIME", "TIME", "microseconds"),
    "timestamp": ("TIMESTAMP", "DATETIME", "no zone; BigQuery reads every Parquet timestamp as UTC"),
    "timestamptz": ("TIMESTAMP", "TIMESTAMP", "microseconds; digits beyond are lost"),
    "json": ("STRING", "JSON", "a Parquet file holds it as text"),
}
SAME = {
    "integer": "int",
    "real": "float",
    "bool": "boolean",
    "long": "bigint",
    "uint64": "uint_64",
    "uint32": "uint_32",
    "uint16": "uint_16",
    "uint8": "uint_8",
    "bigint unsigned": "uint_64",
    "int unsigned": "uint_32",
    "smallint unsigned": "uint_16",
    "tinyint unsigned": "uint_8",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "double precision": "double",
}

# BigQuery's type -> Glue's, the way back.
GLUE = {
    "BOOLEAN": "boolean",
    "INTEGER": "bigint",
    "FLOAT": "double",
    "STRING": "string",
    "BYTES": "binary",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamptz",
    "DATETIME": "timestamp",
    "JSON": "json",
}

# DynamoDB's attribute type -> the field inside the attribute, in the JSON that an export writes.
DYNAMODB: dict[str, tuple[str, str]] = {
    "S": ("STRING", "NULLABLE"),
    "N": ("BIGNUMERIC", "NULLABLE"),
    "B": ("BYTES", "NULLABLE"),
    "BOOL": ("BOOLEAN", "NULLABLE"),
    "NULL": ("BOOLEAN", "NULLABLE"),
    "M": ("JSON", "NULLABLE"),
    "L": ("JSON", "NULLABLE"),
    "SS": ("STRING", "REPEATED"),
    "NS": ("BIGNUMERIC", "REPEATED"),
    "BS": ("BYTES", "REPEATED"),
}

RESERVED = (
    "_TABLE_",
    "_FILE_",
    "_PARTITION",
    "_ROW_TIMESTAMP",
    "__ROOT__",
    "_COLIDENTIFIER",
    "_CHANGE_SEQUENCE_NUMBER",
    "_CHANGE_TYPE",
    "_CHANGE_TIMESTAMP",
)
MAX_DEPTH = 15  # nested RECORDs
TABLE_NAME_BYTES = 1024
# The types by which a table can be clustered (https://docs.cloud.google.com/bigquery/docs/clustered-tables), and those
# that can be a table's `keys`, which identify a row: groupable and no floating-point number
# (https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/window-function-calls).
CLUSTERS = ("BOOLEAN", "INTEGER", "NUMERIC", "BIGNUMERIC", "STRING", "DATE", "DATETIME", "TIMESTAMP")
KEYS = (*CLUSTERS, "BYTES", "TIME")


def column_name_problem(name: str, *, external: bool = False) -> str | None:
    """Why BigQuery refuses `name` for a column; None where it takes it. External tables take no flexible name."""
    if not name or len(name) > 300:
        return f"a column's name has 1 to 300 characters, this one {len(name)}"
    for prefix in RESERVED:
        if name.upper().startswith(prefix):
            return f"the prefix {prefix} is BigQuery's own"
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return None
    if external:
        return "an external table takes letters, digits and '_', not starting with a digit"
    for character in name:
        category = unicodedata.category(character)
        if not (category[0] in "LNM" or category in ("Pc", "Pd") or character in "&%=+:'<>#| \t"):
            return f"BigQuery takes no {character!r} in a column's name"
    return None


def table_name(source: str, most: int = TABLE_NAME_BYTES) -> str:
    """The BigQuery table of a source's table: `source` where BigQuery takes it, else the same with '_' for what it
    refuses (`shop.customers` -> `shop_customers`); cut to `most` bytes of UTF-8 with a hash of the whole."""
    name = "".join(
        c if unicodedata.category(c) in ("Pc", "Pd", "Zs") or unicodedata.category(c)[0] in "LMN" else "_"
        for c in source
    ).strip()
    if not name.strip("_ "):
        raise ValueError(
            f"table {source!r}: no character of it can stand in a BigQuery table's name; name the table in the config"
        )
    if len(name.encode()) > most:
        name = (
            name.encode()[: most - 9].decode(errors="ignore")
            + "_"
            + hashlib.sha256(source.encode()).hexdigest()[:8]
        )
    return name


def fields(columns: Iterable[tuple[str, str]], file_format: Format, *, external: bool = False) -> list[Field]:
    """The schema for (name, type) pairs, in order. ValueError names the column, what is wrong and what to write."""
    schema: list[Field] = []
    columns = [*columns]
    _refuse_one_name((name for name, _ in columns), "columns ")
    for name, kind in columns:
        if problem := column_name_problem(name, external=external):
            raise ValueError(
                f"column {name!r}: {problem}; rename it at its source or leave it out of the transfer"
            )
        try:
            schema.append(field(name, kind, file_format))
        except ValueError as error:
            raise ValueError(f"column {name!r}: {error}") from None
    return schema


def _refuse_one_name(names: Iterable[str], what: str = "") -> None:
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            raise ValueError(
                f"{what}{seen[name.lower()]!r} and {name!r} are one name to BigQuery, which ignores case; "
                "rename one at its source"
            )
        seen[name.lower()] = name


def field(name: str, kind: str, file_format: Format) -> Field:
    """One column as a `TableFieldSchema`; a nested name is checked as a column's is."""
    return _field(name, " ".join(kind.strip().split()), file_format, MAX_DEPTH)


def _field(name: str, kind: str, file_format: Format, depth: int) -> Field:
    if depth < 0:
        raise ValueError(
            f"more than {MAX_DEPTH} levels of RECORD, which is all that BigQuery has; transfer it as a string"
        )
    low = kind.lower()
    if outer := nested(kind):
        return _nested_field(name, outer, file_format, depth)
    if decimal := re.fullmatch(r"(?:decimal|numeric) ?\( ?(\d+) ?(?:, ?(\d+) ?)?\)", low):
        return {"name": name, "mode": "NULLABLE", **decimal_type(int(decimal[1]), int(decimal[2] or 0))}
    if re.fullmatch(
        r"(?:var)?char ?\( ?\d+ ?\)", low
    ):  # no maxLength: a source that counts otherwise would fail the load
        return {"name": name, "type": "STRING", "mode": "NULLABLE"}
    if (low := SAME.get(low, low)) not in SCALARS:
        raise ValueError(
            f"{kind!r} is no type that this knows; one of {', '.join(SCALARS)}, decimal(p,s), char(n), varchar(n), "
            "array<...>, map<...,...>, struct<...>"
        )
    target = SCALARS[low][0 if file_format == "PARQUET" else 1]
    if target == "NUMERIC(20,0)":
        return {"name": name, "mode": "NULLABLE", **decimal_type(20, 0)}
    return {"name": name, "type": target, "mode": "NULLABLE"}


def _nested_field(name: str, outer: Nested, file_format: Format, depth: int) -> Field:
    def record(*inner: Field, mode: str = "NULLABLE", name: str = name) -> Field:
        return {"name": name, "type": "RECORD", "mode": mode, "fields": list(inner)}

    if outer.shape == STRUCT:
        _refuse_one_name(outer.names)
        for inner_name in outer.names:
            if problem := column_name_problem(inner_name):
                raise ValueError(f"{inner_name!r} inside it: {problem}")
        return record(*(_field(n, k, file_format, depth - 1) for n, k in outer.fields))
    if file_format == "PARQUET":
        names = ("key", "value") if outer.shape == MAP else ("element",)
        group = record(
            *(_field(n, p, file_format, depth - 2) for n, p in zip(names, outer.inner, strict=True)),
            mode="REPEATED",
            name="key_value" if outer.shape == MAP else "list",
        )
        return record(group)
    inner = [_field(name, part, file_format, depth) for part in outer.inner]
    if outer.shape == MAP:
        return {"name": name, "type": "JSON", "mode": "NULLABLE"}
    return (
        {"name": name, "type": "JSON", "mode": "REPEATED"}
        if inner[0]["mode"] == "REPEATED"
        else {**inner[0], "mode": "REPEATED"}
    )


def decimal_type(precision: int, scale: int) -> dict[str, str]:
    """NUMERIC(p,s) where it holds every such value, else BIGNUMERIC(p,s); the REST API writes both numbers as text."""
    if not 1 <= precision <= 76 or scale > precision:
        raise ValueError(
            f"decimal({precision},{scale}) is no type; 1 <= precision <= 76 and 0 <= scale <= precision"
        )
    for target, (whole, after) in (("NUMERIC", NUMERIC), ("BIGNUMERIC", BIGNUMERIC)):
        if scale <= after and precision - scale <= whole:
            return {"type": target, "precision": str(precision), "scale": str(scale)}
    raise ValueError(
        f"decimal({precision},{scale}) has more than 38 digits on one side of the point, and BIGNUMERIC holds no more; "
        "transfer it as a string"
    )


def glue_type(column: Field) -> str:
    """The way back: the type that holds every value of a BigQuery field (Glue has no `json`: a string there)."""
    inner = column.get("fields", [])
    if column["type"] in ("RECORD", "STRUCT"):
        if (
            len(inner) == 1
            and inner[0].get("mode") == "REPEATED"
            and inner[0]["name"] in ("list", "key_value")
        ):
            group = [glue_type(f) for f in inner[0]["fields"]]
            kind = f"array<{group[0]}>" if len(group) == 1 else f"map<{group[0]},{group[1]}>"
        else:
            kind = "struct<" + ",".join(f"{f['name']}:{glue_type(f)}" for f in inner) + ">"
    elif column["type"] in ("NUMERIC", "BIGNUMERIC"):
        whole, after = NUMERIC if column["type"] == "NUMERIC" else BIGNUMERIC
        precision, scale = column.get("precision", whole + after), 0 if "precision" in column else after
        kind = f"decimal({precision},{column.get('scale', scale)})"
    else:
        kind = GLUE[column["type"]]
    return f"array<{kind}>" if column.get("mode") == "REPEATED" else kind


def dynamodb_item(attributes: Mapping[str, str]) -> list[Field]:
    """The schema of a DynamoDB export's lines, `{"Item": {"total": {"N": "1"}}}`: `attributes` is name -> type(s),
    `S` or `S|N` where items differ. An attribute not named here is a bad record unless
    `ignore_unknown_values` is set."""
    inner: list[Field] = []
    _refuse_one_name(attributes, "attributes ")
    for name, kinds in attributes.items():
        if problem := column_name_problem(name):
            raise ValueError(f"attribute {name!r}: {problem}; leave it out and set ignore_unknown_values")
        if unknown := [kind for kind in kinds.split("|") if kind not in DYNAMODB]:
            raise ValueError(
                f"attribute {name!r}: {unknown[0]!r} is no DynamoDB type (one of {', '.join(DYNAMODB)})"
            )
        if len(listed := kinds.split("|")) > len({*listed}):
            raise ValueError(
                f"attribute {name!r}: {kinds!r} names a type twice; write {name}: '{'|'.join(dict.fromkeys(listed))}'"
            )
        inner.append(
            {
                "name": name,
                "type": "RECORD",
                "mode": "NULLABLE",
                "fields": [
                    {"name": kind, "type": DYNAMODB[kind][0], "mode": DYNAMODB[kind][1]}
                    for kind in kinds.split("|")
                ],
            }
        )
    return [{"name": "Item", "type": "RECORD", "mode": "NULLABLE", "fields": inner}]


def dynamodb_select(attributes: Mapping[str, str]) -> str:
    """The select list that makes a plain column of each attribute; one of several types comes out as text."""

    def value(name: str, kinds: str) -> str:
        paths = [f"Item.`{name}`.`{kind}`" for kind in kinds.split("|")]
        texts = [
            f"TO_JSON_STRING({p})"
            if DYNAMODB[k] == ("JSON", "NULLABLE") or DYNAMODB[k][1] == "REPEATED"
            else f"TO_BASE64({p})"
            if k == "B"
            else f"CAST({p} AS STRING)"
            for p, k in zip(paths, kinds.split("|"), strict=True)
        ]
        return f"{paths[0] if len(paths) == 1 else 'COALESCE(' + ', '.join(texts) + ')'} AS `{name}`"

    return ",\n  ".join(value(name, kinds) for name, kinds in attributes.items())


def shown(column: Field) -> str:
    """A field as GoogleSQL writes its type."""
    kind: str = column["type"]
    kind = {"RECORD": "STRUCT", "INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(kind, kind)
    if kind == "STRUCT":
        kind += "<" + ", ".join(f"{f['name']} {shown(f)}" for f in column["fields"]) + ">"
    elif "precision" in column:
        kind += f"({column['precision']},{column['scale']})"
    return f"ARRAY<{kind}>" if column["mode"] == "REPEATED" else kind
