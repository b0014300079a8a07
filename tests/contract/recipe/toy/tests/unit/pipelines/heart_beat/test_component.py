"""What a heart beat registers."""

import json
import re
from typing import Any

import pytest
import yaml
from components.pipelines.heart_beat import component

import policy
from components.iam import Statement
from components.stack import settings
from tests.recording import ROOT, Recording, record
from tests.recording import recorded as recorded_before

CONFIG: dict[str, Any] = {
    "accounts": {"workload": {"id": "111111111111", "region": "eu-central-1"}},
    "pipelines": {"pulse": {"kind": "heart-beat", "stream": "orders", "every_minutes": 10}},
}


@pytest.fixture(scope="module")
def recorded() -> Recording:
    return record("test", CONFIG)


def test_its_settings_parse_in_each_stack() -> None:
    for stack in ("dev", "prod", "local"):
        keys = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
        config = {key.partition(":")[2]: value for key, value in keys.items() if key.startswith("tributary:")}
        assert settings.read(config).pipelines["pulse"].args.stream == "orders"


def test_it_may_put_records_on_its_stream_and_nothing_else(recorded: Recording) -> None:
    document = json.loads(recorded.inputs_of("aws:iam/rolePolicy:RolePolicy", "pulse-beat")["policy"])
    rights = {statement["Sid"]: statement["Action"] for statement in document["Statement"]}
    assert rights == {
        "WriteLog": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "PutBeat": ["kinesis:PutRecord"],
        "KeepWhatFailed": ["sqs:SendMessage"],
    }


def test_the_numbers_of_its_alarms_and_schedules(recorded: Recording) -> None:
    kinds = [resource.type for resource in recorded.resources if resource.name.startswith("pulse")]
    assert (
        kinds.count("aws:cloudwatch/metricAlarm:MetricAlarm") == 4
    )  # silent, errors, throttles, what failed
    assert kinds.count("aws:scheduler/schedule:Schedule") == 1
    schedule = recorded.inputs_of("aws:scheduler/schedule:Schedule", "pulse-tick")
    assert schedule["scheduleExpression"] == "rate(10 minutes)"


def test_its_name_follows_the_rule(recorded: Recording) -> None:
    function = recorded.inputs_of("aws:lambda/function:Function", "pulse-beat")
    assert re.fullmatch("[A-Za-z0-9_-]{1,32}", function["environment"]["variables"]["BEAT"])


def test_the_policies_judge_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def wide(sid: str, actions: list[str], resources: list[str]) -> Statement:
        return Statement(sid, actions, ["arn:aws:kinesis:*:*:stream/*"], {}, effect="Allow")

    monkeypatch.setattr(component, "Statement", wide)
    recorded_before.clear()
    with pytest.raises(policy.Violated, match="PutBeat"):
        record("test", CONFIG)
    recorded_before.clear()
