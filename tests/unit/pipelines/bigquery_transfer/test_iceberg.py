"""What a transfer of an Iceberg table registers: the copy that is loaded, who writes it, and who may."""

import json
from typing import Any

import pytest

from components.arguments import Refused, parse, replaced
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.stack import settings
from tests.contract.config_examples import ACCOUNT, GOOGLE
from tests.recording import Recording, record
from tests.unit.configs import ICED, LAKE, typed
from tests.unit.pipelines.bigquery_transfer.recorded import CONFIG, LANDING, WORKLOAD

FUNCTION, POLICY = "aws:lambda/function:Function", "aws:iam/rolePolicy:RolePolicy"
KEY = "copies/orders/rows.parquet"
REPLICA = "tributary-test-replica-replica-111111111111"
CUSTOMERS = {"dynamodb": "customers", "columns": {"id": "string"}}


def iced(
    *more: dict[str, Any],
    through: dict[str, Any] | None = None,
    tables: dict[str, Any] = LAKE,
    source: dict[str, Any] | None = None,
    lake: dict[str, Any] | None = None,
    **shop: Any,
) -> Recording:
    """An export of an Iceberg table and `more` sources, or its replica, and a transfer."""
    export = {"kind": "export", "sources": [ICED | (source or {}), *more]} | (lake or {})
    transfer = {
        "kind": "bigquery-transfer",
        "from": "lake" if through is None else "replica",
        "tables": tables,
    } | shop
    replica = {"kind": "replication", "from": "lake"} | (through or {})
    return record(
        "test",
        {
            "accounts": {"workload": WORKLOAD},
            "gcp": GOOGLE,
            "pipelines": {"lake": export, "shop": transfer}
            | ({} if through is None else {"replica": replica}),
        },
    )


def params(recorded: Recording, table: str = "orders") -> dict[str, str]:
    return recorded.inputs_of(CONFIG, f"shop-{table}")["params"]


def statements(recorded: Recording, type: str, name: str) -> dict[str, Any]:
    policy = json.loads(recorded.inputs_of(type, name)["policy"])
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def copies(recorded: Recording, run: str) -> Any:
    variables = recorded.inputs_of(FUNCTION, f"{run}-iceberg")["environment"]["variables"]
    return json.loads(variables["COPIES"]) if "COPIES" in variables else None


def test_the_copy_is_loaded_whole_by_each_load_and_the_user_reads_nothing_else() -> None:
    recorded = iced()
    taken = {key: value for key, value in params(recorded).items() if key != "access_key_id"}
    assert taken == {
        "data_path": f"s3://{LANDING}/{KEY}",
        "destination_table_name_template": "orders${run_date}",
        "file_format": "PARQUET",
        "write_disposition": "WRITE_TRUNCATE",
        "decimal_target_types": "NUMERIC,BIGNUMERIC",
    }
    read = statements(recorded, "aws:iam/userPolicy:UserPolicy", "shop-reader")["ReadLanding"]
    assert read["Resource"] == [f"arn:aws:s3:::{LANDING}/{KEY}*"]


