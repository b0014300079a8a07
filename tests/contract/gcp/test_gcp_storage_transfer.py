"""The Storage Transfer stand-in against what the service's pages say it does (see local/gcp/storage_transfer.py)."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.contract.gcp.conftest import PROJECT, Landing, Warehouse, lines
from tests.contract.gcp.copying import AGENT, LOADER, Copy
from tests.waiting import eventually


@pytest.fixture
def copy(gcp: httpx.Client, landing: Landing) -> Copy:
    return Copy(gcp, landing)


def test_a_run_copies_what_lies_below_the_prefixes_and_counts_it(copy: Copy) -> None:
    copy.landing.put("raw/orders/a.json", b"12345")
    copy.landing.put("raw/orders/b.json", b"678")
    copy.landing.put("raw/customers/c.json", b"9")
    copy.create()
    done = copy.run()
    assert (done["status"], sorted(copy.objects())) == ("SUCCESS", ["raw/orders/a.json", "raw/orders/b.json"])
    assert done["counters"] == {
        "objectsFoundFromSource": "2",
        "bytesFoundFromSource": "8",
        "objectsFromSourceSkippedBySync": "0",
        "objectsCopiedToSink": "2",
        "bytesCopiedToSink": "8",
        "objectsFromSourceFailed": "0",
    }
    assert "errorBreakdowns" not in done


@pytest.mark.parametrize(
    ("when", "rewritten", "copied"),
    [
        ("NEVER", b"other", "0"),
        ("DIFFERENT", b"other", "1"),
        ("DIFFERENT", b"first", "0"),
        ("ALWAYS", b"first", "1"),
    ],
)
def test_a_file_that_is_there_is_replaced_by_the_rule(
    copy: Copy, when: str, rewritten: bytes, copied: str
) -> None:
    copy.grant(AGENT, "legacyBucketWriter", "objectViewer")
    copy.landing.put("raw/orders/a.json", b"first")
    copy.create(transferOptions={"overwriteWhen": when})
    copy.run()
    before = copy.objects()["raw/orders/a.json"]
    copy.landing.put("raw/orders/a.json", rewritten)
    assert copy.run()["counters"]["objectsCopiedToSink"] == copied
    assert (copy.objects()["raw/orders/a.json"]["etag"] != before["etag"]) == (copied == "1")


def test_another_subject_in_the_trust_is_refused_and_reported(copy: Copy) -> None:
    copy.landing.put("raw/orders/a.json", b"1")
    copy.ok("PUT", f"/v1/projects/{PROJECT}/topics/runs-{copy.number}", json={})
    topic = f"projects/{PROJECT}/topics/runs-{copy.number}"
    publisher = {"role": "roles/pubsub.publisher", "members": [f"serviceAccount:{AGENT}"]}
    copy.ok("POST", f"/v1/{topic}:setIamPolicy", json={"policy": {"bindings": [publisher]}})
    seen = f"/v1/projects/{PROJECT}/subscriptions/seen-{copy.number}"
    copy.ok("PUT", seen, json={"topic": topic})
    notification = {
        "pubsubTopic": topic,
        "eventTypes": ["TRANSFER_OPERATION_FAILED"],
        "payloadFormat": "JSON",
    }
    copy.create({"notificationConfig": notification})
    assert copy.run()["status"] == "SUCCESS"
    copy.landing.iam.update_assume_role_policy(RoleName=copy.role, PolicyDocument=copy.trust("1" * 21))
    failed = copy.run()
    assert failed["status"] == "FAILED"
    assert len(copy.operations()) == 2
    of_another = json.dumps({"projectId": "another", "jobNames": [copy.name]})
    assert copy.ok("GET", "/v1/transferOperations", params={"filter": of_another})["operations"] == []
    (error,) = failed["errorBreakdowns"]
    assert error["errorCode"] == "PERMISSION_DENIED"
    assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in str(error["errorLogEntries"])
    assert copy.gcp.put(seen, json={"topic": topic}).status_code == 409  # and what waits in it waits still
    (message,) = copy.ok("POST", f"{seen}:pull", json={"maxMessages": 10})["receivedMessages"]
    assert message["message"]["attributes"]["eventType"] == "TRANSFER_OPERATION_FAILED"
    assert json.loads(base64.b64decode(message["message"]["data"]))["metadata"]["status"] == "FAILED"


def test_a_role_that_may_not_read_fails_each_file_and_copies_none(copy: Copy) -> None:
    copy.landing.put("raw/orders/a.json", b"1")
    copy.landing.put("raw/orders/b.json", b"1")
    copy.create()
    copy.allow(copy.landing.statements[0])
    failed = copy.run()
    assert (failed["status"], failed["counters"]["objectsFromSourceFailed"]) == ("FAILED", "2")
    assert "GetObject" in str(failed["errorBreakdowns"])
    assert copy.objects() == {}


@pytest.mark.parametrize(
    "roles", [("legacyBucketReader", "objectViewer"), ("legacyBucketReader", "objectCreator")]
)
def test_an_agent_that_lacks_a_role_on_the_bucket_copies_nothing(copy: Copy, roles: tuple[str, ...]) -> None:
    copy.landing.put("raw/orders/a.json", b"1")
    copy.create()
    copy.grant(AGENT, *roles)
    failed = copy.run()
    assert failed["status"] == "FAILED"
    assert f"{AGENT} does not have storage.objects." in str(failed["errorBreakdowns"])
    assert copy.objects() == {}


def test_a_file_that_changed_is_not_replaced_by_an_agent_that_may_not_delete(copy: Copy) -> None:
    copy.landing.put("raw/orders/a.json", b"1")
    copy.create(transferOptions={"overwriteWhen": "DIFFERENT"})
    copy.run()
    copy.landing.put("raw/orders/a.json", b"2")
    failed = copy.run()
    assert (failed["status"], failed["counters"]["objectsFromSourceFailed"]) == ("FAILED", "1")


def test_what_is_older_than_the_job_takes_is_left(copy: Copy) -> None:
    copy.landing.put("raw/orders/a.json", b"1")
    time.sleep(1.05)  # S3 gives whole seconds
    conditions = {"includePrefixes": ["orders/"], "maxTimeElapsedSinceLastModification": "0.01s"}
    copy.create(objectConditions=conditions)
    assert copy.run()["counters"]["objectsFoundFromSource"] == "0"


def test_an_event_brings_its_file_and_is_gone_from_the_queue(copy: Copy) -> None:
    stream = copy.listen()
    copy.create(stream)
    copy.landing.put("raw/orders/a b.json", b"1")
    copy.landing.put("raw/customers/c.json", b"1")
    eventually(lambda: "raw/orders/a b.json" in copy.objects())
    counted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    eventually(
        lambda: (
            set(
                copy.landing.sqs.get_queue_attributes(QueueUrl=copy.queue, AttributeNames=counted)[
                    "Attributes"
                ].values()
            )
            == {"0"}
        )
    )
    assert list(copy.objects()) == ["raw/orders/a b.json"]
    eventually(lambda: set(statuses(copy)) == {"SUCCESS"})


def statuses(copy: Copy) -> list[str]:
    """How its runs stand, the latest first."""
    return [operation["metadata"]["status"] for operation in copy.operations()]


def test_a_role_that_may_not_take_events_fails_once_and_the_event_waits_for_the_grant(copy: Copy) -> None:
    stream = copy.listen()
    copy.allow(*copy.landing.statements)
    copy.create(stream)
    copy.landing.put("raw/orders/a.json", b"1")
    eventually(lambda: statuses(copy) == ["FAILED"])
    assert "ReceiveMessage" in str(copy.operations()[0]["metadata"]["errorBreakdowns"])
    assert copy.objects() == {}
    copy.allow(*copy.landing.statements, copy.takes)
    eventually(lambda: statuses(copy) == ["SUCCESS", "FAILED"])  # its object is there before it says so
    assert copy.objects()


def test_an_event_driven_job_is_not_run_by_hand(copy: Copy) -> None:
    copy.create(copy.listen())
    answer = copy.gcp.post(f"/v1/{copy.name}:run", json={"projectId": PROJECT})
    assert answer.status_code == 400 and "event-driven" in answer.text


REFUSED: dict[str, tuple[Callable[[Copy], dict[str, Any]], str]] = {
    "no schedule": (lambda c: c.body() | {"schedule": None}, "Either schedule or eventStream"),
    "every half hour": (
        lambda c: c.body() | {"schedule": c.body()["schedule"] | {"repeatInterval": "1800s"}},
        "must not be less than 1 hour",
    ),
    "a path without a slash": (
        lambda c: c.body(gcsDataSink={"bucketName": c.bucket, "path": "raw"}),
        "Invalid path 'raw'",
    ),
    "prefixes within each other": (
        lambda c: c.body(objectConditions={"includePrefixes": ["a/", "a/b/"]}),
        "Invalid include prefix 'a/b/'",
    ),
    "a bucket that is none": (
        lambda c: c.body(gcsDataSink={"bucketName": "nowhere-at-all"}),
        "The specified bucket does not exist",
    ),
    "a key instead of a role": (
        lambda c: c.body(
            awsS3DataSource={"bucketName": "b", "awsAccessKey": {"accessKeyId": "a", "secretAccessKey": "b"}}
        ),
        "roleArn",
    ),
    "a queue that is none": (
        lambda c: c.body() | {"schedule": None, "eventStream": {"name": "events"}},
        "the ARN of an SQS queue",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_job_that_the_service_refuses_is_refused(copy: Copy, name: str) -> None:
    make, expected_message = REFUSED[name]
    body = {k: v for k, v in make(copy).items() if v}
    answer = copy.gcp.post("/v1/transferJobs", json=body)
    assert answer.status_code in (400, 404) and expected_message in answer.json()["error"]["message"]


def test_a_job_is_changed_field_by_field_and_deleted(copy: Copy) -> None:
    copy.create()
    change = {"description": "renamed", "status": "DISABLED"}
    body = {"projectId": PROJECT, "transferJob": change, "updateTransferJobFieldMask": "description"}
    changed = copy.ok("PATCH", f"/v1/{copy.name}", json=body)
    assert (changed["description"], changed["status"]) == ("renamed", "ENABLED")
    copy.ok("DELETE", f"/v1/{copy.name}?projectId={PROJECT}")
    assert copy.ok("GET", f"/v1/{copy.name}?projectId={PROJECT}")["status"] == "DELETED"
    assert copy.gcp.post(f"/v1/{copy.name}:run", json={"projectId": PROJECT}).status_code == 412


@pytest.mark.parametrize("removal", ["DELETE", "PATCH"])
def test_a_deleted_jobs_name_is_not_given_again(copy: Copy, removal: str) -> None:
    """https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs#Status: it is collected 30
    days later; the provider deletes by a change of the status."""
    body = copy.body() | {"name": f"transferJobs/shop-{copy.number}-{removal}"}
    assert copy.ok("POST", "/v1/transferJobs", json=body)["name"] == body["name"]
    change = {"transferJob": {"status": "DELETED"}, "updateTransferJobFieldMask": "status"}
    query = f"?projectId={PROJECT}" if removal == "DELETE" else ""
    sent = {} if removal == "DELETE" else {"json": {"projectId": PROJECT} | change}
    copy.ok(removal, f"/v1/{body['name']}{query}", **sent)
    again = copy.gcp.post("/v1/transferJobs", json=body)
    assert (again.status_code, again.json()["error"]["status"]) == (409, "ALREADY_EXISTS")


@pytest.mark.parametrize(
    "name",
    [
        "shop-copy-1a2b3c4",  # as a provider makes it up
        "transferJobs/",
        "transferJobs/a/b",
        "transferJobs/OPI1",
        "transferJobs/shop-",
        "transferJobs/shop copy",
        "transferJobs/" + "x" * 116,
    ],
)
def test_a_name_that_is_none_of_a_transfer_job_is_refused(copy: Copy, name: str) -> None:
    answer = copy.gcp.post("/v1/transferJobs", json=copy.body() | {"name": name})
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_a_bucket_with_objects_is_not_deleted(copy: Copy) -> None:
    copy.landing.put("raw/orders/a.json", b"1")
    copy.create()
    copy.run()
    assert copy.gcp.delete(f"/storage/v1/b/{copy.bucket}").status_code == 409
    copy.ok("DELETE", f"/storage/v1/b/{copy.bucket}/o/{quote('raw/orders/a.json', safe='')}")
    copy.ok("DELETE", f"/storage/v1/b/{copy.bucket}")


ORDER = [{"name": "id", "type": "INTEGER", "mode": "REQUIRED"}]


class Loads:
    """A transfer of the data source google_cloud_storage from a copy."""

    def __init__(self, warehouse: Warehouse, copy: Copy):
        self.warehouse, self.copy = warehouse, copy
        warehouse.table("orders", ORDER)
        made: dict[str, Any] = {"accountId": "loader", "serviceAccount": {}}
        copy.gcp.post(f"/v1/projects/{PROJECT}/serviceAccounts", json=made)
        self.body = {
            "displayName": "orders",
            "dataSourceId": "google_cloud_storage",
            "destinationDatasetId": warehouse.dataset,
            "schedule": "every 15 minutes",
            "scheduleOptions": {"disableAutoScheduling": True},
            "params": {
                "data_path_template": f"gs://{copy.bucket}/raw/orders/*.json",
                "destination_table_name_template": "orders",
                "file_format": "JSON",
                "write_disposition": "APPEND",
            },
        }
        where = f"/v1/projects/{PROJECT}/locations/us/transferConfigs?serviceAccountName={LOADER}"
        self.name = copy.ok("POST", where, json=self.body)["name"]

    def run(self) -> dict[str, Any]:
        body = {"requestedRunTime": "2026-01-02T04:30:00Z"}
        begun = self.copy.ok("POST", f"/v1/{self.name}:startManualRuns", json=body)["runs"][0]["name"]
        ended = ("SUCCEEDED", "FAILED")
        return eventually(lambda: (r := self.copy.ok("GET", f"/v1/{begun}"))["state"] in ended and r)

    def ids(self) -> list[tuple[str]]:
        return self.warehouse.rows("SELECT id FROM $.orders ORDER BY id")


def test_a_load_takes_each_copy_once_as_its_service_account(warehouse: Warehouse, copy: Copy) -> None:
    copy.grant(LOADER, "objectViewer")
    copy.landing.put("raw/orders/a.json", lines({"id": 1}))
    copy.create()
    loads = Loads(warehouse, copy)
    for number in (1, 2):
        copy.run()
        assert loads.run()["state"] == "SUCCEEDED"
        assert loads.ids() == [("1",)], f"run {number}"
    copy.landing.put("raw/orders/a.json", lines({"id": 1}))  # written again, and not copied again
    copy.landing.put("raw/orders/b.json", lines({"id": 2}))
    copy.run()
    assert loads.run()["state"] == "SUCCEEDED"
    assert loads.ids() == [("1",), ("2",)]


def test_a_load_fails_whose_service_account_may_not_read_the_bucket(warehouse: Warehouse, copy: Copy) -> None:
    copy.landing.put("raw/orders/a.json", lines({"id": 1}))
    copy.create()
    copy.run()
    run = Loads(warehouse, copy).run()
    assert run["state"] == "FAILED"
    assert f"{LOADER} does not have storage.objects.list" in run["errorStatus"]["message"]


def test_loads_of_copies_are_at_least_a_quarter_of_an_hour_apart(warehouse: Warehouse, copy: Copy) -> None:
    body = Loads(warehouse, copy).body | {"schedule": "every 10 minutes"}
    answer = copy.gcp.post(f"/v1/projects/{PROJECT}/locations/us/transferConfigs", json=body)
    assert answer.status_code == 400
    assert "the minimum interval of data source google_cloud_storage is 15 minutes" in answer.text
