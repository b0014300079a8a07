"""Whether data is lost with what a change does to a resource: by its type and settings, as the service's page says.

What leaves the state and stays in the account (`retain_data`) is not lost. What a service refuses to delete fails the
deployment, and is not lost either.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from delivery.preview import Change, Property, at
from delivery.values import is_list, is_mapping


@dataclass(frozen=True)
class Loss:
    """What becomes of the data of a resource; `lost` where it can't be read any more afterwards."""

    lost: bool
    text: str


Inputs = Mapping[str, Any]


def _bucket(inputs: Inputs) -> Loss:
    if inputs.get("forceDestroy"):
        return Loss(True, "all objects are deleted with it")
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
    return Loss(False, "S3 deletes no bucket that holds objects: the deployment stops there")


def _table(inputs: Inputs) -> Loss:
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
    if inputs.get("deletionProtectionEnabled"):
        return Loss(False, "DynamoDB refuses it, deletion protection is on: the deployment stops there")
    return Loss(
        True, "all items are deleted with it; with point-in-time recovery a last backup is kept for 35 days"
    )


def _dataset(inputs: Inputs) -> Loss:
    # https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets/delete
    if inputs.get("deleteContentsOnDestroy"):
        return Loss(True, "all tables and their rows are deleted with it")
    return Loss(False, "BigQuery deletes no dataset that holds tables: the deployment stops there")


def _warehouse_table(inputs: Inputs) -> Loss | None:
    if inputs.get("view"):
        return None  # a view holds no rows
    # https://www.pulumi.com/registry/packages/gcp/api-docs/bigquery/table/#deletionprotection_python
    if inputs.get("deletionProtection", True):
        return Loss(False, "deletion protection is on: the deployment stops there")
    return Loss(True, "all rows are deleted with it; time travel keeps them for at most 7 days")


def _always(text: str) -> Callable[[Inputs], Loss | None]:
    return lambda _: Loss(True, text)


# Types that hold data, the most precious first: what becomes of it when the resource is deleted.
HOLDS: Mapping[str, Callable[[Inputs], Loss | None]] = {
    "aws:s3/bucket:Bucket": _bucket,
    "aws:dynamodb/table:Table": _table,
    # https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-delete-stream.html
    "aws:kinesis/stream:Stream": _always("records that nobody has read yet are lost"),
    # https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
    "aws:kms/key:Key": _always("what is encrypted under it can't be read once its waiting period is over"),
    # https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-delete.html
    "aws:opensearch/serverlessCollection:ServerlessCollection": _always("all documents are deleted with it"),
    "gcp:bigquery/dataset:Dataset": _dataset,
    "gcp:bigquery/table:Table": _warehouse_table,
    # https://docs.cloud.google.com/storage/docs/deleting-buckets
    "gcp:storage/bucket:Bucket": lambda inputs: (
        Loss(True, "all objects are deleted with it") if inputs.get("forceDestroy")
        else Loss(False, "Cloud Storage deletes no bucket that holds objects: the deployment stops there")
    ),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html
    "aws:sqs/queue:Queue": _always("messages that are still in it are lost"),
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html
    "aws:cloudwatch/logGroup:LogGroup": _always("its log is deleted with it"),
}  # fmt: skip
# What a shorter time deletes: type -> the properties, in days or hours, and what goes.
SHORTER: Mapping[str, tuple[tuple[str, ...], str]] = {
    "aws:cloudwatch/logGroup:LogGroup": (("retentionInDays",), "older log events are deleted"),
    "aws:kinesis/stream:Stream": (("retentionPeriod",), "older records are deleted"),
    "gcp:bigquery/dataset:Dataset": (("defaultTableExpirationMs",), "tables of that age are deleted"),
}
READS: Mapping[str, set[str]] = {
    "aws:s3/bucket:Bucket": {"forceDestroy"},
    "gcp:storage/bucket:Bucket": {"forceDestroy"},
    "aws:dynamodb/table:Table": {"deletionProtectionEnabled"},
    "gcp:bigquery/dataset:Dataset": {"deleteContentsOnDestroy"},
    "gcp:bigquery/table:Table": {"deletionProtection", "view"},
}
"""The inputs that decide, by type."""
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"


def rank(change: Change) -> int:
    """How much what a resource holds weighs: tables, buckets and keys before queues and logs, all before nothing."""
    order = list(HOLDS)
    return order.index(change.type) if change.type in HOLDS else len(order)


def loss(change: Change) -> Loss | None:
    """What becomes of the resource's data; None where it holds none, or keeps what it has."""
    if change.kind == "update":
        return _by_update(change)
    if change.kind not in ("delete", "replace") or change.type not in HOLDS:
        return None
    if change.protected:
        return Loss(False, "it is protected: Pulumi refuses to delete it")
    if change.retained:
        new = "; the new one begins empty" if change.kind == "replace" else ""
        return Loss(False, f"it stays in the account with its data, out of the state{new}")
    return HOLDS[change.type](change.before)


def _by_update(change: Change) -> Loss | None:
    properties = {changed.path: changed for changed in change.properties}
    if change.type in SHORTER:
        paths, text = SHORTER[change.type]
        for path in paths:
            changed = properties.get(path)
            if changed and _shorter(changed.before, changed.after):
                return Loss(True, f"{text}: {path} {changed.before} becomes {changed.after}")
    if change.type == LIFECYCLE and "rules" in {path.partition("[")[0] for path in properties}:
        return _lifecycle(properties)
    return None


def _lifecycle(properties: Mapping[str, Property]) -> Loss | None:
    """A rule that expires objects sooner than it did (https://docs.aws.amazon.com/AmazonS3/latest/userguide/
    lifecycle-expire-general-considerations.html)."""
    whole = properties.get("rules")
    if whole is None:
        pairs = [
            (changed.before, changed.after)
            for path, changed in properties.items()
            if path.endswith("xpiration.days")
        ]
    else:
        pairs = list[tuple[Any, Any]]()
        old = {rule.get("id"): rule for rule in _rules(whole.before)}
        for rule in _rules(whole.after):
            for path in ("expiration.days", "noncurrentVersionExpiration.noncurrentDays"):
                pairs.append((at(old.get(rule.get("id")), path), at(rule, path)))
    for before, after in pairs:
        if _shorter(before, after):
            was = (
                f"{before:g} days become {after:g}" if before else f"{after:g} days, before there was no end"
            )
            return Loss(True, f"objects expire sooner: {was}")
    return None


def _rules(value: Any) -> list[Mapping[str, Any]]:
    return [rule for rule in value if is_mapping(rule)] if is_list(value) else []


def _shorter(before: Any, after: Any) -> bool:
    """Whether a time ends sooner; nothing, or 0, is no end."""
    if not isinstance(after, int | float) or isinstance(after, bool) or after <= 0:
        return False
    return not isinstance(before, int | float) or before <= 0 or after < before
