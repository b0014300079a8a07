"""What a stack costs a month, before and after a change: its output `cost`, as the state and the preview have it.

The program estimates it (components/cost) and exports it; here two estimates are set side by side. Amounts are ranges,
the least and the most, in US dollars a month at list prices.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from delivery.values import is_mapping, mapping

Range = tuple[float, float]
NOTHING: Range = (0.0, 0.0)
COMPARED = ("month", "pipelines", "prices", "at_another_regions_price")
"""What is read of an estimate; its lines are many, and the comment has none of them."""


@dataclass(frozen=True)
class CostChange:
    """What a stack costs, by pipeline; `before` is None where the deployed program estimated nothing."""

    before: Mapping[str, Range] | None
    after: Mapping[str, Range]
    total_before: Range | None
    total_after: Range
    prices: str = ""
    """Of when the list prices are."""
    stand_ins: tuple[str, ...] = ()
    """Which prices are another region's, in words: `in eu-central-1 of us-east-1: aoss.ocu, osis.ocu`."""

    def changed(self) -> dict[str, tuple[Range, Range]]:
        """The pipelines whose cost changes, before and after."""
        was = self.before or {}
        names = sorted({*was, *self.after})
        both = {name: (was.get(name, NOTHING), self.after.get(name, NOTHING)) for name in names}
        return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def compared(estimate: Any) -> dict[str, Any] | None:
    """Of a stack's output `cost`, what is read of it here; None of anything else."""
    if not is_mapping(estimate) or not is_mapping(estimate.get("month")):
        return None
    return {key: estimate[key] for key in COMPARED if key in estimate}


def change(before: Any, after: Any) -> CostChange | None:
    """What changes from one estimate to another; None where the program estimates nothing."""
    was, now = compared(before), compared(after)
    if now is None:
        return None
    prices = mapping(now.get("prices"))
    dates = f"list prices of {prices['from']} to {prices['to']}" if {"from", "to"} <= set(prices) else ""
    return CostChange(
        _pipelines(was) if was is not None else None,
        _pipelines(now),
        _range(was["month"].get("all")) if was is not None else None,
        _range(now["month"].get("all")),
        dates,
        tuple(stand_ins(now.get("at_another_regions_price"))),
    )


def stand_ins(listed: Any) -> list[str]:
    """An estimate's `at_another_regions_price` (`aoss.ocu in eu-central-1: us-east-1's`), a text for each two regions;
    what is written otherwise stands for itself."""
    texts = (
        [each for each in cast(list[Any], listed) if isinstance(each, str)]
        if isinstance(listed, list)
        else []
    )
    keys: dict[str, list[str]] = {}
    for each in texts:
        if parts := re.fullmatch(r"(\S+) in (\S+): (\S+)'s", each):
            keys.setdefault(f"in {parts[2]} of {parts[3]}: ", []).append(parts[1])
        else:
            keys.setdefault(each, [])
    return [place + ", ".join(priced) for place, priced in keys.items()]


def _pipelines(estimate: Mapping[str, Any]) -> dict[str, Range]:
    """What each pipeline costs a month: at rest and by use."""
    sums: dict[str, Range] = {}
    for name, part in mapping(estimate.get("pipelines")).items():
        least, most = zip(*(_range(part.get(when)) for when in ("at_rest", "by_use")), strict=True)
        sums[name] = (round(sum(least), 2), round(sum(most), 2))
    return sums


def _range(value: Any) -> Range:
    match value:
        case [int() | float() as least, int() | float() as most]:
            return float(least), float(most)
        case _:
            return NOTHING
