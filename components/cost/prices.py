"""List prices: the rows of prices/*.csv.

A row is a key of ours (`aoss.ocu`), a region, the price in US dollars of one unit, the date of the list that it stands
in, the service's page, and where that list was read. `*` as a region: the page gives one price for all. What a list was
not found for is not there: `price` then gives the row of the reference region, and its `region` says so.
"""

import csv
import functools
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

FILES = Path(__file__).with_name("prices")
COLUMNS = ("key", "region", "price", "unit", "date", "page", "source")
REFERENCE = ("us-east-1", "US", "EU")
"""The regions whose price stands in, in this order, where a region has none."""


@dataclass(frozen=True)
class Price:
    """The price of one unit."""

    key: str
    region: str
    price: Decimal
    unit: str
    date: str
    page: str
    source: str


def _typed(row: dict[str, str]) -> dict[str, Any]:
    return {**row, "price": Decimal(row["price"])}


def read(path: Path) -> list[Price]:
    """The rows of one file."""
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        assert rows.fieldnames == list(COLUMNS), f"{path}: the columns are {', '.join(COLUMNS)}"
        return [Price(**whole) for row in rows if (whole := _typed(row))]


@functools.cache
def prices() -> dict[tuple[str, str], Price]:
    """All prices by key and region."""
    return {(price.key, price.region): price for path in sorted(FILES.glob("*.csv")) for price in read(path)}


def price(key: str, region: str) -> Price:
    """The price of a key in a region, in any, or in the reference region. Raises KeyError for a key without a price."""
    listed = prices()
    for place in (region, "*", *REFERENCE):
        if (key, place) in listed:
            return listed[key, place]
    raise KeyError(f"no list has a price for {key}; add it to components/cost/prices")


def regions() -> list[str]:
    """The regions that have prices of their own."""
    return sorted({region for _, region in prices()} - {"*"})
