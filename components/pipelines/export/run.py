"""A run that exports first: the function that starts and follows the exports, and what starts the machine."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi

from components.blocks.function import Task
from components.blocks.table import SourceTable
from components.lake.filling import Filling
from components.lake.place import Place
from components.lake.run import ExportRun, Exports, step_task
from components.lake.steps import Commit, definition
from components.pipelines.export.args import ExportArgs
from components.pipelines.export.start import start_runs
from components.pipelines.export.statements import (
    decrypt_source_tables,
    rds_role,
    refuse_too_many_sources,
    source_statements,
)
from components.shared import variables


def export_run(
    name: str,
    args: ExportArgs,
    place: Place,
    tables: Mapping[str, SourceTable],
    opts: pulumi.ResourceOptions,
) -> ExportRun:
    """The run of an export. `place` is where it writes, `tables` its DynamoDB tables by name, `opts` those of the run's
    resources. Raises pulumi.RunError if there are more sources than a role's policy can name."""
    refuse_too_many_sources(name, args, place)

    def task(parent: pulumi.Resource) -> Task:
        return step_task(
            name,
            place,
            "export_source",
            "Starts and follows the exports of",
            [*source_statements(name, args, place), *decrypt_source_tables(name, args, place, tables)],
            _source_environment(name, args, place, parent),
        )

    exports = Exports(
        part="source",
        task=task,
        of={name: table.arn for name, table in tables.items()},
        definition=lambda arns, functions: run_definition(args, arns, place.bucket_arn, functions),
        start=lambda run, machine: start_runs(run, name, args, machine, pulumi.ResourceOptions(parent=run)),
        hands_over=True,
    )
    return ExportRun(name, filling(args), place, exports, opts)


def filling(args: ExportArgs) -> Filling:
    """What the run fills."""
    return Filling(
        account=args.account,
        functions=args.functions,
        topic=args.alarm_topic_arn,
        reserved_concurrency=args.reserved_concurrency,
        retain=args.retain_data,
        sources={source.name: source.kind for source in args.sources},
        tables=args.catalog_tables(),
        folds=args.folds(),
        fold_mb=args.fold_mb,
        iceberg=args.iceberg_tables(),
        copies=args.copied_tables(),
        past_days=args.past_days,
        compact_after=args.compact_after,
        merge_beyond=args.merge_beyond,
        stale_after_hours=args.stale_after(),
        begun_by="whether the schedule is on (aws scheduler list-schedules)",
        queries=args.queries,
        views=args.views,
        crawler=args.crawler if args.catalog == "crawler" else None,
        lake_formation=args.lake_formation,
    )


def run_definition(
    args: ExportArgs, table_arns: Mapping[str, str], bucket_arn: str, functions: Mapping[str, str]
) -> dict[str, Any]:
    """The state machine of a run. `table_arns`: DynamoDB table -> ARN; `functions`: part -> ARN, `fold` among them
    where `args.folds()`, and `iceberg` where one of them is an Iceberg table, with `workgroup`, which is a name."""
    sources = args.run_sources(table_arns)
    return definition(
        {source.branch for source in sources},
        sources=json.dumps([source.json() for source in sources]),
        bucket=bucket_arn.rpartition(":")[2],
        files_at_once=args.normalised_side_by_side(),
        source=functions["source"],
        normalise=functions["normalise"],
        fold=functions.get("fold"),
        commit=Commit.of(functions),
        catalog=functions["catalog"],
    )


def _source_environment(
    name: str, args: ExportArgs, place: Place, parent: pulumi.Resource
) -> dict[str, pulumi.Input[str]]:
    environment: dict[str, pulumi.Input[str]] = {
        variables.PIPELINE: name,
        variables.BUCKET_OWNER: args.account.id,
    }
    if place.key_arn is not None:
        environment[variables.KMS_KEY_ARN] = place.key_arn
    if args.rds():
        environment[variables.EXPORT_ROLE_ARN] = rds_role(name, args, place, parent)
    return environment
