"""Glue's Iceberg REST catalog, where ministack's keeps a table's metadata as Glue does not.

ministack writes every metadata file to a bucket of its own, reads the newest file in the folder rather than the one
that the catalog names, counts a nested field's id as free, and leaves the table's columns as they were made. Here a
metadata file goes to `<location>/metadata/<number>-<uuid>.metadata.json`; the pointer in the catalog decides; the last
field id is that of the schemas' fields at any depth; metadata and snapshot logs are kept; and the columns in the
catalog follow the current schema, as Glue's Iceberg catalog writes them.
Source: iceberg.apache.org/spec/#table-metadata-fields,
github.com/apache/iceberg/blob/main/aws/src/main/java/org/apache/iceberg/aws/glue/IcebergToGlueConverter.java.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, cast

from ..seams import glue, s3
from ..seams.parts import Answer, Record
from ..seams.responses import new_uuid

PLAIN = {
    "boolean": "boolean", "int": "int", "long": "bigint", "float": "float", "double": "double", "date": "date",
    "timestamp": "timestamp", "string": "string", "uuid": "string", "binary": "binary",
}  # fmt: skip


def glue_type(kind: Any) -> str:
    """An Iceberg type as Glue writes it."""
    if isinstance(kind, str):
        return PLAIN.get(kind, kind.replace(" ", ""))
    if kind["type"] == "list":
        return f"array<{glue_type(kind['element'])}>"
    return (
        "struct<" + ",".join(f"{field['name']}:{glue_type(field['type'])}" for field in kind["fields"]) + ">"
    )


def field_ids(kind: Any) -> Iterator[int]:
    """The ids of all fields of a schema or a type."""
    if isinstance(kind, dict):
        known = cast(Record, kind)
        yield from (known[key] for key in ("id", "element-id") if key in known)
        for inner in (known.get("type"), known.get("element"), *known.get("fields", ())):
            yield from field_ids(inner)


def glue_columns(metadata: Record) -> list[Record]:
    """The current schema's columns as Glue has them."""
    (schema,) = (s for s in metadata["schemas"] if s.get("schema-id", 0) == metadata["current-schema-id"])
    return [{"Name": field["name"], "Type": glue_type(field["type"])} for field in schema["fields"]]


def write_metadata(namespace: str, table_name: str, version: int, metadata: Record) -> str:
    """Writes the table's next metadata file and returns its address."""
    now = int(time.time() * 1000)
    log: list[Record] = metadata.setdefault("metadata-log", [])
    table = glue.tables.get(f"{namespace}/{table_name}")
    if table:
        log.append({"metadata-file": table["Parameters"]["metadata_location"], "timestamp-ms": now})
        table["Parameters"]["previous_metadata_location"] = table["Parameters"]["metadata_location"]
        table["StorageDescriptor"]["Columns"] = glue_columns(metadata)
    metadata["last-column-id"] = max(
        [metadata.get("last-column-id", 0), *(i for schema in metadata["schemas"] for i in field_ids(schema))]
    )
    current: int = metadata.get("current-snapshot-id", -1)
    history: list[Record] = metadata.setdefault("snapshot-log", [])
    if current != -1 and (not history or history[-1]["snapshot-id"] != current):
        history.append({"snapshot-id": current, "timestamp-ms": now})
    bucket, _, folder = metadata["location"].removeprefix("s3://").rstrip("/").partition("/")
    key = f"{folder}/metadata/{len(log):05}-{new_uuid()}.metadata.json"
    status, _, body = s3.put_object(
        bucket, key, json.dumps(metadata).encode(), {"content-type": "application/json"}
    )
    if status != 200:
        raise ValueError(f"s3://{bucket}/{key}: {body.decode()}")
    return f"s3://{bucket}/{key}"


def create_table(namespace: str, body: Record) -> Answer:
    """CreateTable, whose nested columns ministack writes as text."""
    if not body.get("location"):
        # What Glue answers: github.com/duckdb/duckdb-iceberg/issues/549.
        return glue.iceberg_error("Cannot parse missing string: location", "InvalidInputException", 400)
    if body.get("stage-create"):
        # docs.aws.amazon.com/glue/latest/dg/iceberg-rest-apis.html
        return glue.iceberg_error("CreateTable with staging is not supported", "InvalidInputException", 400)
    answer = stock_create(namespace, body)
    if answer[0] == 200:
        table = glue.tables[f"{namespace}/{body['name']}"]
        table["StorageDescriptor"]["Columns"] = glue_columns(json.loads(answer[2])["metadata"])
    return answer


stock_create = glue.iceberg_create_table.current


def install() -> None:
    """Goes in the place of ministack's functions."""
    glue.iceberg_write_metadata.replace(write_metadata)
    glue.iceberg_latest_metadata.replace(lambda location: location)
    glue.iceberg_create_table.replace(create_table)
