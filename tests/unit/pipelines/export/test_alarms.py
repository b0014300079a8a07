"""What the alarms of a run say is true of what starts it, and fits whatever its sources are called."""

import pytest

from tests.recording import record
from tests.unit.pipelines.export.recorded import KEY, ORDERS, SHOP, WORKLOAD, lake

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
BY_EVENT = SHOP | {"snapshot": "event"}
FIELDS = "scheduled_time, only and snapshot_arn"


@pytest.mark.parametrize(
    ("sources", "caller", "whose_input"),
    [
        ([ORDERS], "the role of the schedule.", ["its Body, the run's input"]),
        ([BY_EVENT], "the role of the event rule.", [FIELDS]),
        ([BY_EVENT, ORDERS], "the role of the schedule or the event rule.", [FIELDS, "else the Body"]),
    ],
    ids=["scheduled", "by event", "both"],
)
def test_a_run_that_was_not_started_is_started_with_its_own_input(
    sources: list[dict[str, object]], caller: str, whose_input: list[str]
) -> None:
    text = lake(*sources, key_arn=KEY).inputs_of(ALARM, "lake-unstarted")["alarmDescription"]
    assert caller in text
    assert all(part.lower() in text.lower() for part in whose_input)
    assert ("snapshot" in text) == (BY_EVENT in sources)
    assert (
        "start-execution --state-machine-arn arn:aws:states:eu-central-1:111111111111:stateMachine:" in text
    )
    assert "--input file://input.json" in text


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [
        ("rate(15 minutes)", 1),
        ("rate(1 hour)", 3),
        ("cron(0 3 * * ? *)", 26),
        ("cron(0 3 ? * MON-FRI *)", 74),
        ("cron(0 3 ? * MON *)", 168),
        ("rate(8 days)", None),
        ("cron(0 3 1 * ? *)", None),
    ],
)
def test_a_source_is_late_when_its_schedule_says_so(schedule: str, hours: int | None) -> None:
    alarms = lake(ORDERS, schedule=schedule).of(ALARM)
    assert alarms["lake-orders-failed"]["period"] == 300
    stale = alarms.get("lake-orders-stale")
    assert (stale and stale["evaluationPeriods"]) == hours
    if stale:
        assert f"Nothing of orders was published for {hours} hours." in stale["alarmDescription"]


@pytest.mark.parametrize(
    ("snapshot", "hours"), [("event", 26), ("latest-automated", 26), ("made-for-the-run", 1)]
)
def test_a_database_is_late_by_its_snapshots_which_are_daily(snapshot: str, hours: int) -> None:
    shop = SHOP | {"snapshot": snapshot}
    alarms = lake(shop, ORDERS, schedule="rate(15 minutes)", key_arn=KEY).of(ALARM)
    assert alarms["lake-orders-stale"]["evaluationPeriods"] == 1
    assert alarms["lake-shop-stale"]["evaluationPeriods"] == hours


def test_long_names_make_no_alarm_that_cloudwatch_refuses() -> None:
    """Of more than 1,024 characters:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""
    table, name = "t" * 255, "l" * 30
    pipeline = {"kind": "export", "sources": [{"dynamodb": table}]}
    config = {"accounts": {"workload": WORKLOAD}, "pipelines": {name: pipeline}}
    recorded = record("s" * 40, config, tables={table: {"pointInTimeRecovery": {"enabled": True}}})
    texts = [alarm["alarmDescription"] for alarm in recorded.of(ALARM).values()]
    assert max(map(len, texts)) == 1024
