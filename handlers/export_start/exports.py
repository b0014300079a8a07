"""What an export's request holds, and what each refusal means. Pure.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html
Limit: 300 exports, or tables of 100 TB in all, at a time in an account and region (DynamoDB quotas).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import variables
from botocore.exceptions import ClientError


@dataclass(frozen=True)
class Settings:
    """The function's environment."""

    tables: tuple[str, ...]
    bucket: str
    bucket_owner: str
    prefix: str
    kms_key_arn: str | None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """From the environment. Raises KeyError for a variable that is not there."""
        return cls(
            tables=tuple(json.loads(environ[variables.TABLES])),
            bucket=environ[variables.BUCKET],
            bucket_owner=environ[variables.BUCKET_OWNER],
            prefix=environ[variables.PREFIX],
            kms_key_arn=environ.get(variables.KMS_KEY_ARN) or None,
        )


class ExportsNotStarted(Exception):
    """Names every table whose export did not start, and why."""

    def __init__(self, failed: Mapping[str, str], started: int):
        reasons = "; ".join(f"{table_name(arn)}: {reason}" for arn, reason in failed.items())
        super().__init__(f"{len(failed)} of {len(failed) + started} exports did not start. {reasons}")


def table_name(arn: str) -> str:
    """A table's name, by its ARN."""
    return arn.rpartition("/")[2]


def request(table_arn: str, due: datetime, settings: Settings) -> dict[str, Any]:
    """The parameters of ExportTableToPointInTime."""
    encryption = (
        {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": settings.kms_key_arn}
        if settings.kms_key_arn
        else {"S3SseAlgorithm": "AES256"}
    )
    parameters: dict[str, Any] = {
        "TableArn": table_arn,
        "ExportType": "FULL_EXPORT",
        "ExportFormat": "DYNAMODB_JSON",
        "ExportTime": due,
        "S3Bucket": settings.bucket,
        "S3BucketOwner": settings.bucket_owner,
        "S3Prefix": f"{settings.prefix}{table_name(table_arn)}",
        **encryption,
    }
    return parameters | {"ClientToken": client_token(parameters)}


def client_token(parameters: Mapping[str, Any]) -> str:
    """The same for every try of one scheduled run, so that a second try starts no second export. Other parameters get
    another token: for 8 hours DynamoDB refuses a known token with other parameters, also those of another stack's
    export of the same table."""
    return hashlib.sha256(repr(sorted(parameters.items())).encode()).hexdigest()[:32]


def explain(error: Exception, settings: Settings) -> str:
    """What was refused and what to do about it."""
    if not isinstance(error, ClientError):
        return f"no answer from DynamoDB: {error}"
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    meaning = MEANINGS.get(code)
    return f"{code}: {message}" + (f" ({meaning.format(s=settings)})" if meaning else "")


MEANINGS = {
    "PointInTimeRecoveryUnavailableException": "point-in-time recovery is off; turn it on for the table",
    "TableNotFoundException": "no such table in the account and region of the function",
    "InvalidExportTimeException": "the scheduled time is outside the table's point-in-time recovery window: "
    "before recovery was turned on, more than 35 days back, or not yet past; the next run has a later one",
    "LimitExceededException": "300 exports or 100 TB are under way in this account and region; "
    "run fewer at once, or let the retry of this run find room",
    "ExportConflictException": "another write to {s.bucket}/{s.prefix} was under way; a later try of this run is safe",
    "AccessDeniedException": "the function's role needs dynamodb:ExportTableToPointInTime on the table, "
    "s3:PutObject, s3:PutObjectAcl and s3:AbortMultipartUpload on {s.bucket}/{s.prefix}*, "
    "and the use of the bucket's KMS key",
    "ThrottlingException": "still throttled after every retry; a later try of this run is safe",
}
