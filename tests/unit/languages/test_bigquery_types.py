"""components/languages/bigquery_types.py and bigquery_schedules.py, without a cloud."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.languages import bigquery_schedules
from components.languages.bigquery_types import (
    SCALARS,
    Format,
    column_name_problem,
    decimal_type,
    dynamodb_item,
    field,
    fields,
    glue_type,
    shown,
    table_name,
)
from components.languages.types_page import document

FORMATS: tuple[Format, ...] = ("PARQUET", "JSON")
DECIMALS = st.integers(1, 38).flatmap(lambda p: st.integers(0, p).map(lambda s: f"decimal({p},{s})"))
KINDS = st.recursive(
    st.one_of(st.sampled_from(sorted(SCALARS)), DECIMALS),
    lambda inner: st.one_of(
        inner.map(lambda t: f"array<{t}>"),
        inner.map(lambda t: f"map<string,{t}>"),
        st.lists(inner, min_size=2, max_size=3).map(
            lambda ts: "struct<" + ",".join(f"f{n}:{t}" for n, t in enumerate(ts)) + ">"
        ),
    ),
    max_leaves=5,
)


def test_the_page_of_types_is_the_one_that_the_code_writes() -> None:
    assert (Path(__file__).parents[3] / "docs" / "types.md").read_text() == document()


@given(kind=KINDS, file_format=st.sampled_from(FORMATS))
def test_the_way_back_leads_to_the_same_field(kind: str, file_format: Format) -> None:
    there = field("x", kind, file_format)
    assert field("x", glue_type(there), file_format) == there


@given(precision=st.integers(1, 38), data=st.data())
def test_a_decimal_is_numeric_exactly_where_numeric_holds_it(precision: int, data: st.DataObject) -> None:
    scale = data.draw(st.integers(0, precision))
    numeric = scale <= 9 and precision - scale <= 29
    assert decimal_type(precision, scale)["type"] == ("NUMERIC" if numeric else "BIGNUMERIC")


@pytest.mark.parametrize(
    "bad",
    [
        "decimal(39,0)",
        "decimal(77,0)",
        "decimal(0,0)",
        "decimal(5,6)",
        "money",
        "array<>",
        "struct<a>",
        "map<string>",
    ],
)
def test_a_type_that_nothing_holds_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="column 'x'"):
        fields([("x", bad)], "PARQUET")


@pytest.mark.parametrize(
    ("kind", "parquet", "json"),
    [
        ("bigint unsigned", "NUMERIC(20,0)", "NUMERIC(20,0)"),
        ("uint_32", "INT64", "INT64"),
        ("decimal(38,9)", "NUMERIC(38,9)", "NUMERIC(38,9)"),
        ("decimal(38,10)", "BIGNUMERIC(38,10)", "BIGNUMERIC(38,10)"),
        ("timestamp", "TIMESTAMP", "DATETIME"),
        ("timestamp with time zone", "TIMESTAMP", "TIMESTAMP"),
        ("array<int>", "STRUCT<list ARRAY<STRUCT<element INT64>>>", "ARRAY<INT64>"),
        (
            "array<array<int>>",
            "STRUCT<list ARRAY<STRUCT<element STRUCT<list ARRAY<STRUCT<element INT64>>>>>>",
            "ARRAY<JSON>",
        ),
        ("map<string,int>", "STRUCT<key_value ARRAY<STRUCT<key STRING, value INT64>>>", "JSON"),
        ("VARCHAR(20)", "STRING", "STRING"),
        (
            "struct<Address:struct<Zip:string>>",
            "STRUCT<Address STRUCT<Zip STRING>>",
            "STRUCT<Address STRUCT<Zip STRING>>",
        ),
    ],
)
def test_a_type_becomes(kind: str, parquet: str, json: str) -> None:
    assert (shown(field("x", kind, "PARQUET")), shown(field("x", kind, "JSON"))) == (parquet, json)


@pytest.mark.parametrize("name", ["order id", "tótal", "a-b", "1st", "a" * 300, "x_PARTITION"])
def test_a_flexible_name_is_taken_and_an_external_table_refuses_it(name: str) -> None:
    assert column_name_problem(name) is None
    assert bool(column_name_problem(name, external=True)) == (name not in ("a" * 300, "x_PARTITION"))


@pytest.mark.parametrize(
    "name", ["", "a" * 301, "_PARTITIONTIME", "_table_x", "__root__", "a.b", "a$", "a/b", "a[0]", "a~"]
)
def test_a_name_that_bigquery_refuses_is_refused_with_what_to_do(name: str) -> None:
    with pytest.raises(ValueError, match="rename it at its source"):
        fields([(name, "int")], "JSON")


def test_names_that_differ_in_case_only_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'Id' and 'iD'"):
        fields([("Id", "int"), ("iD", "int")], "JSON")
    with pytest.raises(ValueError, match=r"'id' and 'id'"):
        fields([("id", "int"), ("id", "int")], "JSON")
    with pytest.raises(ValueError, match=r"column 'x': 'a' and 'A' are one name"):
        fields([("x", "array<struct<a:int,A:int>>")], "PARQUET")
    with pytest.raises(ValueError, match=r"attributes 'Total' and 'total' are one name"):
        dynamodb_item({"Total": "N", "total": "N"})


def test_a_refused_name_deep_inside_is_found() -> None:
    with pytest.raises(ValueError, match=r"column 'x': 'b\.c' inside it"):
        fields([("x", "array<struct<a:int,b.c:int>>")], "JSON")


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("shop.customers", "shop_customers"),
        ("orders", "orders"),
        ("a/b$c", "a_b_c"),
        ("tótal-2 x", "tótal-2 x"),
    ],
)
def test_a_table_is_named_the_same_every_time(source: str, made: str) -> None:
    assert table_name(source) == made


def test_long_table_names_stay_apart_within_the_limit() -> None:
    first, other = table_name("é" * 600 + "1"), table_name("é" * 600 + "2")
    assert first != other and len(first.encode()) <= 1024
    assert len(table_name("a" * 1020, 1017)) == 1017
    with pytest.raises(ValueError, match="name the table in the config"):
        table_name("$.$")


def test_an_attribute_of_several_types_has_a_field_for_each() -> None:
    [item] = dynamodb_item({"id": "S|N"})
    assert [f["name"] for f in item["fields"][0]["fields"]] == ["S", "N"]
    with pytest.raises(ValueError, match="'X' is no DynamoDB type"):
        dynamodb_item({"id": "S|X"})
    with pytest.raises(ValueError, match=r"'N\|S\|N' names a type twice; write id: 'N\|S'"):
        dynamodb_item({"id": "N|S|N"})


@pytest.mark.parametrize(
    ("text", "after", "then"),
    [
        ("every day 04:30", "2026-01-01T04:30", "2026-01-02T04:30"),
        ("every day 04:30", "2026-01-01T04:29", "2026-01-01T04:30"),
        ("every monday,thu 09:00", "2026-01-01T09:00", "2026-01-05T09:00"),
        ("1st,third monday of month 15:30", "2026-01-06T00:00", "2026-01-19T15:30"),
        ("first sunday of quarter 00:00", "2026-01-05T00:00", "2026-04-05T00:00"),
        ("every wed,fri of jan,jun 13:15", "2026-01-30T14:00", "2026-06-03T13:15"),
        ("1,15 of month 06:00", "2026-01-02T00:00", "2026-01-15T06:00"),
        ("every 24 hours", "2026-01-01T00:00", "2026-01-02T00:00"),
    ],
)
def test_a_schedule_comes_next(text: str, after: str, then: str) -> None:
    parsed = bigquery_schedules.parse(text)
    assert parsed.next_after(datetime.fromisoformat(after).replace(tzinfo=UTC)) == datetime.fromisoformat(
        then
    ).replace(tzinfo=UTC)
    assert parsed.least_interval >= bigquery_schedules.LEAST_INTERVALS["amazon_s3"]


def test_an_interval_is_as_long_as_it_says() -> None:
    assert bigquery_schedules.parse("every 15 minutes").least_interval == timedelta(minutes=15)
    assert bigquery_schedules.parse("every 2 hours from 10:00 to 14:00").least_interval == timedelta(hours=2)
    assert bigquery_schedules.parse("").least_interval == bigquery_schedules.LEAST_INTERVALS["amazon_s3"]


def test_a_load_at_a_time_of_day_is_distinguished_from_one_at_an_interval() -> None:
    assert bigquery_schedules.minute("first sunday of month 05:07") == 5 * 60 + 7
    assert bigquery_schedules.minute("every 2 hours from 10:00 to 14:00") is None


@pytest.mark.parametrize(
    "text",
    [
        "hourly",
        "every 0 hours",
        "every day 24:00",
        "every someday 10:00",
        "6th monday of month 10:00",
        "31 of feb 10:00",
        "every day of smarch 10:00",
    ],
)
def test_a_schedule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="schedule"):
        bigquery_schedules.parse(text)
