"""What a step's handler reads is what the state machine hands to it: both come from components/shared/run_steps.py."""

import ast
import json
import re
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from components.lake.steps import AT_ONCE, Commit, definition
from components.pipelines.export.args import ExportArgs
from components.pipelines.export.sources import ExportSourceArgs
from components.shared import fold_steps, run_sources, run_steps, scheduled_time, step_keys
from components.shared.run_sources import RunSource

HANDLERS = Path(__file__).resolve().parents[4] / "handlers"
FUNCTIONS = {
    "source": "export_source",
    "normalise": "normalise",
    "fold": "fold",
    "iceberg": "iceberg",
    "catalog": "catalog",
}
# The function and the step -> the class of the event, and of what it returns.
EVENTS: dict[tuple[str, str], type] = {
    ("source", run_steps.PLAN): run_steps.PlanEvent,
    ("source", run_steps.START): run_steps.StartEvent,
    ("source", run_steps.STATUS): run_steps.FollowEvent,
    ("source", run_steps.FORGET): run_steps.FollowEvent,
    ("normalise", run_steps.SCHEMA): run_steps.SchemaEvent,
    ("normalise", run_steps.NORMALISE): run_steps.FileEvent,
    ("normalise", run_steps.RECONCILE): run_steps.ReconcileEvent,
    ("normalise", run_steps.TABLES): run_steps.TablesEvent,
    ("fold", fold_steps.DIVIDE): fold_steps.DivideEvent,
    ("fold", fold_steps.FOLD): fold_steps.FoldEvent,
    ("fold", fold_steps.GATHER): fold_steps.GatherEvent,
    ("iceberg", run_steps.COMMIT): run_steps.CommitEvent,
    ("iceberg", run_steps.MARK): run_steps.MarkEvent,
    ("catalog", run_steps.PUBLISH): run_steps.PublishEvent,
    ("catalog", run_steps.REPORT): run_steps.ReportEvent,
}
# What an event may have that the schedule's run does not hand over: of a snapshot's event.
OPTIONAL = {run_steps.PlanEvent: {"only", "snapshot_arn"}, run_steps.CommitEvent: {"failed"}}
SHAPES = {
    name: shape for name, shape in (vars(run_steps) | vars(fold_steps)).items() if typing.is_typeddict(shape)
}


@cache
def machine() -> dict[str, Any]:
    arns = {part: f"arn:aws:lambda:::{part}" for part in FUNCTIONS if part != "iceberg"}
    commit = Commit("arn:aws:lambda:::iceberg", "own")
    made = definition({"dynamodb", "rds"}, sources="[]", bucket="b", files_at_once=1, **arns, commit=commit)
    return json.loads(json.dumps(made))


