"""A program that a violation stops, and one that runs: `policy.enforced`, and `policy.checked` of a component."""

import json
from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.resource import DependencyResource
from pulumi.runtime import mocks

import policy
from tests.unit.policy.documents import ACCOUNT, DENY, READ, TRUST
from tests.unit.policy.documents import policy as policy_of


class _Cloud(mocks.Mocks):
    def __init__(self) -> None:
        self.made: list[str] = []

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"nobody expected {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.made.append(args.name)
        # A provider gives a document back as text.
        inputs = cast("dict[str, Any]", args.inputs)  # pyright: ignore[reportUnknownMemberType] - as in the SDK
        texts = {key: json.dumps(value) for key, value in inputs.items() if key == "assumeRolePolicy"}
        return f"{args.name}-id", {**inputs, **texts, "arn": f"arn:aws:x:::{args.name}"}


def _run(program: Any) -> list[str]:
    cloud = _Cloud()
    mocks.set_mocks(cloud, project="shop", stack="test", preview=False)

    def enforced() -> None:
        with policy.enforced():
            program()

    pulumi.runtime.test(enforced)()  # pyright: ignore[reportUnknownMemberType] - as in the SDK
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


def test_a_resource_is_checked_whose_value_comes_of_another_that_has_nothing_but_a_urn() -> None:
    """As a plugin gets the outputs of its caller's resources."""

    def program() -> None:
        caller = DependencyResource("urn:pulumi:test::shop::aws:sqs/queue:Queue::news")
        aws.sqs.Queue("orders", tags={"after": caller.urn})

    with pytest.raises(policy.Violated, match="orders breaks 'a queue is encrypted'"):
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

    pulumi.runtime.test(program)()  # pyright: ignore[reportUnknownMemberType] - as in the SDK
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
    with pytest.raises(policy.Violated, match="lets in the whole account 222222222222"):
        _run(_root_of("222222222222"))


def test_a_trust_that_is_given_as_a_mapping_is_read_as_its_text_is() -> None:
    def role(condition: dict[str, Any]) -> Any:
        statement = TRUST | {"Condition": condition}
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        return lambda: aws.iam.Role("runs", assume_role_policy=trust)  # pyright: ignore

    assert _run(role({"StringEquals": {"aws:SourceAccount": ACCOUNT}})) == ["runs"]
    with pytest.raises(policy.Violated, match="act for every AWS account"):
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
    pulumi.runtime.test(program)()  # pyright: ignore[reportUnknownMemberType] - as in the SDK
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
