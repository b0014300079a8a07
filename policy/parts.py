"""Which resource is a part of which: a bucket's policy, a function's mapping, a queue's policy."""

import re
from collections.abc import Callable, Iterable

from policy.rule import Resource
from policy.values import UNKNOWN, some


def of(token: str, resources: Iterable[Resource]) -> list[Resource]:
    """The resources of one type."""
    return [resource for resource in resources if resource.type == token]


def has(
    whole: Resource,
    token: str,
    by: str,
    resources: Iterable[Resource],
    test: Callable[[Resource], object] = lambda _: True,
) -> bool:
    """Whether a resource of the type, whose property `by` names the whole or comes from it, passes the test. Raises
    NotKnownYet."""
    return some(of(token, resources), lambda part: _is_part(part, by, whole) and test(part))


def _is_part(part: Resource, by: str, whole: Resource) -> bool:
    links, name = part.links.get(by, frozenset()), part.props.get(by)
    own = [n for n in (whole.props.get("bucket"), whole.props.get("name")) if n is not None]
    if whole.key in links:
        return True
    if name is None:
        return False
    elsewhere = any(link.startswith(f"{whole.type}::") for link in links)
    if elsewhere and (name is UNKNOWN or any(n is UNKNOWN for n in own)):
        return False
    return some(
        own, lambda n: n == re.split("[:/]", str(name))[-1]
    )  # a name, or the last part of an ARN or a URL
