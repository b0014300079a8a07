"""S3 Batch Replication: what was in a bucket before its rules, or failed, replicated once by a job.

CreateJob, DescribeJob, ListJobs and UpdateJobStatus of S3 Control, for Operation S3ReplicateObject with a manifest
that S3 generates (EligibleForReplication, ObjectReplicationStatuses, KeyNameConstraint). The job acts under its own
role (s3:GetReplicationConfiguration, s3:PutInventoryConfiguration, s3:InitiateReplication, and s3:PutObject for the
report); each replica is then made under the rule's role. A ClientRequestToken names one job. Other operations are
refused. A job that finds no object, or whose role is refused, ends as Failed with its reason. A job's tags are
conditions on who makes it (aws:RequestTag, with s3:PutJobTagging) and who changes its status (aws:ResourceTag).
Source: docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html,
s3-batch-replication-policies.html;
docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-examples-reports.html.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import time
import uuid
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from local.plain import is_list, is_object, within

from ..background import in_background
from ..iam.authorization import Denied, assume, bucket_owner, caller, check
from ..seams import app, s3
from ..seams.iam_evaluator import PrincipalInfo
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import get_account_id, get_region, request_scope
from .encryption import MissingKey, S3Error, stored_version, write_multipart
from .replication import Operation, covers, matching, replicate

PATH, SERVICE = "/v20180820/jobs", "batchoperations.s3.amazonaws.com"
ENDED = ("Complete", "Failed", "Cancelled")
jobs: dict[str, dict[str, Any]] = {}


class Failed(Exception):
    """Why a job ends as Failed."""


def tree(element: ElementTree.Element) -> Any:
    """An XML request as nested dicts; <member> elements make a list."""
    children = list(element)
    if not children:
        return element.text or ""
    if all(child.tag.split("}")[-1] == "member" for child in children):
        return [tree(child) for child in children]
    return {child.tag.split("}")[-1]: tree(child) for child in children}


def xml(name: str, value: Any) -> str:
    """A value as an XML element of that name; in it a dict's items are elements, a list's `member` elements."""
    if is_object(value):
        return f"<{name}>{''.join(xml(k, v) for k, v in value.items())}</{name}>"
    if is_list(value):
        return f"<{name}>{''.join(xml('member', v) for v in value)}</{name}>"
    return f"<{name}>{escape(str(value).lower() if isinstance(value, bool) else str(value))}</{name}>"


def answer(name: str, value: Record, status: int = 200) -> Answer:
    """An answer of S3 Control's: status, headers, and the value as XML."""
    return status, {"Content-Type": "application/xml"}, f'<?xml version="1.0"?>{xml(name, value)}'.encode()


def error(code: str, message: str, status: int = 400) -> Answer:
    """S3 Control's ErrorResponse with the code and the message."""
    return answer("ErrorResponse", {"Error": {"Code": code, "Message": message}}, status)


def manifest(job: Record) -> list[Operation]:
    """Every version that a rule covers and that has one of the requested statuses; in the owner's scope."""
    generator = job["ManifestGenerator"]["S3JobManifestGenerator"]
    bucket, wanted = generator["SourceBucket"].split(":::")[-1], within(generator, "Filter")
    statuses = wanted.get("ObjectReplicationStatuses") or ["NONE", "FAILED", "COMPLETED", "REPLICA"]
    prefixes = tuple(within(wanted, "KeyNameConstraint").get("MatchAnyPrefix") or [""])
    keys_and_versions = {
        (key, record.get("version_id") or "null") for key, record in s3.buckets[bucket]["objects"].items()
    }
    keys_and_versions |= {
        (name[1], version["version_id"])
        for name, versions in s3.object_versions.items()
        if name[0] == bucket
        for version in versions
        if not version.get("is_delete_marker")
    }
    operations: list[Operation] = []
    for key, version in sorted(keys_and_versions):
        record = stored_version(bucket, key, version) or {}
        if key.startswith(prefixes) and (record.get("replication_status") or "NONE") in statuses:
            tags = within(s3.object_tags, (bucket, key, version))
            operations += [
                Operation(get_account_id(), bucket, key, version, rule, role, record.get("size", 0))
                for rule, role in matching(bucket, key, tags)
                if covers(rule, record)
            ]
    return operations


