"""Google's own description of its APIs: the discovery documents that ship in google-api-python-client."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

TYPES = {
    "string": str,
    "boolean": bool,
    "object": dict,
    "array": list,
    "integer": int,
    "number": (int, float),
}


@cache
def document(api: str) -> dict[str, Any]:
    """`iam.v1`, `bigquery.v2` and the like."""
    kept = files("googleapiclient") / "discovery_cache" / "documents" / f"{api}.json"
    return json.loads(kept.read_text(encoding="utf-8"))


def refusals(api: str, described: dict[str, Any], value: Any, where: str) -> list[str]:
    """What of an answer the API does not have, or has in another form: a 64-bit integer, a time and bytes are text."""
    if "$ref" in described:
        described = document(api)["schemas"][described["$ref"]]
    kind = described.get("type", "any")
    whole: Any = value
    if kind == "any":
        return []
    if not isinstance(value, TYPES[kind]) or (kind != "boolean" and isinstance(value, bool)):
        return [f"{where} is {value!r}, and not {described.get('format', kind)}"]
    if described.get("format") in ("int64", "uint64") and not whole.lstrip("-").isdigit():
        return [f"{where} is {value!r}, and not {described['format']}"]
    if kind == "array":
        items = described["items"]
        return [r for i, each in enumerate(whole) for r in refusals(api, items, each, f"{where}[{i}]")]
    if kind != "object":
        return []
    known, other = described.get("properties", {}), described.get("additionalProperties")
    problems = [] if other else [f"{where}.{name} is not in the API" for name in whole if name not in known]
    for name, item in whole.items():
        if part := known.get(name, other):
            problems += refusals(api, part, item, f"{where}.{name}")
    return problems


def strays(api: str, schema: str, value: Any) -> list[str]:
    """The refusals of an answer that a schema of the API describes."""
    return refusals(api, {"$ref": schema}, value, schema)
