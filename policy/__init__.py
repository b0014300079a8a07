"""Policies on a stack, enforced by the program itself: no plugin, wherever the program runs.

    with policy.enforced():
        ...                     # the whole program

Every resource that is registered inside is checked by `rules` before the engine gets it; a violation fails the preview.
What several resources break is checked when the block ends, and fails the program as well: at preview before anything
is made. Values that are not known yet are checked at the update. `checked` does the same for one component,
as a plugin constructs it.

How: a transformation (https://www.pulumi.com/docs/iac/concepts/resources/options/transformations/) adds to each
resource a dependency on its own check. It changes no input, so that it makes no diff. The newer
`pulumi.runtime.register_resource_transform` runs at the engine, so that Pulumi's mocks run none and no test would see
a violation. Resources that are read (`get`) are not checked. Limits: a secret is not read, and remote components'
children are made by the engine and don't pass through here; for both there is the policy pack in this folder.

rule.py rules.py                           what a rule is; all of them by subject
documents.py statements.py                 policy documents wherever they stand, and the rules on what they allow
grants.py sharing.py                       the rules on what grants or shares without being a document
functions.py storage.py notifications.py   the rules on functions, on where data rests, on a bucket's events
google_cloud.py conditions.py              the rules on Google Cloud; whether a pool's condition names somebody
ceiling.py estimated.py                    the rule on what a stack costs; what the pack holds to it
parts.py values.py                         which resource is a part of which; values that are not known yet
native.py                                  AWS's native provider, read as the classic one
"""

import asyncio
import contextlib
import dataclasses
import functools
import json
import re
from collections.abc import Awaitable, Generator, Iterable
from typing import Any, TypeVar

import pulumi
from pulumi import _types  # pyright: ignore[reportPrivateUsage] - no public way to read an input class
from pulumi.resource import DependencyProviderResource, DependencyResource, create_urn
from pulumi.runtime.settings import get_root_resource

from policy import rules
from policy.rules import UNKNOWN, Resource, Violation, check
from policy.values import is_list, is_mapping

__all__ = ["Checks", "Resource", "Violated", "Violation", "check", "checked", "enforced"]


R = TypeVar("R", bound=pulumi.Resource)
# What a plugin is handed comes from resources of the program, of which it has the URN only: no type, no name.
URN_ONLY = (DependencyResource, DependencyProviderResource)


class Violated(pulumi.RunError):
    """The program asks for something that the policies refuse; the message names every violation."""

    def __init__(self, violations: Iterable[Violation]):
        self.violations = tuple(violations)
        super().__init__(
            "the policies refuse this:\n" + "\n".join(f"  {violation}" for violation in self.violations)
        )


@contextlib.contextmanager
def enforced() -> Generator["Checks", None, None]:
    """Checks every resource registered inside the block, and all of them together at its end. Yields the checks, which
    know all that is registered."""
    if get_root_resource() is None:
        raise RuntimeError(
            "policies are enforced inside a Pulumi program; run it by the engine or under mocks"
        )
    checks = Checks()
    pulumi.runtime.register_stack_transformation(checks)
    try:
        yield checks
    finally:
        checks.over = True  # a transformation of the stack can't be taken away
    # Every constructor has run, so `seen` is complete. Pulumi fails a program whose outputs raise, used or not.
    pulumi.Output.from_input(checks.together())


@contextlib.contextmanager
def checked(opts: pulumi.ResourceOptions | None = None) -> Generator[pulumi.ResourceOptions, None, None]:
    """Checks what one component makes of itself, where there is no program around it: yields the options to construct
    it with. A plugin's component is constructed inside:

        with policy.checked(opts) as opts:
            super().__init__(name, args, opts)

    What its resources break together fails a program. A plugin's host awaits no outputs but a component's own, so it
    takes `Checks` itself and lets the component wait for `together` (components/plugin).
    """
    checks = Checks()
    yield pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(transformations=[checks]))
    pulumi.Output.from_input(checks.together())


