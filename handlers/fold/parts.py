"""Into how many parts a fold is divided, and what each part does. Pure.

A part takes some files of the published snapshot and leaves out the rows whose keys changed, or writes a share of the
changed rows, or both. So no row of the snapshot is dealt anywhere: each of its files is read by one part, whoever wrote
it, a full export or a fold, and a snapshot that has grown is divided into more parts as it is. Parts write a file each;
small files that follow each other become one of up to the limit, so their number stays below twice the snapshot by the
limit, and one for each limit of changes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from run_steps import Folded

MOST_FILES = 1000
"""Of a part: each file is a request of its own."""
MOST_PARTS = 10_000
"""Of a fold: their numbers, up to six bytes each, go by a state machine's state, which holds 262,144 bytes."""

NAMED = 5
"""Parts that failed, in an error."""


@dataclass(frozen=True)
class Part:
    """What one call folds."""

    files: tuple[str, ...]
    """Of the published snapshot, by their names in its folder."""
    share: int | None = None
    """Which share of the changed rows it writes; None: none, only the rows of its files that did not change."""
    shares: int = 1

    def json(self) -> dict[str, Any]:
        """What `of` reads."""
        return asdict(self)

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> "Part":
        """From its JSON."""
        return cls(tuple(described["files"]), described["share"], described["shares"])


def divide(current: Mapping[str, int], changes: int, limit: int) -> list[Part]:
    """The parts of a fold: `current` is the published snapshot's files and their bytes, `changes` the bytes of what
    changed, `limit` the bytes that a part may have, unless one file has more. Raises ValueError if there are too many.
    """
    shares = max(1, -(-changes // limit))
    parts = [Part(files) for files in _groups(current, limit)]
    room = limit - sum(current[name] for name in parts[-1].files) if parts else limit
    if parts and changes <= room:
        parts[-1] = Part(parts[-1].files, 0)
    else:
        parts += [Part((), share, shares) for share in range(shares)]
    if len(parts) > MOST_PARTS:
        raise ValueError(
            f"{len(parts):,} parts of {limit:,} bytes, and a fold has {MOST_PARTS:,} at the most"
        )
    return parts


def _groups(current: Mapping[str, int], limit: int) -> Iterator[tuple[str, ...]]:
    """The files in the order of their names, as many together as the limit allows."""
    group: list[str] = []
    filled = 0
    for name in sorted(current):
        if group and (filled + current[name] > limit or len(group) == MOST_FILES):
            yield tuple(group)
            group, filled = [], 0
        group.append(name)
        filled += current[name]
    if group:
        yield tuple(group)


def output(first: str, part: int) -> str:
    """The key of a part's file, where `first` is that of the first part's: as a fold of one part has always called its
    only file, so that a run which an earlier release began leaves no other beside it."""
    return first if part == 0 else f"{first.removesuffix('.parquet')}-{part:05}.parquet"


def failures(results: Mapping[int, Mapping[str, Any]], count: int) -> str:
    """Which of `count` parts are not folded, and why; empty where all are. `results`: what each wrote of itself."""
    reasons = {
        part: results[part]["error"] if part in results else "no result, as the log of the function explains"
        for part in range(count)
        if "error" in results.get(part, {"error": ""})
    }
    named = "; ".join(f"part {part}: {reason}" for part, reason in list(reasons.items())[:NAMED])
    return f"{len(reasons)} of {count} parts are not folded: {named}" if reasons else ""


def totals(results: Iterable[Mapping[str, int]], size: int) -> Folded:
    """Of all parts, whose files have `size` bytes."""
    each = list(results)
    return {
        "rows": sum(result["rows"] for result in each),
        "changes": sum(result["changes"] for result in each),
        "deletes": sum(result["deletes"] for result in each),
        "bytes": size,
        "parts": len(each),
    }
