"""Two versioned buckets in two accounts and a rule between them, for tests of the embedded cloud's S3 replication."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.contract.embedded_cloud import ANALYTICS, WORKLOAD, Cloud
from tests.waiting import eventually

TRANSPORT = {
    "Sid": "DenyPlainText",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


GRANTS = {
    "source-bucket": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
    "source": ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
    "target": [
        "s3:ReplicateObject",
        "s3:ReplicateDelete",
        "s3:ReplicateTags",
        "s3:ObjectOwnerOverrideToBucketOwner",
    ],
    "source-key": ["kms:Decrypt"],
    "target-key": ["kms:Encrypt", "kms:Decrypt"],
}


S3_ALONE: dict[str, Any] = {"service": "s3.amazonaws.com"}


class Pair:
    """Two versioned buckets with a key each, and a rule between them under a role with all grants but some."""

    def __init__(
        self,
        cloud: Cloud,
        role: set[str] | None = None,
        bucket: set[str] | None = None,
        key: tuple[str, ...] = ("kms:Encrypt", "kms:Decrypt"),
        replica_key_role: tuple[str, ...] = ("kms:Encrypt", "kms:Decrypt"),
        bucket_key: bool = True,
        trust: dict[str, Any] = S3_ALONE,
        markers: bool = False,
    ):
        self.cloud, tag = cloud, uuid.uuid4().hex[:10]
        self.source, self.target, name = f"src-{tag}", f"dst-{tag}", f"replicate-{tag}"
        self.role_arn = f"arn:aws:iam::{WORKLOAD}:role/{name}"
        self.s3, self.far = cloud.client("s3", WORKLOAD), cloud.client("s3", ANALYTICS)
        self.keys: dict[str, str] = {}
        for account, client, bucket_name, users in (
            (WORKLOAD, self.s3, self.source, []),
            (ANALYTICS, self.far, self.target, [self.role_arn] if key else []),
        ):
            policy = [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ]
            policy += [
                {"Effect": "Allow", "Principal": {"AWS": user}, "Action": list(key), "Resource": "*"}
                for user in users
            ]
            self.keys[account] = cloud.client("kms", account).create_key(
                Policy=json.dumps({"Version": "2012-10-17", "Statement": policy})
            )["KeyMetadata"]["Arn"]
            client.create_bucket(Bucket=bucket_name)
            client.put_bucket_versioning(Bucket=bucket_name, VersioningConfiguration={"Status": "Enabled"})
            client.put_bucket_encryption(
                Bucket=bucket_name,
                ServerSideEncryptionConfiguration={
                    "Rules": [
                        {
                            "ApplyServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": self.keys[account],
                            },
                            "BucketKeyEnabled": bucket_key,
                        }
                    ]
                },
            )
        source, target = f"arn:aws:s3:::{self.source}", f"arn:aws:s3:::{self.target}"
        resources: dict[str, str] = {
            "source-bucket": source,
            "source": f"{source}/*",
            "target": f"{target}/*",
            "source-key": self.keys[WORKLOAD],
            "target-key": self.keys[ANALYTICS],
        }
        statements: list[dict[str, Any]] = [
            {
                "Effect": "Allow",
                "Action": [
                    a
                    for a in actions
                    if a not in (role or set()) and (part != "target-key" or a in replica_key_role)
                ],
                "Resource": resources[part],
            }
            for part, actions in GRANTS.items()
        ]
        cloud.role(
            WORKLOAD,
            name,
            trust["service"],
            *[s for s in statements if s["Action"]],
            condition=trust.get("condition"),
        )
        self.far.put_bucket_policy(
            Bucket=self.target,
            Policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": self.role_arn},
                            "Action": [a for a in GRANTS["target"] if a not in (bucket or set())],
                            "Resource": f"{target}/*",
                        },
                        {**TRANSPORT, "Resource": [target, f"{target}/*"]},
                    ],
                }
            ),
        )
        self.rule: dict[str, Any] = {
            "ID": "raw",
            "Priority": 1,
            "Status": "Enabled",
            "Filter": {"Prefix": "raw/"},
            "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
            "DeleteMarkerReplication": {"Status": "Enabled" if markers else "Disabled"},
            "Destination": {
                "Bucket": target,
                "Account": ANALYTICS,
                "AccessControlTranslation": {"Owner": "Destination"},
                "EncryptionConfiguration": {"ReplicaKmsKeyID": self.keys[ANALYTICS]},
                "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
                "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
            },
        }

    def start(self) -> Pair:
        """Puts the rule on the source."""
        self.s3.put_bucket_replication(
            Bucket=self.source, ReplicationConfiguration={"Role": self.role_arn, "Rules": [self.rule]}
        )
        return self

    def put(self, key: str = "raw/a", body: bytes = b"x", **more: Any) -> str:
        """Writes an object into the source; its version."""
        return self.s3.put_object(Bucket=self.source, Key=key, Body=body, **more)["VersionId"]

    def status(self, key: str = "raw/a") -> str | None:
        """The source object's status, once it is no longer pending."""
        return eventually(
            lambda: (
                (s := self.s3.head_object(Bucket=self.source, Key=key).get("ReplicationStatus")) != "PENDING"
                and (s or "NONE")
            )
        )

    def arrived(self) -> list[str]:
        """The keys of the target."""
        return [o["Key"] for o in self.far.list_objects_v2(Bucket=self.target).get("Contents", [])]


def queue_for(cloud: Cloud, account: str, bucket: str, *events: str) -> Any:
    """A queue in the bucket's account that gets the events; returns a reader of the records so far."""
    sqs, name = cloud.client("sqs", account), f"events-{bucket}"
    url, arn = sqs.create_queue(QueueName=name)["QueueUrl"], f"arn:aws:sqs:us-east-1:{account}:{name}"
    sqs.set_queue_attributes(
        QueueUrl=url,
        Attributes={
            "Policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "s3.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": arn,
                            "Condition": {
                                "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
                                "StringEquals": {"aws:SourceAccount": account},
                            },
                        }
                    ],
                }
            )
        },
    )
    cloud.client("s3", account).put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": list(events)}]},
    )
    seen: list[dict[str, Any]] = []

    def read() -> list[dict[str, Any]]:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            seen.extend(json.loads(message["Body"]).get("Records", []))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return seen

    return read
