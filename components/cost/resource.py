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
    stands: a region of AWS or a location of Google Cloud, and the account."""

    type: str
    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    region: str = ""
    account: str = ""

    def known(self, key: str, kind: Any, default: Any) -> Any:
        """An input where it is known and of that kind, else the default."""
        value = self.inputs.get(key, default)
        return value if isinstance(value, kind) else default


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
    """A quantity of plain numbers; one number where nothing scales."""
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
