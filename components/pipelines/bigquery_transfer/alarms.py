"""The alarms of loads into BigQuery, on the metrics that handlers/load_check puts, and of events that nothing reads."""

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi

from components.blocks.alarm import Threshold, alarm
from components.pipelines.bigquery_transfer.args import BigQueryTransferArgs
from components.pipelines.bigquery_transfer.storage_copy_args import DAY
from components.shared import metric_names
from components.shared.catalog_names import latest_view


@dataclass(frozen=True)
class _Alarm:
    suffix: str
    metric: str
    when: Threshold
    meaning: str
    """Up to the transfer's name, which is known once it is deployed."""
    todo: str


def watch_table(
    name: str,
    table: str,
    args: BigQueryTransferArgs,
    transfer: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """An alarm on the table's loads, and two more where its rows are counted. `table`: its name in the config, not in
    BigQuery. `transfer`: the resource name of its transfer, `projects/…/transferConfigs/…`."""
    physical = args.physical(table)
    for ringing in _of_table(physical, counted=table in args.counted()):
        alarm(
            f"{name}-{table}-{ringing.suffix}",
            f"{metric_names.NAMESPACE}/{ringing.metric}",
            metric_names.of_table(name, physical),
            when=ringing.when,
            topic=args.alarm_topic_arn,
            # https://docs.cloud.google.com/bigquery/docs/working-with-transfers#view_run_history
            meaning=pulumi.Output.concat(
                ringing.meaning, ": bq ls --transfer_run --run_attempt=LATEST ", transfer, f". {ringing.todo}"
            ),
            opts=opts,
        )


def _of_table(table: str, *, counted: bool) -> Iterator[_Alarm]:
    yield _Alarm(
        "failed",
        metric_names.LOAD_FAILED,
        Threshold(statistic="Maximum", minutes=DAY),
        f"The last load of {table} failed, did not run or has not finished: the table lacks its rows. The transfer's "
        "runs have the reason",
        "Correct it; if a permission is missing, check whether Google may still read the landing. The next load takes "
        "what this one missed.",
    )
    if not counted:
        return
    yield _Alarm(
        "short",
        metric_names.LOAD_DIFFERENCE,
        Threshold(below=0, statistic="Minimum", minutes=DAY),
        f"The day's load of {table} lacks rows that the exports have. See whether the load ran before the files, or "
        "their replicas, came",
        "The next load takes what was written since the last one that succeeded. A replica keeps its source's older "
        "timestamp and is skipped: copy the object onto itself to load it.",
    )
    yield _Alarm(
        "over",
        metric_names.LOAD_DIFFERENCE,
        Threshold(statistic="Maximum", minutes=DAY),
        f"The day's load of {table} has more rows than its exports: a file was loaded twice, an export was not "
        "finished, or yesterday's load failed and today's took its files too. Readers of the view "
        f"{latest_view(table)} see each row once, but may see yesterday's version of it until tomorrow's load. See "
        "which load took which files",
        "If a load has failed, correct its cause.",
    )


def watch_events(
    name: str,
    queue: pulumi.Input[str],
    job: pulumi.Input[str],
    role: str,
    args: BigQueryTransferArgs,
    opts: pulumi.ResourceOptions,
) -> None:
    """An alarm on events of new files that nothing reads. `queue`: its name; `job`: the transfer job's, which reads it
    by the AWS role `role`."""
    alarm(
        f"{name}-untaken",
        "AWS/SQS/ApproximateAgeOfOldestMessage",
        {"QueueName": queue},
        when=Threshold(
            above=3600,
            statistic="Maximum",
        ),
        topic=args.alarm_topic_arn,
        # https://docs.cloud.google.com/sdk/gcloud/reference/transfer/operations/list
        meaning=pulumi.Output.concat(
            "Events of new files wait for an hour or longer: Storage Transfer does not read the queue, and the next "
            "load lacks these files. The queue keeps the events for 14 days. The job's operations have the reason: "
            "gcloud transfer operations list --job-names=",
            job,
            f". Most often the trust or the policy of the role {role} was changed: pulumi up --refresh",
        ),
        opts=opts,
    )
