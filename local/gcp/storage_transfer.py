"""The Storage Transfer Service, v1, from S3 by a federated role into Cloud Storage; nobody publishes an emulator of it.

The project's agent takes the role on at the embedded AWS's STS with a web identity of `accounts.google.com` whose `sub`
is its subject id: the role's trust decides. With those temporary credentials S3 is listed and read, and SQS polled for
events; with the agent's roles on the bucket the copies are written. An operation has counters and errors; its end is
published to the job's topic. At most one operation of a job is active; a scheduled one that meets another is left out.

Sources: "Configure access to a source: Amazon S3" (https://docs.cloud.google.com/storage-transfer/docs/source-amazon-s3),
"Event-driven transfers from AWS S3" (https://docs.cloud.google.com/storage-transfer/docs/event-driven-aws), "Cloud
Storage as a sink" (https://docs.cloud.google.com/storage-transfer/docs/sink-cloud-storage), "Resource: transferJobs"
(https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs), "TransferSpec"
(https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/TransferSpec).
Missing: other sources and sinks, deletions, manifests, the identity token's signature (the embedded STS checks none),
other object conditions than prefixes and the time since a modification.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from local.gcp import clock
from local.gcp.refusals import Body, Refused, denied
from local.gcp.resources import Resources, now
from local.gcp.s3_source import Denied, client, content, listing, wording
from local.gcp.storage import Storage
from local.gcp.wire import Route
from local.plain import within

COUNTERS = ("objectsFoundFromSource", "bytesFoundFromSource", "objectsFromSourceSkippedBySync",
            "objectsCopiedToSink", "bytesCopiedToSink", "objectsFromSourceFailed")  # fmt: skip
LEAST = timedelta(hours=1)
Errors = dict[tuple[str, str], list[str]]
"""(code, message) -> the URLs that could not be transferred for it."""
EVENTS_EVERY = 1.0  # seconds between two reads of a queue


def seconds(duration: str) -> timedelta:
    """A duration of JSON's form (`3.5s`); Refused, with 400, on another and on a negative one."""
    if not re.fullmatch(r"\d+(\.\d{1,9})?s", duration):
        raise Refused(400, f"Invalid duration {duration!r}: seconds that end in 's'")
    return timedelta(seconds=float(duration[:-1]))


def wrong_name(name: str) -> str | None:
    """Why a job can't be called so (transferJobs, "name"), in the service's words where they are known."""
    if not re.fullmatch(r"transferJobs/[^/]+", name):
        return 'The TransferJob name must be in the pattern of "transferJobs/[^/]+".'
    # OPI is for transfers from file systems, which are not carried out here.
    if len(name) > 128 or not re.fullmatch(r"transferJobs/(?!OPI)[A-Za-z0-9._~-]*[A-Za-z0-9]", name):
        return f"Invalid transfer job name {name!r}"
    return None


