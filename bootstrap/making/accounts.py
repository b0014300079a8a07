"""The roles in each account of a stack: who deploys, previews, compares, sees how it does, and switches it.

Each trusts the role that a job enters by and nobody else, and has the policies of `python -m bootstrap <stack>` as
managed ones: a role takes ten of them by default
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from bootstrap.making import names
from bootstrap.making.lists import Lists, Policy
from bootstrap.roles import POLICIES


@dataclass(frozen=True)
class AccountRole:
    """A role in one account, before it is made by whatever makes it."""

    name: str
    account: str
    description: str
    entered_by: tuple[str, str]
    """(deploy or preview, stack) of the entering role that it trusts."""
    policies: Mapping[str, Policy]
    """Its managed policies, by their names."""


def roles(lists: Lists) -> list[AccountRole]:
    """The roles of a stack in each of its accounts. Raises ValueError where a role would have too many policies."""
    planned: list[AccountRole] = []
    for account in sorted({place.account for place in lists.places}):
        for doing in names.DOING:
            policies = {
                names.policy(doing, lists.stack, place.name, number): part
                for place in lists.places if place.account == account
                for number, part in enumerate(place.policies[doing], 1)
            }  # fmt: skip
            name = names.role(doing, lists.stack)
            if len(policies) > POLICIES:
                raise ValueError(
                    f"{name} in {account} needs {len(policies)} policies, a role takes {POLICIES}"
                )
            what = {
                "deploy": "makes, changes and destroys",
                "preview": "reads what a preview of",
                "refresh": "compares with its state",
                "status": "sees how it does:",
                "operate": "runs, pauses and resumes the pipelines of",
            }[doing]
            described = f"{what} stack {lists.stack}" + (" reads" if doing == "preview" else "")
            planned.append(
                AccountRole(name, account, described, (names.ENTERED[doing], lists.stack), policies)
            )
    return planned


def boundaries(lists: Lists) -> dict[tuple[str, str], tuple[str, Policy]]:
    """The boundaries that the stack's config names, by account and name: their paths, and what they allow."""
    named: dict[tuple[str, str], tuple[str, Policy]] = {}
    for place in lists.places:
        if place.boundary:
            path, _, name = place.boundary_arn.partition(":policy/")[2].rpartition("/")
            named[place.account, name] = (f"/{path}/" if path else "/", place.boundary)
    return named


def trust(entering_arn: str) -> dict[str, Any]:
    """Lets the role in that a job enters by. It has to be there: AWS keeps its id, not its name
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles)."""
    statement = {
        "Sid": "WhoeverEntered", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": entering_arn},
    }  # fmt: skip
    return {"Version": "2012-10-17", "Statement": [statement]}


def make(
    every: list[Lists],
    providers: Mapping[str, aws.Provider],
    entering: Mapping[tuple[str, str], aws.iam.Role],
) -> None:
    """Makes the roles of all stacks. `providers` by account id."""
    for lists in every:
        # No deployer may change what bounds the roles that it makes: its name is none of a stack's resources'.
        for (account, name), (path, content) in boundaries(lists).items():
            opts = pulumi.ResourceOptions(provider=providers[account])
            aws.iam.Policy(f"{name}-{account}", name=name, path=path, policy=json.dumps(content), opts=opts)
        for planned in roles(lists):
            opts = pulumi.ResourceOptions(provider=providers[planned.account])
            trusted = entering[planned.entered_by].arn.apply(lambda arn: json.dumps(trust(arn)))
            called = f"{planned.name}-{planned.account}"
            role = aws.iam.Role(
                called,
                name=planned.name,
                description=planned.description,
                assume_role_policy=trusted,
                max_session_duration=3600,
                opts=opts,
            )
            for name, content in planned.policies.items():
                policy = aws.iam.Policy(
                    f"{name}-{planned.account}", name=name, policy=json.dumps(content), opts=opts
                )
                aws.iam.RolePolicyAttachment(
                    f"{name}-{planned.account}", role=role.name, policy_arn=policy.arn, opts=opts
                )
