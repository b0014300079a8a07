"""Announcing exports: when, how often, and what becomes of those that are not whole."""

import base64
import gzip
import hashlib
import json
import time
from urllib.parse import quote_plus

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyKeyError
from botocore.exceptions import ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

TABLE_ARN = "arn:aws:dynamodb:us-east-1:111111111111:table/orders"
SHARED = "raw/orders/AWSDynamoDB/data/"
QUEUE_ARN = "arn:aws:sqs:us-east-1:222222222222:arrivals"


class Bucket:
    """The replica's objects, answering S3; 1,000 keys a page as the service."""

    def __init__(self, wire):
        self.objects, self.kms, self.pages = {}, False, 0
        wire.answers |= {"GetObject": self.get, "ListObjectsV2": self.list, "HeadObject": self.head}

    def get(self, path, query, body):
        content = self.objects.get(path.removeprefix("/"))
        if content is None:
            return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
        return 200, {"x-amz-server-side-encryption": "aws:kms"} if self.kms else {}, content

    def head(self, path, query, body):
        content = self.objects.get(path.removeprefix("/"))
        if content is None:
            return 404, {}, b""
        return 200, {"content-length": str(len(content)), "etag": f'"{etag(content)}"'}, b""

    def list(self, path, query, body):
        self.pages += 1
        after = query.get("continuation-token", [""])[0]
        keys = [k for k in sorted(self.objects) if k.startswith(query["prefix"][0]) and k > after]
        more = f"<NextContinuationToken>{keys[999]}</NextContinuationToken>" if len(keys) > 1000 else ""
        shown = "".join(
            f'<Contents><Key>{k}</Key><Size>{len(self.objects[k])}</Size><ETag>"{etag(self.objects[k])}"</ETag></Contents>'
            for k in keys[:1000]
        )
        truncated = str(len(keys) > 1000).lower()
        return 200, {}, f"<R><IsTruncated>{truncated}</IsTruncated>{shown}{more}</R>".encode()


class Account:
    """The queue, the bus and the idempotency table."""

    def __init__(self, wire):
        self.hidden, self.announced, self.items, self.refusals = [], [], {}, 0
        wire.answers |= {
            "GetQueueUrl": lambda *_: (200, {}, b'{"QueueUrl": "https://sqs/222222222222/arrivals"}'),
            "ChangeMessageVisibility": self.hide,
            "PutEvents": self.put_events,
            "PutItem": self.put_item,
            "UpdateItem": self.update_item,
            "DeleteItem": self.delete_item,
        }

    def hide(self, path, query, body):
        self.hidden.append(json.loads(body)["VisibilityTimeout"])
        return 200, {}, b"{}"

    def put_events(self, path, query, body):
        if self.refusals:
            self.refusals -= 1
            refused = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
            return 200, {}, json.dumps({"FailedEntryCount": 1, "Entries": [refused]}).encode()
        self.announced += json.loads(body)["Entries"]
        return 200, {}, b'{"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}'

    def put_item(self, path, query, body):
        item = json.loads(body)["Item"]
        existing = self.items.get(item["id"]["S"])
        if existing:
            failed = {"__type": "ConditionalCheckFailedException", "message": "kept", "Item": existing}
            return 400, {}, json.dumps(failed).encode()
        self.items[item["id"]["S"]] = item
        return 200, {}, b"{}"

    def update_item(self, path, query, body):
        request = json.loads(body)
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        self.items[request["Key"]["id"]["S"]] |= {
            names[f"#{name[1:]}"]: value for name, value in values.items() if f"#{name[1:]}" in names
        }
        return 200, {}, b"{}"

    def delete_item(self, path, query, body):
        self.items.pop(json.loads(body)["Key"]["id"]["S"], None)
        return 200, {}, b"{}"


def etag(content):
    return hashlib.md5(hashlib.md5(content).digest()).hexdigest() + "-1"  # one part of a multipart upload


