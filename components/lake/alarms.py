"""What the alarms of a run say, and its alarms on the metrics that handlers/catalog puts."""

import pulumi

from components import names
from components.accounts import AccountArgs
from components.blocks.alarm import Threshold, alarm
from components.lake.filling import Filling
from components.shared import metric_names
from components.shared.run_commands import ITS_INPUT, NEWEST, newest, start_command


def watch_sources(name: str, filling: Filling, opts: pulumi.ResourceOptions) -> None:
    """Alarms for each source: its export failed, and nothing of it was published for too long, where the time between
    two runs is one that an alarm can see."""
    topic = filling.topic
    machine = machine_arn(f"{name}-run", filling.account)
    runs = f"aws stepfunctions list-executions --state-machine-arn {machine}"
    for source in filling.sources:
        of = metric_names.of_source(name, source)
        alarm(
            f"{name}-{source}-failed",
            f"{metric_names.NAMESPACE}/{metric_names.FAILED}",
            of,
            topic=topic,
            meaning=f"The export of {source} failed after its retries. Queries still read the last good export. "
            f"{_reason_and_again(machine)}",
            opts=opts,
        )
        stale_after_hours = filling.stale_after_hours.get(source)
        if stale_after_hours is None:
            continue
        alarm(
            f"{name}-{source}-stale",
            f"{metric_names.NAMESPACE}/{metric_names.PUBLISHED}",
            of,
            when=Threshold(
                below=1,
                minutes=60,
                periods=stale_after_hours,
                # No run at all is what this alarm is for.
                missing="breaching",
            ),
            topic=topic,
            meaning=f"Nothing of {source} was published for {stale_after_hours} hours. Queries read older "
            f"data. Check whether it ran ({runs}), and {filling.begun_by}.",
            opts=opts,
        )


def machine_arn(name: str, account: AccountArgs) -> str:
    """The ARN that the state machine of this name has or will have."""
    return account.arn("states", f"stateMachine:{names.state_machine(name)}")


def of_runs(name: str, account: AccountArgs) -> dict[str, str]:
    """What the alarms on the runs of the pipeline `name` say, `failed` and `timeout`: no step has an error
    after a time-out."""
    machine = machine_arn(f"{name}-run", account)
    return {
        "failed": f"A run of {name} failed. Each source that its error names keeps its last export, the others were "
        "published; if it names none, any source may lack a new export. "
        f"{_reason_and_again(machine)}",
        "timeout": f"A run of {name} took more than two days and was stopped. Tables that it had published stay "
        "published; the others keep their last export. See the step that did not end: "
        f"{newest(machine, 'TIMED_OUT')}; aws stepfunctions get-execution-history --execution-arn {NEWEST} "
        f"--reverse-order --max-items 20. {_again(machine)}",
    }


def _reason_and_again(machine: str) -> str:
    return (
        f"See the reason: {newest(machine, 'FAILED')}; aws stepfunctions describe-execution --execution-arn {NEWEST} "
        f"--query cause. {_again(machine)}"
    )


def _again(machine: str) -> str:
    return f"Correct the cause, then start it again with the same input: {start_command(machine, ITS_INPUT)}"
