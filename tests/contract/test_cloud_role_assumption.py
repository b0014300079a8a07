"""Who may take a role on in the embedded cloud, beside a policy evaluator that is not ours.

"Cross-account policy evaluation logic"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html): the role's
trust and the caller's identity policy both have to allow. Within an account a trust that names the user itself suffices
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.contract.embedded_cloud import ANALYTICS, WORKLOAD, Cloud
from tests.contract.iam.evaluator import Evaluator, Request

ROLE = f"arn:aws:iam::{WORKLOAD}:role/taken"
DENY = {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}
TRUSTS: dict[str, dict[str, Any]] = {
    "a service": {"Principal": {"Service": "lambda.amazonaws.com"}},
    "its own account": {"Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:root"}},
    "the other account": {"Principal": {"AWS": ANALYTICS}},
    "a user of its own account": {"Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:user/caller"}},
    "a user of the other account": {"Principal": {"AWS": f"arn:aws:iam::{ANALYTICS}:user/caller"}},
    "another user": {"Principal": {"AWS": f"arn:aws:iam::{ANALYTICS}:user/somebody"}},
    "everybody": {"Principal": {"AWS": "*"}},
    "with an external id": {
        "Principal": {"AWS": ANALYTICS},
        "Condition": {"StringEquals": {"sts:ExternalId": "agreed"}},
    },
    "nobody": {"Principal": {"AWS": ANALYTICS}, "Effect": "Deny"},
}
GRANTS: dict[str, dict[str, Any] | None] = {
    "nothing": None,
    "this role": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE},
    "another role": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE + "-not"},
    "everything": {"Effect": "Allow", "Action": "*", "Resource": "*"},
    "everything but this": DENY,
}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(kind: str) -> dict[str, Any]:
    return document({"Effect": "Allow", "Action": "sts:AssumeRole"} | TRUSTS[kind])


def granted(kind: str) -> dict[str, Any] | None:
    statement = GRANTS[kind]
    if statement is None:
        return None
    return document(statement, *([GRANTS["everything"]] if statement is DENY else []))  # type: ignore[list-item]


class Caller:
    """The user `caller` of an account, and the role that it would take on."""

    def __init__(self, cloud: Cloud, account: str):
        self.account, self.iam = account, cloud.client("iam", account)
        self.iam.create_user(UserName="caller")
        key = self.iam.create_access_key(UserName="caller")["AccessKey"]
        self.roles = cloud.client("iam", WORKLOAD)
        self.sts = boto3.client(
            "sts",
            endpoint_url=cloud.endpoint,
            region_name="us-east-1",
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    def may(self, trusted: str, grant: str, **request: str) -> bool:
        self.roles.update_assume_role_policy(RoleName="taken", PolicyDocument=json.dumps(trust(trusted)))
        if policy := granted(grant):
            self.iam.put_user_policy(UserName="caller", PolicyName="own", PolicyDocument=json.dumps(policy))
        elif self.iam.list_user_policies(UserName="caller")["PolicyNames"]:
            self.iam.delete_user_policy(UserName="caller", PolicyName="own")
        return taken(self.sts, ROLE, **request)


def taken(sts: Any, role: str, **request: str) -> bool:
    try:
        given = sts.assume_role(RoleArn=role, RoleSessionName="here", **request)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return False
    assert f":assumed-role/{role.rpartition('/')[2]}/here" in given["AssumedRoleUser"]["Arn"]
    return True


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    with Evaluator() as running:
        yield running


@pytest.fixture(scope="module")
def callers(cloud: Cloud) -> Iterator[dict[str, Caller]]:
    cloud.client("iam", WORKLOAD).create_role(
        RoleName="taken", AssumeRolePolicyDocument=json.dumps(trust("a service"))
    )
    yield {account: Caller(cloud, account) for account in (WORKLOAD, ANALYTICS)}


@pytest.mark.parametrize("trusted", TRUSTS)
@pytest.mark.parametrize("account", [WORKLOAD, ANALYTICS])
def test_a_role_is_taken_on_where_the_evaluator_allows_it_and_nowhere_else(
    callers: dict[str, Caller], evaluator: Evaluator, account: str, trusted: str
) -> None:
    requests = [
        Request(
            f"arn:aws:iam::{account}:user/caller",
            "sts:AssumeRole",
            ROLE,
            WORKLOAD,
            granted(grant),
            trust(trusted),
        )
        for grant in GRANTS
    ]
    expected = dict(zip(GRANTS, evaluator.allows(requests), strict=True))
    assert {grant: callers[account].may(trusted, grant) for grant in GRANTS} == expected


def test_the_table_holds_requests_that_are_allowed_within_an_account_and_across(
    callers: dict[str, Caller],
) -> None:
    assert callers[WORKLOAD].may("a user of its own account", "nothing")
    assert callers[ANALYTICS].may("the other account", "this role")
    assert not callers[ANALYTICS].may("a user of the other account", "nothing")


def test_an_external_id_is_the_agreed_one(callers: dict[str, Caller]) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html"""
    caller = callers[ANALYTICS]
    assert caller.may("with an external id", "this role", ExternalId="agreed")
    assert not caller.may("with an external id", "this role", ExternalId="other")
    assert not caller.may("with an external id", "this role")


@pytest.mark.parametrize("trusted", ["a service", "another user", "a user of the other account"])
def test_an_administrator_gets_no_role_that_does_not_trust_its_account(
    cloud: Cloud, callers: dict[str, Caller], trusted: str
) -> None:
    for account in (WORKLOAD, ANALYTICS):
        callers[account].roles.update_assume_role_policy(
            RoleName="taken", PolicyDocument=json.dumps(trust(trusted))
        )
        assert not taken(cloud.client("sts", account), ROLE)
    callers[ANALYTICS].roles.update_assume_role_policy(
        RoleName="taken", PolicyDocument=json.dumps(trust("the other account"))
    )
    assert taken(cloud.client("sts", ANALYTICS), ROLE)
    assert not taken(cloud.client("sts", WORKLOAD), ROLE)


def test_a_role_that_is_not_there_is_refused_as_one_that_trusts_nobody(cloud: Cloud) -> None:
    """So nobody learns which roles there are."""
    assert not taken(cloud.client("sts", ANALYTICS), f"{ROLE}-none")
    assert not taken(cloud.client("sts", WORKLOAD), f"{ROLE}-none")


def test_a_session_of_a_role_takes_on_what_its_role_may(cloud: Cloud, callers: dict[str, Caller]) -> None:
    """Role chaining across accounts, as a deployment does that goes on from its own role."""
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}
    other = assume | {"Resource": f"{ROLE}-not"}
    for name, statement, expected in (("may", assume, True), ("may-not", other, False)):
        first = cloud.role(ANALYTICS, name, "lambda.amazonaws.com", statement)
        policy = document({"Effect": "Allow", "Principal": {"AWS": first}, "Action": "sts:AssumeRole"})
        callers[WORKLOAD].roles.update_assume_role_policy(RoleName="taken", PolicyDocument=json.dumps(policy))
        assert taken(cloud.client("sts", ANALYTICS, role=name), ROLE) is expected
