"""The steps of a run that fills a lake, in Amazon States Language. Pure.

    Plan -> DynamoDB sources side by side, and RDS sources at most five at once
              Start -> Wait, Status (10 s to 10 min apart) -> normalise -> reconcile -> [fold or commit] -> Publish
         -> Report

What is too large for the function that commits, Athena merges: the commit then answers with a statement, which is run
(https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html) and the table marked as holding the run. A
statement that failed is made anew, as another writer may have been ahead of it; the function says when it is enough.

After so many commits Athena compacts an Iceberg table, when the run is published.

In a replica an event says which export has arrived: Start finds what the source's run handed over with it, and waits
while the export that it builds on has not been published; there is nothing to follow, and the schema is that run's.

A source that fails does not stop the others: its error becomes its result, and Report raises all errors at the end.
Every step can be repeated as it is, so a run that is started twice, or again after a failure, does no harm.

An account runs five RDS exports at a time (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.html):
a run of its own never asks for more, and waits where another's are under way.
"""

from collections.abc import Mapping
from typing import NamedTuple

from components.lake.states import AGAIN, ERROR, Step, choice, parameters_of, task
from components.shared import fold_steps, run_steps
from components.shared.run_sources import DATABASES, DYNAMODB, ICEBERG
from components.shared.run_steps import (
    FinishedDatabase,
    FinishedTable,
    Plan,
    Progress,
    TableWork,
)
from components.shared.step_keys import keys, path

AT_ONCE = {DYNAMODB: 20, DATABASES: 5}
# Where an answer stands that no later step reads whole.
PUBLISHED, FORGOTTEN, COMPACTED = "$.published", "$.forgotten", "$.compacted"
STATE, WAIT = path(Progress, "state"), path(Progress, "wait")


class Commit(NamedTuple):
    """What writes an Iceberg table."""

    function_arn: str
    workgroup: str
    """Of Athena."""

    @classmethod
    def of(cls, parts: Mapping[str, str]) -> "Commit | None":
        """Of a run's parts, `workgroup` and the functions' ARNs; None where none is `iceberg`, as no table is one."""
        return cls(parts["iceberg"], parts["workgroup"]) if "iceberg" in parts else None