def md5(content):
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def export(counts, root="raw/orders/", export_id="01767283200000-a1b2c3d4", data=None, **changed):
    """An export's objects by key, as the service lays them out; one data file a count."""
    folder = f"{root}AWSDynamoDB/{export_id}/"
    data = {
        f"{data or folder + 'data/'}{n:06}.json.gz": gzip.compress(b'{"Item":{}}\n' * count)
        for n, count in enumerate(counts)
    }
    manifest = "".join(
        json.dumps({"itemCount": n, "md5Checksum": md5(body), "etag": etag(body), "dataFileS3Key": key})
        + "\n"
        for n, (key, body) in zip(counts, data.items(), strict=True)
    ).encode()
    summary = {
        "exportArn": f"{TABLE_ARN}/export/{export_id}",
        "tableArn": TABLE_ARN,
        "exportTime": "2026-01-01T16:00:00.000Z",
        "manifestFilesS3Key": f"{folder}manifest-files.json",
        "billedSizeBytes": 4096,
        "itemCount": sum(counts),
        **changed,
    }
    return {
        **data,
        f"{folder}manifest-files.json": manifest,
        f"{folder}manifest-files.md5": md5(manifest).encode(),
        f"{folder}manifest-summary.json": json.dumps(summary).encode(),
    }


def increment(counts, export_id="01767369600000-00000000"):
    """An incremental export's: the data in a folder that all of them share, and the times of a window."""
    made = export(counts, export_id=export_id, data=f"{SHARED}{export_id}-", exportType="INCREMENTAL_EXPORT")
    summary = json.loads(made[summary_of(made)])
    del summary["exportTime"]
    summary |= {"exportFromTime": "2026-01-01T16:00:00.000Z", "exportToTime": "2026-01-02T16:00:00.000Z"}
    return made | {summary_of(made): json.dumps(summary).encode()}


def summary_of(objects):
    return next(key for key in objects if key.endswith("manifest-summary.json"))


def notification(key, name="ObjectCreated:Put"):
    thing = {"bucket": {"name": "replica"}, "object": {"key": quote_plus(key, safe="/"), "sequencer": "00"}}
    return json.dumps({"Records": [{"eventName": name, "s3": thing}]})


def batch(*bodies, receives=1):
    return {
        "Records": [
            {
                "messageId": f"m{n}",
                "receiptHandle": f"r{n}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(receives)},
                "eventSource": "aws:sqs",
                "eventSourceARN": QUEUE_ARN,
            }
            for n, body in enumerate(bodies)
        ]
    }


def failed(answer):
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.fixture
def bucket(wire):
    return Bucket(wire)


@pytest.fixture
def account(wire):
    return Account(wire)


@pytest.fixture
def app(load):
    return load("arrival", EVENT_BUS="data", IDEMPOTENCY_TABLE="announced", PREFIX="raw/")


@pytest.fixture
def receive(app, context, caplog):
    """Hands messages over; gives the ids of the failed ones and what was logged of them."""

    def receive(*bodies, receives=1):
        caplog.clear()
        failures = failed(app.handler(batch(*bodies, receives=receives), context))
        return failures, " ".join(getattr(record, "reason", "") for record in caplog.records)

    return receive


def test_an_export_that_is_whole_is_announced_with_what_it_holds(receive, bucket, account):
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


def test_an_increment_is_announced_as_one_with_the_end_of_its_window(receive, bucket, account):
    bucket.objects = increment([3, 0, 4])
    assert receive(notification(summary_of(bucket.objects))) == ([], "")
    [event] = account.announced
    detail = json.loads(event["Detail"])
    assert (detail["export_type"], detail["export_time"]) == (
        "INCREMENTAL_EXPORT",
        "2026-01-02T16:00:00.000Z",
    )
    assert (detail["item_count"], detail["file_count"]) == (7, 3)


def test_an_increment_asks_for_its_own_files_whatever_the_shared_folder_holds(receive, wire, bucket, account):
    others = {f"{SHARED}other-{n}.json.gz": b"" for n in range(3000)}
    bucket.objects = increment([1, 2]) | others
    assert receive(notification(summary_of(bucket.objects)))[0] == []
    assert (wire.calls["HeadObject"], bucket.pages) == (2, 1)


