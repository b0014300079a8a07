"""What is sent to a stack of any config: the keys of its tables, the types that it declares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.shared.column_types import DECLARED
from local import configured, samples
from local.samples import bigquery_transfer, checksum, export, firehose, records, zero_etl

ROOT = Path(__file__).resolve().parents[3]
TYPES = [
    *DECLARED, "decimal(12,2)", "decimal(3,3)", {"set": "string"}, {"set": "bigint"}, {"set": "binary"},
    {"list": "double"}, {"struct": {"name": "string", "size": "bigint"}}, *records.LETTERS,
]  # fmt: skip


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_a_declared_column_has_its_type_in_each_item_and_the_key_is_as_it_is(kind: Any) -> None:
    keys = {"id": "S"}
    for number in (0, 1, 250):
        plain = export.item("invoices", number, keys)
        made = records.completed(plain, {"total": kind, "id": "bigint"}, keys, number)
        assert records.fits(made["total"], records.typed(kind))
        assert made["id"] == plain["id"]


def test_a_decimal_has_the_digits_that_its_column_holds() -> None:
    for number in (1, 999_999):
        (text,) = records.attribute(records.typed("decimal(3,3)"), "share", number).values()
        assert text.startswith("0.") and len(text) == len("0.123")


def test_an_items_attribute_that_fits_a_column_stays() -> None:
    keys = {"customer_id": "S"}
    plain = export.item("customers", 250, keys)
    assert records.completed(plain, {"name": "string", "weights": "json"}, keys, 250) == plain


def test_an_index_gets_what_its_mapping_names_in_its_types_and_nothing_that_no_index_takes() -> None:
    mapping = {
        "properties": {
            "born": {"type": "date"}, "price": {"type": "double"}, "title": {"type": "boolean"}, "a": {"type": "ip"},
            "maker": {"properties": {"age": {"type": "integer"}}},
        }
    }  # fmt: skip
    made = zero_etl.item("parts", 3, 0, {"id": "S"}, mapping)
    assert made["title"] == {"BOOL": True} and made["born"] == {"S": "2026-01-01T00:00:21.000Z"}
    assert made["a"] == {"S": "192.0.2.3"} and made["id"] == {"S": "id-00003"}
    whole = zero_etl.item("parts", 3, 0, {"id": "S"})
    assert made["price"] == whole["price"] and made["maker"] == whole["maker"]
    assert not set(zero_etl.ONLY_MAPPED) & made.keys() and set(zero_etl.ONLY_MAPPED) <= whole.keys()


def test_the_number_in_a_key_is_written_as_dynamodb_writes_numbers() -> None:
    """Leading zeros are trimmed, so that the same item is written twice and not two of them:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html."""
    assert zero_etl.key("t", 7, {"n": "N"}) == {"n": {"N": "7"}}
    assert zero_etl.key("t", 0, {"n": "N"}) == {"n": {"N": "0"}}


def test_a_record_has_each_property_its_time_and_where_the_index_takes_them_its_run() -> None:
    properties = {"page": {"type": "keyword"}, "ms": {"type": "long"}}
    made = firehose.record({"properties": properties}, "at", "r", 5)
    assert made.keys() == {"page", "ms", "at", "run", "seq"} and made["ms"] == 5
    assert firehose.record({"properties": properties, "dynamic": "strict"}, "", "r", 5).keys() == {
        "page",
        "ms",
    }


@pytest.mark.parametrize(
    ("data", "drop", "removed"),
    [
        (b'{"T": "TEST"}', {"T": ["TEST"]}, True), (b'{"T": true}', {"T": ["true"]}, True),
        (b'{"T": "AAPL"}', {"T": ["TEST"]}, False), (b'{"U": 1}', {"T": ["1"]}, False), (b"no JSON", {}, False),
    ],
)  # fmt: skip
def test_what_the_pipeline_drops_is_not_awaited(
    data: bytes, drop: dict[str, list[str]], removed: bool
) -> None:
    assert firehose.dropped(data, drop) is removed


def of(stack: str) -> samples.Cloud:
    return samples.Cloud("", {}, declared=samples.declared(configured.read(ROOT, stack)))


def test_the_columns_of_a_table_are_those_that_its_export_and_its_transfers_declare() -> None:
    assert samples.columns(of("prod"), "orders")["total"] == "decimal(38,2)"
    assert samples.columns(of("dev"), "customers")["newsletter"] == "BOOL"
    assert samples.columns(of("dev"), "products") == {}


@pytest.mark.parametrize("name", ["lake-warehouse", "replica-warehouse", "keyless-warehouse"])
@pytest.mark.parametrize("table", ["customers", "orders"])
def test_of_the_local_stack_every_scalar_of_the_items_is_compared(name: str, table: str) -> None:
    items: list[Any] = [export.item(table, number, records.KEYS[table]) for number in range(251)]
    assert (
        checksum.of_items(items, bigquery_transfer.loaded(of("local"), name, table))[1]
        == checksum.of_items(items)[1]
    )


def test_a_table_that_is_loaded_from_the_lake_has_what_is_declared_and_nothing_that_a_load_would_refuse() -> (
    None
):
    keys, from_the_lake = records.KEYS["orders"], export._from_the_lake  # pyright: ignore[reportPrivateUsage] - of one table
    for stack, left_out in (
        ("local", set[str]()),
        ("prod", {"flags", "labels", "signature", "thumbnails", "weights"}),
    ):
        cloud, made = of(stack), export.item("orders", 250, keys)
        assert from_the_lake(cloud, "orders")
        declared = export._declared(made, keys, samples.columns(cloud, "orders"))  # pyright: ignore[reportPrivateUsage] - one item
        assert made.keys() - declared.keys() == left_out and "coupon" in declared
    assert not from_the_lake(of("dev"), "customers")


def test_an_index_is_read_by_the_role_of_dashboards_only_where_the_account_may_take_it_on() -> None:
    made = {"account": "111111111111", "reader_role": "arn:aws:iam::111111111111:role/dashboards"}
    assert firehose.reader_role(of("local"), "stock-ticks", made) == made["reader_role"]
    assert firehose.reader_role(of("prod"), "stock-ticks", made) == "arn:aws:iam::111111111111:role/analyst"
