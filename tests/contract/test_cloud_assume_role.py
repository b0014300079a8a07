"""The local AWS provider goes on as the role that an account's entry names, where the role lets it."""

import json

import pytest
from botocore.exceptions import ClientError

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
    kind, made = "aws:sqs/queue:Queue", []
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
