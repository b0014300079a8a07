"""Replicates the objects that were in a bucket before its replication rules: one S3 Batch Replication job.

Invoked by the deployment (aws.lambda_.Invocation with lifecycle_scope CRUD). Event: {"tf": {"action",
"prev_input"}} and whatever else the input holds; its other values are part of the job's identity: a changed
input (such as {"run": 2}) makes a new job, the same input makes none. Returns {"job_id": the job, or
null, "cancelled": [job ids]}.
- create: makes the job. Repeated, S3 answers with the same job, by its ClientRequestToken.
- update: cancels the former input's job if it is still running and makes the new one.
- delete: cancels the job if it is still running. Objects stay as they are, on both sides.

Environment: components/shared/variables.py.
"""

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from backfilling import RUNNING, Settings, job, jobs_to_cancel, token
from botocore.config import Config

logger = Logger(service="backfill")
settings = Settings.read(os.environ)
s3control = boto3.client("s3control", config=Config(retries={"mode": "standard", "total_max_attempts": 6}))


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Makes the job that the event describes, and cancels the one that a former event made."""
    cancelled = [cancel(job_id) for job_id in jobs_to_cancel(event, running_jobs, settings)]
    job_id = None
    if event["tf"]["action"] != "delete":
        job_id = s3control.create_job(**job(token(event, settings), settings))["JobId"]
        logger.info("backfill job made", job_id=job_id)
    return {"job_id": job_id, "cancelled": cancelled}


def running_jobs() -> list[dict[str, Any]]:
    """The account's jobs that may still replicate objects."""
    jobs: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:  # botocore has no paginator for it
        page = s3control.list_jobs(AccountId=settings.account_id, JobStatuses=RUNNING, **more)
        jobs += page.get("Jobs", [])
        if not page.get("NextToken"):
            return jobs
        more = {"NextToken": page["NextToken"]}


def cancel(job_id: str) -> str:
    """Cancels a job; returns its id."""
    s3control.update_job_status(AccountId=settings.account_id, JobId=job_id, RequestedJobStatus="Cancelled")
    logger.info("backfill job cancelled", job_id=job_id)
    return job_id