def side_by_side(files_at_once: int, reserved_concurrency: int | None, tables: int, databases: int) -> int:
    """How many files of one table are normalised, or parts of it folded, side by side: with reserved concurrency, an
    equal share of it for each source that may run at the same time, as Lambda throttles a call beyond it."""
    if reserved_concurrency is None:
        return files_at_once
    sources = min(AT_ONCE[DYNAMODB], tables) + min(AT_ONCE[DATABASES], databases)
    return max(1, min(files_at_once, reserved_concurrency // sources))


def definition(  # noqa: PLR0913 - a function's ARN each, by its name
    kinds: set[str],
    *,
    sources: str | None,
    bucket: str,
    files_at_once: int,
    source: str,
    normalise: str,
    fold: str | None,
    commit: Commit | None = None,
    catalog: str,
) -> Step:
    """The state machine of a run over sources of these `kinds` (`dynamodb`, `rds`).

    `sources` is the list that the first step gets, as JSON, in which no name is taken for a path; None in a replica.
    `bucket` is the landing's name. `files_at_once`: data files of an export that are normalised side by side, and parts
    of a fold, 1 or more. The others are ARNs of functions: `source` begins, `normalise` reads a data file, `catalog`
    publishes; `fold` where a Parquet table gets increments, `commit` where a table is Iceberg, with Athena's
    workgroup."""
    arrived = sources is None
    items = {
        DYNAMODB: _dynamodb(bucket, files_at_once, source, normalise, fold, commit, catalog, arrived=arrived),
        DATABASES: _rds(source, normalise, catalog, arrived=arrived),
    }
    branches = [
        {
            "StartAt": f"Each {kind} source",
            "States": {
                f"Each {kind} source": {
                    "Type": "Map",
                    "ItemsPath": path(Plan, kind),
                    "MaxConcurrency": AT_ONCE[kind],
                    "ItemProcessor": {
                        "ProcessorConfig": {"Mode": "INLINE"},
                        "StartAt": "Start",
                        "States": items[kind],
                    },
                    "End": True,
                }
            },
        }
        for kind in sorted(kinds)
    ]
    report = parameters_of(run_steps.ReportEvent, {"step": run_steps.REPORT})
    results = path(run_steps.ReportEvent, "results")
    begins = _plan(source, sources) if sources is not None else _plan_arrived(source)
    return {
        "TimeoutSeconds": 2 * 86400,
        "Comment": f"{'Takes what arrived' if arrived else 'Exports every source'}, normalises, publishes and reports",
        "StartAt": next(iter(begins)),
        "States": {
            **begins,
            "Export": {"Type": "Parallel", "Branches": branches, "ResultPath": results, "Next": "Report"},
            "Report": task(catalog, report, "$", "Done", failed=None),
            "Done": {"Type": "Succeed"},
        },
    }


def _plan(source: str, sources: str) -> dict[str, Step]:
    """The steps that choose what a run exports: for the time of its schedule, or for a snapshot's event."""
    plan = parameters_of(run_steps.PlanEvent, {"step": run_steps.PLAN, "sources": sources})
    by_event = path(run_steps.PlanEvent, run_steps.SNAPSHOT_ARN)
    event = plan | {
        f"{key}.$": path(run_steps.PlanEvent, key) for key in (run_steps.ONLY, run_steps.SNAPSHOT_ARN)
    }
    return {
        "Of an event?": {
            "Type": "Choice",
            "Choices": [{"Variable": by_event, "IsPresent": True, "Next": "Plan for an event"}],
            "Default": "Plan",
        },
        "Plan": task(source, plan, "$", "Export", failed=None),
        "Plan for an event": task(source, event, "$", "Export", failed=None),
    }


def _plan_arrived(source: str) -> dict[str, Step]:
    plan = parameters_of(run_steps.ArrivedEvent, {"step": run_steps.PLAN})
    return {"Plan": task(source, plan, "$", "Export", failed=None)}


def _arrived(source: str, done: str) -> dict[str, Step]:
    """The steps that all kinds of source begin and end with in a replica."""
    start = parameters_of(
        run_steps.StartEvent, {"step": run_steps.START, "item": parameters_of(run_steps.Item, {})}
    )
    waits = ((STATE, run_steps.NOTHING, "Nothing due"), (STATE, run_steps.BUSY, "Wait to start"))
    return {
        "Start": task(source, start, "$", "Started?"),
        "Started?": choice(done, *waits),
        "Wait to start": {"Type": "Wait", "SecondsPath": WAIT, "Next": "Start"},
        **_ends(),
    }


def _ends() -> dict[str, Step]:
    nothing: Step = {"source.$": path(Progress, "source"), "tables": []}
    return {
        "Nothing due": {"Type": "Pass", "Parameters": nothing, "End": True},
        "Published": {"Type": "Pass", "InputPath": PUBLISHED, "End": True},
        "Failed": {"Type": "Pass", "Parameters": parameters_of(run_steps.Failure, {}), "End": True},
    }


def _exported(source: str, done: str, failed: str = "Failed") -> dict[str, Step]:
    """The steps that all kinds of source begin and end with."""
    # Of the state only what a source's way begins with: after an export that failed, or a window, it starts anew.
    start = parameters_of(
        run_steps.StartEvent, {"step": run_steps.START, "item": parameters_of(run_steps.Item, {})}
    )
    status = parameters_of(run_steps.FollowEvent, {"step": run_steps.STATUS, "item.$": "$"})
    return {
        "Start": task(source, start, "$", "Started?", failed=failed),
        "Started?": choice(
            "Wait", (STATE, run_steps.NOTHING, "Nothing due"), (STATE, run_steps.BUSY, "Wait to start")
        ),
        "Wait to start": {"Type": "Wait", "SecondsPath": WAIT, "Next": "Start"},
        "Wait": {"Type": "Wait", "SecondsPath": WAIT, "Next": "Status"},
        "Status": task(source, status, "$", "Exported?", failed=failed),
        "Exported?": choice("Wait", (STATE, run_steps.DONE, done), (STATE, run_steps.AGAIN, "Start")),
        **_ends(),
    }


def _dynamodb(
    bucket: str,
    files_at_once: int,
    source: str,
    normalise: str,
    fold: str | None,
    commit: Commit | None,
    catalog: str,
    *,
    arrived: bool,
) -> dict[str, Step]:
    partition = source.split(":")[1]
    schema = parameters_of(run_steps.SchemaEvent, {"step": run_steps.SCHEMA})
    line = {"step": run_steps.NORMALISE, "file.$": "$$.Map.Item.Value"}
    reconcile = parameters_of(run_steps.ReconcileEvent, {"step": run_steps.RECONCILE})
    publish = _publish(catalog, "Compact?" if commit else "More?")
    more = path(TableWork, "more")
    written, first = _written(fold, commit, files_at_once)
    derived = {"Schema": task(normalise, schema, path(FinishedTable, "schema"), "Files")}
    begins = _arrived(source, "Files") if arrived else _exported(source, "Schema") | derived
    return begins | {
        "Files": {
            "Type": "Map",
            "Label": "Files",
            "MaxConcurrency": files_at_once,
            "ItemReader": {
                "Resource": f"arn:{partition}:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSONL"},
                "Parameters": {"Bucket": bucket, "Key.$": path(TableWork, "manifest_key")},
            },
            "ItemSelector": parameters_of(run_steps.FileEvent, line),
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Normalise",
                "States": _recorded(normalise, "Normalise", "Failure recorded"),
            },
            "ResultPath": None,
            "Catch": publish["Catch"],
            "Next": "Reconcile",
        },
        "Reconcile": task(normalise, reconcile, path(FinishedTable, "reconciled"), first),
        **written,
        "Publish": publish,
        **(_compacted(commit) if commit else {}),
        "More?": choice("Published", (more, True, "Start")),
    }


