"""The permissions boundary that `python -m bootstrap` prints: every role keeps what its job needs within it, a role
that is let everything may no more, and who deploys makes and changes roles with it alone.

By https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html; the evaluator knows boundaries.
"""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from policy_sentry.querying.actions import get_actions_for_service, get_actions_matching_condition_key

from bootstrap.__main__ import policies as printed
from bootstrap.boundary import boundary
from bootstrap.narrowing import BOUNDED
from bootstrap.page import options, program
from bootstrap.registered import registered as run
from bootstrap.roles import Stack, deploy, documents, preview, refresh, size
from tests.contract.iam.evaluator import Evaluator, Request
from tests.contract.iam.harvest import harvest
from tests.contract.iam.proof import EVERYTHING, Case, elsewhere
from tests.contract.iam.proof import request as composed
from tests.contract.iam.stacks import PROVEN, called, proven
from tests.contract.iam.test_roles import DATA, HERE, REGION, sent
from tests.contract.iam.test_roles import stack as of_run

NAME = "tributary-boundary"
BOUNDARY = f"arn:aws:iam::{HERE}:policy/{NAME}"


def bounds(whole: Stack) -> dict[str, Any]:
    """The boundary of each account, by the account's id."""
    return {place["account"]: boundary(whole, place) for place in whole.places().values()}


def tags(whole: Stack) -> dict[str, str]:
    return {
        f"aws:ResourceTag/tributary-{k}": v for k, v in (("project", whole.project), ("stack", whole.name))
    }


@pytest.mark.parametrize("of", PROVEN, ids=called)
def test_each_role_keeps_all_that_its_table_says_within_the_boundary(
    of: ModuleType, evaluator: Evaluator
) -> None:
    policies, whole = harvest(proven(of)), Stack("proof", run("proof", of.CONFIG))
    most = bounds(whole)
    cases = [
        case
        for case in of.TABLE  # but what a resource's own policy is judged for alone
        if case.may and case.who in policies.roles and case.alone != "resource" and not elsewhere(case)
    ]
    requests = [_within(policies, case, most, whole) for case in cases]
    refused = [
        str(case) for case, allowed in zip(cases, evaluator.allows(requests), strict=True) if not allowed
    ]
    assert cases and refused == []


def _within(policies: Any, case: Case, most: dict[str, Any], whole: Stack) -> Request:
    """The request of a role that has the boundary; what the stack makes has the stack's tags."""
    asked_for = composed(policies, case)
    home = policies.roles[case.who].account
    own = {r.name for r in whole.program.resources} | {
        str(r.inputs.get("name")) for r in whole.program.resources
    }
    parts = case.resource.split(":", 5)
    tagged = parts[2:3] in (["kms"], ["aoss"]) and parts[4] == home and parts[5].partition("/")[2] in own
    context = {**asked_for.context, **(tags(whole) if tagged else {})}
    return replace(asked_for, boundary=most[home], context=context)


@pytest.mark.parametrize("of", ["dev", "prod", "options"])
def test_a_role_that_is_let_everything_reads_no_data_but_the_stacks_and_gives_itself_no_right(
    of: str, evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bootstrap.boundary.POLICY_CHARACTERS", 10_000
    )  # `options` is no stack that is deployed
    whole = Stack("prod", options()) if of == "options" else of_run(of)
    [place] = [place for place in whole.places().values() if place["account"] == HERE]
    most = boundary(whole, place)
    assert most is not None
    name = f"{whole.name}-eu"
    others = [
        (
            action,
            on.replace(REGION, place["region"])
            .replace("-dev-", f"-{name}-")
            .replace("_dev_", f"_{name.replace('-', '_')}_"),
        )
        for action, on in DATA
        if "table/orders" not in on  # which the stack exports
    ]  # fmt: skip
    others = [(action, on) for action, on in others if not action.startswith("kms:")]
    key = f"arn:aws:kms:{place['region']}:{HERE}:key/99999999-2222-3333-4444-555555555555"
    others += [("kms:Decrypt", key), ("kms:CreateGrant", key), ("kms:PutKeyPolicy", key)]
    own = f"arn:aws:iam::{HERE}:role/tributary-{whole.name}-shop-lake-source"
    requests = [_bounded(action, on, most) for action, on in others]
    verdicts = evaluator.verdicts(requests)
    assert [r for r, verdict in zip(requests, verdicts, strict=True) if verdict is not False] == []
    # Every action of IAM by which somebody gets more, on a role, a user and a policy of the stack's own.
    named = (own, own.replace(":role/", ":user/"), BOUNDARY)
    changes = [
        _bounded(f"iam:{action}", on, most)
        for action in sorted(name.partition(":")[2] for name in get_actions_for_service("iam"))
        for on in named
        if action not in ("ChangePassword", "PassRole")
    ]
    verdicts = evaluator.verdicts(changes)
    assert [r.action for r, verdict in zip(changes, verdicts, strict=True) if verdict is True] == []
    assert len([verdict for verdict in verdicts if verdict is False]) > 80
    passed = [
        replace(_bounded("iam:PassRole", own, most), context={"iam:PassedToService": service})
        for service in ("lambda.amazonaws.com", "ec2.amazonaws.com", "glue.amazonaws.com")
    ]
    assert not any(evaluator.allows(passed))


def _bounded(action: str, on: str, most: Any) -> Request:
    everything = EVERYTHING["Statement"][0]
    role = f"arn:aws:iam::{HERE}:role/tributary-prod-shop-lake-source"
    root = {"Statement": [everything | {"Principal": {"AWS": f"arn:aws:iam::{HERE}:root"}}]}
    on_resource = root if ":kms:" in on or action.startswith("sts:") else None
    return Request(role, action, on, HERE, EVERYTHING, on_resource, {}, boundary=most)


