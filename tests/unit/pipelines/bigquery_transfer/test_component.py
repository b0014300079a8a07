"""What a BigQuery transfer registers for its config, and where its AWS key is and is not."""

import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from tests.recording import ACCOUNT_ID, ROOT, Recording
from tests.unit.pipelines.bigquery_transfer.recorded import (
    CONFIG,
    EACH,
    LANDING,
    MARK,
    files,
    made,
    params,
    warehouse,
)


def test_one_table_of_an_export_makes_exactly_these_resources() -> None:
    assert made(warehouse()) == EACH


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
    config = recorded.inputs_of(CONFIG, "shop-orders")
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


def secrets(value: Any, within: bool = False, path: str = "") -> Iterator[tuple[str, bool]]:
    """Where a recorded value holds a key's secret, and whether it is marked there."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        within = within or members.get(MARK[0]) == MARK[1]
        for key, inner in members.items():
            yield from secrets(inner, within, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from secrets(inner, within, path)
    elif "secret of " in str(value):
        yield path, within


def test_the_secret_is_secret_in_every_recorded_property_and_absent_from_params() -> None:
    recorded = warehouse(access_keys=["1", "2"])
    leaks = [
        (resource.type, path.replace(".value.", "."), marked)
        for resource in recorded.resources
        for path, marked in secrets(resource.inputs)
    ]
    assert leaks == [(CONFIG, ".sensitiveParams.secretAccessKey", True)]
    assert list(secrets(recorded.outputs)) == []


def test_a_rotation_has_two_keys_and_uses_the_new_one() -> None:
    recorded = warehouse(access_keys=["1", "2"])
    assert set(recorded.of("aws:iam/accessKey:AccessKey")) == {"shop-reader-1", "shop-reader-2"}
    assert params(recorded)["access_key_id"] == "shop-reader-2-id"
    assert "secret of shop-reader-2" in json.dumps(
        recorded.inputs_of(CONFIG, "shop-orders")["sensitiveParams"]
    )


def test_the_dataset_lets_in_the_loader_the_counter_and_the_readers_only() -> None:
    dataset = warehouse(readers=["analysts@example.com"]).inputs_of("gcp:bigquery/dataset:Dataset", "shop")
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
    dataset = recorded.inputs_of("gcp:bigquery/dataset:Dataset", "shop")
    assert dataset["defaultEncryptionConfiguration"] == {"kmsKeyName": key}
    assert recorded.inputs_of(CONFIG, "shop-orders")["encryptionConfiguration"] == {"kmsKeyName": key}
    assert "encryptionConfiguration" not in warehouse().inputs_of(CONFIG, "shop-orders")
