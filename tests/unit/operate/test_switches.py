"""Run, pause and resume: what each kind switches, that nothing else is touched, and that resume undoes pause."""

from __future__ import annotations

import json
from typing import Any, cast

import botocore.session
import pytest

from operate import schedules, switches
from operate.outputs import Refused
from operate.row import PAUSED
from operate.status import status
from tests.recording import record
from tests.unit.operate.fake_cloud import MACHINE, NOW, FakeCloud

WRITES = {
    "StartExecution", "Invoke", "UpdateSchedule", "EnableRule", "DisableRule", "StartPipeline", "StopPipeline",
}  # fmt: skip


def changes(cloud: FakeCloud) -> list[tuple[str, str]]:
    aws = [(s.operation, next(iter(s.given.values()))) for s in cloud.sent if s.operation in WRITES]
    return aws + [(method, path) for method, path, _ in cloud.asked_google if method != "GET"]


@pytest.mark.parametrize(
    ("pipeline", "switched"),
    [
        ("shop-lake", {"UpdateSchedule", "DisableRule"}),
        ("plain", {"UpdateSchedule"}),
        ("catalog-search", {"StopPipeline"}),
        ("stock-ticks", {"UpdateSchedule"}),
        ("shop-warehouse", {"UpdateSchedule", "PATCH"}),
    ],
)
def test_pause_switches_off_what_a_kind_has_and_status_says_so_until_resume(
    pipeline: str, switched: set[str]
) -> None:
    cloud = FakeCloud()
    before = {(each.pipeline, each.table): each.state for each in status(cloud)}
    lines = switches.pause(cloud, pipeline)
    assert {operation for operation, _ in changes(cloud)} == switched
    assert all("is off" in line or line.startswith("  ") for line in lines)
    if pipeline == "catalog-search":
        cloud.ingestion["Status"] = "STOPPED"
    paused = [each for each in status(cloud) if each.state == PAUSED]
    assert paused and {each.pipeline for each in paused} == {pipeline}
    assert all(
        f"make resume STACK=prod PIPELINE={pipeline}" in p.what for each in paused for p in each.problems
    )
    assert all("already" in line for line in switches.pause(cloud, pipeline) if not line.startswith("  "))
    switches.resume(cloud, pipeline)
    if pipeline == "catalog-search":
        cloud.ingestion["Status"] = "ACTIVE"
    assert {(each.pipeline, each.table): each.state for each in status(cloud)} == before


@pytest.mark.parametrize("stack", ["prod", "dev", "local"])
def test_a_stacks_outputs_name_its_schedules_rules_and_ingestion_pipelines_as_they_are(stack: str) -> None:
    """What is switched is what the outputs name: under another name it would be there for nobody."""
    recording = record(stack)
    pipelines = recording.outputs["pipelines"].values()
    for output, type, key in (
        ("schedules", "aws:scheduler/schedule:Schedule", "name"),
        ("rules", "aws:cloudwatch/eventRule:EventRule", "name"),
        ("ingestion_pipelines", "aws:opensearchingest/pipeline:Pipeline", "pipelineName"),
    ):
        named: list[Any] = [pipeline.get(output) or () for pipeline in pipelines]
        switched = {
            name
            for each in named
            for name in (cast("dict[str, Any]", each).values() if isinstance(each, dict) else each)
        }
        assert switched == {inputs[key] for inputs in recording.of(type).values()}


def test_a_schedule_that_is_switched_keeps_all_else_of_it() -> None:
    cloud = FakeCloud()
    schedule = cloud.get_schedule({"GroupName": "g", "Name": "n"})
    schedules.switch(cloud, cloud.pipelines["plain"], "n", on=False)
    [sent] = [s.given for s in cloud.sent if s.operation == "UpdateSchedule"]
    models = botocore.session.get_session().get_service_model("scheduler")
    taken = set(models.operation_model("UpdateSchedule").input_shape.members)  # type: ignore[union-attr]
    given = set(models.operation_model("GetSchedule").output_shape.members)  # type: ignore[union-attr]
    assert set(schedules.WHOLE) == given & taken
    kept = {key: value for key, value in schedule.items() if key in taken} | {
        "GroupName": "n",
        "State": "DISABLED",
    }
    assert sent == kept


