"""The local AWS provider goes on as the role that an account's entry names, where the role lets it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.accounts import AccountArgs
from components.arguments import parse
from local.providers.aws import Aws
from local.providers.aws_account import ENDPOINT
from local.providers.aws_rows import Refused
from local.providers.aws_types import INVOKES, ROWS
from tests.contract.embedded_cloud import ANALYTICS, WORKLOAD, Cloud

QUEUE = "arn:aws:sqs:us-east-1:111111111111:deployed"
MAKE = {
    "Effect": "Allow",
    "Action": [
        "sqs:CreateQueue",
        "sqs:GetQueueAttributes",
        "sqs:ListQueueTags",
        "sqs:TagQueue",
        "sqs:SetQueueAttributes",
    ],
    "Resource": QUEUE,
}


def configured(account: str, role: str) -> Aws:
    provider = Aws(ROWS, INVOKES)
    assumed = [{"roleArn": role, "sessionName": "tributary-test"}]
    config = {"allowedAccountIds": [account], "region": "us-east-1", "assumeRoles": assumed}
    assert provider.refuse_config(config) == []
    provider.configure(config)
    return provider


def test_it_makes_what_the_role_may_make_and_nothing_else(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, cloud.endpoint)
    provider = configured(WORKLOAD, cloud.role(WORKLOAD, "deploy", "sqs.amazonaws.com", MAKE))
    caller = provider.client("sts").get_caller_identity()["Arn"]
    assert caller == f"arn:aws:sts::{WORKLOAD}:assumed-role/deploy/tributary-test"
    kind = "aws:sqs/queue:Queue"
    made: list[Any] = []
    provider.create(kind, {"name": "deployed"}, {}, made.append)
    assert made
    with pytest.raises(ClientError, match="AccessDenied"):
        provider.create(kind, {"name": "other"}, {}, made.append)


def test_a_role_of_another_account_than_the_entrys_is_refused(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, cloud.endpoint)
    other = cloud.role(ANALYTICS, "theirs", "sqs.amazonaws.com", MAKE)
    with pytest.raises(ClientError, match="AccessDenied"):  # it trusts its own account alone
        configured(WORKLOAD, other)
    trusted = {"Effect": "Allow", "Principal": {"AWS": WORKLOAD}, "Action": "sts:AssumeRole"}
    cloud.client("iam", ANALYTICS).update_assume_role_policy(
        RoleName="theirs", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    )
    with pytest.raises(
        Refused, match="the account is 222222222222, but allowedAccountIds allows only 111111111111"
    ):
        configured(WORKLOAD, other)


HUB, DEPLOY = f"arn:aws:iam::{ANALYTICS}:role/hub", f"arn:aws:iam::{WORKLOAD}:role/deploy"


def trusting(principal: str, **condition: Any) -> str:
    """A trust that lets one principal in, and tag its session, under the conditions."""
    statement = {
        "Effect": "Allow", "Principal": {"AWS": principal}, "Action": ["sts:AssumeRole", "sts:TagSession"],
        **({"Condition": condition} if condition else {}),
    }  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def chained(cloud: Cloud, *, hub_may: list[str], condition: dict[str, Any]) -> None:
    """A role in each account: from account WORKLOAD one comes to the hub, and from there to the deploy role."""
    onward = {"Effect": "Allow", "Action": hub_may, "Resource": DEPLOY}
    cloud.role(ANALYTICS, "hub", "sqs.amazonaws.com", onward)
    cloud.role(WORKLOAD, "deploy", "sqs.amazonaws.com", MAKE)
    cloud.client("iam", ANALYTICS).update_assume_role_policy(
        RoleName="hub", PolicyDocument=trusting(f"arn:aws:iam::{WORKLOAD}:root")
    )
    cloud.client("iam", WORKLOAD).update_assume_role_policy(
        RoleName="deploy", PolicyDocument=trusting(HUB, **condition)
    )


def through(*roles: dict[str, Any]) -> Aws:
    """The provider as a config's account with these roles has it (components/accounts.py)."""
    account = parse(AccountArgs, {"id": WORKLOAD, "region": "us-east-1", "roles": list(roles)})
    assumed = [
        {
            "roleArn": role.arn, "sessionName": "tributary-test", "externalId": role.external_id,
            "tags": dict(role.session_tags), "transitiveTagKeys": list(role.transitive_tags),
        }
        for role in account.chain
    ]  # fmt: skip
    provider = Aws(ROWS, INVOKES)
    provider.configure({"allowedAccountIds": [WORKLOAD], "region": "us-east-1", "assumeRoles": assumed})
    return provider


def test_it_goes_through_a_chain_with_an_external_id_and_tags(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, cloud.endpoint)
    both = ["sts:AssumeRole", "sts:TagSession"]
    chained(cloud, hub_may=both, condition={
        "StringEquals": {"sts:ExternalId": "of-us", "aws:RequestTag/team": "data"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    })  # fmt: skip
    deploy = {"arn": DEPLOY, "external_id": "of-us", "session_tags": {"team": "data"}}
    caller = through({"arn": HUB}, deploy).client("sts").get_caller_identity()["Arn"]
    assert caller == f"arn:aws:sts::{WORKLOAD}:assumed-role/deploy/tributary-test"
    wrongs: tuple[dict[str, Any], ...] = (
        {"external_id": "of-others"}, {"session_tags": {"team": "other"}}, {"session_tags": {}},
        {"session_tags": {"team": "data", "cost": "1"}},
    )  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(ClientError, match="AccessDenied"):
            through({"arn": HUB}, deploy | wrong)
    with pytest.raises(ClientError, match="AccessDenied"):  # not without the hub
        through(deploy)


def test_who_may_not_tag_a_session_takes_no_role_on_with_tags(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides have to let it: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html."""
    monkeypatch.setenv(ENDPOINT, cloud.endpoint)
    chained(cloud, hub_may=["sts:AssumeRole"], condition={})
    assert through({"arn": HUB}, {"arn": DEPLOY})
    with pytest.raises(ClientError, match=r"sts:TagSession"):
        through({"arn": HUB}, {"arn": DEPLOY, "session_tags": {"team": "data"}})
