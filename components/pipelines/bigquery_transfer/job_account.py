"""The service accounts that loads and their checks run under."""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from components import names
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs


def job_account(
    name: str,
    meaning: str,
    args: BigQueryTransferArgs,
    opts: pulumi.ResourceOptions,
    may: Sequence[str] = (),
) -> gcp.serviceaccount.Account:
    """An account that may run jobs in the project, and `may`, and no more; the dataset grants what data it may read.
    `meaning`: its description in the console. `may`: permissions, such as `bigquery.transfers.get`."""
    account = gcp.serviceaccount.Account(
        name, account_id=names.service_account(name), display_name=name, description=meaning, opts=opts
    )
    roles: dict[str, pulumi.Input[str]] = {name: "roles/bigquery.jobUser"}
    if may:
        # The least predefined role with bigquery.transfers.get lets datasets be made, too.
        roles[f"{name}-own"] = custom_role(name, meaning, args, may, account, opts)
    for called, role in roles.items():
        gcp.projects.IAMMember(
            called,
            project=args.gcp.project,
            role=role,
            member=pulumi.Output.concat("serviceAccount:", account.email),
            opts=opts,
        )
    return account


def custom_role(
    name: str,
    meaning: str,
    args: BigQueryTransferArgs,
    may: Sequence[str],
    account: gcp.serviceaccount.Account,
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """The name of a role of the project's own, for this account.

    `meaning`: its title. `may`: the permissions, such as `bigquery.tables.get`."""
    role = gcp.projects.IAMCustomRole(
        name,
        project=args.gcp.project,
        role_id=account.unique_id.apply(lambda unique: names.custom_role(name, unique)),
        title=name,
        description=meaning,
        permissions=list(may),
        opts=opts,
    )
    return role.name
