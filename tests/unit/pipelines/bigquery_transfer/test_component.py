"""What a BigQuery transfer registers for its config, and where its AWS key is and is not."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from components.arguments import Refused
from tests.recording import ACCOUNT_ID, ROOT, Recording, record

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}
EXPORT = {"kind": "export", "create_key": True, "sources": [{"dynamodb": "orders"}]}
ORDERS = {"columns": {"order_id": "S", "total": "N", "lines": "L"}, "keys": ["order_id"]}
LANDING = "tributary-test-lake-landing-111111111111"
# How the engine marks a secret (https://github.com/pulumi/pulumi, sdk/python/lib/pulumi/runtime/rpc.py).
MARK = ("4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270")
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
POOL = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool"
CONFIG, TABLE = "gcp:bigquery/dataTransferConfig:DataTransferConfig", "gcp:bigquery/table:Table"
EACH = {
    "aws:cloudwatch/logGroup:LogGroup": 1,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 6,
    "aws:iam/accessKey:AccessKey": 1,
    "aws:iam/role:Role": 2,
    "aws:iam/rolePolicy:RolePolicy": 2,
    "aws:iam/user:User": 1,
    "aws:iam/userPolicy:UserPolicy": 1,
    "aws:lambda/function:Function": 1,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": 1,
    "aws:scheduler/schedule:Schedule": 1,
    "aws:scheduler/scheduleGroup:ScheduleGroup": 1,
    "aws:sqs/queue:Queue": 1,
    "aws:sqs/queuePolicy:QueuePolicy": 1,
    CONFIG: 1,
    "gcp:bigquery/dataset:Dataset": 1,
    TABLE: 2,
    POOL: 1,
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": 1,
    "gcp:projects/iAMCustomRole:IAMCustomRole": 2,
    "gcp:projects/iAMMember:IAMMember": 3,
    "gcp:pubsub/topic:Topic": 1,
    "gcp:serviceaccount/account:Account": 2,
    "gcp:serviceaccount/iAMMember:IAMMember": 1,
}


def warehouse(**keys: Any) -> Recording:
    pipeline = {"kind": "bigquery-transfer", "from": "lake", "tables": {"orders": ORDERS}} | keys
    return record(
        "test",
        {
            "accounts": {"workload": WORKLOAD},
            "gcp": {"project": "shop-analytics", "location": "EU"},
            "pipelines": {"lake": EXPORT, "shop": pipeline},
        },
    )


def files(**keys: Any) -> Recording:
    """Parquet files in a bucket that exists, as an export of a relational database leaves them."""
    landing = {"account": "workload", "bucket": "shop-rds", "prefix": "rds/", "layout": "objects"}
    pipeline = {
        "kind": "bigquery-transfer",
        "landing": landing | {"tables": ["orders"]},
        "file_format": "PARQUET",
        "tables": {
            "orders": {"columns": {"id": "uint_64", "at": "timestamp"}, "keys": ["id"], "cluster": ["id"]}
        },
    }
    return record(
        "test",
        {
            "accounts": {"workload": WORKLOAD},
            "gcp": {"project": "shop-analytics", "location": "EU"},
            "pipelines": {"shop": pipeline | keys},
        },
    )


def catalogued(
    through: dict[str, Any] | None = None, tables: dict[str, Any] | None = None, **shop: Any
) -> Recording:
    """An export with a catalog, of a table and of a database, or its replica."""
    sources = [
        {
            "dynamodb": "orders",
            "mode": "incremental",
            "columns": {
                "order_id": "string",
                "Total": "decimal(38,2)",
                "lines": "json",
                "tags": {"set": "string"},
            },
        },
        {"rds_instance": "db", "tables": {"shop.products": {"id": "bigint unsigned", "photo": "binary"}}},
    ]
    lake = {"kind": "export", "create_key": True, "sources": sources}
    replica = {"kind": "replication", "from": "lake", "create_key": True} | (through or {})
    pipeline = {"kind": "bigquery-transfer", "from": "lake" if through is None else "replica"} | {
        "tables": tables
        or {
            "orders": {"lake": True, "keys": ["order_id"]},
            "shop.products": {"keys": ["id"], "cluster": ["id"]},
        }
    }
    pipelines = {"lake": lake, "shop": pipeline | shop} | ({} if through is None else {"replica": replica})
    return record(
        "test",
        {
            "accounts": {"workload": WORKLOAD},
            "gcp": {"project": "shop-analytics", "location": "EU"},
            "pipelines": pipelines,
        },
    )


def params(recorded: Recording, table: str = "orders") -> dict[str, str]:
    """A transfer's parameters, which a preview shows: nothing in them is secret, and a secret would hide them all."""
    found = recorded.one(CONFIG, f"shop-{table}")["params"]
    assert MARK[0] not in json.dumps(found)
    return found


