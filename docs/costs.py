"""The tables of cost: what each stack of this repository is expected to cost, the keys of `usage`, prices, and
what is free.

A stack's estimate is the output `cost` of its program, run without an engine.
"""

import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

from bootstrap.registered import config_of, registered
from components.cost import text
from components.cost.free import FREE
from components.cost.offers import GOOGLE, PRODUCTS
from components.cost.prices import Price, prices, regions
from components.cost.usage import USAGE
from delivery.costs import stand_ins

NEXTGEN = {"generation": "nextgen"}
STACKS = ("dev", "prod", "local")
ELSEWHERE = "at_another_regions_price"
PART = re.compile(r"(<!-- (cost|usage|prices|free)(?:: (\S+))? -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def current(page: str, table_of: Callable[[type], str]) -> str:
    """The page with its tables made anew; `table_of` makes the table of an argument class."""

    def table(part: re.Match[str]) -> str:
        if part[2] == "cost":
            return cost(part[3])
        if part[2] == "usage":
            return table_of(USAGE[part[3]])
        if part[2] == "prices":
            return {"sources": sources, "by-hand": by_hand, None: listed_prices}[part[3]]()
        return free()

    return PART.sub(lambda part: part[1] + table(part) + part[4], page)


@functools.cache
def estimated(stack: str) -> dict[str, Any]:
    """A stack's estimate as plain data; of `<stack>-nextgen`, as if its collections were of the next generation."""
    name = stack.removesuffix("-nextgen")
    config = config_of(name)
    if name != stack:
        keys = {"readers", "key_arn", "network"}
        config["pipelines"] = {
            key: pipeline
            | {"collection": {k: v for k, v in pipeline["collection"].items() if k in keys} | NEXTGEN}
            if "collection" in pipeline
            else pipeline
            for key, pipeline in config["pipelines"].items()
        }
    return registered(name, config).outputs["cost"]


def cost(stack: str) -> str:
    """A stack's pipelines, in US dollars a month, and which prices are another region's; of `all` only the
    stacks' sums."""
    if stack == "all":
        sums = [(name, *text.rows(estimated(name))[-1][2:]) for name in STACKS]
        return _markdown(("stack", "at rest", "by use", "once"), sums, right=3)
    head = ("pipeline", "kind", "at rest", "by use", "once")
    table = _markdown(head, text.rows(estimated(stack)), right=3)
    return table + _stand_ins(estimated(stack)[ELSEWHERE])


def _stand_ins(listed: Iterable[str]) -> str:
    places = [re.sub(r"(?<=[ :])[\w.]+\.\w+", r"`\g<0>`", place) for place in stand_ins(sorted({*listed}))]
    return f"\nNo list was read, so another region's price is used: {'; '.join(places)}.\n" if places else ""


def listed_prices() -> str:
    """Each price by region, with its page; `*` where a list was not read and another region's stands in."""
    by_key: dict[str, list[Price]] = {}
    for price in prices().values():
        by_key.setdefault(price.key, []).append(price)
    places = regions()
    rows: list[tuple[str, ...]] = []
    for key, listed in sorted(by_key.items()):
        amounts = {row.region: f"{row.price.normalize():f}" for row in listed}
        cells = [amounts.get(place, amounts.get("*", "")) for place in places]
        dates = sorted({row.date for row in listed})
        span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
        rows.append((f"[{key}]({listed[0].page})", listed[0].unit, *cells, span))
    return _markdown(("price of", "unit", *places, "read"), rows)


def sources() -> str:
    """How many prices were read where, and of which dates."""
    kinds: dict[str, list[Price]] = {}
    for price in prices().values():
        of_aws = price.source.startswith("price list ")
        kind = "AWS's price list of the service" if of_aws else _SOURCES[price.source]
        kinds.setdefault(kind, []).append(price)
    rows = [
        (
            kind,
            str(len(listed)),
            f"{min(each.date for each in listed)} to {max(each.date for each in listed)}",
        )
        for kind, listed in sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    ]
    return _markdown(("read in", "prices", "dates"), rows)


def by_hand() -> str:
    """The prices that the command which reads the lists has no product for."""
    keys = sorted({price.key for price in prices().values()} - PRODUCTS.keys() - GOOGLE.keys())
    return ", ".join(f"`{key}`" for key in keys) + ".\n"


_SOURCES = {
    "page": "the service's page of prices",
    "price list, in the reference output of Infracost": "a price list, by way of Infracost's reference outputs",
    "list of SKUs": "Google's list of SKUs",
}


def free() -> str:
    """The types of resource that cost nothing."""
    return _markdown(
        ("type", "why nothing is paid"), [(f"`{type}`", why) for type, why in sorted(FREE.items())]
    )


def _markdown(head: Iterable[str], rows: Iterable[Iterable[str]], right: int = 0) -> str:
    columns = list(head)
    ruler = "|" + "---|" * (len(columns) - right) + "---:|" * right
    lines = [columns, *(list(row) for row in rows)]
    first, *rest = ("| " + " | ".join(line) + " |" for line in lines)
    return "\n".join((first, ruler, *rest)) + "\n"
