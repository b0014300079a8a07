"""What goes into the normaliser comes out of its Parquet: every attribute type, exactly; what is not sound is named."""

import base64
import gzip
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.normaliser import (
    canonical_item,
    data_file,
    digest,
    full,
    item_of,
    normalise,
    number,
    schema_of,
)
from tests.typed import fake

EVERY_TYPE: dict[str, Any] = {
    "id": {"S": "a"},
    "empty": {"S": ""},
    "emoji": {"S": '🛒 "quoted" \\ / \b\f\n\r\t \u0000 é \u2028'},
    "small": {"N": "-9223372036854775808"},
    "large": {"N": "9223372036854775807"},
    "widest": {"N": "99999999999999999999999999999999999999"},
    "fraction": {"N": "-0.00000000000000000000000000000000000001"},
    "huge": {"N": "9.9999999999999999999999999999999999999E+125"},
    "tiny": {"N": "-1E-130"},
    "nothing": {"N": "-0"},
    "bytes": {"B": base64.b64encode(bytes(range(256))).decode()},
    "no_bytes": {"B": ""},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "null": {"NULL": True},
    "strings": {"SS": ["", "b", "🛒"]},
    "numbers": {"NS": ["1", "-2", "1234567890123456789"]},
    "fractions": {"NS": ["0.1", "100"]},
    "binaries": {"BS": ["", "AP8="]},
    "list": {"L": [{"S": "x"}, {"N": "1.50"}, {"L": []}, {"M": {}}, {"NULL": True}]},
    "map": {"M": {"deep": {"M": {"er": {"L": [{"B": "AA=="}]}}}, "": {"S": "an empty name"}}},
    'Größe "x"': {"S": "a name that is escaped"},
}


@pytest.mark.parametrize("ascii_only", [True, False])
def test_every_attribute_type_comes_back_bit_for_bit(ascii_only: bool):
    schema = schema_of([EVERY_TYPE], keys=["id"])
    _, rows = normalise(full([EVERY_TYPE], ensure_ascii=ascii_only), schema)
    assert item_of(rows[0], schema) == canonical_item(EVERY_TYPE)


def test_types_are_the_narrowest_that_hold_every_value_and_can_be_widened():
    schema = schema_of([EVERY_TYPE])
    glue = {c.attribute: c.type.glue() for c in schema.columns}
    assert glue["large"] == "decimal(38,0)"
    assert glue["widest"] == "decimal(38,0)"
    assert glue["fraction"] == "decimal(38,38)"
    assert glue["huge"] == glue["map"] == "string"
    assert glue["numbers"] == "array<decimal(38,0)>"
    assert glue["fractions"] == "array<decimal(38,1)>"
    assert glue["bytes"] == "binary"
    assert "null" not in glue


def test_no_digit_is_lost_in_38():
    items = [
        {"n": {"N": "12345678901234567890123456789012345.678"}},
        {"n": {"N": "-0.001"}},
        {"n": {"N": "1E+3"}},
    ]
    schema = schema_of(items)
    _, rows = normalise(full(items), schema)
    assert [row["n"] for row in rows] == [Decimal(item["n"]["N"]) for item in items]
    assert [row["_rest"] for row in rows] == [None] * 3


def test_a_number_that_the_column_would_round_stands_in_the_rest():
    schema = schema_of([{"n": {"N": "1"}, "d": {"N": "0.5"}}], {"n": "bigint"})
    odd = {"n": {"N": "1.5"}, "d": {"N": "0.25"}}
    report, rows = normalise(full([odd, {"n": {"N": "9223372036854775808"}}]), schema)
    assert rows[0]["n"] is None and rows[0]["d"] is None
    assert json.loads(rows[0]["_rest"]) == odd
    assert json.loads(rows[1]["_rest"]) == {"n": {"N": "9223372036854775808"}}
    assert report.json()["rest"]["items"] == 2


def test_double_is_only_where_it_is_declared_and_keeps_the_sign_of_zero():
    schema = schema_of([], {"n": "double"})
    _, rows = normalise(full([{"n": {"N": "-0"}}, {"n": {"N": "0.1"}}, {"n": {"N": "1E+400"}}]), schema)
    assert number(rows[0]["n"]) == (1, (0,), 0)
    assert rows[1]["n"] == 0.1
    assert rows[2]["n"] is None and json.loads(rows[2]["_rest"]) == {"n": {"N": "1E+400"}}


def test_new_and_conflicting_attributes_are_kept_and_reported():
    schema = schema_of([{"id": {"S": "a"}, "n": {"N": "1"}}], keys=["id"])
    item = {"id": {"S": "b"}, "n": {"S": "one"}, "new": {"L": [{"S": "x"}]}}
    report, rows = normalise(full([item]), schema)
    assert item_of(rows[0], schema) == canonical_item(item)
    assert report.json()["rest"] == {
        "items": 1,
        "attributes": {"n": {"S": {"items": 1}}, "new": {"L": {"items": 1}}},
    }


