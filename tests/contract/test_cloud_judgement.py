"""The embedded cloud judges every call that the AWS provider makes for a stack: who has no right to it is refused.

A call that the cloud's IAM has no name for would go through whatever a role may, and a deployment under the deploy role
would prove nothing of it. The calls are those of `bootstrap`, their members the least that botocore's models ask for.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bootstrap.calls import DOCUMENTED, SEEN
from tests.contract.embedded_cloud import WORKLOAD, Cloud
from tests.contract.iam.operations import PREFIX
from tests.contract.iam.provider_log import ACTIONS
from tests.typed import fake

SERVICES = {prefix: service for service, prefix in PREFIX.items()}
# The embedded cloud has no Lake Formation: it answers each of its calls with an error.
ABSENT = "lakeformation"
VERSION = {"VersionId": "v1"}
OF_A_VERSION = {
    "s3:DeleteObjectVersion": ("s3", "delete_object", VERSION),
    "s3:GetObjectVersion": ("s3", "get_object", VERSION),
}
MEMBERS = {
    "AccountId": WORKLOAD, "AliasName": "alias/x", "Arn": f"arn:aws:osis:us-east-1:{WORKLOAD}:pipeline/other",
    "KeyId": "11111111-2222-3333-4444-555555555555", "policyVersion": "x" * 20,
    "resourceArn": f"arn:aws:logs:us-east-1:{WORKLOAD}:log-group:other",
}  # fmt: skip


def least(shape: Any, name: str = "") -> Any:
    """The least value of a shape that its model lets through."""
    match shape.type_name:
        case "structure":
            return {n: least(member, n) for n, member in shape.members.items() if n in shape.required_members}
        case "list":
            return [least(shape.member, name)]
        case "map":
            return {"a": "b"}
        case "string":
            if name in MEMBERS or shape.enum:
                return MEMBERS.get(name) or shape.enum[0]
            if name.lower().endswith("arn"):
                return f"arn:aws:sqs:us-east-1:{WORKLOAD}:other"
            return "x" * max(shape.metadata.get("min", 1), 5)
        case "boolean":
            return True
        case "blob":
            return b"x"
        case _:
            return max(shape.metadata.get("min", 1), 1)


def calls(client: Callable[[str], Any], action: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(client, method, arguments) of each operation that IAM judges by this action."""
    prefix, name = action.split(":")
    if action in OF_A_VERSION:
        service, method, version = OF_A_VERSION[action]
        yield service, method, {"Bucket": "bucket", "Key": "key", **version}
    operations = {name, *(op for op, called in ACTIONS.get(prefix, {}).items() if called == name)}
    # What S3 itself has no operation for is S3 Control's.
    for service in [SERVICES.get(prefix, prefix), *(["s3control"] if prefix == "s3" else [])]:
        model = client(service).meta
        methods = {operation: method for method, operation in model.method_to_api_mapping.items()}
        operations, here = operations - methods.keys(), operations & methods.keys()
        for operation in sorted(here):
            shape = model.service_model.operation_model(operation).input_shape
            given: dict[str, Any] = least(shape) if shape else {}
            # S3 looks for a bucket before it judges who asks.
            bucket = {"Bucket": "bucket", "ResourceArn": "arn:aws:s3:::bucket"} if prefix == "s3" else {}
            yield service, methods[operation], given | {k: v for k, v in bucket.items() if k in given}


def answer(client: Any, method: str, given: dict[str, Any]) -> str:
    try:
        getattr(client, method)(**given)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "nothing"


@pytest.fixture(scope="module")
def nobody(cloud: Cloud) -> Callable[[str], Any]:
    """A client as a role without any policy."""
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:root"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    cloud.client("iam", WORKLOAD).create_role(RoleName="nobody", AssumeRolePolicyDocument=document)
    cloud.client("s3", WORKLOAD).create_bucket(Bucket="bucket")
    return cache(fake(lambda service: cloud.client(service, WORKLOAD, "nobody")))


def test_who_has_no_right_to_a_call_of_the_provider_is_refused(nobody: Callable[[str], Any]) -> None:
    known = [by for source in (SEEN, DOCUMENTED) for by in source.values()]
    actions = {action for by in known for when in ("plan", "read", "write") for action in by.get(when, [])}
    judged: set[str] = set()
    unjudged: list[Any] = []
    for action in sorted(action for action in actions if not action.startswith(ABSENT)):
        for service, method, given in calls(nobody, action):
            code = answer(nobody(service), method, given)
            judged.add(action)
            if code not in ("AccessDenied", "AccessDeniedException", "AuthorizationError", "403"):
                unjudged.append((service, method, code))
    assert unjudged == []
    assert judged == {action for action in actions if not action.startswith(ABSENT)}, (
        "an action without a call"
    )


def test_a_key_that_is_called_by_its_alias_is_judged_as_the_key(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html: a policy names the key."""
    administrator = cloud.client("kms", WORKLOAD)
    own, other = (administrator.create_key()["KeyMetadata"] for _ in range(2))
    for key, alias in ((own, "alias/own-secrets"), (other, "alias/other-secrets")):
        administrator.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    grant = {"Effect": "Allow", "Action": ["kms:Encrypt"], "Resource": own["Arn"]}
    cloud.role(WORKLOAD, "calls-by-alias", "lambda.amazonaws.com", grant)
    kms = cloud.client("kms", WORKLOAD, "calls-by-alias")
    whole = f"arn:aws:kms:us-east-1:{WORKLOAD}:alias/own-secrets"
    for named in (own["KeyId"], own["Arn"], "alias/own-secrets", whole):
        assert kms.encrypt(KeyId=named, Plaintext=b"1")["KeyId"] == own["Arn"]
    for named in (other["Arn"], "alias/other-secrets"):
        with pytest.raises(ClientError, match="not authorized to perform: kms:Encrypt"):
            kms.encrypt(KeyId=named, Plaintext=b"1")
    with pytest.raises(ClientError, match=r"kms:Encrypt|NotFound"):
        kms.encrypt(KeyId="alias/nothing", Plaintext=b"1")
