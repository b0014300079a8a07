"""What a stack could be without: the choices that its config leaves, what they save, and that each is a config that the
program takes, or one of which it says what is missing."""

import json
from typing import Any

import pytest

from bootstrap import cheaper
from bootstrap.cheaper import Choice, changed, choices, listed, main, savings
from tests.recording import stack_config


def written(config: dict[str, Any]) -> list[tuple[str, str]]:
    return [(choice.pipeline, choice.write) for choice in choices(config)]


def test_a_stack_leaves_the_choices_that_it_has_not_made() -> None:
    assert written(stack_config("dev")) == [
        ("shop-lake", "mode: incremental, for customers and orders"),
        ("catalog-search", "collection: {generation: nextgen}, without standby_replicas"),
        ("stock-ticks", "collection: {generation: nextgen}, without standby_replicas"),
    ]
    assert written(stack_config("prod")) == [
        ("shop-lake", "mode: incremental, for customers"),
        ("shop-replica", "time_control: false"),
        ("catalog-search", "collection: {standby_replicas: false}"),
        ("catalog-search", "collection: {generation: nextgen}, without standby_replicas"),
        ("stock-ticks", "stream: {shards: 1}"),
        ("stock-ticks", "collection: {standby_replicas: false}"),
        ("stock-ticks", "collection: {generation: nextgen}, without standby_replicas"),
    ]


def of(kind: str, **keys: Any) -> list[str]:
    return [write for _, write in written({"pipelines": {"pipe": {"kind": kind, **keys}}})]


@pytest.mark.parametrize(
    ("usage", "shards"),
    [
        ({}, 1),
        # 30,000 GB in 30 days are 11.85 MB a second; ten times that is the peak.
        ({"monthly_data_ingested_gb": 30_000, "record_bytes": 10_000}, 119),
        # 3 GB of 10 bytes are 124.3 records a second, 1,242.8 at the peak: two shards.
        ({"monthly_data_ingested_gb": 3, "record_bytes": 10}, 2),
    ],
)
def test_the_shards_take_ten_times_the_average_in_bytes_and_in_records(
    usage: dict[str, float], shards: int
) -> None:
    made = of("firehose", usage=usage, collection={"generation": "nextgen"})
    assert made == [f"stream: {{shards: {shards}}}"]


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("firehose", {"stream": {"adopt": "ticks"}, "collection_of": "other"}),
        ("firehose", {"stream": {"shards": 2}, "collection": {"generation": "nextgen"}}),
        ("zero-etl", {"tables": [{"name": "a"}], "collection_of": "other"}),
        ("zero-etl", {"tables": [{"name": "a"}, {"name": "b"}], "pipelines": "shared", "collection_of": "x"}),
        ("export", {"sources": [{"rds_instance": "shop"}]}),
        ("export", {"sources": [{"dynamodb": "orders", "mode": "incremental"}]}),
        ("export", {"sources": [{"dynamodb": "orders"}], "catalog": "crawler"}),
        ("replication", {"time_control": False}),
        ("bigquery-transfer", {}),
    ],
)
def test_nothing_is_offered_that_is_made_adopted_or_impossible(kind: str, keys: dict[str, Any]) -> None:
    assert of(kind, **keys) == []


def test_a_collection_within_a_network_stays_in_its_generation() -> None:
    network = {"public": False, "vpc_endpoints": ["vpce-1"]}
    assert of("zero-etl", tables=[{"name": "a"}], collection={"network": network}) == [
        "collection: {standby_replicas: false}"
    ]


def test_a_shared_ingestion_pipeline_has_a_unit_for_each_table() -> None:
    tables = [{"name": name} for name in "abcdef"]
    (made,) = of("zero-etl", tables=tables, collection_of="x")
    assert made == "pipelines: shared, max_units: 6"


def test_a_choice_changes_its_keys_alone() -> None:
    config = {"pipelines": {"a": {"kind": "firehose", "stream": {"retention_hours": 48}}, "b": {"kind": "x"}}}
    before = json.dumps(config)
    made = changed(config, Choice("a", "", {"stream": {"shards": 1}}, ""))
    assert made["pipelines"] == {
        "a": {"kind": "firehose", "stream": {"retention_hours": 48, "shards": 1}},
        "b": {"kind": "x"},
    }
    assert json.dumps(config) == before


def test_each_choice_of_dev_is_a_config_that_the_program_takes_or_names_what_it_needs() -> None:
    saved = savings("dev", stack_config("dev"))
    # A group at rest costs nothing and a classic collection 175.20; awake it may have up to its most (docs/cost.md).
    assert [(each.choice.pipeline, each.month) for each in saved] == [
        ("catalog-search", (21.6, -60.0)),
        ("stock-ticks", (21.6, -60.0)),
        ("shop-lake", None),
    ]
    assert "write lake: true" in saved[-1].needs


def test_a_key_that_saves_is_listed_with_what_it_gives_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def estimated(stack: str, config: dict[str, Any]) -> dict[str, Any]:
        fast = config["pipelines"]["shop-replica"].get("time_control", True)
        return {"month": {"all": [10.45, 10.45] if fast else [10.0, 10.0]}}

    monkeypatch.setattr(cheaper, "estimated", estimated)
    main(["prod"])
    assert capsys.readouterr().out == (
        "shop-replica: -0.45 US dollars a month\n"
        "  write     time_control: false\n"
        "  gives up  nobody promises 15 minutes, and no event names what took longer\n"
    )
    main(["prod", "--json"])
    (saved,) = json.loads(capsys.readouterr().out)
    assert (saved["choice"]["keys"], saved["month"]) == ({"time_control": False}, [-0.45, -0.45])


def test_a_stack_that_can_be_no_cheaper_says_so() -> None:
    assert listed([]).startswith("Nothing of this config")
