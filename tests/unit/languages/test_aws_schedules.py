"""How far apart a schedule's runs are. The cron cases are of the service's page, with their sentences:
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html"""

import pytest

from components.languages.aws_schedules import least_minutes, longest_minutes, schedule

HOUR, DAY = 60, 1440
WEEK = 7 * DAY


@pytest.mark.parametrize(
    ("expression", "longest"),
    [
        ("rate(15 minutes)", 15),
        ("rate(6 hours)", 6 * HOUR),
        ("rate(1 day)", DAY),
        ("cron(0 3 * * ? *)", DAY),
        # "Run at 10:00 am every day"
        ("cron(0 10 * * ? *)", DAY),
        # "Run at 6:00 pm every Monday through Friday": over the weekend
        ("cron(0 18 ? * MON-FRI *)", 3 * DAY),
        # "Run every 15 minutes"
        ("cron(0/15 * * * ? *)", 15),
        # "Run every 10 minutes Monday through Friday": from Friday 23:50 to Monday 0:00
        ("cron(0/10 * ? * MON-FRI *)", 2 * DAY + 10),
        # "Run every 5 minutes Monday through Friday between 8:00 am and 5:55 pm"
        ("cron(0/5 8-17 ? * MON-FRI *)", 3 * DAY - 9 * HOUR - 55),
        # "Run at 8:00 am every 1st day of the month"
        ("cron(0 8 1 * ? *)", 31 * DAY),
        # "10:15 AM on the last Friday of each month": five weeks
        ("cron(15 10 ? * 6L *)", 5 * WEEK),
        # "the second Tuesday of each month"
        ("cron(0 3 ? * 3#2 *)", 5 * WEEK),
        ("cron(0 3 ? * TUE#2 *)", 5 * WEEK),
        # "the last day of the month": from 30 November to 31 December
        ("cron(0 3 L * ? *)", 31 * DAY),
        ("cron(0 3 ? * L *)", WEEK),
        # Where the 1st is a Saturday, "the weekday nearest" within the month is Monday the 3rd.
        ("cron(0 3 1W * ? *)", 33 * DAY),
        ("cron(0 3 */5 * ? *)", 5 * DAY),
        ("cron(0 3,15 ? * 2,4 *)", 5 * DAY - 12 * HOUR),
        ("cron(0 3 29 2 ? *)", 4 * 365 * DAY + DAY),
        ("cron(0 3 * 1 ? *)", (365 - 30 + 1) * DAY),
    ],
)
def test_the_longest_time_between_two_runs(expression: str, longest: int) -> None:
    assert longest_minutes(schedule(expression)) == longest
    assert least_minutes(expression) <= longest


def test_a_day_that_never_comes_is_years_away() -> None:
    assert longest_minutes("cron(0 3 30 2 ? *)") > 365 * DAY
