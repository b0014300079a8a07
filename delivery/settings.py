"""delivery.yaml: the stacks that are deployed, in the order of a merge, and what a comment hides.

stacks:
  dev: {}                                    # deployed on merge
  prod: {approval: true, policies: mandatory}
embedded: [local]                            # on the embedded cloud only: no credentials, no drift
mask: {account_ids: true, addresses: true, also: ["acme-[0-9]+"]}
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from delivery.values import is_mapping

FILE = "delivery.yaml"
LEVELS = ("advisory", "mandatory")
T = TypeVar("T", "StackDelivery", "Masking")


class Refused(ValueError):
    """delivery.yaml is wrong; the message names the key and what to write instead."""


@dataclasses.dataclass(frozen=True)
class StackDelivery:
    """How one stack is deployed."""

    approval: bool = False
    """Whether somebody has to approve it, by GitHub's environment of the stack's name."""
    policies: str = "advisory"
    """What a finding of the policy pack does: `advisory` reports it, `mandatory` stops the deployment."""


@dataclasses.dataclass(frozen=True)
class Masking:
    """What a comment hides; credentials are always hidden."""

    account_ids: bool = True
    """12 digits of an account: its name in the stack's config stands there instead."""
    addresses: bool = True
    """E-mail addresses."""
    also: tuple[str, ...] = ()
    """Regular expressions of further texts."""


@dataclasses.dataclass(frozen=True)
class DeliverySettings:
    """What delivery.yaml has."""

    stacks: Mapping[str, StackDelivery]
    """In the order in which a merge deploys them."""
    embedded: tuple[str, ...] = ()
    """Stacks that exist on the embedded cloud only."""
    mask: Masking = Masking()


def read(root: Path) -> DeliverySettings:
    """The settings of the repository at `root`. Raises Refused."""
    return parse(yaml.safe_load((root / FILE).read_text()))


def parse(content: Any) -> DeliverySettings:
    """The settings of plain data. Raises Refused."""
    if not is_mapping(content):
        raise Refused(f"{FILE}: not a mapping; write {{stacks: {{dev: {{}}}}}}")
    _known(content, {"stacks", "embedded", "mask"}, FILE)
    stacks: dict[str, StackDelivery] = {}
    by_stack: Any = content.get("stacks") or {}
    if not is_mapping(by_stack):
        raise Refused(f"{FILE}: stacks: {by_stack!r} is not a mapping; write {{dev: {{}}}}")
    for name, value in by_stack.items():
        stacks[name] = stack = _parsed(StackDelivery, value, f"{FILE}: stacks.{name}")
        if stack.policies not in LEVELS:
            raise Refused(
                f"{FILE}: stacks.{name}.policies: '{stack.policies}'; write one of {', '.join(LEVELS)}"
            )
    mask = _parsed(Masking, content.get("mask"), f"{FILE}: mask")
    mask = dataclasses.replace(mask, also=tuple(mask.also))
    for pattern in mask.also:
        try:
            re.compile(pattern)
        except re.error as error:
            raise Refused(f"{FILE}: mask.also: '{pattern}' is no regular expression: {error}") from None
    embedded = tuple(content.get("embedded") or ())
    if both := sorted(set(embedded) & set(stacks)):
        raise Refused(f"{FILE}: embedded: {both[0]} is deployed as well; leave it out of one of the two")
    return DeliverySettings(stacks, embedded, mask)


def _parsed(cls: type[T], value: Any, where: str) -> T:
    value = value or {}
    if not is_mapping(value):
        raise Refused(f"{where}: {value!r} is not a mapping")
    fields: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(cls)}
    _known(value, set(fields), where)
    for key, setting in value.items():
        default = fields[key]
        wanted: type[Any] = list if isinstance(default, tuple) else default.__class__
        if not isinstance(setting, wanted):
            raise Refused(f"{where}.{key}: {setting!r} is not a {wanted.__name__}")
    return cls(**value)


def _known(value: Mapping[str, Any], keys: set[str], where: str) -> None:
    if unknown := sorted(set(map(str, value)) - keys):
        raise Refused(f"{where}: '{unknown[0]}' is not a key; the keys are {', '.join(sorted(keys))}")
