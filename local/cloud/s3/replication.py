"""S3 replication: asynchronous, unordered, by rule, and only as far as role, bucket policy and keys allow.

A write that a rule matches is PENDING; a worker then evaluates the rule's role at the source (version, ACL and tags,
kms:Decrypt), at the destination (bucket policy, kms:Encrypt, for a Bucket Key kms:Decrypt too, and the key's policy
across accounts) and makes the replica, which fires ObjectCreated there, for the destination's account. What is refused
is FAILED: an event `s3:Replication:OperationFailedReplication` at the source, a line in the log, and, where the rule
has metrics, OperationsFailedReplication. Replicas, and objects older than the rule, are left to `batch`.
Source: docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html,
replication-what-is-isnt-replicated.html,
replication-config-for-kms-objects.html, replication-metrics.html.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import random
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from local.plain import within

from ..iam.authorization import Denied, assume, bucket_owner, check
from ..seams import cloudwatch, s3
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import get_account_id, get_region, request_scope
from .encryption import (
    BUCKET_KEY_HEADER,
    KEY_HEADER,
    MissingKey,
    bucket_key_on,
    check_key,
    resolve_key,
    stored_version,
)

log = logging.getLogger("tributary.cloud")
SERVICE = "s3.amazonaws.com"
DELAY = 0.05  # seconds that writes gather before they are replicated in a shuffled order


class Refused(Exception):
    """A reason why a replica is not made, as the failure event words it."""


@dataclass
class Operation:
    """One version, or one delete marker, on its way to one rule's destination."""

    owner: str
    bucket: str
    key: str
    version: str
    rule: Record
    role: str
    size: int
    marker: bool = False
    since: float = field(default_factory=time.time)

    @property
    def destination(self) -> str:
        """The name of the bucket that the replica is made in."""
        return self.rule["Destination"]["Bucket"].split(":::")[-1]


def matching(bucket: str, key: str, tags: Record) -> list[tuple[Record, str]]:
    """For each destination, the enabled rule of the highest priority that covers the object; with the role."""
    config = s3.bucket_replication.get(bucket)
    if not config or s3.bucket_versioning.get(bucket) != "Enabled":
        return []
    best: dict[str, Record] = {}
    for rule in config.get("Rules", []):
        if (
            rule.get("Status") == "Enabled"
            and key.startswith(s3.replication_prefix(rule))
            and all(tags.get(name) == value for name, value in s3.replication_tags(rule).items())
        ):
            other = best.get(rule["Destination"]["Bucket"])
            if other is None or int(rule.get("Priority") or 0) > int(other.get("Priority") or 0):
                best[rule["Destination"]["Bucket"]] = rule
    return [(rule, config.get("Role", "")) for rule in best.values()]


def encrypted(record: Record) -> bool:
    """Whether an object's record has it encrypted by SSE-KMS."""
    return within(record, "preserved_headers").get("x-amz-server-side-encryption", "").startswith("aws:kms")


def mark_pending(bucket: str, key: str, record: Record, _data: Any, tags: Record | None = None) -> None:
    """In ministack's place: it runs before the version is cut, so the status is part of it."""
    rules = [rule for rule, _ in matching(bucket, key, tags or {}) if covers(rule, record)]
    if rules and record.get("replication_status") != "REPLICA":
        record["replication_status"] = "PENDING"


def covers(rule: Record, record: Record) -> bool:
    """SSE-KMS objects replicate only where the rule selects them."""
    criteria = within(within(rule, "SourceSelectionCriteria"), "SseKmsEncryptedObjects")
    selected = criteria.get("Status") == "Enabled"
    return selected or not encrypted(record)