class StorageTransfer:
    """Jobs and operations by name, when scheduled jobs are due, and the loop that starts them and reads queues."""

    def __init__(self, resources: Resources, storage: Storage, aws_endpoint: str):
        self.resources, self.storage, self.aws = resources, storage, aws_endpoint
        self.jobs: dict[str, Body] = {}
        self.operations: dict[str, Body] = {}
        self.due: dict[str, datetime] = {}
        self.turns: dict[str, threading.Lock] = {}
        self.stopped = threading.Event()

    @cached_property
    def sts(self) -> Any:
        """A client of the embedded AWS's STS that signs nothing: who takes a role on by web identity has no key yet."""
        return boto3.client(
            "sts", endpoint_url=self.aws, region_name="us-east-1", config=Config(signature_version=UNSIGNED)
        )

    def routes(self) -> list[Route]:
        """The methods of transfer jobs, their operations and their agent, each as HTTP verbs, path and handler."""
        job = r"/v1/(transferJobs/[^/:]+)"
        return [
            ("GET", r"/v1/googleServiceAccounts/([^/]+)", lambda b, q, project: self.agent(project)),
            ("POST", "/v1/transferJobs", self.create),
            ("GET", "/v1/transferJobs", self.jobs_of),
            ("GET", job, lambda b, q, name: self.job(name)),
            ("PATCH", job, self.patch),
            ("DELETE", job, lambda b, q, name: self.delete(name)),
            ("POST", job + ":run", self.run),
            ("GET", "/v1/transferOperations", self.listed),
            ("GET", r"/v1/(transferOperations/[^/:]+)", lambda b, q, name: self.operation(name)),
        ]

    def agent(self, project: str) -> Body:
        """Answers googleServiceAccounts.get: an address that projects share here, and 21 digits of each's own."""
        subject = int(hashlib.sha256(project.encode()).hexdigest(), 16) % 10**20 + 10**20
        email = "project-1@storage-transfer-service.iam.gserviceaccount.com"
        return {"accountEmail": email, "subjectId": str(subject)}

    def job(self, name: str) -> Body:
        """Answers transferJobs.get: the job, a deleted one too; 404 where none has the name."""
        if name not in self.jobs:
            raise Refused(404, f"Requested entity was not found: {name}")
        return self.jobs[name]

    def operation(self, name: str) -> Body:
        """Answers transferOperations.get: the operation, counters as they are now; 404 where none has the name."""
        if name not in self.operations:
            raise Refused(404, f"Requested entity was not found: {name}")
        return self.operations[name]

    def listed(self, body: Body, query: Body) -> Body:
        """Answers transferOperations.list, the latest first: the filter has a `projectId`; its `jobNames` select."""
        wanted = json.loads(query.get("filter", "{}"))
        if not wanted.get("projectId"):
            raise Refused(400, "filter: projectId is required")
        names = wanted.get("jobNames")
        operations = [
            operation
            for operation in reversed(self.operations.values())
            if operation["metadata"]["projectId"] == wanted["projectId"]
            and (not names or operation["metadata"]["transferJobName"] in names)
        ]
        return {"operations": operations}

    def jobs_of(self, body: Body, query: Body) -> Body:
        """A project's jobs, deleted ones among them."""
        wanted = json.loads(query.get("filter", "{}"))
        if not wanted.get("projectId"):
            raise Refused(400, "filter: projectId is required")
        return {
            "transferJobs": [job for job in self.jobs.values() if job["projectId"] == wanted["projectId"]]
        }

    def create(self, body: Body, query: Body) -> Body:
        """Answers transferJobs.create: the job, ENABLED where it has no status; 409 where its name was ever in use."""
        name = body.get("name") or f"transferJobs/{uuid.uuid4().int % 10**20}"
        if why := wrong_name(name):
            raise Refused(400, why)
        if name in self.jobs:  # deleted or not
            raise Refused(409, f"Transfer job {name} already exists")
        self.check(body)
        self.jobs[name] = {"status": "ENABLED"} | body | {"name": name, "creationTime": now()}
        self.turns[name] = threading.Lock()
        self.plan(name)
        return self.jobs[name]

    def patch(self, body: Body, query: Body, name: str) -> Body:
        """Answers transferJobs.patch: the job with the mask's fields set, or cleared where the body lacks them."""
        fields, change = body.get("updateTransferJobFieldMask", "").split(","), body.get("transferJob", {})
        changed = self.job(name) | {field: change.get(field) for field in fields if field}
        self.check(changed := {k: v for k, v in changed.items() if v is not None})
        self.jobs[name] = changed
        self.plan(name)
        return changed

    def delete(self, name: str) -> Body:
        """A deleted job is still there, with its name, until it is collected 30 days later."""
        self.jobs[name] = self.job(name) | {"status": "DELETED"}
        self.plan(name)
        return {}

    def check(self, job: Body) -> None:
        """Refuse what the service does not take, or can't reach in Cloud Storage."""
        spec = within(job, "transferSpec")
        source, sink = within(spec, "awsS3DataSource"), within(spec, "gcsDataSink")
        if not re.fullmatch(r"arn:aws[\w-]*:iam::\d{12}:role/\S+", source.get("roleArn", "")):
            raise Refused(400, "The local Storage Transfer takes an awsS3DataSource with a roleArn only")
        if ("schedule" in job) == ("eventStream" in job):
            raise Refused(400, "Either schedule or eventStream must be set")
        if "eventStream" in job and not re.match(r"arn:aws[\w-]*:sqs:", job["eventStream"].get("name", "")):
            raise Refused(400, "eventStream.name must be the ARN of an SQS queue")
        if seconds(within(job, "schedule").get("repeatInterval", "86400s")) < LEAST:
            raise Refused(400, "repeatInterval must not be less than 1 hour")
        for path in (source.get("path", "a/"), sink.get("path", "a/")):
            if not path.endswith("/") or path.startswith("/"):
                raise Refused(400, f"Invalid path {path!r}: it must end with '/' and must not start with it")
        options = within(spec, "transferOptions")
        if options.get("deleteObjectsUniqueInSink") or options.get("deleteObjectsFromSourceAfterTransfer"):
            raise Refused(400, "The local Storage Transfer deletes nothing")
        prefixes: list[str] = within(spec, "objectConditions").get("includePrefixes", [])
        for prefix in prefixes:
            if prefix.startswith("/") or sum(prefix.startswith(other) for other in prefixes) > 1:
                raise Refused(
                    400, f"Invalid include prefix {prefix!r}: it starts with '/' or with another one"
                )
        agent = self.agent(job["projectId"])["accountEmail"]
        self.storage.allow(agent, "buckets.get", sink.get("bucketName", ""))
        if topic := within(job, "notificationConfig").get("pubsubTopic"):
            self.resources.find(self.resources.topics, topic)
            bound = [m for b in self.resources.policy(topic)["bindings"] if b["role"] == "roles/pubsub.publisher"
                     for m in b["members"]]  # fmt: skip
            if f"serviceAccount:{agent}" not in bound:
                lacks = f"{agent} does not have pubsub.topics.publish on {topic}"
                raise denied(agent, "pubsub.topics.publish", topic, lacks)

    def plan(self, name: str) -> None:
        """When a scheduled job starts next: at its start, or where that is past on the day after its creation."""
        job = self.jobs[name]
        self.due.pop(name, None)
        if not (schedule := job.get("schedule")) or job["status"] != "ENABLED":
            return
        date, at = schedule["scheduleStartDate"], within(schedule, "startTimeOfDay")
        of_day = timedelta(
            hours=at.get("hours", 0), minutes=at.get("minutes", 0), seconds=at.get("seconds", 0)
        )
        created = datetime.fromisoformat(job["creationTime"])
        due = datetime(date["year"], date["month"], date["day"], tzinfo=UTC) + of_day
        if due <= created:
            due = datetime(created.year, created.month, created.day, tzinfo=UTC) + timedelta(days=1) + of_day
        every = seconds(schedule.get("repeatInterval", "86400s"))
        self.due[name] = due + every * max(0, -((due - clock.now()) // every))

    def keep_going(self) -> None:
        """Start what is due and take events, until stopped."""
        while not self.stopped.wait(EVENTS_EVERY):
            for name, job in list(self.jobs.items()):
                if name in self.due and self.due[name] <= clock.now():
                    self.plan(name)
                    self.start(name, None)
                elif "eventStream" in job and job["status"] == "ENABLED" and not self.turns[name].locked():
                    self.start(name, job["eventStream"]["name"])

    def run(self, body: Body, query: Body, name: str) -> Body:
        """Answers transferJobs.run: a new operation; 412 for a deleted or active job, 400 for one of events."""
        if self.job(name)["status"] == "DELETED":
            raise Refused(412, f"{name} is deleted")
        if "eventStream" in self.job(name):
            raise Refused(400, "An event-driven job can't be run by hand")
        if not (operation := self.start(name, None)):
            raise Refused(412, f"{name} has an active operation")
        return operation

    def start(self, name: str, queue: str | None) -> Body | None:
        """A new operation of the job, or None while another is active."""
        if not self.turns[name].acquire(blocking=False):
            return None
        operation = f"transferOperations/{name.replace('/', '-')}-{uuid.uuid4().int % 10**19}"
        metadata = {
            "name": operation,
            "projectId": self.jobs[name]["projectId"],
            "transferSpec": self.jobs[name]["transferSpec"],
            "transferJobName": name,
            "startTime": now(),
            "status": "IN_PROGRESS",
            "counters": dict.fromkeys(COUNTERS, "0"),
        }
        record = {"name": operation, "metadata": metadata, "done": False}
        if queue is None:
            self.operations[operation] = record
        begun = copy.deepcopy(record)  # before its thread changes it
        threading.Thread(target=self.operate, args=(name, record, queue), daemon=True).start()
        return begun

    def operate(self, name: str, operation: Body, queue: str | None) -> None:
        """Carries an operation out and ends it; of a queue it is listed only where events came or a new error did."""
        metadata, errors = operation["metadata"], Errors()
        try:
            keys = self.credentials(
                metadata["projectId"], metadata["transferSpec"]["awsS3DataSource"]["roleArn"]
            )
            if queue is None:
                self.copy(metadata, keys, None, errors)
            elif not self.take(name, operation, keys, queue, errors):
                return  # no event, no operation
        except Exception as error:  # an operation has to end in a status, whatever breaks here
            # Refused events come again: what fails the same way over and over is one operation.
            known = [
                o["metadata"] for o in self.operations.values() if o["metadata"]["transferJobName"] == name
            ]
            errors[
                ("PERMISSION_DENIED" if isinstance(error, Denied | Refused) else "INTERNAL", str(error))
            ] = [""]
            again = bool(queue and known and str(error) in str(known[-1].get("errorBreakdowns")))
            time.sleep(0.5 if again else 0)
            if again:
                return
            self.operations[operation["name"]] = operation
        finally:
            if operation["name"] in self.operations:
                self.end(name, operation, errors)
            self.turns[name].release()

    def end(self, name: str, operation: Body, errors: Errors) -> None:
        """Gives an operation its status, its end and its errors, each with five URLs at most, and publishes it."""
        metadata, status = operation["metadata"], "FAILED" if errors else "SUCCESS"
        if errors:
            metadata["errorBreakdowns"] = [
                {"errorCode": code, "errorCount": str(len(urls)), "errorLogEntries": [
                    {"url": url, "errorDetails": [message]} for url in urls[:5]]}
                for (code, message), urls in errors.items()
            ]  # fmt: skip
        metadata |= {"status": status, "endTime": now()}
        operation["done"] = True
        config, kind = within(self.jobs.get(name, {}), "notificationConfig"), f"TRANSFER_OPERATION_{status}"
        if kind in config.get("eventTypes", [kind]) and config.get("pubsubTopic"):
            attributes = {"eventType": kind, "payloadFormat": config["payloadFormat"], "transferJobName": name,
                          "projectId": metadata["projectId"], "transferOperationName": operation["name"]}  # fmt: skip
            data = base64.b64encode(json.dumps(operation).encode()).decode()
            self.resources.publish(config["pubsubTopic"], {"data": data, "attributes": attributes})

    def credentials(self, project: str, role: str) -> tuple[str, str, str]:
        """What STS gives the project's agent for its identity token."""
        subject = self.agent(project)["subjectId"]
        claims = {"iss": "https://accounts.google.com", "sub": subject, "aud": subject, "azp": subject}
        parts: tuple[Body, ...] = ({"alg": "RS256", "typ": "JWT"}, claims, {})
        token = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
        try:
            credentials = self.sts.assume_role_with_web_identity(
                RoleArn=role, RoleSessionName="storage-transfer", WebIdentityToken=token
            )["Credentials"]
        except ClientError as error:  # in STS's words, which name neither caller nor role
            if error.response["Error"]["Code"] == "AccessDenied":
                denied(f"accounts.google.com:{subject}", "sts:AssumeRoleWithWebIdentity", role, "")
            raise Denied(f"The agent may not assume {role}: {wording(error)}") from None
        return credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]

    def take(
        self, name: str, operation: Body, keys: tuple[str, str, str], queue: str, errors: Errors
    ) -> bool:
        """Copies what the queue's events name, and takes those away that need not come again."""
        *_, region, account, leaf = queue.split(":")
        sqs, url = client("sqs", self.aws, *keys, region=region), f"{self.aws}/{account}/{leaf}"
        try:
            got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            records = {m["ReceiptHandle"]: json.loads(m["Body"]).get("Records", []) for m in got}
            if any(records.values()):
                self.operations[operation["name"]] = operation
            for handle, record in records.items():
                sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=300)
                before = len(errors)
                objects = [r["s3"]["object"] for r in record if "ObjectCreated" in r["eventName"]]
                named = {unquote_plus(o["key"]): o.get("eTag", "") for o in objects}
                self.copy(operation["metadata"], keys, named, errors)
                if len(errors) == before:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
        except ClientError as error:
            raise Denied(f"{wording(error)} (events of {queue})") from None
        return any(records.values())

    def copy(
        self, metadata: Body, keys: tuple[str, str, str], named: dict[str, str] | None, errors: Errors
    ) -> None:
        """Copies what S3 lists, or what events `named` (key -> ETag), into the sink; counts, and adds to `errors`."""
        spec, agent = metadata["transferSpec"], self.agent(metadata["projectId"])["accountEmail"]
        source, sink, bucket = spec["awsS3DataSource"], spec["gcsDataSink"], spec["gcsDataSink"]["bucketName"]
        conditions, root, s3 = (
            within(spec, "objectConditions"),
            source.get("path", ""),
            client("s3", self.aws, *keys),
        )
        prefixes: list[str] = conditions.get("includePrefixes") or [""]
        below = [root + prefix for prefix in prefixes]
        if named is None:
            objects = [o for prefix in below for o in listing(s3, source["bucketName"], prefix)]
            oldest = conditions.get("maxTimeElapsedSinceLastModification")
            since = datetime.now(UTC) - seconds(oldest) if oldest else datetime.min.replace(tzinfo=UTC)
            objects = [o for o in objects if o["LastModified"] >= since and not o["Key"].endswith("/")]
        else:
            objects = [
                {"Key": key, "ETag": named[key]} for key in sorted(named) if key.startswith(tuple(below))
            ]
        when = within(spec, "transferOptions").get("overwriteWhen", "DIFFERENT")
        for permission in ("objects.list", "objects.create", *(["objects.get"] if when != "ALWAYS" else [])):
            self.storage.allow(agent, permission, bucket)
        for item in objects:
            key, etag = sink.get("path", "") + item["Key"].removeprefix(root), item["ETag"].strip('"')
            there = self.storage.objects[bucket].get(key)
            self.count(metadata, "objectsFoundFromSource")
            same = there is not None and (when == "NEVER" or there["metadata"]["etag"] == etag)
            if same and when != "ALWAYS":
                self.count(metadata, "objectsFromSourceSkippedBySync")
                continue
            try:
                if there:
                    self.storage.allow(agent, "objects.delete", bucket)
                # Of an event the object may have been written again, and then there comes another event.
                data = content(s3, source["bucketName"], item["Key"], None if named else etag)
            except (Denied, Refused) as error:
                self.count(metadata, "objectsFromSourceFailed")
                errors.setdefault(("PERMISSION_DENIED", str(error)), []).append(item["Key"])
                continue
            self.storage.put(bucket, key, data, {"etag": etag})
            for counter, by in (("objectsCopiedToSink", 1), ("bytesCopiedToSink", len(data))):
                self.count(metadata, counter, by)
            self.count(metadata, "bytesFoundFromSource", len(data))

    @staticmethod
    def count(metadata: Body, counter: str, by: int = 1) -> None:
        """Adds to a counter of an operation's metadata, where it is text, as JSON has an int64."""
        metadata["counters"][counter] = str(int(metadata["counters"][counter]) + by)
