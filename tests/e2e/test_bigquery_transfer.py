"""A BigQuery transfer's days on the embedded clouds: its schedule, two runs, bad records, a new column, a lost key.

The stack is deployed once and the tests follow each other as the days do: each load goes to a day of its own, but the
scheduled one, which is due hours after the start, when Google's time is put ahead, and which the load check reads.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from components.shared import metric_names
from local import cache, engine
from tests.e2e.conftest import Run, clone_into
from tests.typed import as_yaml
from tests.waiting import PATIENCE, eventually

ACCOUNT = "111111111111"
ITEMS = 40


def config(at: datetime) -> dict[str, Any]:
    columns = {"order_id": "S", "total": "N", "lines": "L"}
    return {
        "tributary:accounts": {"workload": {"id": ACCOUNT, "region": "us-east-1"}},
        "tributary:gcp": {"project": "tributary-local", "location": "US"},
        "tributary:retain_data": False,
        "tributary:pipelines": {
            "lake": {
                "kind": "export",
                "run": "simple",
                "schedule": "rate(24 hours)",  # of no time of day, which the load would have to come after
                "create_key": True,
                "sources": [{"dynamodb": "orders", "create": {"hash_key": {"name": "order_id"}}}],
            },
            "shop": {
                "kind": "bigquery-transfer",
                "from": "lake",
                "schedule": f"every day {at:%H:%M}",
                "max_bad_records": 1,
                "tables": {"orders": {"columns": columns, "keys": ["order_id"]}},
            },
        },
    }


class Shop:
    """The deployed stack, and what a test does to it."""

    def __init__(self, run: Run):
        self.run, self.ready = run, run.clone.start()
        bearer = {"authorization": f"Bearer {self.ready['secret']}"}
        self.google = httpx.Client(
            base_url=self.ready["gcp"], headers=bearer, timeout=PATIENCE, trust_env=False
        )
        self.days, self.exports, self.printed = 0, 0, ""
        # So long after the start that all that is exported here is exported before it, however slow the machine is.
        self.at = (datetime.now(UTC) + timedelta(hours=6)).replace(second=0, microsecond=0)
        self.settings = config(self.at)
        self.deploy()
        self.table, self.view = (self.outputs["shop"]["tables"]["orders"][key] for key in ("table", "view"))

    def client(self, service: str, key: str = ACCOUNT, secret: str = "") -> Any:
        return boto3.client(
            service,
            endpoint_url=self.ready["endpoint"],
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret or self.ready["secret"],
        )

    def operate(self, operation: str) -> Any:
        (self.run.root / "Pulumi.local.yaml").write_text(as_yaml({"config": self.settings}))
        answer = self.run.operation(operation)
        self.printed += answer
        return json.loads(answer)

    def deploy(self) -> None:
        self.outputs = self.operate("up")["pipelines"]

    def resources(self) -> list[dict[str, Any]]:
        """The stack's resources as the engine remembers them, with what is secret."""
        work = self.run.clone.folder / "stack"
        done = subprocess.run(
            [str(engine.find()), "stack", "export", "--show-secrets", "--stack", "local"],
            cwd=work,
            env=os.environ
            | {
                "PULUMI_HOME": str(cache.folder() / "pulumi"),
                "PULUMI_BACKEND_URL": (work / "state").as_uri(),
                "PULUMI_CONFIG_PASSPHRASE": "",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)["deployment"]["resources"]

    def time_of_google(self, at: datetime) -> None:
        """Puts the time of the local Google Cloud there; what is due until then, is."""
        self.run.ahead((at - datetime.now(UTC)).total_seconds(), of="gcp")

    def put(self, number: int, **attributes: Any) -> None:
        item = {"order_id": {"S": f"order-{number:03}"}, "total": {"N": f"{number}.5"}} | attributes
        self.client("dynamodb").put_item(TableName="orders", Item=item)

    def export(self) -> None:
        """One export of the table, from its start to its end."""
        self.exports += 1
        planned = datetime.now(UTC).replace(microsecond=0)
        time.sleep(max(0.0, planned.timestamp() + 1 - time.time()))
        event = {"scheduled_time": (planned + timedelta(seconds=1)).isoformat()}
        answer = self.client("lambda").invoke(
            FunctionName=self.outputs["lake"]["function"], Payload=json.dumps(event)
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
        dynamodb = self.client("dynamodb")
        eventually(
            lambda: all(e["ExportStatus"] == "COMPLETED" for e in dynamodb.list_exports()["ExportSummaries"])
        )

    def load(self, of: datetime | None = None) -> dict[str, Any]:
        """A run of the transfer, for that time or for a day of its own, as it ended."""
        self.days += 1
        time.sleep(1.05)  # S3 gives whole seconds, and what was listed in this one may be listed again
        body = {"requestedRunTime": of.isoformat() if of else f"2026-01-{self.days:02}T05:00:00Z"}
        transfer = self.outputs["shop"]["tables"]["orders"]["transfer"]
        started = self.google.post(f"/v1/{transfer}:startManualRuns", json=body).json()["runs"][0]
        return self.ended(started["name"])

    def ended(self, name: str) -> dict[str, Any]:
        return eventually(
            lambda: (r := self.google.get(f"/v1/{name}").json())["state"] in ("SUCCEEDED", "FAILED") and r
        )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        body = {"query": sql, "useLegacySql": False}
        answer = self.google.post("/bigquery/v2/projects/tributary-local/queries", json=body).json()
        assert "error" not in answer and "errors" not in answer, answer
        return [tuple(cell["v"] for cell in row["f"]) for row in answer.get("rows", [])]

    def count(self, what: str) -> int:
        return int(self.ask(f"SELECT COUNT(*) FROM `{what}`")[0][0])

    def check_load(self, after: datetime) -> dict[str, Any]:
        """What the function says of the last load before that time."""
        name = self.outputs["shop"]["function"]
        event = json.dumps({"scheduled_time": after.isoformat()})
        answer = self.client("lambda").invoke(FunctionName=name, Payload=event)
        report = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, report
        return report["tables"][0]

    def empty(self) -> None:
        self.ask(f"DELETE FROM `{self.table}` WHERE TRUE")
        assert self.count(self.table) == 0

    def published(self, metric: str, statistic: str = "Minimum") -> list[float]:
        now = datetime.now(UTC)
        metric_statistics = self.client("cloudwatch").get_metric_statistics(
            Namespace=metric_names.NAMESPACE,
            MetricName=metric,
            Dimensions=[{"Name": "Pipeline", "Value": "shop"}, {"Name": "Table", "Value": "orders"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=3600,
            Statistics=[statistic],
        )
        return [point[statistic] for point in metric_statistics["Datapoints"]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    run = clone_into(tmp_path_factory.mktemp("shop"))
    try:
        yield Shop(run)
    finally:
        run.clone.stop()


def test_the_days_load_comes_by_itself_and_agrees_with_the_export(shop: Shop) -> None:
    for number in range(ITEMS):
        shop.put(number, lines={"L": [{"M": {"sku": {"S": "tea"}}}]})
    shop.export()
    transfer = shop.outputs["shop"]["tables"]["orders"]["transfer"]
    assert shop.google.get(f"/v1/{transfer}/runs").json().get("transferRuns", []) == []
    shop.time_of_google(shop.at)
    runs = eventually(lambda: shop.google.get(f"/v1/{transfer}/runs").json()["transferRuns"])
    assert shop.ended(runs[0]["name"])["state"] == "SUCCEEDED"
    assert shop.count(shop.view) == ITEMS
    check = shop.check_load(shop.at + timedelta(hours=2))
    assert (check["expected"], check["loaded"], check["difference"]) == (ITEMS, ITEMS, 0)
    assert (check["state"], check["failed"]) == ("SUCCEEDED", 0)
    assert (shop.published("BigQueryDifference"), shop.published("BigQueryLoadFailed")) == ([0], [0])
    # The days of the tests that follow lie in the past, and the view shows the newest.
    shop.empty()


def test_the_transfer_run_twice_gives_no_duplicates(shop: Shop) -> None:
    before = shop.count(shop.table)
    shop.export()
    assert [shop.load()["state"], shop.load()["state"]] == ["SUCCEEDED", "SUCCEEDED"]
    assert shop.count(shop.table) == before + ITEMS
    assert shop.count(shop.view) == ITEMS


def test_a_file_that_is_written_again_and_a_second_export_leave_each_row_once_in_the_view(shop: Shop) -> None:
    s3, landing = shop.client("s3"), shop.outputs["lake"]["landing"]["bucket"]
    files = s3.list_objects_v2(Bucket=landing, Prefix="raw/orders/AWSDynamoDB/")["Contents"]
    before = shop.count(shop.table)
    for key in [file["Key"] for file in files if file["Key"].endswith(".json.gz")]:
        s3.put_object(Bucket=landing, Key=key, Body=s3.get_object(Bucket=landing, Key=key)["Body"].read())
    assert shop.load()["state"] == "SUCCEEDED"
    assert shop.count(shop.table) > before
    assert shop.count(shop.view) == ITEMS
    assert len(shop.ask(f"SELECT DISTINCT order_id FROM `{shop.view}`")) == ITEMS


def test_bad_records_up_to_the_limit_are_skipped_and_one_more_loads_nothing(shop: Shop) -> None:
    s3, landing = shop.client("s3"), shop.outputs["lake"]["landing"]["bucket"]
    good = [json.dumps({"Item": {"order_id": {"S": f"extra-{n}"}, "total": {"N": "1"}}}) for n in range(3)]
    for bad, state in ((1, "SUCCEEDED"), (2, "FAILED")):
        before = shop.count(shop.table)
        body = gzip.compress("\n".join([*good, *['{"Item": {"total": {"N": "many"}}}'] * bad]).encode())
        key = f"raw/orders/AWSDynamoDB/bad-{bad}/data/a.json.gz"
        s3.put_object(Bucket=landing, Key=key, Body=body)
        run = shop.load()
        assert run["state"] == state, run
        assert shop.count(shop.table) == before + (len(good) if state == "SUCCEEDED" else 0)
        if state == "FAILED":
            assert "errors: 2; max bad: 1" in run["errorStatus"]["message"]
        s3.delete_object(Bucket=landing, Key=key)


def test_a_new_attribute_is_left_out_until_it_is_declared_and_never_breaks_the_view(shop: Shop) -> None:
    shop.put(0, colour={"S": "red"})
    shop.export()
    assert shop.load()["state"] == "SUCCEEDED"
    assert shop.count(shop.view) == ITEMS
    shop.settings["tributary:pipelines"]["shop"]["tables"]["orders"]["columns"]["colour"] = "S"
    shop.deploy()
    first = f"SELECT order_id, colour FROM `{shop.view}` WHERE order_id IN ('order-000', 'order-001') ORDER BY order_id"
    assert shop.ask(first) == [("order-000", None), ("order-001", None)]
    shop.export()
    assert shop.load()["state"] == "SUCCEEDED"
    assert shop.ask(first) == [("order-000", "red"), ("order-001", None)]
    assert shop.count(shop.view) == ITEMS


def test_the_secret_of_the_key_is_neither_plain_in_the_state_nor_printed(shop: Shop) -> None:
    (made,) = (r for r in shop.resources() if r["type"] == "aws:iam/accessKey:AccessKey")
    key, secret = made["id"], json.loads(made["outputs"]["secret"]["plaintext"])
    # It is the one that opens: the embedded cloud checks the signature that is made with it.
    caller = shop.client("sts", key, secret).get_caller_identity()
    assert caller["Arn"].endswith(f":user/{shop.outputs['shop']['user']}")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        shop.client("sts", key, secret[::-1]).get_caller_identity()
    files = [path for path in (shop.run.clone.folder / "stack").rglob("*") if path.is_file()]
    assert [path.name for path in files if secret.encode() in path.read_bytes()] == []
    # The key's id, which opens nothing, shows that these are the files to search, and a name that these are the lines.
    assert [path.name for path in files if key.encode() in path.read_bytes()]
    printed = (shop.run.root / "operation.log").read_text() + shop.printed
    assert "shop-reader-1" in printed and secret not in printed


def test_a_revoked_key_fails_the_run_and_the_load_check_shows_what_is_missing(shop: Shop) -> None:
    def loaded_and_checked() -> tuple[dict[str, Any], dict[str, Any]]:
        """A load into the partition of the day that is checked, and what the load check reports of it."""
        shop.export()
        return shop.load(of=shop.at), shop.check_load(shop.at + timedelta(hours=2))

    # Each load check below is of the partition that this load goes into. Each export of the day is expected in
    # it, and those before this one went to days of their own.
    shop.empty()
    shop.time_of_google(shop.at + timedelta(minutes=1))
    run, check = loaded_and_checked()
    assert (run["state"], check["state"], check["failed"]) == ("SUCCEEDED", "SUCCEEDED", 0)
    assert (check["expected"], check["loaded"]) == (shop.exports * ITEMS, ITEMS)
    shop.empty()
    iam, user = shop.client("iam"), shop.outputs["shop"]["user"]
    (key,) = (
        metadata["AccessKeyId"] for metadata in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    )
    iam.update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")
    run, check = loaded_and_checked()
    assert (run["state"], run["errorStatus"]["code"]) == ("FAILED", 7)
    assert "PERMISSION_DENIED" in run["errorStatus"]["message"]
    assert (check["state"], check["failed"]) == ("FAILED", 1)
    expected = shop.exports * ITEMS
    assert (check["expected"], check["loaded"], check["difference"]) == (
        expected,
        0,
        -expected,
    )
    assert min(shop.published("BigQueryDifference")) == -expected
    assert max(shop.published("BigQueryLoadFailed", "Maximum")) == 1
    alarms = shop.client("cloudwatch").describe_alarms()["MetricAlarms"]
    rings = {
        alarm["AlarmName"].rpartition("-")[2]: (alarm["MetricName"], alarm["ComparisonOperator"])
        for alarm in alarms
        if "shop-orders-" in alarm["AlarmName"]
    }
    assert rings == {
        "failed": ("BigQueryLoadFailed", "GreaterThanThreshold"),
        "short": ("BigQueryDifference", "LessThanThreshold"),
        "over": ("BigQueryDifference", "GreaterThanThreshold"),
    }


def test_a_new_key_takes_over_and_the_old_one_goes_when_it_is_left_out(shop: Shop) -> None:
    iam, user = shop.client("iam"), shop.outputs["shop"]["user"]
    for names, kept in ((["1", "2"], 2), (["2"], 1)):
        shop.settings["tributary:pipelines"]["shop"]["access_keys"] = names
        shop.deploy()
        assert len(iam.list_access_keys(UserName=user)["AccessKeyMetadata"]) == kept
        assert shop.load()["state"] == "SUCCEEDED"
    assert shop.count(shop.view) == ITEMS
