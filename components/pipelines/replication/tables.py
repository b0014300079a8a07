"""The tables of what has arrived: the run that an export has, started by the arrival of each of its exports."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi

from components import names
from components.blocks.bucket import SecureBucket
from components.blocks.function import Task
from components.blocks.queue import Queue
from components.lake.event_start import Events, rule_arn, start_for_events
from components.lake.filling import Filling
from components.lake.place import Place
from components.lake.run import ExportRun, Exports, step_task
from components.lake.state_machine import StateMachine
from components.lake.steps import Commit, definition, side_by_side
from components.landing import FilledTables
from components.pipelines.replication.args import ReplicaCatalogArgs, ReplicationArgs
from components.shared import run_steps
from components.shared.announcement import PUBLISHED_TYPE, SOURCE
from components.shared.landing_folders import RAW, STATE
from components.shared.run_commands import start_command
from components.shared.run_sources import DATABASES, DYNAMODB


def replica_run(
    name: str, args: ReplicationArgs, catalog: ReplicaCatalogArgs, place: Place, opts: pulumi.ResourceOptions
) -> ExportRun:
    """The run in the receiving account. What starts it is the announcement of an export that the source's run has
    published and that has arrived whole: the tables are as there, and half an export shows in none. `catalog`: what the
    config says of the tables. `place`: the replica's bucket and key."""
    filled = args.landing.filled
    assert filled is not None  # the arguments' own check

    def task(_parent: pulumi.Resource) -> Task:
        statements = [
            place.read(RAW, STATE),
            place.write(STATE),
            place.find(),
            *place.use_key("Decrypt", "GenerateDataKey"),
        ]
        return step_task(name, place, "replica_source", "Finds the exports that arrived at", statements)

    exports = Exports(
        part="arrived",
        task=task,
        of={},
        definition=lambda _, functions: run_definition(args, catalog, filled, place.bucket_arn, functions),
        start=lambda run, machine: _start(run, name, args, machine),
        hands_over=False,
    )
    return ExportRun(name, filling(name, args, catalog, filled), place, exports, opts)


def filling(name: str, args: ReplicationArgs, catalog: ReplicaCatalogArgs, filled: FilledTables) -> Filling:
    """What the run fills: what the export's does."""
    log = names.log_group("/aws/lambda", f"{name}-replica-arrival")
    return Filling(
        account=args.account,
        functions=args.functions,
        topic=args.alarm_topic_arn,
        reserved_concurrency=args.reserved_concurrency,
        retain=args.retain_data,
        sources=filled.sources,
        tables={table: columns or None for table, columns in filled.tables.items()},
        folds=filled.folds,
        fold_mb=filled.fold_mb,
        iceberg=filled.iceberg,
        copies=args.copied_tables(),
        past_days=catalog.past_days,
        compact_after=catalog.compact_after,
        merge_beyond=catalog.merge_beyond,
        stale_after_hours=dict.fromkeys(filled.sources, catalog.stale_after_hours)
        if catalog.stale_after_hours
        else filled.stale_after_hours,
        begun_by=f"whether its exports arrive (aws logs tail {log} --since 1d), and whether {args.landing.name} "
        "published them",
        queries=catalog.queries,
        views=catalog.views,
        crawler=None,
        lake_formation=catalog.lake_formation,
    )


def run_definition(
    args: ReplicationArgs,
    catalog: ReplicaCatalogArgs,
    filled: FilledTables,
    bucket_arn: str,
    functions: Mapping[str, str],
) -> dict[str, Any]:
    """The state machine. `catalog`: what the config says of the tables. `filled`: the sources and tables of the export
    that is replicated. `bucket_arn`: of the replica's bucket. `functions`: part -> ARN, `fold` among them where a
    source's changes are folded, and `iceberg` where a table is an Iceberg table, with `workgroup`, which is a name."""
    branches = [DYNAMODB if kind == DYNAMODB else DATABASES for kind in filled.sources.values()]
    return definition(
        set(branches),
        sources=None,
        bucket=bucket_arn.rpartition(":")[2],
        files_at_once=side_by_side(
            catalog.files_at_once,
            args.reserved_concurrency,
            branches.count(DYNAMODB),
            branches.count(DATABASES),
        ),
        source=functions["source"],
        normalise=functions["normalise"],
        fold=functions.get("fold"),
        commit=Commit.of(functions),
        catalog=functions["catalog"],
    )


def _start(run: pulumi.Resource, name: str, args: ReplicationArgs, machine: StateMachine) -> None:
    account, part = args.account, f"{name}-published"
    unstarted = Queue(
        f"{name}-unstarted",
        account,
        topic=args.alarm_topic_arn,
        meaning=f"A run of {name} could not be started, so an export that arrived is in no table: queries read the "
        f"last one. The queue {names.queue(f'{name}-unstarted')} keeps the event for 14 days. Check the role of the "
        f"rule {names.rule(part)}. Then start the run with the record that the event names: "
        + start_command(machine.arn, f"'{json.dumps({run_steps.RECORD: '<key>'})}'"),
        senders={"events.amazonaws.com": rule_arn(part, account)},
        opts=pulumi.ResourceOptions(parent=run),
    )
    bucket, _ = SecureBucket.planned(f"{name}-replica", account)
    start_for_events(
        run,
        part,
        account,
        machine,
        unstarted,
        Events(
            pattern={"source": [SOURCE], "detail-type": [PUBLISHED_TYPE], "detail": {"bucket": [bucket]}},
            inputs={run_steps.RECORD: ("record", f"$.detail.{run_steps.RECORD}")},
            what=f"Exports that have arrived whole at {name}",
            starts=f"Starts {name} for an export that has arrived",
        ),
    )
