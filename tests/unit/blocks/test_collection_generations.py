"""A collection of either generation, for each kind of pipeline that has one."""

import copy
import dataclasses
from typing import Any

import pulumi
import pytest

from bootstrap.registered import registered
from bootstrap.roles import Stack, deploy, preview
from components.arguments import Refused, parse
from components.blocks.collection import CollectionArgs
from components.blocks.collection_group import CollectionGroupArgs
from components.stack import settings
from tests.recording import PITR_ON, Recording, record

COLLECTION = "aws:opensearch/serverlessCollection:ServerlessCollection"
GROUP = "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup"
KINDS: dict[str, dict[str, Any]] = {
    "zero-etl": {"kind": "zero-etl", "tables": [{"name": "orders"}]},
    "firehose": {"kind": "firehose", "index": "ticks"},
}


def config(kind: str, **collection: Any) -> dict[str, Any]:
    pipeline = KINDS[kind] | ({"collection": collection} if collection else {})
    accounts = {"workload": {"id": "111111111111", "region": "eu-central-1"}}
    return {"accounts": accounts, "pipelines": {"pipe": pipeline}}


def made(kind: str, **collection: Any) -> Recording:
    return record("test", config(kind, **collection), tables={"orders": PITR_ON})


@pytest.mark.parametrize("kind", KINDS)
def test_a_classic_collection_stands_in_no_group(kind: str) -> None:
    recorded = made(kind)
    assert GROUP not in recorded.counts()
    assert "collectionGroupName" not in recorded.inputs_of(COLLECTION, "pipe")
    assert made(kind, generation="classic").counts() == recorded.counts()


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_the_next_generation_stands_in_a_group_that_may_sleep(kind: str) -> None:
    recorded = made(kind, generation="nextgen", group={"max_search_units": 8})
    group = recorded.inputs_of(GROUP, "pipe-group")
    assert group == {
        "name": "tributary-test-pipe-group",
        "description": "The units of tributary-test-pipe",
        "generation": "NEXTGEN",
        "standbyReplicas": "ENABLED",
        "capacityLimits": [
            {
                "minIndexingCapacityInOcu": 0,
                "maxIndexingCapacityInOcu": 4,
                "minSearchCapacityInOcu": 0,
                "maxSearchCapacityInOcu": 8,
            }
        ],
    }
    collection = recorded.inputs_of(COLLECTION, "pipe")
    assert (collection["collectionGroupName"], collection["standbyReplicas"]) == (group["name"], "ENABLED")
    more = {token: n for token, n in recorded.counts().items() if made(kind).counts().get(token) != n}
    assert more == {GROUP: 1}


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_that_exists_is_used_by_its_name_and_not_made(kind: str) -> None:
    recorded = made(kind, generation="nextgen", group={"adopt": "team-search"})
    assert GROUP not in recorded.counts()
    assert recorded.inputs_of(COLLECTION, "pipe")["collectionGroupName"] == "team-search"


def both(kind: str, **second: Any) -> dict[str, Any]:
    """A pipeline of generation `nextgen`, and a second one of the kind with these keys."""
    config_of_both = config(kind, generation="nextgen", group={"max_search_units": 8})
    more = {"tables": [{"name": "customers"}]} if kind == "zero-etl" else {}
    config_of_both["pipelines"]["more"] = KINDS[kind] | more | {"group_of": "pipe"} | second
    return config_of_both


NEXTGEN = {"collection": {"generation": "nextgen"}}