def test_the_run_writes_the_copy_of_the_table_that_a_transfer_loads_and_may_write_no_other() -> None:
    other = {"dynamodb": "returns", "format": "iceberg", "create": {"hash_key": {"name": "id"}}}
    recorded = iced(
        CUSTOMERS,
        other,
        tables=LAKE
        | {"customers": {"lake": True, "keys": ["id"]}, "returns": {"keys": ["id"], "columns": {"id": "S"}}},
    )
    assert copies(recorded, "lake") == ["orders"]
    written = statements(recorded, POLICY, "lake-iceberg")["WriteCopies"]
    assert written["Resource"] == [f"arn:aws:s3:::{LANDING}/{KEY}"]
    assert set(written["Action"]) == {"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}


def test_a_copy_ends_when_no_run_writes_it_any_more_and_what_it_replaced_after_a_day() -> None:
    (bucket,) = iced().of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").values()
    (rule,) = [rule for rule in bucket["rules"] if rule["id"] == "expire-copies/"]
    assert rule == {
        "id": "expire-copies/",
        "status": "Enabled",
        "filter": {"prefix": "copies/"},
        "expiration": {"days": 35},
        "noncurrentVersionExpiration": {"noncurrentDays": 1},
    }


def test_nobody_pays_for_a_copy_that_no_transfer_loads() -> None:
    exports = {"orders": {"keys": ["order_id"]}}
    recorded = iced(tables=exports)
    assert copies(recorded, "lake") is None
    assert "WriteCopies" not in statements(recorded, POLICY, "lake-iceberg")
    (bucket,) = recorded.of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").values()
    assert "copies/" not in {rule["filter"]["prefix"] for rule in bucket["rules"]}
    assert params(recorded)["data_path"].startswith(f"s3://{LANDING}/raw/orders/")


def test_a_transfer_of_a_replica_loads_the_copy_that_the_replicas_run_writes() -> None:
    recorded = iced(through={"catalog": {}})
    assert params(recorded)["data_path"] == f"s3://{REPLICA}/{KEY}"
    assert (copies(recorded, "lake"), copies(recorded, "replica")) == (None, ["orders"])
    written = statements(recorded, POLICY, "replica-iceberg")["WriteCopies"]
    assert written["Resource"] == [f"arn:aws:s3:::{REPLICA}/{KEY}"]
    rules = recorded.of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    assert [
        name for name, made in rules.items() if any(r["id"] == "expire-copies/" for r in made["rules"])
    ] == ["replica-replica"]


def test_a_copy_lies_under_the_name_of_the_catalog() -> None:
    recorded = iced(source={"catalog_name": "all_orders"}, through={"catalog": {}})
    assert params(recorded)["data_path"] == f"s3://{REPLICA}/copies/all_orders/rows.parquet"
    assert copies(recorded, "replica") == ["all_orders"]
    at_the_source = iced(source={"catalog_name": "all_orders"})
    assert params(at_the_source)["data_path"] == f"s3://{LANDING}/copies/all_orders/rows.parquet"
    assert copies(at_the_source, "lake") == ["all_orders"]


def test_by_storage_transfer_a_copy_replaces_the_one_before_and_each_load_its_partition() -> None:
    recorded = iced(storage_transfer={})
    assert params(recorded)["data_path_template"] == f"gs://tributary-test-shop-copy-shop-analytics/{KEY}"
    assert params(recorded)["write_disposition"] == "MIRROR"
    spec = recorded.inputs_of("gcp:storage/transferJob:TransferJob", "shop-copy")["transferSpec"]
    assert spec["transferOptions"]["overwriteWhen"] == "DIFFERENT"
    assert spec["objectConditions"]["includePrefixes"] == [KEY]
    roles = {m["role"] for m in recorded.of("gcp:storage/bucketIAMMember:BucketIAMMember").values()}
    assert "roles/storage.legacyBucketWriter" in roles


def test_the_landings_queue_hears_of_a_new_copy() -> None:
    recorded = iced(lake={"event_queue": True}, storage_transfer={"event_driven": True})
    (notification,) = recorded.of("aws:s3/bucketNotification:BucketNotification").values()
    filters = {(queue["filterPrefix"], queue["filterSuffix"]) for queue in notification["queues"]}
    assert ("copies/", ".parquet") in filters


def test_a_whole_export_is_compared_with_the_load_of_its_copy() -> None:
    def checked(recorded: Recording) -> Any:
        variables = recorded.inputs_of(FUNCTION, "shop-reconcile")["environment"]["variables"]
        return [
            {k: v for k, v in table.items() if k != "transfer"} for table in json.loads(variables["TABLES"])
        ]

    assert checked(iced()) == [{"table": "orders", "prefix": "raw/orders/", "newest": True}]
    # Increments count changes, which no load has.
    assert checked(iced(source={"mode": "incremental"})) == [{"table": "orders", "newest": True}]


def test_a_config_may_name_copies_of_its_own_beside_those_that_transfers_load() -> None:
    returns = {"dynamodb": "returns", "format": "iceberg", "columns": {"id": "string"}}
    config = typed(LAKE, source=ICED, also=returns | {"mode": "incremental"}, copies=["returns"])
    assert settings.read(config).pipelines["lake"].args.copies == ["returns", "orders"]


def test_an_iceberg_table_of_increments_may_be_left_out() -> None:
    other = CUSTOMERS | {"dynamodb": "customers"}
    config = typed(
        {"customers": {"lake": True, "keys": ["id"]}}, source=ICED | {"mode": "incremental"}, also=other
    )
    read = settings.read(config)
    assert (
        list(read.pipelines["shop"].args.tables) == ["customers"] and read.pipelines["lake"].args.copies == []
    )


def test_in_a_program_of_its_own_a_landing_without_the_copy_is_refused() -> None:
    export = settings.read(typed(LAKE, source=ICED)).pipelines["lake"].args
    landing = replaced(export, copies=[]).landing("lake")
    values = {"account": ACCOUNT, "landing": landing, "gcp": GOOGLE, "tables": LAKE}
    with pytest.raises(
        Refused, match=r"tables\.orders\.lake: .* no plain copy of it to load; write copies: \[orders\] there"
    ):
        parse(BigQueryTransferArgs, values)


@pytest.mark.parametrize("wrong", [None, "orders", {"orders": None}, {"orders": "lake"}, ["orders"]])
def test_tables_that_are_no_tables_are_the_transfers_own_error(wrong: Any) -> None:
    config = typed(LAKE, source=ICED)
    config["pipelines"]["shop"]["tables"] = wrong
    with pytest.raises(Refused, match=r"pipelines\.shop\.tables"):
        settings.read(config)


@pytest.mark.parametrize("wrong", ["orders", [1], {"orders": True}])
def test_copies_that_are_no_list_of_names_are_an_error_of_their_pipeline(wrong: Any) -> None:
    with pytest.raises(Refused, match=r"pipelines\.lake\.copies"):
        settings.read(typed(LAKE, source=ICED, copies=wrong))
