"""`make up` with a real engine on the embedded cloud, as a user sees it."""

from __future__ import annotations

import json
import re
import signal

import httpx
import pytest

from components.stack.kinds import KINDS
from local import samples
from local.samples import zero_etl
from tests.e2e.conftest import LEAK

STORES = ("source", "Athena", "BigQuery")
COLUMNS = ["pipeline", "kind", "table", "sent", "arrived", "seconds"]


@pytest.fixture(scope="module")
def rows(stack) -> list[dict]:
    """What `status` prints as JSON. It reads every table of every pipeline, so it runs once for all tests."""
    done = stack.local("status", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_item_of_every_table_arrives_in_both_accounts_and_from_both_in_bigquery(rows):
    assert {row["kind"] for row in rows} == set(KINDS)
    database = {"shop.products": (1_200, 1_200), "shop.payments": (3_000, 3_000), "shop.stock": (0, 0)}
    for name in ("shop-lake", "shop-replica", "lake-warehouse", "replica-warehouse", "keyless-warehouse"):
        assert {row["table"]: (row["sent"], row["arrived"]) for row in rows if row["pipeline"] == name} == {
            "customers": (1_000, 1_000),
            "returns": (0, 0),
            "orders": (50_000, 50_000),
        } | (database if name != "shop-replica" else {})


def compared(printed: str) -> dict[tuple[str, str], dict[str, str]]:
    """What `up` or `status` prints of the transfers, by pipeline and table."""
    text = printed.split("bigquery-transfer\n", 1)[1].split("\n\n", maxsplit=1)[0]
    header, _, *lines = [re.split(r"  +", line.strip()) for line in text.splitlines()]
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    return {(row["pipeline"], row["table"]): row for row in rows}


def test_the_source_athena_and_bigquery_hold_the_same_rows_and_no_catalog_is_beside_the_replica(stack):
    rows = compared((stack.root / "up.log").read_text())  # up ended with 0, or there would be no stack
    assert len(rows) == 18
    for (pipeline, table), row in rows.items():
        row_counts, sums = ([row[f"{s} {what}"] for s in STORES] for what in ("rows", "checksum"))
        if pipeline != "lake-warehouse":
            assert (row_counts.pop(1), sums.pop(1)) == ("-", "-")
        assert (len({*row_counts}), len({*sums}), row["equal"]) == (1, 1, "yes"), row
        assert (sums[0] == "00000000") == (table in ("returns", "shop.stock"))


def test_a_value_that_differs_in_bigquery_marks_its_row_and_fails(stack):
    table, gcp = "tributary-local.tributary_local_lake_warehouse.shop_products", stack.clone.running()["gcp"]

    def change(name: str, to: str) -> None:
        body = {"query": f"UPDATE `{table}` SET name = '{to}' WHERE name = '{name}'", "useLegacySql": False}
        bearer = {"authorization": f"Bearer {stack.clone.running()['secret']}"}
        url = f"{gcp}/bigquery/v2/projects/tributary-local/queries"
        answer = httpx.post(url, json=body, headers=bearer, trust_env=False)
        assert answer.status_code == 200 and "errors" not in answer.json(), answer.text

    change("Nairobi 3", "Nairobi 30")
    try:
        done = stack.local("status")
    finally:
        change("Nairobi 30", "Nairobi 3")
    assert done.returncode == 1
    rows = compared(done.stdout)
    assert len(rows) == 18
    marked = {key: row["equal"] for key, row in rows.items() if row["equal"] != "yes"}
    assert marked == {("lake-warehouse", "shop.products"): "NOT BigQuery"}
    row = rows["lake-warehouse", "shop.products"]
    assert row["BigQuery rows"] == row["source rows"] == "1,200"
    assert row["Athena checksum"] == row["source checksum"] != row["BigQuery checksum"]


def test_every_item_of_every_table_is_a_document(rows):
    counts = {row["table"]: (row["sent"], row["arrived"]) for row in rows if row["kind"] == "zero-etl"}
    assert counts == {"products": (1_050, 1_050), "reviews": (1_050, 1_050)}


def test_status_prints_json_rows_of_six_columns_and_nothing_else(rows):
    assert [list(row) for row in rows] == [COLUMNS] * len(rows)
    assert all(isinstance(row["seconds"], float) and row["seconds"] >= 0 for row in rows)


def test_after_up_a_changed_schedule_is_one_updated_resource_and_nothing_else_changes(stack):
    stack.edit("Pulumi.local.yaml", r"( +)kind: export\n", r"\g<0>\g<1>schedule: rate(7 hours)\n")
    try:
        changes = json.loads(stack.operation("preview"))
    finally:
        stack.edit("Pulumi.local.yaml", r" +schedule: rate\(7 hours\)\n", "")
    assert changes.pop("update") == 1
    assert set(changes) == {"same"}


def test_nothing_reads_credentials_that_the_caller_has(stack):
    assert (stack.root / "credentials").stat().st_atime_ns == 0
    files = [path for path in stack.clone.folder.rglob("*") if path.is_file()]
    assert [path for path in files if LEAK.encode() in path.read_bytes()] == []
    assert LEAK not in (stack.root / "up.log").read_text()


def test_a_cloud_of_an_earlier_up_outlives_an_interrupted_one(stack):
    process = stack.start("-m", "local", "up")
    assert process.stdout
    for line in process.stdout:
        if line.startswith("cloud: running"):
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    ready, outputs = stack.clone.running(), stack.clone.outputs()
    assert ready and outputs
    cloud, pipeline = samples.Cloud(ready["endpoint"], outputs), outputs["pipelines"]["catalog-search"]
    assert [row.complete for row in zero_etl.rows(cloud, "catalog-search", pipeline, None)] == [True, True]