def test_an_ingestion_pipeline_that_is_moving_is_left_alone() -> None:
    cloud = FakeCloud()
    cloud.ingestion["Status"] = "UPDATING"
    with pytest.raises(Refused, match="is UPDATING; try again"):
        switches.pause(cloud, "catalog-search")
    assert changes(cloud) == []


def test_run_starts_what_the_schedule_would() -> None:
    cloud = FakeCloud()
    assert "arn:started" in switches.run(cloud, "shop-lake", NOW)[0]
    [started] = [s.given for s in cloud.sent if s.operation == "StartExecution"]
    assert started["stateMachineArn"] == MACHINE
    assert json.loads(started["input"]) == {"scheduled_time": "2026-03-01T16:30:00Z"}
    switches.run(cloud, "plain", NOW)
    switches.run(cloud, "stock-ticks", NOW)
    invoked = [
        (s.given["FunctionName"], json.loads(s.given["Payload"]))
        for s in cloud.sent
        if s.operation == "Invoke"
    ]
    assert invoked == [
        ("tributary-prod-plain-export", {"scheduled_time": "2026-03-01T16:30:00Z"}),
        ("tributary-prod-stock-ticks-replay", {"errors": "transient"}),
    ]


def test_run_of_a_transfer_copies_first_unless_events_do() -> None:
    cloud = FakeCloud()
    switches.run(cloud, "shop-warehouse")
    paths = [path.rpartition("/")[2] for method, path, _ in cloud.asked_google if method == "POST"]
    assert paths == ["shop:run", "1:startManualRuns"]
    cloud = FakeCloud()
    del cloud.job["schedule"]
    switches.run(cloud, "shop-warehouse")
    assert [method for method, *_ in cloud.asked_google].count("POST") == 1


@pytest.mark.parametrize(
    ("do", "pipeline", "instead"),
    [
        (switches.run, "shop-replica", "To send new data: make run STACK=prod PIPELINE=shop-lake$"),
        (switches.run, "catalog-search", "pause it, then resume it"),
        (
            switches.pause,
            "shop-replica",
            "it never replicates.*instead: make pause STACK=prod PIPELINE=shop-lake$",
        ),
        (switches.pause, "shop-lak", "it has catalog-search, plain, shop-lake"),
    ],
)
def test_what_can_t_be_done_is_refused_with_what_to_do_instead(do: Any, pipeline: str, instead: str) -> None:
    cloud = FakeCloud()
    with pytest.raises(Refused, match=instead):
        do(cloud, pipeline)
    assert changes(cloud) == []


def test_a_function_that_fails_is_no_success() -> None:
    cloud = FakeCloud()
    answer = cloud.invoke({}) | {"FunctionError": "Unhandled"}
    cloud.invoke = lambda given: answer  # type: ignore[method-assign]
    with pytest.raises(Refused, match="tributary-prod-plain-export failed"):
        switches.run(cloud, "plain")


@pytest.mark.parametrize(
    ("pipeline", "why"),
    [
        ("plain", "it has no schedule, and no rule of snapshots"),
        ("stock-ticks", "it has no schedule of a replay, and Firehose itself has no switch"),
    ],
)
def test_what_has_nothing_to_switch_is_refused_with_its_own_reason(pipeline: str, why: str) -> None:
    cloud = FakeCloud()
    cloud.pipelines[pipeline] |= {"schedules": []}
    with pytest.raises(Refused, match=f"^{pipeline}: {why}.*; instead: stop what writes to its source$"):
        switches.pause(cloud, pipeline)
    assert changes(cloud) == []
