"""What isn't known yet never makes a violation: each program of the rules' own tests, with every property, at any
depth, unknown in turn. A rule that waited at preview is broken again at the update, where all is known."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import pytest

from policy.rules import UNKNOWN, Resource, check, check_all
from tests.unit.policy import test_together as programs
from tests.unit.policy.documents import ACCOUNT
from tests.unit.policy.programs import ROWS

ALONE = [
    Resource(token, "it", props, account=ACCOUNT) for _, token, bad, good in ROWS for props in (bad, good)
]
_TO_QUEUE = programs._to_queue  # pyright: ignore[reportPrivateUsage] - a part of a program
_VERSIONED = programs._versioned  # pyright: ignore[reportPrivateUsage] - a part of a program
TOGETHER: list[list[Resource]] = [
    [programs.QUEUE, programs.CLOSED],
    [programs.QUEUE, programs.OPEN],
    [programs.QUEUE, programs.OTHERS],
    [programs.BUCKET, *programs.PARTS, programs.REPLICATED, _VERSIONED("Enabled")],
    [programs.BUCKET, *programs.PARTS, programs.REPLICATED, _VERSIONED("Suspended")],
    [programs.BUCKET, *programs.PARTS[1:]],
    *(
        [
            Resource(
                programs.NOTIFICATION,
                "n",
                {"bucket": "b", "queues": [_TO_QUEUE("one", "raw/", ".json"), other]},
            )
        ]
        for other in (_TO_QUEUE("two", "raw/orders/", ".json"), _TO_QUEUE("two", "raw/", ".gz"))
    ),
    [Resource(programs.NOTIFICATION, name, {"bucket": "b"}) for name in ("one", "two")],
    [Resource(programs.NOTIFICATION, name, {"bucket": name}) for name in ("one", "two")],
    *(
        [programs.FUNCTION, *others]
        for others in (
            [],
            [programs.SCHEDULED],
            [programs.PERMITTED],
            [programs.MAPPED],
            [programs.MAPPED, programs.PERMITTED],
            [programs.STEPPED],
            [programs.STEPPED, programs.SCHEDULED],
            [programs.KEPT, programs.SCHEDULED],
            [programs.KEPT, programs.PERMITTED],
        )
    ),
]


def _opened(props: Mapping[str, Any]) -> dict[str, Any]:
    """A policy's text as the mapping that a program may give as well, so that its parts can be unknown each."""
    return {
        key: json.loads(value) if isinstance(value, str) and value.startswith("{") else value
        for key, value in props.items()
    }


def _with_one_unknown(value: Any) -> Iterator[Any]:
    """The value once for each part of it, at any depth, with that part unknown."""
    if isinstance(value, Mapping):
        for key, inner in cast("dict[str, Any]", value).items():
            yield from ({**value, key: unknown} for unknown in (UNKNOWN, *_with_one_unknown(inner)))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(cast("list[Any]", value)):
            for unknown in (UNKNOWN, *_with_one_unknown(inner)):
                yield [*value[:index], unknown, *value[index + 1 :]]


def _previews(program: Sequence[Resource]) -> Iterator[list[Resource]]:
    for index, resource in enumerate(program):
        for props in _with_one_unknown(resource.props):
            yield [*program[:index], dataclasses.replace(resource, props=props), *program[index + 1 :]]


def _unknown_but(program: Sequence[Resource], index: int) -> list[Resource]:
    """Of each resource nothing is known, but of one."""
    return [
        resource
        if i == index
        else dataclasses.replace(resource, props=dict.fromkeys(resource.props, UNKNOWN))
        for i, resource in enumerate(program)
    ]


@pytest.mark.parametrize("resource", ALONE, ids=lambda resource: resource.type.split(":")[-1])
@pytest.mark.parametrize("opened", [False, True], ids=["as text", "as a mapping"])
def test_no_unknown_property_makes_a_resource_break_a_rule(resource: Resource, opened: bool) -> None:
    program = dataclasses.replace(resource, props=_opened(resource.props)) if opened else resource
    broken = {violation.rule for violation in check(program)}
    assert broken == {violation.rule for violation in check(resource)}
    previews = [preview for (preview,) in _previews([program])]
    assert previews
    for preview in previews:
        assert {violation.rule for violation in check(preview)} <= broken, preview


@pytest.mark.parametrize(
    "program", TOGETHER, ids=lambda program: "+".join(r.type.split(":")[-1] for r in program)
)
def test_no_unknown_property_makes_resources_break_a_rule_together(program: list[Resource]) -> None:
    broken = {(violation.resource, violation.rule) for violation in check_all(program)}
    previews = [*_previews(program), *(_unknown_but(program, index) for index in range(-1, len(program)))]
    for preview in previews:
        assert {(violation.resource, violation.rule) for violation in check_all(preview)} <= broken, preview


def test_a_definition_that_is_not_known_yet_may_call_the_function() -> None:
    waiting = dataclasses.replace(programs.STEPPED, props={"definition": UNKNOWN})
    assert check_all([programs.FUNCTION, waiting]) == []
    assert check_all([programs.FUNCTION, dataclasses.replace(waiting, props={"definition": "{}"})]) != []


def test_what_is_certain_is_refused_at_preview_though_something_else_is_not_known() -> None:
    scheduled = [
        programs.FUNCTION,
        programs.SCHEDULED,
        dataclasses.replace(programs.MAPPED, props={"function_name": UNKNOWN}),
    ]
    assert [violation.rule for violation in check_all(scheduled)] == ["what a function fails on is kept"]
    other = Resource(programs.BUCKET.type, "c", {"bucket": "c"})
    parts = [
        Resource(p.type, "c", {"bucket": UNKNOWN}, {"bucket": frozenset({other.key})}) for p in programs.PARTS
    ]
    assert {violation.resource for violation in check_all([programs.BUCKET, other, *parts])} == {
        programs.BUCKET.key
    }
