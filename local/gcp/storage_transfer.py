"""The Storage Transfer Service, v1, from Amazon S3 to Cloud Storage: on request, or driven by S3's events in an
SQS queue.

AWS is entered by the role that the job names, through AssumeRoleWithWebIdentity with the project's own subject
(no key is stored), or by an access key. An object is copied when the sink lacks it or has other content
(`overwriteWhen: DIFFERENT`) or always (`ALWAYS`).

Sources: "REST Resource: transferJobs"
(https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs), "TransferSpec"
(https://docs.cloud.google.com/storage-transfer/docs/reference/rest/v1/TransferSpec), "Configure access to
Amazon S3: federated identity" (https://docs.cloud.google.com/storage-transfer/docs/source-amazon-s3),
"Event-driven transfers" (https://docs.cloud.google.com/storage-transfer/docs/event-driven-transfers). Missing:
schedules (a job is run by `:run` or by events), deletion at source or sink, notifications, bandwidth limits.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import uuid
from typing import Any
from urllib.parse import quote, unquote_plus

from botocore.exceptions import ClientError

from local.gcp.resources import CODES, Body, Refused, now
from local.gcp.s3_source import Denied, client, content, listing, wording

COUNTERS: tuple[str, ...] = (
    "objectsFoundFromSource",
    "objectsCopiedToSink",
    "objectsFromSourceSkippedBySync",
    "bytesCopiedToSink",
)
KNOWN = {"awsS3DataSource", "gcsDataSink", "objectConditions", "transferOptions"}


class StorageTransfer:
    def __init__(self, storage: Any, aws_endpoint: str, stopped: threading.Event):
        """`storage(method, path, body)` calls Cloud Storage and returns (status, bytes)."""
        self.storage, self.aws, self.stopped = storage, aws_endpoint, stopped
        self.jobs: dict[str, Body] = {}
        self.operations: dict[str, Body] = {}

    def routes(self) -> list[tuple[str, str, Any]]:
        job = r"/v1/(transferJobs/[^/:]+)"
        return [
            ("POST", r"/v1/transferJobs", self.create),
            (
                "GET",
                r"/v1/transferJobs",
                lambda b, q: {
                    "transferJobs": [self.shown(n) for n, j in self.jobs.items() if j["status"] != "DELETED"]
                },
            ),
            ("GET", job, lambda b, q, name: self.shown(name)),
            ("PATCH", job, self.patch),
            ("DELETE", job, lambda b, q, name: self.shown(name) and self.jobs.pop(name) and {}),
            ("POST", job + ":run", self.run),
            (
                "GET",
                r"/v1/(transferOperations/[^/]+)",
                lambda b, q, name: self.operations.get(name) or self.shown(name),
            ),
            ("GET", r"/v1/googleServiceAccounts/([^/]+)", lambda b, q, project: self.agent(project)),
        ]

    def agent(self, project: str) -> Body:
        """The service's own account in a project; an AWS role trusts its subject."""
        number = str(int(hashlib.sha256(project.encode()).hexdigest()[:12], 16))
        return {
            "accountEmail": f"project-{number}@storage-transfer-service.iam.gserviceaccount.com",
            "subjectId": "1" + number.zfill(20)[:20],
        }

    def shown(self, name: str) -> Body:
        if name not in self.jobs:
            raise Refused(404, f"Requested entity was not found: {name}")
        spec = dict(self.jobs[name]["transferSpec"])
        spec["awsS3DataSource"] = {k: v for k, v in spec["awsS3DataSource"].items() if k != "awsAccessKey"}
        return self.jobs[name] | {"transferSpec": spec}

    def create(self, body: Body, query: Body) -> Body:
        name = body.get("name") or f"transferJobs/{str(uuid.uuid4().int)[:20]}"
        if name in self.jobs:
            raise Refused(409, f"Transfer job {name} already exists")
        self.check(body)
        self.jobs[name] = {**body, "name": name, "creationTime": now(), "lastModificationTime": now()}
        if body.get("eventStream"):
            threading.Thread(target=self.follow, args=(name,), daemon=True).start()
        return self.shown(name)

    def patch(self, body: Body, query: Body, name: str) -> Body:
        self.shown(name)
        mask = [f for f in body.get("updateTransferJobFieldMask", "").replace("_", "").lower().split(",") if f]
        change = {k: v for k, v in body.get("transferJob", {}).items() if k.lower() in mask or not mask}
        self.check(self.jobs[name] | change)
        if change.get("status") == "DELETED":
            return self.shown(name) | {"status": self.jobs.pop(name) and "DELETED"}
        self.jobs[name] |= change | {"lastModificationTime": now()}
        return self.shown(name)

    def check(self, job: Body) -> None:
        spec, problem = job.get("transferSpec") or {}, None
        source, sink = spec.get("awsS3DataSource") or {}, spec.get("gcsDataSink") or {}
        if job.get("status") not in ("ENABLED", "DISABLED", "DELETED"):
            problem = "status must be ENABLED, DISABLED or DELETED"
        elif not job.get("projectId"):
            problem = "projectId is required"
        elif unknown := spec.keys() - KNOWN:
            problem = f"transferSpec.{min(unknown)} is not here; {', '.join(sorted(KNOWN))} are"
        elif not source.get("bucketName") or not sink.get("bucketName"):
            problem = "awsS3DataSource.bucketName and gcsDataSink.bucketName are required"
        elif bool(source.get("roleArn")) == bool(source.get("awsAccessKey")):
            problem = "awsS3DataSource takes exactly one of roleArn and awsAccessKey"
        elif source.get("roleArn") and not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/.+", source["roleArn"]):
            problem = f"awsS3DataSource.roleArn {source['roleArn']!r} is no role's ARN"
        elif any(
            part.get("path", "/") and (not part.get("path", "/").endswith("/") or part.get("path", "").startswith("/"))
            for part in (source, sink)
        ):
            problem = "a path ends with '/' and does not start with one"
        elif self.storage("GET", f"/storage/v1/b/{sink['bucketName']}")[0] != 200:
            raise Refused(404, f"The bucket {sink['bucketName']} does not exist")
        if problem:
            raise Refused(400, problem)

    def run(self, body: Body, query: Body, name: str) -> Body:
        job = self.jobs[self.shown(name)["name"]]
        if job["status"] != "ENABLED":
            raise Refused(412, f"Transfer job {name} is {job['status']}")
        operation = f"transferOperations/{name.rsplit('/', 1)[-1]}-{str(uuid.uuid4().int)[:12]}"
        self.operations[operation] = {
            "name": operation,
            "done": False,
            "metadata": {
                "name": operation,
                "status": "IN_PROGRESS",
                "transferJobName": name,
                "projectId": job["projectId"],
                "startTime": now(),
            },
        }
        job["latestOperationName"] = operation
        threading.Thread(target=self.transfer, args=(job, operation), daemon=True).start()
        return self.operations[operation]

    def transfer(self, job: Body, operation: str) -> None:
        record = self.operations[operation]
        counters = dict.fromkeys(COUNTERS, 0)
        error: Body | None = None
        try:
            source = job["transferSpec"]["awsS3DataSource"]
            s3 = self.enter("s3", job)
            for item in listing(s3, source["bucketName"], source.get("path", "")):
                self.copy(job, s3, item["Key"], item["ETag"], counters)
        except Denied as denied:
            error = {"code": CODES[403][0], "message": f"PERMISSION_DENIED: {denied}"}
        except Exception as broken:  # an operation has to end, whatever breaks here
            error = {"code": 13, "message": repr(broken)}
        record["metadata"] |= {
            "status": "FAILED" if error else "SUCCESS",
            "endTime": now(),
            "counters": {k: str(v) for k, v in counters.items()},
        }
        record |= {"done": True, **({"error": error} if error else {"response": {}})}

    def enter(self, service: str, job: Body) -> Any:
        source = job["transferSpec"]["awsS3DataSource"]
        if key := source.get("awsAccessKey"):
            return client(service, self.aws, key["accessKeyId"], key["secretAccessKey"])
        subject = self.agent(job["projectId"])["subjectId"]
        claims = {"iss": "https://accounts.google.com", "sub": subject, "aud": subject, "azp": subject}
        token = (
            ".".join(
                base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
                for part in ({"alg": "none"}, claims)
            )
            + ".local"
        )
        try:
            sts = client("sts", self.aws, source["roleArn"].split(":")[4], "local")
            # Unsigned at AWS; the embedded one turns a call without a key away before it looks at the role's trust.
            sts.meta.events.register_first("choose-signer.sts.AssumeRoleWithWebIdentity", lambda **_: "v4")
            given = sts.assume_role_with_web_identity(
                RoleArn=source["roleArn"], RoleSessionName="storage-transfer", WebIdentityToken=token
            )["Credentials"]
        except ClientError as error:
            raise Denied(f"Failed to assume {source['roleArn']}: {wording(error)}") from None
        return client(service, self.aws, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def copy(self, job: Body, s3: Any, key: str, etag: str, counters: dict[str, int]) -> None:
        spec = job["transferSpec"]
        source, sink, conditions = (spec["awsS3DataSource"], spec["gcsDataSink"], spec.get("objectConditions") or {})
        relative = key.removeprefix(source.get("path", ""))
        includes, excludes = (conditions.get("includePrefixes") or [""], conditions.get("excludePrefixes") or [])
        if (
            not key.startswith(source.get("path", ""))
            or not relative.startswith(tuple(includes))
            or relative.startswith(tuple(excludes))
        ):
            return
        counters["objectsFoundFromSource"] += 1
        name, bucket = sink.get("path", "") + relative, sink["bucketName"]
        data = content(s3, source["bucketName"], key, etag)
        status, have = self.storage("GET", f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}")
        same = (
            status == 200
            and json.loads(have).get("md5Hash")
            == base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        )
        if same and (spec.get("transferOptions") or {}).get("overwriteWhen", "DIFFERENT") != "ALWAYS":
            counters["objectsFromSourceSkippedBySync"] += 1
            return
        status, answer = self.storage(
            "POST", f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(name, safe='')}", data
        )
        if status != 200:
            raise Denied(f"writing gs://{bucket}/{name}: {status} {answer[:200]!r}")
        counters["objectsCopiedToSink"] += 1
        counters["bytesCopiedToSink"] += len(data)

    def follow(self, name: str) -> None:
        """Copy what S3's events in the job's queue name, until the job is gone; what fails stays in the queue."""
        while not self.stopped.wait(0.5) and (job := self.jobs.get(name)):
            if job["status"] != "ENABLED" or not job.get("eventStream"):
                continue
            _, _, _, _, account, queue = job["eventStream"]["name"].split(":", 5)
            try:
                sqs, s3 = self.enter("sqs", job), self.enter("s3", job)
                url = sqs.get_queue_url(QueueName=queue, QueueOwnerAWSAccountId=account)["QueueUrl"]
                for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                    for record in json.loads(message["Body"]).get("Records", []):
                        if record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
                            item = record["s3"]["object"]
                            self.copy(
                                job, s3, unquote_plus(item["key"]), f'"{item["eTag"]}"', dict.fromkeys(COUNTERS, 0)
                            )
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                job.pop("lastError", None)
            except (Denied, ClientError) as error:
                job["lastError"] = str(error)
