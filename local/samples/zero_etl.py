"""Sample products and reviews: tables that are there before the pipeline, changes while it runs, documents counted.

`before` makes each table that the pipeline adopts, unless it is there: point-in-time recovery and a stream on,
1,000 items, each with every attribute type of DynamoDB. Once the stack is up, `start` updates 200 items, deletes 100
and inserts 150, in this order, so that the counts of items and documents first agree when all is in the index. The
index is read by the role that the config names as reader; `prepare` makes that role. The seconds are the greatest from
a change to its being indexed, as the ingestion pipeline's metric EndToEndLatency says.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from opensearchpy.exceptions import TransportError

from local.samples import Cloud, Row
from local.samples.export import keys, put, size

TABLES = {"products": {"sku": "S"}, "reviews": {"sku": "S", "at": "N"}}
OTHERWISE = {"id": "S"}
ITEMS, UPDATED, DELETED, INSERTED = 1_000, range(200), range(200, 300), range(1_000, 1_150)
READER = "analyst"
LATENCY = "opensearch.EndToEndLatency.max"


def key(table: str, number: int) -> dict[str, Any]:
    """The key of a table's item."""
    *shared, unique = TABLES.get(table, OTHERWISE)
    made: dict[str, Any] = {name: {"S": f"{name}-{number * 7919 % 97}"} for name in shared}
    by_number = unique == "at"
    return made | {
        unique: {"N": str(1_767_225_600 + number * 7)} if by_number else {"S": f"{unique}-{number:05}"}
    }


def item(table: str, number: int, revision: int = 0) -> dict[str, Any]:
    """Item `number` in DynamoDB JSON; the numbers' forms are those that a float or a long would lose."""
    return key(table, number) | {
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


def before(cloud: Cloud, place: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Makes and fills the tables that the stack takes as they are."""
    dynamodb = cloud.client("dynamodb", place)
    for table in [table["name"] for table in config["tables"] if not table.get("create")]:
        schema = TABLES.get(table, OTHERWISE)
        try:
            dynamodb.create_table(
                TableName=table, BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in schema.items()],
                KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in zip(schema, ("HASH", "RANGE"), strict=False)],
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            )  # fmt: skip
        except dynamodb.exceptions.ResourceInUseException:
            continue
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        put(dynamodb, table, [item(table, number) for number in range(ITEMS)])


def prepare(cloud: Cloud, name: str, pipeline: Mapping[str, Any]) -> None:
    """Makes the role that reads the indexes."""
    iam, trusted = cloud.client("iam", pipeline), f"arn:aws:iam::{pipeline['account']}:root"
    trust = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
    reach = {"Effect": "Allow", "Action": "aoss:APIAccessAll", "Resource": "*"}
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=cloud.prefix + READER, AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName=cloud.prefix + READER, PolicyName="reach", PolicyDocument=_policy(reach))


def _policy(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def start(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime) -> None:
    """Changes items of each table while the pipelines run."""
    dynamodb = cloud.client("dynamodb", pipeline)
    for table in pipeline["indexes"]:
        for number in UPDATED:
            dynamodb.update_item(
                TableName=table, Key=key(table, number), UpdateExpression="SET revision = :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )  # fmt: skip
        for number in DELETED:
            dynamodb.delete_item(TableName=table, Key=key(table, number))
        put(dynamodb, table, [item(table, number) for number in INSERTED])


def reader_role(cloud: Cloud, pipeline: Mapping[str, Any]) -> str:
    """The ARN of the role that reads the indexes."""
    return f"arn:aws:iam::{pipeline['account']}:role/{cloud.prefix}{READER}"


def rows(cloud: Cloud, name: str, pipeline: Mapping[str, Any], due: datetime | None) -> list[Row]:
    """What of each table is in its index."""
    reader, rows = cloud.search(pipeline, reader_role(cloud, pipeline)), list[Row]()
    bucket, _, prefix = pipeline["dead_letters"].removeprefix("s3://").partition("/")
    for table, index in pipeline["indexes"].items():
        sent, documents = size(cloud, pipeline, table), 0
        try:
            documents = reader.count(index=index)["count"]
        except TransportError as error:
            if error.status_code not in (404, 503):  # not made yet, or made this moment
                raise
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
