"""A wrong config is refused with its path, what was found, what is expected, and what to write."""

from typing import Any

import pytest

from components.arguments import Refused
from components.stack import settings
from components.stack.kinds import KINDS
from tests.recording import stack_config
from tests.unit.configs import (
    EXPORT,
    GOOGLE,
    KEYED,
    LAKE,
    ORDERS,
    PRODUCTS,
    REPLICA,
    SEARCH,
    SHOP,
    WORKLOAD,
    lake,
    replica,
    stack,
    typed,
)


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 16 * * ? *)",
        "cron(0,30 8-18/2 ? * MON-FRI 2026-2030)",
        "cron(15 10 L * ? *)",
        "cron(15 10 15W * ? *)",
        "cron(0 0 ? JAN,jul 6#3 *)",
        "cron(0 0 ? * FRIL *)",
        "cron(0 22 ? * FRI-MON *)",
        "cron(*/15 * ? * * *)",
        "rate(1 hour)",
    ],
)
def test_a_schedule_that_aws_takes_is_taken(expression: str) -> None:
    assert settings.read(lake(schedule=expression)).pipelines["lake"].args.schedule == expression


@pytest.mark.parametrize("keys", [{"catalog": "crawler"}, {"run": "simple"}])
def test_a_table_may_be_named_as_a_view_where_no_view_is_made(keys: dict[str, Any]) -> None:
    read = settings.read(lake(sources=[{"dynamodb": "orders"}, {"dynamodb": "orders_latest"}], **keys))
    assert len(read.pipelines["lake"].args.sources) == 2


@pytest.mark.parametrize(
    ("schedule", "timezone", "load"),
    [
        ("cron(0 16 * * ? *)", "Asia/Tokyo", "every day 09:00"),  # 07:00 UTC
        ("cron(0 4 * * ? *)", "UTC", "every day 05:00"),
        ("cron(0 3 * * ? *)", "UTC", "every day 23:00"),
        ("cron(0 23 * * ? *)", "UTC", "every day 05:00"),  # over midnight
        ("cron(0 8,23 * * ? *)", "UTC", "every day 05:00"),
        ("cron(30 4 * * ? *)", "Europe/Berlin", "every day 05:00"),  # 03:30 in winter, 02:30 in summer
        ("cron(0 * * * ? *)", "UTC", "every day 05:00"),  # no load keeps an hour from these
        ("rate(6 hours)", "UTC", "every day 05:00"),  # counts from when it was made
    ],
)
def test_a_load_an_hour_after_the_days_export_is_taken(schedule: str, timezone: str, load: str) -> None:
    read = settings.read(typed(LAKE, load=load, schedule=schedule, timezone=timezone))
    assert read.pipelines["shop"].args.schedule == load


def test_a_bucket_that_exists_tells_no_schedule_so_any_is_taken() -> None:
    landing = {"account": "workload", "bucket": "shop-raw", "tables": ["orders"]}
    pipeline = {
        "kind": "bigquery-transfer",
        "account": "workload",
        "landing": landing,
        "tables": {"orders": ORDERS},
    }
    read = settings.read(stack(gcp=GOOGLE, pipelines={"shop": pipeline | {"schedule": "every day 00:10"}}))
    assert read.pipelines["shop"].args.landing.schedule is None


def test_all_errors_of_a_config_are_reported_at_once() -> None:
    config = lake(schedule="daily", sources=[{"dynamodb": "x"}], timezone="Mars")
    config["accounts"]["analytics"]["region"] = "moon"
    with pytest.raises(Refused) as refused:
        settings.read(config)
    paths = sorted(error.split(": ")[0] for error in refused.value.errors)
    assert paths == [
        "accounts.analytics.region",
        "pipelines.lake.schedule",
        "pipelines.lake.sources[0].dynamodb",
        "pipelines.lake.timezone",
    ]
    assert "the config has 4 errors:" in str(refused.value)


def errors_of(config: dict[str, Any]) -> list[str]:
    with pytest.raises(Refused) as refused:
        settings.read(config)
    return list(refused.value.errors)


def paths_of(config: dict[str, Any]) -> list[str]:
    return [error.split(": ")[0] for error in errors_of(config)]


