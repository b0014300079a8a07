"""Each question that only a real account can settle has a life that settles it, and each life can be reached."""

from __future__ import annotations

import re
from pathlib import Path

from tests.live.every import LIVES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "live.md").read_text()
NEEDS = {"second account", "google", "database", "lake formation", "pulumi", "costly"}


def rows() -> list[tuple[str, str]]:
    """(question, life) of the page's table."""
    table = PAGE.partition("## What it must settle")[2].partition("\n## ")[0]
    return re.findall(r"^\| (.+?) \| [^|]+ \| `([a-z-]+)` \|$", table, re.MULTILINE)


def test_each_question_of_the_page_names_a_life_that_settles_it() -> None:
    assert len(rows()) > 5
    assert sorted(rows()) == sorted(
        (question, name) for name, life in LIVES.items() for question in life.settles
    )
    table = PAGE.partition("## What it must settle")[2].partition("\n## ")[0]
    assert len(rows()) == len(re.findall(r"^\| ", table, re.MULTILINE)) - 1, "a row without a life"


def test_each_life_is_named_on_the_page_and_needs_what_a_sandbox_can_have() -> None:
    for name, life in LIVES.items():
        assert f"`{name}`" in PAGE
        assert life.needs <= NEEDS and life.makes and life.cost