def operations_of(bucket: str, key: str, version: str, marker: bool = False) -> list[Operation]:
    """A version's replicas, one for each rule that covers it; in the scope of the bucket's owner."""
    record = stored_version(bucket, key, version) or {}
    tags = within(s3.object_tags, (bucket, key, version))
    operations = [
        Operation(get_account_id(), bucket, key, version, rule, role, record.get("size", 0), marker)
        for rule, role in matching(bucket, key, tags)
        if marker or covers(rule, record)
    ]
    if marker:
        operations = [
            o
            for o in operations
            if "Filter" not in o.rule
            or (
                within(o.rule, "DeleteMarkerReplication").get("Status") == "Enabled"
                and not s3.replication_tags(o.rule)
            )
        ]
    return operations


class Queue:
    """The replicas that are still to be made, on the cloud's own loop: a write may come on another, of a thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self.loop = loop
        self.operations: list[Operation] = []

    def add(self, operations: list[Operation]) -> None:
        """Has the replicas made in a moment, and counts them as pending."""
        for operation in operations:
            metric(operation, "OperationsPendingReplication", 1)
            metric(operation, "BytesPendingReplication", operation.size)
        self.operations.extend(operations)
        if operations:
            self.loop.call_soon_threadsafe(self.loop.call_later, DELAY, self.drain)

    def drain(self) -> None:
        """Replicates what is queued, in random order, each version in the scope of its bucket's owner."""
        batch = list(self.operations)
        self.operations.clear()
        random.shuffle(batch)
        for operation in batch:
            with request_scope(operation.owner, get_region()):
                replicate(operation)


def set_status(bucket: str, key: str, version: str, status: str) -> None:
    """On the current object and on its entry among the versions, which are separate records."""
    owner = bucket_owner(bucket)
    current = (s3.buckets.get_scoped(owner, None, bucket) or {}).get("objects", {}).get(key)
    versions = s3.object_versions.get_scoped(owner, None, (bucket, key)) or []
    for record in [*([current] if current else []), *versions]:
        if (record.get("version_id") or "null") == version:
            record["replication_status"] = status


def metric(operation: Operation, name: str, value: float, unit: str = "Count") -> None:
    """Puts a value of CloudWatch's AWS/S3, where the operation's rule has metrics."""
    if within(operation.rule["Destination"], "Metrics").get("Status") != "Enabled":
        return
    dimensions = {
        "SourceBucket": operation.bucket,
        "DestinationBucket": operation.destination,
        "RuleId": operation.rule.get("ID", ""),
    }
    form = {
        "Namespace": ["AWS/S3"],
        "MetricData.member.1.MetricName": [name],
        "MetricData.member.1.Value": [str(value)],
        "MetricData.member.1.Unit": [unit],
    }
    for number, (key, text) in enumerate(dimensions.items(), 1):
        form[f"MetricData.member.1.Dimensions.member.{number}.Name"] = [key]
        form[f"MetricData.member.1.Dimensions.member.{number}.Value"] = [text]
    cloudwatch.put_metric_data(form, {}, False)


def authorize(operation: Operation, record: Record) -> None:
    """Raise unless the role may read this version, write the replica, and use both keys."""
    source, target = f"arn:aws:s3:::{operation.bucket}", f"arn:aws:s3:::{operation.destination}"
    # The guide's trust policy has no condition, so no source is passed for one to check.
    principal = assume(operation.role, SERVICE, source, names_source=False)
    for action in ("s3:GetReplicationConfiguration", "s3:ListBucket"):
        check(principal, action, source)
    if operation.marker:
        check(principal, "s3:ReplicateDelete", f"{target}/{operation.key}")
        return
    for action in ("GetObjectVersionForReplication", "GetObjectVersionAcl", "GetObjectVersionTagging"):
        check(principal, f"s3:{action}", f"{source}/{operation.key}")
    headers = within(record, "preserved_headers")
    rule = operation.rule["Destination"]
    writing = ["s3:ReplicateObject"]
    if s3.object_tags.get((operation.bucket, operation.key, operation.version)):
        writing.append("s3:ReplicateTags")
    if rule.get("AccessControlTranslation"):
        writing.append("s3:ObjectOwnerOverrideToBucketOwner")
    for action in writing:
        check(principal, action, f"{target}/{operation.key}")
    if used := headers.get(KEY_HEADER):
        check_key(principal, ("kms:Decrypt",), used, operation.bucket, operation.key, headers)
    if replica_key := key_of_replica(operation, record):
        # S3 verifies a Bucket Key before it uses it (replication-config-for-kms-objects.html#bk-replication).
        verified = ("kms:Decrypt",) if bucket_key_on(operation.destination, {}) else ()
        check_key(
            principal, ("kms:Encrypt", *verified), replica_key, operation.destination, operation.key, {}
        )