@pytest.mark.parametrize("kind", KINDS)
def test_one_group_stands_for_two_pipelines_where_one_names_the_other(kind: str) -> None:
    tables = {"orders": PITR_ON, "customers": PITR_ON}
    recorded = record("test", both(kind, **NEXTGEN), tables=tables)
    assert recorded.counts()[GROUP] == 1
    assert [each["collectionGroupName"] for each in recorded.of(COLLECTION).values()] == [
        "tributary-test-pipe-group",
        "tributary-test-pipe-group",
    ]
    assert f"{GROUP}::pipe-group" in recorded.waits_for(f"{COLLECTION}::more", "collectionGroupName")


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_is_handed_on_by_who_shares_it_and_by_who_adopts_it(kind: str) -> None:
    third = both(kind, **NEXTGEN)
    third["pipelines"]["most"] = third["pipelines"]["more"] | {"group_of": "more"}
    if kind == "zero-etl":
        third["pipelines"]["most"]["tables"] = [{"name": "returns"}]
    third["pipelines"]["pipe"]["collection"]["group"] = {"adopt": "team-search"}
    tables = {"orders": PITR_ON, "customers": PITR_ON, "returns": PITR_ON}
    recorded = record("test", third, tables=tables)
    assert GROUP not in recorded.counts()
    assert {each["collectionGroupName"] for each in recorded.of(COLLECTION).values()} == {"team-search"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_of_the_other_generation_is_not_adopted(kind: str) -> None:
    """`tests.recording` has the group `classic` of generation CLASSIC, and any other of the next one."""
    with pytest.raises(
        pulumi.RunError, match="'classic' is of generation CLASSIC, which holds no collection of the"
    ):
        made(kind, generation="nextgen", group={"adopt": "classic"})


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (
            {},
            "group_of: a classic collection stands in no group here; write collection: {generation: nextgen}",
        ),
        (
            NEXTGEN | {"group_of": "pip"},
            "group_of: 'pip' is not a pipeline of this stack; did you mean 'pipe'?",
        ),
        (
            {"collection": {"generation": "nextgen", "group": {"max_search_units": 16}}},
            "group_of: the units are set by the pipeline that creates the group; leave out collection.group here",
        ),
        (
            {
                "collection": {"generation": "nextgen", "group": {"max_search_units": 4}}
            },  # the default, written
            "group_of: the units are set by the pipeline that creates the group; leave out collection.group here",
        ),
        (
            {"collection": {"generation": "nextgen", "group": {"adopt": "team-search"}}},
            "group_of: the units are set by the pipeline that creates the group; leave out collection.group here",
        ),
        (
            {"collection_of": "pipe"},
            "group_of: another pipeline's collection is used, which stands in a group",
        ),
        (
            NEXTGEN | {"account": "far"},
            "group_of: the group of 'pipe' stands in 111111111111, eu-central-1, and this",
        ),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_shared_group_does_not_have_is_refused_with_what_to_write(
    kind: str, second: dict[str, Any], error: str
) -> None:
    given = both(kind, **second)
    given["accounts"]["far"] = {"id": "111111111111", "region": "us-east-1"}
    for pipeline in given["pipelines"].values():
        pipeline.setdefault("account", "workload")
    with pytest.raises(Refused) as refused:
        settings.read(given)
    (only,) = refused.value.errors
    assert only.startswith(f"pipelines.more.{error}")


@pytest.mark.parametrize(
    ("key", "default"), [(each.name, each.default) for each in dataclasses.fields(CollectionGroupArgs)][1:]
)
def test_units_that_a_config_writes_are_refused_where_it_has_none_even_those_of_the_default(
    key: str, default: int
) -> None:
    """What is written is remembered through a check and a copy, and no default is taken for it."""
    with pytest.raises(Refused, match="adopt: an adopted group keeps its limits"):
        parse(CollectionGroupArgs, {"adopt": "team-search", key: default})
    with pytest.raises(Refused, match="group: a classic collection stands in none here"):
        parse(CollectionArgs, {"group": {key: default}})
    given = parse(CollectionGroupArgs, {key: default})
    assert given == CollectionGroupArgs()
    assert {copy.copy(given).written(), parse(CollectionGroupArgs, given).written()} == {frozenset({key})}
    assert (
        parse(CollectionArgs, {"group": {}}).group.written()
        == CollectionArgs().group.written()
        == frozenset()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_pipeline_without_a_group_has_none_to_share(kind: str) -> None:
    given = both(kind, **NEXTGEN)
    given["pipelines"]["pipe"].pop("collection")
    with pytest.raises(
        Refused, match=r"pipelines.more.group_of: 'pipe' makes no collection that stands in a gro"
    ):
        settings.read(given)
    given["pipelines"]["pipe"] = {"kind": "export", "sources": [{"dynamodb": "orders"}]}
    with pytest.raises(
        Refused, match=r"group_of: 'pipe' yields no shared group; name one of kind 'zero-etl' or"
    ):
        settings.read(given)


def test_a_group_of_the_other_type_is_not_shared() -> None:
    given = both("zero-etl")
    given["pipelines"]["more"] = KINDS["firehose"] | NEXTGEN | {"group_of": "pipe"}
    with pytest.raises(
        Refused, match=r"more.group_of: that group holds collections of type SEARCH and of no othe"
    ):
        settings.read(given)


@pytest.mark.parametrize(
    ("collection", "error"),
    [
        (
            {"generation": "nextgen", "standby_replicas": False},
            "collection.standby_replicas: a group of the next",
        ),
        ({"generation": "next"}, "collection.generation: 'next' is not one of 'classic' or 'nextgen'"),
        ({"group": {"max_search_units": 8}}, "collection.group: a classic collection stands in none here"),
        (
            {"generation": "nextgen", "network": {"public": False, "vpc_endpoints": ["vpce-1"]}},
            "collection.network: from a VPC the next generation is reached by an interface endpoint of EC2",
        ),
        (
            {"generation": "nextgen", "group": {"max_search_units": 6}},
            "collection.group.max_search_units: 6 is no capacity that a group has",
        ),
        (
            {"generation": "nextgen", "group": {"max_indexing_units": 1712}},
            "collection.group.max_indexing_units: 1712 is no capacity that a group has",
        ),
        ({"generation": "nextgen", "group": {"max_search_units": 0}}, "collection.group.max_search_units: 0"),
        (
            {"generation": "nextgen", "group": {"min_search_units": 8}},
            "collection.group.min_search_units: 8 is more than max_search_units, 4; write that or less",
        ),
        (
            {"generation": "nextgen", "group": {"adopt": "team-search", "max_search_units": 8}},
            "collection.group.adopt: an adopted group keeps its limits",
        ),
        (
            {"generation": "nextgen", "group": {"adopt": "Team"}},
            "collection.group.adopt: 'Team' is not a group's name",
        ),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_generation_does_not_have_is_refused(
    kind: str, collection: dict[str, Any], error: str
) -> None:
    with pytest.raises(Refused) as refused:
        settings.read(config(kind, **collection))
    assert [
        sentence for sentence in refused.value.errors if sentence.startswith(f"pipelines.pipe.{error}")
    ], refused.value
    assert len(refused.value.errors) == 1


@pytest.mark.parametrize("units", [2, 4, 8, 16, 32, 1696])
def test_every_capacity_that_the_page_has_is_taken(units: int) -> None:
    settings.read(config("firehose", generation="nextgen", group={"max_search_units": units}))


def test_one_group_does_not_hold_collections_of_two_types() -> None:
    shared = {"generation": "nextgen", "group": {"adopt": "team-search"}}
    given = config("zero-etl", **shared)
    given["pipelines"]["ticks"] = KINDS["firehose"] | {"collection": shared}
    with pytest.raises(
        Refused, match=r"pipelines.ticks.collection.group.adopt: the group 'team-search' holds "
    ):
        settings.read(given)
    given["pipelines"]["ticks"] = KINDS["zero-etl"] | {
        "collection": shared,
        "tables": [{"name": "customers"}],
    }
    settings.read(given)


def test_who_deploys_may_make_the_group_and_put_the_collection_into_it() -> None:
    stack = Stack("test", registered("test", config("firehose", generation="nextgen")))
    (place,) = stack.places().values()
    granted = {action: grant for grant in deploy(stack, place) for action in grant.actions}
    assert granted["aoss:CreateCollectionGroup"].conditions == stack.tags("RequestTag")
    for action in ("aoss:DeleteCollectionGroup", "aoss:UpdateCollectionGroup"):
        assert granted[action].conditions == stack.tags("ResourceTag")
        assert granted[action].resources == ["arn:aws:aoss:eu-central-1:111111111111:collection-group/*"]
    of_the_group = {"StringEquals": {"aoss:collection-group": ["tributary-test-pipe-group"]}}
    assert granted["aoss:AddCollectionToCollectionGroup"].conditions == of_the_group
    assert granted["aoss:BatchGetCollectionGroup"].conditions == of_the_group


def test_who_deploys_two_pipelines_in_one_group_has_the_rights_of_one_group() -> None:
    stack = Stack("test", registered("test", both("firehose", **NEXTGEN)))
    (place,) = stack.places().values()
    condition = {"StringEquals": {"aoss:collection-group": ["tributary-test-pipe-group"]}}
    granted = {action: grant for grant in deploy(stack, place) for action in grant.actions}
    assert granted["aoss:AddCollectionToCollectionGroup"].conditions == condition
    assert granted["aoss:BatchGetCollectionGroup"].conditions == condition


def test_who_deploys_into_a_group_that_is_there_may_add_to_it_alone() -> None:
    adopted = config("firehose", generation="nextgen", group={"adopt": "team-search"})
    stack = Stack("test", registered("test", adopted))
    (place,) = stack.places().values()
    granted = {action: grant for grant in deploy(stack, place) for action in grant.actions}
    assert "aoss:UpdateCollectionGroup" not in granted
    condition = granted["aoss:AddCollectionToCollectionGroup"].conditions
    assert condition == {"StringEquals": {"aoss:collection-group": ["team-search"]}}
    for role in (deploy, preview):  # each preview reads whether it is there, and of the next generation
        granted = {action: grant for grant in role(stack, place) for action in grant.actions}
        assert granted["aoss:BatchGetCollectionGroup"].conditions == condition


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_that_this_stack_makes_is_named_by_its_pipeline_and_not_adopted(kind: str) -> None:
    adopts = {"collection": {"generation": "nextgen", "group": {"adopt": "tributary-test-pipe-group"}}}
    given = both(kind, **adopts)
    del given["pipelines"]["more"]["group_of"]
    with pytest.raises(Refused) as refused:
        record("test", given, tables={"orders": PITR_ON, "customers": PITR_ON})
    assert refused.value.errors == (
        "pipelines.more.collection.group.adopt: 'tributary-test-pipe-group' is the group that 'pipe' of this stack "
        "makes; leave out 'adopt', and write group_of: pipe",
    )
    # Before it is made elsewhere, or where it is made no more, it is a name like any other.
    given["pipelines"]["more"]["account"] = "far"
    given["pipelines"]["pipe"]["account"] = "workload"
    given["accounts"]["far"] = {"id": "111111111111", "region": "us-east-1"}
    assert record("test", given, tables={"orders": PITR_ON, "customers": PITR_ON}).counts()[GROUP] == 1
    given["pipelines"]["more"]["account"] = "workload"
    given["pipelines"]["pipe"]["collection"]["group"] = {"adopt": "tributary-test-pipe-group"}
    assert GROUP not in record("test", given, tables={"orders": PITR_ON, "customers": PITR_ON}).counts()


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_that_only_a_program_can_hand_over_is_refused_in_a_config(kind: str) -> None:
    """Nothing is read of a name that is written: whether it is there, of which generation and of which type."""
    given = config(kind, generation="nextgen")
    type = "SEARCH" if kind == "zero-etl" else "TIMESERIES"
    for written in ({"name": "team-search", "type": type}, "team-search", {}):
        given["pipelines"]["pipe"] = given["pipelines"]["pipe"] | {"shared_group": written}
        with pytest.raises(Refused) as refused:
            settings.read(given)
        (only,) = refused.value.errors
        assert only.startswith(
            "pipelines.pipe.shared_group: a program of your own hands it over; write group_of: <p"
        )


@pytest.mark.parametrize("key", ["shared_group", "shared_collection", "landing"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_key_for_what_another_hands_over_takes_no_pipeline_away(kind: str, key: str) -> None:
    """It was left out of the stack without a word, which deletes what it had made."""
    given = config(kind, generation="nextgen")
    given["pipelines"]["pipe"][key] = None
    if key == "landing":
        given["pipelines"]["pipe"] = {"kind": "replication", "landing": None}
        with pytest.raises(Refused, match=r"pipelines.pipe.from: one landing is taken; write either"):
            settings.read(given)
    else:
        assert settings.read(given).pipelines["pipe"].args.planned_group("pipe")
