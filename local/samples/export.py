"""Sample shop data into the tables of an export, the schedule's call, and the items counted in the exported
files.

1,000 customers, no returns, 50,000 orders; a table of another name gets 1,000 items. Every attribute type
of DynamoDB occurs: some items carry all ten. A column that the config declares is there, in its type. Items depend on
the table's name, what is declared and a number alone, so sending twice leaves as many. The seconds are from the time
that the export shows the table at to its end, as DescribeExport returns them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import Any

from components.shared import dynamodb_exports
from local.samples import Cloud, Row, SampleError, columns, lake, records, transfers
from operate.kinds import export as operated
from operate.outputs import Refused

ITEMS = {"customers": 1_000, "returns": 0, "orders": 50_000}
OTHERWISE = 1_000
BATCH = 25  # what BatchWriteItem takes
WRITERS = 4

CITIES = ("東京", "Zürich", "São Paulo", "Nairobi", "Reykjavík")


def item(table: str, number: int, keys: Mapping[str, str]) -> dict[str, Any]:
    """Item `number` of the table in DynamoDB JSON; `keys` is the keys' types, the partition's first."""
    *shared, unique = keys  # with a sort key, many items share a partition
    values: dict[str, Any] = {name: _key(keys[name], name, number * 7919 % 997) for name in shared}
    values[unique] = _key(keys[unique], unique, number)
    values["at"] = values.get("at") or {"S": records.moment(number)}
    if table == "customers":
        values |= {
            "name": {"S": f"Customer {number}"},
            "newsletter": {"BOOL": number % 3 == 0},
            "address": {"M": {"city": {"S": CITIES[number % 5]}, "note": {"S": 'by the "door"\n2nd floor'}}},
        }
    else:
        values |= {
            "total": {"N": str(Decimal(number * 1999 % 100_000) / 100)},
            "lines": {
                "L": [{"M": {"sku": {"S": f"sku-{number % 97}"}, "count": {"N": str(1 + number % 4)}}}]
            },
        }
    if number % 250 == 0:
        values |= {
            "coupon": {"NULL": True},
            "labels": {"SS": ["gift", "überraschung"]},
            "weights": {"NS": ["0.5", "1E-10", "12345678901234567890123456789012345678"]},
            "signature": {"B": bytes(range(256))},
            "thumbnails": {"BS": [b"\x00\x01", b"\xff"]},
            "flags": {"M": {"fragile": {"BOOL": False}, "route": {"L": [{"NULL": True}, {"N": "-7"}]}}},
        }
    return values


def _key(kind: str, name: str, number: int) -> dict[str, Any]:
    return {
        kind: {
            "S": f"{name.removesuffix('_id')}-{number:07}",
            "N": str(number),
            "B": number.to_bytes(8, "big"),
        }[kind]
    }


def prepare(cloud: Cloud, name: str, pipeline: Mapping[str, Any]) -> None:
    """Puts items into the tables of a pipeline that exports."""
    for table in pipeline["landing"]["tables"]:
        # Where as many are there already, they are those of an earlier run.
        if size(cloud, pipeline["landing"], table) < ITEMS.get(table, OTHERWISE):
            _fill(cloud, pipeline["landing"], table)


def start(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime) -> None:
    """Starts the pipeline's run, or calls its function, with what its schedule would send at that time."""
    try:
        operated.run(cloud, name, pipeline, due)
    except Refused as error:
        raise SampleError(str(error)) from error


def key_types(dynamodb: Any, table: str) -> dict[str, str]:
    """The types of a table's key, the partition's first."""
    described = dynamodb.describe_table(TableName=table)["Table"]
    types = {
        attribute["AttributeName"]: attribute["AttributeType"]
        for attribute in described["AttributeDefinitions"]
    }
    schema = sorted(described["KeySchema"], key=lambda key: key["KeyType"])  # HASH before RANGE
    return {key["AttributeName"]: types[key["AttributeName"]] for key in schema}


def _fill(cloud: Cloud, place: Mapping[str, Any], table: str) -> None:
    dynamodb, known = cloud.client("dynamodb", place), columns(cloud, table)
    keys = key_types(dynamodb, table)
    typed = _typed_as(table, keys, known)
    numbers = range(ITEMS.get(table, OTHERWISE))
    items_put = [records.completed(item(table, n, keys), typed, keys, n) for n in numbers]
    put(
        dynamodb,
        table,
        [_declared(each, keys, known) for each in items_put] if _from_the_lake(cloud, table) else items_put,
    )


def _from_the_lake(cloud: Cloud, table: str) -> bool:
    """Whether a transfer loads the table's columns from the lake, where each attribute is one, declared or not: a load
    adds none to a table of BigQuery."""
    return any(table in args.tables and args.tables[table].lake for args in transfers(cloud))


