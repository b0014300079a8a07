"""What moves a collection into another group, and so replaces it: the cases of docs/collections.md."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from tests.recording import PITR_ON, record
from tests.unit.blocks.test_collection_generations import COLLECTION, KINDS, NEXTGEN, both


def stands_in(kind: str, given: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The name of each collection, and of the group that it stands in."""
    tables = {"orders": PITR_ON, "customers": PITR_ON}
    collections = record("test", given, tables=tables).of(COLLECTION).values()
    return {
        each["name"].rpartition("-")[2]: (each["name"], each["collectionGroupName"]) for each in collections
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_changes_the_group_of_a_collection_that_stays(kind: str) -> None:
    """The collection keeps its name and gets another group, which no operation gives to one that is there
    (https://docs.aws.amazon.com/opensearch-service/latest/ServerlessAPIReference/API_UpdateCollection.html), so that it
    is replaced: docs/collections.md lists each of these."""
    model: Any = botocore.session.get_session().get_service_model("opensearchserverless")
    assert "collectionGroupName" not in model.operation_model("UpdateCollection").input_shape.members
    before = both(kind, **NEXTGEN)
    pipe, more = before["pipelines"]["pipe"], before["pipelines"]["more"]
    alone = {key: value for key, value in more.items() if key != "group_of"}
    adopts = {"generation": "nextgen", "group": {"adopt": "team-search"}}
    changes: dict[str, dict[str, Any]] = {
        "the owner's name": {"shop": pipe, "more": more | {"group_of": "shop"}},
        "group_of taken out": {"pipe": pipe, "more": alone},
        "group_of for adopt": {"pipe": pipe, "more": alone | {"collection": adopts}},
        "the owner adopts": {"pipe": pipe | {"collection": adopts}, "more": more},
    }
    group = stands_in(kind, before)["more"]
    assert group == ("tributary-test-more", "tributary-test-pipe-group")
    for change, pipelines in changes.items():
        after = stands_in(kind, before | {"pipelines": pipelines})["more"]
        assert after[0] == group[0] and after[1] != group[1], change
    # The units of the group, and another name of the one who shares it, leave the others' where they are.
    larger = pipe | {"collection": {"generation": "nextgen", "group": {"max_search_units": 16}}}
    assert stands_in(kind, before | {"pipelines": {"pipe": larger, "more": more}})["more"] == group
    renamed = stands_in(kind, before | {"pipelines": {"pipe": pipe, "other": more}})
    assert renamed["pipe"] == stands_in(kind, before)["pipe"]
