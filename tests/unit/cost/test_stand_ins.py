"""A price of another region is named wherever an estimate is shown: on the pages, and in a pull request's comment."""

import json
import re
from pathlib import Path

import pytest

from delivery import preview
from delivery.comment import Report, comment
from delivery.costs import stand_ins
from delivery.settings import Masking
from delivery.strip import stripped
from docs import costs
from tests.recording import record
from tests.typed import fake

STACKS = ("dev", "prod", "local")
ROOT = Path(__file__).resolve().parents[3]


def places(shown: str) -> set[tuple[str, str, str]]:
    """Key, region and whose price it is, as they are shown after their words."""
    after = (
        re.split("another region's price (?:is used|stands in): ", shown)[-1].partition("\n")[0].rstrip(".")
    )
    made: set[tuple[str, str, str]] = set()
    for part in after.split("; ") if after else ():
        where = re.fullmatch(r"in (\S+) of (\S+): (.+)", part)
        assert where, part
        made |= {(key.strip("`"), where[1], where[2]) for key in where[3].split(", ")}
    return made


def of_estimate(stack: str) -> set[tuple[str, str, str]]:
    listed = record(stack).outputs["cost"]["at_another_regions_price"]
    assert listed, "nothing stands in, so that nothing would be compared"
    split = (re.split(r" in |: ", each.removesuffix("'s")) for each in listed)
    return {(key, region, other) for key, region, other in split}


@pytest.mark.parametrize("stack", STACKS)
def test_each_table_on_a_page_has_the_prices_of_other_regions_beside_it(stack: str) -> None:
    assert places(costs.cost(stack)) == of_estimate(stack)


def test_beside_the_table_of_all_stacks_stands_the_page_that_has_those_of_each() -> None:
    before = (ROOT / "README.md").read_text().partition("<!-- cost: all -->")[0]
    assert "another region's are used; docs/cost.md lists them" in before[-400:]
    page = (ROOT / "docs" / "cost.md").read_text()
    assert [stack for stack in STACKS if f"<!-- cost: {stack} -->" not in page] == []


def test_a_table_without_any_has_no_such_line(monkeypatch: pytest.MonkeyPatch) -> None:
    without = record("dev").outputs["cost"] | {costs.ELSEWHERE: []}
    monkeypatch.setattr(costs, "estimated", fake(lambda stack: without))
    assert "another region" not in costs.cost("dev") + costs.cost("all")


@pytest.mark.parametrize("stack", STACKS)
def test_a_pull_requests_comment_has_them_of_what_the_preview_keeps(stack: str) -> None:
    sides = {"new": {"outputs": {"cost": record(stack).outputs["cost"]}}}
    step = {"op": "same", "urn": f"urn:pulumi:{stack}::tributary::pulumi:pulumi:Stack::tributary-{stack}"}
    event = {"resOutputsEvent": {"metadata": step | {"type": "pulumi:pulumi:Stack"} | sides}}
    kept = stripped(json.dumps(event) + "\n")
    shown = comment(Report([preview.read(stack, kept)], "0" * 40, "https://github.com/shop/data"), Masking())
    assert places(shown.replace("\\_", "_").replace("&#58;", ":")) == of_estimate(stack)


def test_what_is_written_otherwise_is_shown_as_it_stands() -> None:
    assert stand_ins(["a.b in x: y's", "c.d in x: y's", "of old"]) == ["in x of y: a.b, c.d", "of old"]
    assert stand_ins(None) == stand_ins([1, {}]) == []