def source_key(operation: Operation, record: Record) -> str | None:
    """The ARN of the KMS key that the version is encrypted with, or None. Raises MissingKey."""
    used = within(record, "preserved_headers").get(KEY_HEADER)
    return resolve_key(used, operation.owner) if used else None


def key_of_replica(operation: Operation, record: Record) -> str | None:
    """The KMS key of the replica, or None: the rule's for an encrypted version, else the destination's default."""
    if encrypted(record):
        return within(operation.rule["Destination"], "EncryptionConfiguration").get("ReplicaKmsKeyID")
    with request_scope(bucket_owner(operation.destination) or operation.owner, get_region()):
        return s3.default_encryption_headers(operation.destination).get(KEY_HEADER)


def replicate(operation: Operation) -> bool:
    """Carry one operation out, or mark it FAILED and say which grant is missing."""
    record = stored_version(operation.bucket, operation.key, operation.version)
    try:
        if record is None:
            raise Refused("the source version is gone")
        owner = bucket_owner(operation.destination)
        if owner is None:
            raise Refused(f"the destination bucket {operation.destination} does not exist")
        if s3.bucket_versioning.get_scoped(owner, None, operation.destination) != "Enabled":
            raise Refused(f"the destination bucket {operation.destination} is not versioned")
        named = operation.rule["Destination"].get("Account")
        if named and named != owner:
            raise Refused(f"the destination bucket {operation.destination} is not owned by {named}")
        authorize(operation, record)
        write_replica(operation, record, owner)
    except (Denied, MissingKey, Refused) as why:
        fail(operation, why)
        return False
    except Exception as error:
        log.exception("replication of %s/%s", operation.bucket, operation.key)
        fail(operation, error)
        return False
    set_status(operation.bucket, operation.key, operation.version, "COMPLETED")
    for name in ("OperationsPendingReplication", "BytesPendingReplication"):
        metric(operation, name, 0)
    metric(operation, "ReplicationLatency", time.time() - operation.since, "Seconds")
    return True


def fail(operation: Operation, why: Exception) -> None:
    """Marks an operation FAILED, and reports why: in the log, as a metric and as the source bucket's event."""
    log.warning(
        "replication of s3://%s/%s (version %s) to %s FAILED: %s",
        operation.bucket,
        operation.key,
        operation.version,
        operation.destination,
        why,
    )
    set_status(operation.bucket, operation.key, operation.version, "FAILED")
    metric(operation, "OperationsFailedReplication", 1)
    metric(operation, "OperationsPendingReplication", 0)
    record = stored_version(operation.bucket, operation.key, operation.version) or {}
    if isinstance(why, Denied):
        reason = (
            "AssumeRoleNotPermitted"
            if "sts" in why.action
            else "SrcGetObjectNotPermitted"
            if why.resource == source_key(operation, record)
            or f"arn:aws:s3:::{operation.bucket}" == why.resource.split("/")[0]
            else "DstPutObjectNotPermitted"
            if not operation.marker
            else "DstDelObjNotPermitted"
        )
    else:
        reason = (
            "DstBucketNotFound"
            if "exist" in str(why)
            else "DstBucketUnversioned"
            if "versioned" in str(why)
            else "Unclassified"
        )
    s3.fire_event(
        operation.bucket,
        operation.key,
        "s3:Replication:OperationFailedReplication",
        size=operation.size,
        etag=record.get("etag", ""),
        version_id=operation.version,
        record_extra={
            "replicationEventData": {
                "replicationRuleId": operation.rule.get("ID", ""),
                "destinationBucket": f"arn:aws:s3:::{operation.destination}",
                "s3Operation": "DELETE" if operation.marker else "OBJECT_PUT",
                "failureReason": reason,
                "requestTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(operation.since)),
            }
        },
    )