def made(recorded: Recording) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for resource in recorded.resources:
        if resource.type.startswith(("aws:", "gcp:")) and resource.name.startswith("shop"):
            kinds[resource.type] = kinds.get(resource.type, 0) + 1
    return kinds


def test_one_table_of_an_export_makes_exactly_these_resources() -> None:
    assert made(warehouse()) == EACH


def test_plain_files_are_not_counted_and_have_an_alarm_where_their_load_failed() -> None:
    recorded = files()
    assert made(recorded) == EACH | {"aws:cloudwatch/metricAlarm:MetricAlarm": 4}
    (policy,) = (
        json.loads(p["policy"])
        for name, p in recorded.of("aws:iam/rolePolicy:RolePolicy").items()
        if name == "shop-reconcile"
    )
    assert not [s["Sid"] for s in policy["Statement"] if any("s3:" in a or "kms:" in a for a in s["Action"])]
    assert recorded.one(ALARM, "shop-orders-failed")["metricName"] == "BigQueryLoadFailed"


@pytest.mark.parametrize(
    ("make", "row"),
    [(warehouse, "a landing of exports"), (files, "`layout: objects`")],
    ids=["exports", "files"],
)
def test_the_page_tells_how_many_resources_there_are(make: Callable[[], Recording], row: str) -> None:
    page = (ROOT / "docs" / "bigquery-transfer.md").read_text()
    each = int(page.split(f"| {row}, for each table | + ")[1].split()[0])
    always = int(page.split(f"| {row}, whatever its tables | ")[1].split()[0])
    assert sum(made(make()).values()) == always + each


def test_the_transfer_takes_the_exports_data_files_into_its_days_partition() -> None:
    recorded = warehouse()
    config = recorded.one(CONFIG, "shop-orders")
    assert params(recorded) == {
        "data_path": f"s3://{LANDING}/raw/orders/AWSDynamoDB/*.json.gz",
        "destination_table_name_template": "orders${run_date}",
        "file_format": "JSON",
        "write_disposition": "WRITE_APPEND",
        "max_bad_records": "0",
        "ignore_unknown_values": "true",
        "access_key_id": "shop-reader-1-id",
    }
    settings = {key: config[key] for key in ("dataSourceId", "destinationDatasetId", "location", "schedule")}
    assert settings == {
        "dataSourceId": "amazon_s3",
        "destinationDatasetId": "tributary_test_shop",
        "location": "EU",
        "schedule": "every day 05:00",
    }
    assert config["serviceAccountName"] == "tributary-test-shop-transfer@mock.iam.gserviceaccount.com"
    assert config["notificationPubsubTopic"] == "shop-runs-id"
    assert "emailPreferences" not in config  # they go to the account that a transfer runs as


def test_parquet_is_matched_by_its_ending_and_its_decimals_go_where_they_fit() -> None:
    parameters = params(files())
    assert parameters["data_path"] == "s3://shop-rds/rds/orders/*.parquet"
    assert parameters["decimal_target_types"] == "NUMERIC,BIGNUMERIC"
    assert "max_bad_records" not in parameters


def test_the_table_has_the_declared_columns_and_a_partition_a_day() -> None:
    table = warehouse(expire_days=30).one(TABLE, "shop-orders")
    (item,) = json.loads(table["schema"])
    assert {f["name"]: [t["type"] for t in f["fields"]] for f in item["fields"]} == {
        "order_id": ["STRING"],
        "total": ["BIGNUMERIC"],
        "lines": ["JSON"],
    }
    assert table["timePartitioning"] == {"type": "DAY", "expirationMs": 30 * 86_400_000}
    plain = files().one(TABLE, "shop-orders")
    assert [(f["name"], f["type"]) for f in json.loads(plain["schema"])] == [
        ("id", "NUMERIC"),
        ("at", "TIMESTAMP"),
    ]
    assert plain["clusterings"] == ["id"]


