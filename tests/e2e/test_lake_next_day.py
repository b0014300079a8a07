"""Tables exported and queried on the day after: what changed is folded in, and what was there is kept beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml

from local.samples import Cloud, bigquery_transfer, export, lake
from local.samples.bigquery_transfer import query
from tests.e2e.conftest import Run, clone_into
from tests.e2e.lake_runs import deployed, ended
from tests.typed import fake
from tests.waiting import eventually

TABLES = {"baskets", "customers", "orders", "returns", "shop_payments", "shop_products", "shop_stock"}
KEYS = {
    "baskets": {"basket_id": "S"},
    "customers": {"customer_id": "S"},
    "orders": {"customer_id": "S", "order_id": "S"},
}
ITEMS = {"baskets": 100, "customers": 100, "orders": 6_000}  # more than one file of the export holds
DAY = 24 * 3600


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A clone with this pipeline and a transfer of it only, nothing sent: these tests leave other data in it than they
    found."""
    run = clone_into(tmp_path_factory.mktemp("lake"))
    run.keep("shop-lake", "lake-warehouse")
    # BigQuery's table has the columns that are declared, and these items have more than those of `make up`.
    file = run.root / "Pulumi.local.yaml"
    settings = yaml.safe_load(file.read_text())
    sources = settings["config"]["tributary:pipelines"]["shop-lake"]["sources"]
    tables = {source["dynamodb"]: source for source in sources if "dynamodb" in source}
    tables["baskets"]["columns"] = tables["orders"]["columns"] | {"gift": "boolean"}
    file.write_text(json.dumps(settings))  # which is YAML, too
    try:
        run.clone.start()
        yield run
    finally:
        run.clone.stop()


@pytest.fixture(scope="module")
def cloud(stack: Run) -> Cloud:
    return deployed(stack)


@pytest.fixture(scope="module")
def pipeline(cloud: Cloud) -> dict[str, Any]:
    """The pipeline after the first day's run."""
    pipeline = cloud.pipelines["shop-lake"]
    for table, count in ITEMS.items():
        items = [export.item(table, number, KEYS[table]) for number in range(count)]
        export.put(cloud.client("dynamodb", pipeline), table, items)
    first = run(cloud, pipeline, datetime.fromtimestamp(int(time.time()) + 1, UTC))
    assert first["status"] == "SUCCEEDED", first.get("cause")
    return pipeline


def run(cloud: Cloud, pipeline: dict[str, Any], due: datetime) -> dict[str, Any]:
    """A whole run as of `due`, once it has ended."""
    return ended(cloud, pipeline, lake.start(cloud, pipeline, due))


def partitions(cloud: Cloud, pipeline: dict[str, Any]) -> dict[str, list[str]]:
    """The export dates of each table that has partitions; neither a view nor an Iceberg table has any."""
    glue = cloud.client("glue", pipeline)
    tables = glue.get_tables(DatabaseName=pipeline["database"])["TableList"]
    return {
        table["Name"]: sorted(
            partition["Values"][0]
            for partition in glue.get_partitions(DatabaseName=pipeline["database"], TableName=table["Name"])[
                "Partitions"
            ]
        )
        for table in tables
        if table["TableType"] == "EXTERNAL_TABLE" and table["Parameters"].get("table_type") != "ICEBERG"
    }


def scanned(cloud: Cloud, pipeline: dict[str, Any]) -> tuple[int, Decimal]:
    """The orders as DynamoDB holds them: how many, and their sum."""
    pages = cloud.client("dynamodb", pipeline).get_paginator("scan").paginate(TableName="orders")
    totals = [Decimal(item["total"]["N"]) for page in pages for item in page["Items"]]
    return len(totals), sum(totals, Decimal())


def in_athena(cloud: Cloud, pipeline: dict[str, Any]) -> tuple[int, Decimal]:
    ((count, total),) = lake.query(cloud, pipeline, "SELECT count(*), sum(total) FROM orders_latest")
    return int(count or 0), Decimal(total or "0")


