"""The parts of the comment: each a heading and lines, of which the last can be left out.

A part is made for all stacks together or for one; `comment.py` puts them in order and cuts them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from delivery import text
from delivery.arrived import Arrived
from delivery.losses import loss, rank
from delivery.picture import picture, touched
from delivery.preview import Change, Preview
from delivery.reasons import short, why

VERBS = {"create": "created", "update": "changed", "replace": "replaced", "delete": "deleted"}
MARKS = {"create": "🟢", "update": "🟡", "replace": "🔴", "delete": "🔴"}
KEPT_WHOLE = 10**9
NOTHING = "-"
FEW = 5
"""Of resources that hold no data, as many are listed one by one."""


@dataclass(frozen=True)
class Section:
    """A part of the comment. `rows` are what can be cut, from the end; `head` and `tail` stay with any row."""

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    folded: bool = False
    """Whether it is shown by a click only."""

    def lines(self, rows: int = KEPT_WHOLE, link: str = "") -> list[str]:
        """The part with that many of its rows, and how many are left out."""
        left = len(self.rows) - min(rows, len(self.rows))
        shown = self.rows[:rows]
        body = [*(self.head if shown or not self.rows else ()), *shown]
        if left:
            body += ["", f"… and {text.counted(left, 'more row')}: [all of it]({link})"]
        body += self.tail if not left else ()
        if self.folded:
            return ["<details>", f"<summary>{self.title}</summary>", "", *body, "", "</details>", ""]
        return [f"### {self.title}", "", *body, ""]


def failures(previews: Sequence[Preview]) -> Iterator[Section]:
    """The stacks that could not be previewed, each with why."""
    failing = [preview for preview in previews if preview.failed]
    if failing:
        rows = [f"- {text.code(preview.stack)}: {text.plain(why(preview))}" for preview in failing]
        yield Section("Can't be previewed", (), tuple(rows))


def losing(previews: Sequence[Preview]) -> Iterator[Section]:
    """What is replaced or deleted, and what loses data while it stays: what is lost first, what holds nothing last."""
    deleted = [
        (preview, change, lost)
        for preview in previews
        for change in preview.changes
        if (lost := loss(change)) or change.kind in ("delete", "replace")
    ]
    deleted.sort(key=lambda row: (not (row[2] and row[2].lost), rank(row[1]), row[0].stack, row[1].name))
    rows, others = list[list[str]](), dict[tuple[str, ...], list[Change]]()
    for preview, change, lost in deleted:
        cells = (text.code(preview.stack), VERBS[change.kind], _forced(preview, change))
        if lost:
            data = f"{'**lost**: ' if lost.lost else ''}{text.plain(lost.text)}"
            rows.append([cells[0], _resource(change), *cells[1:], data])
        else:
            others.setdefault(cells, []).append(change)
    for (stack, verb, forced), changes in others.items():
        if len(changes) <= FEW:
            rows += [[stack, _resource(change), verb, forced, "holds none"] for change in changes]
        else:
            types = Counter(change.short_type for change in changes)
            listed = ", ".join(f"{count} {text.plain(name)}" for name, count in sorted(types.items()))
            rows.append([stack, f"{len(changes)} more: {listed}", verb, forced, "hold none"])
    if rows:
        head, rule, *lines = text.table(("stack", "resource", "is", "forced by", "its data"), rows)
        yield Section("Replaced or deleted", (head, rule), tuple(lines))


def _forced(preview: Preview, change: Change) -> str:
    """The properties that force a replacement; of another provider, what changes of its account."""
    parts: list[str] = []
    for key in change.forced_by:
        its = preview.providers.get(change.provider, ()) if key == "provider" else ()
        parts += [
            f"account {text.code(change.provider)}: {text.code(changed.path)} "
            f"{text.differences(changed.before, changed.after)}"
            for changed in its
        ] or [text.code(key)]
    return text.listed(parts) or NOTHING


def _resource(change: Change) -> str:
    return f"{text.code(change.name)} {text.plain(change.short_type)}"


def changes(preview: Preview) -> Iterator[Section]:
    """What changes in a stack, grouped by pipeline: the changed properties with their values, then what is new."""
    marks = touched(preview)
    for pipeline in sorted({change.pipeline for change in preview.changes}):
        its = [change for change in preview.changes if change.pipeline == pipeline]
        counts = ", ".join(
            f"{sum(change.kind == kind for change in its)} {VERBS[kind]}"
            for kind in ("create", "update", "replace", "delete") if any(change.kind == kind for change in its)
        )  # fmt: skip
        named = f"pipeline <code>{_html(pipeline)}</code>" if pipeline else "its accounts"
        state = f", {marks[pipeline]}" if marks.get(pipeline) in ("new", "removed") else ""
        title = f"<code>{_html(preview.stack)}</code>, {named}{state}: {counts}"
        rows = [row for change in sorted(its, key=_order) for row in _rows(change)]
        head, rule, *lines = text.table(("", "resource", "property", "change"), rows)
        yield Section(title, (head, rule), tuple(lines), folded=True)


def _order(change: Change) -> tuple[int, str]:
    return ["delete", "replace", "update", "create"].index(change.kind), change.name


def _rows(change: Change) -> Iterable[Sequence[str]]:
    first = (MARKS[change.kind], _resource(change))
    if change.kind in ("create", "delete") or not change.properties:
        yield (*first, "", VERBS[change.kind])
        return
    for changed in change.properties:
        forced = " (forces the replacement)" if changed.path in change.forced_by else ""
        yield (*first, text.code(changed.path) + forced, text.differences(changed.before, changed.after))
        first = ("", "")


def findings(previews: Sequence[Preview]) -> Iterator[Section]:
    """The policies that resources break."""
    rows = [
        [
            text.code(preview.stack),
            broken.level,
            text.plain(broken.rule),
            text.code(_name(broken.resource)),
            text.plain(broken.message),
        ]
        for preview in previews
        for broken in sorted(
            preview.findings, key=lambda finding: (finding.level != "mandatory", finding.rule)
        )
    ]
    if rows:
        head, rule, *lines = text.table(("stack", "level", "policy", "resource", "what was found"), rows)
        yield Section("Policies", (head, rule), tuple(lines))


def _name(resource: str) -> str:
    return resource.split("::", 2)[-1].rpartition("$")[2]


def costs(previews: Sequence[Preview]) -> Iterator[Section]:
    """What each stack costs a month: the pipelines that cost more or less, and all of it."""
    rows, notes = list[list[str]](), dict[str, None]()
    for preview in previews:
        if not (cost := preview.cost):
            continue
        notes[cost.prices] = None
        if cost.stand_ins:
            notes[
                f"no list read, another region's price stands in: {text.plain('; '.join(cost.stand_ins))}"
            ] = None
        if cost.before is not None:
            for name, (before, after) in cost.changed().items():
                rows.append([text.code(preview.stack), text.code(name), _dollars(before), _dollars(after)])
        before = _dollars(cost.total_before) if cost.total_before is not None else "not known"
        bold = "" if cost.total_before == cost.total_after else "**"
        rows.append(
            [text.code(preview.stack), "all of it", before, f"{bold}{_dollars(cost.total_after)}{bold}"]
        )
    if rows:
        head, rule, *lines = text.table(("stack", "pipeline", "before", "after"), rows)
        tail = ("", *(note for note in notes if note)) if any(notes) else ()
        yield Section("Cost a month, in US dollars", (head, rule), tuple(lines), tail)


def _dollars(amount: tuple[float, float]) -> str:
    """`12.30`, or `12.30 to 48.00` where it depends on how a service scales."""
    least, most = (f"{dollars:,.2f}" for dollars in amount)
    return least if least == most else f"{least} to {most}"


def pictures(preview: Preview) -> Iterator[Section]:
    """A picture of each pipeline that changes, with its legend."""
    if (preview.changes or not preview.failed) and (lines := picture(preview)):
        legend = [
            mark for mark in ("new", "changed", "replaced", "removed") if mark in touched(preview).values()
        ]
        below = f"marked: {text.listed(legend)}" if legend else "nothing of it changes"
        yield Section(
            f"<code>{_html(preview.stack)}</code> as a picture", tuple(lines), (), ("", below), folded=True
        )


def arrivals(runs: Sequence[Arrived]) -> Iterator[Section]:
    """What arrived on the embedded cloud: what fell short first."""
    rows: list[list[str]] = []
    for run in runs:
        if run.failure:
            rows.append(
                [
                    text.code(run.stack),
                    NOTHING,
                    NOTHING,
                    NOTHING,
                    NOTHING,
                    f"did not come up: {text.plain(short(run.failure))}",
                ]
            )
        for arrival in sorted(run.rows, key=lambda row: row.complete):
            result = (
                f"{arrival.seconds:,.1f} s"
                if arrival.complete
                else f"**short**: {text.plain(arrival.failure or 'has not all arrived')}"
            )
            cells = [text.code(run.stack), text.code(arrival.pipeline), text.code(arrival.table)]
            rows.append([*cells, f"{arrival.sent:,}", f"{arrival.arrived:,}", result])
        for denial in run.denials:
            what = (
                f"refused: {text.code(denial.action)} on {text.code(denial.resource)}, {denial.count:,} times"
            )
            rows.append([text.code(run.stack), text.code(denial.principal), NOTHING, NOTHING, NOTHING, what])
    if rows:
        wanting = [run.stack for run in runs if not run.complete]
        head, rule, *lines = text.table(("stack", "pipeline", "table", "sent", "arrived", ""), rows)
        title = "On the embedded cloud: " + (
            "not all arrived" if wanting else "all arrived, nothing was refused"
        )
        yield Section(title, (head, rule), tuple(lines), folded=not wanting)


def _html(name: str) -> str:
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
