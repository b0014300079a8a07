"""What stands ready in a Google Cloud project: a pool that trusts the repository, service accounts, their roles, APIs.

"Configure Workload Identity Federation with deployment pipelines"
(https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines). Each service account
lets in the one subject that its job has, and has one custom role in the project.
"""

from collections.abc import Iterable

import pulumi
import pulumi_gcp as gcp

from bootstrap.google import POOLS, POOLS_READ
from bootstrap.making import github, names
from bootstrap.making.lists import Lists
from bootstrap.making.settings import BootstrapArgs

POOL = PROVIDER = "github"
NO_CUSTOM_ROLE = "iam.workloadIdentityPools.getAttestationRules"


def make(settings: BootstrapArgs, every: Iterable[Lists]) -> dict[str, dict[str, pulumi.Output[str]]]:
    """Makes what each stack with a project needs there: by stack, the provider's name and the service accounts'."""
    outputs: dict[str, dict[str, pulumi.Output[str]]] = {}
    by_project: dict[str, list[Lists]] = {}
    for lists in every:
        if lists.google:
            by_project.setdefault(lists.google.project, []).append(lists)
    for project, of_project in by_project.items():
        provider = gcp.Provider(project, project=project)
        opts = pulumi.ResourceOptions(provider=provider)
        needed = {name for lists in of_project if lists.google for name in lists.google.services}
        enabled = [
            gcp.projects.Service(f"{project}-{name}", service=name, disable_on_destroy=False, opts=opts)
            for name in sorted(needed)
        ]
        after = pulumi.ResourceOptions(provider=provider, depends_on=enabled)
        pool = gcp.iam.WorkloadIdentityPool(
            project, workload_identity_pool_id=POOL, description="Jobs of the repository", opts=after
        )
        door = gcp.iam.WorkloadIdentityPoolProvider(
            project,
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id=PROVIDER,
            attribute_mapping=github.MAPPING,
            attribute_condition=github.condition(settings.repository),
            oidc=gcp.iam.WorkloadIdentityPoolProviderOidcArgs(issuer_uri=f"https://{github.ISSUER}"),
            opts=after,
        )
        for lists in of_project:
            outputs[lists.stack] = {"provider": door.name, **_accounts(settings, lists, pool, after)}
    return outputs


def _accounts(
    settings: BootstrapArgs, lists: Lists, pool: gcp.iam.WorkloadIdentityPool, opts: pulumi.ResourceOptions
) -> dict[str, pulumi.Output[str]]:
    assert lists.google
    project, addresses = lists.google.project, dict[str, pulumi.Output[str]]()
    for doing in names.DOING:
        name = names.service_account(doing, lists.stack)
        account = gcp.serviceaccount.Account(
            name, account_id=name, display_name=f"{doing} of stack {lists.stack}", opts=opts
        )
        subject = settings.subject(lists.stack, names.ENTERED[doing])
        gcp.serviceaccount.IAMMember(
            name,
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=pool.name.apply(lambda pool, subject=subject: github.member(pool, subject)),
            opts=opts,
        )
        permissions, predefined = lists.google.permissions[doing], ""
        if settings.predefined_pool_roles and NO_CUSTOM_ROLE in permissions:
            permissions = [name for name in permissions if name != NO_CUSTOM_ROLE]
            predefined = POOLS if doing == "deploy" else POOLS_READ
        role = gcp.projects.IAMCustomRole(
            name,
            role_id=names.custom_role(doing, lists.stack),
            title=f"{doing} of stack {lists.stack}",
            project=project,
            permissions=permissions,
            opts=opts,
        )
        granted = {name: role.name, **({f"{name}-pools": predefined} if predefined else {})}
        for called, which in granted.items():
            gcp.projects.IAMMember(called, project=project, role=which, member=account.member, opts=opts)
        addresses[doing] = account.email
    return addresses
