"""Replication: a landing in one account becomes the same landing in another, which announces each export."""

import pulumi
import pulumi_aws as aws

from components import names
from components.arguments import replaced
from components.pipelines.pipeline import Accounts, Deployed
from components.pipelines.replication.args import ReplicationArgs
from components.pipelines.replication.destination import ReplicaDestination
from components.pipelines.replication.source import Replica, ReplicaRole, ReplicaSource


class ReplicationPipeline(pulumi.ComponentResource):
    """A landing -> S3 replication -> another account's bucket -> event -> queue -> function -> the account's event bus
    -> with `catalog` a run that makes the export's tables of it (components/lake/run.py).

    A component's resources share one provider, so each account has its own: ReplicaRole and ReplicaSource (rules, what
    failed) the landing's, ReplicaDestination (bucket, key, arrival) the other. The role comes first, then the bucket
    whose policy names it (S3 refuses a policy with a principal that does not exist), then the rules. Design: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-walkthrough-2.html.

    Costs at rest: the replicas' storage, the alarms (0.10 dollars each a month), and the key where there is one
    (1 dollar a month). Across regions, transfer and Replication Time Control are paid by the GB.
    """

    bucket: pulumi.Output[str]
    """The replica's bucket."""
    state_machine: pulumi.Output[str] | None
    """The ARN of the state machine that makes tables of what has arrived, with `catalog`."""
    database: pulumi.Output[str] | None
    """The Glue database of the tables, with `catalog`."""
    workgroup: pulumi.Output[str] | None
    """The Athena workgroup that queries them, with `catalog`."""

    def __init__(
        self,
        name: str,
        args: ReplicationArgs,
        source_provider: aws.Provider,
        destination_provider: aws.Provider,
        source_alarm_topic_arn: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """`source_provider`: of the landing's account. `destination_provider`: of the receiving account.
        `source_alarm_topic_arn`: the topic of the sending side's alarms, None for none."""
        super().__init__("tributary:pipelines:ReplicationPipeline", name, None, opts)
        sending = pulumi.ResourceOptions(parent=self, provider=source_provider)
        # The sending side made the role itself, before it was made whole after the receiving one.
        source_urn = pulumi.create_urn(f"{name}-source", "tributary:pipelines:ReplicaSource", parent=self)
        formerly = [pulumi.Alias(parent=source_urn)]
        role = ReplicaRole(f"{name}-source", args, sending, formerly=formerly).role
        destination = ReplicaDestination(
            f"{name}-replica",
            args,
            role.arn,
            pulumi.ResourceOptions(parent=self, provider=destination_provider),
        )
        replica = Replica(
            destination.bucket,
            destination.bucket_arn,
            destination.planned_arn,
            destination.key_arn,
            [destination],
        )
        source = ReplicaSource(f"{name}-source", args, role, replica, source_alarm_topic_arn, sending)
        self.landing = replaced(
            args.replica(name),
            bucket=destination.bucket,
            key_arn=destination.key_arn,
            event_queue_arn=destination.event_queue_arn,
        )
        self.bucket, self.function = destination.bucket, destination.function_name
        self.failed_replications = source.failed_replications
        # Not annotated in the class, where other languages find the outputs: what it holds goes by the config.
        self.tables = destination.tables
        self.state_machine, self.database, self.workgroup = (
            pulumi.Output.from_input(self.tables[what]) if what in self.tables else None
            for what in ("state_machine", "database", "workgroup")
        )
        self.register_outputs({"bucket": self.bucket, **self.tables})


def deploy(name: str, args: ReplicationArgs, accounts: Accounts) -> Deployed:
    """The pipeline of a stack."""
    source, destination = accounts[args.landing.account], accounts[args.account]
    pipeline = ReplicationPipeline(name, args, source.provider, destination.provider, source.alarm_topic_arn)
    outputs = {
        "bucket": pipeline.bucket,
        "arrival_function": pipeline.function,
        "event_bus": "default",
        "failed_replications": pipeline.failed_replications,
        "source": args.landing.described(),
        **pipeline.tables,
        **({"rules": [names.rule(f"{name}-published")]} if pipeline.tables else {}),
    }
    return Deployed(outputs, pipeline.landing)