class Checks:
    """A transformation that checks each resource, and remembers them all."""

    def __init__(self) -> None:
        self.seen: dict[pulumi.Resource, asyncio.Future[Resource]] = {}
        self.parents: dict[pulumi.Resource, pulumi.Resource | None] = {}
        self.over = False

    def __call__(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """Adds its own check to a resource's dependencies."""
        if self.over:
            return None
        self.parents[args.resource] = args.opts.parent
        if isinstance(args.resource, pulumi.ComponentResource) or args.opts.id is not None:
            return None
        read = self.seen[args.resource] = asyncio.ensure_future(self._read(args))
        waits = pulumi.Output.from_input(_alone(read, args)).apply(lambda _: [])
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(depends_on=waits))
        return pulumi.ResourceTransformationResult(args.props, opts)

    def registered(self, kind: type[R]) -> list[R]:
        """The resources of a class that were registered so far, in their order."""
        return [resource for resource in self.seen if isinstance(resource, kind)]

    async def resources(self) -> list[Resource]:
        """All that was registered. Awaited inside an output, after the program has run."""
        return [await read for read in list(self.seen.values())]

    async def together(self) -> bool:
        """Fails where the resources break a rule together."""
        if violations := rules.check_all(await self.resources()):
            raise Violated(violations)
        return True

    async def _read(self, args: pulumi.ResourceTransformationArgs) -> Resource:
        links: dict[str, frozenset[str]] = {}
        props: dict[str, Any] = {}
        for name, value in args.props.items():
            from_: set[str] = set()
            props[snake(name)] = await _plain(value, from_)
            links[snake(name)] = frozenset(from_)
        props = {key: value for key, value in props.items() if value is not None}
        return Resource(
            args.type_, args.name, props, links, *await self._place(args), self._root(args.resource)
        )

    def _root(self, resource: pulumi.Resource) -> str:
        """The outermost of those that it is part of and that were registered inside."""
        within, parent = resource, self.parents.get(resource)
        while parent is not None and parent in self.parents:
            within, parent = parent, self.parents[parent]
        return "" if within is resource else _key(within)

    async def _place(self, args: pulumi.ResourceTransformationArgs) -> tuple[Any, Any]:
        """The account and the region that the resource's provider works in."""
        provider: Any = args.opts.provider
        if provider is None and args.opts.parent is not None:
            provider = args.opts.parent.get_provider(args.type_)
        if isinstance(args.resource, pulumi.ProviderResource) or provider not in self.seen:
            return None, None
        props = (await self.seen[provider]).props
        allowed = props.get("allowed_account_ids")
        if isinstance(allowed, str):  # a provider's inputs are texts on their way to the engine
            allowed = json.loads(allowed)
        account = allowed[0] if is_list(allowed) and len(allowed) == 1 else allowed and UNKNOWN
        return account, props.get("region")


async def _alone(read: "asyncio.Future[Resource]", args: pulumi.ResourceTransformationArgs) -> bool:
    if violations := rules.check(await read):
        urn = await create_urn(args.name, args.type_, args.opts.parent).future()
        raise Violated(dataclasses.replace(violation, resource=str(urn)) for violation in violations)
    return True


async def _plain(value: Any, from_: set[str]) -> Any:
    """The value with its outputs awaited, keys in snake_case; UNKNOWN for what isn't known yet or is secret. `from_`
    gathers the resources that it comes from."""
    if isinstance(value, pulumi.Output):
        from_.update(
            _key(resource) for resource in await value.resources() if not isinstance(resource, URN_ONLY)
        )
        if not await value.is_known() or await value.is_secret():
            return UNKNOWN
        return await _plain(await value.future(), from_)
    if _types.is_input_type(value.__class__):
        value = _types.input_type_to_dict(value)
    if is_mapping(value):
        return {snake(key): await _plain(inner, from_) for key, inner in value.items() if inner is not None}
    if is_list(value):
        return [await _plain(inner, from_) for inner in value]
    if isinstance(value, Awaitable):
        return UNKNOWN  # awaiting it here would take it from the resource
    return value


def _key(resource: pulumi.Resource) -> str:
    """`<type>::<name>` of a resource."""
    return f"{resource.pulumi_resource_type}::{resource.pulumi_resource_name}"


@functools.lru_cache(maxsize=4096)
def snake(key: str) -> str:
    """A property's name in snake_case; a document's keys (`Statement`, `aws:SourceAccount`) stay as they are."""
    if not re.fullmatch(r"[a-z]\w*", key):
        return key
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"_{match[1].lower()}", key)
