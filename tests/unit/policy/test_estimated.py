"""What the policy pack holds to a ceiling: whose estimate is taken at its word, and what no estimate counts."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.cost import as_registered, estimate
from components.cost.at_rest import AT_REST, COLLECTION
from components.cost.free import FREE
from policy.ceiling import not_counted
from policy.estimated import BY_USE, STACK, estimated, own_estimate
from policy.rules import RULES, UNKNOWN, Resource, check
from tests.recording import record

STACKS = ("dev", "prod", "local")
CLASSIC = Resource(COLLECTION, "one", {"name": "one"}, region="us-east-1")
"""2 units * 730 hours * 0.24 dollars."""


def own(stack: str = "dev") -> dict[str, Any]:
    return json.loads(json.dumps(record(stack).outputs["cost"]))


def of_stack(cost: Any) -> list[Resource]:
    return [Resource(STACK, "shop-test", {"cost": cost}), CLASSIC]


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_of_this_repository_is_held_to_its_own_estimate(stack: str) -> None:
    cost = own(stack)
    props = estimated(of_stack(cost), 1).props
    assert [props["least"], props["most"]] == cost["month"]["all"]
    assert props["not_counted"] == []


def test_a_stack_without_a_resource_has_an_estimate_too() -> None:
    nothing = json.loads(json.dumps(estimate([], {}).described()))
    assert own_estimate(nothing) == nothing


def cut(cost: Any, path: tuple[str, ...], value: Any) -> Any:
    """The estimate with another value at a place; None takes it away."""
    inside = cost
    for key in path[:-1]:
        inside = inside[key]
    if value is None:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    return cost


PLACES = [
    *((key,) for key in estimate([], {}).described()),
    *(("month", key) for key in ("at_rest", "by_use", "all")),
    *(("pipelines", "shop-lake", key) for key in ("at_rest", "by_use", "once")),
]
VALUES = [None, "July", 3, 0, UNKNOWN, {"total": 3}, ["a", "b"], [1, 2, 3], [True, True], [-2, -1], [9, 8]]


@pytest.mark.parametrize("path", PLACES, ids=".".join)
def test_what_is_not_whole_is_no_estimate_whatever_stands_there_instead(path: tuple[str, ...]) -> None:
    """A list of any things does where things are listed, and texts where texts are."""
    listed = path in (("lines",), ("at_another_regions_price",), ("left_out",))
    mapped = path in (("prices",),)
    for value in VALUES:
        if listed and isinstance(value, list) and (path != ("left_out",) or value == ["a", "b"]):
            continue
        if mapped and isinstance(value, Mapping):
            continue
        cost = cut(own(), path, value)
        assert own_estimate(cost) is None, (path, value)
        assert estimated(of_stack(cost), 1).props["least"] == pytest.approx(350.40)


@pytest.mark.parametrize("key", ["at_rest", "by_use", "all"])
def test_sums_that_are_not_those_of_the_pipelines_are_no_estimate(key: str) -> None:
    assert own_estimate(cut(own(), ("month", key), [0, 0])) is None


@pytest.mark.parametrize(
    "cost",
    [{"month": {"all": [0, 0]}}, {"month": "July"}, {"month": {"total": 3}}, {}, 12, "cheap", UNKNOWN, None],
)
def test_another_programs_output_of_that_name_is_not_taken_for_an_estimate(cost: Any) -> None:
    assert estimated(of_stack(cost), 1).props["least"] == pytest.approx(350.40)


def test_what_has_no_price_is_named_with_how_many_there_are() -> None:
    others = [Resource("aws:rds/instance:Instance", name, {}) for name in ("a", "b")]
    gateway = Resource("aws:ec2/natGateway:NatGateway", "out", {"subnet_id": UNKNOWN})
    judged = estimated([CLASSIC, *others, gateway], 100)
    assert judged.props["not_counted"] == ["aws:ec2/natGateway:NatGateway", "aws:rds/instance:Instance (2)"]
    (violation,) = check(judged)
    assert "the ceiling is 100.00, without what no price is known of: aws:ec2/natGateway" in violation.problem
    assert not_counted(estimated([CLASSIC], 100).props) == ""


def test_an_estimate_of_a_stack_names_what_it_left_out() -> None:
    cost = own()
    cost["left_out"].append("aws:ec2/instance:Instance: no price is known")
    assert estimated(of_stack(cost), 1).props["not_counted"] == ["aws:ec2/instance:Instance"]


def test_a_collection_of_the_native_provider_costs_what_the_classic_ones_does() -> None:
    native = Resource(
        "aws-native:opensearchserverless:Collection", "one", {"name": "one"}, region="us-east-1"
    )
    assert estimated([native], 1).props == estimated([CLASSIC], 1).props
    key = Resource("aws-native:kms:Key", "key", {"enable_key_rotation": False}, region="us-east-1")
    assert estimated([key], 1).props["least"] == 1


@pytest.mark.parametrize("stack", STACKS)
def test_of_what_these_stacks_register_only_what_is_paid_by_use_goes_without(stack: str) -> None:
    """Each of these types has a price in the stack's own estimate, by its usage."""
    registered = [Resource(type, type, {}) for type in record(stack).counts()]
    assert estimated(registered, 1).props["not_counted"] == []


def test_what_is_paid_by_use_is_neither_free_nor_paid_at_rest() -> None:
    assert not BY_USE & (FREE.keys() | AT_REST.keys())
    read = [as_registered(type, "it", {}, "", "us-east-1") for type in BY_USE]
    assert set(estimate(read, {}).unpriced) == BY_USE
    assert [rule.id for rule in RULES].count("a-stack-costs-no-more-than-its-ceiling") == 1
