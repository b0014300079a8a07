"""Replication for a program that is not this one: each side in the provider of its own account.

A component of another language has one provider, and its outputs are known when all of it is there. So the sending side
is two: the role, which the receiving side's bucket lets in, and the rules, which need that bucket.

    role = ReplicaRole(...)                                     # the landing's account
    replica = ReplicaDestination(source_role_arn=role.role_arn, ...)          # the other account
    ReplicaSource(role_arn=role.role_arn, replica_bucket=replica.bucket, ...)  # the landing's account
"""

from typing import Annotated

import pulumi

from components.accounts import ROLE_ARN
from components.arguments import Text, arguments, matching
from components.landing import BucketName, LandingKey
from components.pipelines.replication.args import ReplicationArgs
from components.pipelines.replication.destination import ReplicaDestination
from components.pipelines.replication.source import Replica, ReplicaSource, SendingRole

KnownRole = Annotated[
    Text,
    matching(ROLE_ARN, "'{value}' is not a role's ARN; write 'arn:aws:iam::<account id>:role/<name>'"),
]


@arguments
class ReplicaDestinationArgs(ReplicationArgs):
    """The arguments of the receiving side."""

    source_role_arn: KnownRole
    """The ARN of the ReplicaRole, which the bucket's policy lets in."""


@arguments
class ReplicaSourceArgs(ReplicationArgs):
    """The arguments of the sending side; `alarm_topic_arn` is of the landing's account."""

    role_arn: KnownRole
    """The ARN of the ReplicaRole."""
    replica_bucket: BucketName
    """The `bucket` of the ReplicaDestination."""
    replica_key_arn: LandingKey | None = None
    """The `key_arn` of the ReplicaDestination, where it has one."""


class Destination(ReplicaDestination):  # noqa: D101 - the docstring is the one below
    __doc__ = ReplicaDestination.__doc__

    def __init__(self, name: str, args: ReplicaDestinationArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__(name, args, args.source_role_arn, opts)


class Source(ReplicaSource):  # noqa: D101 - the docstring is the one below
    __doc__ = ReplicaSource.__doc__

    def __init__(self, name: str, args: ReplicaSourceArgs, opts: pulumi.ResourceOptions | None = None):
        role_name = pulumi.Output.from_input(args.role_arn).apply(lambda arn: arn.rpartition("/")[2])
        arn = pulumi.Output.concat(f"arn:{args.account.partition}:s3:::", args.replica_bucket)
        super().__init__(
            name,
            args,
            SendingRole(role_name, args.role_arn),
            Replica(args.replica_bucket, arn, arn, args.replica_key_arn),
            args.alarm_topic_arn,
            opts,
        )
