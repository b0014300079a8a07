"""The services that the handlers call, in this process, and a fault at one of their calls.

Requests come from botocore's before-send hook, so that signing, retrying and parsing are botocore's own. What a call
changes is what the service's documentation says that it changes, and no more: a conditional write, a client token, an
identifier that is taken. A fault hits the n-th call of a run:
- error: the service refuses, nothing changed, and no retry helps (403)
- throttle: the service refuses, nothing changed, and the client tries again
- time-out: the service did it, the answer is lost, and the client tries again
- killed: the service did it, and the function is no more
"""

import copy
import hashlib
import io
import json
import threading
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from tests.contract.kills.exporters import DynamoDB, Rds

FAULTS = ("error", "throttle", "time-out", "killed")
THROTTLED = b"\xa1\x66__type\x73ThrottlingException"  # the map {"__type": "ThrottlingException"} in CBOR


class Killed(BaseException):
    """The function's process has ended; not an Exception, which a function could catch."""


class Raw(io.BytesIO):
    """A body as botocore reads one of urllib3."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def refusal(code: Any, status: int = 400, **more: Any) -> tuple[int, dict[str, str], bytes]:
    """A refusal in the JSON protocols' form."""
    return status, {}, json.dumps({"__type": code, "message": "no", **more}).encode()


class Calls:
    """Counts the calls of a run, and decides which of them goes wrong."""

    def __init__(self):
        self.made: list[Any] = []
        self.number = 0
        self.kind = None
        self.dead = False
        self._lock = threading.Lock()
        self.meanwhile = None  # what others do just before the n-th call, where its fault is "meanwhile"

    def plan(self, number: int = 0, kind: Any = None):
        """Begins a run, whose n-th call goes wrong in this way; 0: none."""
        self.made: list[Any] = []
        self.number = number
        self.kind = kind
        self.dead = False

    def next(self, name: Any):
        """The fault of this call, if any."""
        with self._lock:
            if self.dead:
                raise Killed(f"{name}, of a function that is no more")
            self.made.append(name)
            kind = self.kind if len(self.made) == self.number else None
            self.dead = kind == "killed"
        if kind == "meanwhile" and self.meanwhile:
            self.meanwhile()
        return kind