async def run(job: Record) -> None:
    """Runs a job to its end: makes the replicas of its manifest one after another, and then its report."""
    generator = job["ManifestGenerator"]["S3JobManifestGenerator"]
    bucket = generator["SourceBucket"].split(":::")[-1]
    try:
        job.update(Status="Preparing")
        principal = assume(job["RoleArn"], SERVICE, job["JobArn"])
        for action in ("s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"):
            check(principal, action, f"arn:aws:s3:::{bucket}")
        if bucket_owner(bucket) is None:
            raise Failed(f"the source bucket {bucket} does not exist")
        with request_scope(bucket_owner(bucket) or "", get_region()):
            operations = manifest(job)
        if not operations:
            raise Failed("the manifest generator found no objects that match the criteria")
        if job["Status"] == "Cancelled":
            return
        job.update(Status="Active")
        job["ProgressSummary"]["TotalNumberOfTasks"] = len(operations)
        rows: list[list[str]] = []
        for operation in operations:
            if job["Status"] == "Cancelled":
                return
            try:
                check(principal, "s3:InitiateReplication", f"arn:aws:s3:::{bucket}/{operation.key}")
                with request_scope(operation.owner, get_region()):
                    done, why = (
                        replicate(operation),
                        "replication failed; the cloud's log names the missing grant",
                    )
            except Denied as denied:
                done, why = False, str(denied)
            job["ProgressSummary"]["NumberOfTasksSucceeded" if done else "NumberOfTasksFailed"] += 1
            rows.append(
                [
                    bucket,
                    operation.key,
                    operation.version,
                    "succeeded" if done else "failed",
                    "200" if done else "403",
                    "" if done else "AccessDenied",
                    "Successful" if done else why,
                ]
            )
            await asyncio.sleep(0)
        await report(principal, job, rows)
        job["Status"] = "Complete"
    except (Denied, Failed, MissingKey, S3Error) as why:
        job.update(
            Status="Failed",
            FailureReasons=[
                {"FailureCode": getattr(why, "code", type(why).__name__), "FailureReason": str(why)}
            ],
        )
    finally:
        job["TerminationDate"] = now()


# Of a report, whatever its bucket's default:
# docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-create-job.html.
OWN_KEY = {"x-amz-server-side-encryption": "AES256"}


async def report(principal: PrincipalInfo, job: Record, rows: list[list[str]]) -> None:
    """Writes the report that the job wants, as the job's role: a CSV file of each state, and `manifest.json`."""
    wanted = job["Report"]
    if wanted.get("Enabled") != "true":
        return
    if wanted.get("ReportScope") == "FailedTasksOnly":
        rows = [row for row in rows if row[3] == "failed"]
    target, base = (
        wanted["Bucket"].split(":::")[-1],
        "/".join(filter(None, [wanted.get("Prefix"), f"job-{job['JobId']}"])),
    )
    listed: list[Record] = []
    for state in ("succeeded", "failed"):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(row for row in rows if row[3] == state)
        body = text.getvalue().encode()
        if body:
            digest = hashlib.md5(body).hexdigest()
            await write_multipart(principal, target, f"{base}/results/{digest}.csv", body, OWN_KEY)
            listed.append(
                {
                    "TaskExecutionStatus": state,
                    "Bucket": target,
                    "MD5Checksum": digest,
                    "Key": f"{base}/results/{digest}.csv",
                }
            )
    summary: Record = {
        "Format": "Report_CSV_20180820",
        "ReportCreationDate": now(),
        "Results": listed,
        "ReportSchema": "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage",
    }
    await write_multipart(principal, target, f"{base}/manifest.json", json.dumps(summary).encode(), OWN_KEY)


