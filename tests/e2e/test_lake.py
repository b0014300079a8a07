"""Two DynamoDB tables and a database, exported and queried: the day of `make up`, and the day after."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from local.samples import Cloud, lake, mysql
from tests.e2e.conftest import Run, clone_into

TABLES = {"customers", "orders", "returns", "shop_payments", "shop_products", "shop_stock"}
DAY = 24 * 3600


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A clone after `make up` of this pipeline only: these tests leave other data in it than they found."""
    run = clone_into(tmp_path_factory.mktemp("lake"))
    run.keep("shop-lake")
    try:
        done = run.local("up")
        assert done.returncode == 0, done.stdout + done.stderr
        yield run
    finally:
        run.clone.stop()


@pytest.fixture(scope="module")
def cloud(stack: Run) -> Cloud:
    return Cloud(stack.clone.running()["endpoint"], json.loads(stack.operation("outputs")))


@pytest.fixture(scope="module")
def pipeline(cloud: Cloud) -> dict[str, Any]:
    return cloud.pipelines["shop-lake"]


def run(cloud: Cloud, pipeline: dict[str, Any], due: datetime) -> dict[str, Any]:
    """A whole run as of `due`, once it has ended."""
    execution = lake.start(cloud, pipeline, due)
    client = cloud.client("stepfunctions", pipeline)
    while (found := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.5)
    return found


def partitions(cloud: Cloud, pipeline: dict[str, Any]) -> dict[str, list[str]]:
    """The export dates of each table, without views."""
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
        if table["TableType"] == "EXTERNAL_TABLE"
    }


def scanned(cloud: Cloud, pipeline: dict[str, Any]) -> tuple[int, Decimal]:
    """The orders as DynamoDB holds them: how many, and their sum."""
    pages = cloud.client("dynamodb", pipeline).get_paginator("scan").paginate(TableName="orders")
    totals = [Decimal(item["total"]["N"]) for page in pages for item in page["Items"]]
    return len(totals), sum(totals, Decimal())


def in_athena(cloud: Cloud, pipeline: dict[str, Any]) -> tuple[int, Decimal]:
    ((count, total),) = lake.query(cloud, pipeline, "SELECT count(*), sum(total) FROM orders_latest")
    return int(count or 0), Decimal(total or "0")


def test_athena_counts_what_every_source_holds(cloud, pipeline):
    rows = lake.rows(cloud, "shop-lake", pipeline, None)
    assert {row.table: row.arrived for row in rows} == {
        "customers": 1_000, "returns": 0, "orders": 50_000, **{name: table.rows for name, table in mysql.TABLES.items()}
    }  # fmt: skip
    assert all(row.complete for row in rows)


def test_there_is_one_table_a_source_table_with_a_view_and_no_other(cloud, pipeline):
    tables = cloud.client("glue", pipeline).get_tables(DatabaseName=pipeline["database"])["TableList"]
    assert {table["Name"] for table in tables} == TABLES | {f"{table}_latest" for table in TABLES}


def test_values_keep_every_digit_and_byte(cloud, pipeline):
    widest = (
        "SELECT max(product_id), max(amount), count(photo) FROM shop_products_latest, shop_payments_latest"
    )
    ((product, amount, photos),) = lake.query(
        cloud, pipeline, f"{widest} WHERE product_id = 18446744073709551615"
    )
    assert (product, amount, photos) == (
        "18446744073709551615",
        "9999999999999999999999999999999999.9999",
        "0",
    )
    weights = "SELECT DISTINCT CAST(weights AS varchar) FROM orders_latest WHERE weights IS NOT NULL"
    ((text,),) = lake.query(cloud, pipeline, weights)
    assert "12345678901234567890123456789012345678" in str(text)


def test_a_declared_view_can_be_made_and_what_is_not_supported_is_an_error(cloud, pipeline):
    lake.query(
        cloud,
        pipeline,
        "CREATE OR REPLACE VIEW spent AS SELECT customer_id, sum(total) AS t FROM orders_latest GROUP BY 1",
    )
    ((total,),) = lake.query(cloud, pipeline, "SELECT sum(t) FROM spent")
    assert Decimal(total or "0") == scanned(cloud, pipeline)[1]
    lake.query(cloud, pipeline, "DROP VIEW spent")
    with pytest.raises(RuntimeError, match="NOT_SUPPORTED"):
        lake.query(cloud, pipeline, "INSERT INTO customers VALUES (1)")
    with pytest.raises(RuntimeError, match="TABLE_NOT_FOUND"):
        lake.query(cloud, pipeline, "SELECT * FROM nothing")


