"""A registered resource as this room reads it, and quantities of what is paid for."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from components.arguments.plain import is_list, is_mapping

HOURS = Decimal(730)
"""The hours of a month (https://aws.amazon.com/calculator/calculator-assumptions/)."""
When = Literal["at rest", "by use", "once"]
Number = int | float | Decimal


@dataclass(frozen=True)
class Resource:
    """A type token, the name in the program, the inputs as far as they are known (keys in snake_case), and where it
    stands: a region of AWS or a location of Google Cloud, the account, and the outermost component that it is part of,
    as `<type>::<name>`."""

    type: str
    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    region: str = ""
    account: str = ""
    root: str = ""

    def known(self, key: str, kind: Any, default: Any) -> Any:
        """An input where it is known and of that kind, else the default."""
        value = self.inputs.get(key, default)
        return value if isinstance(value, kind) else default

    def number(self, key: str, default: int) -> Decimal:
        """A number among the inputs, whole or not as the engine sends it, where it is known."""
        return Decimal(str(self.known(key, (int, float), default)))


def as_registered(
    type: str,
    name: str,
    inputs: Mapping[str, Any],
    account: Any,
    region: Any,
    google: str = "",
    root: str = "",
) -> Resource:
    """A resource of a program, without what is no plain data of its inputs: what is not known yet. `google`: the
    location of what names none at Google Cloud.

    `inputs`: as registered, in snake_case. `region`, `account`: of its provider, where they are known. `root`: the
    pipeline that it belongs to."""
    inputs = _plain(inputs)
    if type.startswith("gcp:"):
        location = inputs.get("location")
        place = location if isinstance(location, str) else google
        # Multi-regions are written in capitals, regions are not; a bucket's location is always in capitals.
        region = place.upper() if place.upper() in ("US", "EU", "ASIA") else place.lower()
    place, owner = (value if isinstance(value, str) else "" for value in (region, account))
    return Resource(type, name, inputs, place, owner, root)


def _plain(value: Any) -> Any:
    if is_mapping(value):
        return {key: _plain(each) for key, each in value.items() if isinstance(each, _PLAIN)}
    return [_plain(each) for each in value if isinstance(each, _PLAIN)] if is_list(value) else value


_PLAIN = (str, int, float, Mapping, list)  # a truth is an int


@dataclass(frozen=True)
class Quantity:
    """So many units a month of what one price is for: `least` to `most`, as the service's own scaling decides.

    `of`: the type of resource that brings it. `what`: in words. `key`: the price's. `region`: whose price."""

    of: str
    what: str
    when: When
    key: str
    region: str
    least: Decimal
    most: Decimal


def quantity(
    of: str, what: str, when: When, key: str, region: str, least: Number, most: Number | None = None
) -> Quantity:
    """A quantity of plain numbers; one number where nothing scales.

    `of`: the type of resource that brings it. `what`: in words. `when`: at rest, by use or once. `key`: the row of
    prices/. `region`: whose price. `least`, `most`: units a month; `most` is None where nothing scales."""
    low = Decimal(str(least))
    return Quantity(of, what, when, key, region, low, low if most is None else Decimal(str(most)))


def snake(value: Any) -> Any:
    """Inputs with camelCase keys, as the engine has them, in snake_case."""
    if is_mapping(value):
        return {
            re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower(): snake(each) for key, each in value.items()
        }
    return [snake(each) for each in value] if is_list(value) else value


def of_type(resources: Iterable[Resource], type: str) -> list[Resource]:
    """Those of one type."""
    return [each for each in resources if each.type == type]
