"""What a zero-ETL pipeline registers for its config."""

import json
from typing import Any

import pulumi
import pytest

from components.arguments import Refused
from tests.recording import PITR_ON, record
from tests.unit.pipelines.zero_etl.recorded import (
    BUCKET_PARTS,
    COLLECTION_PARTS,
    PIPELINE,
    body,
    config,
    made,
    parts,
    search,
)


def test_one_adopted_table_makes_exactly_these_resources() -> None:
    assert made(search()) == BUCKET_PARTS | COLLECTION_PARTS | parts(pipelines=1, tables=1)


def test_two_tables_can_share_a_pipeline() -> None:
    recorded = search(tables=[{"name": "orders"}, {"name": "customers"}], pipelines="shared")
    assert made(recorded) == BUCKET_PARTS | COLLECTION_PARTS | parts(pipelines=1, tables=2)
    assert set(body(recorded, "search")) == {"version", "orders", "customers"}


def test_tables_whose_names_differ_by_a_sign_only_have_a_pipeline_each() -> None:
    names = ["shop.orders", "shop_orders"]
    recorded = record(
        "test", config(tables=[{"name": name} for name in names]), tables=dict.fromkeys(names, PITR_ON)
    )
    indexes = [
        body(recorded, f"search-{name}")["shop-orders"]["sink"][0]["opensearch"]["index"] for name in names
    ]
    assert indexes == names


def test_a_created_table_is_one_resource_more() -> None:
    recorded = search(tables=[{"name": "orders", "create": {"hash_key": {"name": "id"}}}])
    own = BUCKET_PARTS | COLLECTION_PARTS | parts(pipelines=1, tables=1) | {"aws:dynamodb/table:Table": 1}
    assert made(recorded) == own
    table = recorded.inputs_of("aws:dynamodb/table:Table", "search-orders")
    assert (table["streamViewType"], table["pointInTimeRecovery"]) == (
        "NEW_AND_OLD_IMAGES",
        {"enabled": True},
    )


def test_the_pipeline_logs_where_the_service_may_write_and_has_its_units() -> None:
    recorded = search(min_units=2, max_units=6, log_retention_days=30)
    pipeline = recorded.inputs_of(PIPELINE, "search-orders")
    group = "/aws/vendedlogs/OpenSearchIngestion/tributary-test-search-orders"
    assert (pipeline["minUnits"], pipeline["maxUnits"]) == (2, 6)
    assert pipeline["logPublishingOptions"] == {
        "isLoggingEnabled": True,
        "cloudwatchLogDestination": {"logGroup": group},
    }
    assert recorded.inputs_of("aws:cloudwatch/logGroup:LogGroup", "search-orders") == {
        "name": group,
        "retentionInDays": 30,
    }


def test_alarms_watch_what_the_service_retries_in_silence() -> None:
    alarms = search().of("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert {name: (a["metricName"], a["threshold"]) for name, a in alarms.items()} == {
        "search-orders-errors": ("orders.opensearch.documentErrors.count", 0),
        "search-orders-not-allowed": ("orders.opensearch.bulkRequestNotAllowedErrors.count", 0),
        "search-orders-dead-letters": ("orders.opensearch.s3.dlqS3RecordsSuccess.count", 0),
        "search-orders-back-pressure": ("orders.BlockingBuffer.bufferUsage.value", 80),
        "search-orders-lag": ("orders.opensearch.EndToEndLatency.max", 300_000),
    }
    assert {a["namespace"] for a in alarms.values()} == {"AWS/OSIS"}
    assert {json.dumps(a["dimensions"]) for a in alarms.values()} == {
        '{"PipelineName": "tributary-test-search-orders"}'
    }


@pytest.mark.parametrize(
    ("table", "view", "current"),
    [
        ({}, "NEW_IMAGE", "has no stream, and NEW_IMAGE or NEW_AND_OLD_IMAGES is needed"),
        (
            {"streamEnabled": True, "streamViewType": "KEYS_ONLY"},
            "NEW_IMAGE",
            "has a stream of KEYS_ONLY, and NEW_IMAGE",
        ),
        (
            {"streamEnabled": True, "streamViewType": "NEW_IMAGE"},
            "OLD_IMAGE",
            "has a stream of NEW_IMAGE, and NEW_AND_OLD_IMAGES is needed",
        ),
    ],
)
def test_an_adopted_table_without_the_stream_it_needs_is_refused_with_the_command(
    table: dict[str, Any], view: str, current: str
) -> None:
    known = {"orders": {"pointInTimeRecovery": {"enabled": True}} | table}
    with pytest.raises(pulumi.RunError, match=current) as refused:
        record("test", config(tables=[{"name": "orders", "view_on_remove": view}]), tables=known)
    assert (
        "aws dynamodb update-table --table-name orders --region eu-central-1 --stream-specification"
        in str(refused.value)
    )


BINARY = "the key attribute '{}' is binary .type B.: the initial export and the stream make different"


@pytest.mark.parametrize("binary", ["hash_key", "range_key"])
def test_a_new_table_with_a_binary_key_is_refused(binary: str) -> None:
    keys = {"hash_key": {"name": "id"}, "range_key": {"name": "at"}}
    keys[binary]["type"] = "B"
    with pytest.raises(Refused, match=r"tables\[0\]\.create: " + BINARY.format(keys[binary]["name"])):
        search(tables=[{"name": "orders", "create": keys}])


@pytest.mark.parametrize("key", ["hashKey", "rangeKey"])
def test_an_adopted_table_with_a_binary_key_is_refused(key: str) -> None:
    attributes = [{"name": "id", "type": "S"}, {"name": "digest", "type": "B"}]
    known = PITR_ON | {"hashKey": "id", "attributes": attributes}
    with pytest.raises(pulumi.RunError, match="pipelines.search: table 'orders': " + BINARY.format("digest")):
        record("test", config(), tables={"orders": known | {key: "digest"}})


def test_an_adopted_table_may_have_a_binary_attribute_in_an_index_of_its_own() -> None:
    attributes = [{"name": "id", "type": "S"}, {"name": "digest", "type": "B"}]
    recorded = record("test", config(), tables={"orders": PITR_ON | {"attributes": attributes}})
    assert set(recorded.of(PIPELINE)) == {"search-orders"}
