"""The comment of each recorded preview is the golden one; of any previews it is short enough and hides what it must.

.venv/bin/python -m tests.unit.delivery.test_comment      writes the golden comments anew
"""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from delivery.arrived import Arrival, Arrived, Denial
from delivery.comment import LIMIT, MARKER, Report, comment, labels, summary
from delivery.costs import change as cost_change
from delivery.preview import Change, Finding, Preview, Property
from delivery.settings import Masking
from tests.typed import fake
from tests.unit.delivery.recordings import HERE, NAMES, recorded

LINK = "https://github.com/shop/data/actions/runs/1"
TABLE = "aws:dynamodb/table:Table"
TOGETHER = ("dev/renamed-table", "prod/removed-pipeline")


def report(*names: str) -> Report:
    return Report([recorded(name) for name in names], "0123456789abcdef0123456789abcdef01234567", LINK)


def golden() -> dict[str, str]:
    """The comments by their files' names."""
    made = {
        name.replace("/", "-"): comment(report(name), Masking()) for name in NAMES if "/first" not in name
    }
    made["all"] = comment(everything(), Masking())
    return made


def everything() -> Report:
    """A report with all that one can have: of two stacks, what policies found, what it costs, what arrived."""
    previews = [recorded(name) for name in TOGETHER]
    broken = Finding(
        "a grant names its actions", "mandatory", f"{TABLE}::orders", "statement Read grants s3:*"
    )
    noted = Finding("a log is kept for a time", "advisory", "aws:cloudwatch/logGroup:LogGroup::a", "for ever")
    arrived = Arrived(
        "dev",
        (Arrival("shop-lake", "export", "orders", 50_000, 50_000, 11.3),
         Arrival("shop-lake", "export", "clients", 1_000, 0, None, "the export failed: AccessDenied")),
        (Denial("tributary-dev-shop-lake-source", "dynamodb:ExportTableToPointInTime", "table/clients", 3),),
    )  # fmt: skip
    ticks = {"at_rest": [0, 350], "by_use": [0, 0]}
    lake = {"at_rest": [20, 20], "by_use": [1.5, 1.5]}
    was = {"month": {"all": [21.5, 371.5]}, "pipelines": {"shop-lake": lake, "stock-ticks": ticks}}
    now = {"month": {"all": [24, 24]}, "pipelines": {"shop-lake": {"at_rest": [20, 20], "by_use": [4, 4]}},
           "prices": {"from": "2026-01-01", "to": "2026-11-01"},
           "at_another_regions_price": ["aoss.ocu in eu-central-1: us-east-1's",
                                        "osis.ocu in eu-central-1: us-east-1's",
                                        "gcs.storage in US: EU's"]}  # fmt: skip
    previews[0] = replace(previews[0], findings=(noted, broken), cost=cost_change(was, now))
    previews[1] = replace(previews[1], cost=cost_change(None, now))
    return Report(previews, "0123456789abcdef", LINK, [arrived], ["staging"])