class Services:
    """What all services hold, and what they answer."""

    def __init__(self):
        self.calls = Calls()
        self.objects: dict[Any, Any] = {}
        self.uploads: dict[Any, Any] = {}
        self.tables: dict[Any, Any] = {}
        self.partitions: dict[Any, Any] = {}
        self.metrics = 0
        self.announced: list[Any] = []
        self.records: list[Any] = []
        self.items: dict[Any, Any] = {}
        self.jobs: dict[Any, Any] = {}
        self.dynamodb, self.rds = DynamoDB(self), Rds(self)
        self.listed: list[Any] = []  # the keys that listings gave
        self._answering = threading.RLock()

    STATE = ("objects", "uploads", "tables", "partitions", "metrics", "announced", "records", "items", "jobs")

    def state(self):
        """What the services hold, as a copy that stays as it is."""
        values = {name: getattr(self, name) for name in self.STATE}
        return copy.deepcopy(values | {"exports": self.dynamodb.exports, "rds": self.rds.state()})

    def restore(self, state: Any):
        """Puts back what `state` gave."""
        state = copy.deepcopy(state)
        for name in self.STATE:
            setattr(self, name, state[name])
        self.dynamodb.exports = state["exports"]
        self.rds.snapshots, self.rds.tasks = state["rds"]

    def attach(self, app: Any):
        """Has the requests of a handler's clients answered here."""
        for client in cast("dict[str, Any]", vars(app)).values():
            if hasattr(client, "meta") and hasattr(client.meta, "events"):
                client.meta.events.register("before-send", self)

    def __call__(self, request: Any, event_name: Any, **_: Any) -> AWSResponse:
        _, service, operation = event_name.split(".")
        kind = self.calls.next(operation)
        if kind in ("error", "throttle"):
            return self._answer(request, refused(service, kind))
        with self._answering:
            answer = self._do(service, operation, request)
        if kind == "time-out":
            raise ReadTimeoutError(endpoint_url=request.url)
        if kind == "killed":
            raise Killed(operation)
        return self._answer(request, answer)

    def _answer(self, request: Any, answer: Any):
        status, headers, content = answer
        return AWSResponse(request.url, status, headers, Raw(content))

    def _do(self, service: Any, operation: Any, request: Any) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(str(request.url))
        body: Any = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
        body = body if isinstance(body, bytes | bytearray) else body.encode()
        query = {key: values[0] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
        if service == "s3":
            return getattr(self, operation)(
                unquote(url.path).lstrip("/"), query, bytes(body), request.headers
            )
        if service == "rds":
            parameters = {key: values[0] for key, values in parse_qs(body.decode()).items()}
            return getattr(self.rds, operation)(parameters)
        if operation == "PutMetricData":  # CBOR, of which the number of data is enough
            self.metrics += 1
            return 200, {}, b""
        if service == "s3-control":
            return getattr(self, operation)(body.decode())
        home = self.dynamodb if hasattr(self.dynamodb, operation) else self
        return getattr(home, operation)(json.loads(body))

    # S3, of one bucket (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html)

    def GetObject(self, key: Any, query: Any, body: Any, headers: Any) -> tuple[int, dict[str, str], bytes]:
        if key not in self.objects:
            return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
        content = self.objects[key]
        if span := headers.get("Range"):
            span = span.decode() if isinstance(span, bytes) else span
            first, last = map(int, span.removeprefix("bytes=").split("-"))
            content = content[first : last + 1]
        return 200, {"etag": etag(self.objects[key]), "content-length": str(len(content))}, content

    def HeadObject(self, key: Any, query: Any, body: Any, headers: Any) -> tuple[int, dict[str, str], bytes]:
        if key not in self.objects:
            return 404, {}, b""
        content = self.objects[key]
        return 200, {"content-length": str(len(content)), "etag": etag(content)}, b""

    def PutObject(self, key: Any, query: Any, body: Any, headers: Any) -> tuple[int, dict[str, str], bytes]:
        match, none = headers.get("If-Match"), headers.get("If-None-Match")
        if (none and key in self.objects) or (match and _text(match) != etag(self.objects.get(key, b""))):
            return 412, {}, b"<Error><Code>PreconditionFailed</Code></Error>"
        self.objects[key] = body
        return 200, {"etag": etag(body)}, b""

    def DeleteObject(
        self, key: Any, query: Any, body: Any, headers: Any
    ) -> tuple[int, dict[str, str], bytes]:
        self.objects.pop(key, None)
        return 204, {}, b""

    def CopyObject(self, key: Any, query: Any, body: Any, headers: Any) -> tuple[int, dict[str, str], bytes]:
        source = unquote(_text(headers["x-amz-copy-source"])).partition("/")[2]
        self.objects[key] = self.objects[source]
        return 200, {}, b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>"

    def ListObjectsV2(
        self, key: Any, query: Any, body: Any, headers: Any
    ) -> tuple[int, dict[str, str], bytes]:
        self.listed += [key for key in self.objects if key.startswith(query["prefix"])]
        shown = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(content)}</Size><ETag>{etag(content)}</ETag>"
            "<LastModified>2026-01-02T04:30:00.000Z</LastModified></Contents>"
            for key, content in sorted(self.objects.items())
            if key.startswith(query["prefix"])
        )
        return 200, {}, f"<R><IsTruncated>false</IsTruncated>{shown}</R>".encode()

    def CreateMultipartUpload(
        self, key: Any, query: Any, body: Any, headers: Any
    ) -> tuple[int, dict[str, str], bytes]:
        upload = f"u{len(self.uploads)}"
        self.uploads[upload] = {}
        return 200, {}, f"<R><UploadId>{upload}</UploadId></R>".encode()

    def UploadPart(self, key: Any, query: Any, body: Any, headers: Any):
        self.uploads[query["uploadId"]][int(query["partNumber"])] = body
        return 200, {"etag": etag(body)}, b""

    def CompleteMultipartUpload(
        self, key: Any, query: Any, body: Any, headers: Any
    ) -> tuple[int, dict[str, str], bytes]:
        # Completing again answers as the first time: API_CompleteMultipartUpload
        parts = self.uploads[query["uploadId"]]
        self.objects[key] = b"".join(parts[number] for number in sorted(parts))
        return 200, {}, b"<R><ETag>x</ETag></R>"

    def AbortMultipartUpload(
        self, key: Any, query: Any, body: Any, headers: Any
    ) -> tuple[int, dict[str, str], bytes]:
        self.uploads.pop(query["uploadId"], None)
        return 204, {}, b""

    # S3 Batch Operations: a job per ClientRequestToken

    def CreateJob(self, text: Any) -> tuple[int, dict[str, str], bytes]:
        token = text.partition("<ClientRequestToken>")[2].partition("<")[0]
        job = self.jobs.setdefault(token, f"job-{len(self.jobs)}")
        return 200, {}, f"<CreateJobResult><JobId>{job}</JobId></CreateJobResult>".encode()

    def ListJobs(self, text: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b"<ListJobsResult><Jobs></Jobs></ListJobsResult>"

    # Glue's catalog

    def GetTable(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        table = self.tables.get(request["Name"])
        return (
            (200, {}, json.dumps({"Table": table}).encode()) if table else refusal("EntityNotFoundException")
        )

    def CreateTable(self, request: Any):
        if request["TableInput"]["Name"] in self.tables:
            return refusal("AlreadyExistsException")
        return self.UpdateTable(request)

    def UpdateTable(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        self.tables[request["TableInput"]["Name"]] = request["TableInput"]
        return 200, {}, b"{}"

    def CreatePartition(self, request: Any):
        if (request["TableName"], *request["PartitionInput"]["Values"]) in self.partitions:
            return refusal("AlreadyExistsException")
        return self.UpdatePartition(request)

    def UpdatePartition(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        given = request["PartitionInput"]
        self.partitions[request["TableName"], *given["Values"]] = given["StorageDescriptor"]["Location"]
        return 200, {}, b"{}"

    # The bus, the queue, the stream, and the table of what is announced

    def PutEvents(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        details = [json.loads(entry["Detail"]) for entry in request["Entries"]]
        self.announced += [detail.get("export_arn") or detail["record"] for detail in details]
        return 200, {}, b'{"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}'

    def GetQueueUrl(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b'{"QueueUrl": "https://sqs.us-east-1.amazonaws.com/222222222222/arrivals"}'

    def ChangeMessageVisibility(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b"{}"

    def PutRecords(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        self.records += [record["Data"] for record in request["Records"]]
        taken = [{"SequenceNumber": "1", "ShardId": "shardId-000000000000"}] * len(request["Records"])
        return 200, {}, json.dumps({"FailedRecordCount": 0, "Records": taken}).encode()

    def PutItem(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        key = request["Item"]["id"]["S"]
        before, values = self.items.get(key), request["ExpressionAttributeValues"]
        if before:
            now, milliseconds = int(values[":now"]["N"]), int(values[":now_in_millis"]["N"])
            over = int(before["expiration"]["N"]) < now
            stuck = before["status"]["S"] == "INPROGRESS" and (
                int(before.get("in_progress_expiration", {"N": "9" * 20})["N"]) < milliseconds
            )
            if not (over or stuck):
                return refusal("ConditionalCheckFailedException", Item=before)
        self.items[key] = request["Item"]
        return 200, {}, b"{}"

    def UpdateItem(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        changed = {names[f"#{n[1:]}"]: value for n, value in values.items() if f"#{n[1:]}" in names}
        self.items.setdefault(request["Key"]["id"]["S"], dict(request["Key"])).update(changed)
        return 200, {}, b"{}"

    def DeleteItem(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        self.items.pop(request["Key"]["id"]["S"], None)
        return 200, {}, b"{}"


def refused(service: Any, kind: Any) -> tuple[int, dict[str, str], bytes]:
    """Of a throttle the code that the service has for it, which clients try again."""
    status, code = (403, "AccessDenied") if kind == "error" else (400, "ThrottlingException")
    if service in ("s3", "s3-control"):
        code = code if kind == "error" else "SlowDown"
        return status, {}, f"<Error><Code>{code}</Code></Error>".encode()
    if service == "rds":
        code = code if kind == "error" else "Throttling"
        return status, {}, f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode()
    if service == "cloudwatch":
        return status, {}, b"\xa1\x66__type\x6cAccessDenied" if kind == "error" else THROTTLED
    return refusal(code, status)


def etag(content: Any):
    """An object's ETag."""
    return f'"{hashlib.md5(content).hexdigest()}"'


def _text(value: Any):
    return value.decode() if isinstance(value, bytes) else value
