"""An estimate of what is registered: nothing is without a price or a reason, and what it says holds together."""

import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

import policy
from bootstrap.cost import compared, main
from bootstrap.page import OPTIONS
from components.cost import Pipeline, Resource, difference, difference_table, estimate, table
from components.cost.by_use import BY_USE
from components.cost.free import FREE
from components.cost.prices import FILES, price, prices
from components.cost.usage import USAGE
from components.stack.costs import judge
from components.stack.kinds import KINDS
from components.stack.settings import CostArgs
from tests.recording import Recording, record, recorded, stack_config
from tests.typed import fake

STACKS = ("dev", "prod", "local")


def options() -> dict[str, Any]:
    """A config with the settings that `prod` has not."""
    config = yaml.safe_load(OPTIONS.read_text())["config"]
    return stack_config("prod") | {key.removeprefix("tributary:"): value for key, value in config.items()}


PROGRAMS = [pytest.param(name, stack_config(name), id=name) for name in STACKS] + [
    pytest.param("prod", options(), id="options")
]


@pytest.mark.parametrize(("name", "config"), PROGRAMS)
def test_all_that_a_stack_registers_has_a_price_or_a_reason(name: str, config: dict[str, Any]) -> None:
    cost = record(name, config).outputs["cost"]
    assert [text for text in cost["left_out"] if "no price is known" in text] == []


def test_a_type_that_nobody_has_priced_is_left_out_in_words() -> None:
    cost = estimate([Resource("aws:ec2/instance:Instance", "pipe")], {})
    assert "aws:ec2/instance:Instance: no price is known" in cost.described()["left_out"]


def test_what_is_free_has_a_reason_and_each_kind_its_usage() -> None:
    assert all(len(why) > 15 for why in FREE.values())
    assert set(USAGE) == set(BY_USE) == set(KINDS)


@pytest.mark.parametrize("name", STACKS)
def test_sums_are_those_of_the_lines_and_no_least_is_above_its_most(name: str) -> None:
    cost = record(name).outputs["cost"]
    assert set(cost["pipelines"]) == {*stack_config(name)["pipelines"], "accounts"}
    for when, total in (("at rest", cost["month"]["at_rest"]), ("by use", cost["month"]["by_use"])):
        for end in (0, 1):
            lines = sum(line["dollars"][end] for line in cost["lines"] if line["when"] == when)
            of_pipelines = sum(part[when.replace(" ", "_")][end] for part in cost["pipelines"].values())
            assert lines == pytest.approx(total[end], abs=0.3)  # each is rounded to the cent
            assert of_pipelines == pytest.approx(total[end], abs=0.05)
    assert all(line["dollars"][0] <= line["dollars"][1] for line in cost["lines"])


@pytest.mark.parametrize("name", STACKS)
def test_the_alarms_of_a_stack_are_counted_each(name: str) -> None:
    recorded = record(name)
    alarms = sum(
        line["quantity"][0] for line in recorded.outputs["cost"]["lines"] if line["what"] == "alarms"
    )
    assert alarms == recorded.counts()["aws:cloudwatch/metricAlarm:MetricAlarm"]