def test_a_declared_struct_takes_what_fits_and_leaves_the_rest_whole():
    declared = {"address": {"struct": {"City": "string", "geo": {"list": "decimal(9,6)"}}}}
    schema = schema_of([], declared)
    fits = {"address": {"M": {"geo": {"L": [{"N": "1.5"}, {"N": "-2"}]}, "City": {"S": "Kyōto"}}}}
    part = {"address": {"M": {"City": {"S": "x"}}}}
    odd = {"address": {"M": {"City": {"S": "y"}, "geo": {"L": [{"N": "1"}, {"S": "no"}]}}}}
    more = {"address": {"M": {"City": {"S": "z"}, "zip": {"N": "1"}}}}
    items = [fits, odd, part, more, {}, fits]
    _, rows = normalise(full(items), schema)
    assert rows[0]["address"] == {"city": "Kyōto", "geo": [Decimal("1.5"), Decimal("-2")]}
    assert [item_of(row, schema) for row in rows] == [canonical_item(item) for item in items]
    assert [row["_rest"] is None for row in rows] == [True, False, True, False, True, True]


def test_attributes_that_differ_in_case_only_have_columns_of_their_own():
    item = {"Id": {"S": "1"}, "id": {"S": "2"}, "ID": {"S": "3"}, "_rest": {"S": "4"}, "a-b": {"S": "5"}}
    schema = schema_of([item])
    assert len({c.name for c in schema.columns}) == 5
    _, rows = normalise(full([item]), schema)
    assert rows[0]["id"] == "2" and rows[0]["a_b"] == "5"
    assert item_of(rows[0], schema) == canonical_item(item)


def test_an_incremental_line_is_its_new_image_and_a_delete_its_keys():
    schema = schema_of([{"id": {"S": "a"}, "n": {"N": "1"}}], keys=["id"])
    lines = [
        {"Metadata": {"WriteTimestampMicros": {"N": "1700000000000001"}}, "Keys": {"id": {"S": "a"}},
         "OldImage": {"id": {"S": "a"}, "n": {"N": "1"}}, "NewImage": {"id": {"S": "a"}, "n": {"N": "2"}}},
        {"Metadata": {"WriteTimestampMicros": {"N": "1700000000000002"}}, "Keys": {"id": {"S": "b"}},
         "OldImage": {"id": {"S": "b"}, "n": {"N": "9"}}},
    ]  # fmt: skip
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    report, rows = normalise(text, schema, incremental=True)
    assert rows == [
        {"id": "a", "n": 2, "_rest": None, "_write_micros": 1700000000000001, "_deleted": False},
        {"id": "b", "n": None, "_rest": None, "_write_micros": 1700000000000002, "_deleted": True},
    ]
    assert (report.items, report.deleted) == (2, 1)


# ---- property: whatever DynamoDB holds ----

texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
decimals = st.builds(
    fake(lambda negative, digits, exponent: str(Decimal((negative, digits, exponent)))),
    st.integers(0, 1), st.lists(st.integers(0, 9), min_size=1, max_size=38).map(tuple), st.integers(-130, 88),
)  # fmt: skip
numerals = st.one_of(st.integers(-(2**65), 2**65).map(str), decimals)
blobs = st.binary(max_size=9).map(lambda b: base64.b64encode(b).decode())
scalars = st.one_of(
    st.builds(fake(lambda v: {"S": v}), texts), st.builds(fake(lambda v: {"N": v}), numerals),
    st.builds(fake(lambda v: {"B": v}), blobs), st.builds(fake(lambda v: {"BOOL": v}), st.booleans()),
    st.just({"NULL": True}),
    st.builds(fake(lambda v: {"SS": sorted(v)}), st.sets(texts, min_size=1, max_size=3)),
    st.builds(fake(lambda v: {"NS": v}), st.lists(numerals, min_size=1, max_size=3)),
    st.builds(fake(lambda v: {"BS": sorted(v)}), st.sets(blobs, min_size=1, max_size=3)),
)  # fmt: skip
values = st.recursive(
    scalars,
    fake(
        lambda inner: st.one_of(
            st.builds(fake(lambda v: {"L": v}), st.lists(inner, max_size=3)),
            st.builds(fake(lambda v: {"M": v}), st.dictionaries(texts, inner, max_size=3)),
        )
    ),
    max_leaves=6,
)
items = st.dictionaries(st.one_of(st.sampled_from("abcdef"), texts.filter(bool)), values, max_size=5)


@settings(max_examples=150, deadline=None)
@given(known=st.lists(items, max_size=3), written=st.lists(items, max_size=6), ascii_only=st.booleans())
def test_no_item_is_changed_whatever_the_schema_was_derived_from(known: Any, written: Any, ascii_only: Any):
    schema = schema_of(known)
    report, rows = normalise(full(written, ensure_ascii=ascii_only), schema)
    assert [item_of(row, schema) for row in rows] == [canonical_item(item) for item in written]
    assert report.rest_items == sum(row["_rest"] is not None for row in rows)


