"""Rules on what several resources are together, asked when the program has ended: a bucket and its parts, a function
and what it fails on."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from policy.rules import UNKNOWN, Resource, Violation, some, until_unknown

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
_BUCKET = "aws:s3/bucket:Bucket"
_FUNCTION = "aws:lambda/function:Function"
_FIREHOSE = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
_FAILURES_GO_SOMEWHERE = "what a function fails on is kept"


def check_all(resources: Sequence[Resource]) -> list[Violation]:
    """What the resources of a program break together, as far as it is known."""
    judged = [
        *(
            _lacks_a_part(bucket, part, resources)
            for bucket in _of(_BUCKET, resources)
            for part in _BUCKETS_PARTS
        ),
        *(_replicates_without_versions(bucket, resources) for bucket in _of(_BUCKET, resources)),
        *_notifications(resources),
        *(_loses_failures(function, resources) for function in _of(_FUNCTION, resources)),
    ]
    return [violation for each in judged for violation in until_unknown(each)]


def _lacks_a_part(bucket: Resource, rule: str, resources: Sequence[Resource]) -> Iterator[Violation]:
    token, what = _BUCKETS_PARTS[rule]
    if not _has(bucket, f"aws:s3/{token}", "bucket", resources):
        yield Violation(bucket.key, rule, f"there is no {what}", f"add an aws.s3.{what}")


def _replicates_without_versions(bucket: Resource, resources: Sequence[Resource]) -> Iterator[Violation]:
    def enabled(part: Resource) -> bool:
        return (part.props.get("versioning_configuration") or {}).get("status") == "Enabled"

    rule = "a replicated bucket is versioned"
    if _has(
        bucket, "aws:s3/bucketReplicationConfig:BucketReplicationConfig", "bucket", resources
    ) and not _has(bucket, "aws:s3/bucketVersioning:BucketVersioning", "bucket", resources, enabled):
        found = "it is replicated, and no BucketVersioning is Enabled"
        yield Violation(bucket.key, rule, found, "add an aws.s3.BucketVersioning")


def _notifications(resources: Sequence[Resource]) -> Iterator[Iterator[Violation]]:
    """S3 tells of an event in one place: a bucket has one set of notifications, and no two of them share an event, the
    beginning and the end of a key (https://docs.aws.amazon.com/AmazonS3/latest/userguide/
    notification-how-to-filtering.html#notification-how-to-filtering-examples-invalid)."""
    all_of_them = _of("aws:s3/bucketNotification:BucketNotification", resources)
    for one, other in itertools.combinations(all_of_them, 2):
        yield _of_one_bucket(one, other)
    for resource in all_of_them:
        sets = [resource.props.get(kind) for kind in ("queues", "topics", "lambda_functions")]
        told = [each for kind in sets if kind is not UNKNOWN for each in kind or []]
        for one, other in itertools.combinations([each for each in told if each is not UNKNOWN], 2):
            yield _overlap(resource, one, other)


_TOLD_ONCE = "an event of a bucket is told once"


def _of_one_bucket(one: Resource, other: Resource) -> Iterator[Violation]:
    if one.props.get("bucket") == other.props.get("bucket"):
        yield Violation(other.key, _TOLD_ONCE, f"{one.key} is of the same bucket", "put both into one")


def _overlap(resource: Resource, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Violation]:
    def both(key: str, begins: Callable[[str, str], bool]) -> bool:
        a, b = one.get(key) or "", other.get(key) or ""
        return begins(a, b) or begins(b, a)

    events = [(str(a).rstrip("*"), str(b).rstrip("*")) for a in one["events"] for b in other["events"]]
    if (
        any(a.startswith(b) or b.startswith(a) for a, b in events)
        and both("filter_prefix", str.startswith)
        and both("filter_suffix", str.endswith)
    ):
        found = f"{one.get('id')!r} and {other.get('id')!r} overlap"
        yield Violation(resource.key, _TOLD_ONCE, found, "tell them apart by event, prefix or suffix")


def _loses_failures(function: Resource, resources: Sequence[Resource]) -> Iterator[Violation]:
    """A function that is called asynchronously keeps what it failed on. One that only an event source mapping, a
    state machine, a deployment's Invocation or Firehose calls has its failures kept, or told, by its caller."""

    def part(token: str, by: str, test: Callable[[Resource], object] = lambda _: True) -> Callable[[], bool]:
        return lambda: _has(function, f"aws:lambda/{token}", by, resources, test)

    def called(token: str, test: Callable[[Resource, Resource], object]) -> Callable[[], bool]:
        return lambda: some(_of(token, resources), lambda caller: test(caller, function))

    kept = [
        lambda: function.props.get("dead_letter_config"),
        part(
            "functionEventInvokeConfig:FunctionEventInvokeConfig",
            "function_name",
            lambda config: (config.props.get("destination_config") or {}).get("on_failure"),
        ),
    ]
    pulled = [
        part("eventSourceMapping:EventSourceMapping", "function_name"),
        part("invocation:Invocation", "function_name"),
        called(_FIREHOSE, _transforms),
        called("aws:sfn/stateMachine:StateMachine", _steps_call),
    ]
    pushed = [
        part("permission:Permission", "function"),
        called("aws:scheduler/schedule:Schedule", _calls),
        lambda: not some(pulled, _answer),
    ]
    if not some(kept, _answer) and some(pushed, _answer):
        yield Violation(
            function.key,
            _FAILURES_GO_SOMEWHERE,
            "it has no dead_letter_config and no FunctionEventInvokeConfig with an on_failure destination",
            "add one; or call it by an event source mapping or a state machine only",
        )


def _answer(question: Callable[[], object]) -> object:
    return question()


def _calls(schedule: Resource, function: Resource) -> bool:
    if function.key in schedule.links.get("target", ()):
        return True
    arn = (schedule.props.get("target") or {}).get("arn")
    return bool(name := function.props.get("name")) and str(arn).endswith(f":function:{name}")


def _transforms(firehose: Resource, function: Resource) -> bool:
    return bool(name := function.props.get("name")) and _text_has(firehose.props, f":function:{name}:")


def _steps_call(machine: Resource, function: Resource) -> bool:
    if function.key in machine.links.get("definition", ()):
        return True
    name = function.props.get("name")
    return bool(name) and f':function:{name}"' in str(machine.props.get("definition"))


def _text_has(value: Any, text: str) -> bool:
    """Whether a text stands somewhere in a value."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return some(value, lambda inner: _text_has(inner, text))
    return text in str(value)


def _of(token: str, resources: Iterable[Resource]) -> list[Resource]:
    return [resource for resource in resources if resource.type == token]


def _has(
    whole: Resource,
    token: str,
    by: str,
    resources: Iterable[Resource],
    test: Callable[[Resource], object] = lambda part: True,
) -> bool:
    """Whether a resource of the type whose property `by` names the whole, or comes from it, passes the test."""
    return some(_of(token, resources), lambda part: _is_part(part, by, whole) and test(part))


def _is_part(part: Resource, by: str, whole: Resource) -> bool:
    links, name = part.links.get(by, frozenset()), part.props.get(by)
    own = [n for n in (whole.props.get("bucket"), whole.props.get("name")) if n is not None]
    if whole.key in links:
        return True
    if name is None:
        return False
    elsewhere = any(link.startswith(f"{whole.type}::") for link in links)
    if elsewhere and (name is UNKNOWN or any(n is UNKNOWN for n in own)):
        return False
    return some(own, lambda n: n == name.split(":")[-1])  # a name, or the last part of an ARN
