"""Lake Formation over a database: who may read its tables is granted there and no longer by IAM alone."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components import names
from components.accounts import IAM_NAME, AccountArgs, arn_pattern
from components.arguments import arguments, matching, together
from components.iam import Statement, document, trust
from components.lake.place import Place

Principal = Annotated[
    str,
    Field(max_length=255),
    matching(
        arn_pattern("iam", f"(role|user)/{IAM_NAME}", region=""),
        "'{value}' is not the ARN of a role or a user in IAM; write 'arn:aws:iam::<account id>:role/<name>'",
    ),
]


@arguments
class LakeFormationArgs:
    """Who may read the tables, granted in Lake Formation."""

    readers: Annotated[list[Principal], Field(min_length=1)]
    """Roles and users of the pipeline's account that may query every table and view. Each also needs IAM's
    `lakeformation:GetDataAccess`, and needs no right to the landing's objects."""

    @together
    def _each_once(self) -> Iterator[str]:
        for twice in sorted({reader for reader in self.readers if self.readers.count(reader) > 1}):
            yield f"readers: '{twice}' is named twice; name it once"


class LakeFormation(pulumi.ComponentResource):
    """Registers `locations` (prefixes of the bucket) under a role that can read them and nothing else, lets `writer`
    make and change tables there, and lets each reader select from all tables and views of the database
    (https://docs.aws.amazon.com/lake-formation/latest/dg/access-control-underlying-data.html). Lake Formation asks
    such a role to write, too (https://docs.aws.amazon.com/lake-formation/latest/dg/registration-role.html); here
    nobody writes with its credentials, so it can't.

    The account's own settings must have no default for IAMAllowedPrincipals: a new database and its tables would be
    everybody's whom IAM lets in (https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html), and what
    they then hold can't be taken away by a resource
    (https://github.com/hashicorp/terraform-provider-aws/pull/43226: an empty default of the database's own is not
    sent). Whoever deploys must be an administrator of the data lake. A preview checks both. It costs nothing.

    `place`: the landing's bucket and key. `locations`: prefixes without a slash at the end. `database`: its name in
    Glue. `writer`: the ARN of the role that makes the tables.
    """

    def __init__(
        self,
        name: str,
        account: AccountArgs,
        args: LakeFormationArgs,
        place: Place,
        locations: Sequence[str],
        *,
        database: pulumi.Input[str],
        writer: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ):
        super().__init__("tributary:blocks:LakeFormation", name, None, opts)
        child_opts, part = pulumi.ResourceOptions(parent=self), f"{name}-lake"
        role = aws.iam.Role(
            part,
            name=names.role(part),
            permissions_boundary=account.permissions_boundary,
            description=f"Reads the tables of {name} for those whom Lake Formation lets",
            # The one form that the service sends:
            # https://docs.aws.amazon.com/lake-formation/latest/dg/cross-service-confused-deputy-prevention.html
            assume_role_policy=trust(
                "lakeformation.amazonaws.com", account.id, account.arn("lakeformation", "*")
            ),
            opts=child_opts,
        )
        prefixes = [f"{location}/*" for location in locations]
        granted = [
            Statement(
                "ReadTables", ["s3:GetObject"], [f"{place.bucket_arn}/{prefix}" for prefix in prefixes]
            ),
            Statement(
                "ListTables", ["s3:ListBucket"], [place.bucket_arn], {"StringLike": {"s3:prefix": prefixes}}
            ),
        ]
        if place.key_arn is not None:
            granted.append(Statement("DecryptTables", ["kms:Decrypt"], [place.key_arn]))
        policy = aws.iam.RolePolicy(
            part, name="read", role=role.name, policy=document(*granted), opts=child_opts
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[policy])

        def grant(what: str, principal: pulumi.Input[str], permissions: list[str], **on: Any) -> None:
            aws.lakeformation.Permissions(
                f"{name}-{what}", principal=principal, permissions=permissions, opts=child_opts, **on
            )

        in_database = aws.lakeformation.PermissionsDatabaseArgs(name=database, catalog_id=account.id)
        # All tables that there are and will be, views among them.
        tables = aws.lakeformation.PermissionsTableArgs(
            database_name=database, catalog_id=account.id, wildcard=True
        )
        for location in locations:
            where = location.replace("/", "-")
            registered = aws.lakeformation.Resource(
                f"{name}-{where}",
                arn=f"{place.bucket_arn}/{location}",
                role_arn=role.arn,
                use_service_linked_role=False,
                hybrid_access_enabled=False,
                opts=after,
            )
            data = aws.lakeformation.PermissionsDataLocationArgs(arn=registered.arn, catalog_id=account.id)
            grant(f"writer-{where}", writer, ["DATA_LOCATION_ACCESS"], data_location=data)
        grant("writer-database", writer, ["CREATE_TABLE", "DESCRIBE"], database=in_database)
        # It may do all to tables that it made; this holds for those that another made before it.
        grant("writer-tables", writer, ["ALTER", "DESCRIBE"], table=tables)
        for reader in args.readers:
            who = reader.split(":", 5)[5].replace("/", "-")
            grant(f"{who}-database", reader, ["DESCRIBE"], database=in_database)
            grant(f"{who}-tables", reader, ["DESCRIBE", "SELECT"], table=tables)
        self.register_outputs({})

    @staticmethod
    def check_account_settings(pipeline: str, account: AccountArgs, parent: pulumi.Resource) -> None:
        """Raises pulumi.RunError, at preview, where grants would change nothing or can't be made."""
        current = aws.lakeformation.get_data_lake_settings(opts=pulumi.InvokeOptions(parent=parent))
        where = f"pipelines.{pipeline}.lake_formation: in account {account.id}, {account.region}"
        command = f"aws lakeformation put-data-lake-settings --region {account.region} --data-lake-settings"
        admins = ",".join(f'{{"DataLakePrincipalIdentifier":"{admin}"}}' for admin in current.admins)
        if not current.admins:
            raise pulumi.RunError(
                f"{where}, the data lake has no administrator, and nobody else may grant; make the role that deploys "
                f'one: {command} \'{{"DataLakeAdmins":[{{"DataLakePrincipalIdentifier":"<its ARN>"}}],'
                '"CreateDatabaseDefaultPermissions":[],"CreateTableDefaultPermissions":[]}\''
            )
        defaults = {
            "databases": current.create_database_default_permissions,
            "tables": current.create_table_default_permissions,
        }
        for what, permissions in defaults.items():
            for default in permissions:
                raise pulumi.RunError(
                    f"{where}, new {what} are open to {default.principal} by default ({', '.join(default.permissions)}"
                    "), so that no grant would matter; take the defaults away: "
                    f'{command} \'{{"DataLakeAdmins":[{admins}],"CreateDatabaseDefaultPermissions":[],'
                    '"CreateTableDefaultPermissions":[]}\''
                )
