"""A finished RDS export is published only if it is whole: its descriptions, its batches, and the end of every part."""

import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.response import StreamingBody
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.normaliser import handler_on
from tests.typed import fake, pa, pq

import footer  # isort: skip - a module of the handler's folder, which the line above puts on the path

PREFIX = "raw/shop/shop-1/"
INFO = f"{PREFIX}export_tables_info_shop-1_from_1_to_2.json"
TABLES = "state/shop/shop-1/tables.json"
ORDERS, STOCK = f"{PREFIX}shop/shop.orders/", f"{PREFIX}shop/shop.stock/"
CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=1, invoked_function_arn="arn", aws_request_id="1"
)


def parquet(rows: int, *names: str, groups: int = 2) -> bytes:
    table = pa.table({name: pa.array(range(rows), pa.int64()) for name in names})
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=max(rows // groups, 1))
    return out.getvalue()


def table_status(target: str, *names: str, **more: object) -> dict[str, Any]:
    mappings = [{"columnName": n, "originalType": "bigint", "expectedExportedType": "int64"} for n in names]
    schema = {"originalTypeMappings": mappings}
    return {"target": target, "status": "COMPLETE", "schemaMetadata": schema} | more


class Bucket:
    describe: Callable[..., dict[str, Any]]  # runs the handler on it
    answer: dict[str, Any]  # the handler's

    def __init__(self) -> None:
        tables = [table_status("shop.orders", "id", "total"), table_status("shop.stock", "sku")]
        self.objects = {
            f"{PREFIX}export_info_shop-1.json": b"{}",
            INFO: json.dumps({"perTableStatus": tables}).encode(),
            f"{ORDERS}1/part-00000-a.gz.parquet": parquet(70, "id", "total"),
            f"{ORDERS}1/part-00002-b.gz.parquet": parquet(30, "id", "total"),
            f"{ORDERS}1/_success": b"",
            f"{ORDERS}2/part-00000-c.gz.parquet": parquet(1, "total", "id"),
            f"{ORDERS}2/_success": b"",
            f"{STOCK}1/_success": b"",
        }

    def write_info(self, *tables: dict[str, Any], key: str = INFO) -> None:
        self.objects[key] = json.dumps({"perTableStatus": tables}).encode()

    def get_object(self, Bucket: str, Key: str, Range: Any = None):
        body = self.objects[Key]
        if Range:
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            assert 0 <= first <= last < len(body)
            body = body[first : last + 1]
        return {"Body": StreamingBody(io.BytesIO(body), len(body))}

    def put_object(self, Bucket: str, Key: str, Body: Any, ContentType: Any):
        self.objects[Key] = Body

    def get_paginator(self, operation: Any):
        assert operation == "list_objects_v2"

        def paginate(Bucket: str, Prefix: str):
            objects = self.objects.items()
            return [{"Contents": [{"Key": k, "Size": len(v)} for k, v in objects if k.startswith(Prefix)]}]

        return SimpleNamespace(paginate=paginate)


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    bucket = Bucket()
    app = handler_on(monkeypatch, bucket)
    event: dict[str, Any] = {
        "step": "rds",
        "export_prefix": PREFIX,
        "only": [],
        "leave_out": [],
        "tables_key": TABLES,
    }

    def describe(**more: Any):
        bucket.answer = app.handler(event | more, CONTEXT)
        assert bucket.answer["tables_key"] == TABLES
        return json.loads(bucket.objects[TABLES])

    bucket.describe = describe
    return bucket


def test_a_tables_rows_are_those_that_its_files_tell_and_a_table_may_have_none(export: Bucket):
    tables = {t["table"]: (t["files"], t["rows"], t["location"]) for t in export.describe()["tables"]}
    assert tables == {"shop.orders": (3, 101, ORDERS), "shop.stock": (0, 0, STOCK)}
    assert export.answer == {"tables_key": TABLES, "tables": 2, "skipped": 0, "refused": 0, "rows": 101}


def test_the_answer_to_a_state_machine_is_as_small_for_a_large_database(export: Bucket):
    columns = [f"column_{n}" for n in range(40)]
    export.objects.clear()
    export.write_info(
        *(table_status(f"shop.table_{n:03}", *columns) for n in range(300)),
        key=INFO.replace("to_2", "to_300"),
    )
    tables = export.describe()["tables"]
    assert (len(tables), len(tables[299]["columns"]), len(tables[299]["source_types"])) == (300, 40, 40)
    assert len(export.objects[TABLES]) > 262_144 and len(json.dumps(export.answer)) < 130


def test_an_export_that_is_not_whole_tells_no_tables(export: Bucket):
    export.objects.pop(f"{ORDERS}2/_success")
    with pytest.raises(Exception, match="is not whole"):
        export.describe()
    assert TABLES not in export.objects


def test_a_footer_longer_than_the_first_read_is_read_whole(export: Bucket, monkeypatch: pytest.MonkeyPatch):
    wide = [f"column_{n}" for n in range(1500)]
    export.write_info(table_status("shop.orders", "id", "total"), table_status("shop.stock", *wide))
    export.objects[f"{STOCK}1/part-00000-w.gz.parquet"] = parquet(5, *wide, groups=1)
    assert len(parquet(5, *wide, groups=1)) > 2 * (64 << 10)
    assert [t["rows"] for t in export.describe()["tables"]] == [101, 5]


@pytest.mark.parametrize(
    ("mischief", "expected_message"),
    [
        (fake(lambda b: b.write_info(table_status("shop.orders", "id", "total"))),
         f"{INFO} describes 1 tables"),
        (fake(lambda b: b.objects.pop(INFO)), "no export_tables_info_*.json below"),
        (fake(lambda b: b.objects.update({INFO.replace("_1_to_2", "_4_to_5"): b.objects[INFO]})),
         "tables 3 to 3 are described by no file"),
        (fake(lambda b: b.objects.pop(f"{ORDERS}2/_success")), f"{ORDERS}2/ has no _success: shop.orders is not whole"),
        (fake(lambda b: b.objects.update({f"{ORDERS}1/part-00002-b.gz.parquet": parquet(30, "id", "total")[:-1]})),
         f"s3://lake/{ORDERS}1/part-00002-b.gz.parquet: it is cut short"),
        (fake(lambda b: b.objects.update({f"{ORDERS}1/part-00002-b.gz.parquet": b""})), "it is cut short"),
        (fake(lambda b: b.objects.update({f"{ORDERS}1/part-00002-b.gz.parquet": b"\xff\xff\0\0PAR1"})),
         "its footer would begin 65,535 bytes before the file"),
        (fake(lambda b: b.objects.update({f"{ORDERS}1/part-00002-b.gz.parquet": b"\x19" * 40 + b"\x28\0\0\0PAR1"})),
         f"s3://lake/{ORDERS}1/part-00002-b.gz.parquet: its footer can't be read"),
        (fake(lambda b: b.objects.update({f"{PREFIX}shop/shop.other/1/part-00000-d.gz.parquet": parquet(1, "id")})),
         "shop/shop.other/1/part-00000-d.gz.parquet is of no table"),
    ],
    ids=["undescribed table", "undescribed", "description missing", "unfinished batch", "cut short",
         "empty", "half", "not a footer", "unknown table"],
)  # fmt: skip
def test_an_export_that_is_not_whole_is_refused_with_what_is_wrong(
    export: Bucket, mischief: Any, expected_message: str
):
    mischief(export)
    with pytest.raises(Exception) as refused:
        export.describe()
    assert expected_message in str(refused.value)


def test_a_table_whose_files_have_other_columns_is_refused_alone(export: Bucket):
    file = f"{ORDERS}1/part-00002-b.gz.parquet"
    export.objects[file] = parquet(30, "id", "sum")
    described = export.describe()
    assert [table["table"] for table in described["tables"]] == ["shop.stock"]
    reason = f"{file} and its description in export_tables_info differ in sum, total"
    assert described["refused"] == {"shop.orders": reason}
    assert export.answer == {"tables_key": TABLES, "tables": 1, "skipped": 0, "refused": 1, "rows": 0}


def test_an_export_without_a_requested_table_is_refused(export: Bucket):
    assert export.describe(only=["shop", "shop.stock"])["tables"]
    with pytest.raises(Exception, match=r"'shop\.returns' is in `only`, and no table of it was exported"):
        export.describe(only=["shop.stock", "shop.returns"])


def test_every_fault_is_reported_at_once(export: Bucket):
    export.objects.pop(f"{ORDERS}2/_success")
    export.objects[f"{PREFIX}shop/shop.other/1/part-00000-d.gz.parquet"] = parquet(1, "id")
    with pytest.raises(
        Exception, match=r"(?s)shop/shop\.orders/2/ has no _success.*shop\.other.* is of no table"
    ):
        export.describe()


def test_what_is_no_table_is_written_down_with_its_reason_and_its_files_are_passed_over(export: Bucket):
    skipped = {"target": "shop.log", "status": "COMPLETE", "warningMessage": "a row of 2 GB"}
    odd = table_status("shop.Odd", "id", "ID")
    export.objects.pop(INFO)
    export.write_info(
        table_status("shop.orders", "id", "total"),
        table_status("shop.stock", "sku"),
        skipped,
        odd,
        key=INFO.replace("to_2", "to_4"),
    )
    export.objects[f"{PREFIX}shop/shop.log/1/part-00000-d.gz.parquet"] = parquet(1, "id")
    export.objects[f"{PREFIX}shop/shop.Odd/1/part-00000-d.gz.parquet"] = b"not read"
    written = export.describe()
    assert [table["table"] for table in written["tables"]] == ["shop.orders", "shop.stock"]
    assert written["skipped"] == {"shop.log": "a row of 2 GB"} and list(written["refused"]) == ["shop.Odd"]
    assert export.answer == {"tables_key": TABLES, "tables": 2, "skipped": 1, "refused": 1, "rows": 101}


kinds = st.sampled_from([pa.int64(), pa.string(), pa.decimal128(20, 0), pa.list_(pa.int32()),
                         pa.struct([("a", pa.int8()), ("b", pa.list_(pa.bool_()))]), pa.timestamp("us")])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(kinds, min_size=1, max_size=20), st.integers(0, 50), st.integers(1, 20), st.integers(1, 200))
def test_a_footer_says_what_pyarrow_says_and_nothing_once_an_end_is_missing(
    types: Any, rows: Any, group: Any, missing: Any
):
    table = pa.table([pa.nulls(rows, t) for t in types], names=[f"größe {n}" for n in range(len(types))])
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=group)
    whole = out.getvalue()
    assert footer.read(whole) == footer.Footer(rows, tuple(table.column_names))
    assert footer.read(whole[-footer.length(whole[-8:]) :]) == footer.read(whole)
    with pytest.raises(footer.FooterError):
        footer.read(whole[:-missing])
