"""What Athena reads of older partitions: Trino's own table of coercions decides, for what the run widens and for the
embedded Athena.

COERCED is the table in HiveCoercionPolicy.canCoerce of Trino's Hive connector, for the types that an export can have:
https://github.com/trinodb/trino/blob/master/plugin/trino-hive/src/main/java/io/trino/plugin/hive/util/HiveCoercionPolicy.java
"""

import itertools
from collections.abc import Callable
from typing import Any

from local.cloud.catalog.hive_coercion import coerces
from tests.contract.normaliser import type_of

PLAIN = ["string", "int", "bigint", "float", "double", "boolean", "binary", "date", "timestamp"]
DECIMALS = ["decimal(38,0)", "decimal(38,2)", "decimal(10,2)", "decimal(12,2)"]
COERCED = {
    "string": {"int", "bigint", "timestamp"},
    "int": {"bigint", "string"},
    "bigint": {"string"},
    "float": {"double", *DECIMALS},
    "double": {"float", *DECIMALS},
    "timestamp": {"string"},
    **{decimal: {*DECIMALS, "float", "double", "string"} for decimal in DECIMALS},
}
PAIRS = list(itertools.product([*PLAIN, *DECIMALS], repeat=2))


def trino(old: str, new: str) -> bool:
    return old == new or new in COERCED.get(old, ())


def test_the_embedded_athena_coerces_what_trino_does_and_nothing_else() -> None:
    assert {pair for pair in PAIRS if coerces(*pair)} == {pair for pair in PAIRS if trino(*pair)}
    for old, new in PAIRS:
        assert coerces(f"array<{old}>", f"array<{new}>") == trino(old, new)
        assert coerces(f"struct<a:{old},b:int>", f"struct<a:{new}>") == trino(old, new)
    assert not coerces("struct<a:int>", "struct<b:int>") and coerces("struct<a:int>", "struct<A:int,b:int>")


def test_a_published_column_only_becomes_what_trino_reads_old_partitions_as(
    widens: Callable[[str, str], bool],
) -> None:
    wider = {pair for pair in PAIRS if widens(*pair)}
    assert all(trino(*pair) for pair in wider)
    assert {pair for pair in wider if pair[0] != pair[1]} == {
        ("int", "bigint"),
        ("float", "double"),
        ("decimal(10,2)", "decimal(12,2)"),
        ("decimal(10,2)", "decimal(38,2)"),
        ("decimal(12,2)", "decimal(38,2)"),
        ("decimal(38,0)", "decimal(38,2)"),
    }
    assert widens("array<decimal(38,0)>", "array<decimal(38,2)>") and not widens(
        "array<bigint>", "array<string>"
    )


def test_what_the_data_widens_a_column_to_is_read_under_the_old_partitions_type() -> None:
    from table_schema import Column, Observation, Schema, widen

    values: list[dict[str, Any]] = [{"N": "1"}, {"N": "1.5"}, {"N": "0.001"}, {"N": "1" * 38}, {"S": "x"},
              {"NS": ["1", "2.5"]}, {"SS": ["a"]}, {"BOOL": True}, {"M": {}}, {"L": []}, {"B": "eA=="}]  # fmt: skip
    kinds = ["bigint", "double", "string", "json", "decimal(38,0)", "decimal(38,3)", "decimal(10,2)", {"set": "bigint"},
             {"set": "decimal(38,0)"}, {"set": "string"}, {"list": "string"}, "boolean", "binary"]  # fmt: skip
    for kind, value in itertools.product(kinds, values):
        before = type_of(kind)
        after, _ = widen(Schema((Column("x", "x", before),)), Observation.of_items([{"x": value}]))
        old, new = before.glue(), after.columns[0].type.glue()
        assert old == new or coerces(old, new), (old, value, new)
