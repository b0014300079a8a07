"""Storage Transfer: Google's agent takes on a role of AWS, copies a bucket, and takes the events of new files."""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from typing import Any

from tests.live.google import Google, Refused
from tests.live.life import Life, until
from tests.live.place import Place
from tests.live.queues import queue_of_events
from tests.live.warehouse import make_bucket

AGENT = "does Storage Transfer assume the role by its service agent's subject, and are its events taken from the queue"
BUCKETS, BUCKET = "/storage/v1/b", "/storage/v1/b/{}"
QUARTER = 900.0  # seconds; an operation is begun within some minutes


def copying(place: Place, name: str, undo: ExitStack) -> None:
    """A job by hand and one by events, under a role whose trust names the agent's subject and nothing else
    (https://docs.cloud.google.com/storage-transfer/docs/source-amazon-s3#federated_identity,
    https://docs.cloud.google.com/storage-transfer/docs/event-driven-aws)."""
    google, s3, account = place.google, place("s3"), place.account()
    source = f"{name}-{account}"
    make_bucket(s3, source, place.sandbox.region, undo)
    agent = google("storagetransfer", "GET", "/v1/googleServiceAccounts/{}", google.project)
    _, queue_arn = queue_of_events(place, name, source, "s3:ObjectCreated:*", undo)
    role_arn = role(place, name, source, queue_arn, agent["subjectId"], undo)
    copies(google, name, agent["accountEmail"], undo)

    s3.put_object(Bucket=source, Key="raw/before.json", Body=b"{}")
    schedule = {"scheduleStartDate": {"year": 2025, "month": 1, "day": 1}, "startTimeOfDay": {"hours": 4}}
    by_hand = job(google, name, source, role_arn, undo, schedule=schedule)
    # The role is new to STS: a run that is refused is begun again, until the service has learnt of it.
    done = until(lambda: _copied(google, by_hand), QUARTER)
    answer: dict[str, Any] = {"copied by hand": int(done["counters"]["objectsCopiedToSink"])}

    job(google, name, source, role_arn, undo, eventStream={"name": queue_arn})
    s3.put_object(Bucket=source, Key="raw/after.json", Body=b"{}")
    with suppress(TimeoutError):
        until(lambda: "raw/after.json" in _objects(google, name), QUARTER)
    answer["by events"] = sorted(_objects(google, name))
    url = place("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    answer["events left"] = int(until(lambda: _left(place, url), QUARTER)[0])
    place.settle(
        AGENT,
        answer,
        **{"copied by hand": 1, "by events": ["raw/after.json", "raw/before.json"], "events left": 0},
    )


def role(place: Place, name: str, bucket: str, queue_arn: str, subject: str, undo: ExitStack) -> str:
    """The ARN of a role that the agent takes on, and that may read the bucket and take the events."""
    iam = place("iam")
    trust = {
        "Effect": "Allow", "Principal": {"Federated": "accounts.google.com"}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"accounts.google.com:sub": subject}},
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    undo.callback(iam.delete_role, RoleName=name)
    taken = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
    grants = [
        {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": f"arn:aws:s3:::{bucket}"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"},
        {"Effect": "Allow", "Action": taken, "Resource": queue_arn},
    ]  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": grants})
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=policy)
    undo.callback(iam.delete_role_policy, RoleName=name, PolicyName="read")
    return arn


def copies(google: Google, bucket: str, agent: str, undo: ExitStack) -> None:
    """A bucket of Cloud Storage that the agent writes to, and that goes with what is in it."""
    body = {"name": bucket, "location": google.location}
    google("storage", "POST", BUCKETS, body=body, project=google.project)

    def delete() -> None:
        for key in _objects(google, bucket):
            google("storage", "DELETE", BUCKET + "/o/{}", bucket, key.replace("/", "%2F"))
        google("storage", "DELETE", BUCKET, bucket)

    undo.callback(delete)
    policy = google("storage", "GET", BUCKET + "/iam", bucket)
    for role in ("legacyBucketReader", "objectCreator", "objectViewer"):
        binding = {"role": f"roles/storage.{role}", "members": [f"serviceAccount:{agent}"]}
        policy.setdefault("bindings", []).append(binding)
    google("storage", "PUT", BUCKET + "/iam", bucket, body=policy)


def job(google: Google, bucket: str, source: str, role_arn: str, undo: ExitStack, **when: Any) -> str:
    """A new transfer job of a bucket at AWS into one at Google, and its name."""
    body = {
        "projectId": google.project,
        "description": bucket,
        "status": "ENABLED",
        "transferSpec": {
            "awsS3DataSource": {"bucketName": source, "roleArn": role_arn},
            "gcsDataSink": {"bucketName": bucket},
            "objectConditions": {"includePrefixes": ["raw/"]},
            "transferOptions": {"overwriteWhen": "NEVER"},
        },
        **when,
    }
    name = google("storagetransfer", "POST", "/v1/transferJobs", body=body)["name"]
    undo.callback(google, "storagetransfer", "DELETE", "/v1/{}", name, projectId=google.project)
    return name


def _copied(google: Google, job: str) -> dict[str, Any] | None:
    """A run of the job as it ended, once one succeeded."""
    try:
        body = {"projectId": google.project}
        begun = google("storagetransfer", "POST", "/v1/{}:run", job, body=body)["name"]
    except Refused:  # one is under way
        return None
    done = until(lambda: (o := google("storagetransfer", "GET", "/v1/{}", begun)).get("done") and o, QUARTER)
    return done["metadata"] if done["metadata"]["status"] == "SUCCESS" else None


def _objects(google: Google, bucket: str) -> set[str]:
    return {o["name"] for o in google("storage", "GET", BUCKET + "/o", bucket).get("items", [])}


def _left(place: Place, url: str) -> tuple[str] | None:
    """How many events wait, once none is on its way."""
    sqs, names = place("sqs"), ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return (counts[names[0]],) if counts[names[1]] == "0" and counts[names[0]] == "0" else None


LIVES = {
    "copying": Life(
        copying, (AGENT,), frozenset({"google"}), "a bucket at either cloud, a role, a queue, two jobs"
    )
}