@pytest.fixture(scope="module")
def tomorrow(stack, cloud, pipeline) -> Iterator[dict[str, Any]]:
    """The next day's run, after orders were changed, deleted and added; what was there before is kept with it."""
    before, dynamodb = partitions(cloud, pipeline), cloud.client("dynamodb", pipeline)
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
        time.sleep(1)
        due = datetime.fromtimestamp(int(time.time()) + DAY, UTC)
        yield {"run": run(cloud, pipeline, due), "due": due, "before": before, "deleted": keys[:10]}
    finally:
        stack.ahead(None)


def test_the_next_days_run_leaves_the_same_tables_with_one_more_partition(cloud, pipeline, tomorrow):
    assert tomorrow["run"]["status"] == "SUCCEEDED", tomorrow["run"].get("cause")
    day = f"{tomorrow['due']:%Y-%m-%d}"
    assert partitions(cloud, pipeline) == {name: [*dates, day] for name, dates in tomorrow["before"].items()}
    for table in TABLES:
        view = cloud.client("glue", pipeline).get_table(
            DatabaseName=pipeline["database"], Name=f"{table}_latest"
        )
        assert view["Table"]["Parameters"]["export_date"] == day


def test_increments_folded_in_are_the_rows_that_the_table_holds(cloud, pipeline, tomorrow):
    exports = cloud.client("dynamodb", pipeline).list_exports(
        TableArn=f"arn:aws:dynamodb:{pipeline['region']}:{pipeline['account']}:table/orders"
    )["ExportSummaries"]
    assert "INCREMENTAL_EXPORT" in {export["ExportType"] for export in exports}
    assert (
        in_athena(cloud, pipeline)
        == scanned(cloud, pipeline)
        == (50_000 - 10 + 1, scanned(cloud, pipeline)[1])
    )
    gone = tomorrow["deleted"][0]
    where = " AND ".join(f"{key} = '{value['S']}'" for key, value in gone.items())
    assert lake.query(cloud, pipeline, f"SELECT count(*) FROM orders_latest WHERE {where}") == [["0"]]
    assert lake.query(
        cloud, pipeline, "SELECT gift FROM orders_latest WHERE customer_id = 'customer-new'"
    ) == [["true"]]


def test_starting_a_run_twice_exports_nothing_twice_and_changes_nothing(cloud, pipeline, tomorrow):
    before, counts = partitions(cloud, pipeline), in_athena(cloud, pipeline)
    client = cloud.client("rds", pipeline)
    exports = len(client.describe_export_tasks()["ExportTasks"])
    assert run(cloud, pipeline, tomorrow["due"])["status"] == "SUCCEEDED"
    assert (partitions(cloud, pipeline), in_athena(cloud, pipeline)) == (before, counts)
    assert len(client.describe_export_tasks()["ExportTasks"]) == exports


def test_a_file_that_is_not_sound_fails_its_source_alone_with_its_name_and_latest_stays(
    cloud, pipeline, tomorrow
):
    dynamodb, s3 = cloud.client("dynamodb", pipeline), cloud.client("s3", pipeline)
    found = dynamodb.list_exports(
        TableArn=f"arn:aws:dynamodb:{pipeline['region']}:{pipeline['account']}:table/customers"
    )
    exports = [
        dynamodb.describe_export(ExportArn=e["ExportArn"])["ExportDescription"]
        for e in found["ExportSummaries"]
    ]
    export = max(exports, key=lambda one: one["ExportTime"])
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
    assert "1 of 4 sources failed. customers: " in failed["cause"] and key in failed["cause"]
    assert lake.query(cloud, pipeline, "SELECT count(*) FROM customers_latest") == before
    assert (
        run(cloud, pipeline, tomorrow["due"])["status"] == "SUCCEEDED"
    )  # mended, the same start makes it whole
