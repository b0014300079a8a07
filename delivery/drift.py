"""What a stack's resources are, beside what its program has: one issue a stack, closed once they are alike again.

A refresh reads each resource of the state (`pulumi preview --refresh`): what somebody changed by hand would be changed
back by the next deployment, which is what its events say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from delivery import text
from delivery.mask import everywhere, masked
from delivery.preview import Preview
from delivery.reasons import why
from delivery.sections import Section, changes
from delivery.settings import Masking

UNREAD = "unread"
"""The kind of what could not be read, so that nobody knows what was added to it."""


PAUSED = "paused"
"""The kind of what was switched off by hand: by `make pause`."""


@dataclass(frozen=True)
class Stranger:
    """Something in the stack's own resources that the program did not make, and no refresh sees."""

    resource: str
    """What it stands in, such as a bucket's ARN."""
    kind: str
    """`statement`, `grant`, `principal`, `subscription`, `paused`, or `unread`."""
    what: str
    """Which one: a statement's Sid and what it lets happen, a grantee, an endpoint; of what is paused, the command that
    switches it on; of what is unread, why."""


def marker(stack: str) -> str:
    """The first line of the stack's issue."""
    return f"<!-- tributary: drift of {stack} -->"


def title(stack: str) -> str:
    """The title of the stack's issue."""
    return f"Stack {stack} is not as its program has it"


def body(
    preview: Preview, strangers: Sequence[Stranger] | None, link: str, masking: Masking, limit: int = 65_536
) -> str | None:
    """The issue's text, of at most `limit` bytes; None where nothing differs, so that the issue is closed. A preview
    that failed is no news of drift, nor is a scan that did (`strangers` is None): the issue stays open, and says so."""
    scanned = strangers is not None
    strangers = strangers or ()
    if not preview.changes and not strangers and not preview.failed and scanned:
        return None
    accounts = preview.accounts
    preview, strangers = everywhere((preview, tuple(strangers)), lambda part: masked(part, masking, accounts))
    parts: list[Section] = []
    added = [stranger for stranger in strangers if stranger.kind not in (UNREAD, PAUSED)]
    off = [stranger for stranger in strangers if stranger.kind == PAUSED]
    unread = [stranger for stranger in strangers if stranger.kind == UNREAD]
    if unread:
        rows = [[text.code(stranger.resource), text.code(stranger.what)] for stranger in unread]
        head, rule, *lines = text.table(("what was added to", "could not be read"), rows)
        parts.append(Section("Not read", (head, rule), tuple(lines)))
    if off:
        rows = [[text.code(stranger.resource), text.code(stranger.what)] for stranger in off]
        head, rule, *lines = text.table(("switched off by hand", "to switch it on"), rows)
        parts.append(Section("Paused", (head, rule), tuple(lines)))
    if added:
        rows = [[text.code(stranger.resource), stranger.kind, text.code(stranger.what)] for stranger in added]
        head, rule, *lines = text.table(("in", "a", "which the program did not make"), rows)
        parts.append(Section("Added by hand", (head, rule), tuple(lines)))
    parts += changes(preview)
    lines = [marker(preview.stack), ""]
    if preview.failed:
        lines += [f"It could not be compared: {text.plain(why(preview))}", ""]
    elif preview.changes:
        lines += [
            "The next deployment would change this back: put it into the program, or deploy.",
            "",
        ]
    if not scanned:
        lines += ["It could not be scanned for what was added by hand: the run's log says why.", ""]
    foot = ["", f"[The run that found it]({link})"]
    for part in parts:
        room = limit - sum(len(line.encode()) + 1 for line in [*lines, *foot])
        rows = len(part.rows)
        while rows >= 0 and sum(len(line.encode()) + 1 for line in part.lines(rows, link)) > room:
            rows = rows // 2 if rows else -1
        lines += part.lines(rows, link) if rows >= 0 else []
    return "\n".join([*lines, *foot]) + "\n"
