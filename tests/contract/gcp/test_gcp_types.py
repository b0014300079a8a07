"""Every type of components/languages/bigquery_types.py, at its boundaries: what comes back is what was in the file."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from components.languages.bigquery_types import dynamodb_item, dynamodb_select, fields
from tests.contract.gcp.conftest import Warehouse, lines, parquet

ENDS = [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)]
# Glue's type, Arrow's, values at the boundaries
PARQUET: list[tuple[str, pa.DataType, list[Any]]] = [
    ("boolean", pa.bool_(), [True, False]),
    ("tinyint", pa.int8(), [-128, 127]),
    ("bigint", pa.int64(), [-(2**63), 2**63 - 1]),
    ("uint_32", pa.uint32(), [0, 2**32 - 1]),
    ("bigint unsigned", pa.decimal128(20, 0), [Decimal(0), Decimal(2**64 - 1)]),
    ("float", pa.float32(), [1.5, -(2.0**127)]),
    ("double", pa.float64(), [5e-324, 1.7976931348623157e308]),
    ("decimal(38,9)", pa.decimal128(38, 9), [Decimal("9" * 29 + "." + "9" * 9), Decimal("-0.000000001")]),
    ("decimal(38,0)", pa.decimal128(38, 0), [Decimal("9" * 38), Decimal("-" + "9" * 38)]),
    ("decimal(38,38)", pa.decimal128(38, 38), [Decimal("0." + "9" * 38), Decimal("-1E-38")]),
    ("decimal(38,20)", pa.decimal128(38, 20), [Decimal("9" * 18 + "." + "9" * 20)]),
    ("string", pa.string(), ["", "ünïcode 🜚 '\"`\n"]),
    ("binary", pa.binary(), [b"", bytes(range(256))]),
    ("date", pa.date32(), [date(1, 1, 1), date(9999, 12, 31)]),
    ("time", pa.time64("us"), [time(0), time(23, 59, 59, 999999)]),
    ("timestamp", pa.timestamp("us"), ENDS),
    ("timestamptz", pa.timestamp("us", "UTC"), [end.replace(tzinfo=UTC) for end in ENDS]),
]


def as_text(value: Any) -> Any:
    """A value as the REST API writes it."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            epoch = datetime(1970, 1, 1, tzinfo=UTC)
            delta = (value if value.tzinfo else value.replace(tzinfo=UTC)) - epoch
            return str((delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds)
        case float():
            return value
        case _:
            return str(value)


def same(given: str | None, wanted: Any, kind: str) -> bool:
    if given is None or wanted is None:
        return given is wanted
    if kind.startswith("decimal") or "unsigned" in kind:
        return Decimal(given) == wanted
    if kind in ("float", "double"):
        return float(given) == wanted
    return given == as_text(wanted)


@pytest.mark.parametrize(("kind", "arrow", "values"), PARQUET, ids=[kind for kind, _, _ in PARQUET])
def test_a_parquet_value_at_the_boundary_comes_back(
    warehouse: Warehouse, kind: str, arrow: pa.DataType, values: list[Any]
) -> None:
    values = [*values, None]
    warehouse.table("t", fields([("n", "int"), ("x", kind)], "PARQUET"))
    data = parquet(n=pa.array(range(len(values)), pa.int64()), x=pa.array(values, arrow))
    job = warehouse.load("t", data, "PARQUET", decimalTargetTypes=["NUMERIC", "BIGNUMERIC"])
    assert "errorResult" not in job["status"], job["status"]
    back = [row[0] for row in warehouse.rows("SELECT x FROM $.t ORDER BY n")]
    assert all(same(b, v, kind) for b, v in zip(back, values, strict=True)), (back, values)


JSON: list[tuple[str, list[Any], list[Any], list[Any]]] = [  # type, taken, as they come back, refused
    ("boolean", [True, "false"], ["true", "false"], ["maybe", 2]),
    (
        "bigint",
        [2**63 - 1, "-9223372036854775808"],
        ["9223372036854775807", "-9223372036854775808"],
        [2**63, 1.5, "x", True],
    ),
    ("uint_64", [2**64 - 1], ["18446744073709551615"], [10**20]),
    ("decimal(38,9)", ["9" * 29 + ".999999999"], ["9" * 29 + ".999999999"], ["1" + "0" * 29, "NaN"]),
    ("decimal(5,2)", ["1.125", "-999.99"], ["1.13", "-999.99"], ["1000"]),
    ("decimal(38,38)", ["1e-38"], ["1E-38"], ["1"]),
    ("string", ["text"], ["text"], [1, 1.5, True, {"a": 1}, ["a"]]),
    ("binary", ["AP8="], ["AP8="], ["not base64!"]),
    (
        "date",
        ["0001-01-01", "9999-12-31"],
        ["0001-01-01", "9999-12-31"],
        ["2026-02-29", "10000-01-01", "2026-01-01 00:00:00"],
    ),
    (
        "timestamp",
        ["9999-12-31T23:59:59.999999"],
        ["9999-12-31T23:59:59.999999"],
        ["2026-01-01T00:00:00Z", "today"],
    ),
    (
        "timestamptz",
        ["2026-01-01 01:00:00+01:00", 1767225600],
        ["1767225600000000"] * 2,
        ["2026-13-01 00:00:00Z"],
    ),
    ("json", [{"a": [1, "b"]}, [1]], ['{"a": [1, "b"]}', "[1]"], []),
]


@pytest.mark.parametrize(("kind", "taken", "back", "refused"), JSON, ids=[row[0] for row in JSON])
def test_a_json_value_is_taken_or_refused_at_the_boundary(
    warehouse: Warehouse, kind: str, taken: list[Any], back: list[Any], refused: list[Any]
) -> None:
    warehouse.table("t", fields([("n", "int"), ("x", kind)], "JSON"))
    job = warehouse.load(
        "t", lines(*({"n": n, "x": x} for n, x in enumerate(taken))), "NEWLINE_DELIMITED_JSON"
    )
    assert "errorResult" not in job["status"], job["status"]
    values = [row[0] for row in warehouse.rows("SELECT x FROM $.t ORDER BY n")]
    for given, wanted in zip(values, back, strict=True):
        number = kind.startswith(("decimal", "uint"))
        assert (
            Decimal(given) == Decimal(wanted)
            if number
            else given == wanted or json.loads(given) == json.loads(wanted)
        )
    for value in refused:
        job = warehouse.load("t", lines({"n": 0, "x": value}), "NEWLINE_DELIMITED_JSON")
        assert "errors: 1" in job["status"]["errorResult"]["message"], value


NESTED = [
    (
        "struct<a:int,b:string>",
        pa.struct([("a", pa.int32()), ("b", pa.string())]),
        {"a": 1, "b": "x"},
        "x.a FROM $.t",
        "1",
    ),
    ("array<bigint>", pa.list_(pa.int64()), [3, 4], "b.element FROM $.t, UNNEST(x.list) AS b", "4"),
    (
        "array<array<bigint>>",
        pa.list_(pa.list_(pa.int64())),
        [[5], [6, 7]],
        "c.element FROM $.t, UNNEST(x.list) AS b, UNNEST(b.element.list) AS c",
        "7",
    ),
    (
        "map<string,double>",
        pa.map_(pa.string(), pa.float64()),
        [("k", 1.5)],
        "b.value FROM $.t, UNNEST(x.key_value) AS b",
        "1.5",
    ),
]


@pytest.mark.parametrize(("kind", "arrow", "value", "path", "back"), NESTED, ids=[row[0] for row in NESTED])
def test_a_nested_parquet_value_keeps_the_groups_of_its_file(
    warehouse: Warehouse, kind: str, arrow: pa.DataType, value: Any, path: str, back: str
) -> None:
    warehouse.table("t", fields([("x", kind)], "PARQUET"))
    job = warehouse.load("t", parquet(x=pa.array([value, None], arrow)), "PARQUET")
    assert "errorResult" not in job["status"], job["status"]
    assert (back,) in warehouse.rows(f"SELECT {path}")


def test_json_arrays_repeat_and_arrays_of_arrays_are_json(warehouse: Warehouse) -> None:
    warehouse.table(
        "t", fields([("a", "array<int>"), ("b", "array<array<int>>"), ("c", "map<string,int>")], "JSON")
    )
    job = warehouse.load(
        "t", lines({"a": [1, 2], "b": [[1], [2, 3]], "c": {"k": 1}}), "NEWLINE_DELIMITED_JSON"
    )
    assert "errorResult" not in job["status"], job["status"]
    [(a, b, c)] = warehouse.rows("SELECT a, b, c FROM $.t")
    assert [cell["v"] for cell in a] == ["1", "2"]
    assert [json.loads(cell["v"]) for cell in b] == [[1], [2, 3]] and json.loads(c) == {"k": 1}


def test_a_dynamodb_export_line_becomes_plain_columns(warehouse: Warehouse) -> None:
    attributes = {
        "id": "S",
        "total": "N",
        "flag": "BOOL",
        "key": "N|S",
        "tags": "SS",
        "extra": "M",
        "blob": "B",
    }
    warehouse.table("orders", dynamodb_item(attributes))
    item = {
        "id": {"S": "a"},
        "total": {"N": "12.5"},
        "flag": {"BOOL": True},
        "key": {"S": "k"},
        "tags": {"SS": ["x", "y"]},
        "extra": {"M": {"n": {"N": "1"}}},
        "blob": {"B": "AP8="},
    }
    job = warehouse.load(
        "orders",
        lines({"Item": item}, {"Item": {"id": {"S": "b"}, "key": {"N": "7"}}}),
        "NEWLINE_DELIMITED_JSON",
    )
    assert "errorResult" not in job["status"], job["status"]
    chosen = {name: attributes[name] for name in ("id", "total", "flag", "key")}
    first, second = warehouse.rows(f"SELECT {dynamodb_select(chosen)} FROM $.orders ORDER BY id")
    assert (first[0], Decimal(first[1]), *first[2:]) == ("a", Decimal("12.5"), "true", "k")
    assert (*second[:3], Decimal(second[3])) == ("b", None, None, 7)


def test_an_unsigned_value_beyond_a_signed_column_fails_the_load(warehouse: Warehouse) -> None:
    warehouse.table("t", [{"name": "x", "type": "INTEGER"}])
    job = warehouse.load("t", parquet(x=pa.array([2**63], pa.uint64())), "PARQUET")
    assert "9223372036854775808" in job["status"]["errorResult"]["message"]
