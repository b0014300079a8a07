"""What a stack's config takes as it is, argument by argument, and what the embedded cloud has in its place.

`STAND_INS` names them all: a source, a stream, a collection group, a KMS key, a bucket or its queue is made before the
stack is (stand_ins.py), and so is a role that enters an account, or is its boundary. What a policy names only, and what
the embedded cloud keeps and does not use, needs nothing. What it can't have leaves the pipeline out (`left_out`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from components.accounts import AccountArgs
from components.landing import BucketName, Landing
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.pipelines.export.args import ExportArgs
from components.pipelines.firehose.args import FirehoseArgs
from components.pipelines.pipeline import PipelineArgs
from components.pipelines.replication.args import ReplicationArgs
from components.pipelines.zero_etl.args import ZeroEtlArgs
from components.stack.settings import Settings
from local.samples.adopted_landing import EXPORTS

STAND_IN, ROLE, NAMED, UNUSED, LEFT_OUT = (
    "made before the stack",
    "a role or a policy, made before the stack",
    "named in policies only",
    "kept, and not used",
    "the pipeline is left out, with the reason",
)
STAND_INS: Mapping[str, str] = {
    "AccountArgs.role": ROLE,
    "AssumedRoleArgs.arn": ROLE,
    "AccountArgs.permissions_boundary": ROLE,
    "ExportSourceArgs.dynamodb": STAND_IN,
    "ExportSourceArgs.rds_instance": STAND_IN,
    "ExportSourceArgs.rds_cluster": STAND_IN,
    "ZeroEtlTableArgs.name": STAND_IN,
    "StreamArgs.adopt": STAND_IN,
    "StreamArgs.key_arn": STAND_IN,
    "CollectionGroupArgs.adopt": STAND_IN,
    "CollectionArgs.key_arn": STAND_IN,
    "ExportArgs.key_arn": STAND_IN,
    "ReplicationArgs.key_arn": STAND_IN,
    "Landing.bucket": STAND_IN,
    "Landing.key_arn": STAND_IN,
    "Landing.event_queue_arn": STAND_IN,
    "Landing.layout": LEFT_OUT,
    "NetworkArgs.public": LEFT_OUT,
    "NetworkArgs.vpc_endpoints": UNUSED,
    "VpcArgs.subnet_ids": UNUSED,
    "VpcArgs.security_group_ids": UNUSED,
    "BigQueryTransferArgs.kms_key_name": UNUSED,
    "CollectionArgs.readers": NAMED,
    "DashboardsArgs.assumed_by": NAMED,
    "LakeFormationArgs.readers": NAMED,
}
"""`<class of arguments>.<key>` -> what the embedded cloud has for it."""


def keys(stack: Settings) -> Iterator[str]:
    """The ARNs of the KMS keys."""
    for args in (pipeline.args for pipeline in stack.pipelines.values()):
        arns: list[object] = []
        if isinstance(args, ExportArgs | ReplicationArgs):
            arns.append(args.key_arn)
        if isinstance(args, ZeroEtlArgs | FirehoseArgs):
            arns.append(args.collection.key_arn)
        if isinstance(args, FirehoseArgs):
            arns.append(args.stream.key_arn)
        if landing := _landing(args):
            arns.append(landing.key_arn)
        yield from (arn for arn in arns if isinstance(arn, str))


def groups(stack: Settings) -> Iterator[tuple[AccountArgs, str]]:
    """The account and the name of each collection group."""
    for args in (pipeline.args for pipeline in stack.pipelines.values()):
        if isinstance(args, ZeroEtlArgs | FirehoseArgs) and args.collection.group.adopt:
            yield args.account, args.collection.group.adopt


def landings(stack: Settings) -> Iterator[Landing]:
    """The landings whose buckets are there already, each once."""
    known = {landing.bucket: landing for p in stack.pipelines.values() if (landing := _landing(p.args))}
    yield from known.values()


def turned_on(stack: Settings, bucket: BucketName) -> bool:
    """Whether the stack turns versioning on at a bucket that is there already."""
    args = [pipeline.args for pipeline in stack.pipelines.values()]
    replicated = [
        each for each in args if isinstance(each, ReplicationArgs) and each.landing.bucket == bucket
    ]
    return any(each.turn_on_versioning for each in replicated)


def _landing(args: PipelineArgs) -> Landing | None:
    if isinstance(args, ReplicationArgs | BigQueryTransferArgs) and args.landing.adopted:
        return args.landing
    return None


def left_out(stack: Settings) -> dict[str, str]:
    """Why pipelines can't run on the embedded cloud, by their names; those that take from them are among them."""
    why: dict[str, str] = {}
    for name, pipeline in stack.pipelines.items():
        args, landing = pipeline.args, _landing(pipeline.args)
        searched = args if isinstance(args, ZeroEtlArgs | FirehoseArgs) else None
        if taken := next((other for other in pipeline.takes.values() if other in why), ""):
            why[name] = f"it takes from {taken}, which is left out: {why[taken]}"
        elif searched and not searched.collection.network.public:
            why[name] = (
                "its collection is reached from a VPC only, and the embedded cloud has none; write network: "
                "{public: true} for a run here"
            )
        elif landing and landing.layout != EXPORTS:
            why[name] = (
                f"the objects of the bucket '{landing.bucket}' are made by somebody else, and only the exports of "
                "DynamoDB tables can be made here in their place"
            )
        elif landing and not landing.tables:
            why[name] = (
                f"the landing in the bucket '{landing.bucket}' names no table, so nothing can be put there"
            )
    return why
