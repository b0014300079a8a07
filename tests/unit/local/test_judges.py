"""No parser is both the rule at preview and the judge in the embedded cloud: two are written, each from the pages, and
both take and refuse what the pages show."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from components.languages import bigquery_schedules, bigquery_types, data_prepper
from local.cloud.osis.expressions import Expression
from local.gcp import limits, schedules

ROOT = Path(__file__).resolve().parents[3]


def imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    return names | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("folder", ["cloud", "gcp", "providers"])
def test_the_embedded_cloud_has_no_part_of_the_program(folder: str):
    files = [*(ROOT / "local" / folder).rglob("*.py")]
    parts = {
        f"{file.name}: {name}"
        for file in files
        for name in imported(file)
        if name.split(".")[0] in ("components", "handlers", "policy")
    }
    assert files and not parts


# (expression, event, whether the route takes it), as Data Prepper's own integration tests have them:
# https://github.com/opensearch-project/data-prepper/blob/main/data-prepper-expression/src/test/java/org/opensearch/
# dataprepper/expression/GenericExpressionEvaluator_ConditionalIT.java, and the page
# https://docs.opensearch.org/latest/data-prepper/pipelines/expression-syntax
TAKEN: list[tuple[str, dict[str, Any], bool]] = [
    ("true", {}, True),
    ("/status == 200", {"status": 200}, True),
    ("/status == 200", {}, False),
    ("/status != 300", {"status": 200}, True),
    ("/success == /status", {"success": True, "status": 200}, False),
    ("/success != /status", {"success": True, "status": 200}, True),
    ("(/value  == 10) or ((/status >= 300) and (/none == 15))", {"value": 10}, True),
    ("not (/status >= 300)", {"other": 200}, True),
    ("/a@b.c != 111", {"a@b.c": 111}, False),
    ("/pi == 3.14159", {"pi": Decimal("3.14159")}, True),
    ("/value == 12345.678E12", {"value": Decimal("12345.678E12")}, True),
    ("/value == 12345.678e-12", {"value": Decimal("12345.678e-12")}, True),
    ("true == (/cool == true)", {"cool": True}, True),
    ("not /cool", {"cool": True}, False),
    ("/status < 300", {"status": 200}, True),
    ("null != /status", {"status": 200}, True),
    ("/status == null", {"status": None}, True),
    ("/response == null", {"status": 200}, True),
    ("/response != null", {"status": 200}, False),
    ("-/status == -200", {"status": 200}, True),
    ("/success and /status == 200", {"success": True, "status": 200}, True),
    ("/success or /status == 200", {"success": False, "status": 200}, True),
    ("/logs/2/drop", {"logs": [{}, {}, {"drop": True}]}, True),
    ('"/a-b" == true', {"a-b": True}, True),
    ('/response == "OK"', {"response": "OK"}, True),
    ("/value in {200.222, 300.333, 400}", {"value": 400}, True),
    ("/value in {200.222, 300.333, 400}", {"value": Decimal("400.222")}, False),
    ("/value not in {200.222, 300.333, 400}", {"value": 400}, False),
    ('/color in {"blue", "", "red"}', {"color": ""}, True),
    ('/color not in {"blue", "red"}', {"color": "gray"}, True),
    ("/status in {200 , 300}", {"status": 200}, True),
    ("/flag in {true , false}", {"flag": False}, True),
    ('/name =~ ".*prepper-[0-9]+"', {"name": "prepper-212"}, True),
    ('/name =~ ".*prepper-[0-9]+"', {"name": "prepper-abc"}, False),
    ('/name =~ ".*prepper-[0-9]+"', {"other": "prepper-1"}, False),
    # What can be read, and is of types that do not fit, is false.
    ("not 5", {}, False),
    ("not null", {}, False),
    ("/status >= 300", {"other": 200}, False),
    ("/status != null and /status >= 300", {"other": 200}, False),
    ("/success < /status", {"success": True, "status": 200}, False),
    ("/success > null", {"success": True}, False),
    ("not /status", {"status": 200}, False),
    ("/status >= 200 and 3", {"status": 200}, False),
    # `and` and `or` bind alike, from left to right: DataPrepperExpression.g4, conditionalExpression.
    ("true or /a == 1 and false", {"a": 1}, False),
]
REFUSED = (
    *(
        "",
        "not/status",
        "trueand/status",
        "trueor/status",
        '/color in {"blue, "yellow"}',
        '/color in {"a", b"}',
    ),
    *('/color in {, "yellow"}', "/color in {blue}", "/value in {22a2.0, 100}", "/value in {222, 10a0}"),
    *("/a ==", "(/a == 1", "/a == 1)", "/a in /b", "/a = 1", "/a && /b", "/a == 'x'"),
)


@pytest.mark.parametrize(("text", "event", "taken"), TAKEN)
def test_an_expression_of_data_prepper_is_read_at_preview_and_decided_in_the_cloud(
    text: str, event: dict[str, Any], taken: bool
):
    data_prepper.parse(text)
    assert Expression(text)(event, {}) is taken


@pytest.mark.parametrize("text", REFUSED)
def test_what_data_prepper_can_not_read_is_refused_at_preview_and_in_the_cloud(text: str):
    with pytest.raises(ValueError):
        data_prepper.parse(text)
    with pytest.raises(ValueError):
        Expression(text)


# (schedule, a time, the next run), after the examples on
# https://docs.cloud.google.com/appengine/docs/flexible/scheduling-jobs-with-cron-yaml#formatting_the_schedule and of
# `schedule` on https://docs.cloud.google.com/bigquery/docs/reference/datatransfer/rest/v1/projects.locations.transferConfigs
SCHEDULES = [
    ("every 12 hours", "2026-03-01T05:00", "2026-03-01T17:00"),
    ("every 5 minutes", "2026-03-01T05:00", "2026-03-01T05:05"),
    ("every day 00:00", "2026-03-01T00:00", "2026-03-02T00:00"),
    ("every monday 09:00", "2026-03-01T00:00", "2026-03-02T09:00"),
    ("every mon,wed,fri 09:00", "2026-03-02T10:00", "2026-03-04T09:00"),
    ("2nd,third mon,wed,thu of march 17:00", "2026-03-01T00:00", "2026-03-09T17:00"),
    ("2nd,third mon,wed,thu of march 17:00", "2026-03-19T18:00", "2027-03-08T17:00"),
    ("1st monday of sep,oct,nov 17:00", "2026-03-01T00:00", "2026-09-07T17:00"),
    ("1 of jan,april,july,oct 00:00", "2026-03-01T00:00", "2026-04-01T00:00"),
    ("1,8,15,22 of month 09:00", "2026-03-08T09:00", "2026-03-15T09:00"),
    ("1st,third monday of month 15:30", "2026-03-03T00:00", "2026-03-16T15:30"),
    ("every wed,fri of jan,jun 13:15", "2026-03-01T00:00", "2026-06-03T13:15"),
    ("first sunday of quarter 00:00", "2026-03-01T00:00", "2026-04-05T00:00"),
]
NO_SCHEDULES = (
    *(
        "every 0 hours",
        "every day",
        "every day 24:00",
        "every day 12:60",
        "every noday 12:00",
        "sixth monday of may 12:00",
    ),
    *("31 of february 12:00", "every day of noon 12:00", "daily", "0 12 * * *", "rate(1 day)"),
)


@pytest.mark.parametrize(("text", "after", "then"), SCHEDULES)
def test_a_schedule_of_the_pages_is_the_same_at_preview_and_in_the_cloud(text: str, after: str, then: str):
    at, expected = (datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (after, then))
    assert schedules.parse(text).next_after(at) == expected
    assert bigquery_schedules.parse(text).next_after(at) == expected


@pytest.mark.parametrize("text", NO_SCHEDULES)
def test_what_is_no_schedule_is_refused_at_preview_and_in_the_cloud(text: str):
    with pytest.raises(ValueError):
        bigquery_schedules.parse(text)
    with pytest.raises(ValueError):
        schedules.parse(text)


def test_an_interval_within_hours_starts_again_each_day():
    """The page: "from <start> to <end>", and `synchronized` for the whole day."""
    hours = schedules.parse("every 5 minutes from 10:00 to 14:00")
    assert hours.next_after(datetime(2026, 3, 1, 14, 0, tzinfo=UTC)) == datetime(
        2026, 3, 2, 10, 0, tzinfo=UTC
    )
    even = schedules.parse("every 2 hours synchronized")
    assert even.next_after(datetime(2026, 3, 1, 3, 30, tzinfo=UTC)) == datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


# https://docs.cloud.google.com/bigquery/docs/schemas#column_names
@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("order_id", True), ("größe", True), ("名前", True), ("a b", True), ("a-b", True), ("a%b", True), ("1st", True),
        ("a" * 300, True), ("a" * 301, False), ("", False), ("a.b", False), ("a!", False), ('a"', False), ("a$", False),
        ("a(b)", False), ("a/b", False), ("a;b", False), ("a?b", False), ("a@b", False), ("a[0]", False),
        ("a\\b", False), ("a^b", False), ("a`b", False), ("a{b}", False), ("a~b", False),
        ("_TABLE_x", False), ("_partition", False), ("_FILE_NAME", False),
        ("_ROW_TIMESTAMP", False), ("__ROOT__a", False), ("_COLIDENTIFIER", False),
    ],
)  # fmt: skip
def test_a_columns_name_is_the_same_at_preview_and_in_the_cloud(name: str, taken: bool):
    assert (bigquery_types.column_name_problem(name) is None) == taken
    assert limits.is_column_name(name) == taken


def test_the_numbers_of_bigquerys_types_are_the_same_at_preview_and_in_the_cloud():
    """https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types"""
    for name in ("INT64", "NUMERIC", "BIGNUMERIC"):
        assert getattr(limits, name) == getattr(bigquery_types, name)
