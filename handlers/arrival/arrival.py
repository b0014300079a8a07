"""Whether an export has arrived whole, decided from its manifests and what the bucket holds of its files. Pure.

The layout and the manifests: components/shared/dynamodb_exports.py.

What can be known without reading the data: a file is there, it is not empty when it should have items, and its
ETag fits the manifest's md5 (an upload in one part, sent whole or as multipart) or the manifest's ETag. With
SSE-KMS an ETag is no checksum, so there only presence and size are judged.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html (ETag)
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import variables
from announcement import DETAIL_TYPE, SOURCE, ExportArrived
from dynamodb_exports import FILES, FILES_MD5, SUMMARY_KEY, UNREADABLE, listed_file
from landing_folders import HANDED_OVER

FIRST_WAIT, LONGEST_WAIT, CORRUPT_WAIT = 5, 900, 30  # seconds
NAMED_FILES = 5  # of those missing, in a message


@dataclass(frozen=True)
class Settings:
    """The function's environment."""

    event_bus: str
    idempotency_table: str
    prefix: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """From the environment. Raises KeyError for a variable that is not there."""
        return cls(
            environ[variables.EVENT_BUS], environ[variables.IDEMPOTENCY_TABLE], environ[variables.PREFIX]
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as a listing or its head shows it."""

    size: int
    etag: str


@dataclass(frozen=True)
class Export:
    """What the bucket holds of one export."""

    bucket: str
    key: str
    """Of manifest-summary.json."""
    summary: bytes
    manifest: Iterable[bytes]
    """The lines of manifest-files.json."""
    manifest_md5: bytes
    """As it is computed."""
    stated_md5: str
    """As manifest-files.md5 says."""
    stored: Mapping[str, Stored]
    """By key; at least those of the files that the manifest names and that are there."""
    etags_are_checksums: bool


@dataclass(frozen=True)
class Complete:
    """An export that is whole, as it is announced."""

    detail: ExportArrived


class Waiting(Exception):
    """Files are missing yet."""


class Corrupt(Exception):
    """A file is not what the manifests say; waiting does not help."""


class NotAnnounced(Exception):
    """The bus refused the event."""


def arrivals(body: str, prefix: str) -> Iterator[tuple[str, str]]:
    """(bucket, key) of each export's summary, and of what a run handed over with an export (handed_over.py), that an S3
    notification names. Raises Corrupt for another message."""
    try:
        notification = json.loads(body)
        if notification.get("Event") == "s3:TestEvent":
            return
        created = [
            (str(record["s3"]["bucket"]["name"]), unquote_plus(record["s3"]["object"]["key"]))
            for record in notification["Records"]
            if record["eventName"].startswith("ObjectCreated:")
        ]
    except UNREADABLE as error:
        raise Corrupt(f"not a notification of S3: {error!r}: {body[:80]!r}") from error
    for bucket, key in created:
        if key.startswith(prefix) and (SUMMARY_KEY.fullmatch(key) or key.endswith(HANDED_OVER)):
            yield bucket, key


def data_folder(key: str) -> str:
    """The folder of an export's own data files, by the key of its summary."""
    return key.rpartition("/")[0] + "/data/"


def files_outside(key: str, manifest: Iterable[bytes]) -> Iterator[str]:
    """The files that a manifest names outside its export's own folder. `judge` reports a line that can't be read."""
    for line in manifest:
        with suppress(*UNREADABLE):
            if line.strip() and not (named := listed_file(line, key).key).startswith(data_folder(key)):
                yield named


def judge(export: Export) -> Complete | Waiting | Corrupt:
    """Whether all files that the manifests name are there, and are what they say."""
    folder = export.key.rpartition("/")[0] + "/"
    try:
        stated = _digest(export.stated_md5)
        if stated != export.manifest_md5:
            raise ValueError(f"its md5 is {export.manifest_md5.hex()}, {FILES_MD5} says {stated.hex()}")
    except ValueError as error:
        return Corrupt(f"{folder}{FILES}: {error}")

    missing: list[str] = []
    missing_count = files = items = 0
    for number, line in enumerate(export.manifest, 1):
        if not line.strip():
            continue
        try:
            key, md5, etag, count = _file(line, export.key)
        except UNREADABLE as error:
            return Corrupt(f"{folder}{FILES} line {number}: {type(error).__name__} {error}")
        files, items = files + 1, items + count
        stored = export.stored.get(key)
        if stored is None:
            missing_count += 1
            missing += [key] if len(missing) < NAMED_FILES else []
        elif count and not stored.size:
            return Corrupt(f"{key} is empty; the manifest says {count} items")
        elif export.etags_are_checksums and _damaged(stored.etag, md5, etag):
            return Corrupt(f"{key} has ETag {stored.etag}; the manifest says md5 {md5.hex()}, ETag {etag}")
    if missing_count:
        more = ", …" if missing_count > len(missing) else ""
        return Waiting(
            f"{missing_count} of {files} files are not in {export.bucket} yet: {', '.join(missing)}{more}"
        )
    return _complete(export, folder, files, items)


def _complete(export: Export, folder: str, files: int, items: int) -> Complete | Corrupt:
    try:
        summary = json.loads(export.summary)
        if summary["itemCount"] != items:
            raise ValueError(f"it says {summary['itemCount']} items, the files of {FILES} hold {items}")
        detail: ExportArrived = {
            "export_arn": summary["exportArn"],
            "export_id": folder.split("/")[-2],
            "table": summary["tableArn"].split(":table/")[1],
            "table_arn": summary["tableArn"],
            "export_type": summary.get("exportType", "FULL_EXPORT"),
            # An increment shows the table up to the end of its window.
            "export_time": summary.get("exportTime") or summary["exportToTime"],
            "bucket": export.bucket,
            "prefix": folder,
            "manifest": export.key,
            "item_count": items,
            "file_count": files,
            "billed_bytes": summary["billedSizeBytes"],
        }
    except UNREADABLE as error:
        return Corrupt(f"{export.key}: {type(error).__name__} {error}")
    return Complete(detail)


def _file(line: bytes, manifest_key: str) -> tuple[str, bytes, str, int]:
    file = listed_file(line, manifest_key)
    if file.etag is None:
        raise KeyError("etag")
    return file.key, _digest(file.md5), file.etag, file.items


def _digest(text: str) -> bytes:
    """An md5 written in base64 (as the service does) or hex."""
    text = text.strip().strip('"')
    try:
        digest = (
            bytes.fromhex(text)
            if re.fullmatch(r"[0-9a-fA-F]{32}", text)
            else base64.b64decode(text, validate=True)
        )
    except binascii.Error:
        digest = b""
    if len(digest) != 16:
        raise ValueError(f"{text[:60]!r} is not an md5")
    return digest


def _damaged(etag: str, md5: bytes, named: str) -> bool:
    parts = etag.partition("-")[2]
    if parts in {"", "1"}:
        return etag not in {named, md5.hex() if not parts else hashlib.md5(md5).hexdigest() + "-1"}
    # The parts' sizes are not known: comparable only with an upload of as many parts.
    return named.partition("-")[2] == parts and etag != named


def announcement(detail: Mapping[str, Any], bus: str, detail_type: str = DETAIL_TYPE) -> dict[str, Any]:
    """The entry of PutEvents. Its resources are what the detail names by ARN."""
    arns = [str(detail[key]) for key in ("export_arn", "table_arn") if key in detail]
    return {
        "EventBusName": bus,
        "Source": SOURCE,
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": arns,
    }


def refused(answer: Mapping[str, Any]) -> NotAnnounced | None:
    """PutEvents answers 200 also when the bus took nothing."""
    if not answer["FailedEntryCount"]:
        return None
    entry = answer["Entries"][0]
    return NotAnnounced(
        f"the event bus refused the event: {entry.get('ErrorCode')}: {entry.get('ErrorMessage')}"
    )


def hidden_seconds(receives: int, error: Exception) -> int:
    """How long a failed message stays hidden, from how often it was received (1 for the first time)."""
    if isinstance(error, Corrupt):
        return CORRUPT_WAIT
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(receives - 1, 10))
