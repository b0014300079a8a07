"""Who reads an index of a collection for the samples: a role that the stack's config lets read it, or one of their own.

A role needs IAM's `aoss:APIAccessAll` and a data access policy of the collection
(https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-data-access.html). What the config lets
read has the policy already, so that reading by it shows that the policy is right.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from local.samples import Cloud

READER, POLICY = "analyst", "tributary-sample-reader"
READ = ["aoss:DescribeIndex", "aoss:ReadDocument"]


def named(cloud: Cloud, pipeline: Mapping[str, Any], readers: Iterable[str]) -> str:
    """The ARN of the first role of the pipeline's account among readers, else of the samples' own."""
    start = f"arn:aws:iam::{pipeline['account']}:role/"
    return next((arn for arn in readers if arn.startswith(start)), f"{start}{cloud.prefix}{READER}")


def prepare(cloud: Cloud, name: str, pipeline: Mapping[str, Any], role: str) -> None:
    """Makes the role, and lets it read where the config does not."""
    iam, trusted = cloud.client("iam", pipeline), f"arn:aws:iam::{pipeline['account']}:root"
    trust = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
    reach = {"Effect": "Allow", "Action": "aoss:APIAccessAll", "Resource": "*"}
    called = role.rpartition("/")[2]
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=called, AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName=called, PolicyName="reach", PolicyDocument=_policy(reach))
    args = cloud.declared.get(name)
    if args is None or role in args.collection.readers:
        return
    rule = {"ResourceType": "index", "Resource": ["index/*/*"], "Permission": READ}
    aoss = cloud.client("opensearchserverless", pipeline)
    with contextlib.suppress(aoss.exceptions.ConflictException):
        aoss.create_access_policy(
            name=POLICY, type="data", policy=json.dumps([{"Rules": [rule], "Principal": [role]}])
        )


def undo(cloud: Cloud, pipeline: Mapping[str, Any], role: str) -> None:
    """Takes the role away, and what lets it read."""
    iam, aoss = cloud.client("iam", pipeline), cloud.client("opensearchserverless", pipeline)
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_role_policy(RoleName=role.rpartition("/")[2], PolicyName="reach")
        iam.delete_role(RoleName=role.rpartition("/")[2])
    if cloud.declared:
        with contextlib.suppress(aoss.exceptions.ResourceNotFoundException):
            aoss.delete_access_policy(name=POLICY, type="data")


def _policy(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
