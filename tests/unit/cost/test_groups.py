"""What a collection group costs that several pipelines stand in, by hand: it is awake while any of them is used, never
longer than the month, and each hour is paid once
(https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scale-to-zero.html)."""

import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from components.cost import Estimate, Pipeline, Resource, estimate
from components.cost.usage import FirehoseUsageArgs
from tests.unit.cost.test_cases import FRANKFURT, US, collection, group

LIMITS: dict[str, Any] = {"max_indexing_capacity_in_ocu": 4, "max_search_capacity_in_ocu": 8}
UNIT = Decimal("0.24")
"""Dollars a unit and hour in us-east-1 (https://aws.amazon.com/opensearch-service/pricing/)."""
MONTH = 730


def used(made: Sequence[Resource], hours: Mapping[str, float | tuple[float, float]]) -> Estimate:
    """The estimate of pipelines that write and search for these hours; two numbers are indexing and search."""
    args = SimpleNamespace(account=SimpleNamespace(region=US), tables=[])
    pipelines: dict[str, Pipeline] = {}
    for name, given in hours.items():
        indexing, search = given if isinstance(given, tuple) else (given, given)
        usage = FirehoseUsageArgs(
            monthly_data_ingested_gb=0,
            backup_gb=0,
            index_storage_gb=0,
            monthly_indexing_hours=indexing,
            monthly_search_hours=search,
        )
        pipelines[name] = Pipeline("firehose", args, usage)
    return estimate(made, pipelines)


def shared(*names: str, **limits: Any) -> list[Resource]:
    """A group that the first pipeline makes, with a collection of each."""
    made = group(US, f"{names[0]}-group", **LIMITS | limits)
    return [made, *(collection(name=name, collection_group_name="g") for name in names)]


CASES = [
    # hours of each, then the least and the most hours of half and one unit, of 4 + 8 units
    ((60, 60), "60 * (0.5 + 1), 120 * (4 + 8)"),
    ((0, 730), "730 * (0.5 + 1), 730 * (4 + 8)"),
    ((730, 0), "730 * (0.5 + 1), 730 * (4 + 8)"),
    ((730, 730), "730 * (0.5 + 1), 730 * (4 + 8)"),
    ((500, 400), "500 * (0.5 + 1), 730 * (4 + 8)"),
    ((100, 20, 300), "300 * (0.5 + 1), 420 * (4 + 8)"),
    ((0, 0), "0, 0"),
]


@pytest.mark.parametrize(("hours", "by_hand"), CASES, ids=lambda each: str(each))
def test_a_group_is_awake_for_the_longest_at_the_least_and_for_all_in_turn_at_the_most(
    hours: tuple[float, ...], by_hand: str
) -> None:
    names = [f"p{position}" for position, _ in enumerate(hours)]
    cost = used(shared(*names), dict(zip(names, hours, strict=True)))
    expected = tuple(float(UNIT) * units for units in eval(by_hand))  # the arithmetic of this file
    assert tuple(map(float, cost.sum("by use"))) == pytest.approx(expected)


def test_the_two_groups_that_a_ceiling_let_through_and_stopped() -> None:
    """One that only its follower uses is paid all the same, and one that both use has twelve units at the most."""
    group = shared("maker", "follower")
    assert used(group, {"maker": 0, "follower": MONTH}).sum("by use")[0] == Decimal("262.80")
    assert used(group, {"maker": MONTH, "follower": MONTH}).sum("by use")[1] == Decimal("2102.40")


@pytest.mark.parametrize("hours", list(itertools.product((0, 1, 350, 730), repeat=3)), ids=str)
def test_whatever_the_hours_no_line_is_more_at_the_least_than_at_the_most(hours: tuple[float, ...]) -> None:
    cost = used(shared("p0", "p1", "p2"), {f"p{position}": each for position, each in enumerate(hours)})
    lines = [line for line in cost.lines if line.quantity.what.endswith("awake")]
    assert len(lines) == 6 and all(0 <= line.least <= line.most for line in lines)
    units = Decimal("1.5"), Decimal(12)
    assert units[0] * Decimal(max(hours)) * UNIT == cost.sum("by use")[0]
    assert units[1] * Decimal(min(MONTH, sum(hours))) * UNIT == cost.sum("by use")[1]


def test_a_part_sleeps_by_itself() -> None:
    cost = used(shared("maker", "follower"), {"maker": (100, 0), "follower": (0, 50)})
    assert cost.sum("by use") == ((100 * Decimal("0.5") + 50 * 1) * UNIT, (100 * 4 + 50 * 8) * UNIT)


def test_what_uses_it_longest_is_booked_its_own_hours_and_the_maker_where_both_do() -> None:
    both = used(shared("maker", "follower"), {"follower": 60, "maker": 60})
    assert [both.sum("by use", name)[0] for name in ("maker", "follower")] == [60 * Decimal("1.5") * UNIT, 0]
    longer = used(shared("maker", "follower"), {"maker": 60, "follower": 70})
    assert [longer.sum("by use", name)[0] for name in ("maker", "follower")] == [
        0,
        70 * Decimal("1.5") * UNIT,
    ]


def test_units_that_are_always_there_are_paid_at_rest_and_once() -> None:
    cost = used(shared("maker", "follower", min_search_capacity_in_ocu=2), {"maker": 60, "follower": 60})
    assert [cost.sum("at rest", name) for name in ("maker", "follower")] == [
        (Decimal("350.40"), Decimal("350.40")),
        (0, 0),
    ]
    assert cost.sum("by use") == (60 * Decimal("0.5") * UNIT, 120 * (4 + 6) * UNIT)


@pytest.mark.parametrize(
    "other",
    [
        collection(FRANKFURT, name="two", collection_group_name="g"),
        collection(name="two", account="2", collection_group_name="g"),
        collection(name="two", collection_group_name="h"),
    ],
    ids=["another region", "another account", "another group"],
)
def test_a_collection_elsewhere_keeps_no_group_awake_that_is_called_the_same(other: Resource) -> None:
    made = [*shared("one"), other]
    assert used(made, {"one": 60, "two": 500}).sum("by use", "two") == (0, 0)


def test_a_group_that_was_there_is_not_this_programs() -> None:
    assert used(shared("one", "two")[1:], {"one": 60, "two": 60}).sum() == (0, 0)


def test_a_classic_group_never_sleeps() -> None:
    made = [group(US, "one-group", generation="CLASSIC", **LIMITS), *shared("one", "two")[1:]]
    cost = used(made, {"one": 60, "two": 60})
    assert (cost.sum("at rest"), cost.sum("by use")) == ((Decimal("350.40"), Decimal("350.40")), (0, 0))
