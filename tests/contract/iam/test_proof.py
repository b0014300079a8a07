"""The proof itself is put to the test, on a small stack: a source bucket replicated into another account's bucket."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.iam.evaluator import Evaluator, Request
from tests.contract.iam.harvest import Policies, harvest
from tests.contract.iam.proof import Case, broken, can, cannot, unnoticed
from tests.recording import Recorded

HERE, THERE = "111111111111", "222222222222"
SOURCE, TARGET = "arn:aws:s3:::source", "arn:aws:s3:::target"
ROLE, ROLE_ARN = "copier", f"arn:aws:iam::{HERE}:role/copier"
KEY = f"arn:aws:kms:us-east-1:{THERE}:key/target"
OUTSIDER = "arn:aws:iam::333333333333:role/anybody"


def _resource(type_: str, label: str, account: str, **inputs: object) -> Recorded:
    return Recorded(type_, label, inputs, account)


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _allow(sid: str, actions: list[str], resource: str | list[str], **more: object) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource, **more}


STACK = [
    *(
        _resource("pulumi:providers:aws", a, "", allowedAccountIds=json.dumps([a]), region="us-east-1")
        for a in (HERE, THERE)
    ),
    _resource("aws:s3/bucket:Bucket", "source", HERE, bucket="source"),
    _resource("aws:s3/bucket:Bucket", "target", THERE, bucket="target"),
    _resource(
        "aws:iam/role:Role",
        "copier",
        HERE,
        name=ROLE,
        assumeRolePolicy=_policy(
            {
                "Sid": "Assume",
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": ["sts:AssumeRole"],
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": HERE},
                    "ArnLike": {"aws:SourceArn": SOURCE},
                },
            }
        ),
    ),
    _resource(
        "aws:iam/rolePolicy:RolePolicy",
        "copier",
        HERE,
        role=ROLE,
        policy=_policy(
            _allow("ReadObjects", ["s3:GetObjectVersionForReplication"], f"{SOURCE}/*"),
            _allow("WriteReplicas", ["s3:ReplicateObject", "s3:ReplicateDelete"], f"{TARGET}/*"),
            _allow(
                "EncryptReplicas",
                ["kms:Encrypt"],
                KEY,
                Condition={
                    "StringEquals": {
                        "kms:ViaService": "s3.us-east-1.amazonaws.com",
                        "kms:EncryptionContext:aws:s3:arn": TARGET,
                    }
                },
            ),
        ),
    ),
    _resource(
        "aws:s3/bucketPolicy:BucketPolicy",
        "target",
        THERE,
        bucket="target",
        policy=_policy(
            _allow(
                "Replicas",
                ["s3:ReplicateObject", "s3:ReplicateDelete"],
                f"{TARGET}/*",
                Principal={"AWS": ROLE_ARN},
            ),
            {
                "Sid": "DenyPlainHttp",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": ["s3:*"],
                "Resource": [TARGET, f"{TARGET}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ),
    ),
    _resource(
        "aws:kms/key:Key",
        "target",
        THERE,
        policy=_policy(_allow("Encrypt", ["kms:Encrypt"], "*", Principal={"AWS": ROLE_ARN})),
    ),
]

BY_THE_SOURCE = {"aws:SourceAccount": HERE, "aws:SourceArn": SOURCE}
BY_S3 = {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": TARGET}
ADMIN = f"arn:aws:iam::{THERE}:role/admin"
PLAIN = {"aws:SecureTransport": "false"}
TABLE = [
    can("s3.amazonaws.com", "sts:AssumeRole", ROLE_ARN, context=BY_THE_SOURCE),
    cannot(
        "s3.amazonaws.com", "sts:AssumeRole", ROLE_ARN, context=BY_THE_SOURCE | {"aws:SourceAccount": THERE}
    ),
    cannot("s3.amazonaws.com", "sts:AssumeRole", ROLE_ARN, context=BY_THE_SOURCE | {"aws:SourceArn": TARGET}),
    cannot(OUTSIDER, "sts:AssumeRole", ROLE_ARN),
    can(ROLE, "s3:GetObjectVersionForReplication", f"{SOURCE}/raw/a"),
    cannot(ROLE, "s3:GetObjectVersionForReplication", "arn:aws:s3:::neighbour/raw/a"),
    can(ROLE, "s3:ReplicateObject", f"{TARGET}/raw/a"),
    can(ROLE, "s3:ReplicateDelete", f"{TARGET}/raw/a"),
    cannot(ROLE, "s3:GetObject", f"{TARGET}/raw/a"),
    cannot(OUTSIDER, "s3:ReplicateObject", f"{TARGET}/raw/a"),
    can(ADMIN, "s3:GetObject", f"{TARGET}/raw/a"),
    cannot(ADMIN, "s3:GetObject", f"{TARGET}/raw/a", context=PLAIN),
    cannot(ADMIN, "s3:ListBucket", TARGET, context=PLAIN),
    can(ROLE, "kms:Encrypt", KEY, context=BY_S3),
    cannot(ROLE, "kms:Encrypt", KEY, context=BY_S3 | {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}),
    cannot(ROLE, "kms:Encrypt", KEY, context=BY_S3 | {"kms:EncryptionContext:aws:s3:arn": SOURCE}),
]


def _sample() -> Policies:
    return harvest(copy.deepcopy(STACK))


def test_the_sample_stack_is_proven(evaluator: Evaluator) -> None:
    assert broken(_sample(), TABLE, evaluator) == []
    assert unnoticed(_sample(), TABLE, evaluator) == []


def test_an_action_that_nothing_needs_is_found(evaluator: Evaluator) -> None:
    policies = _sample()
    policies.roles[ROLE].statements[1]["Action"].append("s3:ReplicateTags")
    assert unnoticed(policies, TABLE, evaluator) == [
        f"role policy of {ROLE_ARN}: WriteReplicas: Action s3:ReplicateTags"
    ]


def test_a_missing_action_breaks_what_needs_it(evaluator: Evaluator) -> None:
    policies = _sample()
    del policies.roles[ROLE].statements[0]
    assert broken(policies, TABLE, evaluator) == [
        f"{ROLE} may s3:GetObjectVersionForReplication on {SOURCE}/raw/a"
    ]


def test_a_missing_half_of_a_cross_account_grant_breaks_what_needs_it(evaluator: Evaluator) -> None:
    policies = _sample()
    policies.on[TARGET] = {**policies.on[TARGET], "Statement": policies.on[TARGET]["Statement"][1:]}
    assert len(broken(policies, TABLE, evaluator)) == 2


@pytest.mark.parametrize("case", [case for case in TABLE if not case.may and case.context], ids=str)
def test_a_condition_is_missed_only_because_of_the_case_that_names_it(
    evaluator: Evaluator, case: Case
) -> None:
    less = [other for other in TABLE if other != case]
    assert unnoticed(_sample(), less, evaluator) != []


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (can(ROLE, "s3:ReadObject", f"{SOURCE}/a"), "invalid.action"),
        (can(ROLE, "s3:GetObject", "arn:aws:sqs:us-east-1:111111111111:q"), "no.resource.types"),
        (
            can(ROLE, "s3:GetObject", f"{SOURCE}/a", context={"kms:ViaService": "x"}),
            "carries no kms:ViaService",
        ),
        (can("copyer", "s3:GetObject", f"{SOURCE}/a"), "the stack has no such role; it has copier"),
    ],
)
def test_a_case_that_no_service_could_see_is_an_error_and_not_a_denial(
    evaluator: Evaluator, case: Case, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        broken(_sample(), [case], evaluator)


def test_a_document_is_decided_by_what_it_is_to_the_request(evaluator: Evaluator) -> None:
    """A principal's own policy grants; its boundary and the resource's policy, without a principal, do not."""
    document = json.loads(_policy(_allow("Read", ["s3:GetObject"], f"{SOURCE}/*")))
    request = Request(ROLE_ARN, "s3:GetObject", f"{SOURCE}/raw/a", HERE)
    parts = ("identity", "boundary", "on_resource")
    ways = [*(replace(request, **{part: document}) for part in parts), request]
    assert evaluator.verdicts(ways) == evaluator.verdicts(ways) == [True, False, False, False]
    of_a_resource = _policy(_allow("Read", ["s3:GetObject"], f"{SOURCE}/*", Principal={"AWS": ROLE_ARN}))
    errors = [
        evaluator.verdicts([replace(request, **{part: json.loads(of_a_resource)})])[0] for part in parts
    ]
    assert "identityPolicyErrors" in str(errors[0]) and "permissionBoundaryErrors" in str(errors[1])
    assert errors[2] is True


def test_a_grant_that_the_proof_cannot_read_is_an_error() -> None:
    attached = _resource(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "admin", HERE, role=ROLE, policyArn="x"
    )
    with pytest.raises(ValueError, match="write it as an inline role policy"):
        harvest([*STACK, attached])
