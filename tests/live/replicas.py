"""Replication into another account: the event of a replica's arrival, and that of a replication which failed."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

from handlers.arrival.arrival import arrivals
from tests.live.life import Life, accepted, until
from tests.live.place import Place
from tests.live.queues import queue_of_events
from tests.live.warehouse import make_bucket

EVENTS = "do the events of a replica's arrival, and of a failed replication, carry what the handlers read"
KEY = "raw/orders/AWSDynamoDB/01234567890123-abcdef01/manifest-summary.json"
FAILED = "s3:Replication:OperationFailedReplication"
HALF_AN_HOUR = 1800.0  # seconds; most objects are replicated within 15 minutes


def replica(place: Place, name: str, undo: ExitStack) -> None:
    """An object that is replicated, and one whose replica is refused: what comes into the queue on either side
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics.html)."""
    near, far = place("s3"), place("s3", 1)
    source, target = f"{name}-{place.account()}", f"{name}-{place.account(1)}"
    for s3, bucket in ((near, source), (far, target)):
        make_bucket(s3, bucket, place.sandbox.region, undo)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    role_arn = _role(place, name, source, target, undo)
    lets_in = {
        "Effect": "Allow", "Principal": {"AWS": role_arn}, "Action": ["s3:ReplicateObject", "s3:ReplicateTags"],
        "Resource": f"arn:aws:s3:::{target}/*",
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [lets_in]})
    # The policy names a role that is new: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html
    until(lambda: accepted(far.put_bucket_policy, "MalformedPolicy", Bucket=target, Policy=policy))
    at_target, _ = queue_of_events(place, name, target, "s3:ObjectCreated:*", undo, 1)
    failures, _ = queue_of_events(place, f"{name}-failed", source, FAILED, undo)
    rule = {
        "ID": name,
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": "raw/"},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {
            "Bucket": f"arn:aws:s3:::{target}",
            "Account": place.account(1),
            # Failures are events only of a rule with metrics:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics.html
            "Metrics": {"Status": "Enabled"},
        },
    }
    near.put_bucket_replication(Bucket=source, ReplicationConfiguration={"Role": role_arn, "Rules": [rule]})
    near.put_object(Bucket=source, Key=KEY, Body=b"{}")
    arrived = message(place, 1, at_target)
    (record,) = json.loads(arrived)["Records"]
    answer: dict[str, Any] = {
        "arrival": record["eventName"],
        "is read as": [list(summary) for summary in arrivals(arrived, "raw/")],
        "owner": (near.head_object(Bucket=source, Key=KEY)["ReplicationStatus"]),
    }

    far.delete_bucket_policy(Bucket=target)
    near.put_object(Bucket=source, Key="raw/refused.json", Body=b"{}")
    (refusal,) = json.loads(message(place, 0, failures))["Records"]
    event_data = refusal.get("replicationEventData", {})
    answer |= {
        "failure": refusal["eventName"].removeprefix("s3:"),
        "failure names": refusal["s3"]["object"]["key"],
        "failure has a reason": bool(event_data.get("failureReason")),
    }
    place.settle(
        EVENTS, answer,
        **{"is read as": [[target, KEY]], "failure": FAILED.removeprefix("s3:"), "failure names": "raw/refused.json",
           "failure has a reason": True},
    )  # fmt: skip


def _role(place: Place, name: str, source: str, target: str, undo: ExitStack) -> str:
    """The ARN of the role that S3 replicates under, with the rights of a pipeline's."""
    iam = place("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    undo.callback(iam.delete_role, RoleName=name)
    reads = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
    grants = [
        {"Effect": "Allow", "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
         "Resource": f"arn:aws:s3:::{source}"},
        {"Effect": "Allow", "Action": reads, "Resource": f"arn:aws:s3:::{source}/*"},
        {"Effect": "Allow", "Action": ["s3:ReplicateObject", "s3:ReplicateTags"],
         "Resource": f"arn:aws:s3:::{target}/*"},
    ]  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": grants})
    iam.put_role_policy(RoleName=name, PolicyName="replicate", PolicyDocument=policy)
    undo.callback(iam.delete_role_policy, RoleName=name, PolicyName="replicate")
    return arn


def message(place: Place, account: int, url: str) -> str:
    """The next message of S3's, which first sends one to try the queue
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html)."""
    sqs = place("sqs", account)

    def next_one() -> str | None:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            if "s3:TestEvent" not in message["Body"]:
                return message["Body"]
        return None

    return until(next_one, HALF_AN_HOUR)


LIVES = {
    "replica": Life(replica, (EVENTS,), frozenset({"second account"}), "two buckets, a role, two queues")
}
