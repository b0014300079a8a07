"""What the policy pack holds to a ceiling: a program's own estimate, or what its resources cost by being there."""

import contextlib
import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components.cost import as_registered, estimate
from components.cost.at_rest import COLLECTION
from components.cost.by_use import (
    BUCKET,
    COPIES,
    CRAWLER,
    DATASET,
    FUNCTION,
    GOOGLE_TABLE,
    LOGS,
    QUEUE,
    RUN,
    SCHEDULE,
    TABLE,
    WORKGROUP,
)
from policy.ceiling import ESTIMATE
from policy.native import classic
from policy.rule import Resource
from policy.values import NotKnownYet, is_list, is_mapping

STACK = "pulumi:pulumi:Stack"
BY_USE = frozenset({
    BUCKET, COPIES, CRAWLER, DATASET, FUNCTION, GOOGLE_TABLE, LOGS, QUEUE, RUN, SCHEDULE, TABLE, WORKGROUP,
})  # fmt: skip
"""Types whose price is known and which are paid by what they are used for, of which a pack is sent nothing."""
_NATIVE = {"aws-native:opensearchserverless:Collection": COLLECTION}
"""Of AWS's native provider, with the same properties
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-opensearchserverless-collection.html)."""
_NO_PRICE = ": no price is known"
PARTS = ("at_rest", "by_use", "once")
_CENT = 0.01


def estimated(resources: Sequence[Resource], ceiling: float) -> Resource:
    """What is judged of a whole program, whose resources these are: the estimate that a stack of this repository has
    among its outputs, and of any other program what it costs at rest by the same lists, in US dollars a month.
    `not_counted`: the types of which no price is known, with how many there are of each."""
    for each in resources:
        if each.type == STACK and (own := own_estimate(each.props.get("cost"))):
            least, most = own["month"]["all"]
            unknown = [line.removesuffix(_NO_PRICE) for line in own["left_out"] if line.endswith(_NO_PRICE)]
            return _judged(ceiling, least, most, unknown)
    read = [spelt for each in resources for spelt in _spelt(each)]
    known = estimate(
        (as_registered(each.type, each.name, each.props, each.account, each.region) for each in read), {}
    )
    counts = Counter(each.type for each in read)
    unknown = [
        f"{type} ({counts[type]})" if counts[type] > 1 else type
        for type in known.unpriced
        if type not in BY_USE
    ]
    least, most = known.sum()
    return _judged(ceiling, float(least), float(most), unknown)


def _judged(ceiling: float, least: float, most: float, not_counted: Iterable[str]) -> Resource:
    props = {"ceiling": ceiling, "least": least, "most": most, "not_counted": list(not_counted)}
    return Resource(ESTIMATE, "cost", props)


def _spelt(each: Resource) -> Iterable[Resource]:
    """As the classic provider has it, by whose types the prices are."""
    if each.type in _NATIVE:
        return [dataclasses.replace(each, type=_NATIVE[each.type])]
    return classic(each)


def own_estimate(cost: Any) -> Mapping[str, Any] | None:
    """The output `cost` of a stack where it is an estimate of components.cost (`Estimate.described`), whole and with
    sums that fit; None of anything else, as any program may have an output of that name, and of what is not known
    yet."""
    with contextlib.suppress(NotKnownYet):
        if is_mapping(cost) and _is_whole(cost) and _sums_fit(cost):
            return cost
    return None


def _is_whole(cost: Mapping[str, Any]) -> bool:
    if cost.get("currency") != "USD" or not is_mapping(cost.get("prices")):
        return False
    if not all(is_list(cost.get(key)) for key in ("lines", "left_out", "at_another_regions_price")):
        return False
    if not all(isinstance(text, str) for text in cost["left_out"]):
        return False
    month, pipelines = cost.get("month"), cost.get("pipelines")
    if not is_mapping(month) or not is_mapping(pipelines):
        return False
    parts = [part for part in pipelines.values() if is_mapping(part)]
    amounts = [
        month.get("all"),
        *(part.get(key) for part in ({**month, "once": cost.get("once")}, *parts) for key in PARTS),
    ]
    return len(parts) == len(pipelines) and all(map(_is_range, amounts))


def _sums_fit(cost: Mapping[str, Any]) -> bool:
    """Whether the pipelines are what a month is, each amount rounded to the cent."""
    month, parts = cost["month"], list(cost["pipelines"].values())
    return all(
        abs(month["at_rest"][end] + month["by_use"][end] - month["all"][end]) <= 2 * _CENT
        and all(
            abs(sum(part[key][end] for part in parts) - month[key][end]) <= _CENT * (len(parts) + 1)
            for key in ("at_rest", "by_use")
        )
        for end in (0, 1)
    )


def _is_range(value: Any) -> bool:
    """Whether it is `[least, most]` in dollars."""
    if not is_list(value) or len(value) != 2:
        return False
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in value):
        return False
    least, most = value
    return 0 <= least <= most and math.isfinite(most)
