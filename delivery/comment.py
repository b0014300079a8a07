"""The one comment of a pull request, for all stacks: what can't be undone first, cut to what GitHub takes.

A comment takes 65,536 characters; here bytes are counted, which are never fewer. What does not fit is in the job's
summary, which takes 1 MiB a step
(https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits).
A hidden marker, in its first line, lets the next run find it again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from delivery import sections, text
from delivery.arrived import Arrived
from delivery.losses import loss
from delivery.mask import everywhere, masked
from delivery.preview import Preview
from delivery.sections import Section
from delivery.settings import Masking

LIMIT = 65_536
SUMMARY_LIMIT = 1024 * 1024
MARKER = "<!-- tributary: preview -->"
FEW = 5
"""As many stacks are named in the title."""
LABELS = ("replaces", "deletes-data", "policy")


@dataclass(frozen=True)
class Report:
    """All that a comment is made of."""

    previews: Sequence[Preview]
    commit: str
    """The commit that was previewed."""
    link: str
    """The address of the job's summary, where the whole of it stands."""
    arrivals: Sequence[Arrived] = ()
    removed: Sequence[str] = ()
    """Stacks whose file the change takes away."""

    @property
    def accounts(self) -> dict[str, str]:
        """The names of all previews' accounts by their ids."""
        return {id: name for preview in self.previews for id, name in preview.accounts.items()}


def comment(report: Report, masking: Masking, limit: int = LIMIT) -> str:
    """The comment, of at most `limit` bytes."""
    accounts = report.accounts
    report = everywhere(report, lambda text: masked(text, masking, accounts))

    def size(lines: Iterable[str]) -> int:
        return len("\n".join(lines).encode()) + 1

    head, parts, foot = _head(report), list(_parts(report)), ["", f"[All of it, uncut]({report.link})"]
    rows = [len(part.rows) for part in parts]
    sizes = [size(_cut(part, count, report.link)) for part, count in zip(parts, rows, strict=True)]
    # The last parts are cut first: the first, on what is replaced or deleted, keeps what room there is.
    for least in (HEADING, NOTHING):
        for number in range(len(parts) - 1, -1, -1):
            over = size(head) + sum(sizes) + size(foot) - limit
            if over <= 0:
                break
            room = sizes[number] - over
            rows[number] = _most(
                parts[number], least, lambda lines, room=room: size(lines) <= room, report.link
            )
            sizes[number] = size(_cut(parts[number], rows[number], report.link))
    body = [line for part, count in zip(parts, rows, strict=True) for line in _cut(part, count, report.link)]
    while body and size([*head, *body, *foot]) > limit:
        body.pop()
    while len(head) > 3 and size([*head, *foot]) > limit:
        head.pop()
    return "\n".join([*head, *body, *foot]) + "\n"


def summary(report: Report, masking: Masking) -> str:
    """The whole of it, for the job's summary: as the comment, of at most what a summary takes."""
    return comment(report, masking, SUMMARY_LIMIT)


def labels(previews: Iterable[Preview]) -> list[str]:
    """The labels of a pull request with these previews, of LABELS."""
    names = set[str]()
    for preview in previews:
        names |= {"policy"} if preview.findings else set()
        for change in preview.changes:
            names |= {"replaces"} if change.kind == "replace" else set()
            lost = loss(change)
            names |= {"deletes-data"} if lost and lost.lost else set()
    return [label for label in LABELS if label in names]


def _parts(report: Report) -> Iterable[Section]:
    previews = report.previews
    yield from sections.failures(previews)
    yield from sections.losing(previews)
    yield from sections.findings(previews)
    yield from sections.costs(previews)
    yield from sections.arrivals(report.arrivals)
    for preview in previews:
        yield from sections.changes(preview)
    for preview in previews:
        yield from sections.pictures(preview)


def _head(report: Report) -> list[str]:
    lines = [MARKER, f"## {_verdict(report)}", ""]
    for stack in report.removed:
        lines += [
            f"The file of stack {text.code(stack)} is taken away: what it made stays until `pulumi destroy`.",
            "",
        ]
    if report.previews:
        rows: list[list[str]] = []
        for preview in report.previews:
            counts = [f"{preview.count(kind):,}" for kind in ("create", "update", "replace", "delete")]
            stack = text.code(preview.stack) + (" **failed**" if preview.failed else "")
            rows.append([stack, *counts, f"{preview.unchanged:,}", str(len(preview.findings) or "-")])
        lines += text.table(("stack", "new", "changed", "replaced", "deleted", "as before", "policies"), rows)
    return [*lines, "", f"Of {text.code(report.commit[:12])}, by `pulumi preview`.", ""]


def _verdict(report: Report) -> str:
    lost = [
        change
        for preview in report.previews
        for change in preview.changes
        if (loss_of_data := loss(change)) and loss_of_data.lost
    ]
    failed = [preview.stack for preview in report.previews if preview.failed]
    changed = [preview.stack for preview in report.previews if preview.changes]
    parts: list[str] = []
    if lost:
        parts.append(f"data of {text.counted(len(lost), 'resource')} is lost")
    if replaced := sum(preview.count("replace") for preview in report.previews):
        parts.append(f"{text.counted(replaced, 'resource')} {'is' if replaced == 1 else 'are'} replaced")
    if failed:
        parts.append(f"{_stacks(failed)} can't be previewed")
    if not parts:
        if not changed:
            return "No stack changes"
        return f"{_stacks(changed)} {'changes' if len(changed) == 1 else 'change'}"
    sentence = "; ".join(parts)
    return sentence[:1].upper() + sentence[1:]


def _stacks(names: Sequence[str]) -> str:
    few = len(names) <= FEW
    return text.listed([text.code(name) for name in names]) if few else text.counted(len(names), "stack")


HEADING, NOTHING = -1, -2
"""Fewer than no rows: a line that says where the part is; nothing at all."""


def _most(part: Section, least: int, fits: Callable[[list[str]], bool], link: str) -> int:
    """The most rows of a part that fit, from `least` on."""
    low, high = least, len(part.rows)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(_cut(part, middle, link)) else (low, middle - 1)
    return low


def _cut(part: Section, rows: int, link: str) -> list[str]:
    """A part with its first rows, and where the others are."""
    if rows < 0:
        return [f"- {part.title}: [in the summary]({link})"] if rows == HEADING else []
    return part.lines(rows, link)
