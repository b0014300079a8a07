"""Each rule with what it refuses and what it lets pass, and a program that a violation stops."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.runtime import mocks

import policy
from policy.rule import Rule
from policy.rules import RULES, Resource, check, check_all
from tests.unit.policy.documents import ACCOUNT, DENY, KEY, READ, ROLE_POLICY, SEND, TOPIC_POLICY, TRUST
from tests.unit.policy.documents import policy as policy_of
from tests.unit.policy.elsewhere import GRANTS_UNREAD
from tests.unit.policy.programs import ROWS, UNKNOWN


@pytest.mark.parametrize(("title", "token", "bad", "good"), ROWS)
def test_a_rule_refuses_the_bad_and_lets_the_good_pass(title: str, token: str, bad: dict, good: dict) -> None:
    assert title in {violation.rule for violation in check(Resource(token, "it", bad, account=ACCOUNT))}
    assert check(Resource(token, "it", good, account=ACCOUNT)) == []


def test_each_rule_has_programs_that_break_it_and_that_pass() -> None:
    alone = {title for title, *_ in ROWS}
    assert alone == {rule.title for rule in RULES if rule.judge}
    assert {rule.title for rule in RULES if rule.judge_together} == {
        "a bucket is private encrypted reached by tls and cleans up",
        "a replicated bucket is versioned",
        "a queue is reached by tls only",
        "a topic is reached by tls only",
        "an event of a bucket is told once",
        "what a function fails on is kept",
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_fails_it_what_to_write_and_why(rule: Rule) -> None:
    assert rule.fails.endswith((".", ".)")) and rule.write and rule.page.startswith("https://")


def test_an_account_whose_id_is_not_known_is_let_into_its_own_key_and_nothing_else() -> None:
    itself = READ | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    assert check(Resource(KEY, "it", policy_of(itself))) == []
    assert [v.rule for v in check(Resource(TOPIC_POLICY, "it", policy_of(itself)))] == [
        "another account is let in by its role"
    ]


@pytest.mark.parametrize("token", GRANTS_UNREAD)
def test_a_type_that_grants_by_what_no_rule_reads_is_refused(token: str) -> None:
    assert [v.rule for v in check(Resource(token, "it", {"name": "x"}))] == ["what grants is read by a rule"]


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


def _to_queue(id: str, prefix: str, suffix: str, event: str = "s3:ObjectCreated:*") -> dict:
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
def test_notifications_that_overlap_are_refused(other: dict) -> None:
    first = _to_queue("one", "raw/", ".json")
    (finding,) = check_all(
        [Resource(NOTIFICATION, "n", {"bucket": "b", "queues": [first], "topics": [other]})]
    )
    assert "'one' and 'two' overlap" in str(finding)


@pytest.mark.parametrize(
    "other",
    [
        _to_queue("two", "lake/", ".json"),
        _to_queue("two", "raw/", ".gz"),
        _to_queue("two", "raw/", ".json", "s3:ObjectRemoved:*"),
    ],
)
def test_notifications_side_by_side_pass(other: dict) -> None:
    first = _to_queue("one", "raw/", ".json")
    assert check_all([Resource(NOTIFICATION, "n", {"bucket": "b", "queues": [first, other]})]) == []


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


def _older(part: Resource) -> Resource:
    module, name = part.type.rsplit(":", 1)
    return Resource(f"{module}V2:{name}V2", part.name, part.props)


def test_a_bucket_of_the_older_type_needs_the_same_parts_of_either_type() -> None:
    older = _older(BUCKET)
    assert older.type == "aws:s3/bucketV2:BucketV2"
    assert len(check_all([older])) == len(check_all([BUCKET])) == len(PARTS)
    assert [v.rule for v in check_all([older, *PARTS, REPLICATED])] == ["a replicated bucket is versioned"]
    ours = [_older(part) if "Encryption" in part.type or "Lifecycle" in part.type else part for part in PARTS]
    assert check_all([older, *ours, REPLICATED, _older(_versioned("Enabled"))]) == []


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


class _Cloud(mocks.Mocks):
    def __init__(self) -> None:
        self.made: list[str] = []

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"nobody expected {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict]:
        self.made.append(args.name)
        # A provider gives a document back as text.
        texts = {key: json.dumps(value) for key, value in args.inputs.items() if key == "assumeRolePolicy"}
        return f"{args.name}-id", {**args.inputs, **texts, "arn": f"arn:aws:x:::{args.name}"}


def _run(program: Any) -> list[str]:
    cloud = _Cloud()
    mocks.set_mocks(cloud, project="shop", stack="test", preview=False)

    def enforced() -> None:
        with policy.enforced():
            program()

    pulumi.runtime.test(enforced)()
    return cloud.made


def _tls_only(name: str) -> None:
    queue = aws.sqs.Queue(name, sqs_managed_sse_enabled=True)
    denies = queue.arn.apply(lambda arn: policy_of(DENY | {"Action": "sqs:*", "Resource": arn})["policy"])
    aws.sqs.QueuePolicy(name, queue_url=queue.url, policy=denies)


def test_a_program_that_keeps_to_the_rules_runs() -> None:
    assert _run(lambda: _tls_only("orders")) == ["orders", "orders"]


def test_a_violation_stops_the_program_before_the_resource_is_made_and_names_its_urn() -> None:
    with pytest.raises(
        policy.Violated, match="urn:pulumi:test::shop::aws:sqs/queue:Queue::orders breaks 'a queue"
    ):
        _run(lambda: aws.sqs.Queue("orders"))


def test_a_violation_in_a_value_that_comes_from_another_resource_stops_the_program() -> None:
    def program() -> None:
        queue = aws.sqs.Queue("orders", sqs_managed_sse_enabled=True)
        wide = queue.arn.apply(lambda arn: policy_of(READ | {"Action": "sqs:*", "Resource": arn})["policy"])
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


def _root_of(account: str) -> Any:
    """A topic of an account, open to a whole account."""

    def program() -> None:
        here = aws.Provider("here", region="eu-west-1", allowed_account_ids=[ACCOUNT])
        parent = pulumi.ComponentResource(
            "shop:blocks:Box", "box", opts=pulumi.ResourceOptions(providers=[here])
        )
        opts = pulumi.ResourceOptions(parent=parent)
        topic = aws.sns.Topic("news", opts=opts)
        shared = READ | {"Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
        by_tls = DENY | {"Action": "sns:Publish", "Resource": "*"}
        aws.sns.TopicPolicy("news", arn=topic.arn, policy=policy_of(shared, by_tls)["policy"], opts=opts)

    return program


def test_the_account_that_a_resource_is_made_in_is_its_providers() -> None:
    assert _run(_root_of(ACCOUNT)) == ["here", "box", "news", "news"]
    with pytest.raises(policy.Violated, match="everybody whom account 222222222222 lets"):
        _run(_root_of("222222222222"))


def test_a_trust_that_is_given_as_a_mapping_is_read_as_its_text_is() -> None:
    def role(condition: dict[str, Any]) -> Any:
        statement = TRUST | {"Condition": condition}
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        return lambda: aws.iam.Role("runs", assume_role_policy=trust)  # pyright: ignore

    assert _run(role({"StringEquals": {"aws:SourceAccount": ACCOUNT}})) == ["runs"]
    with pytest.raises(policy.Violated, match="act for anybody"):
        _run(role({"StringNotEquals": {"aws:SourceAccount": "222222222222"}}))


class _Box(pulumi.ComponentResource):
    def __init__(self, name: str, encrypted: bool, tls: bool, opts: pulumi.ResourceOptions | None = None):
        with policy.checked(opts) as checked:
            super().__init__("shop:blocks:Box", name, None, checked)
            queue = aws.sqs.Queue(
                name, sqs_managed_sse_enabled=encrypted, opts=pulumi.ResourceOptions(parent=self)
            )
            if tls:
                denies = queue.arn.apply(lambda arn: policy_of(DENY | {"Action": "sqs:*"})["policy"])
                aws.sqs.QueuePolicy(
                    name, queue_url=queue.url, policy=denies, opts=pulumi.ResourceOptions(parent=self)
                )


def _alone(program: Any) -> list[str]:
    cloud = _Cloud()
    mocks.set_mocks(cloud, project="shop", stack="test", preview=False)
    pulumi.runtime.test(program)()
    return cloud.made


def test_a_component_of_a_plugin_is_checked_without_a_program_around_it() -> None:
    assert _alone(lambda: _Box("orders", True, True)) == ["orders", "orders", "orders"]
    with pytest.raises(
        policy.Violated, match=r"Box\$aws:sqs/queue:Queue::orders breaks 'a queue is encrypted'"
    ):
        _alone(lambda: _Box("orders", False, True))
    with pytest.raises(policy.Violated, match="no policy denies plain HTTP"):
        _alone(lambda: _Box("orders", True, False))


def test_what_stands_beside_a_checked_component_is_left_alone() -> None:
    def program() -> None:
        _Box("orders", True, True)
        aws.sqs.Queue("other")

    assert "other" in _alone(program)
