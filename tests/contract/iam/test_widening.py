"""What a table doesn't name is denied, and no policy can become wider unnoticed."""

from collections.abc import Mapping
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data, get_actions_matching_condition_key

from tests.contract.iam import closed, widening
from tests.contract.iam.closed import beside
from tests.contract.iam.evaluator import Evaluator
from tests.contract.iam.harvest import Policies, harvest
from tests.contract.iam.proof import Case, broken, cannot, vacuous
from tests.contract.iam.stacks import PROVEN, called, proven
from tests.contract.iam.survivors import FREE, fits, unexplained
from tests.contract.iam.test_proof import BY_S3, HERE, KEY, OUTSIDER, ROLE, ROLE_ARN, STACK, TABLE

Judged = tuple[str, Policies, list[Case], list[Case]]


@pytest.fixture(scope="module")
def judged(evaluator: Evaluator) -> Mapping[str, Judged]:
    """Of each stack its name, its policies, the table's cases and those beside them."""
    made: dict[Any, Any] = {}
    for of in PROVEN:
        policies = harvest(proven(of))
        made[called(of)] = (called(of), policies, of.TABLE, beside(policies, of.TABLE, evaluator))
    return made


@pytest.fixture(scope="module", params=PROVEN, ids=called)
def stack(request: pytest.FixtureRequest, judged: Mapping[str, Judged]) -> Judged:
    return judged[called(request.param)]


def test_nothing_is_allowed_but_what_a_case_names(stack: Judged, evaluator: Evaluator) -> None:
    _, policies, _, others = stack
    allowed = [
        line for line in broken(policies, others, evaluator) if not any(fits(free, line) for free in FREE)
    ]
    assert not allowed, "\n".join(allowed)


def test_no_freedom_is_listed_that_nobody_has(judged: Mapping[str, Judged], evaluator: Evaluator) -> None:
    freedoms = [
        line for _, policies, _, others in judged.values() for line in broken(policies, others, evaluator)
    ]
    assert [free for free in FREE if not any(fits(free, line) for line in freedoms)] == []


def test_no_policy_can_be_made_wider_without_a_case_noticing(stack: Judged, evaluator: Evaluator) -> None:
    name, policies, cases, others = stack
    left_over = unexplained(
        "wider", name, widening.unnoticed(policies, _denied(policies, cases, others, evaluator), evaluator)
    )
    assert not left_over, "\n".join(left_over)


def _denied(policies: Policies, cases: list[Case], others: list[Case], evaluator: Evaluator) -> list[Case]:
    """A case that is free, and so doesn't hold, would notice everything."""
    free = set(broken(policies, others, evaluator))
    return [*cases, *(case for case in others if str(case) not in free)]


def test_no_denial_holds_whatever_the_policies_say(stack: Judged, evaluator: Evaluator) -> None:
    _, policies, cases, _ = stack
    empty = vacuous(policies, cases, evaluator)
    assert not empty, "\n".join(empty)


@pytest.mark.parametrize(
    ("key", "on", "actions"),
    [
        ("iam:PassedToService", "", ["iam:PassRole"]),
        ("cloudwatch:namespace", "", ["cloudwatch:PutMetricData"]),
        ("events:source", ":event-bus/", ["events:PutEvents"]),
    ],
)
def test_the_list_is_right_that_only_this_action_carries_the_key(
    key: str, on: str, actions: list[str]
) -> None:
    """By AWS's service authorization reference."""
    service = key.partition(":")[0]
    carrying = get_actions_matching_condition_key(service, key)
    formats = {
        action: [e["resource_arn_format"] for e in get_action_data(service, action.split(":")[1])[service]]
        for action in carrying
    }
    assert [action for action, places in formats.items() if any(on in place for place in places)] == actions


# --- the same, put to the test on the small stack of test_proof


def _sample() -> Policies:
    return harvest(STACK)


def _changed(what: str) -> Policies:
    """The sample with one right too many."""
    policies = _sample()
    read, write, encrypt = policies.roles[ROLE].statements
    trust = dict(policies.on[ROLE_ARN]["Statement"][0])
    on_target: Any = policies.on["arn:aws:s3:::target"]["Statement"][0]
    match what:
        case "another bucket":
            read["Resource"] = "arn:aws:s3:::*"
        case "every action":
            write["Action"] = ["s3:*"]
        case "another account's key":
            encrypt["Resource"] = "arn:aws:kms:us-east-1:*:key/target"
        case "any bucket's context":
            encrypt["Condition"]["StringLike"] = {"kms:EncryptionContext:aws:s3:arn": "*"}
            del encrypt["Condition"]["StringEquals"]["kms:EncryptionContext:aws:s3:arn"]
        case "any principal":
            on_target["Principal"] = {"AWS": "*"}
        case "any source":
            del trust["Condition"]["ArnLike"]
        case _:
            raise AssertionError(what)
    return policies


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("another bucket", "s3:GetObjectVersionForReplication on arn:aws:s3:::neighbour/raw/a"),
        ("every action", f"{ROLE} may not s3:AbortMultipartUpload on arn:aws:s3:::target/raw/a"),
        ("another account's key", f"kms:Encrypt on {KEY.replace('222222222222', closed.ELSEWHERE)}"),
        ("any bucket's context", "'kms:EncryptionContext:aws:s3:arn': 'arn:aws:s3:::neighbour'"),
        ("any principal", "arn:aws:iam::333333333333:role/admin may not s3:ReplicateObject"),
        ("any source", "s3.amazonaws.com may not sts:AssumeRole"),
    ],
)
def test_a_right_too_many_is_allowed_beside_the_table(what: str, says: str, evaluator: Evaluator) -> None:
    """The cases follow from what may be alone: the table's own denials are left out."""
    may = [case for case in TABLE if case.may]
    before = broken(_sample(), beside(_sample(), may, evaluator), evaluator)
    policies = _changed(what)
    allowed = set(broken(policies, beside(policies, may, evaluator), evaluator)) - set(before)
    assert any(says in line for line in allowed), allowed


def test_without_the_cases_beside_it_a_wider_policy_goes_unnoticed(evaluator: Evaluator) -> None:
    may = [case for case in TABLE if case.may]
    assert len(widening.unnoticed(_sample(), may, evaluator)) > 10


def test_a_denial_that_no_policy_could_change_is_found(evaluator: Evaluator) -> None:
    empty = cannot(OUTSIDER, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{HERE}:no-queue-of-the-stack")
    real = cannot(ROLE, "kms:Encrypt", f"arn:aws:kms:us-east-1:{HERE}:key/neighbour")
    assert vacuous(_sample(), [empty, real, *TABLE], evaluator) == [str(empty)]


def test_a_neighbours_owner_lets_the_role_in_so_that_its_own_policy_decides(evaluator: Evaluator) -> None:
    policies = _sample()
    policies.roles[ROLE].statements[2]["Resource"] = "*"
    denied = cannot(ROLE, "kms:Encrypt", f"arn:aws:kms:us-east-1:{HERE}:key/neighbour", context=BY_S3)
    assert broken(policies, [denied], evaluator) == [str(denied)]
    assert broken(_sample(), [denied], evaluator) == []