def test_what_is_wrong_in_keys_and_between_them_is_reported_at_once_for_all_pipelines() -> None:
    config = stack(
        tags={"team": 7},
        pipelines={
            "lake": EXPORT
            | {
                "account": "workloads",
                "timezone": "Mars",
                "run": "simple",
                "catalog": "crawler",
                "create_key": True,
                "key_arn": f"arn:aws:kms:us-east-1:111111111111:key/{'a' * 36}",
                "sources": [{"dynamodb": "orders", "only": ["a"], "snapshot": "event"}, {"dynamodb": "x"}],
                "lifecycle": {"infrequent_days": 60, "expire_days": 60, "noncurrent_days": 0},
                "lake_formation": {"readers": ["arn:aws:iam::111111111111:role/analyst"] * 2},
            },
            "copy": REPLICA | {"from": "lakes", "attempts": 1, "prefixes": ["a/", "a/b/"]},
            "a1": REPLICA | {"from": "b1", "attemps": 3},
            "b1": REPLICA | {"from": "a1", "events": ["x"]},
            "shop": {
                "kind": "bigquery-transfer",
                "from": "lake",
                "account": "workload",
                "access_keys": ["1", "1"],
                # Which columns there are depends on the landing; how many to cluster by does not.
                "tables": {"orders": {"keys": ["no"], "cluster": ["a", "b", "c", "d", "e"]}},
                "schedule": "every 12 hours",
                "storage_transfer": {"event_driven": True, "start": "03:00"},
            },
            "quotes": {
                "kind": "firehose",
                "account": "workload",
                "index": "quotes",
                "collection": {"network": {"public": False, "vpc_endpoints": ["vpce-0a1"]}},
                "stream": {"adopt": "ticks", "shards": 2},
            },
            "search": SEARCH | {"min_units": 5, "tables": [{"name": "orders"}, {"name": "orders"}]},
            "Bad_Name": {"kind": "exprt"},
        },
    )
    assert sorted(paths_of(config)) == sorted(
        [
            "tags.team",
            "pipelines",  # a1 and b1 feed each other
            "pipelines.lake.account",
            "pipelines.lake.timezone",
            "pipelines.lake",  # two keys
            "pipelines.lake.catalog",
            "pipelines.lake.sources[0].only",
            "pipelines.lake.sources[0].snapshot",
            "pipelines.lake.sources[1].dynamodb",
            "pipelines.lake.lifecycle.infrequent_days",
            "pipelines.lake.lifecycle.noncurrent_days",
            "pipelines.lake.lake_formation.readers",
            "pipelines.copy.from",
            "pipelines.copy.attempts",
            "pipelines.copy.prefixes",
            "pipelines.a1.attemps",
            "pipelines.b1.events",
            "pipelines.shop",  # no gcp
            "pipelines.shop.tables.orders.cluster",
            "pipelines.shop.access_keys",
            "pipelines.shop.storage_transfer.start",
            "pipelines.quotes.vpc",
            "pipelines.quotes.stream.adopt",
            "pipelines.search.tables",  # the table twice
            "pipelines.search.tables",  # the index twice
            "pipelines.search.min_units",
            "pipelines.Bad_Name",
            "pipelines.Bad_Name.kind",
        ]
    )


def test_all_that_is_wrong_between_a_transfer_and_its_landing_is_reported_at_once() -> None:
    tables = {
        "orders": {
            "keys": ["no", "lines"],
            "cluster": ["order_id"],
            "columns": {"total": "S", "lines": "L", "x": "NUMBER"},
        },
        "shop.products": {"keys": ["id"], "cluster": ["name"], "columns": {"id": "text"}},
        "order": {"keys": ["id"], "columns": {"id": "S"}},
        "reviews": {"keys": ["id"], "lake": True, "columns": {"id": "S"}},
    }
    config = typed(tables, also=PRODUCTS, create_key=True, load="every 10 minutes")
    config["pipelines"]["lake"]["sources"].append({"dynamodb": "baskets", "mode": "incremental"})
    config["pipelines"]["shop"] |= {
        "account": "analytics",
        "access_keys": ["1", "1"],
        "storage_transfer": {"location": "us-east1", "event_driven": True},
        "file_format": "PARQUET",
    }
    assert sorted(paths_of(config)) == [
        "pipelines.shop.access_keys",  # of one name
        "pipelines.shop.access_keys",  # beside a role
        "pipelines.shop.account",
        "pipelines.shop.file_format",
        "pipelines.shop.schedule",  # too often
        "pipelines.shop.schedule",  # not daily
        "pipelines.shop.storage_transfer.event_driven",
        "pipelines.shop.storage_transfer.location",
        "pipelines.shop.tables",  # baskets is missing
        "pipelines.shop.tables",  # there is no order
        "pipelines.shop.tables",  # there are no reviews, whose columns are not checked
        "pipelines.shop.tables.orders",  # x
        "pipelines.shop.tables.orders.cluster",
        "pipelines.shop.tables.orders.columns",  # total
        "pipelines.shop.tables.orders.keys",  # no
        "pipelines.shop.tables.orders.keys",  # lines
        "pipelines.shop.tables.shop.products.cluster",
        "pipelines.shop.tables.shop.products.columns",
    ]