def test_the_first_preview_prints_the_table_of_the_update(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[str] = []
    monkeypatch.setattr("pulumi.log.info", printed.append)
    recorded.clear()  # a recording that is there prints nothing
    record("prod", preview=True)
    assert printed == [table(record("prod").outputs["cost"])] * 2
    assert "catalog-search  zero-etl" in printed[0]


@pytest.mark.parametrize(
    ("pipeline", "key", "value", "what"),
    [
        ("catalog-search", "storage_gb", 1000, "first export of the tables"),
        ("stock-ticks", "monthly_data_ingested_gb", 1000, "records written"),
        ("shop-lake", "storage_gb", 1000, "exports of tables"),
        ("shop-replica", "monthly_replicated_gb", 1000, "time control"),
        ("shop-warehouse", "monthly_transferred_gb", 1000, "transfer out of AWS"),
    ],
)
def test_a_usage_raises_its_line_and_deploys_nothing_else(
    pipeline: str, key: str, value: float, what: str
) -> None:
    config = stack_config("prod")
    used = config | {
        "pipelines": config["pipelines"] | {pipeline: config["pipelines"][pipeline] | {"usage": {key: value}}}
    }

    def dollars(recorded: Recording) -> float:
        lines = recorded.outputs["cost"]["lines"]
        return next(
            line["dollars"][1] for line in lines if (line["pipeline"], line["what"]) == (pipeline, what)
        )

    before, after = record("prod"), record("prod", used)
    assert dollars(after) > 10 * dollars(before)
    assert after.counts() == before.counts()


# --- prices


def test_every_price_has_a_page_a_date_and_a_list_it_was_read_in() -> None:
    for listed in prices().values():
        assert listed.page.startswith("https://") and listed.source and listed.price > 0, listed
        assert "2025-06-01" < listed.date <= "2026-11-28", listed
    assert {path.name for path in FILES.iterdir()} == {"aws.csv", "google.csv"}


def test_a_price_of_another_region_is_named_as_such() -> None:
    assert price("osis.ocu", "sa-east-1").region == "us-east-1"
    assert price("s3.time_control", "sa-east-1").region == "*"
    args = SimpleNamespace(account=SimpleNamespace(region="sa-east-1"), tables=[])
    ingests = Resource(
        "aws:opensearchingest/pipeline:Pipeline", "pipe", {"min_units": 1, "max_units": 1}, "sa-east-1"
    )
    described = estimate([ingests], {"pipe": Pipeline("zero-etl", args)}).described()
    assert "osis.ocu in sa-east-1: us-east-1's" in described["at_another_regions_price"]
    assert "osis.ocu in sa-east-1: us-east-1's" in table(described)


def test_a_price_that_no_list_has_is_an_error_and_not_nothing() -> None:
    with pytest.raises(KeyError, match="no list has a price for"):
        price("made.up", "us-east-1")


# --- what changes


def test_what_changes_from_one_config_to_another() -> None:
    before = stack_config("dev")
    search = before["pipelines"]["catalog-search"] | {"pipelines": "per-table"}
    after = before | {"pipelines": before["pipelines"] | {"catalog-search": search}}
    change = compared("dev", before, after)
    unit = Decimal("0.24") * 730
    assert change["month"]["change"][0] == pytest.approx(float(unit))
    assert set(change["pipelines"]) == {"catalog-search"}
    assert change["pipelines"]["catalog-search"]["at_rest"]["change"] == [float(unit)] * 2
    ingestion = {
        "pipeline": "catalog-search",
        "what": "ingestion, units at the least",
        "when": "at rest",
        "before": [175.2, 175.2],
        "after": [350.4, 350.4],
        "change": [175.2, 175.2],
    }
    assert ingestion in change["lines"]
    shown = difference_table(change)
    assert "| catalog-search | ingestion, units at the least | 175.20 | 350.40 | +175.20 |" in shown
    assert "| **all** | each month |" in shown


def test_a_stack_that_comes_and_one_that_goes() -> None:
    cost = record("dev").outputs["cost"]
    comes, goes = difference(None, cost), difference(cost, None)
    assert comes["month"]["change"] == cost["month"]["all"] == [-change for change in goes["month"]["change"]]
    assert set(comes["pipelines"]) == set(goes["pipelines"]) == set(cost["pipelines"])


def test_nothing_changes_from_a_config_to_itself() -> None:
    cost = record("dev").outputs["cost"]
    change = difference(cost, json.loads(json.dumps(cost)))
    assert (change["lines"], change["pipelines"]) == ([], {})
    assert difference_table(change) == "The cost does not change.\n"


def test_the_command_prints_a_table_and_data(capsys: pytest.CaptureFixture[str]) -> None:
    main(["dev"])
    assert "catalog-search  zero-etl" in capsys.readouterr().out
    main(["dev", "--json"])
    assert json.loads(capsys.readouterr().out) == record("dev").outputs["cost"]


# --- the ceiling


def with_ceiling(**cost: Any) -> dict[str, Any]:
    return stack_config("dev") | {"cost": cost}


def test_a_mandatory_ceiling_fails_the_preview_and_an_advisory_one_warns() -> None:
    with pytest.raises(policy.Violated, match="breaks 'a stack costs no more than its ceiling': at least"):
        record("dev", with_ceiling(ceiling=100, enforcement="mandatory"), preview=True)
    assert record("dev", with_ceiling(ceiling=100)).outputs["cost"] == record("dev").outputs["cost"]


def test_a_ceiling_is_judged_by_the_least_and_only_a_mandatory_one_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged: list[tuple[str, str]] = []
    monkeypatch.setattr("pulumi.log.warn", fake(lambda text: logged.append(("warn", text))))
    monkeypatch.setattr("pulumi.log.info", fake(lambda text: logged.append(("info", text))))
    estimated = {"month": {"all": [100.0, 900.0]}}
    judge(estimated, CostArgs())
    judge(estimated, CostArgs(ceiling=900))
    assert logged == []
    judge(estimated, CostArgs(ceiling=500))
    assert logged[-1][0] == "info" and "up to 900.00 dollars a month" in logged[-1][1]
    judge(estimated, CostArgs(ceiling=99.99))
    assert logged[-1][0] == "warn" and "at least 100.00 dollars a month" in logged[-1][1]
    with pytest.raises(policy.Violated):
        judge(estimated, CostArgs(ceiling=99.99, enforcement="mandatory"))
