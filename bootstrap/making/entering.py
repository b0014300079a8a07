"""GitHub's identity provider, and the two roles of each stack that a job enters by, in the account of the state.

One door: a provider takes on the role in its own account from there (`accounts.<name>.role`), so that no other account
has to know GitHub. A session that was made by a role lasts an hour at most
(https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining).
"""

import json

import pulumi
import pulumi_aws as aws

from bootstrap.making import github, names
from bootstrap.making.lists import Lists
from bootstrap.making.settings import BootstrapArgs
from bootstrap.making.state import State
from bootstrap.runner import runner
from components.accounts import AccountArgs


def identity_provider(
    settings: BootstrapArgs, account: AccountArgs, provider: aws.Provider
) -> pulumi.Input[str]:
    """The ARN of GitHub's identity provider, which is made or there. AWS knows GitHub's certificates by itself, so that
    no thumbprint is written (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html)."""
    if settings.adopt_provider:
        return f"arn:{account.partition}:iam::{account.id}:oidc-provider/{github.ISSUER}"
    provider_of_github = aws.iam.OpenIdConnectProvider(
        "github",
        url=f"https://{github.ISSUER}",
        client_id_lists=[github.AUDIENCE],
        opts=pulumi.ResourceOptions(provider=provider),
    )
    return provider_of_github.arn


def make(
    settings: BootstrapArgs,
    account: AccountArgs,
    provider: aws.Provider,
    state: State,
    every: list[Lists],
) -> dict[tuple[str, str], aws.iam.Role]:
    """The roles that a job enters by, by (deploy or preview, stack)."""
    github_arn = pulumi.Output.from_input(identity_provider(settings, account, provider))
    opts, roles = pulumi.ResourceOptions(provider=provider), dict[tuple[str, str], aws.iam.Role]()
    for lists in every:
        for doing in ("deploy", "preview"):
            name, subject = names.entering(doing, lists.stack), settings.subject(lists.stack, doing)
            trust = github_arn.apply(
                lambda arn, subject=subject: github.let_in(arn, subject, settings.people)
            )
            roles[doing, lists.stack] = aws.iam.Role(
                name,
                name=name,
                description=f"A job of {settings.repository} enters by it, as {subject.partition(':')[2]}"[
                    :1000
                ],
                assume_role_policy=trust,
                max_session_duration=3600,
                opts=opts,
            )
            aws.iam.RolePolicy(
                name,
                name=name,
                role=roles[doing, lists.stack].name,
                policy=policy(doing, lists, state),
                opts=opts,
            )
    return roles


def policy(doing: str, lists: Lists, state: State) -> pulumi.Output[str]:
    """What a job may by itself: its stack's state and secrets, and to take its roles on."""
    taken = [name for name, entered in names.ENTERED.items() if entered == doing]
    roles = sorted(
        {
            f"arn:{place.partition}:iam::{place.account}:role/{names.role(name, lists.stack)}"
            for place in lists.places
            for name in taken
        }
    )

    def written(keys: list[str]) -> str:
        grants = runner(
            state.bucket_arn, keys[1], roles,
            previews_only=doing == "preview", stack=lists.stack, state_key=keys[0],
        )  # fmt: skip
        return json.dumps({"Version": "2012-10-17", "Statement": [grant.render() for grant in grants]})

    return pulumi.Output.all(state.key_arn, state.secrets[lists.stack]).apply(written)
