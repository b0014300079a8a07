"""An account with exports that arrive, for the tests of the arrival function."""

import base64
import gzip
import hashlib
import json
from typing import Any
from urllib.parse import quote_plus

from tests.typed import ignoring

TABLE_ARN = "arn:aws:dynamodb:us-east-1:111111111111:table/orders"


SHARED = "raw/orders/AWSDynamoDB/data/"


QUEUE_ARN = "arn:aws:sqs:us-east-1:222222222222:arrivals"


class Bucket:
    """The replica's objects, answering S3; 1,000 keys a page as the service."""

    def __init__(self, wire: Any):
        self.objects: dict[Any, Any] = {}
        self.kms = False
        self.pages = 0
        wire.answers |= {"GetObject": self.get, "ListObjectsV2": self.list, "HeadObject": self.head}

    def get(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        """GetObject."""
        content = self.objects.get(path.removeprefix("/"))
        if content is None:
            return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
        return 200, {"x-amz-server-side-encryption": "aws:kms"} if self.kms else {}, content

    def head(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        """HeadObject."""
        content = self.objects.get(path.removeprefix("/"))
        if content is None:
            return 404, {}, b""
        return 200, {"content-length": str(len(content)), "etag": f'"{etag(content)}"'}, b""

    def list(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        """ListObjectsV2, in pages of a thousand."""
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

    def __init__(self, wire: Any):
        self.hidden: list[Any] = []
        self.announced: list[Any] = []
        self.items: dict[Any, Any] = {}
        self.refusals = 0
        wire.answers |= {
            "GetQueueUrl": ignoring(lambda: (200, {}, b'{"QueueUrl": "https://sqs/222222222222/arrivals"}')),
            "ChangeMessageVisibility": self.hide,
            "PutEvents": self.put_events,
            "PutItem": self.put_item,
            "UpdateItem": self.update_item,
            "DeleteItem": self.delete_item,
        }

    def hide(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        """ChangeMessageVisibility."""
        self.hidden.append(json.loads(body)["VisibilityTimeout"])
        return 200, {}, b"{}"

    def put_events(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        """PutEvents, which is refused as often as `refusals` says."""
        if self.refusals:
            self.refusals -= 1
            refused = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
            return 200, {}, json.dumps({"FailedEntryCount": 1, "Entries": [refused]}).encode()
        self.announced += json.loads(body)["Entries"]
        return 200, {}, b'{"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}'

    def put_item(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        """PutItem under the condition that there is no such item."""
        item = json.loads(body)["Item"]
        existing = self.items.get(item["id"]["S"])
        if existing:
            failed = {"__type": "ConditionalCheckFailedException", "message": "kept", "Item": existing}
            return 400, {}, json.dumps(failed).encode()
        self.items[item["id"]["S"]] = item
        return 200, {}, b"{}"

    def update_item(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        """UpdateItem."""
        request = json.loads(body)
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        self.items[request["Key"]["id"]["S"]] |= {
            names[f"#{name[1:]}"]: value for name, value in values.items() if f"#{name[1:]}" in names
        }
        return 200, {}, b"{}"

    def delete_item(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        """DeleteItem."""
        self.items.pop(json.loads(body)["Key"]["id"]["S"], None)
        return 200, {}, b"{}"


def etag(content: Any):
    """The ETag of an object that was written in one part."""
    return hashlib.md5(hashlib.md5(content).digest()).hexdigest() + "-1"  # one part of a multipart upload


def md5(content: Any):
    """A content's MD5 as manifests have it."""
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def export(
    counts: Any,
    root: str = "raw/orders/",
    export_id: str = "01767283200000-a1b2c3d4",
    data: Any = None,
    **changed: Any,
):
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


def increment(counts: Any, export_id: str = "01767369600000-00000000"):
    """An incremental export's: the data in a folder that all of them share, and the times of a window."""
    made = export(counts, export_id=export_id, data=f"{SHARED}{export_id}-", exportType="INCREMENTAL_EXPORT")
    summary = json.loads(made[summary_of(made)])
    del summary["exportTime"]
    summary |= {"exportFromTime": "2026-01-01T16:00:00.000Z", "exportToTime": "2026-01-02T16:00:00.000Z"}
    return made | {summary_of(made): json.dumps(summary).encode()}


def summary_of(objects: Any):
    """The key of an export's summary."""
    return next(key for key in objects if key.endswith("manifest-summary.json"))


def notification(key: Any, name: str = "ObjectCreated:Put"):
    """The message of S3 about an object."""
    thing = {"bucket": {"name": "replica"}, "object": {"key": quote_plus(key, safe="/"), "sequencer": "00"}}
    return json.dumps({"Records": [{"eventName": name, "s3": thing}]})


def batch(*bodies: Any, receives: int = 1):
    """The event with which Lambda calls the handler for some messages."""
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


def failed(answer: Any):
    """The ids of the messages that come again."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
