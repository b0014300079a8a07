"""Draws a pull request's comment as GitHub shows it, of a golden one: `docs/pictures/comment.svg`.

What a comment has (delivery/sections.py) and nothing else: headings, tables, bold, code, and what is folded away, which
shows its heading. Letters are taken as equally wide, so that a cell breaks where it has to, on every machine.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "unit" / "delivery" / "golden"
WIDTH, LINE, LETTER, PAD = 940, 19, 7.6, 10
STYLE = """
  .page { fill: #ffffff; stroke: #d1d9e0 } .bar { fill: #f6f8fa; stroke: #d1d9e0 } .cell { fill: none; stroke: #d1d9e0 }
  .cell.head { fill: #f6f8fa }
  text { fill: #1f2328; font: 12.5px "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre }
  .big { font-size: 19px; font-weight: 600 } .middle { font-size: 15px; font-weight: 600 }
  .bold { font-weight: 700 } .code { fill: #0550ae } .faint { fill: #59636e }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #3d444d } .bar { fill: #151b23; stroke: #3d444d } .cell { stroke: #3d444d }
    .cell.head { fill: #151b23 } text { fill: #f0f6fc } .code { fill: #79c0ff } .faint { fill: #9198a1 }
  }
"""
Span = tuple[str, str]
"""A style's class, and the text."""


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first is the heading."""

    rows: Sequence[Sequence[str]]


def spans(text: str) -> list[Span]:
    """The parts of a line: bold, code and plain."""
    text = re.sub(r"</?code>", "`", text)
    parts = re.split(r"(\*\*[^*]+\*\*|`[^`]*`)", text)
    styled = [
        ("bold", part[2:-2])
        if part.startswith("**")
        else ("code", part[1:-1])
        if part.startswith("`")
        else ("", part)
        for part in parts
    ]
    return [(style, unescape(part)) for style, part in styled if part]


def broken(parts: Sequence[Span], letters: int) -> list[list[Span]]:
    """The parts in lines of so many letters at most; a longer word stands alone."""
    lines: list[list[Span]] = [[]]
    used = 0
    for style, text in parts:
        for word in re.findall(r"\S+\s*|\s+", text):
            if used and used + len(word.rstrip()) > letters:
                lines.append([])
                used = 0
            lines[-1].append((style, word))
            used += len(word)
    return lines


def blocks(comment: str) -> Iterator[Table | tuple[str, str]]:
    """Tables, and (style, text) of what else a comment shows before anything is unfolded."""
    shown = re.sub(r"<!--.*?-->\n?", "", comment)
    shown = re.sub(r"<details>\s*<summary>(.*?)</summary>.*?</details>", r"> \1", shown, flags=re.S)
    rows: list[list[str]] = []
    for line in [*shown.splitlines(), ""]:
        if line.startswith("|"):
            if not re.fullmatch(r"[|\s:-]+", line):
                rows.append([cell.strip() for cell in line.strip().strip("|").split(" | ")])
            continue
        if rows:
            yield Table(rows)
            rows = []
        if line.startswith("#"):
            yield "big" if line.startswith("## ") else "middle", line.lstrip("# ")
        elif line.strip():
            yield "", f"\u25b8 {line[2:]}" if line.startswith("> ") else line


def _line(parts: Sequence[Span], x: float, y: float, style: str = "") -> str:
    inside = "".join(
        f'<tspan class="{own}">{escape(text)}</tspan>' if own else escape(text) for own, text in parts
    )
    named = f' class="{style}"' if style else ""
    return f'<text x="{x:g}" y="{y:g}"{named}>{inside}</text>'


def _widths(table: Table) -> list[int]:
    """Letters of each column: as many as its longest cell has, and the widest shares what is left."""
    longest = [max(sum(len(text) for _, text in spans(row[column])) for row in table.rows)
               for column in range(len(table.rows[0]))]  # fmt: skip
    room = int((WIDTH - 60 - 2 * PAD * len(longest)) / LETTER)
    while sum(longest) > room:
        longest[longest.index(max(longest))] -= 1
    return longest


def _table(table: Table, top: float) -> tuple[list[str], float]:
    drawn: list[str] = []
    letters, y = _widths(table), top
    for number, row in enumerate(table.rows):
        cells = [broken(spans(cell), width) for cell, width in zip(row, letters, strict=True)]
        height = max(len(cell) for cell in cells) * LINE + 10
        x = 30.0
        for cell, width in zip(cells, letters, strict=True):
            wide = width * LETTER + 2 * PAD
            style = "cell" if number else "cell head"
            drawn.append(f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{wide:g}" height="{height:g}"/>')
            drawn += [
                _line(line, x + PAD, y + 18 + LINE * at, "" if number else "bold")
                for at, line in enumerate(cell)
            ]
            x += wide
        y += height
    return drawn, y


def picture(name: str) -> str:
    """A golden comment as an SVG, light or dark as the reader's screen is."""
    drawn: list[str] = []
    y = 66.0
    for block in blocks((GOLDEN / f"{name}.md").read_text()):
        if isinstance(block, Table):
            rows, y = _table(block, y)
            drawn += rows
            y += 16
            continue
        style, text = block
        y += {"big": 12, "middle": 8}.get(style, 0)
        for line in broken(
            spans(text), int((WIDTH - 60) / (LETTER * {"big": 1.5, "middle": 1.2}.get(style, 1)))
        ):
            drawn.append(_line(line, 30, y + 14, style))
            y += LINE + 3
        y += 6
    height = int(y + 20)
    who = _line([("bold", "github-actions"), ("faint", " bot commented")], 30, 27)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img">\n<title>The comment of a pull request that renames a table</title>\n<style>{STYLE}</style>\n'
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>\n'
        f'<rect class="bar" x="0.5" y="0.5" width="{WIDTH - 1}" height="42" rx="6"/>\n'
        + "\n".join([who, *drawn]) + "\n</svg>\n"
    )  # fmt: skip