def test_of_two_times_that_are_too_early_the_loads_is_reported_as_the_copys_follows_from_it() -> None:
    config = typed(LAKE, schedule="cron(0 6 * * ? *)", load="every day 06:30")
    config["pipelines"]["shop"]["storage_transfer"] = {}
    assert paths_of(config) == ["pipelines.shop.schedule"]
    config["pipelines"]["shop"]["schedule"] = "every day 07:30"
    (error,) = errors_of(config)
    assert error.startswith(
        "pipelines.shop.storage_transfer.start: the copy at 04:00 UTC comes too early for the"
    )
    config["pipelines"]["shop"]["storage_transfer"] = {"every_minutes": 100}
    assert paths_of(config) == ["pipelines.shop.storage_transfer.every_minutes"]


def test_all_that_is_wrong_between_a_replication_and_its_landing_is_reported_at_once() -> None:
    config = typed(LAKE, through={"prefixes": ["raw/", "raw/orders/", "data/"]}, create_key=True)
    config["pipelines"]["lake"]["event_queue"] = True
    assert sorted(paths_of(config)) == [
        "pipelines.replica.create_key",
        "pipelines.replica.landing",
        "pipelines.replica.prefixes",  # data/
        "pipelines.replica.prefixes",  # raw/orders/
    ]


def test_a_check_does_not_run_on_a_key_that_is_wrong_in_itself() -> None:
    assert paths_of(lake(key_arn="alias/shop", sources=[SHOP])) == ["pipelines.lake.key_arn"]
    assert paths_of(replica(upstream=KEYED, create_key="perhaps")) == ["pipelines.replica.create_key"]
    assert paths_of(replica(account="nowhere", upstream=KEYED, create_key=True)) == [
        "pipelines.replica.account"
    ]


def test_without_accounts_the_pipelines_other_keys_are_checked_all_the_same() -> None:
    more: tuple[dict[str, Any], ...] = ({}, {"accounts": [1]}, {"accounts": {}})
    for accounts in more:
        config = accounts | {"pipelines": lake(timezone="Mars")["pipelines"]}
        assert paths_of(config) == ["accounts", "pipelines.lake.timezone"]


def test_a_wrong_pipeline_upstream_does_not_hide_what_is_wrong_downstream_nor_in_two_others_together() -> (
    None
):
    creating = EXPORT | {"sources": [{"dynamodb": "orders", "create": {"hash_key": {"name": "id"}}}]}
    config = replica(upstream=EXPORT | {"timezone": "Mars"}, attempts=1)
    config["pipelines"] |= {"one": creating, "two": creating}
    assert paths_of(config) == [
        "pipelines.lake.timezone",
        "pipelines.replica.attempts",
        "pipelines.two.sources[0].create",
    ]


@pytest.mark.parametrize("name", ["dev", "prod", "local"])
def test_the_stacks_that_are_shipped_are_right(name: str) -> None:
    read = settings.read(stack_config(name))
    assert {pipeline.kind for pipeline in read.pipelines.values()} == set(KINDS)


def test_a_pipeline_stands_after_the_one_whose_landing_it_takes() -> None:
    read = settings.read(stack(pipelines={"replica": REPLICA, "lake": EXPORT}))
    assert list(read.pipelines) == ["lake", "replica"]


def test_one_account_need_not_be_named() -> None:
    read = settings.read(
        {"accounts": {"only": WORKLOAD}, "pipelines": {"lake": {**EXPORT, "account": "only"}}}
    )
    unnamed = settings.read(
        {
            "accounts": {"only": WORKLOAD},
            "pipelines": {"lake": {k: v for k, v in EXPORT.items() if k != "account"}},
        }
    )
    assert unnamed.pipelines["lake"].args.account == read.pipelines["lake"].args.account


def test_a_replica_carries_the_tables_on() -> None:
    landing = settings.read(stack()).pipelines["replica"].args.replica("replica")
    assert (landing.name, landing.tables, landing.account.id) == ("replica", ["orders"], "222222222222")


def test_a_wrong_key_of_the_stack_does_not_hide_what_is_wrong_in_a_pipeline() -> None:
    with pytest.raises(Refused) as refused:
        settings.read(lake(timezone="Mars") | {"tagz": {}, "retain_data": "perhaps"})
    assert [error.split(": ")[0] for error in refused.value.errors] == [
        "tagz",
        "retain_data",
        "pipelines.lake.timezone",
    ]


def test_settings_cannot_be_changed() -> None:
    args = settings.read(lake()).pipelines["lake"].args
    with pytest.raises(AttributeError):
        args.schedule = "rate(1 hour)"
