"""Every policy of the stack is what the table says, no more and no less, and is written in words that AWS knows."""

import json
import re
import warnings
from collections.abc import Iterator
from typing import Any, cast

import pytest
from policy_sentry.querying.actions import get_action_data

from policy.rules import NO_NARROWER_RESOURCE
from tests.contract.iam.evaluator import Evaluator
from tests.contract.iam.harvest import Policies, harvest
from tests.contract.iam.proof import Case, broken, grants, unnoticed
from tests.contract.iam.stacks import PROVEN, SHIPPED, called
from tests.contract.iam.stacks import proven as registered
from tests.contract.iam.stacks import shipped as shipped_stack
from tests.contract.iam.survivors import unexplained

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # parliament still imports pkg_resources
    from parliament import analyze_policy_string  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType] - it has no types


# Conditions that AWS documents and parliament's copy of the reference lacks: the first is in the reference now, the
# second in whatever a function's own code asks for, of any service
# (https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html).
KNOWN_SINCE = (
    "Unknown condition aoss:collection for action aoss:BatchGetCollection",
    "Unknown condition lambda:SourceFunctionArn for action ec2:",
)
# An execution is a standard one (execution:…) or an express one (express:…); the reference marks both kinds of resource
# of this action as required, and parliament wants a grant to name both. A Distributed Map's children are standard ones.
ONE_KIND_OF_EXECUTION = [
    {"action": "states:DescribeExecution", "required_format": "arn:*:states:*:*:express:*:*:*"}
]


@pytest.fixture(scope="module", params=PROVEN, ids=called)
def proven(request: pytest.FixtureRequest) -> tuple[Policies, list[Case], str]:
    of = request.param
    return harvest(registered(of)), of.TABLE, called(of)


@pytest.fixture(scope="module")
def stack(proven: tuple[Policies, list[Case], str]) -> str:
    return proven[2]


@pytest.fixture(scope="module")
def policies(proven: tuple[Policies, list[Case], str]) -> Policies:
    return proven[0]


@pytest.fixture(scope="module")
def cases(proven: tuple[Policies, list[Case], str]) -> list[Case]:
    return proven[1]


def test_every_case_of_the_table_holds(policies: Policies, cases: list[Case], evaluator: Evaluator) -> None:
    failures = broken(policies, cases, evaluator)
    assert not failures, "\n".join(failures)


def test_nothing_can_be_taken_away_from_any_policy_without_a_case_noticing(
    policies: Policies, cases: list[Case], evaluator: Evaluator, stack: str
) -> None:
    left_over = unexplained("removed", stack, unnoticed(policies, cases, evaluator))
    assert not left_over, "\n".join(left_over)


def test_every_role_is_in_the_table_from_both_sides(policies: Policies, cases: list[Case]) -> None:
    for role in policies.roles:
        assert {case.may for case in cases if case.who == role} == {True, False}, role


@pytest.fixture(scope="module", params=SHIPPED)
def shipped(request: pytest.FixtureRequest) -> Policies:
    return harvest(shipped_stack(request.param))


def test_every_policy_is_written_in_words_that_aws_knows(policies: Policies) -> None:
    _are_in_words_that_aws_knows(policies)


def test_every_policy_of_a_shipped_stack_is_written_in_words_that_aws_knows(shipped: Policies) -> None:
    _are_in_words_that_aws_knows(shipped)


def _are_in_words_that_aws_knows(policies: Policies) -> None:
    misspelt = [
        f"{kind} policy of {arn}: {finding.issue} {finding.detail}"
        for kind, arn, document in policies.documents()
        if kind != "trust"  # parliament wants a Resource, which a trust has not
        for finding in cast("Any", analyze_policy_string(json.dumps(document))).findings
        if (kind, finding.issue) != ("kms", "RESOURCE_STAR")  # in a key's policy it is the key itself
        and finding.detail != ONE_KIND_OF_EXECUTION
        and not str(finding.detail).startswith(KNOWN_SINCE)
    ]
    assert not misspelt, "\n".join(misspelt)


def _granted(policies: Policies) -> Iterator[tuple[str, str, list[str]]]:
    for where, statement in grants(policies.documents()):
        for action in statement["Action"]:
            yield where, action, list(statement.get("Resource", []))


def test_no_grant_has_an_action_with_a_wildcard(policies: Policies) -> None:
    assert [(where, action) for where, action, _ in _granted(policies) if "*" in action] == []


def test_no_role_is_granted_every_resource_where_the_action_knows_a_narrower_one(policies: Policies) -> None:
    wide = [
        (where, action)
        for where, action, resources in _granted(policies)
        if where.startswith("role") and "*" in resources and _narrower(action)
    ]
    assert wide == []


# Condition keys of AWS's reference that say nothing of what an action is about: who signs and how, where the request
# goes, how urgent it is.
SAY_NOTHING = {
    "aws:TagKeys", "ec2:Region", "logs:LogGeneratingResourceArns", "s3:ExistingJobOperation", "s3:ExistingJobPriority",
    "s3:JobSuspendedCause", "s3:RequestJobPriority", "s3:ResourceAccount", "s3:TlsVersion", "s3:authType",
    "s3:signatureAge", "s3:signatureversion", "s3:x-amz-content-sha256",
}  # fmt: skip


@pytest.mark.parametrize("action", sorted(NO_NARROWER_RESOURCE))
def test_an_action_that_may_be_granted_on_everything_is_narrowed_by_what_the_reference_knows(
    action: str,
) -> None:
    """By a resource with a name it would be named: but for a job, which has an id once it is made."""
    assert {arn.rpartition(":")[2] for arn in _narrower(action)} <= {"job/${JobId}"}
    service, name = action.split(":")
    keys = {key for entry in get_action_data(service, name)[service] for key in entry["condition_keys"]}
    narrow = {key.replace("${TagKey}", "of").lower() for key in keys - SAY_NOTHING}
    required = {key for key in narrow if re.fullmatch(NO_NARROWER_RESOURCE[action], key)}
    assert bool(required) is bool(narrow)


def _narrower(action: str) -> list[str]:
    """The kinds of resource that the action can be granted on, by AWS's service authorization reference."""
    service, name = action.split(":")
    data = get_action_data(service, name)
    if not data:
        raise AssertionError(f"{action}: no such action")
    return [entry["resource_arn_format"] for entry in data[service] if entry["resource_arn_format"] != "*"]
