"""An estimate, and a difference of two, as tables of text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_COLUMNS = (("at rest", "at_rest"), ("by use", "by_use"), ("once", "once"))


def dollars(amounts: Sequence[float], sign: bool = False) -> str:
    """`12.30`, or `12.30 - 48.00` where the service's scaling decides. With `sign`, `+12.30`."""
    low, high = (f"{amount:+,.2f}" if sign else f"{amount:,.2f}" for amount in amounts)
    return low if low == high else f"{low} … {high}" if sign else f"{low} - {high}"


def rows(estimate: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each pipeline and one for all: name, kind, and US dollars at rest, by use and once."""
    pipeline_rows = [
        (name, part["kind"], *(dollars(part[key]) for _, key in _COLUMNS))
        for name, part in estimate["pipelines"].items()
    ]
    month = estimate["month"]
    return [
        *pipeline_rows,
        ("all", "", dollars(month["at_rest"]), dollars(month["by_use"]), dollars(estimate["once"])),
    ]


def table(estimate: Mapping[str, Any]) -> str:
    """The table that a preview and an update print, of an estimate as plain data."""
    prices = estimate["prices"]
    lines = (
        [f"cost a month in US dollars, list prices of {prices['from']} to {prices['to']}"] if prices else []
    )
    lines += _aligned([("pipeline", "kind", *(name for name, _ in _COLUMNS)), *rows(estimate)])
    if elsewhere := estimate["at_another_regions_price"]:
        lines.append(f"no list read for: {'; '.join(elsewhere)} stands in")
    lines.append(f"left out: {'; '.join(estimate['left_out'])}")
    return "\n".join(lines)


def difference_table(change: Mapping[str, Any]) -> str:
    """A difference as a table in Markdown: what changes, before and after, in US dollars a month."""
    if not change["lines"] and not any(change["month"]["change"]):
        return "The cost does not change.\n"
    head = "| pipeline | what | before | after | change |\n|---|---|---:|---:|---:|\n"

    def row(pipeline: str, what: str, part: Mapping[str, Any]) -> str:
        cells = (dollars(part["before"]), dollars(part["after"]), dollars(part["change"], sign=True))
        return f"| {pipeline} | {what} | {' | '.join(cells)} |\n"

    body = "".join(
        row(line["pipeline"], line["what"] + (" (once)" if line["when"] == "once" else ""), line)
        for line in change["lines"]
    )
    return head + body + row("**all**", "each month", change["month"])


def _aligned(table: Iterable[Sequence[str]]) -> list[str]:
    cells = list(table)
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
