"""Reads an export's manifests from S3, and what is there of its data.

A full export's folder is listed: one request per 1,000 files, where a HeadObject of each would take one per file.
Each file of an incremental one is requested by its key, as the files lie in a folder with those of all windows that the
lifecycle has left, and have names of no order. Memory: about 250 bytes a file; manifest-files.json goes through a
temporary file once it is over 8 MB.
Errors: `Waiting` for a manifest that is not there yet; whatever else S3 answers is raised as botocore's
ClientError.
"""

import hashlib
import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from arrival import Export, Stored, Waiting, data_folder, files_outside
from botocore.exceptions import ClientError
from dynamodb_exports import FILES, FILES_MD5

IN_MEMORY = 8 * 1024 * 1024  # bytes
AT_ONCE = 10  # as many as the client has connections


@contextmanager
def export(s3: Any, bucket: str, key: str) -> Generator[Export, None, None]:
    """What the bucket holds of the export whose summary is `key`. Raises Waiting for a manifest that is not there."""
    folder = key.rpartition("/")[0] + "/"
    summary = _get(s3, bucket, key)["Body"].read()
    manifest = _get(s3, bucket, f"{folder}{FILES}")
    # The service writes .md5, its documentation says .checksum.
    stated = _get(s3, bucket, f"{folder}{FILES_MD5}", f"{folder}manifest-files.checksum")["Body"].read()
    md5 = hashlib.md5()
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as lines:
        for chunk in manifest["Body"].iter_chunks(1024 * 1024):
            md5.update(chunk)
            lines.write(chunk)
        lines.seek(0)
        stored = listing(s3, bucket, data_folder(key))
        stored |= _heads(s3, bucket, list(files_outside(key, lines)))
        lines.seek(0)
        yield Export(
            bucket=bucket,
            key=key,
            summary=summary,
            manifest=lines,
            manifest_md5=md5.digest(),
            stated_md5=stated.decode(errors="replace"),
            stored=stored,
            # All files of an export are encrypted alike: what is true of the manifest is true of the data.
            etags_are_checksums=not manifest.get("ServerSideEncryption", "").startswith("aws:kms"),
        )


def content(s3: Any, bucket: str, key: str) -> bytes:
    """What an object holds. Raises Waiting where it is not there."""
    return _get(s3, bucket, key)["Body"].read()


def _get(s3: Any, bucket: str, *keys: str) -> dict[str, Any]:
    """The first of the keys that is there."""
    for key in keys:
        try:
            return s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in {"NoSuchKey", "404"}:
                error.add_note(f"s3://{bucket}/{key}")
                raise
    raise Waiting(f"{keys[0]} is not in {bucket} yet")


def listing(s3: Any, bucket: str, folder: str) -> dict[str, Stored]:
    """The objects below a folder."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
    return {
        entry["Key"]: Stored(entry["Size"], entry["ETag"].strip('"'))
        for page in pages
        for entry in page.get("Contents", [])
    }


def _heads(s3: Any, bucket: str, keys: list[str]) -> dict[str, Stored]:
    def head(key: str) -> Stored | None:
        try:
            headers = s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            error.add_note(f"s3://{bucket}/{key}")
            raise
        return Stored(headers["ContentLength"], headers["ETag"].strip('"'))

    with ThreadPoolExecutor(AT_ONCE) as asking:
        return {key: stored for key, stored in zip(keys, asking.map(head, keys), strict=True) if stored}
