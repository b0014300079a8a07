"""Every state machine that the program can make is one that a validator of somebody else's takes."""

import itertools
import json
from typing import Any

import pytest

from components.pipelines.export.args import ExportArgs
from components.pipelines.export.run import run_definition
from components.stack import settings
from local.cloud.step_functions.states_language import TOO_NEW, complaints
from tests.recording import Recording, record

MACHINE = "aws:sfn/stateMachine:StateMachine"
FULL: dict[str, Any] = {"dynamodb": "full", "create": {"hash_key": {"name": "id"}}}
SOURCES: dict[str, dict[str, Any]] = {
    "full": FULL,
    "incremental": FULL | {"dynamodb": "changes", "mode": "incremental"},
    "declared": FULL | {"dynamodb": "declared", "columns": {"at": "string"}},
    "automated": {"rds_cluster": "depot", "only": ["depot"]},
    "made": {"rds_instance": "made", "snapshot": "made-for-the-run"},
    "event": {"rds_instance": "followed", "snapshot": "event"},
}
DATABASES = {"automated", "made", "event"}
ICED = FULL | {"dynamodb": "iced", "mode": "incremental", "format": "iceberg"}
KEYS: dict[str, dict[str, Any]] = {
    "registered": {},
    "crawler": {"catalog": "crawler"},
    "governed": {"lake_formation": {"readers": ["arn:aws:iam::111111111111:role/analyst"]}},
}


def combinations() -> dict[str, dict[str, Any]]:
    """A pipeline for each set of sources, with each way to fill a catalog that suits them."""
    made: dict[Any, Any] = {}
    for count in range(1, len(SOURCES) + 1):
        for names in itertools.combinations(SOURCES, count):
            for key, keys in KEYS.items():
                if key != "crawler" or not DATABASES & set(names):
                    # Sources of the program's own tables, which no two pipelines may make.
                    prefix = f"l{len(made)}"
                    sources = [
                        name | ({"dynamodb": f"{prefix}-{name['dynamodb']}"} if "dynamodb" in name else {})
                        for name in map(SOURCES.__getitem__, names)
                    ]
                    pipeline = {"kind": "export", "create_key": True, "sources": sources} | keys
                    made[prefix] = pipeline
    for prefix, others in (("iced", []), ("mixed", ["incremental", "automated"])):
        sources = [
            source | ({"dynamodb": f"{prefix}-{source['dynamodb']}"} if "dynamodb" in source else {})
            for source in (ICED, *map(SOURCES.__getitem__, others))
        ]
        made[prefix] = {"kind": "export", "create_key": True, "sources": sources}
    return made


@pytest.fixture(scope="module")
def machines() -> dict[str, str]:
    """The definition of each combination, by the functions that the program makes it with."""
    account = {"id": "111111111111", "region": "eu-central-1"}
    read = settings.read({"accounts": {"workload": account}, "pipelines": combinations()})
    made: dict[Any, Any] = {}
    for name, pipeline in read.pipelines.items():
        args = pipeline.args
        assert isinstance(args, ExportArgs)
        parts = ["source", "normalise", "catalog", *(["fold"] if args.folds() else [])]
        parts += ["iceberg"] if args.iceberg_tables() else []
        functions = {part: args.account.arn("lambda", f"function:{name}-{part}") for part in parts}
        functions["workgroup"] = name
        made[name] = json.dumps(run_definition(args, args.table_arns(), f"arn:aws:s3:::{name}", functions))
    return made


def test_every_combination_of_sources_modes_and_catalogs_makes_a_sound_definition(
    machines: dict[str, str],
) -> None:
    assert len(machines) == len(combinations()) == 63 * 2 + 7 + 2
    assert {name: complained for name, text in machines.items() if (complained := complaints(text))} == {}


def test_the_combinations_make_every_shape_of_a_run(machines: dict[str, str]) -> None:
    shapes = {
        (tuple(sorted(b["StartAt"] for b in run["States"]["Export"]["Branches"])), "Fold" in text)
        for text in machines.values()
        for run in [json.loads(text)]
    }
    tables, databases = "Each dynamodb source", "Each rds source"
    assert shapes == {
        ((tables,), False), ((tables,), True), ((databases,), False),
        ((tables, databases), False), ((tables, databases), True),
    }  # fmt: skip