def stands_in_the_rest(value: Any, column: Any):
    """Of data that the schema was derived from: NULL, unless the column holds DynamoDB JSON, and -0, whose sign no
    whole number and no decimal has."""
    if column and column.type.kind == "json":
        return False
    ((kind, content),) = value.items()
    texts = {"N": [content], "NS": content}.get(kind, [])
    return kind == "NULL" or any(text.startswith("-") and not Decimal(text) for text in texts)


@settings(max_examples=200, deadline=None)
@given(st.lists(items, min_size=1, max_size=6))
def test_the_schema_of_the_data_leaves_only_null_and_minus_zero_to_the_rest(written: Any):
    schema = schema_of(written)
    columns = {column.attribute: column for column in schema.columns}
    _, rows = normalise(full(written), schema)
    assert [set(json.loads(row["_rest"] or "{}")) for row in rows] == [
        {name for name, value in item.items() if stands_in_the_rest(value, columns.get(name))}
        for item in written
    ]


# ---- what is not sound ----

LINES = full([{"id": {"S": str(n)}, "n": {"N": str(n)}} for n in range(1000)])
SCHEMA = schema_of([{"id": {"S": "a"}, "n": {"N": "1"}}], keys=["id"])


def refused(*expected: Any, **changed: Any):
    with pytest.raises(data_file.FileError) as caught:
        normalise(changed.pop("lines", LINES), SCHEMA, **changed)
    for part in ("s3://lake/data/a1.json.gz", *expected):
        assert part in str(caught.value)


def test_a_file_cut_short_is_named():
    compressed = gzip.compress(LINES)
    refused("cut short", compressed=compressed[:-9])
    refused("cut short", compressed=compressed[: len(compressed) // 2])


def test_a_damaged_file_is_named():
    compressed = bytearray(gzip.compress(LINES))
    compressed[-6] ^= 1  # of the checksum
    refused("damaged", compressed=bytes(compressed))
    refused("damaged", compressed=b"not gzip at all")


def test_a_wrong_md5_is_named():
    refused("md5", "the manifest says AAAAAAAAAAAAAAAAAAAAAA==", md5="A" * 22 + "==")


def test_bytes_behind_the_last_gzip_member_change_the_md5_and_are_named():
    refused(compressed=gzip.compress(LINES) + b"\0" * 8, md5=digest(gzip.compress(LINES)))


def test_a_count_that_is_not_the_manifests_is_named():
    refused("1,000 items", "the manifest says 1,001", items=1001)


@pytest.mark.parametrize(
    "line, expected",
    [
        ('{"Item":{"id":{"S":"a"},"x":{"X":"1"}}}', "unknown attribute type 'X'"),
        ('{"Item":{"id":{"S":"a"},"x":{"M":{"y":{"Q":1}}}}}', "unknown attribute type 'Q'"),
        ('{"Item":{"id":{"S":"a"},"n":{"N":1}}}', "a string expected"),
        ('{"Item":{"id":{"S":"a"},"n":{"BOOL":"true"}}}', "true or false expected"),
        ('{"Item":{"id":{"S":"a"},"id":{"S":"b"}}}', "comes twice"),
        ('{"Item":{"id":{"S":"a"', "expected"),
        ('{"Item":{"id":{"S":"a', "cut off"),
        ('{"Item":{"id":{"S":"a"}}} {}', "follows"),
        ('{"Item":{"id":{"S":"\\ud800"}}}', "surrogate"),
        ('{"item":{}}', "not a line of a full export"),
        ("[]", "expected"),
        ('{"Item":{"n":{"N":"1"}}}', "the key of an item"),
        ('{"Item":{"id":{"N":"1"}}}', "the key of an item"),
        ('{"Item":{"id":{"S":"a"},"x":' + '{"L":[' * 70 + "]}" * 70 + "}}", "nested too deep"),
    ],
)
def test_a_line_that_is_not_dynamodb_json_is_reported_with_its_file(line: Any, expected: str):
    refused(expected, lines=LINES + line.encode() + b"\n" + LINES)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 60))
def test_a_changed_byte_is_refused_or_read_and_never_a_crash(at: Any, byte: Any, cut: Any):
    line = bytearray(full([EVERY_TYPE]))
    line[at % len(line)] = byte
    del line[len(line) - 1 - cut : len(line) - 1]
    try:
        normalise(bytes(line), schema_of([EVERY_TYPE]), items=1)
    except data_file.FileError as error:
        assert "a1.json.gz" in str(error)


def test_a_large_file_is_cut_into_outputs_and_every_item_is_in_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data_file, "OUTPUT", 100_000)
    monkeypatch.setattr(data_file.whole_lines, "__defaults__", (20_000,))
    lines = full([{"id": {"S": str(n)}, "n": {"N": str(n)}} for n in range(10_000)])
    report, rows = normalise(lines, SCHEMA)
    assert len(report.outputs) > 3
    assert [row["n"] for row in rows] == list(range(10_000))
    assert report.raw_bytes == len(lines)


def test_a_file_of_no_items_writes_nothing():
    report, rows = normalise(b"", SCHEMA, items=0)
    assert (report.items, report.outputs, rows) == (0, [], [])
