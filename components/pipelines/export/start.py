"""What starts a run: the schedule, and the events of new snapshots."""

import json

import pulumi
import pulumi_aws as aws

from components import names
from components.blocks.queue import Queue
from components.blocks.schedule import Schedule, Target
from components.iam import Statement, document, trust
from components.pipelines.export.args import ExportArgs
from components.pipelines.export.sources import ExportSourceArgs
from components.pipelines.export.state_machine import StateMachine
from components.shared import run_steps, scheduled_time
from components.shared.run_sources import EVENT, RDS_CLUSTER, RDS_INSTANCE

# An automated snapshot of an instance, and of a cluster, is there:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
SNAPSHOT_EVENTS = {
    RDS_INSTANCE: ("RDS DB Snapshot Event", "RDS-EVENT-0091"),
    RDS_CLUSTER: ("RDS DB Cluster Snapshot Event", "RDS-EVENT-0169"),
}


def start_runs(
    parent: pulumi.Resource, name: str, args: ExportArgs, machine: StateMachine, opts: pulumi.ResourceOptions
) -> None:
    """Makes the schedule that starts the state machine and, where a source follows snapshots, the event rule."""
    account = args.account
    following = followed(args)
    rule_arn = account.arn("events", f"rule/{names.rule(f'{name}-snapshot')}")
    unstarted = Queue(
        f"{name}-unstarted",
        account,
        topic=args.alarm_topic_arn,
        meaning=f"A run of {name} could not be started, so nothing was exported: queries read the last export. The "
        f"queue {names.queue(f'{name}-unstarted')} keeps the run's input for 14 days. Check the role of the "
        "schedule. Then start the run with that input: aws stepfunctions start-execution --state-machine-arn "
        f"{machine.arn} --input file://input.json",
        senders={"events.amazonaws.com": rule_arn} if following else {},
        opts=opts,
    )
    if len(following) < len(args.sources):
        Schedule(
            f"{name}-schedule",
            account,
            expression=args.schedule,
            timezone=args.timezone,
            target=Target(
                arn=machine.arn,
                action="states:StartExecution",
                event=scheduled_time.EVENT,
                dead_letter_arn=unstarted.arn,
            ),
            meaning=f"Exports the sources of {name}",
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[machine]),
        )
    if following:
        _start_for_snapshots(parent, name, args, machine, unstarted)


def _start_for_snapshots(
    parent: pulumi.Resource, name: str, args: ExportArgs, machine: StateMachine, unstarted: Queue
) -> None:
    part, account, opts = f"{name}-snapshot", args.account, pulumi.ResourceOptions(parent=parent)
    following = followed(args)
    rule_name = names.rule(part)
    rule_arn = account.arn("events", f"rule/{rule_name}")
    events = [SNAPSHOT_EVENTS[source.kind] for source in following]
    rule = aws.cloudwatch.EventRule(
        part,
        name=rule_name,
        description=f"Automated snapshots of the sources of {name}",
        event_pattern=json.dumps(
            {
                "source": ["aws.rds"],
                "detail-type": sorted({kind for kind, _ in events}),
                "detail": {
                    "EventID": sorted({event for _, event in events}),
                    # rds:<identifier>-yyyy-mm-dd-hh-mm; the function checks the whole of it.
                    "SourceIdentifier": [{"prefix": f"rds:{source.name}-2"} for source in following],
                },
            }
        ),
        opts=opts,
    )
    role = aws.iam.Role(
        part,
        name=names.role(part),
        permissions_boundary=account.permissions_boundary,
        description=f"Starts {name} for a snapshot",
        assume_role_policy=trust("events.amazonaws.com", account.id, rule_arn),
        opts=opts,
    )
    policy = aws.iam.RolePolicy(
        part,
        name="start",
        role=role.name,
        policy=document(Statement("StartTheRun", ["states:StartExecution"], [machine.arn])),
        opts=opts,
    )
    inputs = {scheduled_time.KEY: "at", run_steps.ONLY: "snapshot", run_steps.SNAPSHOT_ARN: "arn"}
    transformer = aws.cloudwatch.EventTargetInputTransformerArgs(
        input_paths={
            "at": "$.time",
            "snapshot": "$.detail.SourceIdentifier",
            "arn": "$.detail.SourceArn",
        },
        input_template="{" + ", ".join(f'"{key}": <{value}>' for key, value in inputs.items()) + "}",
    )
    aws.cloudwatch.EventTarget(
        part,
        rule=rule.name,
        target_id="run",
        arn=machine.deployed_arn,
        role_arn=role.arn,
        input_transformer=transformer,
        dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=unstarted.arn),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
    )


def followed(args: ExportArgs) -> list[ExportSourceArgs]:
    """The sources whose snapshots start a run; the schedule starts the others'."""
    return [source for source in args.rds() if source.snapshot == EVENT]
