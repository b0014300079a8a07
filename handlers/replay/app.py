"""Puts the records that Firehose failed to deliver onto the stream again, each once.

Event: {"errors": "all" (default) or "transient", "prefix": below the backup's (default all), "dry_run": true to only
report}. `transient` leaves what the index or the transformation refused, since it would be refused again until the
mapping, or the record, is mended, and takes the newest objects first, so that what was left does not hold up the rest.
Returns {"objects", "replayed", "left", "unreadable", "replayed_by_error",
"left_by_error", "complete"}.

An object is deleted once all its records are on the stream; where some are left, it is written anew with just these, so
that the next run takes up there. The bucket's versions keep what was there. Runs do not overlap (the function has one
instance) and are not repeated by Lambda. A run that is killed between the stream's answer and S3's puts that one
object's records twice; one that may not delete or write an object stops there, as the next run puts that one's again.
A line that can't be read stays where it is, and is an error at the end of the run; so is an object that S3 refuses, and
what there was no time for.

Environment: components/shared/variables.py.

Format: https://docs.aws.amazon.com/firehose/latest/dev/retry.html (OpenSearch Serverless)
"""

import os
import time
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from failed import Line, Report, Request, Settings, chosen, lines_of, packed, read_request
from putting import Refused, put_all

logger = Logger(service="replay")
settings = Settings.read(os.environ)
retries = Config(retries={"mode": "standard", "total_max_attempts": 6})
s3, kinesis = (boto3.client(name, config=retries) for name in ("s3", "kinesis"))


class NotAllReplayed(Exception):
    """Names what stayed in the backup bucket against the caller's wish."""


class NotLeft(Exception):
    """S3 did not take an object back whose records are on the stream."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Puts failed records on the stream again. Raises NotAllReplayed."""
    wanted, report = read_request(event, settings), Report()
    for key in keys(wanted):
        if context.get_remaining_time_in_millis() < 120_000:
            report.complete = False
            report.problems.append("time was over before the rest: run it again")
            break
        try:
            replay(key, wanted, report)
        except NotLeft as error:
            report.complete = False
            report.problems.append(f"s3://{settings.bucket}/{key}: replayed, and there still: {error}")
            break
        except (ClientError, BotoCoreError, Refused, OSError, EOFError) as error:
            report.problems.append(f"s3://{settings.bucket}/{key}: {type(error).__name__} {error}")
    counts = report.counts()
    logger.info("replayed", **counts)
    if report.problems:
        raise NotAllReplayed(f"{len(report.problems)} problems, {counts}: " + "; ".join(report.problems[:5]))
    return counts


def keys(wanted: Request) -> list[str]:
    """The backup objects to replay."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=settings.bucket, Prefix=wanted.prefix)
    entries = [entry for page in pages for entry in page.get("Contents", [])]
    if wanted.transient_only:
        entries.sort(key=lambda entry: entry["LastModified"], reverse=True)
    return [entry["Key"] for entry in entries]


def replay(key: str, wanted: Request, report: Report) -> None:
    """Puts an object's records on the stream, and leaves in it what was not put."""
    lines = lines_of(s3.get_object(Bucket=settings.bucket, Key=key)["Body"].read())
    try:
        put_all(kinesis, settings.stream, chosen(lines, wanted), time.sleep)
    finally:
        # Also where the stream failed half-way: what it took must not be put again.
        report.count(lines)
        leave(key, lines)
    if broken := [line.text[:80] for line in lines if line.data is None]:
        report.problems.append(
            f"s3://{settings.bucket}/{key}: {len(broken)} lines are no failed records: {broken[0]}"
        )


def leave(key: str, lines: list[Line]) -> None:
    """Writes what was not sent back, or deletes the object. Raises NotLeft."""
    left = [line for line in lines if not line.sent]
    try:
        if left and len(left) < len(lines):
            s3.put_object(Bucket=settings.bucket, Key=key, Body=packed(key, left))
        elif not left:
            s3.delete_object(Bucket=settings.bucket, Key=key)
    except (ClientError, BotoCoreError) as error:
        raise NotLeft(f"{type(error).__name__} {error}") from error
