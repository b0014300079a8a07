"""The Data Transfer Service stand-in against what the service's pages say it does (see local/gcp/data_transfer.py)."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pyarrow as pa
import pytest

from local.gcp.data_transfer import evaluate, pattern
from tests.contract.gcp.conftest import PROJECT, Transfer, Warehouse, lines, parquet
from tests.waiting import eventually

ORDER = [
    {"name": "id", "type": "INTEGER", "mode": "REQUIRED"},
    {"name": "total", "type": "NUMERIC", "mode": "NULLABLE"},
]


def count(warehouse: Warehouse, table: str = "orders") -> int:
    return int(warehouse.rows(f"SELECT COUNT(*) FROM $.{table}")[0][0])


def next_second() -> None:
    """S3 gives times of modification in whole seconds."""
    time.sleep(1.05 - time.time() % 1)


@pytest.mark.parametrize("disposition", ["WRITE_APPEND", "WRITE_TRUNCATE"])
def test_a_transfer_run_twice_leaves_the_rows_once(transfer: Transfer, disposition: str) -> None:
    transfer.warehouse.table("orders", ORDER)
    transfer.landing.put("raw/a.json", lines({"id": 1, "total": "1.5"}, {"id": 2}))
    transfer.create(write_disposition=disposition)
    assert [transfer.run()["state"], transfer.run()["state"]] == ["SUCCEEDED", "SUCCEEDED"]
    assert count(transfer.warehouse) == 2


def test_append_takes_a_new_file_and_loads_a_rewritten_one_twice(transfer: Transfer) -> None:
    transfer.warehouse.table("orders", ORDER)
    transfer.landing.put("raw/a.json", lines({"id": 1}))
    transfer.create(write_disposition="WRITE_APPEND")
    transfer.run()
    next_second()
    transfer.landing.put("raw/b.json", lines({"id": 2}))
    transfer.run()
    assert transfer.warehouse.rows("SELECT id FROM $.orders ORDER BY id") == [("1",), ("2",)]
    next_second()
    transfer.landing.put("raw/a.json", lines({"id": 1}))
    transfer.run()
    assert transfer.warehouse.rows("SELECT id FROM $.orders ORDER BY id") == [("1",), ("1",), ("2",)]


def test_truncate_replaces_the_rows_of_a_rewritten_file(transfer: Transfer) -> None:
    transfer.warehouse.table("orders", ORDER)
    transfer.landing.put("raw/a.json", lines({"id": 1}))
    transfer.create(write_disposition="WRITE_TRUNCATE")
    transfer.run()
    transfer.landing.put("raw/a.json", lines({"id": 3}))
    transfer.run()
    assert transfer.warehouse.rows("SELECT id FROM $.orders") == [("3",)]


def test_a_failed_run_loads_nothing_and_the_next_one_loads_it_all(transfer: Transfer) -> None:
    transfer.warehouse.table("orders", ORDER)
    transfer.landing.put("raw/a.json", lines({"id": 1}))
    transfer.landing.put("raw/b.json", lines({"id": "none"}))
    transfer.create()
    assert transfer.run()["state"] == "FAILED"
    assert count(transfer.warehouse) == 0
    transfer.landing.put("raw/b.json", lines({"id": 2}))
    assert transfer.run()["state"] == "SUCCEEDED"
    assert count(transfer.warehouse) == 2


def test_bad_records_up_to_the_limit_are_skipped_and_one_more_fails_the_run(transfer: Transfer) -> None:
    transfer.warehouse.table("orders", ORDER)
    transfer.landing.put("raw/a.json", lines({"id": 1}, "{not json", {"id": None}, {"id": 2}))
    transfer.create(max_bad_records="2")
    assert transfer.run()["state"] == "SUCCEEDED"
    assert count(transfer.warehouse) == 2
    next_second()
    transfer.landing.put(
        "raw/b.json", lines({"id": 3}, {"id": 2**63}, {"id": 4, "total": "1e30"}, {"id": 5, "other": 1})
    )
    failed = transfer.run()
    assert failed["state"] == "FAILED" and "errors: 3; max bad: 2" in failed["errorStatus"]["message"]
    assert count(transfer.warehouse) == 2


def test_an_unknown_value_is_a_bad_record_unless_it_is_ignored(transfer: Transfer) -> None:
    transfer.warehouse.table("orders", ORDER)
    transfer.landing.put("raw/a.json", lines({"id": 1, "colour": "red"}))
    transfer.create()
    assert "No such field: colour" in transfer.run()["errorStatus"]["message"]
    transfer.create(ignore_unknown_values="true")
    assert transfer.run()["state"] == "SUCCEEDED"


@pytest.mark.parametrize("how", ["deactivated", "deleted", "wrong secret"])
def test_a_revoked_key_fails_the_run_and_says_why(transfer: Transfer, how: str) -> None:
    transfer.warehouse.table("orders", ORDER)
    transfer.landing.put("raw/a.json", lines({"id": 1}))
    landing = transfer.landing
    transfer.create(secret_access_key="x" * 40 if how == "wrong secret" else landing.key["SecretAccessKey"])
    key = {"UserName": landing.user, "AccessKeyId": landing.key["AccessKeyId"]}
    if how == "deactivated":
        landing.iam.update_access_key(**key, Status="Inactive")
    elif how == "deleted":
        landing.iam.delete_access_key(**key)
    run = transfer.run()
    assert (run["state"], run["errorStatus"]["code"]) == ("FAILED", 7)
    wanted = "signature" if how == "wrong secret" else "does not exist in our records"
    assert wanted in run["errorStatus"]["message"] and "PERMISSION_DENIED" in run["errorStatus"]["message"]
    log = transfer.warehouse.ok("GET", f"/v1/{run['name']}/transferLogs")["transferMessages"]
    assert [m["severity"] for m in log][-1] == "ERROR"
    assert count(transfer.warehouse) == 0


@pytest.mark.parametrize("statement", [0, 1])
def test_a_user_lacking_a_statement_cannot_transfer(transfer: Transfer, statement: int) -> None:
    transfer.warehouse.table("orders", ORDER)
    transfer.landing.put("raw/a.json", lines({"id": 1}))
    kept = [s for number, s in enumerate(transfer.landing.statements) if number != statement]
    transfer.landing.iam.put_user_policy(
        UserName=transfer.landing.user,
        PolicyName="read",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": kept}),
    )
    transfer.create()
    assert (
        "Access Denied" in transfer.run()["errorStatus"]["message"]
        or "not authorized" in transfer.run()["errorStatus"]["message"]
    )


def test_parquet_is_loaded_by_name_and_lacks_nullable_columns(transfer: Transfer) -> None:
    transfer.warehouse.table("orders", [*ORDER, {"name": "note", "type": "STRING"}])
    transfer.landing.put(
        "raw/part-0.parquet",
        parquet(total=pa.array([None, 2], pa.decimal128(10, 2)), id=pa.array([1, 2], pa.int64())),
    )
    transfer.create(file_format="PARQUET")
    assert transfer.run()["state"] == "SUCCEEDED"
    assert transfer.warehouse.rows("SELECT id, total, note FROM $.orders ORDER BY id") == [
        ("1", None, None),
        ("2", "2.000000000", None),
    ]


def test_a_parquet_column_that_the_table_lacks_fails_the_run_until_it_is_added(transfer: Transfer) -> None:
    table = transfer.warehouse.table("orders", ORDER[:1])
    transfer.landing.put("raw/a.parquet", parquet(id=pa.array([1], pa.int64()), colour=pa.array(["red"])))
    transfer.create(file_format="PARQUET", ignore_unknown_values="true")
    assert "Cannot add fields (field: colour)" in transfer.run()["errorStatus"]["message"]
    path = f"{transfer.warehouse.base}/datasets/{transfer.warehouse.dataset}/tables/orders"
    transfer.warehouse.ok(
        "PATCH",
        path,
        json={"schema": {"fields": [*table["schema"]["fields"], {"name": "colour", "type": "STRING"}]}},
    )
    assert transfer.run()["state"] == "SUCCEEDED"
    assert transfer.warehouse.rows("SELECT id, colour FROM $.orders") == [("1", "red")]


def test_a_wide_decimal_needs_decimal_target_types(transfer: Transfer) -> None:
    transfer.warehouse.table(
        "orders", [{"name": "id", "type": "BIGNUMERIC", "precision": "38", "scale": "0"}]
    )
    transfer.landing.put("raw/a.parquet", parquet(id=pa.array([10**38 - 1], pa.decimal128(38, 0))))
    transfer.create(file_format="PARQUET")
    assert "has changed type from BIGNUMERIC to NUMERIC" in transfer.run()["errorStatus"]["message"]
    transfer.create(file_format="PARQUET", decimal_target_types="NUMERIC,BIGNUMERIC")
    assert transfer.run()["state"] == "SUCCEEDED"
    assert transfer.warehouse.rows("SELECT id FROM $.orders") == [("9" * 38,)]


def test_run_time_parameters_choose_the_files_and_the_partition(transfer: Transfer) -> None:
    transfer.warehouse.table("orders", ORDER, timePartitioning={"type": "DAY"})
    transfer.landing.put("raw/2026/01/01/a.json", lines({"id": 1}))
    transfer.landing.put("raw/2026/01/02/a.json", lines({"id": 2}))
    transfer.create(
        data_path=f's3://{transfer.landing.bucket}/raw/{{run_time-24h|"%Y/%m/%d"}}/*',
        write_disposition="WRITE_TRUNCATE",
        destination_table_name_template="orders${run_date}",
    )
    for at in ("2026-01-02T04:30:00Z", "2026-01-03T04:30:00Z", "2026-01-03T04:30:00Z"):
        assert transfer.run(at)["state"] == "SUCCEEDED"
    assert transfer.warehouse.rows("SELECT id, CAST(_PARTITIONDATE AS STRING) FROM $.orders ORDER BY id") == [
        ("1", "2026-01-02"),
        ("2", "2026-01-03"),
    ]
    assert transfer.warehouse.rows(
        "SELECT * FROM $.orders WHERE _PARTITIONTIME = (SELECT MAX(_PARTITIONTIME) FROM $.orders)"
    ) == [("2", None)]


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ('mytable_{run_time|"%Y%m%d"}', "mytable_20180215"),
        ('mytable_{run_time+25h|"%Y%m%d"}', "mytable_20180216"),
        ('mytable_{run_time-1h|"%Y%m%d"}', "mytable_20180214"),
        ('mytable_{run_time+1.5h|"%Y%m%d%H"}', "mytable_2018021501"),
        ('{run_time+97s|"%Y%m%d"}_mytable_{run_time+97s|"%H%M%S"}', "20180215_mytable_000237"),
        ("mytable${run_date}", "mytable$20180215"),
        (r"a\{b\}", "a{b}"),
    ],
)
def test_a_template_is_filled_as_the_page_shows(template: str, made: str) -> None:
    from datetime import UTC, datetime

    assert evaluate(template, datetime(2018, 2, 15, 0, 1, tzinfo=UTC)) == made


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("*.csv", {"top.csv", "one/a.csv", "one/two/b.csv"}),
        ("*/*.csv", {"one/a.csv"}),
        ("one/*", {"one/a.csv", "one/two/b.csv", "one/c.txt"}),
        ("one/a.csv", {"one/a.csv"}),
        ("one/", set[str]()),
        ("", {"top.csv", "one/a.csv", "one/two/b.csv", "one/c.txt"}),
    ],
)
def test_a_data_path_takes_the_keys_that_the_page_shows(path: str, keys: set[str]) -> None:
    assert {
        k for k in ("top.csv", "one/a.csv", "one/two/b.csv", "one/c.txt") if pattern(path).fullmatch(k)
    } == keys


@pytest.mark.parametrize(
    ("more", "params", "expected_message"),
    [
        ({"schedule": "every 12 hours"}, {}, "24 hours"),
        ({"schedule": "whenever"}, {}, "not understood"),
        ({}, {"data_path": "s3://bucket-{run_date}/raw/*"}, "bucket"),
        ({}, {"data_path": "s3://bucket*"}, "bucket"),
        ({}, {"data_path": "s3://b/raw/{date}"}, "parameter"),
        ({}, {"access_key_id": ""}, "access_key_id"),
        ({}, {"max_bad_records": "many"}, "max_bad_records"),
        ({}, {"colour": "red"}, "colour"),
        ({}, {"file_format": "CSV"}, "file_format"),
        ({"destinationDatasetId": "nowhere"}, {}, "nowhere"),
        ({"dataSourceId": "scheduled_query"}, {}, "amazon_s3"),
        ({"notificationPubsubTopic": f"projects/{PROJECT}/topics/none"}, {}, "none"),
    ],
)
def test_a_config_that_the_service_refuses_is_refused(
    transfer: Transfer, more: dict[str, Any], params: dict[str, Any], expected_message: str
) -> None:
    answer = transfer.warehouse.gcp.post(
        f"{transfer.parent}/transferConfigs", json=transfer.body(**params) | more
    )
    assert answer.status_code in (400, 404) and expected_message in answer.json()["error"]["message"]
    assert transfer.landing.key["SecretAccessKey"] not in answer.text


def test_a_location_that_is_not_the_datasets_is_refused(transfer: Transfer) -> None:
    answer = transfer.warehouse.gcp.post(
        f"/v1/projects/{PROJECT}/locations/eu/transferConfigs", json=transfer.body()
    )
    assert answer.status_code == 400 and "eu" in answer.json()["error"]["message"]


def test_the_table_must_exist(transfer: Transfer) -> None:
    transfer.landing.put("raw/a.json", lines({"id": 1}))
    transfer.create()
    assert "Not found: Table" in transfer.run()["errorStatus"]["message"]


def test_the_secret_comes_back_nowhere_and_a_new_key_is_used(transfer: Transfer) -> None:
    transfer.warehouse.table("orders", ORDER)
    transfer.landing.put("raw/a.json", lines({"id": 1}))
    made = transfer.create(secret_access_key="y" * 40)
    run = transfer.run()
    shown = [
        made,
        run,
        transfer.warehouse.ok("GET", f"/v1/{transfer.name}"),
        transfer.warehouse.ok("GET", f"/v1/{run['name']}/transferLogs"),
    ]
    assert "y" * 40 not in json.dumps(shown) and run["state"] == "FAILED"
    transfer.warehouse.ok(
        "PATCH",
        f"/v1/{transfer.name}",
        params={"updateMask": "params"},
        json={"params": transfer.body()["params"]},
    )
    assert transfer.run()["state"] == "SUCCEEDED"


def test_the_end_of_a_run_is_published_to_the_topic(transfer: Transfer) -> None:
    topic, subscription = (
        f"projects/{PROJECT}/{kind}/{transfer.warehouse.dataset}" for kind in ("topics", "subscriptions")
    )
    transfer.warehouse.ok("PUT", f"/v1/{topic}", json={})
    transfer.warehouse.ok("PUT", f"/v1/{subscription}", json={"topic": topic})
    transfer.create(more={"notificationPubsubTopic": topic})
    transfer.landing.put("raw/a.json", lines({"id": 1}))
    run = transfer.run()
    pull = f"/v1/{subscription}:pull"
    got = eventually(
        lambda: transfer.warehouse.ok("POST", pull, json={"maxMessages": 5}).get("receivedMessages")
    )
    assert [m["message"]["attributes"]["eventType"] for m in got] == ["TRANSFER_RUN_FINISHED"]
    notified_run = json.loads(base64.b64decode(got[0]["message"]["data"]))
    assert (notified_run["name"], notified_run["state"]) == (run["name"], "FAILED")


def test_a_daily_schedule_says_when_it_runs_next_and_an_interval_runs_at_once(transfer: Transfer) -> None:
    transfer.warehouse.table("orders", ORDER)
    transfer.landing.put("raw/a.json", lines({"id": 1}))
    assert "T04:30:00" in transfer.create()["nextRunTime"]
    assert "nextRunTime" not in transfer.create(more={"scheduleOptions": {"disableAutoScheduling": True}})
    transfer.create(more={"schedule": "every 24 hours"})
    runs = eventually(lambda: transfer.warehouse.ok("GET", f"/v1/{transfer.name}/runs")["transferRuns"])
    assert transfer.ended(runs[0]["name"])["state"] == "SUCCEEDED" and count(transfer.warehouse) == 1
