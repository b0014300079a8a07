"""The changes of a policy that no case notices, each with its reason: `survivors.toml`."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

LISTED: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


def unexplained(stack: str, found: Iterable[str], *, whole: bool = True) -> list[str]:
    """The lines that the list doesn't explain; with `whole` also its patterns that no line fits."""
    listed, lines = LISTED.get(stack, {}), list(found)
    fits = {line: [pattern for pattern in listed if re.fullmatch(pattern, line)] for line in lines}
    used = {pattern for patterns in fits.values() for pattern in patterns}
    stale = [f"survivors.toml: nothing fits {pattern}" for pattern in listed if pattern not in used]
    return [line for line, patterns in fits.items() if not patterns] + (stale if whole else [])