@pytest.fixture(scope="module")
def tomorrow(stack: Run, cloud: Cloud, pipeline: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The next day's run, after orders were changed, deleted and added; what was there before is kept with it."""
    before, dynamodb = partitions(cloud, pipeline), cloud.client("dynamodb", pipeline)
    first = snapshot(cloud, pipeline)
    assert loaded(cloud, datetime.now(UTC)) == (ITEMS["baskets"], ITEMS["baskets"])
    items = dynamodb.scan(TableName="orders", Limit=30)["Items"]
    stack.ahead(DAY)
    try:
        keys = [{key: item[key] for key in ("customer_id", "order_id")} for item in items]
        for key in keys[:10]:
            dynamodb.delete_item(TableName="orders", Key=key)
        for key in keys[10:20]:
            dynamodb.update_item(
                TableName="orders",
                Key=key,
                UpdateExpression="SET #t = :t",
                ExpressionAttributeNames={"#t": "total"},
                ExpressionAttributeValues={":t": {"N": "0.125"}},
            )
        added = {
            "customer_id": {"S": "customer-new"},
            "order_id": {"S": "1"},
            "total": {"N": "7"},
            "gift": {"BOOL": True},
        }
        dynamodb.put_item(TableName="orders", Item=added)
        for number in range(10):
            dynamodb.delete_item(TableName="baskets", Key={"basket_id": {"S": f"basket-{number:07}"}})
        left = {"basket_id": {"S": "basket-0000010"}, "total": {"N": "0.25"}, "gift": {"BOOL": True}}
        dynamodb.put_item(TableName="baskets", Item=left)
        time.sleep(1)
        due = datetime.fromtimestamp(int(time.time()) + DAY, UTC)
        yield {
            "run": run(cloud, pipeline, due),
            "due": due,
            "before": before,
            "deleted": keys[:10],
            "snapshot": first,
        }
    finally:
        stack.ahead(None)


def test_the_next_days_run_leaves_the_same_tables_with_one_more_partition(
    cloud: Cloud, pipeline: dict[str, Any], tomorrow: dict[str, Any]
) -> None:
    assert tomorrow["run"]["status"] == "SUCCEEDED", tomorrow["run"].get("cause")
    day = f"{tomorrow['due']:%Y-%m-%d}"
    assert partitions(cloud, pipeline) == {name: [*dates, day] for name, dates in tomorrow["before"].items()}
    for table in TABLES:
        view = cloud.client("glue", pipeline).get_table(
            DatabaseName=pipeline["database"], Name=f"{table}_latest"
        )
        assert view["Table"]["Parameters"]["export_date"] == day


def test_increments_folded_in_are_the_rows_that_the_table_holds(
    cloud: Cloud, pipeline: dict[str, Any], tomorrow: dict[str, Any]
) -> None:
    exports = cloud.client("dynamodb", pipeline).list_exports(
        TableArn=f"arn:aws:dynamodb:{pipeline['region']}:{pipeline['account']}:table/orders"
    )["ExportSummaries"]
    assert "INCREMENTAL_EXPORT" in {export["ExportType"] for export in exports}
    assert (
        in_athena(cloud, pipeline)
        == scanned(cloud, pipeline)
        == (ITEMS["orders"] - 10 + 1, scanned(cloud, pipeline)[1])
    )
    # The local stack's fold_mb is that small: several parts, and all that is in the folder is theirs.
    s3, bucket = cloud.client("s3", pipeline), pipeline["bucket"]
    published = json.loads(s3.get_object(Bucket=bucket, Key="state/orders/current.json")["Body"].read())
    files = sorted(key.rpartition("/")[2] for key in export.keys(cloud, pipeline, published["location"]))
    assert len(files) > 1
    assert files == sorted(["snapshot.parquet", *(f"snapshot-{n:05}.parquet" for n in range(1, len(files)))])
    removed = tomorrow["deleted"][0]
    where = " AND ".join(f"{key} = '{value['S']}'" for key, value in removed.items())
    assert lake.query(cloud, pipeline, f"SELECT count(*) FROM orders_latest WHERE {where}") == [["0"]]
    assert lake.query(
        cloud, pipeline, "SELECT gift FROM orders_latest WHERE customer_id = 'customer-new'"
    ) == [["true"]]


def test_the_iceberg_table_holds_what_changed_and_the_day_before_is_read_by_its_snapshot(
    cloud: Cloud, pipeline: dict[str, Any], tomorrow: dict[str, Any]
) -> None:
    pages = cloud.client("dynamodb", pipeline).get_paginator("scan").paginate(TableName="baskets")
    items = {item["basket_id"]["S"]: Decimal(item["total"]["N"]) for page in pages for item in page["Items"]}
    rows = lake.query(cloud, pipeline, "SELECT basket_id, total FROM baskets_latest")
    assert {key: Decimal(total or "0") for key, total in rows} == items
    assert len(rows) == len(items) == ITEMS["baskets"] - 10
    gifts = "SELECT basket_id, total FROM baskets_latest WHERE gift"
    assert [(key, Decimal(total or "0")) for key, total in lake.query(cloud, pipeline, gifts)] == [
        ("basket-0000010", Decimal("0.25"))
    ]
    before = f"SELECT count(*) FROM baskets FOR VERSION AS OF {tomorrow['snapshot']}"
    assert lake.query(cloud, pipeline, before) == [[str(ITEMS["baskets"])]]


def loaded(cloud: Cloud, at: datetime) -> tuple[int, int]:
    """A load of the Iceberg table at that time: the rows that the table and the view of its newest load then have."""
    table = cloud.pipelines["lake-warehouse"]["tables"]["baskets"]
    (run,) = cloud.google(
        "POST", f"/v1/{table['transfer']}:startManualRuns", {"requestedRunTime": at.isoformat()}
    )["runs"]

    def over() -> Any:
        described = cloud.google("GET", f"/v1/{run['name']}")
        return described["state"] not in ("PENDING", "RUNNING") and described

    assert (described := eventually(over))["state"] == "SUCCEEDED", described["errorStatus"]
    counted = (
        query(cloud, "tributary-local", f"SELECT count(*) FROM `{table[of]}`") for of in ("table", "view")
    )
    ((of_table,),), ((of_view,),) = counted
    return int(of_table), int(of_view)


def test_bigquery_has_the_rows_of_the_iceberg_table_and_none_that_was_deleted(
    stack: Run, cloud: Cloud, pipeline: dict[str, Any], tomorrow: dict[str, Any]
) -> None:
    stack.ahead(DAY + 60, "gcp")
    try:
        later, left = datetime.now(UTC) + timedelta(seconds=DAY), ITEMS["baskets"] - 10
        assert loaded(cloud, later) == (ITEMS["baskets"] + left, left)
        assert loaded(cloud, later + timedelta(seconds=1)) == (ITEMS["baskets"] + left, left)
    finally:
        stack.ahead(None, "gcp")
    warehouse = cloud.pipelines["lake-warehouse"]
    row = bigquery_transfer.row(cloud, "lake-warehouse", warehouse, "baskets", tomorrow["due"])
    assert not row.failure and (row.sent, row.arrived) == (left, left)
    assert row.counts["equal"] == "yes" and row.counts["Athena checksum"] == row.counts["BigQuery checksum"]
    view = warehouse["tables"]["baskets"]["view"]
    gifts = query(cloud, "tributary-local", f"SELECT basket_id, total FROM `{view}` WHERE total = 0.25")
    assert [key for key, _ in gifts] == ["basket-0000010"]


def snapshot(cloud: Cloud, pipeline: dict[str, Any]) -> int:
    """The current snapshot of the Iceberg table."""
    entry = cloud.client("glue", pipeline).get_table(DatabaseName=pipeline["database"], Name="baskets")[
        "Table"
    ]
    bucket, _, key = entry["Parameters"]["metadata_location"].removeprefix("s3://").partition("/")
    metadata = cloud.client("s3", pipeline).get_object(Bucket=bucket, Key=key)["Body"].read()
    return json.loads(metadata)["current-snapshot-id"]


def test_starting_a_run_twice_exports_nothing_twice_and_changes_nothing(
    cloud: Cloud, pipeline: dict[str, Any], tomorrow: dict[str, Any]
) -> None:
    before, counts = partitions(cloud, pipeline), in_athena(cloud, pipeline)
    client = cloud.client("rds", pipeline)
    exports = len(client.describe_export_tasks()["ExportTasks"])
    assert run(cloud, pipeline, tomorrow["due"])["status"] == "SUCCEEDED"
    assert (partitions(cloud, pipeline), in_athena(cloud, pipeline)) == (before, counts)
    assert len(client.describe_export_tasks()["ExportTasks"]) == exports


def test_a_file_that_is_not_sound_fails_its_source_alone_with_its_name_and_latest_stays(
    cloud: Cloud, pipeline: dict[str, Any], tomorrow: dict[str, Any]
) -> None:
    dynamodb, s3 = cloud.client("dynamodb", pipeline), cloud.client("s3", pipeline)
    export_list = dynamodb.list_exports(
        TableArn=f"arn:aws:dynamodb:{pipeline['region']}:{pipeline['account']}:table/customers"
    )
    exports = [
        dynamodb.describe_export(ExportArn=e["ExportArn"])["ExportDescription"]
        for e in export_list["ExportSummaries"]
    ]
    export = max(exports, key=fake(lambda export: export["ExportTime"]))
    folder = export["ExportManifest"].rpartition("/")[0]
    listed = s3.get_object(Bucket=pipeline["bucket"], Key=f"{folder}/manifest-files.json")["Body"].read()
    key = json.loads(listed.splitlines()[0])["dataFileS3Key"]
    sound = s3.get_object(Bucket=pipeline["bucket"], Key=key)["Body"].read()
    before = lake.query(cloud, pipeline, "SELECT count(*) FROM customers_latest")
    s3.put_object(Bucket=pipeline["bucket"], Key=key, Body=sound[:-9])
    try:
        failed = run(cloud, pipeline, tomorrow["due"])
    finally:
        s3.put_object(Bucket=pipeline["bucket"], Key=key, Body=sound)
    assert failed["status"] == "FAILED"
    assert "1 of 5 sources failed. customers: " in failed["cause"] and key in failed["cause"]
    assert lake.query(cloud, pipeline, "SELECT count(*) FROM customers_latest") == before
    assert (
        run(cloud, pipeline, tomorrow["due"])["status"] == "SUCCEEDED"
    )  # mended, the same start makes it whole
