"""A stack's cost a month: lines by pipeline, sums as ranges, and what is left out."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from components.cost.at_rest import AT_REST, COLLECTION
from components.cost.by_use import Used, by_use
from components.cost.free import FREE
from components.cost.groups import awake
from components.cost.prices import Price, price
from components.cost.resource import Quantity, Resource, When, of_type
from components.cost.usage import USAGE

STACK = "accounts"
"""What stands for the resources that are no pipeline's: each account's topic of alarms."""
WHENS: tuple[When, ...] = ("at rest", "by use", "once")
LEFT_OUT = (
    "taxes, free tiers, discounts for volume, savings plans and support",
    "what was there before: adopted tables, streams, collection groups, buckets, databases and their own reads and "
    "writes",
    "requests for keys (0.03 dollars for 10,000; Bucket Keys keep them few), and the keys that AWS manages",
    "units of a classic collection beyond the least: they follow the data and the searches",
    "what others read of a stream, among them enhanced fan-out, and reads of records older than seven days",
    "metrics that functions send and no alarm reads, and the requests that send them",
    "requests of S3 that Firehose and ingestion make, and versions of objects that are no longer current",
    "queries of logs, and what readers take out of AWS or Google Cloud",
)


@dataclass(frozen=True)
class Pipeline:
    """A pipeline of the config: its kind, its arguments and what it is used for."""

    kind: str
    args: Any
    usage: Any = None


@dataclass(frozen=True)
class Line:
    """What one thing of a pipeline costs: quantity times price, in US dollars a month (or once)."""

    pipeline: str
    quantity: Quantity
    price: Price

    @property
    def least(self) -> Decimal:
        """Its least dollars a month."""
        return self.quantity.least * self.price.price

    @property
    def most(self) -> Decimal:
        """Its most dollars a month."""
        return self.quantity.most * self.price.price

    @property
    def elsewhere(self) -> bool:
        """Whether no list was read for its region, so that another region's price stands in."""
        return self.price.region not in (self.quantity.region, "*")


@dataclass(frozen=True)
class Estimate:
    """The lines of a stack."""

    lines: Sequence[Line]
    unpriced: Sequence[str] = ()
    """Types of resource that this room knows no price and no reason for."""
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])

    def sum(self, when: When | None = None, pipeline: str | None = None) -> tuple[Decimal, Decimal]:
        """The least and the most of the lines; `None` is all pipelines, and all that is paid each month."""
        lines = [
            line
            for line in self.lines
            if pipeline in (None, line.pipeline)
            and (line.quantity.when == when if when else line.quantity.when != "once")
        ]
        return sum((line.least for line in lines), Decimal(0)), sum((line.most for line in lines), Decimal(0))

    def pipelines(self) -> list[str]:
        """The names of the pipelines in their order, what is no pipeline's at the end."""
        names = dict.fromkeys(line.pipeline for line in self.lines)
        return [name for name in names if name != STACK] + [STACK] * (STACK in names)

    def described(self) -> dict[str, Any]:
        """The estimate as plain data, as JSON has it: amounts are `[least, most]` in US dollars, to the cent; a line
        below half a cent is in the sums alone."""
        return {
            "currency": "USD",
            "month": {
                when.replace(" ", "_"): _cents(*self.sum(when)) for when in ("at rest", "by use")
            } | {"all": _cents(*self.sum())},
            "once": _cents(*self.sum("once")),
            "pipelines": {
                name: {when.replace(" ", "_"): _cents(*self.sum(when, name)) for when in WHENS}
                | {"kind": self.kinds.get(name, "")}
                for name in self.pipelines()
            },
            "lines": [_described(line) for line in self.lines if line.most >= Decimal("0.005")],
            "prices": {"from": min(dates), "to": max(dates)} if (dates := self._dates()) else {},
            "at_another_regions_price": sorted(
                {f"{line.price.key} in {line.quantity.region}: {line.price.region}'s" for line in self.lines
                 if line.elsewhere}
            ),
            "left_out": [*LEFT_OUT, *(f"{type}: no price is known" for type in self.unpriced)],
        }  # fmt: skip

    def _dates(self) -> list[str]:
        return [line.price.date for line in self.lines]


