"""Announcing exports: when, how often, and what becomes of those that are not whole."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.pipelines.conftest import Wire
from tests.unit.pipelines.replication.arriving import (
    SHARED,
    TABLE_ARN,
    Account,
    Bucket,
    export,
    increment,
    notification,
    summary_of,
)


def test_an_export_that_is_whole_is_announced_with_what_it_holds(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    bucket.objects = export([3, 0, 4])
    assert receive(notification(summary_of(bucket.objects))) == ([], "")
    [event] = account.announced
    folder = "raw/orders/AWSDynamoDB/01767283200000-a1b2c3d4/"
    assert (event["EventBusName"], event["Source"], event["DetailType"]) == (
        "data",
        "tributary.arrival",
        "Export Arrived",
    )
    assert json.loads(event["Detail"]) == {
        "export_arn": f"{TABLE_ARN}/export/01767283200000-a1b2c3d4",
        "export_id": "01767283200000-a1b2c3d4",
        "table": "orders",
        "table_arn": TABLE_ARN,
        "export_type": "FULL_EXPORT",
        "export_time": "2026-01-01T16:00:00.000Z",
        "bucket": "replica",
        "prefix": folder,
        "manifest": f"{folder}manifest-summary.json",
        "item_count": 7,
        "file_count": 3,
        "billed_bytes": 4096,
    }
    assert account.hidden == []


def test_an_increment_is_announced_as_one_with_the_end_of_its_window(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    bucket.objects = increment([3, 0, 4])
    assert receive(notification(summary_of(bucket.objects))) == ([], "")
    [event] = account.announced
    detail = json.loads(event["Detail"])
    assert (detail["export_type"], detail["export_time"]) == (
        "INCREMENTAL_EXPORT",
        "2026-01-02T16:00:00.000Z",
    )
    assert (detail["item_count"], detail["file_count"]) == (7, 3)


def test_an_increment_asks_for_its_own_files_whatever_the_shared_folder_holds(
    receive: Callable[..., tuple[list[str], str]], wire: Wire, bucket: Bucket, account: Account
):
    others = {f"{SHARED}other-{n}.json.gz": b"" for n in range(3000)}
    bucket.objects = increment([1, 2]) | others
    assert receive(notification(summary_of(bucket.objects)))[0] == []
    assert (wire.calls["HeadObject"], bucket.pages) == (2, 1)


def test_a_half_arrived_increment_waits_and_is_announced_when_it_is_whole(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    whole = increment([3, 4])
    late = next(key for key in whole if key.endswith("000001.json.gz"))
    bucket.objects = {key: body for key, body in whole.items() if key != late}
    failures, reason = receive(notification(summary_of(whole)))
    assert (failures, account.announced, account.hidden) == (["m0"], [], [5])
    assert f"1 of 2 files are not in replica yet: {late}" in reason
    bucket.objects = whole
    assert receive(notification(summary_of(whole)), receives=2)[0] == []
    assert len(account.announced) == 1


@pytest.mark.parametrize("counts", [[], [0], [0, 0]])
def test_an_export_without_items_is_announced(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account, counts: list[Any]
):
    bucket.objects = export(counts)
    assert receive(notification(summary_of(bucket.objects)))[0] == []
    assert json.loads(account.announced[0]["Detail"])["item_count"] == 0


def test_the_same_event_twice_is_announced_once(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    bucket.objects = export([3])
    message = notification(summary_of(bucket.objects))
    assert [receive(message, message)[0], receive(message)[0]] == [[], []]
    assert len(account.announced) == 1


def test_two_exports_are_two_announcements(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    first, second = export([3]), export([3], export_id="01767369600000-00000000")
    bucket.objects = first | second
    receive(notification(summary_of(first)), notification(summary_of(second)))
    assert len({json.loads(event["Detail"])["export_arn"] for event in account.announced}) == 2


@pytest.mark.parametrize("late", ["data/000001.json.gz", "manifest-files.json", "manifest-files.md5"])
def test_a_half_arrived_export_waits_and_is_announced_when_it_is_whole(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account, late: str
):
    whole = export([3, 4])
    bucket.objects = {key: body for key, body in whole.items() if not key.endswith(late)}
    message = notification(summary_of(whole))
    failures, reason = receive(message)
    assert failures == ["m0"]
    assert late in reason
    assert (account.announced, account.hidden, account.items) == ([], [5], {})
    bucket.objects = whole
    assert receive(message, receives=2)[0] == []
    assert len(account.announced) == 1


@pytest.mark.parametrize(("receives", "seconds"), [(1, 5), (2, 10), (8, 640), (9, 900), (10_000, 900)])
def test_each_further_wait_is_twice_as_long_up_to_fifteen_minutes(
    receive: Callable[..., tuple[list[str], str]],
    bucket: Bucket,
    account: Account,
    receives: int,
    seconds: int,
):
    receive(notification(summary_of(export([1]))), receives=receives)
    assert account.hidden == [seconds]


def test_an_announcement_is_remembered_longer_than_the_queue_keeps_its_event(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    bucket.objects = export([3])
    receive(notification(summary_of(bucket.objects)))
    (written,) = account.items.values()
    assert int(written["expiration"]["N"]) > time.time() + 14 * 24 * 3600


def test_a_poisoned_record_fails_alone(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account
):
    bucket.objects = export([3])
    good = notification(summary_of(bucket.objects))
    assert receive("not json", good, '{"Records": [{}]}', "[]")[0] == ["m0", "m2", "m3"]
    assert len(account.announced) == 1


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "replica"}),
        notification("raw/orders/AWSDynamoDB/01/data/x.json.gz"),
        notification("raw/orders/AWSDynamoDB/01/manifest-files.json"),
        notification("other/orders/AWSDynamoDB/01/manifest-summary.json"),
        notification("raw/orders/AWSDynamoDB/01/manifest-summary.json", name="ObjectRemoved:Delete"),
    ],
)
def test_what_tells_of_no_finished_export_is_done_without_a_request(
    receive: Callable[..., tuple[list[str], str]], wire: Wire, body: Any
):
    assert receive(body)[0] == []
    assert not wire.calls


@pytest.mark.parametrize("root", ["raw/my orders/", "raw/a+b=c/", "raw/注文/"])
def test_keys_are_decoded_as_events_encode_them(
    receive: Callable[..., tuple[list[str], str]], bucket: Bucket, account: Account, root: str
):
    bucket.objects = export([3], root=root)
    assert (
        receive(notification(summary_of(bucket.objects), name="ObjectCreated:CompleteMultipartUpload"))[0]
        == []
    )
    assert json.loads(account.announced[0]["Detail"])["prefix"].startswith(root)
