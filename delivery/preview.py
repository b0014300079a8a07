"""What a preview of a stack says: the engine's events, read into what changes, what was found, and why it failed.

The events are those of `PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json`, a JSON object a line:
`EngineEvent` (https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/go/common/apitype/events.go). Without that variable
`--json` prints a digest, which leaves out what policies find (pkg/backend/display/json.go).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from delivery.costs import CostChange, change
from delivery.values import is_list, is_mapping, mapping

STACK = "pulumi:pulumi:Stack"
PIPELINE = re.compile(r"tributary:pipelines:\w+Pipeline")
KINDS = {
    "create": "create", "import": "create", "update": "update", "delete": "delete", "replace": "replace",
    "create-replacement": "replace", "delete-replaced": "replace", "import-replacement": "replace",
}  # fmt: skip
"""The engine's operations -> what happens to the resource; any other leaves it as it is."""
# What stands for a value that is not known before the deployment
# (https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/go/common/resource/plugin/rpc.go).
NOT_KNOWN = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
LATER = "(known at the deployment)"
# A program's own check (`policy.Violated`): one line a violation, after a heading.
OWN_FINDING = re.compile(
    r"^\s*(?P<resource>urn:pulumi:\S+|\S+::\S+) breaks '(?P<rule>[^']+)': (?P<message>.+)$", re.M
)


@dataclass(frozen=True)
class Property:
    """A property that changes, and its values where they are known: None for what is not there."""

    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True)
class Change:
    """What happens to one resource."""

    urn: str
    kind: str
    """`create`, `update`, `replace` or `delete`."""
    pipeline: str = ""
    """The pipeline that it is part of; empty for what belongs to an account."""
    forced_by: tuple[str, ...] = ()
    """The properties that can't be changed in place, of a replacement."""
    properties: tuple[Property, ...] = ()
    before: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Its inputs as they are in the state."""
    provider: str = ""
    """The provider's name where another one forces the replacement: that of its account."""
    retained: bool = False
    """Whether it stays in the account when it leaves the state."""
    protected: bool = False

    @property
    def type(self) -> str:
        """The resource's type token, such as `aws:dynamodb/table:Table`."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        """The resource's name in its program."""
        return self.urn.split("::", 3)[3]

    @property
    def short_type(self) -> str:
        """`dynamodb.Table` of `aws:dynamodb/table:Table`."""
        package, module, name = self.type.split(":")
        return f"{'' if package == 'aws' else package + '.'}{module.partition('/')[0]}.{name}"


@dataclass(frozen=True)
class Finding:
    """A policy that a resource breaks."""

    rule: str
    level: str
    """`mandatory` or `advisory`."""
    resource: str
    message: str


@dataclass(frozen=True)
class Preview:
    """A stack's preview."""

    stack: str
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The config that was previewed, values parsed; secrets are `[secret]`."""
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    errors: tuple[str, ...] = ()
    failed: bool = False
    unchanged: int = 0
    providers: Mapping[str, tuple[Property, ...]] = field(default_factory=dict[str, tuple[Property, ...]])
    """What changes of the providers, by their names, which are the accounts'."""
    cost: CostChange | None = None
    """What the stack costs a month, where its program estimates that."""
    standing: frozenset[str] = frozenset()
    """The pipelines that the state has already."""

    def count(self, kind: str) -> int:
        """How many resources are changed so: `create`, `update`, `replace` or `delete`."""
        return sum(change.kind == kind for change in self.changes)

    @property
    def accounts(self) -> dict[str, str]:
        """The accounts' names by their ids; the first name where two stand for one account."""
        names: dict[str, str] = {}
        for name, account in mapping(self.config.get("tributary:accounts")).items():
            names.setdefault(str(mapping(account).get("id", "")), name)
        return {id: name for id, name in names.items() if id}

    @property
    def pipelines(self) -> Mapping[str, Any]:
        """The pipelines of the config that was previewed, by name."""
        return mapping(self.config.get("tributary:pipelines"))


def read(stack: str, text: str) -> Preview:
    """The preview that these events are of. A text without an end is one that failed."""
    events = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    steps = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
    preludes = (event["preludeEvent"] for event in events if "preludeEvent" in event)
    config = {
        key: _parsed(value) for key, value in mapping(mapping(next(preludes, None)).get("config")).items()
    }
    named = {_name(step["urn"]) for step in steps if PIPELINE.fullmatch(step["type"])}
    named |= set(mapping(config.get("tributary:pipelines")))
    messages = [
        event["diagnosticEvent"]["message"] for event in events
        if event.get("diagnosticEvent", {}).get("severity") in ("error", "info#err")
    ]  # fmt: skip
    summary = mapping(next((event["summaryEvent"] for event in events if "summaryEvent" in event), None))
    errors = [event["diagnosticEvent"]["message"] for event in events
              if event.get("diagnosticEvent", {}).get("severity") == "error"]  # fmt: skip
    return Preview(
        stack,
        config,
        tuple(_changes(steps, named)),
        tuple(_findings(events, messages)),
        tuple(error.strip() for error in errors),
        failed=not summary or (summary.get("result") or ("failed" if errors else "")) == "failed",
        unchanged=mapping(summary.get("resourceChanges")).get("same", 0),
        providers=dict(_providers(steps)),
        cost=_cost(events),
        standing=frozenset(
            _name(step["urn"])
            for step in steps
            if PIPELINE.fullmatch(step["type"]) and step["op"] != "create"
        ),
    )


