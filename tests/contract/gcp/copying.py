"""A bucket at AWS, one at Google and a job between them, for tests of the embedded Storage Transfer Service."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.contract.gcp.conftest import NUMBER, PROJECT, Landing
from tests.waiting import eventually

AGENT = "project-1@storage-transfer-service.iam.gserviceaccount.com"


LOADER = f"loader@{PROJECT}.iam.gserviceaccount.com"


class Copy:
    """A bucket of Cloud Storage, a role that trusts the project's agent, and a job from a landing."""

    def __init__(self, gcp: httpx.Client, landing: Landing):
        self.gcp, self.landing, self.number = gcp, landing, next(NUMBER)
        self.bucket, self.role, self.name = f"copies-{self.number}", f"transfer-{self.number}", ""
        self.subject = self.ok("GET", f"/v1/googleServiceAccounts/{PROJECT}")["subjectId"]
        self.ok("POST", f"/storage/v1/b?project={PROJECT}", json={"name": self.bucket, "location": "US"})
        self.grant(AGENT, "legacyBucketReader", "objectCreator", "objectViewer")
        trust = self.trust(self.subject)
        landing.iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=trust)
        self.allow(*landing.statements)
        self.queue = ""

    def ok(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """A request that must succeed; its answer."""
        answer = self.gcp.request(method, path, **request)
        assert answer.status_code < 300, answer.text
        return answer.json()

    @staticmethod
    def trust(subject: str) -> str:
        """A trust policy for Google's agent with this subject."""
        allowed = {
            "Effect": "Allow",
            "Principal": {"Federated": "accounts.google.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"accounts.google.com:sub": subject}},
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})

    def allow(self, *statements: dict[str, Any]) -> None:
        """Gives the role of the copy these statements and no other."""
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.landing.iam.put_role_policy(RoleName=self.role, PolicyName="read", PolicyDocument=document)

    def grant(self, email: str, *roles: str) -> None:
        """Gives a service account these roles of Cloud Storage on the bucket, and no other."""
        policy = self.ok("GET", f"/storage/v1/b/{self.bucket}/iam")
        bindings = [b for b in policy["bindings"] if f"serviceAccount:{email}" not in b["members"]]
        bindings += [{"role": f"roles/storage.{r}", "members": [f"serviceAccount:{email}"]} for r in roles]
        self.ok("PUT", f"/storage/v1/b/{self.bucket}/iam", json=policy | {"bindings": bindings})

    def body(self, **spec: Any) -> dict[str, Any]:
        """The request that makes the job, with parts of its transferSpec changed."""
        return {
            "projectId": PROJECT,
            "description": "copies",
            "transferSpec": {
                "awsS3DataSource": {
                    "bucketName": self.landing.bucket,
                    "path": "raw/",
                    "roleArn": f"arn:aws:iam::111111111111:role/{self.role}",
                },
                "gcsDataSink": {"bucketName": self.bucket, "path": "raw/"},
                "objectConditions": {"includePrefixes": ["orders/"]},
                "transferOptions": {"overwriteWhen": "NEVER"},
                **spec,
            },
            "schedule": {"scheduleStartDate": {"year": 2025, "month": 1, "day": 1}},
        }

    def create(self, more: dict[str, Any] | None = None, **spec: Any) -> str:
        """Makes the job; its name."""
        body = self.body(**spec) | (more or {})
        self.name = self.ok("POST", "/v1/transferJobs", json={k: v for k, v in body.items() if v})["name"]
        return self.name

    def run(self) -> dict[str, Any]:
        """An operation of the job, as it ended."""
        begun = self.ok("POST", f"/v1/{self.name}:run", json={"projectId": PROJECT})["name"]
        return eventually(lambda: (o := self.ok("GET", f"/v1/{begun}"))["done"] and o)["metadata"]

    def operations(self) -> list[dict[str, Any]]:
        """The job's runs."""
        wanted = json.dumps({"projectId": PROJECT, "jobNames": [self.name]})
        return self.ok("GET", "/v1/transferOperations", params={"filter": wanted})["operations"]

    def objects(self) -> dict[str, dict[str, Any]]:
        """The bucket's objects by name."""
        return {o["name"]: o for o in self.ok("GET", f"/storage/v1/b/{self.bucket}/o")["items"]}

    def listen(self) -> dict[str, Any]:
        """A queue with S3's events of new objects below raw/, and a role that may take from it."""
        sqs, name = self.landing.sqs, f"events-{self.number}"
        self.queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:111111111111:{name}"
        lets_s3 = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        sqs.set_queue_attributes(
            QueueUrl=self.queue, Attributes={"Policy": json.dumps({"Statement": [lets_s3]})}
        )
        self.landing.s3.put_bucket_notification_configuration(
            Bucket=self.landing.bucket,
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
            },
        )
        self.takes = {
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
            "Resource": arn,
        }
        self.allow(*self.landing.statements, self.takes)
        return {"schedule": None, "eventStream": {"name": arn}}
