"""What the tests put in place of a part of Pulumi's SDK says the same."""

from __future__ import annotations

import importlib.util
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from tests import sdk

UNKNOWN = pulumi.UNKNOWN
ROUND: list[Any] = [1]
ROUND.append({"itself": ROUND})
VALUES: list[Any] = [
    None, 0, "text", UNKNOWN, [], {}, [UNKNOWN], [[1], [2, [UNKNOWN]]], {"a": {"b": [None, {"c": UNKNOWN}]}},
    {"a": {"b": [None, {"c": 1}]}}, (UNKNOWN,), {UNKNOWN}, ROUND, [ROUND, UNKNOWN], pulumi.FileAsset("/"),
    {"known": ["x"] * 3, "list": [[], {}, UNKNOWN]},
]  # fmt: skip


def the_sdks_own() -> Any:
    """The SDK's module as it is in the package."""
    assert rpc.__spec__
    module = importlib.util.module_from_spec(rpc.__spec__)
    assert rpc.__spec__.loader
    rpc.__spec__.loader.exec_module(module)
    return module


def test_a_value_that_is_not_known_is_seen_where_the_sdk_sees_it() -> None:
    original = the_sdks_own().contains_unknowns
    assert original is not sdk.contains_unknowns and rpc.contains_unknowns is sdk.contains_unknowns
    answers = [original(value) for value in VALUES]
    assert [sdk.contains_unknowns(value) for value in VALUES] == answers
    assert {True, False} == set(answers)


@pytest.mark.parametrize("known", [True, False])
def test_an_output_of_the_sdks_asks_the_cheaper_form(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def contains_unknowns(value: Any) -> bool:
        seen.append(value)
        return not known

    monkeypatch.setattr(rpc, "contains_unknowns", contains_unknowns)
    assert pulumi.contains_unknowns(["value"]) is not known
    assert seen == [["value"]]
