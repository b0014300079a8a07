"""What becomes of a column whose type changes: of each pair of types the outcome of a load into BigQuery is known.

CONVERTED is the page's table of what a Parquet column is to BigQuery
(https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions). A load changes no
column's type ("Field … has changed type from … to …":
https://docs.cloud.google.com/bigquery/docs/troubleshoot-schemas), and no page says that a decimal
with more digits than the column's parameters is loaded. ALTERED is what the same page lets ALTER TABLE do instead: the
coercions of https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules.
"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.languages.bigquery_types import fields
from local.gcp import load
from local.gcp.decimals import LoadFailed
from tests.contract.normaliser import type_of
from tests.typed import pa, pq

CONVERTED: dict[str, tuple[Any, str]] = {
    "boolean": (pa.bool_(), "BOOLEAN"),
    "int": (pa.int32(), "INTEGER"),
    "bigint": (pa.int64(), "INTEGER"),
    "float": (pa.float32(), "FLOAT"),
    "double": (pa.float64(), "FLOAT"),
    "string": (pa.string(), "STRING"),
    "binary": (pa.binary(), "BYTES"),
    "date": (pa.date32(), "DATE"),
    "timestamp": (pa.timestamp("us"), "TIMESTAMP"),
    "decimal(10,2)": (pa.decimal128(10, 2), "NUMERIC"),
    "decimal(12,2)": (pa.decimal128(12, 2), "NUMERIC"),
    "decimal(38,9)": (pa.decimal128(38, 9), "NUMERIC"),
    "decimal(38,0)": (pa.decimal128(38, 0), "BIGNUMERIC"),
    "decimal(38,2)": (pa.decimal128(38, 2), "BIGNUMERIC"),
    "decimal(38,3)": (pa.decimal128(38, 3), "BIGNUMERIC"),
}
ALTERED = {
    ("INTEGER", "NUMERIC"), ("INTEGER", "BIGNUMERIC"), ("INTEGER", "FLOAT"), ("NUMERIC", "BIGNUMERIC"),
    ("NUMERIC", "FLOAT"), ("BIGNUMERIC", "FLOAT"), ("DATE", "DATETIME"),
}  # fmt: skip
PAIRS = list(itertools.product(CONVERTED, repeat=2))


def holds(file: str, column: str) -> bool:
    """Whether the pages say that a Parquet column is loaded into a table's column."""
    if CONVERTED[file][1] != CONVERTED[column][1]:
        return False
    given, most = CONVERTED[file][0], CONVERTED[column][0]
    if not isinstance(given, pa.Decimal128Type) or not isinstance(most, pa.Decimal128Type):
        return True
    return given.scale <= most.scale and given.precision - given.scale <= most.precision - most.scale


def refusal(folder: Path, file: str, column: str) -> str:
    """What the embedded BigQuery says to such a load; empty where it loads."""
    path = folder / f"{file}.parquet"
    if not path.exists():
        pq.write_table(pa.table({"x": pa.array([None], CONVERTED[file][0])}), path)
    options = {"sourceFormat": "PARQUET", "decimalTargetTypes": ["NUMERIC", "BIGNUMERIC"]}
    try:
        rows, bad = load.read([path], fields([("x", column)], "PARQUET"), options, "t")
    except LoadFailed as failed:
        return str(failed)
    assert (rows.num_rows, bad) == (1, 0)
    return ""


def test_a_columns_type_is_the_pages() -> None:
    assert {kind: fields([("x", kind)], "PARQUET")[0]["type"] for kind in CONVERTED} == {
        kind: type for kind, (_, type) in CONVERTED.items()
    }


def test_a_load_changes_no_type_and_cuts_no_digits(tmp_path: Path) -> None:
    for file, column in PAIRS:
        message = refusal(tmp_path, file, column)
        assert bool(message) != holds(file, column), (file, column, message)
        if CONVERTED[file][1] != CONVERTED[column][1]:
            assert f"changed type from {CONVERTED[column][1]} to {CONVERTED[file][1]}" in message
        else:
            assert not message or "fewer digits" in message


def test_a_type_that_the_catalog_widens_is_loaded_or_refused_and_never_cut(
    widens: Callable[[str, str], bool], tmp_path: Path
) -> None:
    changed = {(old, new) for old, new in PAIRS if old != new and widens(old, new)}
    loaded = {pair for pair in changed if not refusal(tmp_path, pair[1], pair[0])}
    # The old type is the table's, the new one the next file's.
    assert loaded == {("int", "bigint"), ("float", "double")}
    assert all(old.startswith("decimal") for old, _ in changed - loaded)
    # Some are put right by ALTER TABLE, which keeps what is loaded; of others the table has to be made anew.
    types = {(CONVERTED[old][1], CONVERTED[new][1]) for old, new in changed - loaded}
    assert types & ALTERED == {("NUMERIC", "BIGNUMERIC")}
    assert types - ALTERED == {(same, same) for same in ("NUMERIC", "BIGNUMERIC")} | {
        ("BIGNUMERIC", "NUMERIC")
    }


def test_what_the_data_makes_of_a_declared_column_is_known(tmp_path: Path) -> None:
    """A declared type is left as it is, save a decimal, which gains the decimals that the data has."""
    from table_schema import Column, Observation, Schema, widen

    values: list[dict[str, Any]] = [{"N": "1"}, {"N": "1.5"}, {"N": "0.001"}, {"N": "1" * 38}, {"S": "x"},
              {"BOOL": True}, {"M": {}}, {"L": []}, {"B": "eA=="}]  # fmt: skip
    kinds = [
        "bigint",
        "double",
        "string",
        "boolean",
        "binary",
        "decimal(38,0)",
        "decimal(38,2)",
        "decimal(10,2)",
    ]
    made: set[tuple[str, str]] = set()
    for kind, value in itertools.product(kinds, values):
        before = type_of(kind)
        after, _ = widen(
            Schema((Column("x", "x", before),)), Observation.of_items([{"x": value}]), {"x": before}
        )
        made.add((kind, after.columns[0].type.glue()))
    changed = {(old, new) for old, new in made if old != new}
    assert changed and all(
        old.startswith("decimal") and new.startswith("decimal(38,") for old, new in changed
    )
    for old, new in changed:
        digits = new.removeprefix("decimal(").removesuffix(")").split(",")
        CONVERTED.setdefault(
            new, (pa.decimal128(*map(int, digits)), fields([("x", new)], "PARQUET")[0]["type"])
        )
        assert refusal(tmp_path, new, old), (old, new)
