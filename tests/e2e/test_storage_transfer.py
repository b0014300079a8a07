"""A BigQuery transfer without a key on the embedded clouds: copies run by hand and by events, and a broken trust."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.conftest import clone_into
from tests.e2e.test_bigquery_transfer import ITEMS, Shop
from tests.waiting import eventually

EVENTS = "tributary-local-lake-landing-objects"


class Keyless(Shop):
    """The shop of the other way, whose landing is copied first."""

    copying: dict[str, Any] | None = None

    def operate(self, operation: str) -> Any:
        if self.copying is None:
            self.copying = {"start": f"{self.at - timedelta(minutes=15):%H:%M}"}
            # For Google the time of the load has just been: the partition of its day can be loaded, and nothing is due.
            self.time_of_google(self.at + timedelta(minutes=1))
        pipelines = self.settings["tributary:pipelines"]
        pipelines["shop"]["storage_transfer"] = self.copying
        pipelines["lake"] |= {"run": "simple", "event_queue": True}
        return super().operate(operation)

    def loaded_and_checked(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """A load into the partition of the day that is checked, and what the check reports."""
        return self.load(of=self.at), self.check_load(self.at + timedelta(hours=2))

    @property
    def copy(self) -> dict[str, str]:
        return self.outputs["shop"]["copy"]

    def copied(self) -> dict[str, Any]:
        """A run of the job by hand, as it ended."""
        begun = self.google.post(f"/v1/{self.copy['job']}:run", json={"projectId": "tributary-local"}).json()
        return eventually(lambda: (o := self.google.get(f"/v1/{begun['name']}").json())["done"] and o)[
            "metadata"
        ]

    def operations(self) -> list[dict[str, Any]]:
        wanted = json.dumps({"projectId": "tributary-local", "jobNames": [self.copy["job"]]})
        operations = self.google.get("/v1/transferOperations", params={"filter": wanted}).json()["operations"]
        return [operation["metadata"] for operation in operations]

    def objects(self) -> set[str]:
        items = self.google.get(f"/storage/v1/b/{self.copy['bucket']}/o").json()["items"]
        return {item["name"] for item in items}

    def landed(self) -> set[str]:
        landing = self.outputs["lake"]["landing"]["bucket"]
        listed = self.client("s3").list_objects_v2(Bucket=landing, Prefix="raw/orders/AWSDynamoDB/")
        return {o["Key"] for o in listed["Contents"] if o["Key"].endswith(".json.gz")}

    def trust(self, subject: str) -> None:
        """Lets this subject take the role on."""
        iam, role = self.client("iam"), self.copy["role"].rsplit("/", 1)[1]
        document = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        document["Statement"][0]["Condition"]["StringEquals"]["accounts.google.com:sub"] = subject
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))

    def agent(self) -> str:
        return self.google.get("/v1/googleServiceAccounts/tributary-local").json()["subjectId"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyless]:
    run = clone_into(tmp_path_factory.mktemp("keyless"))
    try:
        yield Keyless(run)
    finally:
        run.clone.stop()


def test_no_user_and_no_key_is_made(shop: Keyless) -> None:
    assert shop.client("iam").list_users()["Users"] == []
    state = next((shop.run.clone.folder / "stack" / "state").rglob("local.json")).read_text()
    assert "aws:iam/accessKey" not in state


def test_copy_and_load_run_twice_give_no_duplicates(shop: Keyless) -> None:
    for number in range(ITEMS):
        shop.put(number, lines={"L": [{"M": {"sku": {"S": "tea"}}}]})
    shop.export()
    first, again = [(shop.copied(), shop.load()) for _ in range(2)]
    assert [copied["status"] for copied, _ in (first, again)] == ["SUCCESS", "SUCCESS"]
    assert [loaded["state"] for _, loaded in (first, again)] == ["SUCCEEDED", "SUCCEEDED"]
    # By schedule the export's manifests come along; no load takes them.
    assert int(first[0]["counters"]["objectsCopiedToSink"]) == len(shop.objects()) > len(shop.landed()) > 0
    assert shop.landed() < shop.objects()
    assert again[0]["counters"]["objectsCopiedToSink"] == "0"
    assert (shop.count(shop.table), shop.count(shop.view)) == (ITEMS, ITEMS)
    assert all(key.startswith("raw/orders/AWSDynamoDB/") for key in shop.objects())


def test_a_file_of_an_export_that_is_written_again_is_not_loaded_again(shop: Keyless) -> None:
    s3, landing = shop.client("s3"), shop.outputs["lake"]["landing"]["bucket"]
    for key in shop.landed():
        s3.put_object(Bucket=landing, Key=key, Body=s3.get_object(Bucket=landing, Key=key)["Body"].read())
    assert shop.copied()["counters"]["objectsCopiedToSink"] == "0"
    assert shop.load()["state"] == "SUCCEEDED"
    assert shop.count(shop.table) == ITEMS


def test_a_trust_that_broke_fails_loudly_and_the_load_check_shows_what_is_missing(shop: Keyless) -> None:
    # The load checks below are of the partition that this load goes into.
    shop.empty()
    shop.export()
    assert shop.copied()["status"] == "SUCCESS"
    loaded, check = shop.loaded_and_checked()
    assert (loaded["state"], check["loaded"]) == ("SUCCEEDED", ITEMS)
    expected = check["expected"]
    shop.empty()
    shop.trust("1" * 21)
    shop.export()
    failed = shop.copied()
    assert failed["status"] == "FAILED"
    assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in str(failed["errorBreakdowns"])
    loaded, check = shop.loaded_and_checked()
    assert loaded["state"] == "SUCCEEDED"  # of nothing
    assert (check["expected"], check["loaded"]) == (expected + ITEMS, 0)
    assert min(shop.published("BigQueryDifference")) == -(expected + ITEMS)
    alarms = shop.client("cloudwatch").describe_alarms()["MetricAlarms"]
    (short,) = (alarm for alarm in alarms if alarm["AlarmName"].endswith("shop-orders-short"))
    assert (short["MetricName"], short["ComparisonOperator"]) == ("BigQueryDifference", "LessThanThreshold")
    shop.trust(shop.agent())
    assert shop.copied()["status"] == "SUCCESS"
    assert shop.load()["state"] == "SUCCEEDED"
    assert shop.count(shop.table) == ITEMS


def test_event_driven_a_new_export_is_copied_without_a_schedule(shop: Keyless) -> None:
    shop.client("sqs").purge_queue(QueueUrl=shop.client("sqs").get_queue_url(QueueName=EVENTS)["QueueUrl"])
    shop.copying = {"event_driven": True}
    shop.deploy()
    before = shop.objects()
    shop.export()
    eventually(lambda: shop.landed() <= shop.objects())
    assert shop.objects() > before
    assert {operation["status"] for operation in shop.operations()[:1]} == {"SUCCESS"}
    assert shop.load()["state"] == "SUCCEEDED"
    assert shop.count(shop.table) == 2 * ITEMS
    assert shop.count(shop.view) == ITEMS


def test_events_that_the_role_may_not_take_wait_and_are_reported(shop: Keyless) -> None:
    shop.trust("1" * 21)
    shop.export()
    eventually(lambda: shop.operations()[0]["status"] == "FAILED")
    assert not shop.landed() <= shop.objects()
    alarms = shop.client("cloudwatch").describe_alarms()["MetricAlarms"]
    (untaken,) = (alarm for alarm in alarms if alarm["AlarmName"].endswith("shop-copy-untaken"))
    assert untaken["MetricName"] == "ApproximateAgeOfOldestMessage"
    assert untaken["Dimensions"] == [{"Name": "QueueName", "Value": EVENTS}]
    shop.trust(shop.agent())
    eventually(lambda: shop.landed() <= shop.objects())
