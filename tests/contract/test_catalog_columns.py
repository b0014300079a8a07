"""The columns that a config declares, as the program gives them to BigQuery and as the run makes them."""

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from components.languages import glue_columns
from components.languages.column_types import declared_type as column_type
from components.shared.catalog_names import REST
from tests.recording import ROOT
from tests.typed import import_from

DECLARED: dict[str, Any] = {
    "order_id": "string",
    "Order-ID": "bigint",
    "order id": "double",
    "a--b": "string",
    "_rest": "string",
    "export_date": "string",
    "total": "decimal(38, 2)",
    "photo": "binary",
    "paid": "boolean",
    "tags": {"set": "string"},
    "prices": {"list": {"list": "decimal(9,2)"}},
    "address": {"struct": {"Zip": "string", "run": "string", "city": "string", "a b": {"set": "binary"}}},
    "x" * 210: "string",
}


@pytest.fixture
def table_schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    import_from(monkeypatch, ROOT / "handlers" / "normalise")
    known = sys.modules.pop("table_schema", None)
    yield importlib.import_module("table_schema")
    sys.modules.pop("table_schema")
    if known:
        sys.modules["table_schema"] = known


def test_declared_attributes_are_the_columns_that_the_run_publishes(table_schema: ModuleType) -> None:
    types = {attribute: table_schema.type_of(kind) for attribute, kind in DECLARED.items()}
    made = table_schema.derive(table_schema.Observation(), types)
    published = {column["Name"]: column["Type"] for column in made.glue_columns()}
    assert glue_columns.columns(DECLARED) | {REST: "string"} == published


PLAIN = (
    "string",
    "binary",
    "boolean",
    "bigint",
    "double",
    "json",
    "decimal(38,0)",
    "decimal(0,0)",
    "int",
    "",
    None,
    7,
)
WRONG: tuple[Any, ...] = ({"struct": {}}, {"map": "string"}, {"set": "string", "list": "string"}, ["string"])


def test_whatever_type_a_preview_takes_the_normaliser_reads(table_schema: ModuleType) -> None:
    def read(kind: Any, how: Callable[[Any], Any]) -> bool:
        try:
            how(kind)
        except (ValueError, table_schema.SchemaError):
            return False
        return True

    types: list[Any] = [*PLAIN, *WRONG]
    for kind in ("set", "list"):
        types += [{kind: inner} for inner in types[:]]
    types += [{"struct": {"a": inner}} for inner in types]
    taken = [kind for kind in types if read(kind, column_type)]
    assert [kind for kind in taken if not read(kind, table_schema.type_of)] == []
    sets = ["string", "binary", "bigint", "double", "decimal(38,0)"]
    assert [kind["set"] for kind in taken if isinstance(kind, dict) and "set" in kind] == sets
    assert len(taken) == 48  # 7 plain, 5 sets, lists of these 12, and structs of all 24


def test_json_is_distinguished_from_text_though_the_catalog_has_one_type_for_both(
    table_schema: ModuleType,
) -> None:
    assert table_schema.type_of("json").glue() == "string"
    assert glue_columns.columns({"lines": "json"}) == {"lines": "json"}


def test_an_attribute_has_the_type_that_its_declaration_tells_and_json_tells_none() -> None:
    declared = {
        "a": "string",
        "b": "decimal(9,2)",
        "c": "boolean",
        "d": {"set": "bigint"},
        "e": {"set": "binary"},
    }
    more = {"f": {"list": "json"}, "g": {"struct": {"x": "string"}}, "h": "json"}
    expected = {"a": "S", "b": "N", "c": "BOOL", "d": "NS", "e": "BS", "f": "L", "g": "M"}
    assert glue_columns.attributes(declared | more) == expected
