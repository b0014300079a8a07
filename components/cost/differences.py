"""What changes from one estimate to another, as for a pull request."""

from collections.abc import Mapping
from typing import Any

from components.arguments.plain import is_mapping

Described = Mapping[str, Any]
"""An estimate as `Estimate.described` gives it, and as the stack's output `cost` has it."""


def difference(before: Described | None, after: Described | None) -> dict[str, Any]:
    """What changes from `before` to `after`, both as the stack's output `cost` has them (of `pulumi stack output
    --json` and of a preview, or of two configs); None is a stack that is not there. Amounts are `[least, most]` in US
    dollars a month, `once` aside:

        {"month": {"before": [175.2, 350.4], "after": [0.0, 70.1], "change": [-175.2, -280.3]},
         "once": {...},
         "pipelines": {"catalog-search": {"at_rest": {"before": ..., "after": ..., "change": ...}, "by_use": {...}}},
         "lines": [{"pipeline": ..., "what": ..., "when": ..., "before": ..., "after": ..., "change": ...}]}

    Pipelines and lines that do not change are left out. A pure function; a part that is missing counts as nothing."""
    was, now = before or {}, after or {}
    pipelines: dict[str, Any] = {}
    for name in sorted({*was.get("pipelines", {}), *now.get("pipelines", {})}):
        parts = {
            part: change
            for part in ("at_rest", "by_use", "once")
            if (change := _change(*(_at(side, "pipelines", name, part) for side in (was, now))))
        }
        if parts:
            pipelines[name] = parts
    lines = [
        dict(zip(("pipeline", "what", "when"), key, strict=True)) | change
        for key in sorted({*_lines(was), *_lines(now)})
        if (change := _change(*(_lines(side).get(key, _NOTHING) for side in (was, now))))
    ]
    return {
        "month": _both(_at(was, "month", "all"), _at(now, "month", "all")),
        "once": _both(_at(was, "once"), _at(now, "once")),
        "pipelines": pipelines,
        "lines": lines,
    }


_NOTHING = (0.0, 0.0)


def _at(side: Described, *path: str) -> Any:
    value: Any = side
    for step in path:
        value = value.get(step, {}) if is_mapping(value) else {}
    return value or _NOTHING


def _both(was: Any, now: Any) -> dict[str, list[float]]:
    change = [round(new - old, 2) for old, new in zip(was, now, strict=True)]
    return {"before": list(was), "after": list(now), "change": change}


def _change(was: Any, now: Any) -> dict[str, list[float]] | None:
    both = _both(was, now)
    return both if any(both["change"]) else None


def _lines(side: Described) -> dict[tuple[str, str, str], list[float]]:
    """The dollars of each line; those of two regions or accounts together."""
    dollars: dict[tuple[str, str, str], list[float]] = {}
    for line in side.get("lines", ()):
        sums = dollars.setdefault((line["pipeline"], line["what"], line["when"]), [0.0, 0.0])
        sums[:] = [old + new for old, new in zip(sums, line["dollars"], strict=True)]
    return dollars
