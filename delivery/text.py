"""Text of a pull request inside Markdown and Mermaid: it stands there as what it is, and can't be taken for markup.

In a code span nothing is markup but a backtick, and in a table also the bar
(https://github.github.com/gfm/#code-spans, https://github.github.com/gfm/#tables-extension-); a mention or a link in a
code span notifies nobody.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from delivery.preview import LATER
from delivery.values import is_list, is_mapping

LONGEST = 160
"""Characters of a value in a table."""


def code(text: str) -> str:
    """The text as a code span that fits into a table's cell."""
    flat = re.sub(r"\s+", " ", text).strip() or " "
    flat = flat.replace("|", "\\|")
    ticks = "`" * (max(map(len, re.findall("`+", flat)), default=0) + 1)
    pad = " " if "`" in flat or flat.endswith("\\") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def plain(text: str) -> str:
    """A sentence of ours with text of others in it, as plain text in a table's cell."""
    flat = re.sub(r"\s+", " ", text).strip()
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    flat = re.sub(r"([\\`*_{}\[\]()#!|~$])", r"\\\1", flat)
    return re.sub(
        r"[@:](?=\w|//)", lambda match: f"&#{ord(match[0])};", flat
    )  # nobody is mentioned, nothing is a link


def value(content: Any) -> str:
    """A property's value, cut."""
    if content is None:
        return "nothing"
    text = _flat(content)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _flat(content: Any) -> str:
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True, ensure_ascii=False)
    return re.sub(r"\s+", " ", text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; its cells are Markdown already."""
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return [*head, *(f"| {' | '.join(row)} |" for row in rows)]


def counted(number: int, singular: str, many: str = "") -> str:
    """`1 resource`, `2 resources`."""
    return f"{number:,} {singular if number == 1 else many or singular + 's'}"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def differences(before: Any, after: Any) -> str:
    """What differs between two values: of documents with statements, which statements; else both values."""
    old, new = (_statements(document) for document in (before, after))
    if old is not None and new is not None:
        parts = [
            f"{mark} {', '.join(sorted(names))}"
            for mark, names in (
                ("added", new.keys() - old.keys()),
                ("removed", old.keys() - new.keys()),
                ("changed", {sid for sid in old.keys() & new.keys() if old[sid] != new[sid]}),
            )
            if names
        ]
        return code("; ".join(f"statement {part}" for part in parts) or "its statements' order")
    if is_mapping(before) and is_mapping(after):
        keys = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
        if len(keys) == 1:
            return f"{code(str(keys[0]))} {differences(before.get(keys[0]), after.get(keys[0]))}"
    if after == LATER and old is not None:
        return f"its statements are {LATER.strip('()')}"
    return _beside(before, after)


def _beside(before: Any, after: Any) -> str:
    """Both values, from shortly before where they begin to differ."""
    if before is None or after is None:
        return (
            f"{code(value(before))} → {code(value(after))}"
            if (before, after) != (None, None)
            else "not known yet"
        )
    first, second = _flat(before), _flat(after)
    if max(len(first), len(second)) <= LONGEST:
        return f"{code(first)} → {code(second)}"
    if first == second:  # a long value is cut where the preview is kept (delivery/strip.py)
        return "in what is too long to be kept here" if first.endswith("…") else "the order of it"
    alike = next((n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), 0)
    start = max(0, alike - 30)
    shown = [("…" if start else "") + value(side[start:]) for side in (first, second)]
    return f"{code(shown[0])} → {code(shown[1])}"


def _statements(document: Any) -> dict[str, Any] | None:
    """The statements of a policy document by their sids; None of anything else."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return None
    statements = document.get("Statement") if is_mapping(document) else None
    if not is_list(statements):
        return None
    return {str(statement.get("Sid", number)): statement for number, statement in enumerate(statements)}
