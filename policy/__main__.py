"""The rules as a policy pack: `pulumi preview --policy-pack policy --policy-pack-config policy/levels/prod.json`.

The engine starts this file in the pack's own environment (requirements.txt) and sends each resource, and at the end all
of them, over gRPC (https://www.pulumi.com/docs/iac/crossguard/core-concepts/). They are the same pure functions that
`policy.enforced` calls. Left out are rules that must know what is a secret: a pack gets secrets in plain text.
"""

# The types of pulumi_policy are not here: it is of the pack's own environment.
# pyright: basic

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# The engine runs the folder as a program: what is in it is no top-level module, the folder itself is a package.
HERE = Path(__file__).resolve().parent
sys.path[:] = [str(HERE.parent), *(entry for entry in sys.path if Path(entry).resolve() != HERE)]

import pulumi_policy  # pyright: ignore[reportMissingImports]  # noqa: E402  # of the pack's own environment, after its path
from pulumi_policy.proxy import UnknownValueError  # pyright: ignore[reportMissingImports]  # noqa: E402

from policy import snake  # noqa: E402
from policy.ceiling import not_counted  # noqa: E402
from policy.estimated import estimated  # noqa: E402
from policy.rule import Rule  # noqa: E402
from policy.rules import RULES, UNKNOWN, Resource  # noqa: E402

OF_AN_ESTIMATE = "a-stack-costs-no-more-than-its-ceiling"
KNOW_SECRETS = {"no-access-key-is-written-down", "no-secret-stands-in-a-functions-environment"}


def resource(registered: Any, depends: Mapping[str, Any] | None = None) -> Resource:
    """A resource as the rules read it, from what the engine sends of one; `depends` are its `property_dependencies`,
    which only one among all of a stack's has."""
    props = {key: value for key, value in _plain(registered.props).items() if value is not None}
    links = {
        snake(key): frozenset(f"{dependency.resource_type}::{dependency.name}" for dependency in ones)
        for key, ones in (depends or {}).items()
    }
    return Resource(
        registered.resource_type,
        registered.name,
        props,
        links,
        _account(registered.provider),
        _region(registered, props),
    )


def _region(registered: Any, props: Mapping[str, Any]) -> Any:
    region = props.get("region")  # since pulumi-aws 7 a resource has one of its own
    return (
        region
        if isinstance(region, str)
        else _plain(registered.provider.props).get("region")
        if registered.provider
        else None
    )


def _account(provider: Any) -> Any:
    allowed = _plain(provider.props).get("allowed_account_ids") if provider else None
    if isinstance(allowed, str):
        allowed = json.loads(allowed)
    return allowed[0] if isinstance(allowed, list) and len(allowed) == 1 else allowed and UNKNOWN


def _plain(value: Any) -> Any:
    def at(key: Any) -> Any:
        try:
            return _plain(value[key])
        except UnknownValueError:
            return UNKNOWN

    if isinstance(value, Mapping):
        return {snake(key): at(key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [at(index) for index in range(len(value))]
    return value


def _policy(rule: Rule) -> pulumi_policy.Policy:
    description = (
        f"{rule.title[:1].upper()}{rule.title[1:]}. Fails: {rule.fails} Write instead: {rule.write}."
    )

    def alone(registered: Any, report: Any) -> None:
        for violation in rule.violations(resource(registered)):
            report(f"{violation.problem}; {violation.write}")

    def together(stack: Any, report: Any) -> None:
        resources = [resource(each, each.property_dependencies) for each in stack.resources]
        urns = {read.key: each.urn for read, each in zip(resources, stack.resources, strict=True)}
        for violation in rule.violations_together(resources):
            report(f"{violation.problem}; {violation.write}", urns[violation.resource])

    def of_all(stack: Any, report: Any) -> None:
        if (limit := stack.get_config().get("ceiling")) is not None:
            judged = estimated([resource(each) for each in stack.resources], limit)
            violations = list(rule.violations(judged))
            for violation in violations:
                report(f"{violation.problem}; {violation.write}")
            if not violations and (left := not_counted(judged.props)):
                # A policy has one level, so that what is no violation is shown as the pack's own output: `newPlugin` in
                # https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/plugin.go
                print(f"{rule.title}: within the ceiling{left}", flush=True)

    if rule.id == OF_AN_ESTIMATE:
        config = pulumi_policy.PolicyConfigSchema({"ceiling": {"type": "number", "minimum": 0}})
        return pulumi_policy.StackValidationPolicy(
            rule.id, description, of_all, config_schema=config, url=rule.page
        )
    if rule.judge:
        return pulumi_policy.ResourceValidationPolicy(rule.id, description, alone, url=rule.page)
    return pulumi_policy.StackValidationPolicy(rule.id, description, together, url=rule.page)


if __name__ == "__main__":
    pulumi_policy.PolicyPack(
        "tributary",
        [_policy(rule) for rule in RULES if rule.id not in KNOW_SECRETS],
        enforcement_level=pulumi_policy.EnforcementLevel.MANDATORY,
    )
