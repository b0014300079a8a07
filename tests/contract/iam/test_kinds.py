"""No resource grants anything that the proof doesn't see: the providers' SDKs say which inputs could."""

import importlib
import inspect
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.iam.harvest import READ, harvest
from tests.contract.iam.kinds import COMPONENTS, GRANTS_NOTHING, HARMLESS
from tests.contract.iam.stacks import PROVEN, SHIPPED, proven, shipped
from tests.recording import Recorded

SOUNDS_LIKE_A_GRANT = re.compile("|".join(("access", "acl", "grant", "iam", "member", "permission", "polic",
                                           "principal", "privilege", "trust")), re.IGNORECASE)  # fmt: skip


def inputs_of(type: str) -> list[str]:
    """The inputs of a type, as the engine gets them, by the SDK's own constructor."""
    package, module, name = type.split(":")
    module = module.split("/")[0]
    module = f"{module}_" if module == "lambda" else module
    made: Any = getattr(importlib.import_module(f"pulumi_{package}.{module}"), name)
    names = list(inspect.signature(made._internal_init).parameters)[3:]
    return [re.sub(r"_([a-z0-9])", lambda letter: letter[1].upper(), name) for name in names]


@pytest.mark.parametrize("type", GRANTS_NOTHING)
def test_an_input_that_could_grant_is_one_that_has_to_be_absent(type: str) -> None:
    harmless = {right for rights in HARMLESS.values() for right in rights}
    could = {
        name
        for name in inputs_of(type)
        if SOUNDS_LIKE_A_GRANT.search(name) and not harmless & {name, f"{name} of {type}"}
    }
    assert could <= set(GRANTS_NOTHING[type])
    assert set(GRANTS_NOTHING[type]) <= set(inputs_of(type))


@pytest.fixture(scope="module")
def registered() -> list[Recorded]:
    stacks = [*(shipped(stack) for stack in SHIPPED), *(proven(of) for of in PROVEN)]
    return [resource for stack in stacks for resource in stack]


def test_every_kind_that_a_stack_registers_is_known_and_no_other_is_listed(
    registered: list[Recorded],
) -> None:
    types = {resource.type for resource in registered if not resource.type.startswith(COMPONENTS)}
    assert types - set(READ) == set(GRANTS_NOTHING)


def test_a_kind_that_nobody_has_classified_is_an_error() -> None:
    unknown = Recorded("aws:ram/resourceShare:ResourceShare", "shared", {}, "workload")
    with pytest.raises(ValueError, match="whether aws:ram/resourceShare:ResourceShare can grant"):
        harvest([unknown])


@pytest.mark.parametrize(("type", "input"), [(t, i) for t, inputs in GRANTS_NOTHING.items() for i in inputs])
def test_an_input_that_grants_is_an_error(type: str, input: str) -> None:
    harvest([quiet := Recorded(type, "quiet", {}, "workload")])
    with pytest.raises(ValueError, match=f"does not read {input}"):
        harvest([replace(quiet, inputs={input: "x"})])
