"""`make up` with a real engine on the embedded cloud, as a user sees it."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from components.stack.kinds import KINDS
from local import samples
from local.samples import zero_etl
from operate import switches
from operate.row import PAUSED
from operate.status import of_pipeline
from operate.status import status as status_of
from tests.e2e.conftest import LEAK, ORDERS, ROOT, Run
from tests.waiting import PATIENCE

STORES = ("source", "Athena", "BigQuery")
RUNNING = ["arrived_at", "late_seconds", "rows", "counted", "state", "problems"]
COLUMNS = ["pipeline", "kind", "table", "sent", "arrived", "seconds"]


@pytest.fixture(scope="module")
def rows(stack: Run) -> list[dict[str, Any]]:
    """What `status` prints as JSON. It reads every table of every pipeline, so it runs once for all tests."""
    done = stack.local("status", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_item_of_every_table_arrives_in_both_accounts_and_from_both_in_bigquery(
    rows: list[dict[str, Any]],
) -> None:
    assert {row["kind"] for row in rows} == set(KINDS)
    database = {"shop.products": (1_200, 1_200), "shop.payments": (3_000, 3_000), "shop.stock": (0, 0)}
    for name in ("shop-lake", "shop-replica", "lake-warehouse", "replica-warehouse", "keyless-warehouse"):
        assert {row["table"]: (row["sent"], row["arrived"]) for row in rows if row["pipeline"] == name} == {
            "customers": (1_000, 1_000),
            "returns": (0, 0),
            "orders": (ORDERS, ORDERS),
        } | database | ({} if name == "replica-warehouse" else {"baskets": (1_000, 1_000)})


def compared(printed: str) -> dict[tuple[str, str], dict[str, str]]:
    """What `up` or `status` prints of the transfers, by pipeline and table."""
    text = printed.split("bigquery-transfer\n", 1)[1].split("\n\n", maxsplit=1)[0]
    header, _, *lines = [re.split(r"  +", line.strip()) for line in text.splitlines()]
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    return {(row["pipeline"], row["table"]): row for row in rows}


def test_the_source_athena_in_both_accounts_and_bigquery_hold_the_same_rows(stack: Run) -> None:
    rows = compared((stack.root / "up.log").read_text())  # up ended with 0, or there would be no stack
    assert len(rows) == 20
    for (_, table), row in rows.items():
        row_counts, sums = ([row[f"{s} {what}"] for s in STORES] for what in ("rows", "checksum"))
        assert (len({*row_counts}), len({*sums}), row["equal"]) == (1, 1, "yes"), row
        assert (sums[0] == "00000000") == (table in ("returns", "shop.stock"))


def test_a_value_that_differs_in_bigquery_marks_its_row_and_fails(stack: Run) -> None:
    table, ready = "tributary-local.tributary_local_lake_warehouse.shop_products", stack.clone.running()
    assert ready
    gcp = ready["gcp"]

    def change(name: str, to: str) -> None:
        body = {"query": f"UPDATE `{table}` SET name = '{to}' WHERE name = '{name}'", "useLegacySql": False}
        bearer = {"authorization": f"Bearer {ready['secret']}"}
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
    assert len(rows) == 20
    marked = {key: row["equal"] for key, row in rows.items() if row["equal"] != "yes"}
    assert marked == {("lake-warehouse", "shop.products"): "NOT BigQuery"}
    row = rows["lake-warehouse", "shop.products"]
    assert row["BigQuery rows"] == row["source rows"] == "1,200"
    assert row["Athena checksum"] == row["source checksum"] != row["BigQuery checksum"]


def test_every_item_of_every_table_is_a_document(rows: list[dict[str, Any]]) -> None:
    counts = {row["table"]: (row["sent"], row["arrived"]) for row in rows if row["kind"] == "zero-etl"}
    assert counts == {"products": (1_050, 1_050), "reviews": (1_050, 1_050)}


def test_status_prints_json_rows_of_what_was_sent_and_of_what_any_running_stack_says(
    rows: list[dict[str, Any]],
) -> None:
    assert [list(row) for row in rows] == [[*COLUMNS, *RUNNING]] * len(rows)
    assert {row["state"] for row in rows} == {"ok"} and all(row["arrived_at"] for row in rows)
    assert all(isinstance(row["seconds"], float) and row["seconds"] >= 0 for row in rows)


def test_nothing_reads_credentials_that_the_caller_has(stack: Run) -> None:
    assert (stack.root / "credentials").stat().st_atime_ns == 0
    files = [path for path in stack.clone.folder.rglob("*") if path.is_file()]
    assert [path for path in files if LEAK.encode() in path.read_bytes()] == []
    assert LEAK not in (stack.root / "up.log").read_text()


def test_a_cloud_of_an_earlier_up_outlives_an_interrupted_one(stack: Run) -> None:
    process = stack.start("-m", "local", "up")
    assert process.stdout
    for line in process.stdout:
        if line.startswith("cloud: running"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + err
    ready, outputs = stack.clone.running(), stack.clone.outputs()
    assert ready and outputs
    cloud, pipeline = samples.Cloud(ready["endpoint"], outputs), outputs["pipelines"]["catalog-search"]
    rows = zero_etl.rows(cloud, "catalog-search", pipeline, None)
    assert [row.complete for row in rows] == [True, True], rows


def test_under_the_status_role_alone_a_running_stack_says_the_same_and_changes_nothing(
    stack: Run, rows: list[dict[str, Any]]
) -> None:
    """What `python -m bootstrap local` prints for the role, judged by the embedded cloud's own IAM."""
    cloud = under(stack, "status")
    shown = {(each.pipeline, each.table): each for each in status_of(cloud)}
    assert {each.state for each in shown.values()} == {"ok"}, [
        each for each in shown.values() if each.state != "ok"
    ]
    listed = {(row["pipeline"], row["table"]): row for row in rows}
    assert set(shown) == set(listed)
    for key, row in listed.items():
        assert shown[key].arrived_at, key
        if (
            shown[key].counted == "in all"
        ):  # of an incremental run, or a day, it is what came, not what is there
            assert shown[key].rows == row["arrived"], key
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        switches.pause(cloud, "shop-lake")


