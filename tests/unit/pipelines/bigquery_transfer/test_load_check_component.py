"""The check of each load: when it runs, what it may do, its alarms."""

import json

import pytest

from tests.recording import Recording
from tests.unit.pipelines.bigquery_transfer.recorded import (
    CONFIG,
    EACH,
    POOL,
    catalogued,
    files,
    made,
    warehouse,
)

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def test_plain_files_are_not_counted_and_have_an_alarm_where_their_load_failed() -> None:
    recorded = files()
    assert made(recorded) == EACH | {"aws:cloudwatch/metricAlarm:MetricAlarm": 4}
    (policy,) = (
        json.loads(p["policy"])
        for name, p in recorded.of("aws:iam/rolePolicy:RolePolicy").items()
        if name == "shop-reconcile"
    )
    assert not [s["Sid"] for s in policy["Statement"] if any("s3:" in a or "kms:" in a for a in s["Action"])]
    assert recorded.inputs_of(ALARM, "shop-orders-failed")["metricName"] == "BigQueryLoadFailed"


def environment(recorded: Recording) -> dict[str, str]:
    variables: dict[str, str] = recorded.inputs_of("aws:lambda/function:Function", "shop-reconcile")[
        "environment"
    ]["variables"]
    return variables


def test_nothing_is_counted_where_no_export_gives_a_count_and_every_load_is_checked() -> None:
    recorded = catalogued()
    checked = json.loads(environment(recorded)["TABLES"])
    assert checked == [
        {"table": made, "transfer": f"projects/1/locations/eu/transferConfigs/shop-{table}"}
        for table, made in (("orders", "orders"), ("shop.products", "shop_products"))
    ]
    assert "LOAD_TIME" not in environment(recorded)
    own = {name for name, a in recorded.of(ALARM).items() if a["namespace"] == "tributary"}
    assert {name for name in own if name.startswith("shop-")} == {
        "shop-orders-failed",
        "shop-shop.products-failed",
    }


@pytest.mark.parametrize(
    ("schedule", "checked_at", "within"),
    [
        ("every day 05:00", "cron(0 7 * * ? *)", 120),
        ("every monday 05:00", "cron(0 7 * * ? *)", 6 * 24 * 60 + 120),
        ("every monday,thursday 23:00", "cron(0 1 * * ? *)", 3 * 24 * 60 + 120),
        ("first sunday of month 05:00", "cron(0 7 * * ? *)", 34 * 24 * 60 + 120),
        ("every 24 hours", "rate(1 hour)", 24 * 60 + 120),
    ],
)
def test_a_load_is_checked_when_it_has_to_be_there_and_the_one_before_does_not_count(
    schedule: str, checked_at: str, within: int
) -> None:
    recorded = catalogued(schedule=schedule)
    assert recorded.inputs_of(CONFIG, "shop-orders")["schedule"] == schedule
    assert (
        recorded.inputs_of("aws:scheduler/schedule:Schedule", "shop-compare")["scheduleExpression"]
        == checked_at
    )
    variables = environment(recorded)
    assert (variables["CHECKED_MINUTES_AFTER"], variables["RUN_WITHIN_MINUTES"]) == ("120", str(within))


def test_copies_are_loaded_at_an_interval_and_checked_each_hour() -> None:
    variables = environment(catalogued(schedule="every 15 minutes", storage_transfer={}))
    assert variables["RUN_WITHIN_MINUTES"] == "135"
    variables = environment(catalogued(schedule="every 15 minutes from 09:00 to 17:00", storage_transfer={}))
    assert variables["RUN_WITHIN_MINUTES"] == str(24 * 60 + 120)


def test_only_the_functions_role_may_act_as_the_account_that_counts() -> None:
    recorded = warehouse()
    member = recorded.inputs_of("gcp:serviceaccount/iAMMember:IAMMember", "shop-reconcile")
    named = recorded.inputs_of(POOL, "shop-reconcile")["workloadIdentityPoolId"]
    pool = f"projects/1/locations/global/workloadIdentityPools/{named}"
    assert member["member"] == f"principal://iam.googleapis.com/{pool}/subject/tributary-test-shop-reconcile"
    assert (
        recorded.inputs_of("aws:iam/role:Role", "shop-reconcile")["name"] == "tributary-test-shop-reconcile"
    )
    # A user's path may hold what the subject is taken from; the whole ARN shows that it is not the role's session.
    provider = recorded.inputs_of(
        "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider", "shop-reconcile"
    )
    assert provider["attributeCondition"] == (
        f"assertion.arn.startsWith('arn:aws:sts::{provider['aws']['accountId']}:assumed-role/"
        "tributary-test-shop-reconcile/')"
    )
    assert environment(recorded)["AUDIENCE"] == f"//iam.googleapis.com/{pool}/providers/amazon"
    transfer = "projects/1/locations/eu/transferConfigs/shop-orders"
    assert json.loads(environment(recorded)["TABLES"]) == [
        {"table": "orders", "transfer": transfer, "prefix": "raw/orders/"}
    ]


@pytest.mark.parametrize(
    ("schedule", "minutes", "expected"),
    [("every day 05:00", 120, "cron(0 7 * * ? *)"), ("every day 23:30", 45, "cron(15 0 * * ? *)")],
)
def test_a_load_is_compared_so_many_minutes_after_its_time(
    schedule: str, minutes: int, expected: str
) -> None:
    recorded = warehouse(schedule=schedule, compare_after_minutes=minutes)
    assert (
        recorded.inputs_of("aws:scheduler/schedule:Schedule", "shop-compare")["scheduleExpression"]
        == expected
    )
    assert environment(recorded)["LOAD_TIME"] == schedule.rsplit(maxsplit=1)[-1]


def test_an_alarm_rings_for_a_failed_load_and_for_each_side_of_the_difference() -> None:
    alarms = warehouse().of(ALARM)
    sides = {
        name: (a["metricName"], a["comparisonOperator"], a["statistic"], a["dimensions"])
        for name, a in alarms.items()
        if a["namespace"] == "tributary" and a["metricName"].startswith("BigQuery")
    }
    of = {"Pipeline": "shop", "Table": "orders"}
    assert sides == {
        "shop-orders-failed": ("BigQueryLoadFailed", "GreaterThanThreshold", "Maximum", of),
        "shop-orders-short": ("BigQueryDifference", "LessThanThreshold", "Minimum", of),
        "shop-orders-over": ("BigQueryDifference", "GreaterThanThreshold", "Maximum", of),
    }
