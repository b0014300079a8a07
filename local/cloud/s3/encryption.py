"""SSE-KMS: who reads or writes an encrypted object also needs the key, and the bucket's policy does not give it.

Evaluated for the caller with kms:ViaService, kms:CallerAccount and the encryption context: the object's ARN, or
the bucket's where its Bucket Key is on. Also the way other modules write objects on a principal's behalf.
Errors: `Denied`; `KMS.NotFoundException` and `KMS.DisabledException` as `MissingKey`.
Source: docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html (permissions, encryption context),
.../bucket-key.html; for multipart uploads docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import unquote

from local.plain import within

from ..iam.authorization import Denied, bucket_owner, caller, check
from ..seams import kms, s3
from ..seams.iam_evaluator import PrincipalInfo
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import get_account_id, get_region, request_scope

KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
BUCKET_KEY_HEADER = "x-amz-server-side-encryption-bucket-key-enabled"
PART = 8 * 1024 * 1024  # bytes; S3's least is 5 MiB


class MissingKey(Exception):
    """The key does not exist or is not enabled."""


class S3Error(Exception):
    """An error that S3 answered: its HTTP status, and the code in it or else the status as text."""

    def __init__(self, status: int, body: bytes):
        code = re.search(rb"<Code>(\w+)</Code>", body)
        self.status, self.code = status, code.group(1).decode() if code else str(status)
        super().__init__(f"{self.code}: {re.sub(rb'<[^>]+>', b' ', body).decode(errors='replace').strip()}")


def resolve_key(reference: str, account: str) -> str:
    """The key's ARN, for an ARN, an alias or an id in `account`."""
    parts = reference.split(":")
    owner, region = (parts[4], parts[3]) if reference.startswith("arn:") else (account, get_region())
    with request_scope(owner, region):
        record = kms.key_of(reference)
        if not record:
            raise MissingKey(f"KMS.NotFoundException: key {reference} does not exist")
        if record.get("KeyState", "Enabled") != "Enabled":
            raise MissingKey(f"KMS.DisabledException: key {record['Arn']} is {record.get('KeyState')}")
        return record["Arn"]


def bucket_key_on(bucket: str, headers: Record) -> bool:
    """Whether a Bucket Key is used: as the headers have it, or else as the bucket's default encryption has it."""
    if BUCKET_KEY_HEADER in headers:
        return headers[BUCKET_KEY_HEADER].lower() == "true"
    stored = s3.bucket_encryption.get_scoped(bucket_owner(bucket), None, bucket) or ""
    return re.search(r"<BucketKeyEnabled>\s*true", stored) is not None


def check_key(
    principal: PrincipalInfo,
    actions: tuple[str, ...],
    key: str,
    bucket: str,
    object_key: str,
    headers: Record,
) -> None:
    """Raise unless `principal` may do each action with `key` for this object, through S3."""
    arn = resolve_key(key, bucket_owner(bucket) or get_account_id())
    target = f"arn:aws:s3:::{bucket}" + ("" if bucket_key_on(bucket, headers) else f"/{object_key}")
    context: dict[str, Any] = {
        "kms:viaservice": f"s3.{arn.split(':')[3]}.amazonaws.com",
        "kms:calleraccount": principal.account,
        "kms:encryptioncontext:aws:s3:arn": target,
        "kms:encryptioncontextkeys": ["aws:s3:arn"],
    }
    for action in actions:
        check(principal, action, arn, **context)


def write_key(bucket: str, headers: Record) -> str | None:
    """The KMS key a write to the bucket will use: the request's, or the bucket's default."""
    with request_scope(bucket_owner(bucket) or get_account_id(), get_region()):
        chosen = (
            headers if "x-amz-server-side-encryption" in headers else s3.default_encryption_headers(bucket)
        )
    return (
        chosen.get(KEY_HEADER)
        if chosen.get("x-amz-server-side-encryption", "").startswith("aws:kms")
        else None
    )


def stored_version(bucket: str, key: str, version: str | None = None) -> Record | None:
    """An object's record, or that of one of its versions."""
    owner = bucket_owner(bucket)
    there: Record = (s3.buckets.get_scoped(owner, None, bucket) if owner else None) or {}
    record: Record | None = there.get("objects", {}).get(key)
    if version and ((record or {}).get("version_id") or "null") != version:
        versions = s3.object_versions.get_scoped(owner, None, (bucket, key)) or []
        return next((v for v in versions if v["version_id"] == version), None)
    return record


