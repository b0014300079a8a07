"""What the functions of a run, and RDS, may do."""

import dataclasses
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components import names
from components.blocks.table import SourceTable, decrypt_tables
from components.iam import Statement, check_policy_length, document, pass_role, trust
from components.lake.place import Place
from components.pipelines.export.args import ExportArgs
from components.shared.landing_folders import RAW, STATE, raw
from components.shared.run_sources import (
    HASH_DIGITS,
    MADE_FOR_THE_RUN,
    RDS_CLUSTER,
    RDS_INSTANCE,
    STAMP_DIGITS,
)


def refuse_too_many_sources(name: str, args: ExportArgs, place: Place, *more: Statement) -> None:
    """Raises pulumi.RunError where the policy of these sources is longer than IAM takes."""
    key = args.account.arn("kms", "key/00000000-0000-0000-0000-000000000000")  # as long as any
    known = dataclasses.replace(place, key_arn=None if place.key_arn is None else key)
    policy = document(*source_statements(name, args, known), *more)
    assert isinstance(policy, str)
    # Beside them, the function's own log.
    check_policy_length(
        policy,
        f"pipelines.{name}.sources",
        "spread the sources over two pipelines of kind 'export'",
        beside=400,
    )


def decrypt_source_tables(
    name: str, args: ExportArgs, place: Place, tables: Mapping[str, SourceTable]
) -> list[Statement]:
    """The right to the tables' keys, refused where the role's policy would be too long with it."""
    if not tables:
        return []
    arns = [pulumi.Output.from_input(table.key_arn) for table in tables.values()]

    def measured(keys: list[str | None]) -> list[str | None]:
        known = {table: SourceTable("", key) for table, key in zip(tables, keys, strict=True)}
        refuse_too_many_sources(name, args, place, decrypt_tables(args.account, known))
        return keys

    keys = pulumi.Output.all(*arns).apply(measured)
    checked = {table: SourceTable("", keys[index]) for index, table in enumerate(tables)}
    return [decrypt_tables(args.account, checked)]


def source_statements(name: str, args: ExportArgs, place: Place) -> list[Statement]:
    """Lets the function start and follow the exports. DynamoDB writes with the caller's rights
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html); RDS writes with a
    role of its own, and needs a grant on the key."""
    granted = [place.read(STATE), place.find()]
    uses = []
    if arns := list(args.table_arns().values()):
        granted += [
            Statement("StartExport", ["dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime"], arns),
            Statement("FollowExport", ["dynamodb:DescribeExport"], [f"{arn}/export/*" for arn in arns]),
            # Not a folder a table: 40 tables would not fit into the role's policy.
            Statement(
                "WriteLanding",
                ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"],
                [f"{place.bucket_arn}/{RAW}*"],
            ),
        ]
    if args.rds():
        granted += _rds_statements(name, args)
        if place.key_arn is not None:
            own = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
            granted.append(Statement("LetRdsUseLandingKey", ["kms:CreateGrant"], [place.key_arn], own))
        uses = ["DescribeKey"]
    return granted + place.use_key("Decrypt", "GenerateDataKey", *uses)


# What follows a database's name, a '?' for each character, so that no pattern reaches the snapshots of a database whose
# name begins alike: of an automated snapshot the day and the minute, which a snapshot made by hand can't be called
# (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html); of one made for a run
# the run's time and a hash (handlers/export_source/rds_source.py).
_AUTOMATED = "????-??-??-??-??"
_MADE_FOR_A_RUN = f"{'?' * STAMP_DIGITS}-{'?' * HASH_DIGITS}"


def _rds_statements(name: str, args: ExportArgs) -> list[Statement]:
    account = args.account
    granted: list[Statement] = []
    kinds = {
        RDS_INSTANCE: ("db", "snapshot", "DBSnapshot"),
        RDS_CLUSTER: ("cluster", "cluster-snapshot", "DBClusterSnapshot"),
    }
    for kind, (owner, noun, call) in kinds.items():
        sources = [source for source in args.rds() if source.kind == kind]
        if not sources:
            continue
        by_the_run = [source for source in sources if source.snapshot == MADE_FOR_THE_RUN]
        of = [account.arn("rds", f"{owner}:{source.name}") for source in sources]
        own = [account.arn("rds", f"{noun}:{source.name}-{_MADE_FOR_A_RUN}") for source in by_the_run]
        snapshots = [
            account.arn("rds", f"{noun}:rds:{source.name}-{_AUTOMATED}")
            for source in sources
            if source not in by_the_run
        ] + own
        granted += [
            Statement(f"Export{call}", ["rds:DescribeExportTasks", "rds:StartExportTask"], snapshots),
            Statement(f"Find{call}", [f"rds:Describe{call}s"], of + own),
        ]
        if by_the_run:
            owners = [account.arn("rds", f"{owner}:{source.name}") for source in by_the_run]
            granted += [
                Statement(f"Make{call}", [f"rds:Create{call}"], owners + own),
                Statement(f"Forget{call}", [f"rds:Delete{call}"], own),
            ]
    return [
        *granted,
        pass_role(
            "HandOverTheExportRole", account.role_arn(names.role(f"{name}-rds")), "export.rds.amazonaws.com"
        ),
    ]


def rds_role(name: str, args: ExportArgs, place: Place, parent: pulumi.Resource) -> pulumi.Output[str]:
    """The role that RDS writes exports under
    (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.Setup.html); the key is used by a grant
    that the caller makes."""
    child_opts, part = pulumi.ResourceOptions(parent=parent), f"{name}-rds"
    role = aws.iam.Role(
        part,
        name=names.role(part),
        permissions_boundary=args.account.permissions_boundary,
        description=f"Writes the RDS exports of {name}",
        assume_role_policy=trust("export.rds.amazonaws.com", args.account.id),
        opts=child_opts,
    )
    folders = [f"{place.bucket_arn}/{raw(source.name)}/*" for source in args.rds()]
    policy = aws.iam.RolePolicy(
        part,
        name="export",
        role=role.name,
        policy=document(
            Statement("WriteExports", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], folders),
            Statement("FindLanding", ["s3:GetBucketLocation", "s3:ListBucket"], [place.bucket_arn]),
        ),
        opts=child_opts,
    )
    # Whoever gets the ARN can rely on the rights.
    return pulumi.Output.all(role.arn, policy.id).apply(lambda both: both[0])
