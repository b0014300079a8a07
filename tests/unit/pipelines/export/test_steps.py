"""The steps of a run: what leads where, how often they poll, what a failed source does."""

import importlib
import itertools
import json
import sys
from typing import Any

import pytest

from tests.recording import ROOT
from tests.typed import import_from
from tests.unit.pipelines.export.recorded import KEY, ORDERS, SHOP, granted, items, lake, steps


def test_the_schedule_starts_the_machine_with_the_planned_time() -> None:
    recorded = lake(ORDERS)
    target = recorded.inputs_of("aws:scheduler/schedule:Schedule", "lake-schedule")["target"]
    assert target["arn"] == "arn:aws:states:eu-central-1:111111111111:stateMachine:tributary-test-lake-run"
    assert json.loads(target["input"]) == {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert granted(recorded, "lake-schedule")["CallTheTarget"] == (["states:StartExecution"], [target["arn"]])


def test_what_a_database_holds_is_handed_on_by_a_key_as_a_state_would_not_hold_it() -> None:
    states = items(lake(SHOP, key_arn=KEY), "rds")["ItemProcessor"]["States"]
    assert states["Tables"]["Parameters"] == {
        "step": "rds",
        "export_prefix.$": "$.export_prefix",
        "only.$": "$.only",
        "leave_out.$": "$.leave_out",
        "tables_key.$": "$.tables_key",
    }
    assert (states["Tables"]["ResultPath"], states["Tables"]["Next"]) == ("$.described", "Publish")


def test_at_most_five_rds_exports_run_at_once() -> None:
    assert items(lake(ORDERS, SHOP, key_arn=KEY), "rds")["MaxConcurrency"] == 5


EVENTS_OF = {
    "Task": 5,
    "Wait": 2,
    "Choice": 2,
    "Pass": 2,
    "Map": 4,
}  # a function's task, and a distributed map


def events(states: dict[str, Any], *path: str) -> int:
    """What a way through the steps adds to an execution's history."""
    for step, following in itertools.pairwise(path):
        state = states[step]
        targets = [state.get("Next"), state.get("Default"), *(c["Next"] for c in state.get("Choices", []))]
        assert following in targets, f"{step} does not lead to {following}"
    return sum(EVENTS_OF[states[step]["Type"]] for step in path)


def test_forty_exports_of_eight_hours_or_of_four_days_windows_stay_within_an_executions_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_from(monkeypatch, ROOT / "handlers" / "export_source")
    wait = importlib.import_module("sources").wait
    monkeypatch.delitem(sys.modules, "sources")

    def polls(seconds: int) -> int:
        ends = itertools.accumulate(wait(number) for number in range(1, 10_000))
        return next(number for number, end in enumerate(ends, 1) if end >= seconds)

    recorded = lake(ORDERS | {"mode": "incremental"}, SHOP, key_arn=KEY)
    tables, databases = (items(recorded, kind)["ItemProcessor"]["States"] for kind in ("dynamodb", "rds"))
    poll = events(tables, "Wait", "Status", "Exported?")
    assert poll == events(databases, "Wait to start", "Start", "Started?") == 9
    window = events(tables, "Start", "Started?") + events(
        tables, "Schema", "Files", "Reconcile", "Incremental?", "Divide", "Fold", "Gather", "Publish", "More?"
    )
    # The iteration's own two and "Published"; docs/export.md, "Limits", has these numbers.
    source, run = window + 2 + 2, 30
    assert run + 40 * (source + poll * polls(8 * 3600)) < 25_000
    assert run + 40 * (source + poll * polls(11 * 3600)) > 25_000
    assert (source + poll * polls(3600), poll * 6, window + poll * polls(600)) == (210, 54, 143)
    assert run + 40 * 4 * (window + poll * polls(600)) < 25_000


def test_a_busy_service_is_polled_ever_less_often_as_the_count_goes_with_the_source() -> None:
    recorded = lake(ORDERS, SHOP, key_arn=KEY)
    for kind in ("dynamodb", "rds"):
        states = items(recorded, kind)["ItemProcessor"]["States"]
        assert states["Start"]["Parameters"]["item"]["polls.$"] == "$.polls"


def test_a_source_that_fails_at_any_step_fails_alone_and_is_reported() -> None:
    recorded = lake(ORDERS | {"mode": "incremental"}, SHOP, key_arn=KEY)
    for kind in ("dynamodb", "rds"):
        states = items(recorded, kind)["ItemProcessor"]["States"]
        works = {name: step for name, step in states.items() if step["Type"] in ("Task", "Map")}
        forgets: set[str] = {"Forget"} if kind == "rds" else set()
        assert {step["Catch"][-1]["Next"] for step in works.values()} == {"Failed"} | forgets
        assert all(step["Catch"][-1]["ErrorEquals"] == ["States.ALL"] for step in works.values())
        assert states["Failed"]["End"] is True
    assert steps(recorded)["States"]["Export"]["Next"] == "Report"


def test_a_database_whose_export_fails_for_good_forgets_its_snapshot_and_tells_why_it_failed() -> None:
    states = items(lake(SHOP, key_arn=KEY), "rds")["ItemProcessor"]["States"]
    assert {name for name, step in states.items() if step.get("Catch", [{}])[-1].get("Next") == "Forget"} == {
        "Start",
        "Status",
    }
    forget = states["Forget"]
    assert forget["Parameters"] == {"step": "forget", "item.$": "$"}
    # Neither its answer nor its own failure takes the place of the error.
    assert (forget["ResultPath"], forget["Catch"][0]["ResultPath"]) == ("$.forgotten", "$.forgotten")
    assert (forget["Next"], forget["Catch"][0]["Next"]) == ("Failed", "Failed")
    assert states["Failed"]["Parameters"]["error.$"] == "$.error"


def test_every_step_leads_somewhere() -> None:
    recorded = lake(ORDERS | {"mode": "incremental"}, SHOP, key_arn=KEY)
    machines = [steps(recorded)] + [items(recorded, kind)["ItemProcessor"] for kind in ("dynamodb", "rds")]
    for machine in machines:
        states = machine["States"]
        text = [json.loads(step) for step in map(json.dumps, states.values())]
        named = {machine["StartAt"]} | {
            where
            for step in text
            for where in [
                step.get("Next"),
                step.get("Default"),
                *(c["Next"] for c in step.get("Choices", [])),
            ]
            + [c["Next"] for c in step.get("Catch", [])]
            if where
        }
        assert named == set(states)


def test_publishing_comes_after_reconciling_and_nothing_else_leads_to_it() -> None:
    states = items(lake(ORDERS | {"mode": "incremental"}), "dynamodb")["ItemProcessor"]["States"]
    to_publish = [
        name
        for name, step in states.items()
        if "Publish" in [step.get("Next"), step.get("Default"), *(c["Next"] for c in step.get("Choices", []))]
    ]
    assert sorted(to_publish) == ["Gather", "Incremental?"]
    assert states["Reconcile"]["Next"] == "Incremental?"
    assert [states[name]["Next"] for name in ("Divide", "Fold")] == ["Fold", "Gather"]
    assert states["Files"]["Next"] == "Reconcile"


def test_each_data_file_is_normalised_by_a_child_of_its_own_over_the_manifest() -> None:
    files = items(lake(ORDERS, files_at_once=7), "dynamodb")["ItemProcessor"]["States"]["Files"]
    assert files["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert files["MaxConcurrency"] == 7
    assert files["ItemReader"]["Parameters"] == {
        "Bucket": "tributary-test-lake-landing-111111111111",
        "Key.$": "$.manifest_key",
    }
    assert files["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}


def test_each_part_of_a_fold_is_a_child_of_its_own_whose_answer_no_state_holds() -> None:
    recorded = lake(ORDERS | {"mode": "incremental"}, SHOP, key_arn=KEY, reserved_concurrency=10, fold_mb=7)
    fold = items(recorded, "dynamodb")["ItemProcessor"]["States"]["Fold"]
    assert fold["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert (fold["ItemsPath"], fold["ResultPath"], fold["Catch"][0]["Next"]) == (
        "$.divided.parts",
        None,
        "Failed",
    )
    # As many as of its files are normalised, of what is reserved for each function.
    assert fold["MaxConcurrency"] == 5
    assert fold["ItemSelector"] == {
        "step": "fold",
        "part.$": "$$.Map.Item.Value",
        "plan_key.$": "$.divided.plan_key",
        "folder.$": "$.divided.folder",
        "schema_key.$": "$.schema_key",
        "current_prefix.$": "$.current_prefix",
        "window_prefixes.$": "$.window_prefixes",
    }
    part = fold["ItemProcessor"]["States"]["Fold part"]
    assert (part["OutputPath"], part["Catch"][0]["Next"]) == (None, "Part that failed")
    variables = recorded.inputs_of("aws:lambda/function:Function", "lake-fold")["environment"]["variables"]
    assert (variables["MEMORY"], variables["PART_BYTES"]) == ("2GB", str(7 << 20))


@pytest.mark.parametrize(
    ("reserved", "sources", "files"),
    [
        (None, [ORDERS], 50),
        (10, [ORDERS], 10),
        (100, [ORDERS], 50),
        (10, [ORDERS, SHOP], 5),
        (2, [ORDERS, SHOP], 1),
    ],
)
def test_no_more_files_are_normalised_at_once_than_runs_are_reserved(
    reserved: int | None, sources: list[dict[str, Any]], files: int
) -> None:
    recorded = lake(*sources, key_arn=KEY, reserved_concurrency=reserved)
    states = items(recorded, "dynamodb")["ItemProcessor"]["States"]
    assert states["Files"]["MaxConcurrency"] == files
    # A call that meets others at work outwaits them: they take a quarter of an hour at the longest.
    state = states["Files"]["ItemProcessor"]["States"]["Normalise"]
    for step in (state, states["Schema"], states["Reconcile"]):
        throttled = step["Retry"][0]
        assert throttled["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
        # With full jitter it waits half of that on the average.
        assert throttled["MaxDelaySeconds"] * throttled["MaxAttempts"] / 2 > 2 * 900
