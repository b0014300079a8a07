"""How long a collection group of the next generation is awake, and which pipeline that is booked to.

A group that sleeps is paid while it is awake: one worker for indexing and two for search
(https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scale-to-zero.html). No page says how
many units a worker is: from half a one to the group's most.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from components.cost.at_rest import COLLECTION, GROUP, is_nextgen
from components.cost.resource import HOURS, Quantity, Resource, of_type, quantity
from components.cost.usage import SearchUsageArgs, UsageArgs

PARTS = (("indexing", 1), ("search", 2))
"""The parts of a group that sleep each by itself, and the workers that each has awake."""


def awake(
    registered: Mapping[str, Sequence[Resource]], usages: Mapping[str, UsageArgs]
) -> Iterator[tuple[str, Quantity]]:
    """The units beyond its least of each group that the program makes, with the pipeline that they are booked to: of
    what each pipeline registered, and what it is used for. A pure function.

    The hours of all that use a group overlap or follow each other: it is awake for as long as the longest of them at
    the least, and for all of them together at the most, which are no more than the month has. Who uses it longest, the
    one that makes it before others, is booked its own hours; each other one between nothing and what it adds."""
    for maker, resources in registered.items():
        for group in filter(is_nextgen, of_type(resources, GROUP)):
            others = [name for name in usages if name != maker and _uses(registered.get(name, ()), group)]
            users = [*([maker] if maker in usages else []), *others]
            limits_set = group.known("capacity_limits", list, [])
            limits: dict[str, Any] = limits_set[0] if limits_set else {}
            for part, workers in PARTS:
                least = Decimal(str(limits.get(f"min_{part}_capacity_in_ocu") or 0))
                most = Decimal(str(limits.get(f"max_{part}_capacity_in_ocu") or 96))
                low, high = (max(Decimal(0), units - least) for units in (Decimal(workers) / 2, most))
                for name, shortest, longest in _hours({name: _used(usages[name], part) for name in users}):
                    what = f"{part}, awake"
                    yield (
                        name,
                        quantity(
                            GROUP, what, "by use", "aoss.ocu", group.region, low * shortest, high * longest
                        ),
                    )


def _hours(of: Mapping[str, Decimal]) -> Iterator[tuple[str, Decimal, Decimal]]:
    """The hours that each adds, at the least and at the most."""
    before = Decimal(0)
    for position, (name, hours) in enumerate(sorted(of.items(), key=lambda item: -item[1])):
        until = min(HOURS, before + hours)
        yield name, Decimal(0) if position else hours, until - before
        before = until


def _used(usage: UsageArgs, part: str) -> Decimal:
    return Decimal(str(usage.hours(part) if isinstance(usage, SearchUsageArgs) else 0))


def _uses(resources: Sequence[Resource], group: Resource) -> bool:
    """Whether a collection of these stands in the group: a name is one group's in its account and region."""
    return any(
        each.inputs.get("collection_group_name") == group.inputs.get("name")
        and (each.account, each.region) == (group.account, group.region)
        for each in of_type(resources, COLLECTION)
    )