def test_a_half_arrived_increment_waits_and_is_announced_when_it_is_whole(receive, bucket, account):
    whole = increment([3, 4])
    late = next(key for key in whole if key.endswith("000001.json.gz"))
    bucket.objects = {key: body for key, body in whole.items() if key != late}
    failures, reason = receive(notification(summary_of(whole)))
    assert (failures, account.announced, account.hidden) == (["m0"], [], [5])
    assert f"1 of 2 files are not in replica yet: {late}" in reason
    bucket.objects = whole
    assert receive(notification(summary_of(whole)), receives=2)[0] == []
    assert len(account.announced) == 1


@pytest.mark.parametrize("body", [b"", gzip.compress(b"other")], ids=["empty", "other"])
def test_an_increment_with_a_corrupt_file_is_not_announced(receive, bucket, account, body):
    bucket.objects = corrupt(increment([3, 4]), "000001.json.gz", body)
    failures, reason = receive(notification(summary_of(bucket.objects)))
    assert (failures, account.announced, account.hidden) == (["m0"], [], [30])
    assert "000001.json.gz" in reason


def test_a_summary_that_tells_no_time_is_corrupt(receive, bucket, account):
    objects = export([3], exportTime=None)
    bucket.objects = objects
    assert "manifest-summary.json: KeyError 'exportToTime'" in receive(notification(summary_of(objects)))[1]


@pytest.mark.parametrize("counts", [[], [0], [0, 0]])
def test_an_export_without_items_is_announced(receive, bucket, account, counts):
    bucket.objects = export(counts)
    assert receive(notification(summary_of(bucket.objects)))[0] == []
    assert json.loads(account.announced[0]["Detail"])["item_count"] == 0


def test_the_same_event_twice_is_announced_once(receive, bucket, account):
    bucket.objects = export([3])
    message = notification(summary_of(bucket.objects))
    assert [receive(message, message)[0], receive(message)[0]] == [[], []]
    assert len(account.announced) == 1


def test_two_exports_are_two_announcements(receive, bucket, account):
    first, second = export([3]), export([3], export_id="01767369600000-00000000")
    bucket.objects = first | second
    receive(notification(summary_of(first)), notification(summary_of(second)))
    assert len({json.loads(event["Detail"])["export_arn"] for event in account.announced}) == 2


@pytest.mark.parametrize("late", ["data/000001.json.gz", "manifest-files.json", "manifest-files.md5"])
def test_a_half_arrived_export_waits_and_is_announced_when_it_is_whole(receive, bucket, account, late):
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
    receive, bucket, account, receives, seconds
):
    receive(notification(summary_of(export([1]))), receives=receives)
    assert account.hidden == [seconds]


def corrupt(objects, suffix, body):
    key = next(key for key in objects if key.endswith(suffix))
    return {**objects, key: body}


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        (
            corrupt(export([3, 4]), "data/000001.json.gz", gzip.compress(b"other")),
            "data/000001.json.gz has ETag",
        ),
        (corrupt(export([3, 4]), "data/000001.json.gz", b""), "data/000001.json.gz is empty"),
        (corrupt(export([3]), "manifest-files.json", b"{}\n"), "manifest-files.json: its md5 is"),
        (corrupt(export([3]), "manifest-files.md5", b"not a checksum"), "'not a checksum' is not an md5"),
        (corrupt(export([3]), "manifest-summary.json", b"{"), "manifest-summary.json: JSONDecodeError"),
        (export([3], itemCount=4), "it says 4 items, the files of manifest-files.json hold 3"),
        (export([3], tableArn="orders"), "manifest-summary.json: IndexError"),
    ],
)
def test_a_corrupt_export_names_the_file_and_is_not_announced(receive, bucket, account, objects, says):
    bucket.objects = objects
    failures, reason = receive(notification(summary_of(objects)), receives=5)
    assert failures == ["m0"]
    assert says in reason
    assert (account.announced, account.hidden) == ([], [30])


