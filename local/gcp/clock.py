"""What time it is in the local Google Cloud: the machine's, and what the file `clock` of the state folder adds to it
(seconds), so that a test is at the hour and the day that it needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

_file: list[Path] = []


def keep_in(state: Path) -> None:
    """The folder of the file, which is read anew at each call of `now`."""
    _file[:] = [state / "clock"]


def now() -> datetime:
    """The machine's time in UTC, and the file's seconds added where there is a file."""
    added = float(_file[0].read_text()) if _file and _file[0].exists() else 0
    return datetime.now(UTC) + timedelta(seconds=added)


def text(moment: datetime) -> str:
    """As Google's APIs write it (RFC 3339, in UTC)."""
    return moment.isoformat().replace("+00:00", "Z")
