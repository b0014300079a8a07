"""The steps of an export's run, in Amazon States Language. Pure.

    Plan -> DynamoDB sources side by side, and RDS sources at most five at once
              Start -> Wait, Status (10 s to 10 min apart) -> normalise -> reconcile -> [fold] -> Publish
         -> Report

A source that fails fails alone: its error becomes its result, and Report raises at the end what all of them were.
Every step can be repeated as it is, so a run that is started twice, or again after a failure, does no harm.

An account runs five RDS exports at a time (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.html):
a run of its own never asks for more, and waits where another's are under way.
"""

from typing import Any

AT_ONCE = {"dynamodb": 20, "rds": 5}
# What the service's own hiccups raise, and a function's clients when a service is out of reach after their retries.
PASSING = [
    "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
    "Lambda.Unknown", "ClientError", "ReadTimeoutError",
    "ConnectTimeoutError", "EndpointConnectionError",
]  # fmt: skip
Step = dict[str, Any]


def task(
    function_arn: str, parameters: Step, result: str, next_step: str, *, failed: str | None = "Failed"
) -> Step:
    """One call of a function, tried again on what passes by itself; the step `failed` follows where it fails."""
    again = {"IntervalSeconds": 5, "BackoffRate": 2.0, "MaxDelaySeconds": 120, "JitterStrategy": "FULL"}
    step: Step = {
        "Type": "Task",
        "Resource": function_arn,
        "Parameters": parameters,
        "ResultPath": result,
        "Retry": [
            # Others are at it, for 15 minutes at the longest each.
            {"ErrorEquals": ["Lambda.TooManyRequestsException"], "MaxAttempts": 60, **again},
            {"ErrorEquals": PASSING, "MaxAttempts": 5, **again},
        ],
        "Next": next_step,
    }
    if failed:
        step["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": failed}]
    return step


def choice(default: str, *rules: tuple[str, Any, str]) -> Step:
    """The next step by the value of a field: (path, value, step)."""
    made = [
        {
            "Variable": path,
            "BooleanEquals" if isinstance(value, bool) else "StringEquals": value,
            "Next": following,
        }
        for path, value, following in rules
    ]
    return {"Type": "Choice", "Choices": made, "Default": default}


def definition(
    kinds: set[str],
    *,
    sources: str,
    bucket: str,
    files_at_once: int,
    source: str,
    normalise: str,
    fold: str | None,
    catalog: str,
) -> Step:
    """The state machine of a run over sources of these kinds (`dynamodb`, `rds`); `sources` is the list that the first
    step gets, as JSON, in which no name is taken for a path; the last four are functions' ARNs."""
    items = {"dynamodb": _dynamodb(bucket, files_at_once, source, normalise, fold, catalog),
             "rds": _rds(source, normalise, catalog)}  # fmt: skip
    branches = [
        {
            "StartAt": f"Each {kind} source",
            "States": {
                f"Each {kind} source": {
                    "Type": "Map",
                    "ItemsPath": f"$.{kind}",
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
    plan = {"step": "plan", "sources": sources, "scheduled_time.$": "$.scheduled_time"}
    event = plan | {"only.$": "$.only", "snapshot_arn.$": "$.snapshot_arn"}
    report = {"step": "report", "due.$": "$.due", "results.$": "$.results"}
    return {
        "TimeoutSeconds": 2 * 86400,
        "Comment": "Exports every source, normalises, publishes and reports",
        "StartAt": "Of an event?",
        "States": {
            "Of an event?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.snapshot_arn", "IsPresent": True, "Next": "Plan for an event"}],
                "Default": "Plan",
            },
            "Plan": task(source, plan, "$", "Export", failed=None),
            "Plan for an event": task(source, event, "$", "Export", failed=None),
            "Export": {"Type": "Parallel", "Branches": branches, "ResultPath": "$.results", "Next": "Report"},
            "Report": task(catalog, report, "$", "Done", failed=None),
            "Done": {"Type": "Succeed"},
        },
    }


def _exported(source: str, done: str, failed: str = "Failed") -> dict[str, Step]:
    """The steps that all kinds of source begin and end with."""
    item = {f"{key}.$": f"$.{key}" for key in ("source", "of", "due", "attempt", "polls", "snapshot_arn")}
    return {
        "Start": task(source, {"step": "start", "item": item}, "$", "Started?", failed=failed),
        "Started?": choice(
            "Wait", ("$.state", "NOTHING", "Nothing due"), ("$.state", "BUSY", "Wait to start")
        ),
        "Wait to start": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "Start"},
        "Wait": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "Status"},
        "Status": task(source, {"step": "status", "item.$": "$"}, "$", "Exported?", failed=failed),
        "Exported?": choice("Wait", ("$.state", "DONE", done), ("$.state", "AGAIN", "Start")),
        "Nothing due": {"Type": "Pass", "Parameters": {"source.$": "$.source", "tables": []}, "End": True},
        "Published": {"Type": "Pass", "InputPath": "$.published", "End": True},
        "Failed": {
            "Type": "Pass",
            "Parameters": {"source.$": "$.source", "error.$": "$.error"},
            "End": True,
        },
    }