def schema(recorded: Recording, table: str) -> dict[str, str]:
    return {f["name"]: f["type"] for f in json.loads(recorded.one(TABLE, f"shop-{table}")["schema"])}


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
    assert recorded.one(TABLE, "shop-shop.products")["tableId"] == "shop_products"
    assert recorded.one(TABLE, "shop-shop.products")["clusterings"] == ["id"]


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
    (item,) = json.loads(recorded.one(TABLE, "shop-orders")["schema"])
    fields = {f["name"]: f["fields"][0]["name"] for f in item["fields"]}
    assert fields == {"order_id": "S", "Total": "N", "lines": "L"}


def test_typed_tables_are_loaded_from_their_parquet_and_the_user_reads_nothing_else() -> None:
    recorded = catalogued()
    assert params(recorded)["data_path"] == f"s3://{LANDING}/lake/orders/*.parquet"
    assert params(recorded, "shop.products")["data_path"] == (
        f"s3://{LANDING}/raw/db/*/shop/shop.products/*/*.parquet"
    )
    assert {params(recorded, t)["file_format"] for t in ("orders", "shop.products")} == {"PARQUET"}
    policy = json.loads(recorded.one("aws:iam/userPolicy:UserPolicy", "shop-reader")["policy"])
    read = next(statement for statement in policy["Statement"] if statement["Sid"] == "ReadLanding")
    assert read["Resource"] == [f"arn:aws:s3:::{LANDING}/lake/orders/*", f"arn:aws:s3:::{LANDING}/raw/*"]


def environment(recorded: Recording) -> dict[str, str]:
    found = recorded.one("aws:lambda/function:Function", "shop-reconcile")["environment"]["variables"]
    assert isinstance(found, dict)
    return found


def test_nothing_is_counted_where_no_export_gives_a_count_and_every_load_is_checked() -> None:
    recorded = catalogued()
    checked = json.loads(environment(recorded)["TABLES"])
    assert checked == [
        {"table": made, "transfer": f"projects/1/locations/eu/transferConfigs/shop-{table}"}
        for table, made in (("orders", "orders"), ("shop.products", "shop_products"))
    ]
    assert "LOAD_TIME" not in environment(recorded)
    ours = {name for name, a in recorded.of(ALARM).items() if a["namespace"] == "Tributary"}
    assert {name for name in ours if name.startswith("shop-")} == {
        "shop-orders-failed",
        "shop-shop.products-failed",
    }


@pytest.mark.parametrize(
    ("schedule", "checked_at", "within"),
    [
        ("every day 05:00", "cron(0 7 * * ? *)", 120),
        ("every monday 05:00", "cron(0 7 * * ? *)", 6 * 24 * 60 + 120),
        ("every monday,thursday 23:00", "cron(0 1 * * ? *)", 3 * 24 * 60 + 120),
        ("first sunday of month 05:00", "cron(0 7 * * ? *)", 34 * 24 * 60 + 120),
        ("every 24 hours", "rate(1 hour)", 24 * 60 + 120),
    ],
)
def test_a_load_is_checked_when_it_has_to_be_there_and_the_one_before_does_not_count(
    schedule: str, checked_at: str, within: int
) -> None:
    recorded = catalogued(schedule=schedule)
    assert recorded.one(CONFIG, "shop-orders")["schedule"] == schedule
    assert recorded.one("aws:scheduler/schedule:Schedule", "shop-compare")["scheduleExpression"] == checked_at
    variables = environment(recorded)
    assert (variables["COMPARED_MINUTES_AFTER"], variables["RUN_WITHIN_MINUTES"]) == ("120", str(within))


def test_copies_are_loaded_at_an_interval_and_checked_each_hour() -> None:
    variables = environment(catalogued(schedule="every 15 minutes", storage_transfer={}))
    assert variables["RUN_WITHIN_MINUTES"] == "135"
    variables = environment(catalogued(schedule="every 15 minutes from 09:00 to 17:00", storage_transfer={}))
    assert variables["RUN_WITHIN_MINUTES"] == str(24 * 60 + 120)