def estimate(resources: Iterable[Resource], pipelines: Mapping[str, Pipeline]) -> Estimate:
    """What a stack costs that registers these resources for these pipelines. A pure function; a pipeline without a
    usage gets its kind's defaults."""
    registered = [each for each in resources if not each.type.startswith(("pulumi:", "tributary:"))]
    of: dict[str, list[Resource]] = {name: [] for name in (*pipelines, STACK)}
    for each in registered:
        of[owner(each, pipelines)].append(each)
    lines: list[Line] = []
    shares = _sharing(registered)
    usages = {
        name: each.usage if each.usage is not None else USAGE[each.kind]() for name, each in pipelines.items()
    }
    awake_groups = list(awake(of, usages))
    for name in (*pipelines, STACK):
        quantities = [quantity for each in of[name] for quantity in _at_rest(each, each.name in shares)]
        if name in pipelines:
            pipeline = pipelines[name]
            quantities += by_use(pipeline.kind, Used(pipeline.args, of[name], usages[name]))
        quantities += [quantity for booked, quantity in awake_groups if booked == name]
        lines += [Line(name, each, price(each.key, each.region)) for each in _joined(quantities)]
    known = AT_REST.keys() | FREE.keys() | {line.quantity.of for line in lines}
    unpriced = sorted({each.type for each in registered} - known)
    kinds = {name: pipeline.kind for name, pipeline in pipelines.items()}
    return Estimate(lines, unpriced, kinds)


def owner(resource: Resource, pipelines: Iterable[str]) -> str:
    """The pipeline that a resource belongs to: the component that it is part of, and where that is not known the one
    that its name begins with, of several the longest."""
    type, _, root = resource.root.partition("::")
    if type.startswith("tributary:"):
        return root if type.startswith("tributary:pipelines:") and root in set(pipelines) else STACK
    named = [name for name in pipelines if f"{resource.name}-".startswith(f"{name}-")]
    return max(named, key=len, default=STACK)


def _nothing(_: Resource) -> Iterator[Quantity]:
    return iter(())


def _at_rest(each: Resource, shares: bool) -> Iterator[Quantity]:
    for quantity in AT_REST.get(each.type, _nothing)(each):
        yield (
            dataclasses.replace(quantity, least=Decimal(0))
            if shares and quantity.of == COLLECTION
            else quantity
        )


def _joined(quantities: Iterable[Quantity]) -> Iterator[Quantity]:
    """Quantities of one thing in one line."""
    joined: dict[tuple[str, ...], Quantity] = {}
    for each in quantities:
        key = (each.of, each.what, each.when, each.key, each.region)
        there = joined.get(key)
        joined[key] = (
            dataclasses.replace(there, least=there.least + each.least, most=there.most + each.most)
            if there
            else each
        )
    return iter(joined.values())


def _sharing(resources: Iterable[Resource]) -> set[str]:
    """Classic collections of one account, region and key share their units, so that a second one adds between nothing
    and its own least (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scaling.html).
    Those with standby replicas and those without are taken to share none. The names of all but the first."""
    present: set[tuple[str, ...]] = set()
    shares: set[str] = set()
    registered = list(resources)
    encrypted = {
        str(each.inputs.get("name", "")).removesuffix("-encryption"): str(each.inputs.get("policy", ""))
        for each in registered
        if each.type.endswith("ServerlessSecurityPolicy") and each.inputs.get("type") == "encryption"
    }
    for each in of_type(registered, COLLECTION):
        if each.inputs.get("collection_group_name"):
            continue  # paid by its group, and sharing nothing with those that stand in none
        policy = encrypted.get(str(each.inputs.get("name", "")), "")
        key = policy.partition('"KmsARN": "')[2].partition('"')[0]
        group = (each.account, each.region, key, str(each.inputs.get("standby_replicas")))
        if group in present:
            shares.add(each.name)
        present.add(group)
    return shares


def _cents(*amounts: Decimal) -> list[float]:
    return [float(amount.quantize(Decimal("0.01"), ROUND_HALF_UP)) for amount in amounts]


def _described(line: Line) -> dict[str, Any]:
    quantity = line.quantity
    return {
        "pipeline": line.pipeline,
        "what": quantity.what,
        "when": quantity.when,
        "quantity": [float(quantity.least), float(quantity.most)],
        "unit": line.price.unit,
        "price": f"{line.price.price:f}",
        "region": line.price.region,
        "dollars": _cents(line.least, line.most),
        "page": line.price.page,
    }
