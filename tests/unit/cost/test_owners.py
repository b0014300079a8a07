"""What a resource costs is booked to the pipeline whose component it is part of, whatever it is called."""

from typing import Any

from components.cost import Resource
from components.cost.estimates import STACK, owner
from tests.recording import record, stack_config


def config(**pipelines: dict[str, Any]) -> dict[str, Any]:
    named = {name.replace("_", "-"): {"account": "workload"} | given for name, given in pipelines.items()}
    return {key: value for key, value in stack_config("prod").items() if key != "pipelines"} | {
        "pipelines": named
    }


def test_a_group_is_booked_to_its_pipeline_where_another_is_called_as_it_is() -> None:
    """Two units of search at the least: 2 * 730 * 0.334 dollars in Tokyo."""
    ticks = {
        "kind": "firehose",
        "index": "ticks",
        "collection": {"generation": "nextgen", "group": {"min_search_units": 2}},
    }
    cost = record("prod", config(ticks=ticks, ticks_group=EXPORT)).outputs["cost"]
    groups = [line for line in cost["lines"] if line["what"].startswith("collection group")]
    assert [(line["pipeline"], line["dollars"]) for line in groups] == [("ticks", [487.64, 487.64])]


def test_a_pipelines_sum_is_the_same_beside_one_whose_name_begins_alike() -> None:
    alone = record("prod", config(ticks_group=EXPORT)).outputs["cost"]["pipelines"]["ticks-group"]
    ticks = {"kind": "firehose", "index": "ticks", "collection": {"generation": "nextgen"}}
    both = record("prod", config(ticks=ticks, ticks_group=EXPORT)).outputs["cost"]["pipelines"]
    assert both["ticks-group"] == alone


EXPORT: dict[str, Any] = {"kind": "export", "sources": [{"dynamodb": "orders"}]}


def test_what_is_part_of_no_pipeline_is_the_stacks_whatever_it_is_called() -> None:
    topic = Resource("aws:sns/topic:Topic", "ticks-alarms", root="tributary:blocks:AlarmTopic::ticks")
    assert owner(topic, ["ticks"]) == STACK


def test_where_no_component_is_known_the_name_decides() -> None:
    assert (
        owner(Resource("aws:sns/topic:Topic", "ticks-group-topic"), ["ticks", "ticks-group"]) == "ticks-group"
    )
    assert owner(Resource("aws:sns/topic:Topic", "tickstream"), ["ticks"]) == STACK
