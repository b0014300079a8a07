"""The roles in the accounts as one CloudFormation template, for a StackSet over many accounts.

The template is the same in each account; a role and its policies are made where the account is theirs, by a condition
on `AWS::AccountId`. It makes what `accounts.make` makes, under the same names, and trusts the same entering roles,
which must be there first (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/what-is-cfnstacksets.html).
"""

import json
from typing import Any

from bootstrap.making import accounts, lists, names
from bootstrap.making.settings import BootstrapArgs

DIRECT, MOST = 51_200, 1_000_000
"""Bytes of a template in a request, and in a bucket
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html)."""


def of(settings: BootstrapArgs) -> dict[str, Any]:
    """The template, as data."""
    conditions: dict[str, Any] = {}
    resources: dict[str, Any] = {}
    for stack in settings.stacks:
        needed = lists.of_stack(stack)
        partition = needed.places[0].partition
        for (account, name), (path, content) in accounts.boundaries(needed).items():
            conditions[f"Account{account}"] = {"Fn::Equals": [{"Ref": "AWS::AccountId"}, account]}
            resources[_id(f"{name}-{account}")] = {
                "Type": "AWS::IAM::ManagedPolicy",
                "Condition": f"Account{account}",
                "Properties": {"ManagedPolicyName": name, "Path": path, "PolicyDocument": content},
            }
        for role in accounts.roles(needed):
            condition = f"Account{role.account}"
            conditions[condition] = {"Fn::Equals": [{"Ref": "AWS::AccountId"}, role.account]}
            entering = (
                f"arn:{partition}:iam::{settings.state.account}:role/{names.entering(*role.entered_by)}"
            )
            id = _id(f"{role.name}-{role.account}")
            resources[id] = {
                "Type": "AWS::IAM::Role",
                "Condition": condition,
                "Properties": {
                    "RoleName": role.name,
                    "Description": role.description,
                    "AssumeRolePolicyDocument": accounts.trust(entering),
                    "MaxSessionDuration": 3600,
                },
            }
            for name, content in role.policies.items():
                resources[_id(f"{name}-{role.account}")] = {
                    "Type": "AWS::IAM::ManagedPolicy",
                    "Condition": condition,
                    "Properties": {
                        "ManagedPolicyName": name,
                        "PolicyDocument": content,
                        "Roles": [{"Ref": id}],
                    },
                }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The roles by which {settings.repository} is deployed, previewed and compared",
        "Conditions": conditions,
        "Resources": resources,
    }


def written(settings: BootstrapArgs) -> str:
    """The template as text. Raises ValueError where it is longer than CloudFormation takes."""
    text = json.dumps(of(settings), indent=1)
    if len(text.encode()) > DIRECT:
        text = json.dumps(of(settings), separators=(",", ":"))
    if len(text.encode()) > MOST:
        raise ValueError(
            f"the template has {len(text.encode()):,} bytes, CloudFormation takes {MOST:,}; name fewer stacks"
        )
    return text + "\n"


def usage(settings: BootstrapArgs) -> str:
    """How the template is used, by its size."""
    large = len(written(settings).encode()) > DIRECT
    argument = "--template-url, from a bucket" if large else "--template-body"
    return f"aws cloudformation create-stack-set takes it by {argument}, with --capabilities CAPABILITY_NAMED_IAM"


def _id(name: str) -> str:
    """A logical id: letters and digits."""
    return "".join(
        part[:1].upper() + part[1:] for part in name.replace("_", "-").replace(".", "-").split("-")
    )