def test_a_replica_hands_on_what_is_typed_and_replicates_it_to_its_landing() -> None:
    recorded = catalogued(through={"prefixes": ["raw/", "lake/"]})
    replica = "tributary-test-replica-replica-111111111111"
    assert params(recorded)["data_path"] == f"s3://{replica}/lake/orders/*.parquet"
    assert schema(recorded, "shop.products") == {"id": "NUMERIC", "photo": "BYTES"}
    rules = recorded.one("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "replica-source")["rules"]
    assert [rule["filter"]["prefix"] for rule in rules] == ["raw/", "lake/"]


def test_the_view_shows_the_newest_load_and_each_row_once() -> None:
    whole = "`shop-analytics.tributary_test_shop.orders`"
    assert warehouse().one(TABLE, "shop-orders-latest")["view"] == {
        "useLegacySql": False,
        "query": "SELECT\n  Item.`order_id`.`S` AS `order_id`,\n  Item.`total`.`N` AS `total`,\n"
        f"  Item.`lines`.`L` AS `lines`\nFROM {whole}\n"
        f"WHERE _PARTITIONTIME = (SELECT MAX(_PARTITIONTIME) FROM {whole})\n"
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY Item.`order_id`.`S`) = 1",
    }


def secrets(value: Any, within: bool = False, path: str = "") -> Iterator[tuple[str, bool]]:
    """Where a recorded value holds a key's secret, and whether it is marked there."""
    if isinstance(value, dict):
        within = within or value.get(MARK[0]) == MARK[1]
        for key, inner in value.items():
            yield from secrets(inner, within, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from secrets(inner, within, path)
    elif "secret of " in str(value):
        yield path, within


def test_the_secret_is_secret_in_every_recorded_property_and_absent_from_params() -> None:
    recorded = warehouse(access_keys=["1", "2"])
    found = [
        (resource.type, path.replace(".value.", "."), marked)
        for resource in recorded.resources
        for path, marked in secrets(resource.inputs)
    ]
    assert found == [(CONFIG, ".sensitiveParams.secretAccessKey", True)]
    assert list(secrets(recorded.outputs)) == []


def test_a_rotation_has_two_keys_and_uses_the_new_one() -> None:
    recorded = warehouse(access_keys=["1", "2"])
    assert set(recorded.of("aws:iam/accessKey:AccessKey")) == {"shop-reader-1", "shop-reader-2"}
    assert params(recorded)["access_key_id"] == "shop-reader-2-id"
    assert "secret of shop-reader-2" in json.dumps(recorded.one(CONFIG, "shop-orders")["sensitiveParams"])


def test_the_dataset_lets_in_the_loader_the_counter_and_the_readers_only() -> None:
    dataset = warehouse(readers=["analysts@example.com"]).one("gcp:bigquery/dataset:Dataset", "shop")
    mail = "tributary-test-shop-{}@mock.iam.gserviceaccount.com"
    assert dataset["accesses"] == [
        {"role": "OWNER", "specialGroup": "projectOwners"},
        {"role": "WRITER", "userByEmail": mail.format("transfer")},
        {
            "role": f"projects/shop-analytics/roles/tributary_test_shop_transfer_{ACCOUNT_ID}",
            "userByEmail": mail.format("transfer"),
        },
        {"role": "READER", "userByEmail": mail.format("compare")},
        {"role": "READER", "groupByEmail": "analysts@example.com"},
    ]


def test_the_projects_own_roles_hold_what_the_predefined_lack_and_no_more() -> None:
    recorded = warehouse()
    roles = recorded.of("gcp:projects/iAMCustomRole:IAMCustomRole")
    assert {name: role["permissions"] for name, role in roles.items()} == {
        "shop-compare": ["bigquery.transfers.get"],
        "shop-transfer": ["bigquery.datasets.get", "bigquery.datasets.update"],
    }
    granted = recorded.of("gcp:projects/iAMMember:IAMMember")
    assert {name: member["role"] for name, member in granted.items()} == {
        "shop-compare": "roles/bigquery.jobUser",
        "shop-compare-own": f"projects/shop-analytics/roles/tributary_test_shop_compare_{ACCOUNT_ID}",
        "shop-transfer": "roles/bigquery.jobUser",
    }


def test_only_the_functions_role_may_act_as_the_account_that_counts() -> None:
    recorded = warehouse()
    member = recorded.one("gcp:serviceaccount/iAMMember:IAMMember", "shop-reconcile")
    named = recorded.one(POOL, "shop-reconcile")["workloadIdentityPoolId"]
    pool = f"projects/1/locations/global/workloadIdentityPools/{named}"
    assert member["member"] == f"principal://iam.googleapis.com/{pool}/subject/tributary-test-shop-reconcile"
    assert recorded.one("aws:iam/role:Role", "shop-reconcile")["name"] == "tributary-test-shop-reconcile"
    # A user's path may hold what the subject is taken from; the whole ARN shows that it is not the role's session.
    provider = recorded.one(
        "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider", "shop-reconcile"
    )
    assert provider["attributeCondition"] == (
        f"assertion.arn.startsWith('arn:aws:sts::{provider['aws']['accountId']}:assumed-role/"
        "tributary-test-shop-reconcile/')"
    )
    assert environment(recorded)["AUDIENCE"] == f"//iam.googleapis.com/{pool}/providers/amazon"
    transfer = "projects/1/locations/eu/transferConfigs/shop-orders"
    assert json.loads(environment(recorded)["TABLES"]) == [
        {"table": "orders", "transfer": transfer, "prefix": "raw/orders/"}
    ]


@pytest.mark.parametrize(
    ("schedule", "minutes", "expected"),
    [("every day 05:00", 120, "cron(0 7 * * ? *)"), ("every day 23:30", 45, "cron(15 0 * * ? *)")],
)
def test_a_load_is_compared_so_many_minutes_after_its_time(
    schedule: str, minutes: int, expected: str
) -> None:
    recorded = warehouse(schedule=schedule, compare_after_minutes=minutes)
    assert recorded.one("aws:scheduler/schedule:Schedule", "shop-compare")["scheduleExpression"] == expected
    assert environment(recorded)["LOAD_TIME"] == schedule.split()[-1]


def test_an_alarm_rings_for_a_failed_load_and_for_each_side_of_the_difference() -> None:
    alarms = warehouse().of(ALARM)
    sides = {
        name: (a["metricName"], a["comparisonOperator"], a["statistic"], a["dimensions"])
        for name, a in alarms.items()
        if a["namespace"] == "Tributary"
    }
    of = {"Pipeline": "shop", "Table": "orders"}
    assert sides == {
        "shop-orders-failed": ("BigQueryLoadFailed", "GreaterThanThreshold", "Maximum", of),
        "shop-orders-short": ("BigQueryDifference", "LessThanThreshold", "Minimum", of),
        "shop-orders-over": ("BigQueryDifference", "GreaterThanThreshold", "Maximum", of),
    }


def test_the_outputs_tell_where_each_table_is() -> None:
    shop = warehouse().outputs["pipelines"]["shop"]
    assert shop["tables"]["orders"] == {
        "table": "shop-analytics.tributary_test_shop.orders",
        "view": "shop-analytics.tributary_test_shop.orders_latest",
        "transfer": "projects/1/locations/eu/transferConfigs/shop-orders",
    }
    assert (shop["project"], shop["location"], shop["dataset"]) == (
        "shop-analytics",
        "EU",
        "tributary_test_shop",
    )


def test_a_key_of_the_customers_is_used_for_dataset_and_transfers() -> None:
    key = "projects/shop/locations/europe/keyRings/a/cryptoKeys/b"
    recorded = warehouse(kms_key_name=key)
    dataset = recorded.one("gcp:bigquery/dataset:Dataset", "shop")
    assert dataset["defaultEncryptionConfiguration"] == {"kmsKeyName": key}
    assert recorded.one(CONFIG, "shop-orders")["encryptionConfiguration"] == {"kmsKeyName": key}
    assert "encryptionConfiguration" not in warehouse().one(CONFIG, "shop-orders")


def test_what_bigquery_clusters_by_is_not_in_a_dynamodb_export() -> None:
    with pytest.raises(Refused, match="one column, `Item`"):
        warehouse(tables={"orders": ORDERS | {"cluster": ["order_id"]}})
