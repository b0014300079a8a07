"""Moving a stack's classic collections to the next generation: in place, and as docs/collections.md has it.

What is replaced is judged by a preview of the engine itself (tests/cli/recordings.py), in test_upgrades.py.
"""

import json
from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from delivery.losses import HOLDS
from tests.recording import PITR_ON, Recording, record, stack_config
from tests.unit.stack import upgrade
from tests.unit.stack.upgrade import Loss

COLLECTION = "aws:opensearch/serverlessCollection:ServerlessCollection"
TABLE, STREAM, BUCKET = "aws:dynamodb/table:Table", "aws:kinesis/stream:Stream", "aws:s3/bucket:Bucket"
TICKS = "tributary-dev-stock-ticks-stream"
NEXTGEN = {"generation": "nextgen"}
Config = dict[str, Any]


SEARCHING = ("catalog-search", "stock-ticks")


def dev(retain_data: bool = False) -> Config:
    """`Pulumi.dev.yaml` with the two pipelines that have a collection."""
    config = deepcopy(stack_config("dev"))
    pipelines = {name: config["pipelines"][name] for name in SEARCHING}
    return config | {"retain_data": retain_data, "pipelines": pipelines}


def beside(config: Config) -> Config:
    """The first step of the page: a second pipeline beside each, of the same tables and the same stream."""
    pipelines = config["pipelines"]
    tables = [
        {key: each[key] for key in each if key != "create"} for each in pipelines["catalog-search"]["tables"]
    ]
    pipelines["catalog"] = pipelines["catalog-search"] | {"tables": tables, "collection": NEXTGEN}
    pipelines["ticks"] = pipelines["stock-ticks"] | {"stream": {"adopt": TICKS}, "collection": NEXTGEN}
    return config


def without_the_first(config: Config) -> Config:
    """The last step."""
    for name in SEARCHING:
        del config["pipelines"][name]
    return config


def recorded(config: Config, preview: bool = False) -> Recording:
    return _recorded(json.dumps(config), preview)


@cache
def _recorded(config: str, preview: bool) -> Recording:
    tables: dict[str, Any] = dict.fromkeys(("products", "reviews"), PITR_ON)
    stream = {"encryptionType": "NONE", "kmsKeyId": ""}
    return record("dev", json.loads(config), tables=tables, streams={TICKS: stream}, preview=preview)


def losses(before: Config, after: Config) -> list[Loss]:
    return upgrade.losses(
        upgrade.state(recorded(before)), recorded(after), lambda: recorded(after, preview=True)
    )


def test_in_place_the_collections_are_replaced_and_their_documents_are_lost() -> None:
    config = dev()
    for name in SEARCHING:
        config["pipelines"][name]["collection"] = NEXTGEN
    lost = losses(dev(), config)
    replaced = {each.resource: each.forced_by for each in lost if COLLECTION in each.resource}
    why = ("collectionGroupName", "standbyReplicas")
    assert replaced == {f"{COLLECTION}::catalog-search": why, f"{COLLECTION}::stock-ticks": why}
    assert {each.resource.partition("::")[0] for each in lost} & set(HOLDS) == {COLLECTION}


def test_a_second_pipeline_beside_the_first_takes_nothing_away() -> None:
    assert losses(dev(), beside(dev())) == []


@pytest.mark.parametrize("retain_data", [True, False])
def test_when_the_first_goes_its_tables_and_its_stream_stay_only_where_data_is_retained(
    retain_data: bool,
) -> None:
    both = recorded(beside(dev(retain_data)))
    lost = {
        each.resource
        for each in losses(beside(dev()), without_the_first(beside(dev())))
        if each.kind == "delete"
    }
    tables = {f"{TABLE}::catalog-search-{name}" for name in ("products", "reviews")}
    assert {*tables, f"{STREAM}::stock-ticks-stream"} <= lost
    removed = {each.partition("::")[0] for each in lost if both.requests[each].retainOnDelete is not True}
    holding = removed & {TABLE, STREAM, BUCKET, COLLECTION}
    assert holding == ({COLLECTION} if retain_data else {TABLE, STREAM, BUCKET, COLLECTION})
