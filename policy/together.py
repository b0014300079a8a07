"""Rules on what several resources are together, asked when the program has ended: a bucket and its parts, a function
and what it fails on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    return [*_buckets(resources), *_functions(resources)]


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
