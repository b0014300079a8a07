"""Each rule on what several resources are together: a bucket with its parts, its notifications, functions and those who
call them, queues and topics with their policies."""

from typing import Any

import pytest

from policy.rules import UNKNOWN, Resource, check_all
from tests.unit.policy.documents import DENY, SEND, TOPIC_POLICY
from tests.unit.policy.documents import policy as policy_of

BUCKET = Resource("aws:s3/bucket:Bucket", "b", {"bucket": "b"})
PARTS = [
    Resource(f"aws:s3/{token}", "b", {"bucket": "b"})
    for token in (
        "bucketPublicAccessBlock:BucketPublicAccessBlock",
        "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "bucketPolicy:BucketPolicy",
        "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    )
]
REPLICATED = Resource("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "b", {"bucket": "b"})


def _to_queue(id: str, prefix: str, suffix: str, event: str = "s3:ObjectCreated:*") -> dict[str, Any]:
    return {
        "id": id,
        "events": [event],
        "filter_prefix": prefix,
        "filter_suffix": suffix,
        "queue_arn": UNKNOWN,
    }


NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"


@pytest.mark.parametrize(
    "other",
    [
        _to_queue("two", "raw/orders/", ".json"),
        _to_queue("two", "", "y.json"),
        _to_queue("two", "raw/", ".json", "s3:ObjectCreated:Put"),
    ],
)
def test_notifications_that_overlap_are_refused(other: dict[str, Any]) -> None:
    first = _to_queue("one", "raw/", ".json")
    (finding,) = check_all(
        [Resource(NOTIFICATION, "n", {"bucket": "b", "queues": [first], "topics": [other]})]
    )
    assert "'one' and 'two' get the same event of the same key" in str(finding)


@pytest.mark.parametrize(
    "other",
    [
        _to_queue("two", "lake/", ".json"),
        _to_queue("two", "raw/", ".gz"),
        _to_queue("two", "raw/", ".json", "s3:ObjectRemoved:*"),
    ],
)
def test_notifications_side_by_side_pass(other: dict[str, Any]) -> None:
    first = _to_queue("one", "raw/", ".json")
    assert check_all([Resource(NOTIFICATION, "n", {"bucket": "b", "queues": [first, other]})]) == []


def test_two_sets_of_notifications_of_one_bucket_are_refused() -> None:
    twice = [Resource(NOTIFICATION, name, {"bucket": "b"}) for name in ("one", "two")]
    assert ["is for the same bucket" in str(violation) for violation in check_all(twice)] == [True]


def _versioned(status: str) -> Resource:
    return Resource(
        "aws:s3/bucketVersioning:BucketVersioning",
        "b",
        {"bucket": "b", "versioning_configuration": {"status": status}},
    )


def test_a_bucket_with_all_its_parts_passes() -> None:
    assert check_all([BUCKET, *PARTS, REPLICATED, _versioned("Enabled")]) == []


@pytest.mark.parametrize("missing", PARTS, ids=lambda part: part.type)
def test_a_bucket_without_one_of_its_parts_is_refused(missing: Resource) -> None:
    elsewhere = Resource(missing.type, "c", {"bucket": "c"})
    assert len(check_all([BUCKET, elsewhere, *(part for part in PARTS if part is not missing)])) == 1


def test_a_part_that_takes_the_buckets_name_from_an_unknown_output_is_found_by_where_it_comes_from() -> None:
    linked = [Resource(p.type, "b", {"bucket": UNKNOWN}, {"bucket": frozenset({BUCKET.key})}) for p in PARTS]
    assert check_all([BUCKET, *linked]) == []


def _older(part: Resource) -> Resource:
    module, name = part.type.rsplit(":", 1)
    return Resource(f"{module}V2:{name}V2", part.name, part.props)


def test_a_bucket_of_the_older_type_needs_the_same_parts_of_either_type() -> None:
    older = _older(BUCKET)
    assert older.type == "aws:s3/bucketV2:BucketV2"
    assert len(check_all([older])) == len(check_all([BUCKET])) == len(PARTS)
    assert [v.rule for v in check_all([older, *PARTS, REPLICATED])] == ["a replicated bucket is versioned"]
    of_both_versions = [
        _older(part) if "Encryption" in part.type or "Lifecycle" in part.type else part for part in PARTS
    ]
    assert check_all([older, *of_both_versions, REPLICATED, _older(_versioned("Enabled"))]) == []


@pytest.mark.parametrize("versioning", [[], [_versioned("Suspended")]])
def test_a_replicated_bucket_without_versioning_is_refused(versioning: list[Resource]) -> None:
    (violation,) = check_all([BUCKET, *PARTS, REPLICATED, *versioning])
    assert violation.rule == "a replicated bucket is versioned"


FUNCTION = Resource("aws:lambda/function:Function", "f", {"name": "f"})
KEPT = Resource(
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "f",
    {"function_name": "f", "destination_config": {"on_failure": {"destination": "q"}}},
)
MAPPED = Resource("aws:lambda/eventSourceMapping:EventSourceMapping", "f", {"function_name": "f"})
SCHEDULED = Resource(
    "aws:scheduler/schedule:Schedule",
    "f",
    {"target": {"arn": "arn:aws:lambda:us-east-1:111111111111:function:f"}},
)
STEPPED = Resource(
    "aws:sfn/stateMachine:StateMachine",
    "f",
    {"definition": '{"Resource": "arn:aws:lambda:us-east-1:111111111111:function:f", "End": true}'},
)
PERMITTED = Resource(
    "aws:lambda/permission:Permission", "f", {"function": "f", "principal": "s3.amazonaws.com"}
)


@pytest.mark.parametrize("others", [[], [SCHEDULED], [PERMITTED], [MAPPED, PERMITTED], [STEPPED, SCHEDULED]])
def test_a_function_that_loses_its_failures_is_refused(others: list[Resource]) -> None:
    assert [v.rule for v in check_all([FUNCTION, *others])] == ["what a function fails on is kept"]


@pytest.mark.parametrize("others", [[KEPT, SCHEDULED], [MAPPED], [STEPPED], [KEPT, PERMITTED]])
def test_a_function_whose_failures_are_kept_passes(others: list[Resource]) -> None:
    assert check_all([FUNCTION, *others]) == []


QUEUE = Resource("aws:sqs/queue:Queue", "q", {"name": "q", "kms_master_key_id": "k"})
_NO_PLAIN_HTTP = policy_of(DENY | {"Action": "sqs:*", "Resource": "*"})
CLOSED = Resource("aws:sqs/queuePolicy:QueuePolicy", "q", {"queue_url": "https://sqs/1/q"} | _NO_PLAIN_HTTP)
OPEN = Resource(CLOSED.type, "q", {"queue_url": "https://sqs/1/q"} | policy_of(SEND))
OTHERS = Resource(CLOSED.type, "p", {"queue_url": "https://sqs/1/p"} | _NO_PLAIN_HTTP)


@pytest.mark.parametrize("others", [[], [OPEN], [OTHERS]])
def test_a_queue_that_takes_plain_http_is_refused(others: list[Resource]) -> None:
    assert [v.rule for v in check_all([QUEUE, *others])] == ["a queue is reached by tls only"]


def test_a_queue_that_denies_plain_http_by_its_own_policy_or_by_another_passes() -> None:
    own = Resource(QUEUE.type, "q", {**QUEUE.props, **_NO_PLAIN_HTTP})
    assert check_all([QUEUE, CLOSED]) == check_all([own]) == []


BY_TLS = policy_of(DENY | {"Action": "sns:Publish", "Resource": "*"})
TOPIC = Resource("aws:sns/topic:Topic", "t", {"name": "t", "arn": "arn:aws:sns:eu-central-1:1:t"})
T_CLOSED = Resource(TOPIC_POLICY, "t", {"arn": "arn:aws:sns:eu-central-1:1:t"} | BY_TLS)
T_OPEN = Resource(TOPIC_POLICY, "t", {"arn": "arn:aws:sns:eu-central-1:1:t"} | policy_of(SEND))
T_OTHERS = Resource(TOPIC_POLICY, "p", {"arn": "arn:aws:sns:eu-central-1:1:p"} | BY_TLS)


@pytest.mark.parametrize("others", [[], [T_OPEN], [T_OTHERS]])
def test_a_topic_that_takes_plain_http_is_refused(others: list[Resource]) -> None:
    assert [v.rule for v in check_all([TOPIC, *others])] == ["a topic is reached by tls only"]


def test_a_topic_that_denies_plain_http_by_its_own_policy_or_by_another_passes() -> None:
    own = Resource(TOPIC.type, "t", {**TOPIC.props, **BY_TLS})
    assert check_all([TOPIC, T_CLOSED]) == check_all([own]) == []
