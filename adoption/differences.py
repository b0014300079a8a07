"""What a program would change of what was adopted, from a preview's events."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adoption.parts import listed, part

KEPT_BY_THE_PROVIDER = frozenset(
    {
        "deletionWindowInDays", "forceDestroy", "bypassPolicyLockoutSafetyCheck", "skipDestroy",
        "deleteContentsOnDestroy",
    }
)  # fmt: skip
"""Inputs that no service keeps: they say how the provider makes or deletes the resource, and an import can't read them
(each type's page, https://www.pulumi.com/registry/packages/aws/api-docs/kms/key/#inputs)."""

PROTECTED_BY_THE_PROVIDER = "gcp:bigquery/table:Table"
"""The type whose `deletionProtection` is Pulumi's own; that of a database is the service's."""


@dataclass(frozen=True)
class Difference:
    """What would happen to a resource: `update` or `replace`, and the properties with what they are and would be."""

    urn: str
    kind: str
    properties: Mapping[str, tuple[Any, Any]] = field(default_factory=dict[str, tuple[Any, Any]])
    same_code: frozenset[str] = frozenset()
    """Those of a function's code, where the account's code is the program's by its hash: no import can read it."""

    @property
    def of_the_provider(self) -> bool:
        """Whether nothing of it is another one in the account."""
        unread = KEPT_BY_THE_PROVIDER | self.same_code
        if self.urn.split("::")[2].endswith(PROTECTED_BY_THE_PROVIDER):
            unread |= {"deletionProtection"}
        return self.kind == "update" and set(self.properties) <= unread

    def __str__(self) -> str:
        """A line for the resource, one for each property."""
        kind, name = self.urn.split("::")[2].rpartition("$")[2], self.urn.split("::", 3)[3]
        lines = [f"{kind}::{name} {'would be REPLACED' if self.kind == 'replace' else 'would be changed'}:"]
        lines += [f"    {key}: {_text(was)} -> {_text(now)}" for key, (was, now) in self.properties.items()]
        return "\n".join(lines)


def read(steps: Iterable[Any]) -> list[Difference]:
    """The differences in the steps of a preview (`StepEventMetadata` of Pulumi's Automation API); of providers and
    components none."""
    listed: dict[str, Difference] = {}
    for step in steps:
        kind = "update" if step.op == "update" else "replace" if "replace" in step.op else ""
        if not kind or step.type.startswith("pulumi:"):
            continue
        was, now = _inputs(step.old), _inputs(step.new)
        paths: list[str] = [*(step.detailed_diff or []), *(step.diffs or [])]
        keys = {path.partition(".")[0].partition("[")[0] for path in paths}
        properties = {key: (was.get(key), now.get(key)) for key in sorted(keys)}
        if properties or step.urn not in listed:  # of a replacement's steps not each has them
            listed[step.urn] = Difference(step.urn, kind, properties, _same_code(step.old, now))
    return list(listed.values())


def _same_code(old: Any, now: Mapping[str, Any]) -> frozenset[str]:
    """`CodeSha256` is the SHA-256 of the package in base64
    (https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html). A file's hash at Pulumi is the same
    number, and the key of an object with code has it in its name."""
    outputs: Mapping[str, Any] = (old.outputs or {}) if old else {}
    digest = outputs.get("codeSha256")
    if not digest:
        return frozenset()
    code, sha256 = now.get("code"), base64.b64decode(digest).hex()
    if isinstance(code, Mapping) and part(now, "code").get("hash") == sha256:
        return frozenset({"code"})
    return frozenset({"s3Bucket", "s3Key"}) if sha256 in str(now.get("s3Key")) else frozenset()


def _inputs(state: Any) -> Mapping[str, Any]:
    return (state.inputs or {}) if state else {}


def _text(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return text if len(text) < 200 else text[:199] + "…"


def completed(deployment: Mapping[str, Any], differences: Iterable[Difference]) -> dict[str, Any]:
    """A state with what no service keeps, as the program has it."""
    wanted = {each.urn: each.properties for each in differences if each.of_the_provider}
    resources: list[dict[str, Any]] = []
    for resource in listed(deployment, "resources"):
        values = {key: now for key, (_, now) in wanted.get(resource["urn"], {}).items() if now is not None}
        more = {name: {**part(resource, name), **values} for name in ("inputs", "outputs")} if values else {}
        resources.append({**resource, **more})
    return {**deployment, "resources": resources}
