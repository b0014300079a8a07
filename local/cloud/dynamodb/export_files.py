"""The objects of a DynamoDB export, in the service's layout.

Below `<prefix>/AWSDynamoDB/`: `<ExportId>/_started` first, then the data (`<ExportId>/data/*.json.gz`, or the shared
`data/` for an increment), `manifest-files.json`, and last `manifest-summary.json` with its checksum; one data file per
`ITEMS_PER_FILE` items, spread by the hash of the partition key, one empty file for an empty table. All by multipart
upload, so that S3 announces `s3:ObjectCreated:CompleteMultipartUpload`.
Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html.
"""

import asyncio
import base64
import gzip
import hashlib
import json
import uuid
from datetime import UTC, datetime

from ..clock import clock
from ..iam.authorization import bucket_owner, check
from ..s3.encryption import KEY_HEADER, write_multipart
from ..seams import dynamodb
from ..seams.iam_evaluator import PrincipalInfo
from ..seams.parts import Record
from .history import Table, changes_between, items_at

ITEMS_PER_FILE = 5_000


class Refused(Exception):
    """The code that the service answers, and its message."""

    def __init__(self, code: str, message: str):
        self.code = code
        super().__init__(message)


def iso(seconds: float) -> str:
    """Seconds since 1970 as the manifests write a time: in UTC, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def data_files(table: Table, description: Record) -> list[tuple[str, int, bytes]]:
    """(file name, item count, gzipped JSON Lines) for every partition; an empty partition has an empty file."""
    if description["ExportType"] == "INCREMENTAL_EXPORT":
        spec = description["IncrementalExportSpecification"]
        lines = changes_between(table, spec["ExportFromTime"], spec["ExportToTime"], spec["ExportViewType"])
    else:
        lines = [{"Item": item} for item in items_at(table, description["ExportTime"])]
    pk = dynamodb.tables.get_scoped(*table)["pk_name"]  # type: ignore[index]  # its existence was checked
    partitions: list[list[str]] = [[] for _ in range(max(1, -(-len(lines) // ITEMS_PER_FILE)))]
    for line in lines:
        value = json.dumps((line.get("Item") or line["Keys"])[pk]).encode()
        partition = int.from_bytes(hashlib.md5(value).digest()[:4], "big") % len(partitions)
        partitions[partition].append(json.dumps(line, separators=(",", ":"), ensure_ascii=False))
    return [
        (
            base64.b32encode(uuid.uuid4().bytes).decode().rstrip("=").lower() + ".json.gz",
            len(rows),
            gzip.compress("".join(row + "\n" for row in rows).encode(), 6, mtime=0),
        )
        for rows in partitions
    ]


async def write(principal: PrincipalInfo, table: Table, description: Record) -> None:
    """All of the export's objects, in the order in which a reader may rely on them."""
    bucket, export_id = description["S3Bucket"], description["ExportArn"].rsplit("/", 1)[-1]
    prefix = description.get("S3Prefix", "").rstrip("/")
    base = (prefix + "/" if prefix else "") + "AWSDynamoDB/"
    owner = bucket_owner(bucket)
    if owner is None:
        raise Refused("S3NoSuchBucket", f"The specified bucket does not exist: {bucket}")
    if description.get("S3BucketOwner", description["TableArn"].split(":")[4]) != owner:
        raise Refused(
            "S3AccessDenied",
            f"{bucket} is not owned by the account that S3BucketOwner names, or by default the table's",
        )
    for action in ("s3:AbortMultipartUpload", *(["s3:PutObjectAcl"] if owner != principal.account else [])):
        check(principal, action, f"arn:aws:s3:::{bucket}/{base}{export_id}/_started")
    headers = (
        {"x-amz-server-side-encryption": "aws:kms" if description["S3SseAlgorithm"] == "KMS" else "AES256"}
        if "S3SseAlgorithm" in description
        else {}
    )
    if "S3SseKmsKeyId" in description:
        headers[KEY_HEADER] = description["S3SseKmsKeyId"]

    async def put(name: str, body: bytes) -> Record:
        kind = {"gz": "application/gzip", "on": "application/json"}.get(name[-2:], "application/octet-stream")
        return await write_multipart(principal, bucket, base + name, body, {**headers, "content-type": kind})

    await put(f"{export_id}/_started", b"")
    listed, folder = "", "data" if description["ExportType"] == "INCREMENTAL_EXPORT" else f"{export_id}/data"
    files = await asyncio.to_thread(data_files, table, description)
    for name, count, body in files:
        done = await put(f"{folder}/{name}", body)
        listed += (
            json.dumps(
                {
                    "itemCount": count,
                    "md5Checksum": checksum(body).decode(),
                    "etag": done["etag"],
                    "dataFileS3Key": f"{base}{folder}/{name}",
                }
            )
            + "\n"
        )
    description.update(
        ItemCount=sum(count for _, count, _ in files),
        EndTime=clock(),
        BilledSizeBytes=sum(len(body) for _, _, body in files),
        ExportManifest=f"{base}{export_id}/manifest-summary.json",
    )
    for name, body in (
        ("manifest-files", listed),
        ("manifest-summary", json.dumps(summary(description, base, export_id))),
    ):
        await put(f"{export_id}/{name}.md5", checksum(body.encode()))
        await put(f"{export_id}/{name}.json", body.encode())


def checksum(body: bytes) -> bytes:
    """The MD5 digest of a file, in base64, as the manifests and their `.md5` files have it."""
    return base64.b64encode(hashlib.md5(body).digest())


def summary(description: Record, base: str, export_id: str) -> Record:
    """What manifest-summary.json holds, in the version of a full export or of an incremental one."""
    spec = description.get("IncrementalExportSpecification")
    times = (
        {
            "exportFromTime": iso(spec["ExportFromTime"]),
            "exportToTime": iso(spec["ExportToTime"]),
            "outputView": spec["ExportViewType"],
        }
        if spec
        else {"exportTime": iso(description["ExportTime"])}
    )
    return {
        "version": "2023-08-01" if spec else "2020-06-30",
        "exportArn": description["ExportArn"],
        "startTime": iso(description["StartTime"]),
        "endTime": iso(description["EndTime"]),
        "tableArn": description["TableArn"],
        "tableId": description["TableId"],
        **times,
        "s3Bucket": description["S3Bucket"],
        "s3Prefix": description.get("S3Prefix"),
        "s3SseAlgorithm": description.get("S3SseAlgorithm", "AES256"),
        "s3SseKmsKeyId": description.get("S3SseKmsKeyId"),
        "manifestFilesS3Key": f"{base}{export_id}/manifest-files.json",
        "billedSizeBytes": description["BilledSizeBytes"],
        "itemCount": description["ItemCount"],
        "outputFormat": "DYNAMODB_JSON",
        "exportType": description["ExportType"],
    }