def test_a_broken_line_of_a_manifest_is_named(receive, bucket, account):
    objects = export([3])
    manifest = b'{"itemCount": "many"}\n'
    objects = corrupt(
        corrupt(objects, "manifest-files.json", manifest), "manifest-files.md5", md5(manifest).encode()
    )
    bucket.objects = objects
    assert (
        "manifest-files.json line 1: ValueError itemCount is 'many'"
        in receive(notification(summary_of(objects)))[1]
    )


ONE_PART, OTHER = etag(b"body"), etag(b"other")
WHOLE, OTHER_WHOLE = hashlib.md5(b"body").hexdigest(), hashlib.md5(b"other").hexdigest()


@pytest.mark.parametrize(
    ("stored", "named", "damaged"),
    [
        (WHOLE, ONE_PART, False),
        (ONE_PART, WHOLE, False),
        (OTHER_WHOLE, ONE_PART, True),
        (OTHER, WHOLE, True),
        ("aa-2", "aa-2", False),
        ("aa-2", "bb-2", True),
        ("aa-3", "bb-2", False),  # uploaded in other parts: nothing to compare
    ],
)
def test_an_etag_is_compared_with_what_an_upload_of_as_many_parts_would_have(app, stored, named, damaged):
    import arrival

    assert arrival._damaged(stored, hashlib.md5(b"body").digest(), named) is damaged


def test_an_announcement_is_remembered_longer_than_the_queue_keeps_its_event(receive, bucket, account):
    bucket.objects = export([3])
    receive(notification(summary_of(bucket.objects)))
    (written,) = account.items.values()
    assert int(written["expiration"]["N"]) > time.time() + 14 * 24 * 3600


def test_an_export_without_its_arn_is_not_announced_twice_nor_at_all(app, account):
    with pytest.raises(IdempotencyKeyError):
        app.announce(detail={"table": "orders"})
    assert (account.announced, account.items) == ([], {})


def test_what_a_time_out_cuts_off_is_taken_up_again_after_it(receive, bucket, account, wire):
    bucket.objects = export([3])
    receive(notification(summary_of(bucket.objects)))
    (begun,) = (request["Item"] for request in wire.sent("PutItem"))
    # In milliseconds: the function's remaining time from now, and not for as long as the announcement is remembered.
    assert int(begun["in_progress_expiration"]["N"]) < (time.time() + 3600) * 1000


def test_with_a_kms_key_an_etag_is_no_checksum(receive, bucket, account):
    whole = export([3])
    bucket.objects = corrupt(whole, ".json.gz", gzip.compress(b"encrypted in another way"))
    bucket.kms = True
    assert receive(notification(summary_of(whole)))[0] == []


def test_a_checksum_file_by_its_documented_name_is_read(receive, bucket, account):
    whole = export([3])
    bucket.objects = {key.replace(".md5", ".checksum"): body for key, body in whole.items()}
    assert receive(notification(summary_of(whole)))[0] == []


def test_a_manifest_whose_keys_lack_the_prefix_is_read_below_the_summary(receive, bucket, account):
    without = export([3], root="")
    bucket.objects = {f"raw/orders/{key}": body for key, body in without.items()}
    assert receive(notification(summary_of(bucket.objects)))[0] == []


def test_a_poisoned_record_fails_alone(receive, bucket, account):
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
def test_what_tells_of_no_finished_export_is_done_without_a_request(receive, wire, body):
    assert receive(body)[0] == []
    assert not wire.calls


@pytest.mark.parametrize("root", ["raw/my orders/", "raw/a+b=c/", "raw/注文/"])
def test_keys_are_decoded_as_events_encode_them(receive, bucket, account, root):
    bucket.objects = export([3], root=root)
    assert (
        receive(notification(summary_of(bucket.objects), name="ObjectCreated:CompleteMultipartUpload"))[0]
        == []
    )
    assert json.loads(account.announced[0]["Detail"])["prefix"].startswith(root)