def _deployer(which: Any = deploy) -> tuple[Stack, dict[str, Any]]:
    whole = Stack("prod", program("prod", NAME))
    [place] = [place for place in whole.places().values() if place["account"] == HERE]
    parts = documents(which(whole, place))
    return whole, {"Version": "2012-10-17", "Statement": [s for part in parts for s in part["Statement"]]}


@pytest.mark.parametrize("bound", [BOUNDARY, BOUNDARY + "-2", None])
def test_who_deploys_sends_what_the_real_provider_was_seen_to_send_for_roles_with_the_boundary_alone(
    bound: str | None, evaluator: Evaluator
) -> None:
    _, document = _deployer()
    every = [each for each in sent("prod", "update") if each[0] == HERE]
    requests = [
        Request(
            f"arn:aws:iam::{HERE}:role/deploy", action, on, HERE, document, None,
            context | ({"iam:PermissionsBoundary": bound} if bound and action in BOUNDED else {}),
        )
        for _, action, on, context in every
        if action.startswith("iam:")
    ]  # fmt: skip
    verdicts = evaluator.allows(requests)
    refused = {r.action for r, allowed in zip(requests, verdicts, strict=True) if not allowed}
    sent_then = {r.action for r in requests}
    assert refused == (set() if bound == BOUNDARY else BOUNDED & sent_then)
    assert len(BOUNDED & sent_then) >= 3


@pytest.mark.parametrize("which", [deploy, preview, refresh], ids=lambda role: role.__name__)
def test_nobody_takes_a_boundary_away_or_changes_it(which: Any, evaluator: Evaluator) -> None:
    _, document = _deployer(which)
    role = f"arn:aws:iam::{HERE}:role/tributary-prod-shop-lake-source"
    user = role.replace(":role/", ":user/")
    changes = [
        *((f"iam:{verb}RolePermissionsBoundary", role) for verb in ("Delete", "Put")),
        *((f"iam:{verb}UserPermissionsBoundary", user) for verb in ("Delete", "Put")),
        *((f"iam:{name}", BOUNDARY) for name in ("CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion",
                                                 "SetDefaultPolicyVersion")),
    ]  # fmt: skip
    another = {"iam:PermissionsBoundary": BOUNDARY + "-2"}
    requests = [
        Request(f"arn:aws:iam::{HERE}:role/deploy", action, on, HERE, document, None,
                another if "PermissionsBoundary" in action else {})
        for action, on in changes
    ]  # fmt: skip
    assert not any(evaluator.allows(requests))


def test_what_gives_more_and_carries_the_key_is_bounded() -> None:
    """Every action on roles and users that the reference lists the key for, but those that only take something away
    from what stays bounded, or read, or say who takes a role on."""
    carries = set(get_actions_matching_condition_key("iam", "iam:PermissionsBoundary"))
    left = {
        "iam:DeleteRole",
        "iam:GetRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
        "iam:UpdateRoleDescription",
    }
    _, document = _deployer()
    granted = {action for statement in document["Statement"] for action in statement["Action"]}
    assert carries & granted - BOUNDED == left & granted
    assert {a for a in BOUNDED if "User" not in a} <= granted
    attached = {
        "iam:AttachRolePolicy",
        "iam:AttachUserPolicy",
        "iam:DetachRolePolicy",
        "iam:DetachUserPolicy",
    }
    assert (
        not (attached | {"iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"}) & granted
    )


def test_every_role_and_user_of_a_stack_has_the_boundary_of_its_own_account() -> None:
    config = {"prod": program("prod", NAME), "dev": program("dev", NAME)}
    for whole in config.values():
        made = [r for r in whole.resources if r.type in ("aws:iam/role:Role", "aws:iam/user:User")]
        assert len(made) > 10
        for r in made:
            assert r.inputs["permissionsBoundary"] == f"arn:aws:iam::{r.place['account']}:policy/{NAME}", (
                r.name
            )
    assert not any("permissionsBoundary" in r.inputs for r in program("prod").resources)


def test_the_command_prints_a_boundary_for_each_account_and_conditions_for_who_deploys_when_asked() -> None:
    plain, bounded = printed("prod"), printed("prod", NAME)
    wanted = {"prod-workload-boundary.json", "prod-analytics-boundary.json"}
    assert {name for name in plain if "boundary" in name} == wanted
    assert {plain[name] for name in wanted} == {bounded[name] for name in wanted}
    assert "iam:PermissionsBoundary" not in "".join(plain.values())
    for account in ("workload", "analytics"):
        assert "iam:PermissionsBoundary" in "".join(t for n, t in bounded.items() if f"{account}-deploy" in n)


@pytest.mark.parametrize("of", ["dev", "prod"])
def test_a_boundary_is_no_longer_than_a_managed_policy_may_be(of: str) -> None:
    for most in bounds(of_run(of)).values():
        assert 0 < size(most["Statement"]) <= 6144


def test_a_boundary_that_would_be_longer_is_not_printed_and_is_refused_where_the_config_names_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        ValueError, match=r"characters, and a managed policy takes 6,144; spread the pipelines"
    ):
        bounds(Stack("prod", options()))
    monkeypatch.setattr("bootstrap.boundary.POLICY_CHARACTERS", 2_000)
    assert {name for name in printed("prod") if "boundary" in name} == {"prod-analytics-boundary.json"}
    assert "no boundary: the boundary of account 111111111111 has" in capsys.readouterr().err
    with pytest.raises(ValueError, match="the boundary of account 111111111111"):
        printed("prod", NAME)
