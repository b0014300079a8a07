"""Faults of the services while an export is announced: nothing is lost, nothing twice."""

import time
from collections.abc import Callable
from types import ModuleType

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyKeyError
from botocore.exceptions import ReadTimeoutError

from tests.unit.pipelines.conftest import Wire
from tests.unit.pipelines.replication.arriving import (
    SHARED,
    Account,
    Bucket,
    export,
    increment,
    notification,
    summary_of,
)


def test_an_export_without_its_arn_is_not_announced_twice_nor_at_all(app: ModuleType, account: Account):
    with pytest.raises(IdempotencyKeyError):
        app.announce(detail={"table": "orders"})
    assert (account.announced, account.items) == ([], {})


def test_what_a_time_out_cuts_off_is_taken_up_again_after_it(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account, wire: Wire
):
    bucket.objects = export([3])
    receive(notification(summary_of(bucket.objects)))
    (begun,) = (request["Item"] for request in wire.sent("PutItem"))
    # In milliseconds: the function's remaining time from now, and not for as long as the announcement is remembered.
    assert int(begun["in_progress_expiration"]["N"]) < (time.time() + 3600) * 1000


def test_an_event_that_the_bus_refuses_is_announced_on_the_next_try(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    bucket.objects = export([3])
    account.refusals = 1
    message = notification(summary_of(bucket.objects))
    failures, reason = receive(message)
    assert (failures, account.items) == (["m0"], {})
    assert "InternalFailure: try again" in reason
    assert receive(message, receives=2)[0] == []
    assert len(account.announced) == 1


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("GetObject", "SlowDown"),
        ("ListObjectsV2", "SlowDown"),
        ("HeadObject", "SlowDown"),
        ("PutEvents", "ThrottlingException"),
    ],
)
def test_throttling_is_waited_out(
    receive: Callable[..., tuple[list[str], str]],
    wire: Wire,
    bucket: Bucket,
    account: Account,
    operation: str,
    code: str,
):
    bucket.objects = increment([3])
    wire.fault(operation, (503, code), (503, code))
    assert receive(notification(summary_of(bucket.objects)))[0] == []
    assert len(account.announced) == 1


@pytest.mark.parametrize("operation", ["GetObject", "ListObjectsV2", "HeadObject", "PutEvents", "PutItem"])
def test_a_service_that_does_not_answer_fails_the_record_and_hides_it(
    receive: Callable[..., tuple[list[str], str]],
    wire: Wire,
    bucket: Bucket,
    account: Account,
    operation: str,
):
    bucket.objects = increment([3])
    wire.fault(operation, *[ReadTimeoutError(endpoint_url="https://service")] * 5)
    assert receive(notification(summary_of(bucket.objects)), receives=3)[0] == ["m0"]
    assert (account.announced, account.hidden) == ([], [20])


def test_a_refused_read_names_the_object(
    receive: Callable[..., tuple[list[str], str]], wire: Wire, bucket: Bucket, account: Account
):
    bucket.objects = export([3])
    wire.fault("GetObject", None, (403, "AccessDenied"))
    failures, reason = receive(notification(summary_of(bucket.objects)))
    assert failures == ["m0"]
    assert "AccessDenied" in reason
    assert "s3://replica/raw/orders/AWSDynamoDB/01767283200000-a1b2c3d4/manifest-files.json" in reason


def test_a_refused_read_of_an_increments_file_names_it(
    receive: Callable[..., tuple[list[str], str]], wire: Wire, bucket: Bucket, account: Account
):
    bucket.objects = increment([3])
    wire.fault("HeadObject", (403, "AccessDenied"))
    failures, reason = receive(notification(summary_of(bucket.objects)))
    assert failures == ["m0"]
    assert f"s3://replica/{SHARED}01767369600000-00000000-000000.json.gz" in reason


def test_a_message_that_cannot_be_hidden_still_fails(
    receive: Callable[..., tuple[list[str], str]], wire: Wire, bucket: Bucket, account: Account
):
    wire.fault("ChangeMessageVisibility", (403, "AccessDenied"))
    failures, reason = receive(notification(summary_of(export([1]))))
    assert failures == ["m0"]
    assert "manifest-summary.json is not in replica yet" in reason
    assert "calling the ChangeMessageVisibility operation" in reason


def test_announcing_is_taken_up_again_when_writing_it_down_failed_before(
    receive: Callable[..., tuple[list[str], str]], wire: Wire, bucket: Bucket, account: Account
):
    bucket.objects = export([3])
    wire.fault("PutItem", (400, "AccessDeniedException"))
    message = notification(summary_of(bucket.objects))
    assert (receive(message)[0], len(account.announced)) == (["m0"], 0)
    assert (receive(message)[0], len(account.announced)) == ([], 1)