def _cost(events: list[dict[str, Any]]) -> CostChange | None:
    """Of the stack's own outputs, the estimate: as the state has it and as the preview does."""
    estimate = None
    for event in events:
        step = event.get("resOutputsEvent", {}).get("metadata", {})
        if step.get("type") == STACK:
            before, after = (
                mapping(mapping(step.get(side)).get("outputs")).get("cost") for side in ("old", "new")
            )
            estimate = change(before, after) or estimate
    return estimate


def _changes(steps: list[dict[str, Any]], pipelines: set[str]) -> Iterator[Change]:
    by_urn: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        if step["op"] in KINDS and step["type"].startswith(("aws:", "gcp:")):
            by_urn.setdefault(step["urn"], []).append(step)
    longest = sorted(pipelines, key=len, reverse=True)
    for urn, its in by_urn.items():
        name = _name(urn)
        kinds = {KINDS[step["op"]] for step in its}
        kind = "replace" if "replace" in kinds or len(kinds) > 1 else kinds.pop()
        old = mapping(next((step["old"] for step in its if step.get("old")), None))
        new = mapping(next((step["new"] for step in its if step.get("new")), None))
        forced = dict.fromkeys(key for step in its for key in step.get("keys") or ())
        yield Change(
            urn,
            kind,
            next(
                (pipeline for pipeline in longest if name == pipeline or name.startswith(f"{pipeline}-")), ""
            ),
            tuple(forced),
            tuple(_properties(its, old, new)) if kind != "create" else (),
            mapping(old.get("inputs")),
            next(
                (
                    change["provider"].split("::")[3]
                    for change in its
                    if change.get("provider") and "provider" in forced
                ),
                "",
            ),
            bool(old.get("retainOnDelete")),
            bool(old.get("protect")),
        )


def _providers(steps: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[Property, ...]]]:
    for step in steps:
        if step["type"].startswith("pulumi:providers:") and step.get("old") and step.get("new"):
            before, after = (mapping(step[side].get("inputs")) for side in ("old", "new"))
            differing = [key for key in step.get("diffs") or () if before.get(key) != after.get(key)]
            yield (
                _name(step["urn"]),
                tuple(Property(key, before.get(key), after.get(key)) for key in differing),
            )


def _properties(
    steps: list[dict[str, Any]], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Property]:
    paths = dict.fromkeys(
        path for step in steps for path in step.get("detailedDiff") or step.get("diffs") or ()
    )
    before, after = (mapping(state.get("inputs")) for state in (old, new))
    for path in paths:
        if path != "tagsAll":  # what the provider adds; the tags themselves are a property of their own
            yield Property(path, at(before, path), _later(at(after, path)))


def _later(value: Any) -> Any:
    """The value with words where something is not known yet."""
    if isinstance(value, str):
        return LATER if value in NOT_KNOWN else value
    if is_mapping(value):
        return {key: _later(inner) for key, inner in value.items()}
    return [_later(inner) for inner in value] if is_list(value) else value


def at(value: Any, path: str) -> Any:
    """What stands at a property's path, `rules[0].expiration.days`; None where there is nothing."""
    for part in re.findall(r"[^.\[\]\"]+", path):
        if is_mapping(value):
            value = value.get(part)
        elif is_list(value) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _findings(events: list[dict[str, Any]], messages: list[str]) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], None] = {}
    for event in events:
        if policy := event.get("policyEvent"):
            level = "advisory" if policy.get("enforcementLevel") == "warning" else policy["enforcementLevel"]
            lines = [line.strip() for line in policy["message"].splitlines() if line.strip()]
            message = lines[-1] if lines else ""
            yield Finding(
                policy["policyName"].replace("-", " "), level, policy.get("resourceUrn", ""), message
            )
    for message in messages:
        for match in OWN_FINDING.finditer(message):
            key = (match["rule"], match["resource"], match["message"])
            if key not in seen:
                seen[key] = None
                yield Finding(match["rule"], "mandatory", match["resource"], match["message"])


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value