def steps(states: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All states, those within branches and maps too."""
    for state in states.values():
        yield state
        for inner in [
            *state.get("Branches", []),
            *([state["ItemProcessor"]] if "ItemProcessor" in state else []),
        ]:
            yield from steps(inner["States"])


def handed_over() -> Iterator[tuple[str, dict[str, Any]]]:
    """The function and the parameters of each of its calls. A map's item is what its selector makes."""
    for state in steps(machine()["States"]):
        if state["Type"] == "Task" and ":lambda:" in state["Resource"] and "Parameters" in state:
            yield state["Resource"].rpartition(":")[2], state["Parameters"]
        if "ItemSelector" in state:
            states = state["ItemProcessor"]["States"]
            yield (
                states[state["ItemProcessor"]["StartAt"]]["Resource"].rpartition(":")[2],
                state["ItemSelector"],
            )


def plain(parameters: dict[str, Any]) -> set[str]:
    return {key.removesuffix(".$") for key in parameters}


def shapes_of(annotation: ast.expr | None) -> list[type]:
    """The classes of run_steps that an annotation names."""
    names = [n.id if isinstance(n, ast.Name) else n.attr for n in ast.walk(annotation or ast.Pass())
             if isinstance(n, ast.Name | ast.Attribute)]  # fmt: skip
    return [SHAPES[name] for name in names if name in SHAPES]


def reads(source: str) -> Iterator[tuple[list[type], str]]:
    """Each key that a function reads of a parameter whose class is one of run_steps."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        typed = {arg.arg: shapes for arg in function.args.args if (shapes := shapes_of(arg.annotation))}
        for node in ast.walk(function):
            match node:
                case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))) if (
                    name in typed
                ):
                    yield typed[name], key
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id=name), attr="get"),
                    args=[ast.Constant(value=str(key)), *_],
                ) if name in typed:
                    yield typed[name], key
                case _:
                    pass


def all_reads() -> list[tuple[str, list[type], str]]:
    files = [file for folder in FUNCTIONS.values() for file in sorted((HANDLERS / folder).glob("*.py"))]
    return [(str(file), shapes, key) for file in files for shapes, key in reads(file.read_text())]


def test_each_call_hands_over_the_keys_of_its_event_and_no_others() -> None:
    calls = list(handed_over())
    assert {(function, parameters.get("step", "")) for function, parameters in calls} == set(EVENTS)
    for function, parameters in calls:
        event = EVENTS[function, parameters.get("step", "")]
        assert set(step_keys.keys(event)) <= plain(parameters) <= set(event.__annotations__)


def test_every_key_that_a_handler_reads_of_an_event_is_handed_over() -> None:
    passed: dict[type, set[str]] = {}
    for function, parameters in handed_over():
        event = EVENTS[function, parameters.get("step", "")]
        passed[event] = passed.get(event, set(plain(parameters))) & plain(parameters)
    read = [(file, shape, key) for file, shapes, key in all_reads() for shape in shapes if shape in passed]
    assert {shape for _, shape, _ in read} >= set(EVENTS.values()) - {
        run_steps.StartEvent,
        run_steps.FollowEvent,
    }
    assert [
        f"{file}: {shape.__name__} has no {key}"
        for file, shape, key in read
        if key not in passed[shape] | OPTIONAL.get(shape, set())
    ] == []


def test_every_key_that_a_handler_reads_of_a_state_is_a_field_of_it() -> None:
    read = all_reads()
    assert len(read) > 60
    assert [
        f"{file}: {key}"
        for file, shapes, key in read
        if not any(key in shape.__annotations__ for shape in shapes)
    ] == []


def test_a_key_that_no_step_hands_over_is_seen() -> None:
    source = (
        "def make(event: run_steps.SchemaEvent, other):\n    return event['keyz'], event.get('x'), other['y']"
    )
    assert [key for _, key in reads(source)] == ["keyz", "x"]


@pytest.mark.parametrize(
    ("branch", "finished", "answers"),
    [
        ("dynamodb", run_steps.FinishedTable, {"published", "compacted"}),
        ("rds", run_steps.FinishedDatabase, {"published", "forgotten"}),
    ],
)
def test_every_path_of_a_branch_is_a_field_of_its_state(
    branch: str, finished: type, answers: set[str]
) -> None:
    (states,) = (b["States"] for b in machine()["States"]["Export"]["Branches"] if branch in b["StartAt"])
    paths = set(re.findall(r'"\$\.(\w+)"', json.dumps(states[f"Each {branch} source"]["ItemProcessor"])))
    fields = set(finished.__annotations__) | set(run_steps.Progress.__annotations__) | {"error"}
    assert len(paths) > 10
    assert paths <= fields | answers


def test_what_is_planned_goes_to_the_branch_of_its_kind() -> None:
    assert set(AT_ONCE) | {"due"} == set(run_steps.Plan.__annotations__)
    assert {RunSource("a", kind).branch for kind in ("dynamodb", "rds_instance", "rds_cluster")} == set(
        AT_ONCE
    )
    assert scheduled_time.KEY in step_keys.keys(run_steps.PlanEvent)


def test_a_source_is_read_as_the_component_wrote_it() -> None:
    table = RunSource(
        "orders", "dynamodb", arn="arn:orders", table="orders", declared={"at": {"list": "string"}}
    )
    database = RunSource("shop", "rds_cluster", only=("shop.a", "b"), leave_out=("c",), catalog_names={"a": "x"},
                         snapshot=run_sources.EVENT)  # fmt: skip
    for source in (table, database):
        assert RunSource.of(json.loads(json.dumps(source.json()))) == source


def test_a_source_of_a_run_that_an_earlier_release_started_is_read() -> None:
    assert RunSource.of({"name": "shop", "kind": "rds_instance", "only": []}).leave_out == ()


def test_the_config_has_the_words_that_the_run_knows() -> None:
    hints = typing.get_type_hints(ExportSourceArgs)
    assert typing.get_args(hints["mode"]) == (run_sources.FULL, run_sources.INCREMENTAL)
    assert typing.get_args(hints["snapshot"]) == (
        run_sources.LATEST_AUTOMATED, run_sources.MADE_FOR_THE_RUN, run_sources.EVENT,
    )  # fmt: skip
    assert {run_sources.DYNAMODB, run_sources.RDS_INSTANCE, run_sources.RDS_CLUSTER} <= set(hints)
    assert ExportArgs.run_sources.__annotations__["return"] == list[RunSource]
