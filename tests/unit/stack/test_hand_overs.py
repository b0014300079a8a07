"""What a stack's program fills in, and what one pipeline takes of another: each marked in one place."""

import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator

from components.arguments import (
    OF_THE_STACK,
    Refused,
    arguments,
    described,
    of_the_stack,
    parse,
    replaced,
    together,
)
from components.arguments.declare import declared_fields
from components.pipelines.pipeline import HAND_OVERS, Deployed
from components.stack import settings
from components.stack.kinds import KINDS

ACCOUNT = {"id": "111111111111", "region": "eu-central-1"}
SEEN: list[str] = []


def _seen(value: str) -> str:
    SEEN.append(value)
    return value


@arguments
class Example:
    """Arguments of which the stack fills in one."""

    name: Annotated[str, AfterValidator(_seen)]
    """Its name."""
    topic: Annotated[str | None, OF_THE_STACK] = None
    """Where alarms go."""

    @together
    def _checked(self) -> Iterator[str]:
        SEEN.append("together")
        if self.topic == self.name:
            yield "topic: as the name"


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_stack_fills_in_no_config_writes(kind: str) -> None:
    filled = of_the_stack(KINDS[kind].args)
    assert filled >= {"alarm_topic_arn", "functions", "retain_data"}
    for key in filled:
        with pytest.raises(Refused) as refused:
            settings.read({"accounts": {"w": ACCOUNT}, "pipelines": {"p": {"kind": kind, key: "x"}}})
        assert any(
            error.startswith(f"pipelines.p.{key}: the stack's own key") for error in refused.value.errors
        )


def test_the_documentation_of_a_field_names_who_fills_it_in() -> None:
    assert described(Example, "topic") == "Where alarms go; a stack's program fills it in."
    assert described(Example, "name") == "Its name."


def test_a_copy_of_checked_arguments_is_not_checked_again() -> None:
    SEEN.clear()
    example = parse(Example, {"name": "a"})
    assert SEEN == ["a", "together"]
    copied = replaced(example, topic="t")
    assert (copied.name, copied.topic, example.topic) == ("a", "t", None)
    assert SEEN == ["a", "together"]
    with pytest.raises(TypeError, match="Example has no field tpoic"):
        replaced(example, tpoic="t")
    with pytest.raises(dataclasses.FrozenInstanceError):
        copied.topic = "u"  # pyright: ignore


@pytest.mark.parametrize("hand_over", HAND_OVERS, ids=lambda each: each.reference)
def test_what_is_handed_over_is_an_argument_of_a_kind_and_of_what_another_yields(hand_over: Any) -> None:
    assert any(hand_over in kind.yields for kind in KINDS.values())
    takers = [
        kind
        for kind in KINDS.values()
        if hand_over.argument in {field.name for field in dataclasses.fields(kind.args)}
    ]
    assert takers
    value: Any = object()
    assert hand_over.of(Deployed({}, **{hand_over.argument: value})) is value


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_stack_fills_in_is_marked_in_each_kind(kind: str) -> None:
    marked = of_the_stack(KINDS[kind].args)
    # The topic is one that the program creates for the account; the others are the stack's own keys.
    assert marked - {"alarm_topic_arn"} <= {field.name for field in dataclasses.fields(settings.StackArgs)}
    assert {"functions", "retain_data"} <= marked
    assert ("gcp" in marked) == KINDS[kind].google


@pytest.mark.parametrize("kind", KINDS)
def test_how_a_config_writes_an_argument_is_in_its_mark_and_in_no_docstring(kind: str) -> None:
    cls = KINDS[kind].args
    fields = {name: field for base in cls.__mro__ for name, field in declared_fields(base).items()}
    assert not [name for name, field in fields.items() if "stack's config" in (field.description or "")]
    for each in HAND_OVERS:
        if each.argument in fields:
            assert each in fields[each.argument].metadata
            assert f"in a stack's config `{each.reference}: <pipeline>`" in described(cls, each.argument)
