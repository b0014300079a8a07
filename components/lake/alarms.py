"""The alarms of an export, on the metrics that handlers/catalog puts."""

import pulumi

from components import names
from components.blocks.alarm import Threshold, alarm
from components.lake.filling import Filling
from components.shared import metric_names


def watch_sources(name: str, filling: Filling, opts: pulumi.ResourceOptions) -> None:
    """Two alarms for each source: its export failed, and nothing of it was published for too long."""
    topic = filling.topic
    machine = filling.account.arn("states", f"stateMachine:{names.state_machine(f'{name}-run')}")
    runs = f"aws stepfunctions list-executions --state-machine-arn {machine}"
    for source in filling.sources:
        of = metric_names.of_source(name, source)
        alarm(
            f"{name}-{source}-failed",
            f"{metric_names.NAMESPACE}/{metric_names.FAILED}",
            of,
            topic=topic,
            meaning=f"The export of {source} failed after its retries. Queries still read the last good export. "
            f"The last execution has the reason: {runs} --status-filter FAILED. Correct the cause, then start the "
            f"run with the same input again: aws stepfunctions start-execution --state-machine-arn {machine}",
            opts=opts,
        )
        alarm(
            f"{name}-{source}-stale",
            f"{metric_names.NAMESPACE}/{metric_names.PUBLISHED}",
            of,
            when=Threshold(
                below=1,
                minutes=60,
                periods=filling.stale_after_hours,
                # No run at all is what this alarm is for.
                missing="breaching",
            ),
            topic=topic,
            meaning=f"Nothing of {source} was published for {filling.stale_after_hours} hours. Queries read older "
            f"data. Check whether it ran ({runs}), and whether the schedule is on (aws scheduler list-schedules).",
            opts=opts,
        )