@pytest.mark.parametrize("name", sorted(golden()))
def test_the_comment_is_the_golden_one(name: str) -> None:
    assert golden()[name] == (HERE / "golden" / f"{name}.md").read_text(), (
        "run: python -m tests.unit.delivery.test_comment, and read what differs"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_comment_shows_no_account_and_no_address(name: str) -> None:
    text = comment(report(name), Masking())
    assert re.findall(r"(?<!\d)\d{12}(?!\d)", text.replace("0123456789ab", "")) == []
    assert re.findall(r"[\w.]+@example\.com", text) == []


def test_what_is_not_to_be_hidden_is_shown() -> None:
    shown = of_one("of 111111111111 and data@example.com", Masking(account_ids=False, addresses=False))
    assert "111111111111" in shown and "data@example.com" in shown
    assert "111111111111" not in of_one("of 111111111111 and data@example.com")
    assert "example.com" not in of_one("of 111111111111 and data@example.com")
    assert "acme-77" not in of_one("acme-77", Masking(also=("acme-[0-9]+",)))


@pytest.mark.parametrize("name", [name for name in NAMES if "/region-moved" in name])
def test_a_long_comment_is_cut_at_its_end_and_leads_to_the_rest(name: str) -> None:
    whole, limit = comment(report(name), Masking(), 10**9), 7_000
    cut = comment(report(name), Masking(), limit)
    assert len(whole.encode()) > limit >= len(cut.encode()) > limit * 0.8
    assert cut.startswith(MARKER) and cut.rstrip().endswith(f"]({LINK})")
    # What can't be undone comes first, and is cut last.
    lost = [line for line in whole.splitlines() if "**lost**" in line]
    assert [line for line in cut.splitlines() if "**lost**" in line] == lost[: cut.count("**lost**")]
    for line in cut.splitlines():
        assert line in whole or LINK in line
    for opening, closing in (("<details>", "</details>"), ("```mermaid", "\n```\n")):
        assert cut.count(opening) == cut.count(closing)


def test_the_deletions_of_a_long_change_are_all_there() -> None:
    urn = f"urn:pulumi:dev::tributary::{TABLE}::"
    many = [Change(f"{urn}new-{n}", "create") for n in range(5_000)]
    removed = [Change(f"{urn}orders-{n}", "delete") for n in range(100)]
    text = comment(Report([Preview("dev", changes=(*many, *removed))], "0" * 40, LINK), Masking())
    assert len(text.encode()) <= LIMIT
    assert text.count("**lost**") == 100
    assert text.index("orders-99") < text.index("new-0")


def test_the_summary_has_what_the_comment_leaves_out() -> None:
    urn = f"urn:pulumi:dev::tributary::{TABLE}::"
    large = Report(
        [Preview("dev", changes=tuple(Change(f"{urn}t{n}", "create") for n in range(3_000)))], "0" * 40, LINK
    )
    assert "`t2999`" not in comment(large, Masking())
    assert "`t2999`" in summary(large, Masking())


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
kinds = st.sampled_from(["create", "update", "replace", "delete"])
types = st.sampled_from([TABLE, "aws:s3/bucket:Bucket", "aws:iam/role:Role", "gcp:bigquery/table:Table"])
properties = st.builds(
    Property, names, names | st.none(), names | st.integers() | st.lists(names, max_size=3)
)
urns = st.builds(fake(lambda type, name: f"urn:pulumi:a::b::{type}::{name}"), types, names)
change = st.builds(
    Change,
    urns,
    kinds,
    names,
    st.lists(names, max_size=2).map(tuple),
    st.lists(properties, max_size=3).map(tuple),
)
previews = st.builds(
    fake(lambda stack, changes, errors, pipelines: Preview(
        stack,
        {"tributary:pipelines": {name: {"kind": "export", "sources": [{"dynamodb": name}]} for name in pipelines}},
        tuple(changes),
        errors=tuple(errors),
        failed=bool(errors),
    )),
    names, st.lists(change, max_size=12), st.lists(names, max_size=2), st.lists(names, max_size=4),
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(previews, max_size=4), st.integers(2_000, 8_000))
def test_any_comment_is_short_enough_and_begins_with_its_marker(those: list[Preview], limit: int) -> None:
    text = comment(Report(those, "0" * 40, LINK), Masking(), limit)
    assert len(text.encode()) <= limit
    assert text.startswith(MARKER) and text.rstrip().endswith(f"]({LINK})")


def of_one(name: str, masking: Masking | None = None) -> str:
    """The comment on one table of that name, and one property that changes."""
    change = Change(
        f"urn:pulumi:a::b::{TABLE}::{name}", "update", "lake", (), (Property("p", name, name + "x"),)
    )
    return comment(Report([Preview("dev", {}, (change,))], "0" * 40, LINK), masking or Masking())


@settings(deadline=None)
@given(names)
@example("a`b``c")
@example("a|b\\|c")
@example("a\n| x |")
@example("</details>")
def test_no_name_ends_a_code_span_or_a_cell(name: str) -> None:
    """What a pull request names is no markup: neither in a cell nor, by a line's end, below the table."""
    text = of_one(name)
    assert len(text.split("\n")) == len(of_one("n").split("\n"))
    [row] = [line for line in text.split("\n") if line.startswith("| 🟡")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    # A span ends at as many backticks as it begins with (https://github.github.com/gfm/#code-spans).
    assert re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", row) == "| 🟡 |  dynamodb.Table |  |  →  |"


def test_labels_say_what_a_branch_protection_can_ask_for() -> None:
    assert labels([recorded("dev/unchanged")]) == []
    assert labels([recorded("dev/key-on")]) == []
    assert labels([recorded("dev/renamed-table")]) == ["deletes-data"]
    assert labels([recorded("dev/region-moved")]) == ["replaces", "deletes-data"]
    assert labels([recorded("dev/next-generation")]) == ["replaces", "deletes-data"]
    assert labels(everything().previews) == ["deletes-data", "policy"]


@pytest.mark.parametrize(
    "secret", ["AKIA" + "IOSFODNN7EXAMPLE", "ghp_" + "a" * 36, "eyJhbGciOi" + "J9.eyJzdWIiOiIx.abcdefghij"]
)
def test_no_part_of_a_credential_is_shown_wherever_it_stands(secret: str) -> None:
    for before in range(120, 175):
        value = json.dumps({"a": "x" * before + " " + secret})
        given = Change(f"urn:pulumi:a::b::{TABLE}::n", "update", "lake", (), (Property("p", value, "y"),))
        text = comment(Report([Preview("dev", {}, (given,))], "0" * 40, LINK), Masking())
        assert secret[:8] not in text


if __name__ == "__main__":
    (HERE / "golden").mkdir(exist_ok=True)
    for old in (HERE / "golden").glob("*.md"):
        old.unlink()
    for file, made in golden().items():
        (HERE / "golden" / f"{file}.md").write_text(made)
