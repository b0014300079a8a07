"""A grant taken away: the run says which object failed and why, and nothing is announced.

The stack is that of `make up`, which other tests read as it was left: after these an export arrives whole again, and no
alarm rings.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from local import samples
from local.samples import export, lake, replication
from tests.e2e.alarms import ringing, silence
from tests.e2e.lake_runs import WHOLE_RUN
from tests.waiting import eventually

REPLICA = {"account": "222222222222", "region": "us-east-1"}
LANDING = {"account": "111111111111", "region": "us-east-1"}
ROLE, POLICY = "tributary-local-shop-replica-source", "replication"
BUCKET = "tributary-local-shop-replica-replica-222222222222"


@pytest.fixture(scope="module")
def cloud(stack: Any) -> Iterator[samples.Cloud]:
    ready, outputs = stack.clone.running(), stack.clone.outputs()
    assert ready and outputs
    running = samples.Cloud(ready["endpoint"], outputs)
    yield running
    # What `make status` shows, also to the tests that come after these: the newest run, which has every grant again,
    # and what rings.
    assert [row.complete for row in exported_now(running)] == [True] * 2
    silence(running, LANDING)


@contextmanager
def rewritten(
    read: Callable[[], str], write: Callable[[str], Any], change: Callable[[dict[str, Any]], Any]
) -> Generator[None]:
    """The policy without what `change` takes from it, until the block ends."""
    before = read()
    policy = json.loads(before)
    change(policy)
    assert policy != json.loads(before)
    write(json.dumps(policy))
    try:
        yield
    finally:
        write(before)


def without(sid: str) -> Callable[[dict[str, Any]], None]:
    def change(policy: dict[str, Any]) -> None:
        policy["Statement"] = [statement for statement in policy["Statement"] if statement["Sid"] != sid]

    return change


def next_second() -> datetime:
    """The next whole second, once it has come. A run is named by the second that it is due in, and one name is one
    run: two calls may not give the same second, however fast what is between them."""
    due = datetime.fromtimestamp(int(time.time()) + 1, UTC)
    time.sleep(max(0.0, due.timestamp() - time.time()))
    return due


def exported_now(cloud: samples.Cloud) -> list[samples.Row]:
    """The replication's rows of the tables exported whole, after one more run of the export: once each has arrived or
    is known to have failed, and the run is over, so that no two of them are on their way at once."""
    due, lake_pipeline = next_second(), cloud.pipelines["shop-lake"]
    export.start(cloud, "shop-lake", lake_pipeline, due)

    def over() -> list[samples.Row] | None:
        if not lake.ended(cloud, lake_pipeline, due):
            return None
        rows = replication.rows(cloud, "shop-replica", cloud.pipelines["shop-replica"], due)
        whole = [row for row in rows if row.table in ("customers", "returns")]
        return whole if all(row.complete or row.failure for row in whole) else None

    return eventually(over, WHOLE_RUN)


def test_without_the_right_to_encrypt_replicas_the_run_names_objects_and_reason(cloud: samples.Cloud) -> None:
    iam = cloud.client("iam", LANDING)

    def read() -> str:
        return json.dumps(iam.get_role_policy(RoleName=ROLE, PolicyName=POLICY)["PolicyDocument"])

    def write(document: str) -> None:
        iam.put_role_policy(RoleName=ROLE, PolicyName=POLICY, PolicyDocument=document)

    with rewritten(read, write, without("EncryptReplicas")):
        run = exported_now(cloud)
    assert [(row.arrived, row.complete) for row in run] == [(0, False)] * 2
    for row in run:
        assert f"/raw/{row.table}/AWSDynamoDB/" in row.failure
        assert "was not replicated: DstPutObjectNotPermitted" in row.failure
        assert row.counts["items announced"] == "none"
    assert "tributary-local-shop-replica-source-0-failures" in ringing(cloud, LANDING)


def test_without_the_receiving_buckets_grant_the_run_names_objects_and_reason(cloud: samples.Cloud) -> None:
    s3 = cloud.client("s3", REPLICA)

    def write(document: str) -> None:
        s3.put_bucket_policy(Bucket=BUCKET, Policy=document)

    def read() -> str:
        return s3.get_bucket_policy(Bucket=BUCKET)["Policy"]

    with rewritten(read, write, without("ReceiveReplicas")):
        run = exported_now(cloud)
    assert [row.counts["items announced"] for row in run] == ["none"] * 2
    assert all("was not replicated: DstPutObjectNotPermitted" in row.failure for row in run)