def test_under_the_operate_role_alone_pipelines_are_paused_and_resumed_and_a_changed_key_is_then_the_only_change(
    stack: Run,
) -> None:
    """One preview shows that neither `make up` nor a switch left anything to change, and what a changed key does: it is
    of a pipeline that was not switched."""
    cloud, admin = under(stack, "operate"), under(stack, "")

    def states(pipeline: str) -> set[str]:
        return {each.state for each in of_pipeline(admin, pipeline, admin.pipelines[pipeline])}

    for pipeline in ("shop-lake", "keyless-warehouse"):
        switches.pause(cloud, pipeline)
        try:
            assert states(pipeline) == {PAUSED}
        finally:
            switches.resume(cloud, pipeline)
        assert states(pipeline) == {"ok"}
    stack.edit("Pulumi.local.yaml", "retention: 24h", "retention: 48h")
    try:
        changes = json.loads(stack.operation("preview"))
    finally:
        stack.edit("Pulumi.local.yaml", "retention: 48h", "retention: 24h")
    assert changes.pop("update") == 1
    assert set(changes) == {"same"}


def under(run: Run, role: str) -> samples.Cloud:
    """The running stack as a role of that name has it in each account, with what bootstrap prints for it; without a
    name as the accounts' administrators do."""
    ready, outputs = run.clone.running(), run.clone.outputs()
    assert ready and outputs
    cloud = samples.Cloud(ready["endpoint"], outputs, ready["gcp"])
    if not role:
        return cloud
    entered = UnderRole(ready["endpoint"], outputs, ready["gcp"])
    for place in printed("local")["places"]:
        iam = cloud.client("iam", place)
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": f"arn:aws:iam::{place['account']}:root"},
        }
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        for number, document in enumerate(place["policies"][role]):
            iam.put_role_policy(RoleName=role, PolicyName=str(number), PolicyDocument=json.dumps(document))
        given = cloud.client("sts", place).assume_role(
            RoleArn=f"arn:aws:iam::{place['account']}:role/{role}", RoleSessionName=role
        )["Credentials"]
        entered.sessions[place["account"]] = boto3.Session(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
        )
    return entered


@functools.cache
def printed(name: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bootstrap", "--json", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


class UnderRole(samples.Cloud):
    """A cloud whose accounts are entered by sessions."""

    @functools.cached_property
    def sessions(self) -> dict[str, boto3.Session]:
        return {}

    def client(self, service: str, place: Mapping[str, Any]):
        return self.sessions[place["account"]].client(
            service, endpoint_url=self.endpoint, region_name=place["region"],
            config=Config(proxies={}, s3={"addressing_style": "path"}),
        )  # fmt: skip
