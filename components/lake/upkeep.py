"""The role under which Glue's optimizers keep a run's Iceberg tables: compaction, snapshots, files of none."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components import names
from components.accounts import AccountArgs
from components.iam import Statement, document, trust
from components.lake.place import Place
from components.shared.landing_folders import lake

LOGS = ("iceberg-compaction", "iceberg-retention", "iceberg-orphan-file-deletion")


class Upkeep(pulumi.ComponentResource):
    """A role for the optimizers, which the run's function turns on for each table that it makes. An optimizer costs
    0.44 dollars a DPU-hour, by the second, a minute at the least (https://aws.amazon.com/glue/pricing/).

    `place`: the landing's bucket and key. `tables`: names of the Iceberg tables in the catalog. `catalog_arns`: of the
    catalog, the database and its tables, in this order."""

    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        place: Place,
        tables: Sequence[str],
        catalog_arns: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:pipelines:Upkeep", name, None, opts)
        child_opts, part = pulumi.ResourceOptions(parent=self), f"{name}-upkeep"
        role = aws.iam.Role(
            part,
            name=names.role(part),
            permissions_boundary=account.permissions_boundary,
            description=f"What Glue's optimizers may do at the Iceberg tables of {name}",
            assume_role_policy=trust("glue.amazonaws.com", account.id),
            opts=child_opts,
        )
        policy = aws.iam.RolePolicy(
            part,
            name="upkeep",
            role=role.name,
            policy=document(*upkeep_statements(account, place, tables, catalog_arns)),
            opts=child_opts,
        )
        # With its policy, when it is handed on.
        self.role_arn = pulumi.Output.all(role.arn, policy.id).apply(lambda made: made[0])
        self.register_outputs({"role_arn": self.role_arn})


def upkeep_statements(
    account: AccountArgs, place: Place, tables: Sequence[str], catalog_arns: Sequence[str]
) -> list[Statement]:
    """What the optimizers do at these tables; `catalog_arns`: of the catalog, the database and its tables, in this
    order (https://docs.aws.amazon.com/glue/latest/dg/optimization-prerequisites.html)."""
    folders = [lake(table) for table in tables]
    groups = [account.arn("logs", f"log-group:/aws-glue/{name}/logs") for name in LOGS]
    database = catalog_arns[1].partition(":database/")[2]
    own = [account.arn("glue", f"table/{database}/{table}") for table in tables]
    return [
        Statement(
            "RewriteTables",
            ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            [f"{place.bucket_arn}/{folder}*" for folder in folders],
        ),
        Statement(
            "ListTables",
            ["s3:ListBucket"],
            [place.bucket_arn],
            {"StringLike": {"s3:prefix": [f"{folder}*" for folder in folders]}},
        ),
        Statement("ReplaceSnapshots", ["glue:GetTable", "glue:UpdateTable"], [*catalog_arns[:2], *own]),
        # The page has `<group>:*`, which is the group and its streams.
        Statement(
            "WriteLog",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            [*groups, *(f"{group}:log-stream:*" for group in groups)],
        ),
        *place.use_key("Decrypt", "GenerateDataKey"),
    ]
