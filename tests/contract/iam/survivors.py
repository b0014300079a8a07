"""The changes of a policy that no case notices, each with its reason: `survivors.toml`."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

LISTED: Mapping[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
FREE: Mapping[str, str] = LISTED["free"]


def unexplained(how: str, stack: str, survivors: Iterable[str]) -> list[str]:
    """Of a stack's policies made smaller (`removed`) or `wider`, the lines that the list doesn't explain, and the
    patterns of the list that no line fits."""
    listed: Mapping[str, str] = LISTED[how].get(stack, {})
    lines = list(survivors)
    stale = [
        f"survivors.toml: nothing fits {pattern}"
        for pattern in listed
        if not any(fits(pattern, line) for line in lines)
    ]
    return [line for line in lines if not any(fits(pattern, line) for pattern in listed)] + stale


def fits(pattern: str, line: str) -> bool:
    """Whether a pattern of the file is about a change."""
    return re.fullmatch(pattern, line) is not None
