"""What starts a run: the schedule, and the events of new snapshots."""

import pulumi

from components import names
from components.blocks.queue import Queue, receive_message
from components.blocks.schedule import Schedule, Target
from components.lake.event_start import Events, rule_arn, start_for_events
from components.lake.state_machine import StateMachine
from components.pipelines.export.args import ExportArgs
from components.pipelines.export.sources import ExportSourceArgs
from components.shared import run_steps, scheduled_time
from components.shared.run_commands import start_command
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
    """Makes the schedule that starts the state machine and, where a source follows snapshots, the event rule.
    `machine`: the state machine of a run."""
    account = args.account
    following = followed(args)
    unstarted = Queue(
        f"{name}-unstarted",
        account,
        topic=args.alarm_topic_arn,
        meaning=_unstarted(name, args, machine),
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


def _unstarted(name: str, args: ExportArgs, machine: StateMachine) -> str:
    """What the alarm says when a run could not be started."""
    following, queue = followed(args), f"{name}-unstarted"
    scheduled = len(following) < len(args.sources)
    caller = " or ".join(["the schedule"] * scheduled + ["the event rule"] * bool(following))
    text = (
        f"A run of {name} could not be started, so nothing was exported: queries read the last export. The message in "
        f"the queue {names.queue(queue)} has the reason: {receive_message(queue, args.account)}. Correct the cause, "
        f"most often the role of {caller}. "
    )
    if following:
        # No page says whether the queue gets the event or what the target's transformer makes of it.
        fields = f"{scheduled_time.KEY}, {run_steps.ONLY} and {run_steps.SNAPSHOT_ARN}"
        text += (
            f"Save the run's input as input.json: for a snapshot {fields} (the event's time, SourceIdentifier and "
            f"SourceArn){', else the Body' if scheduled else ''}. Start the run with it: "
            f"{start_command(machine.arn, 'file://input.json')}. Then delete the message."
        )
    else:
        text += (
            "Save its Body, the run's input, as input.json and start the run with it: "
            f"{start_command(machine.arn, 'file://input.json')}. Then delete the message."
        )
    return text


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
