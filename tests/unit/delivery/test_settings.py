"""delivery.yaml: a wrong key or value is refused with its place, and the repository's own file is read."""

from pathlib import Path
from typing import Any

import pytest

from delivery.settings import DeliverySettings, Masking, Refused, StackDelivery, parse, read

ROOT = Path(__file__).resolve().parents[3]


def test_the_repository_s_own_file_is_read() -> None:
    settings = read(ROOT)
    assert {"dev", "prod"} <= set(settings.stacks)
    assert "local" in settings.embedded


def test_what_is_left_out_has_a_default() -> None:
    assert parse({"stacks": {"dev": None}}) == DeliverySettings({"dev": StackDelivery()}, (), Masking())


def test_stacks_keep_their_order_and_what_is_written() -> None:
    settings = parse(
        {"stacks": {"b": {"policies": "mandatory"}, "a": {"approval": True}}, "mask": {"also": ["x"]}}
    )
    assert list(settings.stacks.items()) == [
        ("b", StackDelivery(policies="mandatory")), ("a", StackDelivery(approval=True)),
    ]  # fmt: skip
    assert settings.mask == Masking(also=("x",))


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ([], "delivery.yaml: not a mapping"),
        ({"stack": {}}, "'stack' is not a key"),
        ({"stacks": ["dev"]}, r"stacks: \['dev'\] is not a mapping"),
        ({"stacks": {"dev": ["x"]}}, r"stacks.dev: \['x'\] is not a mapping"),
        ({"stacks": {"dev": {"approval": "yes"}}}, "stacks.dev.approval: 'yes' is not a bool"),
        ({"stacks": {"dev": {"policies": "strict"}}}, "stacks.dev.policies: 'strict'"),
        ({"mask": {"also": "x"}}, "mask.also: 'x' is not a list"),
        ({"mask": {"also": ["("]}}, r"mask.also: '\(' is no regular expression"),
        ({"stacks": {"dev": {}}, "embedded": ["dev"]}, "embedded: dev is deployed as well"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(content: Any, place: str) -> None:
    with pytest.raises(Refused, match=place):
        parse(content)
