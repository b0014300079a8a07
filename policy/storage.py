"""Rules on where data rests: buckets, queues, databases, logs."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from policy.documents import documents
from policy.parts import has, of
from policy.rule import Problems, Props, Resource, resource_rule, rule, together_rule
from policy.values import UNKNOWN, absent, known, leaves, listed, some, within

_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
_SNS = "https://docs.aws.amazon.com/sns/latest/dg/"
_QUEUE = "aws:sqs/queue:Queue"
_BUCKETS_PARTS = (
    "bucketPublicAccessBlock:BucketPublicAccessBlock",
    "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "bucketPolicy:BucketPolicy",
    "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
)
Question = Iterator[tuple[str, str]]


def _buckets(resources: Sequence[Resource]) -> list[Resource]:
    """Buckets, by the type's older name as well, which the provider still makes:
    https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketv2/"""
    return [*of("aws:s3/bucket:Bucket", resources), *of("aws:s3/bucketV2:BucketV2", resources)]


def _has(
    bucket: Resource,
    part: str,
    resources: Sequence[Resource],
    test: Callable[[Resource], object] = lambda _: True,
) -> bool:
    """Whether a part of a bucket, by its older name as well, passes the test. Raises NotKnownYet."""
    tokens = (f"aws:s3/{part}", f"aws:s3/{part.replace(':', 'V2:')}V2")
    return some(tokens, lambda token: has(bucket, token, "bucket", resources, test))


@together_rule(
    write="add an aws.s3.BucketPublicAccessBlock, an aws.s3.BucketServerSideEncryptionConfiguration, an "
    "aws.s3.BucketPolicy that denies plain HTTP, and an aws.s3.BucketLifecycleConfiguration",
    page=_S3 + "security-best-practices.html",
)
def a_bucket_is_private_encrypted_reached_by_tls_and_cleans_up(
    resources: Sequence[Resource],
) -> Iterable[Question]:
    """A bucket without a BucketPublicAccessBlock, a BucketServerSideEncryptionConfiguration, a BucketPolicy or a
    BucketLifecycleConfiguration."""
    return (_lacks(bucket, part, resources) for bucket in _buckets(resources) for part in _BUCKETS_PARTS)


def _lacks(bucket: Resource, token: str, resources: Sequence[Resource]) -> Question:
    if not _has(bucket, token, resources):
        yield bucket.key, f"there is no {token.split(':')[1]}"


@together_rule(
    write="add an aws.s3.BucketVersioning that is Enabled", page=_S3 + "replication-requirements.html"
)
def a_replicated_bucket_is_versioned(resources: Sequence[Resource]) -> Iterable[Question]:
    """A bucket with a BucketReplicationConfig and no BucketVersioning that is Enabled."""
    return (_replicates_without_versions(bucket, resources) for bucket in _buckets(resources))


def _replicates_without_versions(bucket: Resource, resources: Sequence[Resource]) -> Question:
    def enabled(part: Resource) -> bool:
        return within(part.props, "versioning_configuration").get("status") == "Enabled"

    replication, versioning = (
        "bucketReplicationConfig:BucketReplicationConfig",
        "bucketVersioning:BucketVersioning",
    )
    if _has(bucket, replication, resources) and not _has(bucket, versioning, resources, enabled):
        yield bucket.key, "it is replicated, and no BucketVersioning is Enabled"


_BLOCKED = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")


@resource_rule(
    r"aws(-native)?:(s3|s3control|ec2|ebs|emr).*",
    write="write block_public_acls, block_public_policy, ignore_public_acls and restrict_public_buckets, each True; of "
    "images and snapshots 'block-all-sharing'",
    page=_S3 + "access-control-block-public-access.html",
)
def a_bucket_blocks_all_public_access(resource: Resource) -> Problems:
    """A public access block with one of its four settings off: of a bucket, an account, or an access point of its own;
    or an account's block of public images or snapshots that is `unblocked`."""
    props = resource.props
    if resource.type.endswith("PublicAccessBlock") and "s3/" in resource.type:
        for key in _BLOCKED:
            if absent(props.get(key)):
                yield f"{key} is {props.get(key)}"
        return
    for path, value in leaves(props):
        if path.split(".")[-1] in _BLOCKED and value in (False, "false"):
            yield f"{path} is {value}"
    if resource.type.endswith("BlockPublicAccess") and "unblocked" in known(props.get("state")):
        yield "state is unblocked"


_PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read", "aws-exec-read",
                "PublicRead", "PublicReadWrite", "AuthenticatedRead", "AwsExecRead")  # fmt: skip
_PUBLIC_GROUPS = tuple(f"acs.amazonaws.com/groups/global/{who}" for who in ("AllUsers", "AuthenticatedUsers"))


@rule(
    r"aws(-native)?:s3.*",
    write="leave the ACL out (a bucket policy names who reads)",
    page=_S3 + "about-object-ownership.html",
)
def no_acl_is_public(props: Props) -> Problems:
    """An ACL that lets everybody in (`public-read` and its like), or a grant to the group AllUsers or
    AuthenticatedUsers."""
    for key in ("acl", "access_control"):
        if props.get(key) is not UNKNOWN and props.get(key) in _PUBLIC_ACLS:
            yield f"{key} is {props[key]}"
    for path, value in leaves(props):
        if str(value).endswith(_PUBLIC_GROUPS):
            yield f"{path} is {value}"


@rule(
    r"aws:s3/bucketPolicy:\w+",
    write='deny "s3:*" on the bucket and its objects to everybody when "aws:SecureTransport" is "false"',
    page=_S3 + "security-best-practices.html#transit",
)
def a_bucket_is_reached_by_tls_only(props: Props) -> Problems:
    """A bucket policy without a statement that denies plain HTTP, for every action, on the bucket and its objects. One
    that names another bucket denies nothing."""
    if not some(
        _statements(props),
        lambda statement: _denies_plain_http(statement, "s3:*") and _whole_bucket(statement, props),
    ):
        yield "no statement denies plain HTTP"


def _whole_bucket(statement: Props, props: Props) -> bool:
    resources = [str(resource) for resource in listed(statement.get("Resource"))]
    whole = [each for each in resources if "/" not in each and f"{each}/*" in resources]
    return "*" in resources or any(_is_of(each, props, "bucket") for each in whole)


def _is_of(arn: str, props: Props, *named_by: str) -> bool:
    """Whether an ARN is of what these properties name, by its name, its ARN or its URL; where none is known yet, or
    given, it may be. Raises NotKnownYet."""
    names = [props.get(key) for key in named_by if props.get(key) is not None]
    if not names or any(name is UNKNOWN for name in names):
        return True
    last = re.split("[:/]", arn)[-1]
    return any(re.split("[:/]", str(name))[-1] == last for name in names)


@together_rule(
    write='add an aws.sqs.QueuePolicy that denies "sqs:*" to everybody when "aws:SecureTransport" is "false"',
    page=_SQS + "sqs-security-best-practices.html#enforce-encryption-data-in-transit",
)
def a_queue_is_reached_by_tls_only(resources: Sequence[Resource]) -> Iterable[Question]:
    """A queue without a policy, its own or a QueuePolicy, that denies plain HTTP for every action, on this queue."""
    return (_plain_queue(queue, resources) for queue in of(_QUEUE, resources))


def _plain_queue(queue: Resource, resources: Sequence[Resource]) -> Question:
    def denies(part: Resource) -> bool:
        return some(
            _statements(part.props),
            lambda statement: (
                _denies_plain_http(statement, "sqs:*") and _on(statement, queue, part, "queue_url")
            ),
        )

    if not (denies(queue) or has(queue, "aws:sqs/queuePolicy:QueuePolicy", "queue_url", resources, denies)):
        yield queue.key, "no policy denies plain HTTP"


