"""Sample items of tables that go into indexes: some are there before the pipeline where it takes the table as it is,
changes while it runs, documents counted.

`before` fills each table that the pipeline takes as it is, and `prepare` each other: 1,000 items, with every attribute
type of DynamoDB, and with what the index's mapping names. Once the stack is up, `start` updates 200 items, deletes 100
and inserts 150, in this order, so that the counts of items and documents first agree when all is in the index. The
tables that an export reads too are changed before, by `prepare`. The index is read by a role that the config names as
reader, else by one of its own; `prepare` makes it. The seconds are the greatest from a change to its being indexed, as
the ingestion pipeline's metric EndToEndLatency says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from opensearchpy.exceptions import TransportError

from local.samples import Cloud, Row, SampleError, columns, readers, records, sources
from local.samples.export import key_types, keys, put, size

TABLES = {table: records.KEYS[table] for table in ("products", "reviews")}
ONLY_MAPPED = ("exact", "tiny", "sizes", "history")
"""Attributes that no index takes unless its mapping names them: numbers that are no long, a list of several types
(https://docs.opensearch.org/latest/field-types/dynamic/)."""
ITEMS, UPDATED, DELETED, INSERTED = 1_000, range(200), range(200, 300), range(1_000, 1_150)
READER = readers.READER
LATENCY = "opensearch.EndToEndLatency.max"


def key(table: str, number: int, keys: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The key of a table's item; `keys`: the types of the key, without them the shop's own."""
    types = keys or TABLES.get(table, records.OTHERWISE)
    *shared, unique = types
    values = {name: _key(types[name], name, str(number * 7919 % 97)) for name in shared}
    late = str(records.FIRST + number * 7) if unique == "at" else f"{number:05}"
    late = late.lstrip("0") or "0" if types[unique] == "N" else late
    return values | {unique: _key(types[unique], unique, late)}


def _key(kind: str, name: str, text: str) -> dict[str, Any]:
    return {"N": text} if kind == "N" else {"S": f"{name}-{text}"}


def item(
    table: str,
    number: int,
    revision: int = 0,
    keys: Mapping[str, str] | None = None,
    mapping: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Item `number` in DynamoDB JSON; the numbers' forms are those that a float or a long would lose. With `mapping`,
    the index's, it has what that names, and of the rest what every index takes."""
    values: dict[str, Any] = key(table, number, keys) | {
        "revision": {"N": str(revision)},
        "title": {"S": f"Tea № {number} 🍵 «Ōolong»\n'as is'"},
        "subtitle": {"S": ""},
        "price": {"N": str(Decimal(number * 1999 % 100_000) / 100)},
        "exact": {"N": str(10**37 + number)},
        "tiny": {"N": f"-{number + 1}E-30"},
        "in_stock": {"BOOL": number % 3 == 0},
        "discontinued": {"NULL": True},
        "picture": {"B": bytes([number % 256, 0, 255])},
        "scans": {"BS": [b"\x00\x01", b"\xff" + str(number).encode()]},
        "labels": {"SS": ["gift", f"größe {number % 7}"]},
        "sizes": {"NS": ["1", "2.5", str(number + 3)]},
        "maker": {
            "M": {"name": {"S": "東京"}, "address": {"M": {"lines": {"L": [{"S": ""}, {"S": "2nd floor"}]}}}}
        },
        "history": {"L": [{"S": "made"}, {"N": "7"}, {"M": {"by": {"S": "hand"}}}, {"L": [{"NULL": True}]}]},
        "nothing": {"M": {}},
    }
    return values if mapping is None else records.mapped(values, mapping, ONLY_MAPPED, keys or {}, number)


def _items(
    cloud: Cloud, args: Any, table: str, keys: Mapping[str, str], numbers: range
) -> list[dict[str, Any]]:
    """Items of a table, as the arguments of its pipeline have its index; None: as the local stack's."""
    mapping: Mapping[str, Any] | None = None
    for of in args.tables if args else ():
        mapping = of.index.mapping if of.name == table else mapping
    declared = columns(cloud, table)
    return [records.completed(item(table, n, 0, keys, mapping), declared, keys, n) for n in numbers]


def before(cloud: Cloud, args: Any) -> None:
    """Fills the tables that the stack takes as they are."""
    place = {"account": args.account.id, "region": args.account.region}
    for table in [table.name for table in args.tables if not table.create]:
        _fill(cloud, args, place, table)


def _fill(cloud: Cloud, args: Any, place: Mapping[str, Any], table: str) -> None:
    dynamodb = cloud.client("dynamodb", place)
    if size(cloud, place, table) < ITEMS:  # else they are those of an earlier run
        put(dynamodb, table, _items(cloud, args, table, key_types(dynamodb, table), range(ITEMS)))


def prepare(cloud: Cloud, name: str, pipeline: Mapping[str, Any]) -> None:
    """Makes the role that reads the indexes, fills tables that the stack has made, and changes those that an export
    reads too."""
    readers.prepare(cloud, name, pipeline, reader_role(cloud, pipeline, name))
    args = cloud.declared.get(name)
    for table in [table.name for table in args.tables if table.create] if args else ():
        _fill(cloud, args, pipeline, table)
    for table in exported(cloud) & {*pipeline["indexes"]}:
        _change(cloud, args, pipeline, table)


def exported(cloud: Cloud) -> set[str]:
    """The tables that an export of the stack reads."""
    return {source.name for source in sources(cloud)}


def start(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime) -> None:
    """Changes items of each table while the pipelines run."""
    for table in pipeline["indexes"]:
        if table not in exported(cloud):
            _change(cloud, cloud.declared.get(name), pipeline, table)


def _change(cloud: Cloud, args: Any, pipeline: Mapping[str, Any], table: str) -> None:
    dynamodb = cloud.client("dynamodb", pipeline)
    keys = key_types(dynamodb, table)
    for number in UPDATED:
        dynamodb.update_item(
            TableName=table, Key=key(table, number, keys), UpdateExpression="SET revision = :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )  # fmt: skip
    for number in DELETED:
        dynamodb.delete_item(TableName=table, Key=key(table, number, keys))
    put(dynamodb, table, _items(cloud, args, table, keys, INSERTED))


def reader_role(cloud: Cloud, pipeline: Mapping[str, Any], name: str = "") -> str:
    """The ARN of the role that reads the indexes: the first of the pipeline's account that the config lets read the
    collection, else the samples' own."""
    args = cloud.declared.get(name)
    return readers.named(cloud, pipeline, args.collection.readers if args else ())


def rows(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime | None) -> list[Row]:
    """What of each table is in its index."""
    reader, rows = cloud.search(pipeline, reader_role(cloud, pipeline, name)), list[Row]()
    bucket, _, prefix = pipeline["dead_letters"].removeprefix("s3://").partition("/")
    for table, index in pipeline["indexes"].items():
        sent, documents = size(cloud, pipeline, table), 0
        try:
            documents = reader.count(index=index)["count"]
        except TransportError as error:
            if error.status_code not in (404, 503):  # not made yet, or made this moment
                raise SampleError(f"{index}: {error}") from error
        dead = len(keys(cloud, {**pipeline, "bucket": bucket}, f"{prefix}{table}/"))
        counts: dict[str, int | str] = {"items": sent, "documents": documents, "dead letters": dead}
        failure = f"OpenSearch rejected items; see {pipeline['dead_letters']}{table}/" if dead else ""
        seconds = latency(cloud, pipeline, pipeline["ingestion_pipelines"][table])
        rows.append(Row(name, pipeline["kind"], table, sent, documents, seconds, counts, failure))
    return rows


def latency(cloud: Cloud, pipeline: Mapping[str, Any], ingestion: str) -> float | None:
    """The greatest seconds from a change to its being indexed, of the ingestion pipeline's last day."""
    cloudwatch, now = cloud.client("cloudwatch", pipeline), datetime.now(UTC)
    dimensions = [{"Name": "PipelineName", "Value": ingestion}]
    points = [
        point["Maximum"]
        for metric in cloudwatch.list_metrics(Namespace="AWS/OSIS", Dimensions=dimensions)["Metrics"]
        if metric["MetricName"].endswith(LATENCY)
        for point in cloudwatch.get_metric_statistics(
            Namespace="AWS/OSIS", MetricName=metric["MetricName"], Dimensions=dimensions, Statistics=["Maximum"],
            StartTime=now - timedelta(days=1), EndTime=now + timedelta(minutes=1), Period=86_400,
        )["Datapoints"]
    ]  # fmt: skip
    return round(max(points) / 1000, 1) if points else None
