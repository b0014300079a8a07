"""What a stack's config takes as it is, argument by argument, and what the embedded cloud has in its place.

`STAND_INS` names them all: a source, a stream, a collection group, a KMS key, a bucket or its queue is made before the
stack is (stand_ins.py), and so is a role that enters an account, or is its boundary. What a policy names only, and what
the embedded cloud keeps and does not use, needs nothing. What it can't have leaves the pipeline out (`left_out`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.accounts import AccountArgs
from components.stack.settings import Settings
from local.samples.adopted_landing import EXPORTS

MADE, ROLE, NAMED, KEPT, LEFT_OUT = (
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
    "ExportSourceArgs.dynamodb": MADE,
    "ExportSourceArgs.rds_instance": MADE,
    "ExportSourceArgs.rds_cluster": MADE,
    "ZeroEtlTableArgs.name": MADE,
    "StreamArgs.adopt": MADE,
    "StreamArgs.key_arn": MADE,
    "CollectionGroupArgs.adopt": MADE,
    "CollectionArgs.key_arn": MADE,
    "ExportArgs.key_arn": MADE,
    "ReplicationArgs.key_arn": MADE,
    "Landing.bucket": MADE,
    "Landing.key_arn": MADE,
    "Landing.event_queue_arn": MADE,
    "Landing.layout": LEFT_OUT,
    "NetworkArgs.public": LEFT_OUT,
    "NetworkArgs.vpc_endpoints": KEPT,
    "VpcArgs.subnet_ids": KEPT,
    "VpcArgs.security_group_ids": KEPT,
    "BigQueryTransferArgs.kms_key_name": KEPT,
    "CollectionArgs.readers": NAMED,
    "DashboardsArgs.assumed_by": NAMED,
    "LakeFormationArgs.readers": NAMED,
}
"""`<class of arguments>.<key>` -> what the embedded cloud has for it."""


def keys(stack: Settings) -> Iterator[str]:
    """The ARNs of the KMS keys."""
    for args in (pipeline.args for pipeline in stack.pipelines.values()):
        for of in (args, getattr(args, "stream", None), getattr(args, "collection", None), _landing(args)):
            if isinstance(arn := getattr(of, "key_arn", None), str):
                yield arn


def groups(stack: Settings) -> Iterator[tuple[AccountArgs, str]]:
    """The account and the name of each collection group."""
    for pipeline in stack.pipelines.values():
        collection = getattr(pipeline.args, "collection", None)
        if collection and collection.group.adopt:
            yield pipeline.args.account, collection.group.adopt


def landings(stack: Settings) -> Iterator[Any]:
    """The landings whose buckets are there already, each once."""
    known = {landing.bucket: landing for p in stack.pipelines.values() if (landing := _landing(p.args))}
    yield from known.values()


def _landing(args: Any) -> Any:
    landing = getattr(args, "landing", None)
    return landing if landing is not None and not callable(landing) and landing.adopted else None


def left_out(stack: Settings) -> dict[str, str]:
    """Why pipelines can't run on the embedded cloud, by their names; those that take from them are among them."""
    why: dict[str, str] = {}
    for name, pipeline in stack.pipelines.items():
        args = pipeline.args
        collection, landing = getattr(args, "collection", None), _landing(args)
        if taken := next((other for other in pipeline.takes.values() if other in why), ""):
            why[name] = f"it takes from {taken}, which is left out: {why[taken]}"
        elif collection and not collection.network.public:
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
