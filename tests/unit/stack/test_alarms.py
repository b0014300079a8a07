"""An alarm says what happened, what it means for the data, and what to do: each names a command that there is."""

import re

import pytest

from tests.recording import record
from tests.unit.repository.test_commands import of_aws, operations

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMMAND = re.compile(r"\b(aws [a-z0-9]+ [a-z-]+|pulumi up|bq ls|gcloud transfer)\b")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
LONGEST = 1024


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_every_alarm_names_a_command_that_there_is(stack: str) -> None:
    meanings = {name: alarm["alarmDescription"] for name, alarm in record(stack).of(ALARM).items()}
    assert len(meanings) > 30
    assert [name for name, meaning in meanings.items() if not COMMAND.search(meaning)] == []
    assert [name for name, meaning in meanings.items() if len(meaning) > LONGEST] == []
    named = set().union(*map(of_aws, meanings.values()))
    assert len(named) > 4
    assert [pair for pair in sorted(named) if pair[1] not in operations(pair[0])] == []


# What follows in a command, and the type and property of the resource that it must be.
NAMED = {
    r"aws logs tail (\S+?)[.);]? ": ("aws:cloudwatch/logGroup:LogGroup", "name"),
    r"--function-name (\S+)": ("aws:lambda/function:Function", "name"),
    r"--state-machine-arn \S+:([\w-]+)": ("aws:sfn/stateMachine:StateMachine", "name"),
    r"[Tt]he queue ([\w-]*tributary[\w-]*)": ("aws:sqs/queue:Queue", "name"),
    r"--source-arn \S+:([\w-]+)": ("aws:sqs/queue:Queue", "name"),
}


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_what_an_alarm_names_is_a_resource_of_its_stack(stack: str) -> None:
    recorded = record(stack)
    seen: set[str] = set()
    for name, alarm in recorded.of(ALARM).items():
        for pattern, (kind, key) in NAMED.items():
            for named in re.findall(pattern, f"{alarm['alarmDescription']} "):
                seen.add(pattern)
                assert named in {inputs.get(key) for inputs in recorded.of(kind).values()}, (name, named)
    assert len(seen) > 3


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_an_alarm_says_what_happened_and_then_what_to_do(stack: str) -> None:
    """In sentences of at most 40 words, of which there are two or more."""
    for name, alarm in record(stack).of(ALARM).items():
        sentences = re.split(r"(?<=[a-z0-9)])[.;:] (?=[A-Za-z])", alarm["alarmDescription"])
        assert len(sentences) > 1, name
        assert [sentence for sentence in sentences if len(sentence.split()) > 40] == [], name
