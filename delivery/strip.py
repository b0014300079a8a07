"""An engine's events without what a comment does not need: some kilobytes of a megabyte, and no resource's outputs.

    PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json | python -m delivery strip > preview.jsonl

Kept are the config, the changes with the properties that differ, what policies found, errors, and the summary. Job
artifacts and the tests' recordings hold nothing else.
"""

import json
import re
from typing import Any

from delivery.costs import compared
from delivery.losses import READS
from delivery.mask import credentials
from delivery.preview import KINDS, PIPELINE, STACK
from delivery.values import is_list, is_mapping, mapping

LONGEST = 4_000
"""Characters of a value that is kept; a longer one is cut, and ends in an ellipsis."""


def stripped(text: str) -> str:
    """The events, a line each, as far as they matter."""
    lines: list[str] = []
    for line in text.splitlines():
        event = _event(json.loads(line)) if line.startswith("{") else None
        if event is not None:
            lines.append(json.dumps(event, separators=(",", ":"), sort_keys=True))
    return "".join(f"{line}\n" for line in lines)


def _event(event: dict[str, Any]) -> dict[str, Any] | None:
    if "preludeEvent" in event:
        config = mapping(event["preludeEvent"].get("config"))
        own = {key: value for key, value in config.items() if key.startswith("tributary:")}
        return {"preludeEvent": {"config": _whole(own)}}
    if "resourcePreEvent" in event:
        step = _step(event["resourcePreEvent"]["metadata"])
        return {"resourcePreEvent": {"metadata": step}} if step else None
    if "resOutputsEvent" in event:
        return _estimate(event["resOutputsEvent"]["metadata"])
    if "diagnosticEvent" in event:
        diagnostic = event["diagnosticEvent"]
        if diagnostic["severity"] not in ("error", "info#err"):
            return None
        keys = ("urn", "message", "severity")
        parts = {key: diagnostic[key] for key in keys if key in diagnostic}
        return {"diagnosticEvent": _cut(parts | {"message": _without_folders(diagnostic["message"])})}
    if "policyEvent" in event:
        keys = ("resourceUrn", "message", "policyName", "enforcementLevel")
        return {"policyEvent": {key: _cut(event["policyEvent"].get(key, "")) for key in keys}}
    if "summaryEvent" in event:
        return {
            "summaryEvent": {key: event["summaryEvent"].get(key) for key in ("resourceChanges", "result")}
        }
    return None


def _estimate(step: dict[str, Any]) -> dict[str, Any] | None:
    """Of the stack's own outputs what it costs, and nothing else."""
    if step["type"] != STACK:
        return None
    sides: dict[str, Any] = {}
    for side in ("old", "new"):
        cost = compared(mapping(mapping(step.get(side)).get("outputs")).get("cost"))
        if cost is not None:
            sides[side] = {"outputs": {"cost": cost}}
    return {"resOutputsEvent": {"metadata": {"type": STACK, **sides}}} if sides else None


def _step(step: dict[str, Any]) -> dict[str, Any] | None:
    of_cloud = step["op"] in KINDS and step["type"].startswith(("aws:", "gcp:", "pulumi:providers:"))
    if not of_cloud and not PIPELINE.fullmatch(step["type"]):
        return None
    paths = step.get("detailedDiff") or step.get("diffs") or ()
    tops = {re.split(r"[.\[]", path)[0] for path in paths} | READS.get(step["type"], set())
    step_parts = {key: step[key] for key in ("op", "urn", "type")}
    step_parts |= {key: step[key] for key in ("keys", "diffs") if step.get(key)}
    if "provider" in (step.get("keys") or ()):
        step_parts["provider"] = step.get("provider", "")
    if step.get("detailedDiff"):
        step_parts["detailedDiff"] = step["detailedDiff"]
    for side in ("old", "new"):
        if step.get(side) and of_cloud:
            step_parts[side] = _state(step[side], tops if step["op"] not in ("create", "import") else set())
    return step_parts


def _state(state: dict[str, Any], tops: set[str]) -> dict[str, Any]:
    inputs = {key: _cut(value) for key, value in mapping(state.get("inputs")).items() if key in tops}
    marks = {key: True for key in ("retainOnDelete", "protect") if state.get(key)}
    return {"inputs": inputs, **marks}


def _without_folders(message: str) -> str:
    """The message without the machine's folders and the lines of Python's tracebacks, which name them."""
    before, *parts = message.split("Traceback (most recent call last):\n")
    ends = [line for part in parts for line in part.splitlines() if line[:1] not in (" ", "")]
    message = "\n".join([before.rstrip("\n"), *ends]) if parts else message
    return re.sub(r"(?<![\w:/…])/(?:[\w.@+-]+/)+", "…/", message)


def _whole(config: dict[str, str]) -> dict[str, str]:
    """A config is read as JSON, so it is not cut."""
    return {key: credentials(value) for key, value in config.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        value = credentials(value)  # before it is cut, so that no half of one stays
        return value if len(value) <= LONGEST else value[:LONGEST] + "…"
    if is_mapping(value):
        return {key: _cut(inner) for key, inner in value.items()}
    if is_list(value):
        return [_cut(inner) for inner in value]
    return value
