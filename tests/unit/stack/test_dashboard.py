"""An account's dashboard shows the alarms that are registered in it, and CloudWatch takes it.

judged/dashboard.json is the same dashboard as the constructs of AWS's own CDK write it (aws-cdk-lib, whose version it
names: Dashboard, TextWidget, AlarmStatusWidget, GraphWidget); a construct leaves out what is CloudWatch's default.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.arguments.plain import is_list, is_mapping
from components.stack import dashboard, settings
from components.stack.dashboard import Row, TooMuch, Watched, arrived, body, console
from operate import row
from tests.recording import Recording, record, stack_config
from tests.unit.configs import lake

ALARM, DASHBOARD = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/dashboard:Dashboard"
JUDGED: dict[str, Any] = json.loads((Path(__file__).parent / "judged" / "dashboard.json").read_text())
DEFAULTS = {"period": 300, "stat": "Average"}
"""CloudWatch-Dashboard-Body-Structure.html, "Metric Widget: Format for Each Metric in the Array"."""


def watched(label: str, metric: str, statistic: str = "Sum", period: int = 300, **of: str) -> Watched:
    namespace, _, name = metric.rpartition("/")
    arn = f"arn:aws:cloudwatch:eu-central-1:111111111111:alarm:tributary-test-lake-{label}"
    return Watched(label, arn, "eu-central-1", namespace, name, of, statistic, period, 0.0, True)


STALE = replace(
    watched("orders-stale", "tributary/Published", period=3600, Source="orders", Pipeline="lake"),
    threshold=1.0,
    above=False,
)
LAKE = Row(
    "lake", "export", "eu-central-1", "tributary-test-lake-",
    [
        watched("source-errors", "AWS/Lambda/Errors", FunctionName="f-source"),
        STALE,
        watched("orders-failed", "tributary/Failed", Source="orders", Pipeline="lake"),
        watched("unstarted", "AWS/SQS/ApproximateNumberOfMessagesVisible", "Maximum", QueueName="q"),
        watched("catalog-errors", "AWS/Lambda/Errors", FunctionName="f-catalog"),
    ],
    arrived("lake", "export", {"catalog_tables": ["orders"]}),
)  # fmt: skip


def without_defaults(value: Any) -> Any:
    """A body without what is CloudWatch's default in a metric's options."""
    if is_list(value):
        return [without_defaults(item) for item in value]
    if not is_mapping(value):
        return value
    options = {key: without_defaults(item) for key, item in value.items()}
    return {key: item for key, item in options.items() if not (key in DEFAULTS and item == DEFAULTS[key])}


def test_a_dashboard_is_what_awss_own_constructs_write() -> None:
    judged = {key: value for key, value in JUDGED.items() if key != "made by"}
    assert without_defaults(body("# the title", [LAKE], "aws")) == judged


def bodies(recorded: Recording) -> dict[str, dict[str, Any]]:
    return {name: json.loads(each["dashboardBody"]) for name, each in recorded.of(DASHBOARD).items()}


def shown(body: dict[str, Any], kind: str, key: str) -> list[Any]:
    return [
        item for each in body["widgets"] if each["type"] == kind for item in each["properties"].get(key, [])
    ]


@pytest.mark.parametrize("name", ["prod", "local"])
def test_each_alarm_of_an_account_is_shown_once_and_its_metric_too(name: str) -> None:
    recorded = record(name)
    accounts = {key: each["id"] for key, each in stack_config(name)["accounts"].items()}
    assert bodies(recorded).keys() == {"workload-dashboard", "analytics-dashboard"}
    for logical, whole in bodies(recorded).items():
        account = logical.removesuffix("-dashboard")
        own = [each for each in recorded.resources if each.type == ALARM and each.provider == account]
        assert len(own) > 10
        arns = [arn.split(":", 4)[4] for arn in shown(whole, "alarm", "alarms")]
        assert sorted(arns) == sorted(f"{accounts[account]}:alarm:{each.inputs['name']}" for each in own)
        lines = [line for line in shown(whole, "metric", "metrics") if "expression" not in line[0]]
        for each in own:
            inputs = each.inputs
            dimensions = sorted(inputs["dimensions"].items())
            options = {"period": int(inputs["period"]), "stat": inputs["statistic"]}
            assert any(
                line[:-1]
                == [inputs["namespace"], inputs["metricName"], *(t for pair in dimensions for t in pair)]
                and options.items() <= line[-1].items()
                for line in lines
            ), each.name


@pytest.mark.parametrize("name", ["prod", "local"])
def test_each_pipeline_has_its_part_and_what_arrived(name: str) -> None:
    recorded = record(name)
    texts = [text["properties"]["markdown"] for each in bodies(recorded).values() for text in each["widgets"]
             if text["type"] == "text"]  # fmt: skip
    heads = {text.splitlines()[0] for text in texts}
    assert heads >= {f"## {pipeline}" for pipeline in stack_config(name)["pipelines"]}
    came = [graph["properties"]["metrics"] for each in bodies(recorded).values() for graph in each["widgets"]
            if graph["properties"].get("title") == "What arrived"]  # fmt: skip
    lines = json.dumps(came)
    for metric in (
        "documentsSuccess",
        "DeliveryToAmazonOpenSearchServerless.Records",
        "Rows",
        "BigQueryLoaded",
    ):
        assert metric in lines


def test_widgets_stand_side_by_side_inside_the_grid_and_none_over_another() -> None:
    for whole in bodies(record("prod")).values():
        cells: set[tuple[int, int]] = set()
        for each in whole["widgets"]:
            own = {
                (each["x"] + x, each["y"] + y) for x in range(each["width"]) for y in range(each["height"])
            }
            assert not own & cells and max(x for x, _ in own) < 24, each
            cells |= own


def test_what_more_than_100_alarms_are_is_two_widgets() -> None:
    many = [watched(f"a{n:03}", "AWS/Lambda/Errors", FunctionName=f"f{n}") for n in range(101)]
    whole = body("t", [replace(LAKE, alarms=many, arrived=())], "aws")
    counts = [len(each["properties"]["alarms"]) for each in whole["widgets"] if each["type"] == "alarm"]
    assert counts == [100, 1]


def test_a_dashboard_larger_than_cloudwatch_takes_is_refused_with_the_way_out() -> None:
    def rows(count: int, metrics: int) -> list[Row]:
        drawn = [watched("a", f"AWS/X/m{n}", Of="x") for n in range(metrics)]
        return [replace(LAKE, pipeline=f"p{n}", alarms=drawn, arrived=()) for n in range(count)]

    # A line of text for all, then a line of text, alarms and a graph for each.
    assert len(body("t", rows(166, 1), "aws")["widgets"]) == 499
    with pytest.raises(TooMuch, match="502 widgets, and CloudWatch takes 500; leave out 'dashboard'"):
        body("t", rows(167, 1), "aws")
    same = [watched("a", "AWS/X/m", Of=f"{n}") for n in range(2501)]
    assert body("t", [replace(LAKE, alarms=same[:-1], arrived=())], "aws")
    with pytest.raises(TooMuch, match="2,501 metrics, and CloudWatch takes 2,500"):
        body("t", [replace(LAKE, alarms=same, arrived=())], "aws")


def test_a_program_whose_dashboard_is_too_large_fails_with_the_accounts_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dashboard, "WIDGETS", 5)
    with pytest.raises(Exception, match="dashboard: of account 111111111111 the dashboard would have"):
        record("test", {**stack_config("dev"), "dashboard": True})


def test_a_stack_that_does_not_ask_for_it_has_none() -> None:
    assert settings.read(lake()).dashboard is False
    recorded = record("dev")
    assert recorded.of(DASHBOARD) == {} and recorded.outputs["dashboards"] == {}


def test_accounts_of_one_id_in_two_regions_have_one_dashboard() -> None:
    config = stack_config("dev")
    here = config["accounts"]["workload"]
    config["accounts"]["elsewhere"] = {**here, "region": "eu-west-1"}
    for name, pipeline in config["pipelines"].items():
        pipeline["account"] = "elsewhere" if name == "stock-ticks" else "workload"
    recorded = record("dev", {**config, "dashboard": True})
    [whole] = bodies(recorded).values()
    regions = {arn.split(":")[3] for arn in shown(whole, "alarm", "alarms")}
    assert regions == {here["region"], "eu-west-1"}
    assert {each["properties"]["region"] for each in whole["widgets"] if each["type"] == "metric"} == regions


def test_the_outputs_name_each_dashboard_and_status_shows_it() -> None:
    described = record("prod").outputs["dashboards"]
    assert described["222222222222"] == {
        "name": "tributary-prod-analytics-dashboard",
        "region": "ap-northeast-1",
        "url": "https://ap-northeast-1.console.aws.amazon.com/cloudwatch/home?region=ap-northeast-1"
        "#dashboards/dashboard/tributary-prod-analytics-dashboard",
    }
    lines = row.dashboards(described).splitlines()
    assert lines[1].startswith("dashboard of 111111111111: tributary-prod-workload-dashboard, https://ap-")
    assert len(lines) == 3 and row.dashboards({}) == ""


@pytest.mark.parametrize(
    ("partition", "start"),
    [
        ("aws", "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarms"),
        ("aws-cn", "https://eu-west-1.console.amazonaws.cn/cloudwatch/home?region=eu-west-1#alarms"),
        (
            "aws-us-gov",
            "https://eu-west-1.console.amazonaws-us-gov.com/cloudwatch/home?region=eu-west-1#alarms",
        ),
    ],
)
def test_an_address_is_of_the_partitions_console(partition: str, start: str) -> None:
    assert console(partition, "eu-west-1", "alarms") == start