@pytest.mark.parametrize("stack", ["dev", "local", "prod"])
def test_a_shipped_stacks_definitions_are_sound(stack: str) -> None:
    recorded: Recording = record(stack)
    assert recorded.of(MACHINE)
    for inputs in recorded.of(MACHINE).values():
        assert complaints(inputs["definition"]) == []


def test_without_a_source_that_is_folded_what_is_reconciled_is_published(machines: dict[str, str]) -> None:
    for text in machines.values():
        for branch in json.loads(text)["States"]["Export"]["Branches"]:
            (each,) = branch["States"].values()
            states = each["ItemProcessor"]["States"]
            if "Reconcile" in states and "Commit" not in states:
                folds = "Fold" in states
                assert states["Reconcile"]["Next"] == ("Incremental?" if folds else "Publish")
                assert ("Incremental?" in states) is folds


@pytest.mark.parametrize("name", ["iced", "mixed"])
def test_what_athena_merges_is_marked_and_a_statement_that_failed_is_made_anew(
    machines: dict[str, str], name: str
) -> None:
    branches = json.loads(machines[name])["States"]["Export"]["Branches"]
    (states,) = (
        each["ItemProcessor"]["States"]
        for branch in branches
        for each in branch["States"].values()
        if "Commit" in each["ItemProcessor"]["States"]
    )
    assert states["Reconcile"]["Next"] == "Iceberg?"
    assert states["Iceberg?"]["Choices"][0]["Next"] == "Commit"
    assert states["Commit"]["Next"] == states["Commit after failure"]["Next"] == "By Athena?"
    assert (states["By Athena?"]["Choices"][0]["Next"], states["By Athena?"]["Default"]) == (
        "Merge",
        "Publish",
    )
    # Compacted when readers have the run, which goes on where that fails.
    assert states["Publish"]["Next"] == "Compact?" and states["Compact?"]["Default"] == "More?"
    compact = states["Compact"]
    assert compact["Resource"] == "arn:aws:states:::athena:startQueryExecution.sync"
    assert compact["Parameters"] == {"QueryString.$": "$.committed.compact", "WorkGroup": name}
    assert compact["Next"] == compact["Catch"][0]["Next"] == "More?"
    assert compact["Catch"][0]["ResultPath"] == "$.compacted"
    merge = states["Merge"]
    assert merge["Resource"] == "arn:aws:states:::athena:startQueryExecution.sync"
    assert merge["Parameters"] == {"QueryString.$": "$.committed.query", "WorkGroup": name}
    assert [catch["Next"] for catch in merge["Catch"]] == ["Commit after failure"] and merge["Next"] == "Mark"
    # Whatever may have begun a query is not begun again as it is: the statement holds for one snapshot.
    assert [retry["ErrorEquals"] for retry in merge["Retry"]] == [["Athena.TooManyRequestsException"]]
    assert states["Mark"]["Next"] == "Publish"


def a_machine(**step: Any) -> str:
    states: dict[str, Any] = {
        "Sure?": {"Type": "Choice", "Choices": [], "Default": "Yes"} | step,
        "Yes": {"Type": "Succeed"},
    }
    return json.dumps({"StartAt": "Sure?", "States": states})


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (a_machine(), "Sure?.Choices is empty, non-empty required"),
        (a_machine(Choices=None, Type="Nothing"), "Type"),
        (a_machine(Type="Pass", Choices=None, Next="No"), "Choices"),
        (json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}), "B"),
        ("{", "Invalid JSON"),
        ("[]", "Expected a JSON object"),
    ],
)
def test_a_definition_that_is_none_is_complained_of(definition: str, expected: str) -> None:
    assert any(expected in complaint for complaint in complaints(definition)), complaints(definition)


def test_what_the_validator_is_too_old_for_is_still_in_use(machines: dict[str, str]) -> None:
    """Else the exception goes."""
    from statelint.linter import Linter  # pyright: ignore[reportMissingTypeStubs] - it has no types

    files = next(text for text in machines.values() if '"Label"' in text)
    unknown = Linter.validate(json.loads(files))
    assert len(unknown) == len(TOO_NEW)