def _dynamodb(
    bucket: str, files_at_once: int, source: str, normalise: str, fold: str | None, catalog: str
) -> dict[str, Step]:
    partition = source.split(":")[1]
    schema = {"step": "schema"} | _same(
        "manifest_key", "schema_key", "published_key", "keys", "declared", "seen_key"
    )
    file = {"step": "normalise", "file.$": "$$.Map.Item.Value"} | _same(
        "manifest_key", "schema_key", "output_prefix", "report_prefix", "incremental"
    )
    reconcile = {"step": "reconcile"} | _same(
        "manifest_key", "summary_key", "report_prefix", "incremental", "output_prefix", "location", "seen_key"
    )
    folded = _same("schema_key", "current_prefix", "window_prefixes", "output_key")
    publish = task(catalog, {"step": "publish", "export.$": "$"}, "$.published", "More?")
    # The report of a file that is not sound holds the reason; reconciling raises it with the file's name.
    normalise_file = {
        "Type": "Task",
        "Resource": normalise,
        "Retry": task(normalise, {}, "$", "")["Retry"],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failure recorded"}],
        "OutputPath": None,  # thousands of answers would be more than an execution may hold
        "End": True,
    }
    return _exported(source, "Schema") | {
        "Schema": task(normalise, schema, "$.schema", "Files"),
        "Files": {
            "Type": "Map",
            "Label": "Files",
            "MaxConcurrency": files_at_once,
            "ItemReader": {
                "Resource": f"arn:{partition}:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSONL"},
                "Parameters": {"Bucket": bucket, "Key.$": "$.manifest_key"},
            },
            "ItemSelector": file,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Normalise",
                "States": {
                    "Normalise": normalise_file,
                    "Failure recorded": {"Type": "Pass", "Result": {}, "End": True},
                },
            },
            "ResultPath": None,
            "Catch": publish["Catch"],
            "Next": "Reconcile",
        },
        # A Choice has at least one rule (https://states-language.net/spec.html#choice-state): without a source that
        # is folded there is none to make.
        "Reconcile": task(normalise, reconcile, "$.reconciled", "Incremental?" if fold else "Publish"),
        **(
            {
                "Incremental?": choice("Publish", ("$.incremental", True, "Fold")),
                "Fold": task(fold, folded, "$.folded", "Publish"),
            }
            if fold
            else {}
        ),
        "Publish": publish,
        "More?": choice("Published", ("$.more", True, "Start")),
    }


def _rds(source: str, normalise: str, catalog: str) -> dict[str, Step]:
    publish = task(catalog, {"step": "publish", "export.$": "$"}, "$.published", "Published")
    tables = {"step": "rds"} | _same("export_prefix", "only", "leave_out", "tables_key")
    forget = task(source, {"step": "forget", "item.$": "$"}, "$.forgotten", "Failed")
    # Also where deleting the snapshot fails, the run reports why the source failed.
    forget["Catch"][0]["ResultPath"] = "$.forgotten"
    return _exported(source, "Tables", "Forget") | {
        "Tables": task(normalise, tables, "$.described", "Publish"),
        "Publish": publish,
        "Forget": forget,
    }


def _same(*names: str) -> Step:
    return {f"{name}.$": f"$.{name}" for name in names}
