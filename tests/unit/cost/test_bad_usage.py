"""Every key of `usage` and of `cost`, wrong in each way, is one error that names its path and what is there."""

import copy
import dataclasses
from typing import Any

import pytest

from components.arguments import Refused
from components.cost.usage import USAGE
from components.stack import settings
from components.stack.settings import CostArgs
from tests.recording import stack_config

PIPELINES = {pipeline["kind"]: name for name, pipeline in stack_config("prod")["pipelines"].items()}
USED = [(kind, each.name) for kind, cls in USAGE.items() for each in dataclasses.fields(cls)]
WRONG = (-1, "much", True, [1], {"gb": 1}, 10**13, float("nan"), float("inf"))


def errors(**changed: Any) -> tuple[str, ...]:
    with pytest.raises(Refused) as refused:
        settings.read(copy.deepcopy(stack_config("prod")) | changed)
    return refused.value.errors


def used(kind: str, usage: Any) -> dict[str, Any]:
    pipelines = stack_config("prod")["pipelines"]
    name = PIPELINES[kind]
    return {"pipelines": pipelines | {name: pipelines[name] | {"usage": usage}}}


@pytest.mark.parametrize(("kind", "key"), USED)
def test_a_wrong_amount_is_one_error(kind: str, key: str) -> None:
    for wrong in WRONG:
        (error,) = errors(**used(kind, {key: wrong}))
        assert error.startswith(f"pipelines.{PIPELINES[kind]}.usage.{key}: "), (wrong, error)


@pytest.mark.parametrize("kind", USAGE)
def test_a_key_of_another_kind_is_refused_and_the_nearest_offered(kind: str) -> None:
    (error,) = errors(**used(kind, {"monthly_request": 1}))
    assert error.startswith(f"pipelines.{PIPELINES[kind]}.usage.monthly_request: ")
    assert "'monthly_requests'" in error
    for wrong in ("10 GB", 3, [{"storage_gb": 1}]):
        (error,) = errors(**used(kind, wrong))
        assert error.startswith(f"pipelines.{PIPELINES[kind]}.usage: "), error


@pytest.mark.parametrize(
    ("cost", "path"),
    [
        ({"ceiling": -1}, "cost.ceiling"),
        ({"ceiling": "500 dollars"}, "cost.ceiling"),
        ({"ceiling": float("nan")}, "cost.ceiling"),
        ({"ceiling": 5, "enforcement": "strict"}, "cost.enforcement"),
        ({"limit": 5}, "cost.limit"),
        (500, "cost"),
    ],
)
def test_a_wrong_ceiling_is_one_error(cost: Any, path: str) -> None:
    (error,) = errors(cost=cost)
    assert error.startswith(f"{path}: "), error


def test_every_key_of_cost_is_judged() -> None:
    assert {each.name for each in dataclasses.fields(CostArgs)} == {"ceiling", "enforcement"}
