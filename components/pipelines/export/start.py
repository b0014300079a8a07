"""What starts a run: the schedule, and the events of new snapshots."""

import pulumi

from components import names
from components.blocks.queue import Queue
from components.blocks.schedule import Schedule, Target
from components.lake.event_start import Events, rule_arn, start_for_events
from components.lake.state_machine import StateMachine
from components.pipelines.export.args import ExportArgs
from components.pipelines.export.sources import ExportSourceArgs
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
    unstarted = Queue(
        f"{name}-unstarted",
        account,
        topic=args.alarm_topic_arn,
        meaning=f"A run of {name} could not be started, so nothing was exported: queries read the last export. The "
        f"queue {names.queue(f'{name}-unstarted')} keeps the run's input for 14 days. Check the role of the "
        "schedule. Then start the run with that input: aws stepfunctions start-execution --state-machine-arn "
        f"{machine.arn} --input file://input.json",
        senders={"events.amazonaws.com": rule_arn(f"{name}-snapshot", account)} if following else {},
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
    following = followed(args)
    events = [SNAPSHOT_EVENTS[source.kind] for source in following]
    start_for_events(
        parent,
        f"{name}-snapshot",
        args.account,
        machine,
        unstarted,
        Events(
            pattern={
                "source": ["aws.rds"],
                "detail-type": sorted({kind for kind, _ in events}),
                "detail": {
                    "EventID": sorted({event for _, event in events}),
                    # rds:<identifier>-yyyy-mm-dd-hh-mm; the function checks the whole of it.
                    "SourceIdentifier": [{"prefix": f"rds:{source.name}-2"} for source in following],
                },
            },
            inputs={
                scheduled_time.KEY: ("at", "$.time"),
                run_steps.ONLY: ("snapshot", "$.detail.SourceIdentifier"),
                run_steps.SNAPSHOT_ARN: ("arn", "$.detail.SourceArn"),
            },
            what=f"Automated snapshots of the sources of {name}",
            starts=f"Starts {name} for a snapshot",
        ),
    )


def followed(args: ExportArgs) -> list[ExportSourceArgs]:
    """The sources whose snapshots start a run; the schedule starts the others'."""
    return [source for source in args.rds() if source.snapshot == EVENT]
