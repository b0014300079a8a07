"""Who reads an index in OpenSearch Dashboards."""

from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components import names
from components.accounts import IAM_NAME, AccountArgs, arn_pattern
from components.arguments import arguments, matching
from components.blocks.collection import READ, SharedCollection, data_access
from components.iam import Statement, document

Reader = Annotated[
    str,
    matching(
        arn_pattern("iam", f"(root|(role|user)/{IAM_NAME})", region=""),
        "'{value}' is not the ARN of a role, a user or an account; write 'arn:aws:iam::<account id>:role/<name>', "
        "or of the pipeline's own account 'arn:aws:iam::<account id>:root' to let its policies decide",
    ),
]


@arguments
class DashboardsArgs:
    """Who reads the index in Dashboards."""

    assumed_by: list[Reader] = Field(default_factory=list)
    """The principals that assume the reading role; without any there is no such role."""
    console_user: bool = False
    """Makes an IAM user with a password for the console, for those who can't assume a role. The password is a secret
    of the stack's state, and has to be changed at the first sign-in; a role needs none."""


class DashboardsReader(pulumi.ComponentResource):
    """A role, and with `console_user` a user, that reads one index and nothing else: IAM lets it reach the collection
    and Dashboards, the data access policy lets it read the index
    (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-data-access.html).
    It costs nothing at rest."""

    role_arn: pulumi.Output[str] | None = None
    user: pulumi.Output[str] | None = None
    password: pulumi.Output[str] | None = None

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        args: DashboardsArgs,
        *,
        index: str,
        shared: SharedCollection,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """`index`: the name of the index that it reads. `shared`: the collection that the index is in."""
        super().__init__("tributary:blocks:DashboardsReader", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        reads = [
            Statement("ReachCollection", ["aoss:APIAccessAll"], [shared.arn]),
            Statement(
                "OpenDashboards", ["aoss:DashboardsAccessAll"], [account.arn("aoss", "dashboards/default")]
            ),
        ]
        readers: list[pulumi.Output[str]] = []
        if args.assumed_by:
            role = aws.iam.Role(
                name,
                name=names.role(name),
                permissions_boundary=account.permissions_boundary,
                description=f"Reads the index {index} in Dashboards",
                assume_role_policy=document(
                    Statement("Assume", ["sts:AssumeRole"], [], principals={"AWS": args.assumed_by})
                ),
                opts=child_opts,
            )
            aws.iam.RolePolicy(name, name="read", role=role.name, policy=document(*reads), opts=child_opts)
            self.role_arn = role.arn
            readers.append(role.arn)
        if args.console_user:
            arn = f"arn:{account.partition}:iam::{account.id}:user/{names.user(name)}"
            user = aws.iam.User(
                name,
                name=names.user(name),
                force_destroy=True,
                permissions_boundary=account.permissions_boundary,
                opts=child_opts,
            )
            # The first password is known to the stack's state, so it serves once.
            reads.append(Statement("ChangeOwnPassword", ["iam:ChangePassword"], [arn]))
            aws.iam.UserPolicy(name, name="read", user=user.name, policy=document(*reads), opts=child_opts)
            profile = aws.iam.UserLoginProfile(
                name,
                user=user.name,
                password_length=32,
                password_reset_required=True,
                opts=child_opts,
            )
            self.user, self.password = user.name, pulumi.Output.secret(profile.password)
            readers.append(user.arn)
        if readers:
            data_access(
                name,
                shared.name,
                readers,
                {index: READ},
                description=f"Reads the index {index}",
                opts=child_opts,
            )
        self.register_outputs({"role_arn": self.role_arn, "user": self.user})
