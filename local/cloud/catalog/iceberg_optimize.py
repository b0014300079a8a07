"""OPTIMIZE an Iceberg table, as Athena carries it out: the same rows in fewer files, in one commit, or nothing.

Files that are small or of which rows are deleted are rewritten; here that is all of them, into one, unless there is one
only. The snapshot is a `replace`: its manifest has the new file alone, in the table's columns by their ids. A commit of
somebody else's since the rows were read refuses it. WHERE is not taken. Errors: ICEBERG_COMMIT_ERROR, NOT_SUPPORTED, as
ValueError.
Source: docs.aws.amazon.com/athena/latest/ug/optimize-statement.html, iceberg.apache.org/spec/#manifests,
avro.apache.org/docs/1.12.0/specification/#object-container-files.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import Any, cast

from ..seams import glue, s3
from ..seams.parts import Record
from ..seams.responses import new_uuid
from . import iceberg_scan

STATEMENT = re.compile(
    r'\s*OPTIMIZE\s+(?:"?(\w+)"?\.)?"?([\w-]+)"?\s+REWRITE\s+DATA\s+USING\s+BIN_PACK\s*;?\s*', re.I
)


def field(name: str, kind: Any, number: int, *, optional: bool = False) -> Record:
    """A field of an Avro schema, by its id."""
    more = {"default": None} if optional else {}
    return {"name": name, "type": ["null", kind] if optional else kind, "field-id": number} | more


DATA_FILE = {
    "type": "record",
    "name": "r2",
    "fields": [
        field("content", "int", 134),
        field("file_path", "string", 100),
        field("file_format", "string", 101),
        field("partition", {"type": "record", "name": "r102", "fields": []}, 102),
        field("record_count", "long", 103),
        field("file_size_in_bytes", "long", 104),
    ],
}
ENTRY = {
    "type": "record",
    "name": "manifest_entry",
    "fields": [
        field("status", "int", 0),
        field("snapshot_id", "long", 1, optional=True),
        field("sequence_number", "long", 3, optional=True),
        field("file_sequence_number", "long", 4, optional=True),
        field("data_file", DATA_FILE, 2),
    ],
}
COUNTS = (
    ("added_files_count", "int", 504), ("existing_files_count", "int", 505), ("deleted_files_count", "int", 506),
    ("added_rows_count", "long", 512), ("existing_rows_count", "long", 513), ("deleted_rows_count", "long", 514),
)  # fmt: skip
MANIFEST = {
    "type": "record",
    "name": "manifest_file",
    "fields": [
        field("manifest_path", "string", 500),
        field("manifest_length", "long", 501),
        field("partition_spec_id", "int", 502),
        field("content", "int", 517),
        field("sequence_number", "long", 515),
        field("min_sequence_number", "long", 516),
        field("added_snapshot_id", "long", 503),
        *(field(*count) for count in COUNTS),
    ],
}


def number(value: int) -> bytes:
    """A whole number as Avro writes it."""
    left, written = (value << 1) ^ (value >> 63), bytearray()
    while left > 127:
        written.append(left & 127 | 128)
        left >>= 7
    return bytes([*written, left])


def encoded(kind: Any, value: Any) -> bytes:
    """A value of an Avro type."""
    if isinstance(kind, list):
        return number(0) if value is None else number(1) + encoded(kind[1], value)
    if isinstance(kind, dict):
        record = cast(Record, kind)
        return b"".join(encoded(part["type"], value[part["name"]]) for part in record["fields"])
    if kind in ("int", "long"):
        return number(value)
    data = value if isinstance(value, bytes) else value.encode()
    return number(len(data)) + data


def container(schema: Record, known: dict[str, str], row: Record) -> bytes:
    """An Avro file of one record."""
    written = {"avro.schema": json.dumps(schema), "avro.codec": "null"} | known
    pairs = b"".join(encoded("string", key) + encoded("string", value) for key, value in written.items())
    mark, data = secrets.token_bytes(16), encoded(schema, row)
    return (
        b"Obj\x01"
        + number(len(written))
        + pairs
        + number(0)
        + mark
        + number(1)
        + number(len(data))
        + data
        + mark
    )


def ids(kind: Any, own: int | None = None) -> str:
    """The ids of a type's fields, as DuckDB's COPY takes them."""
    if isinstance(kind, str):
        return str(own)
    fields: list[Record] = kind.get("fields", [])
    parts = [] if own is None else [f"__duckdb_field_id: {own}"]
    if kind["type"] == "list":
        parts.append(f"element: {ids(kind['element'], kind['element-id'])}")
    else:
        parts += [f"{quoted(part['name'])}: {ids(part['type'], part['id'])}" for part in fields]
    return f"{{{', '.join(parts)}}}"


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def optimize(query: str, database: str) -> None:
    """Carries the statement out."""
    matched = STATEMENT.fullmatch(query)
    if not matched:
        raise ValueError(
            "NOT_SUPPORTED: of OPTIMIZE only REWRITE DATA USING BIN_PACK of a whole table is here"
        )
    home, name = matched[1] or database, matched[2].lower()
    record = glue.tables.get(f"{home}/{name}")
    if not record or not iceberg_scan.is_iceberg(record):
        raise ValueError(f"NOT_SUPPORTED: OPTIMIZE takes an Iceberg table, and {home}.{name} is none")
    metadata = iceberg_scan.metadata(record)
    if metadata.get("current-snapshot-id", -1) == -1:
        return
    files, address, rows = written(record, metadata)
    if files > 1:
        replace(home, name, metadata, (address, rows))


def written(record: Record, metadata: Record) -> tuple[int, str, int]:
    """How many files the table has; where there are several, the address of a file with all rows, and how many."""
    location = record["Parameters"]["metadata_location"]
    with iceberg_scan.connect() as connection:
        ((files,),) = connection.execute(f"SELECT count(*) FROM iceberg_metadata('{location}')").fetchall()
        if files < 2:
            return files, "", 0
        (schema,) = (s for s in metadata["schemas"] if s["schema-id"] == metadata["current-schema-id"])
        address = f"{metadata['location'].rstrip('/')}/data/{new_uuid()}.parquet"
        ((rows,),) = connection.execute(
            f"COPY (SELECT * FROM iceberg_scan('{location}')) TO '{address}' "
            f"(FORMAT parquet, COMPRESSION zstd, FIELD_IDS {ids(schema)})"
        ).fetchall()
    return files, address, rows


def replace(home: str, name: str, metadata: Record, new: tuple[str, int]) -> None:
    """Commits that the table has that file and no other. Raises ValueError where somebody else has committed since."""
    (address, rows), before = new, metadata["current-snapshot-id"]
    snapshot, sequence = secrets.randbits(62), metadata["last-sequence-number"] + 1
    folder = f"{metadata['location'].rstrip('/')}/metadata"
    (schema,) = (s for s in metadata["schemas"] if s["schema-id"] == metadata["current-schema-id"])
    known = {"schema": json.dumps(schema), "schema-id": str(schema["schema-id"]), "partition-spec": "[]",
             "partition-spec-id": str(metadata["default-spec-id"]), "format-version": "2",
             "content": "data"}  # fmt: skip
    file: Record = {"content": 0, "file_path": address, "file_format": "PARQUET", "partition": {}, "record_count": rows,
            "file_size_in_bytes": size_of(address)}  # fmt: skip
    entry: Record = {"status": 1, "snapshot_id": snapshot, "sequence_number": None, "file_sequence_number": None,
             "data_file": file}  # fmt: skip
    manifest, listed = f"{folder}/{new_uuid()}-m0.avro", f"{folder}/snap-{snapshot}-{new_uuid()}.avro"
    length = put(manifest, container(ENTRY, known, entry))
    counts = dict.fromkeys([count[0] for count in COUNTS], 0) | {
        "added_files_count": 1,
        "added_rows_count": rows,
    }
    row = {"manifest_path": manifest, "manifest_length": length, "partition_spec_id": metadata["default-spec-id"],
           "content": 0, "sequence_number": sequence, "min_sequence_number": sequence,
           "added_snapshot_id": snapshot} | counts  # fmt: skip
    of_list = {"snapshot-id": str(snapshot), "parent-snapshot-id": str(before), "sequence-number": str(sequence),
               "format-version": "2"}  # fmt: skip
    put(listed, container(MANIFEST, of_list, row))
    added = {"snapshot-id": snapshot, "parent-snapshot-id": before, "sequence-number": sequence,
            "timestamp-ms": int(time.time() * 1000), "manifest-list": listed, "schema-id": schema["schema-id"],
            "summary": {"operation": "replace", "total-records": str(rows), "total-data-files": "1",
                        "total-delete-files": "0"}}  # fmt: skip
    status, _, body = glue.iceberg_commit_table(
        home,
        name,
        {
            "requirements": [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": before}],
            "updates": [
                {"action": "add-snapshot", "snapshot": added},
                {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": snapshot},
            ],
        },
    )
    if status != 200:
        raise ValueError(f"ICEBERG_COMMIT_ERROR: Failed to commit during optimize: {body.decode()}")


def size_of(address: str) -> int:
    """Bytes of an object."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return len(s3.read_body(bucket, key, s3.buckets[bucket]["objects"][key]))


def put(address: str, data: bytes) -> int:
    """Writes an object; how many bytes it has."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    status, _, body = s3.put_object(bucket, key, data, {"content-type": "application/octet-stream"})
    if status != 200:
        raise ValueError(f"{address}: {body.decode()}")
    return len(data)
