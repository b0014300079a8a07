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
