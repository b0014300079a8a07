"""A function, its callers and a queue, for tests of who may do what in the embedded cloud."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any

from tests.contract.embedded_cloud import Cloud

CODE = """
import json, os, boto3
def handler(event, context):
    if os.environ.get("FAIL"):
        raise RuntimeError("always")
    if event.get("call") == "environment":
        return dict(os.environ)
    if event.get("call") == "jobs":
        return boto3.client("s3control").list_jobs(AccountId=os.environ["ACCOUNT"])["Jobs"]
    boto3.client("sqs").send_message(QueueUrl=os.environ["OUT"], MessageBody=json.dumps(event))
    bad = [r["messageId"] for r in event.get("Records", []) if r.get("body") == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": i} for i in bad]}
"""


SEND = {"Effect": "Allow", "Action": ["sqs:SendMessage", "s3:ListJobs"], "Resource": "*"}


POLL = {
    "Effect": "Allow",
    "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    "Resource": "*",
}


def unique(prefix: str) -> str:
    """A name that no other test has."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


class Queue:
    """A queue in an account, which these statements let in, and what has come into it."""

    def __init__(self, cloud: Cloud, account: str, *statements: dict[str, Any], **attributes: str):
        self.sqs, name = cloud.client("sqs", account), unique("queue")
        self.arn = f"arn:aws:sqs:us-east-1:{account}:{name}"
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.seen: list[dict[str, Any]] = []
        self.allow(*statements)

    def allow(self, *statements: dict[str, Any]) -> None:
        """Makes these statements the queue's policy."""
        if statements:
            self.sqs.set_queue_attributes(
                QueueUrl=self.url,
                Attributes={
                    "Policy": json.dumps(
                        {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": "sqs:SendMessage",
                                    "Resource": self.arn,
                                    **statement,
                                }
                                for statement in statements
                            ],
                        }
                    )
                },
            )

    def read(self) -> list[dict[str, Any]]:
        """The messages so far, each as JSON or under `body`."""
        for message in self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            body = message["Body"]
            self.seen.append(json.loads(body) if body.startswith("{") else {"body": body})
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return self.seen


def service(name: str, **condition: Any) -> dict[str, Any]:
    """A statement's principal: a service, under a condition."""
    return {"Principal": {"Service": name}, **({"Condition": condition} if condition else {})}


def function(
    cloud: Cloud,
    account: str,
    out: Queue,
    *statements: dict[str, Any],
    trust: str = "lambda.amazonaws.com",
    **more: Any,
) -> str:
    """A new function that sends its event to a queue, and its ARN; its role has these statements."""
    role, name, package = (
        cloud.role(account, unique("fn"), trust, SEND, *statements),
        unique("fn"),
        io.BytesIO(),
    )
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", CODE)
    variables = {"OUT": out.url, "ACCOUNT": account, **more.pop("env", {})}
    return cloud.client("lambda", account).create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": variables},
        **more,
    )["FunctionArn"]


def invoke(cloud: Cloud, account: str, arn: str, payload: dict[str, Any]) -> Any:
    """What a function returns for a payload."""
    answer = cloud.client("lambda", account).invoke(FunctionName=arn, Payload=json.dumps(payload))
    return json.load(answer["Payload"])
