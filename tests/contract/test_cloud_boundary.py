"""The embedded cloud, with its IAM, holds who deploys within a permissions boundary: a role or a user is made with it
alone, never loses it, and may no more than it, whatever is written into its policies.

By https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bootstrap.boundary import boundary
from bootstrap.registered import config_of, registered
from bootstrap.roles import Stack, deploy, documents
from tests.contract.embedded_cloud import WORKLOAD, Cloud, refused

TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:root"}, "Action": "sts:AssumeRole"}
    ],
})  # fmt: skip
ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
BOUNDARY, OTHER = (f"arn:aws:iam::{WORKLOAD}:policy/{name}" for name in ("tributary-boundary", "everything"))
OWN, OLD = "tributary-prod-shop-lake-bounded", "tributary-prod-shop-lake-unbounded"
LANDING, PAYROLL = f"tributary-prod-shop-lake-landing-{WORKLOAD}", "payroll-of-the-boundary"
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def admin(cloud: Cloud) -> Any:
    """IAM as the account's administrator, who has made the boundary, who deploys, and a role from before."""
    config = config_of("prod")
    for account in config["accounts"].values():
        account["region"] = "us-east-1"
    config["accounts"]["workload"]["permissions_boundary"] = BOUNDARY
    stack = Stack("prod", registered("prod", config))
    place = stack.places()["workload"]
    iam = cloud.client("iam", WORKLOAD)
    for arn, text in ((BOUNDARY, json.dumps(boundary(stack, place))), (OTHER, ALL)):
        iam.create_policy(PolicyName=arn.rpartition("/")[2], PolicyDocument=text)
    iam.create_role(RoleName="bounded-deploy", AssumeRolePolicyDocument=TRUST)
    for number, document in enumerate(documents(deploy(stack, place))):
        iam.put_role_policy(
            RoleName="bounded-deploy", PolicyName=f"p{number}", PolicyDocument=json.dumps(document)
        )
    iam.create_role(RoleName=OLD, AssumeRolePolicyDocument=TRUST)
    s3 = cloud.client("s3", WORKLOAD)
    for bucket in (LANDING, PAYROLL):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="raw/a", Body=b"a")
    return iam


@pytest.fixture(scope="module")
def deployer(cloud: Cloud, admin: Any) -> Any:
    return cloud.client("iam", WORKLOAD, "bounded-deploy")


@pytest.fixture(scope="module")
def made(deployer: Any) -> str:
    """A role that who deploys has made with the boundary, and let everything."""
    deployer.create_role(RoleName=OWN, AssumeRolePolicyDocument=TRUST, PermissionsBoundary=BOUNDARY)
    deployer.put_role_policy(RoleName=OWN, PolicyName="all", PolicyDocument=ALL)
    return OWN


@pytest.mark.parametrize("bound", [{}, {"PermissionsBoundary": OTHER}], ids=["without", "another"])
def test_a_role_is_not_made_without_the_boundary(deployer: Any, bound: dict[str, str]) -> None:
    given = {"RoleName": f"{OWN}-2", "AssumeRolePolicyDocument": TRUST} | bound
    assert refused(deployer.create_role, **given)
    user = {"UserName": "tributary-prod-stock-ticks-console"}
    assert refused(deployer.create_user, **user, **bound)


def test_a_role_is_made_with_the_boundary_and_keeps_it(deployer: Any, admin: Any, made: str) -> None:
    assert refused(deployer.delete_role_permissions_boundary, RoleName=made)
    assert refused(deployer.put_role_permissions_boundary, RoleName=made, PermissionsBoundary=OTHER)
    has = admin.get_role(RoleName=made)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    assert has == BOUNDARY


@pytest.mark.parametrize("change", ["create_policy_version", "delete_policy", "delete_policy_version",
                                    "set_default_policy_version"])  # fmt: skip
def test_who_deploys_does_not_change_the_boundary_itself(deployer: Any, admin: Any, change: str) -> None:
    version = {"VersionId": "v1"} if change.endswith("policy_version") and "create" not in change else {}
    document = {"PolicyDocument": ALL, "SetAsDefault": True} if "create" in change else {}
    assert refused(getattr(deployer, change), PolicyArn=BOUNDARY, **version, **document)


def test_a_role_from_before_gets_policies_once_it_has_the_boundary(deployer: Any, admin: Any) -> None:
    given = {"RoleName": OLD, "PolicyName": "all", "PolicyDocument": ALL}
    assert refused(deployer.put_role_policy, **given)
    deployer.put_role_permissions_boundary(RoleName=OLD, PermissionsBoundary=BOUNDARY)
    deployer.put_role_policy(**given)


def test_a_role_that_is_let_everything_may_no_more_than_its_boundary(cloud: Cloud, made: str) -> None:
    def client(service: str) -> Any:
        return cloud.client(service, WORKLOAD, made)

    assert client("s3").get_object(Bucket=LANDING, Key="raw/a")["Body"].read() == b"a"
    assert refused(client("s3").get_object, Bucket=PAYROLL, Key="raw/a")
    assert refused(client("iam").create_role, RoleName="takes-over", AssumeRolePolicyDocument=TRUST)
    assert refused(client("iam").put_role_policy, RoleName=made, PolicyName="more", PolicyDocument=ALL)
    assert refused(client("iam").delete_role_permissions_boundary, RoleName=made)
    assert refused(
        client("sts").assume_role, RoleArn=f"arn:aws:iam::{WORKLOAD}:role/x", RoleSessionName="takes-over"
    )


def test_a_role_within_the_boundary_uses_the_stacks_keys_and_no_others(cloud: Cloud, made: str) -> None:
    """A key is known by its tags, which the boundary names and the role's own policy does not."""
    kms, own = cloud.client("kms", WORKLOAD), cloud.client("kms", WORKLOAD, made)
    tags = {"tributary-project": "tributary", "tributary-stack": "prod"}

    def key(stack: str) -> str:
        marks = tags | {"tributary-stack": stack}
        tagged = [{"TagKey": name, "TagValue": value} for name, value in marks.items()]
        return kms.create_key(Tags=tagged)["KeyMetadata"]["Arn"]

    own.generate_data_key(KeyId=key("prod"), KeySpec="AES_256")
    assert refused(own.generate_data_key, KeyId=key("prod-eu"), KeySpec="AES_256")