def _declared(values: Mapping[str, Any], keys: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, Any]:
    """The item without what is not declared, but for what has no type."""
    return {name: value for name, value in values.items() if name in keys or name in known or "NULL" in value}


def _typed_as(table: str, keys: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, Any]:
    """The declared columns but those that some items have already, in a type that fits."""
    whole = item(table, 0, keys)  # it has every attribute that any has
    return {
        name: kind for name, kind in known.items()
        if name not in whole or not records.fits(whole[name], records.typed(kind))
    }  # fmt: skip


def put(dynamodb: Any, table: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Writes the items, in no order."""

    def write(first: int) -> None:
        batch = [{"PutRequest": {"Item": item}} for item in items[first : first + BATCH]]
        left: dict[str, Any] = {table: batch}
        while left:
            left = dynamodb.batch_write_item(RequestItems=left).get("UnprocessedItems") or {}

    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(write, range(0, len(items), BATCH)))


def rows(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime | None) -> list[Row]:
    """What was exported of each table."""
    if "state_machine" in pipeline:
        return lake.rows(cloud, name, pipeline, due)
    landing, rows = pipeline["landing"], list[Row]()
    for table in landing["tables"]:
        written, export = size(cloud, landing, table, due), latest(cloud, landing, table, due)
        counts: dict[str, int | str] = {"items written": written}
        arrived, seconds, failure = 0, None, ""
        if export and export["ExportStatus"] == "COMPLETED":
            files = data_files(cloud, landing, export)
            arrived = sum(items(cloud, landing, key) for key in files)
            seconds = (export["EndTime"] - export["ExportTime"]).total_seconds()
            counts |= {
                "items exported": arrived,
                "objects exported": len(keys(cloud, landing, folder(export))),
            }
        elif export and export["ExportStatus"] == "FAILED":
            failure = f"export failed: {export.get('FailureCode')}: {export.get('FailureMessage')}"
        rows.append(Row(name, pipeline["kind"], table, written, arrived, seconds, counts, failure))
    return rows


def size(cloud: Cloud, place: Mapping[str, Any], table: str, due: datetime | None = None) -> int:
    """The items in the table, counted; DescribeTable's own number is up to six hours old. With `due` they are counted
    once, as nothing writes to the tables of an export from then on."""
    known = ("size", place["account"], place["region"], table, str(due))
    if due is None or known not in cloud.counted:
        pages = (
            cloud.client("dynamodb", place).get_paginator("scan").paginate(TableName=table, Select="COUNT")
        )
        cloud.counted[known] = sum(page["Count"] for page in pages)
    return cloud.counted[known]


def latest(
    cloud: Cloud, landing: Mapping[str, Any], table: str, due: datetime | None
) -> dict[str, Any] | None:
    """The table's export into the landing that shows it at the latest time, not before `due`."""
    exports = [
        export
        for export in operated.exports(cloud, landing, table)
        if due is None or export["ExportTime"] >= due
    ]
    return max(exports, key=lambda export: export["ExportTime"], default=None)


def folder(export: Mapping[str, Any]) -> str:
    """The folder that the export's manifests lie in."""
    return export["ExportManifest"].rpartition("/")[0] + "/"


def data_files(cloud: Cloud, landing: Mapping[str, Any], export: Mapping[str, Any]) -> list[str]:
    """The data files that the export's manifest names, read from the landing."""
    s3 = cloud.client("s3", landing)
    manifest = s3.get_object(Bucket=landing["bucket"], Key=f"{folder(export)}{dynamodb_exports.FILES}")[
        "Body"
    ].read()
    return [json.loads(line)["dataFileS3Key"] for line in manifest.splitlines() if line.strip()]


def keys(cloud: Cloud, landing: Mapping[str, Any], prefix: str) -> set[str]:
    """The objects below the prefix."""
    return set(sizes(cloud, landing, prefix))


def sizes(cloud: Cloud, landing: Mapping[str, Any], prefix: str) -> dict[str, int]:
    """The objects below the prefix, and their bytes."""
    pages = cloud.client("s3", landing).get_paginator("list_objects_v2")
    return {
        entry["Key"]: entry["Size"]
        for page in pages.paginate(Bucket=landing["bucket"], Prefix=prefix)
        for entry in page.get("Contents", [])
    }


def items(cloud: Cloud, landing: Mapping[str, Any], key: str) -> int:
    """The items in a data file, counted by reading it with the landing's account; 0 while it is not there."""
    s3 = cloud.client("s3", landing)
    try:
        version = s3.head_object(Bucket=landing["bucket"], Key=key)["ETag"]
        known = (landing["bucket"], key, version)
        if known not in cloud.counted:
            lines = gzip.decompress(
                s3.get_object(Bucket=landing["bucket"], Key=key)["Body"].read()
            ).splitlines()
            cloud.counted[known] = sum(1 for line in lines if "Item" in json.loads(line))
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return 0
        raise
    return cloud.counted[known]
