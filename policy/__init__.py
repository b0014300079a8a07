"""Policies on a stack, enforced by the program itself: no plugin, wherever the program runs.

    with policy.enforced():
        ...                     # the whole program

Every resource that is registered inside is checked by `rules` before the engine gets it; a violation fails the preview.
What several resources break (`together`) is checked when the block ends, and fails the program as well: at preview
before anything is made. Values that are not known yet are looked at again at the update.

How: a stack transformation (https://www.pulumi.com/docs/iac/concepts/resources/options/transformations/) adds to each
resource a dependency on its own check. It changes no input, so that it makes no diff. Resources that are read (`get`)
are not checked. Limits: remote components' children are made by the engine and don't pass through here.
"""

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pulumi
from pulumi import _types
from pulumi.resource import create_urn
from pulumi.runtime.settings import get_root_resource

from policy import rules, together
from policy.rules import UNKNOWN, Resource, Violation

__all__ = ["Resource", "Violated", "Violation", "enforced"]


class Violated(pulumi.RunError):
    """The program asks for something that the policies refuse; the message names every violation."""

    def __init__(self, violations: Iterable[Violation]):
        self.violations = tuple(violations)
        super().__init__(
            "the policies refuse this:\n" + "\n".join(f"  {violation}" for violation in self.violations)
        )


@contextlib.contextmanager
def enforced() -> Iterator[None]:
    """Checks every resource registered inside the block, and all of them together at its end."""
    root = get_root_resource()
    if root is None:
        raise RuntimeError(
            "policies are enforced inside a Pulumi program; run it by the engine or under mocks"
        )
    seen: list[asyncio.Future[Resource]] = []

    def transformation(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if isinstance(args.resource, pulumi.ComponentResource) or args.opts.id is not None:
            return None
        read = asyncio.ensure_future(_read(args))
        seen.append(read)
        opts = args.opts._copy()
        waits = pulumi.Output.from_input(_checked(read, args))
        opts.depends_on = pulumi.Output.all(opts._depends_on_list(), waits).apply(lambda both: both[0])
        return pulumi.ResourceTransformationResult(args.props, opts)

    root._transformations = [*(before := root._transformations or []), transformation]
    try:
        yield
    finally:
        root._transformations = before
    # Every constructor has run, so `seen` is complete. Pulumi fails a program whose outputs raise, used or not.
    pulumi.Output.from_input(_all_checked(seen))


async def _read(args: pulumi.ResourceTransformationArgs) -> Resource:
    links: dict[str, frozenset[str]] = {}
    props = {}
    for name, value in args.props.items():
        from_: set[str] = set()
        props[_snake(name)] = await _plain(value, from_)
        links[_snake(name)] = frozenset(from_)
    return Resource(args.type_, args.name, {k: v for k, v in props.items() if v is not None}, links)


async def _checked(read: "asyncio.Future[Resource]", args: pulumi.ResourceTransformationArgs) -> bool:
    if violations := rules.check(await read):
        urn = await create_urn(args.name, args.type_, args.opts.parent).future()
        raise Violated(dataclasses.replace(violation, resource=str(urn)) for violation in violations)
    return True


async def _all_checked(seen: "list[asyncio.Future[Resource]]") -> bool:
    if violations := together.check_all([await read for read in seen]):
        raise Violated(violations)
    return True


async def _plain(value: Any, from_: set[str]) -> Any:
    """The value with its outputs awaited, keys in snake_case; UNKNOWN for what isn't known yet or is secret. `from_`
    gathers the resources that it comes from."""
    if isinstance(value, pulumi.Output):
        from_.update(f"{r._type}::{r._name}" for r in await value.resources())
        if not await value.is_known() or await value.is_secret():
            return UNKNOWN
        return await _plain(await value.future(), from_)
    if _types.is_input_type(type(value)):
        value = _types.input_type_to_dict(value)
    if isinstance(value, Mapping):
        return {_snake(key): await _plain(inner, from_) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [await _plain(inner, from_) for inner in value]
    if hasattr(value, "__await__"):
        return UNKNOWN  # awaiting it here would take it from the resource
    return value


def _snake(key: str) -> str:
    return (
        re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", key)
        if key[:1].islower()
        else key
    )
