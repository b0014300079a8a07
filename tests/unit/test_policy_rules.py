"""Each rule with what it refuses and what it lets pass, and a program that a violation stops."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.runtime import mocks

import policy
from policy.rules import UNKNOWN, Resource, check
from policy.together import check_all

ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ROLE = "aws:iam/role:Role"
GOOD = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"]}
TRUST = {
    "Sid": "Assume",
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}},
}
PASS = {
    "Sid": "Pass",
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": "arn:aws:iam::111111111111:role/r",
}
PASSED = {"Condition": {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}}
DENY = {
    "Sid": "DenyPlainHttp",
    "Effect": "Deny",
    "Action": ["s3:*"],
    "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
    "Principal": {"AWS": "*"},
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
PRIVATE = dict.fromkeys(
    ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True
)


def _grants(*statements: dict) -> dict:
    return {"policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}


def _trusts(statement: dict) -> dict:
    return {"assume_role_policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


def _env(**variables: Any) -> dict:
    return {"environment": {"variables": variables}}


CASES: list[tuple[str, str, dict, dict]] = [
    ("sid", ROLE_POLICY, _grants({k: v for k, v in GOOD.items() if k != "Sid"}), _grants(GOOD)),
    ("names its actions", ROLE_POLICY, _grants(GOOD | {"Action": ["s3:Get*"]}), _grants(GOOD)),
    (
        "names its resources",
        ROLE_POLICY,
        _grants(GOOD | {"Resource": "*"}),
        _grants(GOOD | {"Action": "s3:CreateJob", "Resource": "*"}),
    ),
    (
        "this account only",
        ROLE,
        _trusts({k: v for k, v in TRUST.items() if k != "Condition"}),
        _trusts(TRUST),
    ),
    (
        "to everybody",
        "aws:s3/bucketPolicy:BucketPolicy",
        _grants(DENY, GOOD | {"Principal": {"AWS": ["*"]}}),
        _grants(DENY),
    ),
    ("one service only", ROLE_POLICY, _grants(PASS), _grants(PASS | PASSED)),
    (
        "blocks all public",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        PRIVATE | {"block_public_acls": False},
        PRIVATE,
    ),
    (
        "tls only",
        "aws:s3/bucketPolicy:BucketPolicy",
        _grants(DENY | {"Resource": ["arn:aws:s3:::b/*"]}),
        _grants(DENY),
    ),
    (
        "queue is encrypted",
        "aws:sqs/queue:Queue",
        {"sqs_managed_sse_enabled": False},
        {"kms_master_key_id": UNKNOWN},
    ),
    (
        "kept for a time",
        "aws:cloudwatch/logGroup:LogGroup",
        {"retention_in_days": 0},
        {"retention_in_days": 90},
    ),
    (
        "functions environment",
        "aws:lambda/function:Function",
        _env(DB_PASSWORD="hunter2"),
        _env(DB_PASSWORD=UNKNOWN, DB_SECRET_ARN="arn:x", KMS_KEY_ARN="y"),
    ),
    (
        "functions environment",
        "aws:lambda/function:Function",
        _env(NOTE="AKIA" + "A" * 16),
        _env(NOTE="AKIA"),
    ),
    (
        "source and account",
        "aws:lambda/permission:Permission",
        {"principal": "s3.amazonaws.com", "source_arn": "a"},
        {"principal": "s3.amazonaws.com", "source_arn": "a", "source_account": "b"},
    ),
    ("access key", "pulumi:providers:aws", {"secret_key": "abc"}, {"secret_key": UNKNOWN}),
    (
        "access key",
        "gcp:bigquery/dataTransferConfig:DataTransferConfig",
        {"params": {"secret_access_key": "abc"}},
        {"params": {"secret_access_key": UNKNOWN}},
    ),
    (
        "access key",
        "gcp:bigquery/dataTransferConfig:DataTransferConfig",
        {"params": {"access_key_id": f"{'AKIA' + 'A' * 16}:abc"}},
        {"params": {"access_key_id": "AKIA" + "A" * 16}},
    ),
    (
        "google is public",
        "gcp:storage/bucketIAMMember:BucketIAMMember",
        {"member": "allUsers"},
        {"member": "group:a@b.c"},
    ),
    (
        "google is public",
        "gcp:storage/bucketIAMBinding:BucketIAMBinding",
        {"members": ["allAuthenticatedUsers"]},
        {"members": []},
    ),
    (
        "primitive role",
        "gcp:projects/iAMMember:IAMMember",
        {"role": "roles/editor"},
        {"role": "roles/bigquery.jobUser"},
    ),
    (
        "google bucket",
        "gcp:storage/bucket:Bucket",
        {"public_access_prevention": "enforced"},
        {"public_access_prevention": "enforced", "uniform_bucket_level_access": True},
    ),
    (
        "google bucket",
        "gcp:storage/bucket:Bucket",
        {"uniform_bucket_level_access": True},
        {"public_access_prevention": UNKNOWN, "uniform_bucket_level_access": UNKNOWN},
    ),
]


@pytest.mark.parametrize(
    ("rule", "token", "bad", "good"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_rule_refuses_the_bad_and_lets_the_good_pass(rule: str, token: str, bad: dict, good: dict) -> None:
    assert [v.rule for v in check(Resource(token, "it", bad)) if rule in v.rule] != []
    assert check(Resource(token, "it", good)) == []


def test_a_violation_tells_what_was_found_and_what_to_write() -> None:
    (violation,) = check(Resource("aws:sqs/queue:Queue", "orders", {}))
    assert str(violation) == (
        "aws:sqs/queue:Queue::orders breaks 'a queue is encrypted': it has no encryption; "
        "write sqs_managed_sse_enabled=True, or a kms_master_key_id"
    )


def test_what_is_not_known_yet_is_not_refused_at_preview() -> None:
    assert check(Resource(ROLE_POLICY, "it", {"policy": UNKNOWN})) == []
    assert check(Resource("aws:s3/bucketPolicy:BucketPolicy", "it", {"policy": UNKNOWN})) == []


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


def _told(id: str, prefix: str, suffix: str, event: str = "s3:ObjectCreated:*") -> dict:
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
        _told("two", "raw/orders/", ".json"),
        _told("two", "", "y.json"),
        _told("two", "raw/", ".json", "s3:ObjectCreated:Put"),
    ],
)
def test_notifications_that_overlap_are_refused(other: dict) -> None:
    one = _told("one", "raw/", ".json")
    (found,) = check_all([Resource(NOTIFICATION, "n", {"bucket": "b", "queues": [one], "topics": [other]})])
    assert "'one' and 'two' overlap" in str(found)


@pytest.mark.parametrize(
    "other",
    [
        _told("two", "lake/", ".json"),
        _told("two", "raw/", ".gz"),
        _told("two", "raw/", ".json", "s3:ObjectRemoved:*"),
    ],
)
def test_notifications_side_by_side_pass(other: dict) -> None:
    one = _told("one", "raw/", ".json")
    assert check_all([Resource(NOTIFICATION, "n", {"bucket": "b", "queues": [one, other]})]) == []


def test_two_sets_of_notifications_of_one_bucket_are_refused() -> None:
    twice = [Resource(NOTIFICATION, name, {"bucket": "b"}) for name in ("one", "two")]
    assert ["is of the same bucket" in str(violation) for violation in check_all(twice)] == [True]


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


class _Cloud(mocks.Mocks):
    def __init__(self) -> None:
        self.made: list[str] = []

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"nobody expected {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict]:
        self.made.append(args.name)
        return f"{args.name}-id", {**args.inputs, "arn": f"arn:aws:x:::{args.name}"}


def _run(program: Any) -> list[str]:
    cloud = _Cloud()
    mocks.set_mocks(cloud, project="shop", stack="test", preview=False)

    def enforced() -> None:
        with policy.enforced():
            program()

    pulumi.runtime.test(enforced)()
    return cloud.made


def test_a_program_that_keeps_to_the_rules_runs() -> None:
    assert _run(lambda: aws.sqs.Queue("orders", sqs_managed_sse_enabled=True)) == ["orders"]


def test_a_violation_stops_the_program_before_the_resource_is_made_and_names_its_urn() -> None:
    with pytest.raises(
        policy.Violated, match="urn:pulumi:test::shop::aws:sqs/queue:Queue::orders breaks 'a queue"
    ):
        _run(lambda: aws.sqs.Queue("orders"))


def test_a_violation_in_a_value_that_comes_from_another_resource_stops_the_program() -> None:
    def program() -> None:
        queue = aws.sqs.Queue("orders", sqs_managed_sse_enabled=True)
        wide = queue.arn.apply(lambda arn: _grants(GOOD | {"Action": "sqs:*", "Resource": arn})["policy"])
        aws.iam.RolePolicy("sends", role="r", policy=wide)

    with pytest.raises(policy.Violated, match=r"RolePolicy::sends breaks .* statement Read grants sqs:\*"):
        _run(program)


def test_a_child_of_a_component_is_checked() -> None:
    def program() -> None:
        parent = pulumi.ComponentResource("shop:blocks:Box", "box")
        aws.cloudwatch.LogGroup("logs", opts=pulumi.ResourceOptions(parent=parent))

    with pytest.raises(
        policy.Violated, match=r"shop:blocks:Box\$aws:cloudwatch/logGroup:LogGroup::logs breaks"
    ):
        _run(program)


def test_a_bucket_without_its_parts_stops_the_program_at_its_end() -> None:
    with pytest.raises(policy.Violated, match="there is no BucketPublicAccessBlock"):
        _run(lambda: aws.s3.Bucket("b", bucket="b"))


def test_a_nested_argument_is_read_as_the_rules_expect_it() -> None:
    def program() -> None:
        variables = {"API_TOKEN": "hunter2"}
        aws.lambda_.Function(
            "f", role="r", environment=aws.lambda_.FunctionEnvironmentArgs(variables=variables)
        )

    with pytest.raises(policy.Violated, match="API_TOKEN looks like a secret"):
        _run(program)


def test_a_program_outside_the_block_is_left_alone() -> None:
    cloud = _Cloud()
    mocks.set_mocks(cloud, project="shop", stack="test", preview=False)

    def program() -> None:
        with policy.enforced():
            pass
        aws.sqs.Queue("orders")

    pulumi.runtime.test(program)()
    assert cloud.made == ["orders"]
