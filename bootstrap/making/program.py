"""The whole of what is made before the first deployment, and what the workflows need to know of it."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from bootstrap.making import accounts, entering, google, lists, names, state
from bootstrap.making.settings import BootstrapArgs
from bootstrap.roles import PROJECT
from components.accounts import AccountArgs


@dataclass(frozen=True)
class AtAws:
    """What stands ready at AWS."""

    every: list[lists.Lists]
    state: state.State
    providers: dict[str, aws.Provider]
    """By account id."""
    doors: dict[tuple[str, str], aws.iam.Role]


def state_and_doors(settings: BootstrapArgs) -> AtAws:
    """Makes the state, and the roles that a job enters by."""
    every = [lists.of_stack(stack) for stack in settings.stacks]
    home = AccountArgs(id=settings.state.account, region=settings.state.region)
    regions = {place.account: place.region for needed in every for place in needed.places}
    providers = {
        id: _provider(settings, id, region)
        for id, region in sorted({**regions, home.id: home.region}.items())
    }
    state_bucket = state.make(settings, home, providers[home.id])
    doors = entering.make(settings, home, providers[home.id], state_bucket, every)
    return AtAws(every, state_bucket, providers, doors)


def deployers(settings: BootstrapArgs, at_aws: AtAws) -> dict[str, Any]:
    """Makes who deploys, previews and compares, in each account and at Google; the outputs by stack: the variables of
    GitHub's environments."""
    if not settings.stack_set:
        accounts.make(at_aws.every, at_aws.providers, at_aws.doors)
    projects = google.make(settings, at_aws.every)
    return {
        needed.stack: {
            environment: _variables(needed, environment, settings, at_aws, projects.get(needed.stack, {}))
            for environment in ("deploy", "preview")
        }
        for needed in at_aws.every
    }


def _provider(settings: BootstrapArgs, id: str, region: str) -> aws.Provider:
    role = settings.administer.get(id)
    assumed: Any = (
        [aws.ProviderAssumeRoleArgs(role_arn=role, session_name="tributary-bootstrap")] if role else None
    )
    # No stack is called like that: a stack's deployer manages what has the stack's own tag.
    marks = {"tributary-project": PROJECT, "tributary-stack": f"bootstrap:{pulumi.get_stack()}"}
    return aws.Provider(
        id,
        region=region,
        allowed_account_ids=[id],
        assume_roles=assumed,
        default_tags=aws.ProviderDefaultTagsArgs(tags=marks),
    )


def _variables(
    needed: lists.Lists,
    doing: str,
    settings: BootstrapArgs,
    at_aws: AtAws,
    project: dict[str, pulumi.Output[str]],
) -> dict[str, pulumi.Input[str]]:
    """Of the environments <stack> and <stack>-preview (docs/pull-requests.md)."""
    variables: dict[str, pulumi.Input[str]] = {
        "AWS_ROLE": at_aws.doors[doing, needed.stack].arn,
        "AWS_REGION": settings.state.region,
        "PULUMI_BACKEND_URL": f"s3://{at_aws.state.bucket}?region={settings.state.region}",
    }
    if doing == "preview":
        variables |= {
            f"{name.upper()}_ROLE": names.role(name, needed.stack) for name in ("preview", "refresh")
        }
    else:
        variables["STATUS_ROLE"] = names.role("status", needed.stack)
    if project:
        variables |= {"GCP_PROVIDER": project["provider"], "GCP_SERVICE_ACCOUNT": project[doing]}
        if doing == "preview":
            variables["GCP_REFRESH_SERVICE_ACCOUNT"] = project["refresh"]
    return variables