def _written(fold: str | None, commit: Commit | None, parts_at_once: int) -> tuple[dict[str, Step], str]:
    """The steps by which what was reconciled becomes the table, and the first of them. A Choice has at least one rule
    (https://states-language.net/spec.html#choice-state): where nothing is folded or committed there is none to make."""
    steps: dict[str, Step] = {}
    first = "Publish"
    if fold:
        steps["Incremental?"] = choice("Publish", (path(TableWork, "incremental"), True, "Divide"))
        steps |= _folded(fold, parts_at_once)
        first = "Incremental?"
    if commit:
        steps["Iceberg?"] = choice(first, (path(TableWork, "format"), ICEBERG, "Commit"))
        steps |= _committed(commit)
        first = "Iceberg?"
    return steps, first


def _committed(commit: Commit) -> dict[str, Step]:
    """The steps that write a run into an Iceberg table: the function, or what it has Athena do."""
    partition, result = commit.function_arn.split(":")[1], path(FinishedTable, "committed")
    event = parameters_of(run_steps.CommitEvent, {"step": run_steps.COMMIT})
    after_failure = event | {f"{path(run_steps.CommitEvent, 'failed')[2:]}.$": ERROR}
    merge: Step = {
        "Type": "Task",
        "Resource": f"arn:{partition}:states:::athena:startQueryExecution.sync",
        "Parameters": {"QueryString.$": f"{result}.query", "WorkGroup": commit.workgroup},
        "ResultSelector": {
            "query_id.$": "$.QueryExecution.QueryExecutionId",
            "scanned_bytes.$": "$.QueryExecution.Statistics.DataScannedInBytes",
        },
        "ResultPath": path(FinishedTable, "merged"),
        # Only what says that no query was begun.
        "Retry": [{"ErrorEquals": ["Athena.TooManyRequestsException"], "MaxAttempts": 20, **AGAIN}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": ERROR, "Next": "Commit after failure"}],
        "Next": "Mark",
    }
    return {
        "Commit": task(commit.function_arn, event, result, "By Athena?"),
        "By Athena?": choice("Publish", (f"{result}.engine", run_steps.ATHENA, "Merge")),
        "Merge": merge,
        "Commit after failure": task(commit.function_arn, after_failure, result, "By Athena?"),
        "Mark": task(
            commit.function_arn,
            parameters_of(run_steps.MarkEvent, {"step": run_steps.MARK}),
            result,
            "Publish",
        ),
    }


def _compacted(commit: Commit) -> dict[str, Step]:
    """The steps by which Athena compacts an Iceberg table, when readers have what was written. One that fails, such as
    by another writer, leaves the table as it is, and the run goes on; it is due again after as many commits."""
    statement = f"{path(FinishedTable, 'committed')}.compact"
    return {
        "Compact?": {
            "Type": "Choice",
            "Choices": [{"Variable": statement, "IsPresent": True, "Next": "Compact"}],
            "Default": "More?",
        },
        "Compact": {
            "Type": "Task",
            "Resource": f"arn:{commit.function_arn.split(':')[1]}:states:::athena:startQueryExecution.sync",
            "Parameters": {"QueryString.$": statement, "WorkGroup": commit.workgroup},
            "ResultPath": None,
            "Retry": [{"ErrorEquals": ["Athena.TooManyRequestsException"], "MaxAttempts": 20, **AGAIN}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": COMPACTED, "Next": "More?"}],
            "Next": "More?",
        },
    }


def _folded(fold: str, parts_at_once: int) -> dict[str, Step]:
    """The steps that fold an increment into the next snapshot, part by part."""
    divided = path(FinishedTable, "divided")
    of_all = {f"{key}.$": f"{divided}.{key}" for key in keys(run_steps.Divided) if key != "parts"}
    part = of_all | {"step": fold_steps.FOLD, "part.$": "$$.Map.Item.Value"}
    divide = parameters_of(fold_steps.DivideEvent, {"step": fold_steps.DIVIDE})
    gather = parameters_of(fold_steps.GatherEvent, of_all | {"step": fold_steps.GATHER})
    gathered = task(fold, gather, path(FinishedTable, "folded"), "Publish")
    return {
        "Divide": task(fold, divide, divided, "Fold"),
        "Fold": {
            "Type": "Map",
            "Label": "Parts",
            "MaxConcurrency": parts_at_once,
            "ItemsPath": f"{divided}.parts",
            "ItemSelector": parameters_of(fold_steps.FoldEvent, part),
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Fold part",
                "States": _recorded(fold, "Fold part", "Part that failed"),
            },
            "ResultPath": None,
            "Catch": gathered["Catch"],
            "Next": "Gather",
        },
        "Gather": gathered,
    }


def _recorded(function_arn: str, step: str, failed: str) -> dict[str, Step]:
    """The steps of a Map's item. The function writes what became of it: thousands of answers would be more than an
    execution may hold, and a Map's own error names no item. The step after the Map reads that, and raises it."""
    return {
        step: {
            "Type": "Task",
            "Resource": function_arn,
            "Retry": task(function_arn, {}, "$", "")["Retry"],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": failed}],
            "OutputPath": None,
            "End": True,
        },
        failed: {"Type": "Pass", "Result": {}, "End": True},
    }


def _rds(source: str, normalise: str, catalog: str, *, arrived: bool) -> dict[str, Step]:
    tables = parameters_of(run_steps.TablesEvent, {"step": run_steps.TABLES})
    described = {
        "Tables": task(normalise, tables, path(FinishedDatabase, "described"), "Publish"),
        "Publish": _publish(catalog, "Published"),
    }
    if arrived:
        return _arrived(source, "Tables") | described
    forget = parameters_of(run_steps.FollowEvent, {"step": run_steps.FORGET, "item.$": "$"})
    forgotten = task(source, forget, FORGOTTEN, "Failed")
    # Also where deleting the snapshot fails, the run reports why the source failed.
    forgotten["Catch"][0]["ResultPath"] = FORGOTTEN
    return _exported(source, "Tables", "Forget") | described | {"Forget": forgotten}


def _publish(catalog: str, next_step: str) -> Step:
    event = parameters_of(run_steps.PublishEvent, {"step": run_steps.PUBLISH, "export.$": "$"})
    return task(catalog, event, PUBLISHED, next_step)