def test_an_event_that_the_bus_refuses_is_announced_on_the_next_try(receive, bucket, account):
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
def test_throttling_is_waited_out(receive, wire, bucket, account, operation, code):
    bucket.objects = increment([3])
    wire.fault(operation, (503, code), (503, code))
    assert receive(notification(summary_of(bucket.objects)))[0] == []
    assert len(account.announced) == 1


@pytest.mark.parametrize("operation", ["GetObject", "ListObjectsV2", "HeadObject", "PutEvents", "PutItem"])
def test_a_service_that_does_not_answer_fails_the_record_and_hides_it(
    receive, wire, bucket, account, operation
):
    bucket.objects = increment([3])
    wire.fault(operation, *[ReadTimeoutError(endpoint_url="https://service")] * 5)
    assert receive(notification(summary_of(bucket.objects)), receives=3)[0] == ["m0"]
    assert (account.announced, account.hidden) == ([], [20])


def test_a_refused_read_names_the_object(receive, wire, bucket, account):
    bucket.objects = export([3])
    wire.fault("GetObject", None, (403, "AccessDenied"))
    failures, reason = receive(notification(summary_of(bucket.objects)))
    assert failures == ["m0"]
    assert "AccessDenied" in reason
    assert "s3://replica/raw/orders/AWSDynamoDB/01767283200000-a1b2c3d4/manifest-files.json" in reason


def test_a_refused_read_of_an_increments_file_names_it(receive, wire, bucket, account):
    bucket.objects = increment([3])
    wire.fault("HeadObject", (403, "AccessDenied"))
    failures, reason = receive(notification(summary_of(bucket.objects)))
    assert failures == ["m0"]
    assert f"s3://replica/{SHARED}01767369600000-00000000-000000.json.gz" in reason


def test_a_message_that_cannot_be_hidden_still_fails(receive, wire, bucket, account):
    wire.fault("ChangeMessageVisibility", (403, "AccessDenied"))
    failures, reason = receive(notification(summary_of(export([1]))))
    assert failures == ["m0"]
    assert "manifest-summary.json is not in replica yet" in reason
    assert "calling the ChangeMessageVisibility operation" in reason


def test_announcing_is_taken_up_again_when_writing_it_down_failed_before(receive, wire, bucket, account):
    bucket.objects = export([3])
    wire.fault("PutItem", (400, "AccessDeniedException"))
    message = notification(summary_of(bucket.objects))
    assert (receive(message)[0], len(account.announced)) == (["m0"], 0)
    assert (receive(message)[0], len(account.announced)) == ([], 1)


def test_many_files_are_listed_a_thousand_at_a_time(receive, wire, bucket, account):
    bucket.objects = export([1] * 10_000)
    assert receive(notification(summary_of(bucket.objects)))[0] == []
    assert json.loads(account.announced[0]["Detail"])["file_count"] == 10_000
    assert (bucket.pages, wire.calls["GetObject"]) == (10, 3)


def test_an_export_is_whole_exactly_when_no_file_is_missing(app):
    import arrival

    @given(
        st.lists(st.integers(0, 3), max_size=6).flatmap(
            lambda n: st.tuples(st.just(n), st.sets(st.integers(0, 5)))
        )
    )
    def check(drawn):
        counts, missing = drawn
        objects = export(counts)
        data = sorted(key for key in objects if "/data/" in key)
        missing = {data[n] for n in missing if n < len(data)}
        manifest = next(body for key, body in objects.items() if key.endswith("manifest-files.json"))
        verdict = arrival.judge(
            arrival.Export(
                bucket="replica",
                key=summary_of(objects),
                summary=objects[summary_of(objects)],
                manifest=manifest.splitlines(keepends=True),
                manifest_md5=hashlib.md5(manifest).digest(),
                stated_md5=hashlib.md5(manifest).hexdigest(),
                stored={
                    k: arrival.Stored(len(objects[k]), etag(objects[k])) for k in data if k not in missing
                },
                etags_are_checksums=True,
            )
        )
        assert isinstance(verdict, arrival.Waiting if missing else arrival.Complete)
        if missing:
            assert all(key in str(verdict) for key in sorted(missing)[:5])

    check()
