"""The tables and views of a dataset: columns, types, partitions."""

import json

import pytest

from components.arguments import Refused
from tests.recording import Recording, record
from tests.unit.pipelines.bigquery_transfer.recorded import (
    LANDING,
    ORDERS,
    TABLE,
    WORKLOAD,
    catalogued,
    files,
    params,
    warehouse,
)


def test_parquet_is_matched_by_its_ending_and_its_decimals_go_where_they_fit() -> None:
    parameters = params(files())
    assert parameters["data_path"] == "s3://shop-rds/rds/orders/*.parquet"
    assert parameters["decimal_target_types"] == "NUMERIC,BIGNUMERIC"
    assert "max_bad_records" not in parameters


def test_the_table_has_the_declared_columns_and_a_partition_a_day() -> None:
    table = warehouse(expire_days=30).inputs_of(TABLE, "shop-orders")
    (item,) = json.loads(table["schema"])
    assert {f["name"]: [t["type"] for t in f["fields"]] for f in item["fields"]} == {
        "order_id": ["STRING"],
        "total": ["BIGNUMERIC"],
        "lines": ["JSON"],
    }
    assert table["timePartitioning"] == {"type": "DAY", "expirationMs": 30 * 86_400_000}
    plain = files().inputs_of(TABLE, "shop-orders")
    assert [(f["name"], f["type"]) for f in json.loads(plain["schema"])] == [
        ("id", "NUMERIC"),
        ("at", "TIMESTAMP"),
    ]
    assert plain["clusterings"] == ["id"]


def schema(recorded: Recording, table: str) -> dict[str, str]:
    return {f["name"]: f["type"] for f in json.loads(recorded.inputs_of(TABLE, f"shop-{table}")["schema"])}


def test_a_typed_table_has_the_columns_that_the_export_declares_and_none_is_declared_again() -> None:
    recorded = catalogued()
    orders = {
        "order_id": "STRING",
        "total": "BIGNUMERIC",
        "lines": "STRING",
        "tags": "RECORD",
        "_rest": "STRING",
    }
    assert schema(recorded, "orders") == orders
    assert schema(recorded, "shop.products") == {"id": "NUMERIC", "photo": "BYTES"}
    assert recorded.inputs_of(TABLE, "shop-shop.products")["tableId"] == "shop_products"
    assert recorded.inputs_of(TABLE, "shop-shop.products")["clusterings"] == ["id"]


def test_the_exports_own_files_have_the_attributes_that_the_export_declares_beside_those_declared_here() -> (
    None
):
    source = {"dynamodb": "orders", "columns": {"order_id": "string", "Total": "bigint", "lines": "json"}}
    pipelines = {
        "lake": {"kind": "export", "sources": [source]},
        "shop": {
            "kind": "bigquery-transfer",
            "from": "lake",
            "tables": {"orders": {"keys": ["order_id"], "columns": {"lines": "L"}}},
        },
    }
    google = {"project": "shop-analytics", "location": "EU"}
    recorded = record("test", {"accounts": {"workload": WORKLOAD}, "gcp": google, "pipelines": pipelines})
    (item,) = json.loads(recorded.inputs_of(TABLE, "shop-orders")["schema"])
    fields = {f["name"]: f["fields"][0]["name"] for f in item["fields"]}
    assert fields == {"order_id": "S", "Total": "N", "lines": "L"}


def test_typed_tables_are_loaded_from_their_parquet_and_the_user_reads_nothing_else() -> None:
    recorded = catalogued()
    assert params(recorded)["data_path"] == f"s3://{LANDING}/lake/orders/*.parquet"
    assert params(recorded, "shop.products")["data_path"] == (
        f"s3://{LANDING}/raw/db/*/shop/shop.products/*/*.parquet"
    )
    assert {params(recorded, t)["file_format"] for t in ("orders", "shop.products")} == {"PARQUET"}
    policy = json.loads(recorded.inputs_of("aws:iam/userPolicy:UserPolicy", "shop-reader")["policy"])
    read = next(statement for statement in policy["Statement"] if statement["Sid"] == "ReadLanding")
    assert read["Resource"] == [f"arn:aws:s3:::{LANDING}/lake/orders/*", f"arn:aws:s3:::{LANDING}/raw/*"]


def test_a_replica_hands_on_what_is_typed_and_replicates_it_to_its_landing() -> None:
    recorded = catalogued(through={"prefixes": ["raw/", "lake/"]})
    replica = "tributary-test-replica-replica-111111111111"
    assert params(recorded)["data_path"] == f"s3://{replica}/lake/orders/*.parquet"
    assert schema(recorded, "shop.products") == {"id": "NUMERIC", "photo": "BYTES"}
    rules = recorded.inputs_of("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "replica-source")[
        "rules"
    ]
    assert [rule["filter"]["prefix"] for rule in rules] == ["raw/", "lake/"]


def test_the_view_shows_the_newest_load_and_each_row_once() -> None:
    whole = "`shop-analytics.tributary_test_shop.orders`"
    assert warehouse().inputs_of(TABLE, "shop-orders-latest")["view"] == {
        "useLegacySql": False,
        "query": "SELECT\n  Item.`order_id`.`S` AS `order_id`,\n  Item.`total`.`N` AS `total`,\n"
        f"  Item.`lines`.`L` AS `lines`\nFROM {whole}\n"
        f"WHERE _PARTITIONTIME = (SELECT MAX(_PARTITIONTIME) FROM {whole})\n"
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY Item.`order_id`.`S`) = 1",
    }


def test_what_bigquery_clusters_by_is_not_in_a_dynamodb_export() -> None:
    with pytest.raises(Refused, match="one column, `Item`"):
        warehouse(tables={"orders": ORDERS | {"cluster": ["order_id"]}})