def write_replica(operation: Operation, record: Record, owner: str) -> None:
    """The replica keeps the version's id, time, metadata and tags; its class, owner and key are the rule's."""
    tags = s3.object_tags.get((operation.bucket, operation.key, operation.version))
    data = record.get("data") if record.get("data") is not None else record.get("body")
    if data is None and not operation.marker:
        data = s3.read_body(operation.bucket, operation.key, record)
    key = key_of_replica(operation, record)
    with request_scope(owner, get_region()):
        destination = s3.buckets[operation.destination]
        prior = destination["objects"].get(operation.key)
        if operation.marker:
            s3.record_delete_marker(operation.destination, operation.key, prior)
            destination["objects"].pop(operation.key, None)
            s3.fire_event(operation.destination, operation.key, "s3:ObjectRemoved:DeleteMarkerCreated")
            return
        replica = copy.deepcopy(
            {k: v for k, v in record.items() if k not in ("data", "body", "version_id", "is_latest")}
        )
        replica.update(replication_status="REPLICA", body=data)
        if chosen := operation.rule["Destination"].get("StorageClass"):
            replica["storage_class"] = chosen
        headers = replica.setdefault("preserved_headers", {})
        if key:
            headers.update({"x-amz-server-side-encryption": "aws:kms", KEY_HEADER: key})
            headers.pop(BUCKET_KEY_HEADER, None)
        destination["objects"][operation.key] = replica
        version = s3.record_version(operation.destination, operation.key, prior, replica, data)
        if version and operation.version != "null":  # a replica has its source's version id
            replica["version_id"] = s3.object_versions[(operation.destination, operation.key)][-1][
                "version_id"
            ] = operation.version
            version = operation.version
        if tags:
            s3.object_tags[(operation.destination, operation.key, version)] = dict(tags)
        parts = "-" in replica["etag"]
        s3.fire_event(
            operation.destination,
            operation.key,
            f"s3:ObjectCreated:{'CompleteMultipartUpload' if parts else 'Put'}",
            size=replica["size"],
            etag=replica["etag"],
            version_id=version,
        )


async def handle_request(
    queue: Queue,
    stock: Handler,
    method: str,
    path: str,
    headers: Record,
    body: bytes,
    query_params: Record,
    *args: Any,
    **kwargs: Any,
) -> Answer:
    """After a write has made its version, queue it; a delete without a version queues its marker."""
    bucket, key = s3.bucket_and_key(path, headers)
    result = await stock(method, path, headers, body, query_params, *args, **kwargs)
    owner = bucket_owner(bucket) if key else None
    if owner and result[0] < 300 and method in ("PUT", "POST", "DELETE"):
        answered = {name.lower(): value for name, value in result[1].items()}
        version = answered.get("x-amz-version-id")
        with request_scope(owner, get_region()):
            if (
                method == "DELETE"
                and "versionId" not in query_params
                and answered.get("x-amz-delete-marker") == "true"
            ):
                queue.add(operations_of(bucket, key, version or "null", marker=True))
            elif (
                method != "DELETE"
                and version
                and (stored_version(bucket, key, version) or {}).get("replication_status") == "PENDING"
                and not query_params.keys() & {"tagging", "acl", "retention", "legal-hold"}
            ):
                queue.add(operations_of(bucket, key, version))
    return result


def install() -> None:
    """Puts `handle_request` in front of S3's handler, and `mark_pending` in place of ministack's own replication."""
    queue = Queue(asyncio.get_running_loop())
    s3.handle_request.wrap(partial(handle_request, queue))
    s3.replicate.replace(mark_pending)
    # Queued in handle_request, once the marker has an id.
    s3.replicate_delete_marker.replace(lambda bucket, key: None)
