"""Two DynamoDB tables and a database, exported and queried: the day of `make up`.

The stack of all end-to-end tests, whose `status` counts what arrived (test_up.py); the day after is in
test_lake_next_day.py, on a stack of its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from local.samples import Cloud, lake
from tests.e2e.conftest import Run

TABLES = {"baskets", "customers", "orders", "returns", "shop_payments", "shop_products", "shop_stock"}


@pytest.fixture(scope="module")
def cloud(stack: Run) -> Cloud:
    ready, outputs = stack.clone.running(), stack.clone.outputs()
    assert ready and outputs
    return Cloud(ready["endpoint"], outputs)


@pytest.fixture(scope="module")
def pipeline(cloud: Cloud) -> dict[str, Any]:
    return cloud.pipelines["shop-lake"]


def scanned(cloud: Cloud, pipeline: dict[str, Any]) -> tuple[int, Decimal]:
    """The orders as DynamoDB holds them: how many, and their sum."""
    pages = cloud.client("dynamodb", pipeline).get_paginator("scan").paginate(TableName="orders")
    totals = [Decimal(item["total"]["N"]) for page in pages for item in page["Items"]]
    return len(totals), sum(totals, Decimal())


def test_there_is_one_table_a_source_table_with_a_view_and_no_other(
    cloud: Cloud, pipeline: dict[str, Any]
) -> None:
    tables = cloud.client("glue", pipeline).get_tables(DatabaseName=pipeline["database"])["TableList"]
    assert {table["Name"] for table in tables} == TABLES | {f"{table}_latest" for table in TABLES}


def described(cloud: Cloud, pipeline: dict[str, Any]) -> dict[str, Any]:
    """What the catalog of a pipeline holds: columns and partitions of each table, without the bucket's name."""
    glue, database = cloud.client("glue", pipeline), pipeline["database"]
    tables = glue.get_tables(DatabaseName=database)["TableList"]
    return {
        table["Name"]: (
            table["StorageDescriptor"]["Columns"],
            {
                tuple(partition["Values"]): partition["StorageDescriptor"]["Location"].split("/", 3)[3]
                for partition in glue.get_partitions(DatabaseName=database, TableName=table["Name"])[
                    "Partitions"
                ]
            },
        )
        for table in tables
    }


def test_the_analytics_account_has_the_same_tables_made_there_of_its_own_files(
    cloud: Cloud, pipeline: dict[str, Any]
) -> None:
    replica = cloud.pipelines["shop-replica"]
    assert (replica["account"], pipeline["account"]) == ("222222222222", "111111111111")
    assert described(cloud, replica) == described(cloud, pipeline)
    rules = cloud.client("s3", pipeline).get_bucket_replication(Bucket=pipeline["bucket"])
    assert [rule["Filter"]["Prefix"] for rule in rules["ReplicationConfiguration"]["Rules"]] == ["raw/"]
    total = "SELECT count(*), sum(total), count(DISTINCT customer_id) FROM orders_latest"
    assert lake.query(cloud, replica, total) == lake.query(cloud, pipeline, total)


def test_the_iceberg_table_of_each_account_is_its_own_and_holds_the_sources_rows(
    cloud: Cloud, pipeline: dict[str, Any]
) -> None:
    pages = cloud.client("dynamodb", pipeline).get_paginator("scan").paginate(TableName="baskets")
    items = {item["basket_id"]["S"]: Decimal(item["total"]["N"]) for page in pages for item in page["Items"]}
    assert len(items) == 1_000
    for place in (pipeline, cloud.pipelines["shop-replica"]):
        rows = lake.query(cloud, place, "SELECT basket_id, total FROM baskets_latest")
        assert {key: Decimal(total or "0") for key, total in rows} == items and len(rows) == len(items)
        table = cloud.client("glue", place).get_table(DatabaseName=place["database"], Name="baskets")["Table"]
        assert table["Parameters"]["table_type"] == "ICEBERG"
        # Its metadata holds the addresses of its files: those of its own account's bucket.
        assert table["Parameters"]["metadata_location"].startswith(
            f"s3://{place['bucket']}/lake/baskets/metadata/"
        )


def test_values_keep_every_digit_and_byte(cloud: Cloud, pipeline: dict[str, Any]) -> None:
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


def test_a_declared_view_can_be_made_and_what_is_not_supported_is_an_error(
    cloud: Cloud, pipeline: dict[str, Any]
) -> None:
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