@together_rule(
    write='add an aws.sns.TopicPolicy that denies "sns:Publish" to everybody when "aws:SecureTransport" is "false"',
    page=_SNS + "sns-security-best-practices.html#enforce-encryption-data-in-transit",
)
def a_topic_is_reached_by_tls_only(resources: Sequence[Resource]) -> Iterable[Question]:
    """A topic without a policy, its own or a TopicPolicy, that denies publishing to it by plain HTTP."""
    return (_plain_topic(topic, resources) for topic in of("aws:sns/topic:Topic", resources))


def _plain_topic(topic: Resource, resources: Sequence[Resource]) -> Question:
    def denies(part: Resource) -> bool:
        return some(
            _statements(part.props),
            lambda statement: (
                (_denies_plain_http(statement, "sns:Publish") or _denies_plain_http(statement, "SNS:Publish"))
                and _on(statement, topic, part, "arn")
            ),
        )

    if not (denies(topic) or has(topic, "aws:sns/topicPolicy:TopicPolicy", "arn", resources, denies)):
        yield topic.key, "no policy denies plain HTTP"


def _on(statement: Props, whole: Resource, part: Resource, by: str) -> bool:
    """Whether a statement of a part's policy is on the whole: everything, or what the whole or the part is called."""
    if "Resource" not in statement:  # of a queue's or a topic's own policy it means that
        return "NotResource" not in statement
    arns = [str(arn) for arn in listed(statement.get("Resource"))]
    named = {by: part.props.get(by), "name": whole.props.get("name"), "arn": whole.props.get("arn")}
    known = {key: name for key, name in named.items() if name is not None and name is not UNKNOWN}
    return "*" in arns or any(_is_of(arn, known, *known) for arn in arns)


def _statements(props: Props) -> list[Any]:
    """The statements of a resource's policy, those that aren't known among them. Raises NotKnownYet."""
    if props.get("policy") is UNKNOWN:
        return [UNKNOWN]
    return [
        each for _, document in documents(props.get("policy")) for each in listed(document.get("Statement"))
    ]


def _denies_plain_http(statement: Props, everything: str) -> bool:
    condition = dict(statement.get("Condition") or {})
    insecure = [condition.get("Bool"), condition.get("BoolIfExists")]
    only = [
        {key.lower(): [str(value).lower() for value in listed(values)] for key, values in test.items()}
        for test in insecure
        if test is not None
    ]
    return (
        statement.get("Effect") == "Deny"
        and len(condition) == 1
        and only == [{"aws:securetransport": ["false"]}]
        and statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        and some(listed(statement.get("Action")), lambda action: action in ("*", everything))
    )


@rule(
    _QUEUE,
    write="write sqs_managed_sse_enabled=True, or a kms_master_key_id",
    page=_SQS + "sqs-server-side-encryption.html",
)
def a_queue_is_encrypted(props: Props) -> Problems:
    """A queue with neither sqs_managed_sse_enabled nor a kms_master_key_id."""
    if not props.get("sqs_managed_sse_enabled") and not props.get("kms_master_key_id"):
        yield "it has no encryption"


@rule(
    r"aws(-native)?:(rds|redshift|neptune|docdb|dms|redshiftserverless)[/:].*",
    write="leave publicly_accessible False, and share a snapshot with accounts by their ids",
    page="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-share-snapshot.html",
)
def a_database_is_not_public(props: Props) -> Problems:
    """A database with publicly_accessible, or a snapshot that is shared with `all`."""
    if props.get("publicly_accessible") is not UNKNOWN and props.get("publicly_accessible"):
        yield "publicly_accessible is True"
    if "all" in known(props.get("shared_accounts")):
        yield "shared_accounts has 'all'"


@rule(
    r"aws:cloudwatch/logGroup:LogGroup",
    write="write retention_in_days, like 90",
    page="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
)
def a_log_is_kept_for_a_time(props: Props) -> Problems:
    """A log group without retention_in_days, which keeps logs for ever."""
    if not props.get("retention_in_days"):
        yield "logs are kept for ever"
