"""The rule on what a bucket reports."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from policy.parts import of
from policy.rule import Resource, together_rule
from policy.values import known

Question = Iterator[tuple[str, str]]


@together_rule(
    write="write one BucketNotification for the bucket, and give each of its targets another event, prefix or suffix",
    page="https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html"
    "#notification-how-to-filtering-examples-invalid",
)
def a_bucket_sends_an_event_to_one_target(resources: Sequence[Resource]) -> Iterator[Question]:
    """A bucket with two BucketNotifications: S3 keeps the last one only. Or two targets of a bucket that get the same
    event of the same key: S3 refuses that."""
    sets = of("aws:s3/bucketNotification:BucketNotification", resources)
    for first, second in itertools.combinations(sets, 2):
        yield _of_one_bucket(first, second)
    for resource in sets:
        kinds = ("queues", "topics", "lambda_functions")
        targets = [target for kind in kinds for target in known(resource.props.get(kind))]
        for first, second in itertools.combinations(targets, 2):
            yield _overlap(resource, first, second)


def _of_one_bucket(first: Resource, second: Resource) -> Question:
    if first.props.get("bucket") == second.props.get("bucket"):
        yield second.key, f"{first.key} is for the same bucket, and S3 keeps one of the two"


def _overlap(resource: Resource, first: Mapping[str, Any], second: Mapping[str, Any]) -> Question:
    def both(key: str, begins: Callable[[str, str], bool]) -> bool:
        a, b = first.get(key) or "", second.get(key) or ""
        return begins(a, b) or begins(b, a)

    events = [(str(a).rstrip("*"), str(b).rstrip("*")) for a in first["events"] for b in second["events"]]
    if (
        any(a.startswith(b) or b.startswith(a) for a, b in events)
        and both("filter_prefix", str.startswith)
        and both("filter_suffix", str.endswith)
    ):
        yield resource.key, f"{first.get('id')!r} and {second.get('id')!r} get the same event of the same key"
