"""The program that makes accounts ready, recorded: what it registers with the config of this repository, or another."""

import json
from functools import cache
from typing import Any

import yaml

from bootstrap.making import lists
from tests.recording import ROOT, Recording, record

PROGRAM = ROOT / "bootstrap" / "program"
HOME = "111111111111"


def config(**changes: Any) -> dict[str, Any]:
    """The keys of Pulumi.accounts.yaml, with these changed."""
    own = yaml.safe_load((PROGRAM / "Pulumi.accounts.yaml").read_text())["config"]
    return {key.removeprefix("tributary-bootstrap:"): value for key, value in own.items()} | changes


def made(**changes: Any) -> Recording:
    """The program recorded, with some of its config changed."""
    return record("accounts", config(**changes), program=PROGRAM / "__main__.py")


@cache
def listed(stack: str) -> lists.Lists:
    """What a stack's roles may, as the program reads it."""
    return lists.of_stack(stack)


def document(text: str) -> dict[str, Any]:
    """A policy, of its JSON."""
    return json.loads(text)