def check_write(principal: PrincipalInfo, bucket: str, key: str, headers: Record, multipart: bool) -> None:
    """Raises unless `principal` may use the key, if any, that a write is encrypted with: in parts, also to decrypt."""
    if used := write_key(bucket, headers):
        actions = ("kms:GenerateDataKey", "kms:Decrypt") if multipart else ("kms:GenerateDataKey",)
        check_key(principal, actions, used, bucket, key, headers)


def check_read(principal: PrincipalInfo, bucket: str, key: str, version: str | None = None) -> None:
    """Raises unless `principal` may decrypt with the key, if any, that an object or its version is encrypted with."""
    record = stored_version(bucket, key, version)
    headers = within(record or {}, "preserved_headers")
    if used := headers.get(KEY_HEADER):
        check_key(principal, ("kms:Decrypt",), used, bucket, key, headers)


async def handle_request(
    stock: Handler,
    method: str,
    path: str,
    headers: Record,
    body: bytes,
    query_params: Record,
    *args: Any,
    internal: bool = False,
    **kwargs: Any,
) -> Answer:
    """Handles a request of S3's once the caller may use the keys of what it reads, writes and copies: AccessDenied, or
    KMS's error with status 400. `internal` requests are not checked."""
    bucket, key = s3.bucket_and_key(path, headers)
    subresource = query_params.keys() - {"x-id", "versionId", "partNumber", "uploadId", "uploads"}
    if key and not internal and not subresource and bucket_owner(bucket):
        try:
            if method == "GET" and "uploadId" not in query_params:
                check_read(
                    caller(headers, query_params), bucket, key, (query_params.get("versionId") or [None])[0]
                )
            elif (method == "POST" and "uploads" in query_params) or (
                method == "PUT" and "uploadId" not in query_params
            ):
                check_write(caller(headers, query_params), bucket, key, headers, method == "POST")
            if method == "PUT" and (source := headers.get("x-amz-copy-source")):
                name, _, version = unquote(source).lstrip("/").partition("?versionId=")
                source_bucket, _, source_key = name.partition("/")
                check_read(caller(headers, query_params), source_bucket, source_key, version or None)
        except Denied as denied:
            return s3.error("AccessDenied", str(denied), 403, path)
        except MissingKey as missing:
            return s3.error(str(missing).split(":")[0], str(missing), 400, path)
    return await stock(method, path, headers, body, query_params, *args, internal=internal, **kwargs)


async def write_multipart(
    principal: PrincipalInfo, bucket: str, key: str, body: bytes, headers: Record
) -> Record:
    """Write an object in parts for `principal`, evaluated as its own request. Returns etag, version id and size."""
    check(principal, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
    check_write(principal, bucket, key, headers, True)
    path = f"/{bucket}/{key}"
    with request_scope(bucket_owner(bucket) or get_account_id(), get_region()):

        async def call(method: str, data: bytes, query: Record, extra: Record | None = None):
            status, answer_headers, answer = await s3.handle_request.current(
                method, path, extra or {}, data, query, internal=True
            )
            if status >= 300:
                raise S3Error(status, answer)
            return {k.lower(): v for k, v in answer_headers.items()}, answer

        _, created = await call("POST", b"", {"uploads": [""]}, headers)
        upload = re.search(rb"<UploadId>([^<]+)", created).group(1).decode()  # type: ignore[union-attr]  # S3 answers so
        parts = ""
        for number, start in enumerate(range(0, max(len(body), 1), PART), 1):
            answer, _ = await call(
                "PUT", body[start : start + PART], {"partNumber": [str(number)], "uploadId": [upload]}
            )
            parts += f"<Part><PartNumber>{number}</PartNumber><ETag>{answer['etag']}</ETag></Part>"
        done, xml = await call(
            "POST",
            f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode(),
            {"uploadId": [upload]},
        )
    etag = re.search(rb"<ETag>(?:&quot;|\")?([0-9a-f-]+)", xml)
    return {
        "etag": etag.group(1).decode() if etag else "",
        "version_id": done.get("x-amz-version-id"),
        "size": len(body),
        "md5": hashlib.md5(body).hexdigest(),
    }


def install() -> None:
    """Puts `handle_request` around ministack's."""
    s3.handle_request.wrap(handle_request)
