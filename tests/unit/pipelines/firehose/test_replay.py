"""Failed records on their way back, each once, whatever fails meanwhile."""

import base64
import gzip
import json
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.sax.saxutils import escape

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.typed import fake
from tests.unit.pipelines.conftest import Wire
from tests.unit.pipelines.firehose.test_generate_ticks import PUT, Stream

FOLDER = "firehose/failed/"
REFUSED = f"{FOLDER}AmazonOpenSearchService-failed/2026/01/01/"


class Bucket:
    """Objects, versionless; a page of a listing holds two keys."""

    def __init__(self, wire: Any):
        self.objects: dict[Any, Any] = {}
        self.written: dict[Any, Any] = {}
        wire.answers |= {
            "ListObjectsV2": self.list,
            "GetObject": fake(lambda path, query, body: (200, {}, self.objects[self.key(path)])),
            "PutObject": self.put,
            "DeleteObject": self.delete,
        }

    @staticmethod
    def key(path: Any):
        return path.lstrip("/").removeprefix("backup/")

    def list(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        keys = sorted(key for key in self.objects if key.startswith(query["prefix"][0]))
        first = int(query.get("continuation-token", ["0"])[0])
        shown = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{self.written.get(key, '2026-01-01T00:00:00.000Z')}"
            "</LastModified></Contents>"
            for key in keys[first : first + 2]
        )
        more = first + 2 < len(keys)
        token = f"<NextContinuationToken>{first + 2}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        return 200, {}, f"<ListBucketResult>{truncated}{shown}{token}</ListBucketResult>".encode()

    def put(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        size, _, rest = body.read().partition(b"\r\n")  # aws-chunked: one chunk, then its checksum
        self.objects[self.key(path)] = rest[: int(size, 16)]
        return 200, {}, b""

    def delete(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        del self.objects[self.key(path)]
        return 204, {}, b""

    def lines(self, key: Any):
        return gzip.decompress(self.objects[key]).splitlines()


@pytest.fixture
def bucket(wire: Wire) -> Bucket:
    return Bucket(wire)


@pytest.fixture
def stream(wire: Wire) -> Stream:
    return Stream(wire)


@pytest.fixture
def app(load: Callable[..., ModuleType]) -> ModuleType:
    return load("replay", BUCKET="backup", PREFIX=FOLDER, STREAM="ticks")


@pytest.fixture
def context(context: SimpleNamespace) -> SimpleNamespace:
    context.get_remaining_time_in_millis = lambda: 900_000
    return context


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("time.sleep", fake(lambda seconds: None))


def line(number: Any, error: str = "403"):
    return json.dumps(
        {
            "attemptsMade": 8,
            "arrivalTimestamp": 1767283200000,
            "errorCode": error,
            "errorMessage": "no",
            "attemptEndingTimestamp": 1767283500000,
            "esDocumentId": "",
            "esIndexName": "ticks",
            "esTypeName": "",
            "rawData": base64.b64encode(json.dumps({"seq": number}).encode()).decode(),
        }
    ).encode()


def keep(bucket: Bucket, name: Any, *lines: Any):
    key = f"{REFUSED}{name}"
    text = b"\n".join(lines)
    bucket.objects[key] = gzip.compress(text) if key.endswith(".gz") else text
    return key


def sent(stream: Stream):
    return sorted(document["seq"] for document in stream.documents())


def test_every_failed_record_is_on_the_stream_once_and_gone_from_the_bucket(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    for number in range(5):
        keep(bucket, f"{number}.gz", *(line(number * 300 + n) for n in range(300)))
    answer = app.handler({}, context)
    assert sent(stream) == list(range(1500))
    assert bucket.objects == {}
    assert answer == {
        "objects": 5,
        "replayed": 1500,
        "left": 0,
        "unreadable": 0,
        "replayed_by_error": {"403": 1500},
        "left_by_error": {},
        "complete": True,
    }


def test_a_second_run_replays_nothing(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    keep(bucket, "a.gz", line(1))
    app.handler({}, context)
    assert app.handler({}, context)["replayed"] == 0
    assert sent(stream) == [1]


def test_an_object_that_is_not_compressed_is_read_too(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    keep(bucket, "a", line(1), line(2))
    assert app.handler({}, context)["replayed"] == 2


def test_data_goes_back_byte_for_byte(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    data = bytes(range(256))
    keep(
        bucket, "a.gz", json.dumps({"errorCode": "403", "rawData": base64.b64encode(data).decode()}).encode()
    )
    app.handler({}, context)
    assert [base64.b64decode(record["Data"]) for record in stream.records] == [data]


def test_what_the_transformation_failed_on_is_replayed_from_its_own_folder(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    bucket.objects[f"{FOLDER}processing-failed/2026/01/01/a.gz"] = gzip.compress(
        line(1, "Lambda.ProcessingFailedStatus")
    )
    keep(bucket, "b.gz", line(2))
    answer = app.handler({"prefix": "processing-failed/"}, context)
    assert (sent(stream), answer["objects"]) == ([1], 1)
    assert set(bucket.objects) == {f"{REFUSED}b.gz"}


@pytest.mark.parametrize(
    "lasting", ["400", "Lambda.ProcessingFailedStatus", "Lambda.JsonProcessingException"]
)
def test_a_scheduled_run_leaves_what_would_be_refused_again(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace, lasting: str
):
    key = keep(
        bucket, "a.gz", line(1, lasting), line(2, "403"), line(3, "503"), line(4, "Lambda.InvokeAccessDenied")
    )
    answer = app.handler({"errors": "transient"}, context)
    assert sent(stream) == [2, 3, 4]
    assert bucket.lines(key) == [line(1, lasting)]
    assert (answer["replayed"], answer["left_by_error"]) == (3, {lasting: 1})


def test_an_object_of_which_nothing_is_replayed_is_not_written_anew(
    app: ModuleType, wire: Wire, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    keep(bucket, "a.gz", line(1, "400"))
    app.handler({"errors": "transient"}, context)
    assert wire.calls["PutObject"] == wire.calls["DeleteObject"] == 0


def test_a_dry_run_reports_and_changes_nothing(
    app: ModuleType, wire: Wire, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    keep(bucket, "a.gz", line(1), line(2, "400"))
    answer = app.handler({"dry_run": True}, context)
    assert (answer["replayed"], answer["left"], answer["left_by_error"]) == (0, 2, {"403": 1, "400": 1})
    assert stream.sizes == []
    assert wire.calls["PutObject"] == wire.calls["DeleteObject"] == 0


def test_only_the_records_that_the_stream_refused_are_put_again(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    keep(bucket, "a.gz", *(line(n) for n in range(20)))
    stream.refusals = [5, 2]
    app.handler({}, context)
    assert stream.sizes == [20, 5, 2]
    assert sent(stream) == list(range(20))


def test_what_the_stream_refuses_to_the_end_stays_and_is_replayed_by_the_next_run(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    key = keep(bucket, "a.gz", *(line(n) for n in range(20)))
    stream.refusals = [5] * 8
    with pytest.raises(Exception, match=r"1 problems.*refused 5 records in 8 tries.*slow down"):
        app.handler({}, context)
    assert len(bucket.lines(key)) == 5
    app.handler({}, context)
    assert sent(stream) == list(range(20))
    assert bucket.objects == {}


def test_a_stream_that_breaks_half_way_loses_nothing_and_doubles_nothing(
    app: ModuleType, wire: Wire, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    key = keep(bucket, "a.gz", *(line(n) for n in range(700)))
    wire.fault(PUT, None, (400, "ResourceNotFoundException"))
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        app.handler({}, context)
    assert len(bucket.lines(key)) == 200
    app.handler({}, context)
    assert sent(stream) == list(range(700))


def test_one_object_that_fails_does_not_hold_up_the_others(
    app: ModuleType, wire: Wire, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    broken = f"{REFUSED}a.gz"
    bucket.objects[broken] = gzip.compress(line(1))[:-6]
    keep(bucket, "b.gz", line(2))
    with pytest.raises(Exception, match=r"a\.gz: EOFError"):
        app.handler({}, context)
    assert sent(stream) == [2]
    assert set(bucket.objects) == {broken}


def test_a_line_that_is_no_failed_record_stays_and_is_an_error(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    key = keep(
        bucket,
        "a.gz",
        b"noise",
        line(1),
        b'{"errorCode": "400"}',
        b'{"errorCode": "1", "rawData": "\xc2\xa7"}',
    )
    with pytest.raises(Exception, match=r"'unreadable': 3.*3 lines are no failed records: b'noise'"):
        app.handler({}, context)
    assert sent(stream) == [1]
    assert len(bucket.lines(key)) == 3


def test_throttling_and_time_outs_are_waited_out(
    app: ModuleType, wire: Wire, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    keep(bucket, "a.gz", line(1))
    wire.fault("ListObjectsV2", (503, "SlowDown"))
    wire.fault("GetObject", (503, "SlowDown"), ReadTimeoutError(endpoint_url="https://s3"))
    wire.fault("DeleteObject", (500, "InternalError"))
    assert app.handler({}, context)["replayed"] == 1
    assert bucket.objects == {}


def test_a_role_that_may_not_read_is_an_error_that_names_the_object(
    app: ModuleType, wire: Wire, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    keep(bucket, "a.gz", line(1))
    wire.fault("GetObject", (403, "AccessDenied"))
    with pytest.raises(Exception, match=r"s3://backup/firehose/failed/.*a\.gz: AccessDenied .*GetObject"):
        app.handler({}, context)


def test_a_run_that_had_no_time_for_all_is_an_error_and_the_next_one_goes_on(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    for number, name in enumerate(("a.gz", "b.gz", "c.gz")):
        keep(bucket, name, line(number))
    left = [300_000, 300_000, 100_000, 300_000]
    context.get_remaining_time_in_millis = lambda: left.pop(0)
    with pytest.raises(Exception, match=r"'objects': 2.*'complete': False.*time was over before the rest"):
        app.handler({}, context)
    assert sent(stream) == [0, 1]
    assert app.handler({}, context)["complete"] is True
    assert sent(stream) == [0, 1, 2]


def test_what_is_left_for_good_does_not_hold_up_what_came_after_it(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    for day in (1, 2):
        key = keep(bucket, f"{day}.gz", line(day, "400"))
        bucket.written[key] = f"2026-01-0{day}T00:00:00.000Z"
    bucket.written[keep(bucket, "0.gz", line(3, "403"))] = "2026-01-03T00:00:00.000Z"
    bucket.written[keep(bucket, "9.gz", line(4, "403"))] = "2026-01-04T00:00:00.000Z"
    left = [300_000, 300_000, 100_000]
    context.get_remaining_time_in_millis = lambda: left.pop(0)
    with pytest.raises(Exception, match=r"'replayed': 2.*time was over"):
        app.handler({"errors": "transient"}, context)
    assert [document["seq"] for document in stream.documents()] == [4, 3]


@pytest.mark.parametrize(
    ("call", "events"), [("DeleteObject", [line(1), line(2)]), ("PutObject", [line(1), line(2, "400")])]
)
def test_a_run_that_may_not_write_the_bucket_stops_before_it_puts_more_that_it_would_put_again(
    app: ModuleType,
    wire: Wire,
    bucket: Bucket,
    stream: Stream,
    context: SimpleNamespace,
    call: str,
    events: list[Any],
):
    keep(bucket, "a.gz", *events)
    bucket.written[keep(bucket, "b.gz", line(3))] = "2025-01-01T00:00:00.000Z"
    before = dict(bucket.objects)
    wire.fault(call, (403, "AccessDenied"))
    with pytest.raises(Exception, match=r"a\.gz: replayed, and there still: AccessDenied") as failed:
        app.handler({"errors": "transient"}, context)
    assert "'complete': False" in str(failed.value)
    assert 3 not in sent(stream)
    assert bucket.objects == before


def test_a_call_holds_at_most_500_records_and_5_megabytes(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace
):
    data = base64.b64encode(b"x" * 900_000).decode()
    keep(bucket, "a.gz", *[json.dumps({"errorCode": "403", "rawData": data}).encode()] * 12)
    keep(bucket, "b.gz", *(line(n) for n in range(501)))
    app.handler({}, context)
    assert stream.sizes == [5, 5, 2, 500, 1]


@pytest.mark.parametrize("event", [{"errors": "some"}, {"error": "all"}])
def test_an_event_that_asks_for_nothing_known_replays_nothing(
    app: ModuleType, bucket: Bucket, stream: Stream, context: SimpleNamespace, event: dict[str, Any]
):
    keep(bucket, "a.gz", line(1))
    with pytest.raises(ValueError, match=r"expected 'all' or 'transient'|no such key"):
        app.handler(event, context)
    assert stream.sizes == []
