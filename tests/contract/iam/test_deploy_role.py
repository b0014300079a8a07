"""The outline of a deploy role in docs/accounts.md holds what deploying each kind of pipeline asks for."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

import boto3
import pytest
from policy_sentry.querying.all import get_all_actions

from local.providers.aws_types import ROWS
from tests.contract.iam import test_policies
from tests.recording import ROOT, Recorded, record

# ROWS: a type of resource -> the operations that make, read, change and delete it.
PREFIX = {"stepfunctions": "states", "opensearchserverless": "aoss"}
# S3's actions are called otherwise than its operations
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html).
S3 = {
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    **dict.fromkeys(("DeleteBucketEncryption", "PutBucketEncryption"), "PutEncryptionConfiguration"),
    **dict.fromkeys(
        ("DeleteBucketLifecycle", "PutBucketLifecycleConfiguration"), "PutLifecycleConfiguration"
    ),
    **dict.fromkeys(("DeleteBucketReplication", "PutBucketReplication"), "PutReplicationConfiguration"),
}
# The embedded cloud has no Lake Formation.
LAKE_FORMATION = {
    "aws:lakeformation/permissions:Permissions": ["GrantPermissions", "RevokePermissions", "ListPermissions"],
    "aws:lakeformation/resource:Resource": ["RegisterResource", "DescribeResource", "DeregisterResource"],
}


@pytest.fixture(scope="module")
def deployed() -> list[Recorded]:
    """What the stacks hold that prove the roles: every kind of pipeline, with all that it can be told."""
    stacks = [record("proof", of.CONFIG, tables=of.TABLES) for of in test_policies.PROVEN]
    return [resource for stack in stacks for resource in stack.resources]


def rows() -> list[list[str]]:
    table = (ROOT / "docs" / "accounts.md").read_text().partition("| service | actions | on |\n")[2]
    lines = table.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def outlined() -> Iterator[str]:
    """The actions; one without a prefix has that of the one before it in its row."""
    for _, actions, _ in rows():
        prefix = ""
        for word in re.findall(r"`([^`]+)`", actions.partition(", but no ")[0].replace("on `*`", "")):
            prefix, _, action = word.rpartition(":") if ":" in word else (prefix, "", word)
            yield f"{prefix}:{action}"


def asked(type: str) -> set[str]:
    """What deploying a resource asks for, as IAM calls it."""
    if type in LAKE_FORMATION:
        return {f"lakeformation:{operation}" for operation in LAKE_FORMATION[type]}
    row = ROWS[type]
    client = boto3.client(
        row.service, region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local"
    )
    steps = [step for part in (row.create, row.read, row.update, row.delete) for step in part]
    operations = {client.meta.method_to_api_mapping[step] for step in steps if isinstance(step, str)}
    prefix = PREFIX.get(row.service, row.service)
    return {f"{prefix}:{S3.get(name, name) if prefix == 's3' else name}" for name in operations}


def test_every_operation_on_what_the_pipelines_register_is_in_the_outline(deployed: list[Recorded]) -> None:
    known = list(outlined())
    types = {resource.type for resource in deployed if resource.type.startswith("aws:")}
    lacking = {
        action
        for type in types
        for action in asked(type)
        if not any(fnmatchcase(action, pattern) for pattern in known)
    }
    assert (sorted(lacking), len(types)) == ([], 48)


def test_the_outline_names_actions_that_aws_knows() -> None:
    known = get_all_actions()
    unknown = [pattern for pattern in outlined() if not any(fnmatchcase(action, pattern) for action in known)]
    assert unknown == []


def test_every_role_is_passed_to_the_service_that_takes_it_on_by_who_deploys_or_by_a_function(
    deployed: list[Recorded],
) -> None:
    trusted, handed_over = set(), set()
    for resource in deployed:
        if resource.type == "aws:iam/role:Role":
            for statement in json.loads(resource.inputs["assumeRolePolicy"])["Statement"]:
                # Google's identities take a role on by themselves.
                trusted |= {statement["Principal"].get("Service")} - {None}
        if resource.type == "aws:iam/rolePolicy:RolePolicy":
            for statement in json.loads(resource.inputs["policy"])["Statement"]:
                if "iam:PassRole" in statement["Action"]:
                    handed_over.add(statement["Condition"]["StringEquals"]["iam:PassedToService"])
    ((_, _, on),) = [row for row in rows() if row[1] == "`iam:PassRole`"]
    listed = re.search(r"one of (.+) \(`\.amazonaws\.com`\)", on)
    assert listed
    assert {f"{name}.amazonaws.com" for name in listed[1].split(", ")} == trusted - handed_over
    assert handed_over == {"batchoperations.s3.amazonaws.com", "export.rds.amazonaws.com"}