def now() -> str:
    """The present time in UTC, to the second, in the form of ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def create(principal: PrincipalInfo, body: bytes) -> Answer:
    """CreateJob: the new job's id, or that of the job with the same ClientRequestToken. The job starts, unless it has
    to be confirmed first. Raises Denied."""
    request = tree(ElementTree.fromstring(body))
    if "S3ReplicateObject" not in within(request, "Operation") or "S3JobManifestGenerator" not in (
        within(request, "ManifestGenerator")
    ):
        return error("InvalidRequest", "only S3ReplicateObject with an S3JobManifestGenerator is done here")
    account, token = get_account_id(), request.get("ClientRequestToken")
    tags = tag_keys("aws:requesttag", request.get("Tags") or [])
    check(principal, "s3:CreateJob", "*", **tags)
    for job in jobs.values():
        if job["account"] == account and job["ClientRequestToken"] == token:
            return answer("CreateJobResult", {"JobId": job["JobId"]})
    if tags:  # docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-batch-operations.html
        check(principal, "s3:PutJobTagging", f"arn:aws:s3:{get_region()}:{account}:job/*", **tags)
    check(principal, "iam:PassRole", request["RoleArn"], **{"iam:passedtoservice": SERVICE})
    identifier = str(uuid.uuid4())
    job = {
        **request,
        "account": account,
        "JobId": identifier,
        "JobArn": f"arn:aws:s3:{get_region()}:{account}:job/{identifier}",
        "Status": "New",
        "CreationTime": now(),
        "ProgressSummary": {"TotalNumberOfTasks": 0, "NumberOfTasksSucceeded": 0, "NumberOfTasksFailed": 0},
    }
    if request.get("ConfirmationRequired") == "true":
        job["Status"] = "Suspended"
    else:
        start(job)
    jobs[identifier] = job
    return answer("CreateJobResult", {"JobId": identifier})


def tag_keys(key: str, tags: list[Record]) -> dict[str, str]:
    """Tags as condition keys, such as `aws:requesttag/<tag>`, with their values."""
    return {f"{key}/{tag['Key'].lower()}": tag["Value"] for tag in tags}


def start(job: Record) -> None:
    """Runs a job behind the answer to the request that starts it."""
    in_background(run(job))


def update(job: Record, requested: str) -> Answer:
    """UpdateJobStatus: cancels a job or starts a suspended one; JobStatusException for a job that has ended."""
    if job["Status"] in ENDED:
        return error("JobStatusException", f"the job is {job['Status']}")
    if requested == "Cancelled":
        job["Status"] = "Cancelled"
    elif requested == "Ready" and job["Status"] == "Suspended":
        start(job)
    return answer("UpdateJobStatusResult", {"JobId": job["JobId"], "Status": job["Status"]})


def route(method: str, path: str, headers: Record, body: bytes, query: Record) -> Answer:
    """Evaluate the caller for the job's action, then do it."""
    parts = path.removeprefix(PATH).strip("/").split("/")
    action = {
        "POST": "UpdateJobStatus" if parts[-1] == "status" else "CreateJob",
        "GET": "DescribeJob" if parts[0] else "ListJobs",
    }[method]
    resource = f"arn:aws:s3:{get_region()}:{get_account_id()}:job/{parts[0]}" if parts[0] else "*"
    own_jobs = {identifier: job for identifier, job in jobs.items() if job["account"] == get_account_id()}
    try:
        principal = caller(headers, query)
        if action == "CreateJob":
            return create(principal, body)
        tags: list[Record] = own_jobs.get(parts[0], {}).get("Tags") or []
        check(principal, f"s3:{action}", resource, **tag_keys("aws:resourcetag", tags))
    except Denied as denied:
        return error("AccessDenied", str(denied), 403)
    if action == "ListJobs":
        wanted = [status for listed in query.get("jobStatuses", []) for status in listed.split(",")]
        names = (
            "JobId",
            "Description",
            "Priority",
            "Status",
            "CreationTime",
            "TerminationDate",
            "ProgressSummary",
        )
        return answer(
            "ListJobsResult",
            {
                "Jobs": [
                    {"Operation": "S3ReplicateObject", **{n: job[n] for n in names if n in job}}
                    for job in own_jobs.values()
                    if not wanted or job["Status"] in wanted
                ]
            },
        )
    if parts[0] not in own_jobs:
        return error("NoSuchJob", f"the job {parts[0]} does not exist", 404)
    if action == "UpdateJobStatus":
        return update(own_jobs[parts[0]], (query.get("requestedJobStatus") or [""])[0])
    return answer(
        "DescribeJobResult",
        {
            "Job": {
                name: value
                for name, value in own_jobs[parts[0]].items()
                if name not in ("account", "ClientRequestToken")
            }
        },
    )


async def shortcuts(
    stock: Handler,
    method: str,
    path: str,
    headers: Record,
    body: bytes,
    query_params: Record,
    request_id: str,
) -> Answer:
    """Answers requests for jobs, once their signature is checked; any other goes to ministack."""
    if path.startswith(PATH) and method in ("GET", "POST"):
        # Before ministack has checked the signature.
        if refused := app.authenticate_only("s3", headers, query_params, request_id):
            return refused
        return route(method, path, headers, body, query_params)
    return await stock(method, path, headers, body, query_params, request_id)


def install() -> None:
    """Puts `shortcuts` in front of what ministack answers before it chooses a service."""
    app.shortcuts.wrap(shortcuts)
