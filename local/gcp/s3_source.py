"""Amazon S3 as Google's transfer services read it: signed with the key they were given, errors as they word them.

Messages: "Amazon S3 transfer issues"
(https://docs.cloud.google.com/bigquery/docs/transfer-troubleshooting#amazon_s3_transfer_issues).
"""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CONFIG = Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "total_max_attempts": 2})


class Denied(Exception):
    """AWS refused the key, or what the key may do."""


def client(
    service: str, endpoint: str, key: str, secret: str, token: str | None = None, region: str = "us-east-1"
) -> Any:
    """A client of boto3 for one service at the endpoint; the bucket is in the path, a call is tried twice at most."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=CONFIG,
    )


def listing(s3: Any, bucket: str, prefix: str) -> list[dict[str, Any]]:
    """Every object under a prefix, after asking for the bucket's location, as both services do."""
    try:
        s3.get_bucket_location(Bucket=bucket)
    except ClientError as error:
        text = wording(error)
        raise Denied(
            text
            if "key" in text.lower()
            else f"Failed to obtain the location of the source S3 bucket. Additional details: {text}"
        ) from None
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry for page in pages for entry in page.get("Contents", [])]
    except ClientError as error:
        raise Denied(f"{wording(error)} (listing s3://{bucket}/{prefix})") from None


def content(s3: Any, bucket: str, key: str, etag: str | None = None) -> bytes:
    """An object's bytes; of the version that was listed where `etag` says which."""
    try:
        return s3.get_object(Bucket=bucket, Key=key, **({"IfMatch": etag} if etag else {}))["Body"].read()
    except ClientError as error:
        raise Denied(f"{wording(error)} (reading s3://{bucket}/{key})") from None


def wording(error: ClientError) -> str:
    """AWS's message, else the error's code, as a transfer service repeats it."""
    return error.response["Error"].get("Message") or error.response["Error"].get("Code", str(error))
