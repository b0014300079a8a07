"""What a stack costs a month, before and after a change.

A place for the estimate that knows prices: `report` takes two of them. Without one the comment has no part on costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class CostChange:
    """What a stack costs, in US dollars a month."""

    stack: str
    before: Mapping[str, float]
    """By pipeline, of the config that is deployed."""
    after: Mapping[str, float]
    assumes: str = ""
    """What the numbers stand on, such as how much data a day."""

    @property
    def difference(self) -> float:
        return sum(self.after.values()) - sum(self.before.values())
