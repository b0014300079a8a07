"""Each thing that docs/accounts.md says no page settles has a life that would settle it, and that can be reached."""

import re
from pathlib import Path

from tests.live.every import LIVES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "accounts.md").read_text()


def test_each_row_that_only_a_real_account_settles_names_a_life_that_there_is() -> None:
    table = PAGE.partition("## What only a real account can settle")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    lives = [re.fullmatch(r"\| .+ \| .+ \| .+ \| `([a-z-]+)` \|", row) for row in rows]
    assert len(rows) > 10
    assert [row for row, life in zip(rows, lives, strict=True) if life is None or life[1] not in LIVES] == []
    for service in ("export.rds", "events", "glue"):
        assert f"`{service}.amazonaws.com`" in table
