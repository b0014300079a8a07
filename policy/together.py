"""Rules on what several resources are together, asked when the program has ended: a bucket and its parts, a function
and what it fails on."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from policy.rules import UNKNOWN, Resource, Violation

_BUCKETS_PARTS = {
    "a bucket blocks all public access": (
        "bucketPublicAccessBlock:BucketPublicAccessBlock",
        "BucketPublicAccessBlock",
    ),
    "a bucket is encrypted": (
        "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "BucketServerSideEncryptionConfiguration",
    ),
    "a bucket is reached by tls only": ("bucketPolicy:BucketPolicy", "BucketPolicy that denies plain HTTP"),
    "a bucket cleans up": (
        "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "BucketLifecycleConfiguration",
    ),
}
_FIREHOSE = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
_FAILURES_GO_SOMEWHERE = "what a function fails on is kept"


def check_all(resources: Sequence[Resource]) -> list[Violation]:
    """What the resources of a program break together."""
    return [*_buckets(resources), *_notifications(resources), *_functions(resources)]


def _buckets(resources: Sequence[Resource]) -> Iterator[Violation]:
    for bucket in _of("aws:s3/bucket:Bucket", resources):
        for rule, (token, what) in _BUCKETS_PARTS.items():
            if not _parts(bucket, f"aws:s3/{token}", "bucket", resources):
                yield Violation(bucket.key, rule, f"there is no {what}", f"add an aws.s3.{what}")
        replicated = _parts(
            bucket, "aws:s3/bucketReplicationConfig:BucketReplicationConfig", "bucket", resources
        )
        versioned = [
            part
            for part in _parts(bucket, "aws:s3/bucketVersioning:BucketVersioning", "bucket", resources)
            if (part.props.get("versioning_configuration") or {}).get("status") in ("Enabled", UNKNOWN)
        ]
        if replicated and not versioned:
            found = "it is replicated, and no BucketVersioning is Enabled"
            yield Violation(
                bucket.key, "a replicated bucket is versioned", found, "add an aws.s3.BucketVersioning"
            )


def _notifications(resources: Sequence[Resource]) -> Iterator[Violation]:
    """S3 tells of an event in one place: a bucket has one set of notifications, and no two of them share an event, the
    beginning and the end of a key (https://docs.aws.amazon.com/AmazonS3/latest/userguide/
    notification-how-to-filtering.html#notification-how-to-filtering-examples-invalid)."""
    rule, told = "an event of a bucket is told once", {}
    for resource in _of("aws:s3/bucketNotification:BucketNotification", resources):
        bucket = resource.props.get("bucket")
        if bucket != UNKNOWN and (other := told.setdefault(bucket, resource.key)) != resource.key:
            yield Violation(resource.key, rule, f"{other} is of the same bucket", "put both into one")
        kinds = ("queues", "topics", "lambda_functions")
        told_of = [each for kind in kinds for each in resource.props.get(kind) or [] if each != UNKNOWN]
        for one, other in itertools.combinations(told_of, 2):
            if _share(one, other):
                found = f"'{one.get('id')}' and '{other.get('id')}' overlap"
                yield Violation(resource.key, rule, found, "tell them apart by event, prefix or suffix")


def _share(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether an event of one key can be both."""

    def both(key: str, begins: Callable[[str, str], bool]) -> bool:
        a, b = one.get(key) or "", other.get(key) or ""
        return UNKNOWN not in (a, b) and (begins(a, b) or begins(b, a))

    events = [(str(a).rstrip("*"), str(b).rstrip("*")) for a in one["events"] for b in other["events"]]
    return (
        any(a.startswith(b) or b.startswith(a) for a, b in events)
        and both("filter_prefix", str.startswith)
        and both("filter_suffix", str.endswith)
    )


def _functions(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A function that is called asynchronously keeps what it failed on. One that only an event source mapping, a
    state machine, a deployment's Invocation or Firehose calls has its failures kept, or told, by its caller."""
    for function in _of("aws:lambda/function:Function", resources):
        configured = _parts(
            function,
            "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
            "function_name",
            resources,
        )
        kept = function.props.get("dead_letter_config") or any(
            (part.props.get("destination_config") or {}).get("on_failure") for part in configured
        )
        pulled = [
            *_parts(function, "aws:lambda/eventSourceMapping:EventSourceMapping", "function_name", resources),
            *_parts(function, "aws:lambda/invocation:Invocation", "function_name", resources),
            *(r for r in _of(_FIREHOSE, resources) if _transforms(r, function)),
            *(r for r in _of("aws:sfn/stateMachine:StateMachine", resources) if _steps_call(r, function)),
        ]
        pushed = [
            *_parts(function, "aws:lambda/permission:Permission", "function", resources),
            *(r for r in _of("aws:scheduler/schedule:Schedule", resources) if _calls(r, function)),
        ]
        if not kept and (pushed or not pulled):
            yield Violation(
                function.key,
                _FAILURES_GO_SOMEWHERE,
                "it has no dead_letter_config and no FunctionEventInvokeConfig with an on_failure destination",
                "add one; or call it by an event source mapping or a state machine only",
            )


def _calls(schedule: Resource, function: Resource) -> bool:
    target = schedule.props.get("target") or {}
    arn = target.get("arn") if isinstance(target, Mapping) else UNKNOWN
    name = function.props.get("name")
    return function.key in schedule.links.get("target", ()) or (
        bool(name) and str(arn).endswith(f":function:{name}")
    )


def _transforms(firehose: Resource, function: Resource) -> bool:
    name = function.props.get("name")
    return bool(name) and f":function:{name}:" in str(firehose.props)


def _steps_call(machine: Resource, function: Resource) -> bool:
    name = function.props.get("name")
    return function.key in machine.links.get("definition", ()) or (
        bool(name) and f':function:{name}"' in str(machine.props.get("definition"))
    )


def _of(token: str, resources: Iterable[Resource]) -> list[Resource]:
    return [resource for resource in resources if resource.type == token]


def _parts(whole: Resource, token: str, by: str, resources: Iterable[Resource]) -> list[Resource]:
    """The resources of a type whose property `by` names the whole, or comes from it."""
    own = {whole.props.get("bucket"), whole.props.get("name")} - {None, UNKNOWN}
    return [
        r for r in _of(token, resources) if whole.key in r.links.get(by, ()) or _last(r.props.get(by)) in own
    ]


def _last(name: Any) -> Any:
    """A name, or the last part of an ARN."""
    return name.split(":")[-1] if isinstance(name, str) else None
