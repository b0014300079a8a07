"""The tables of a replica: what its run registers in the receiving account, and what its machine hands over."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from components.shared import fold_steps, run_steps, step_keys
from local.cloud.step_functions.states_language import complaints
from tests.recording import Recording
from tests.unit.pipelines.replication.recorded import copy, statements

ORDERS = {"dynamodb": "orders", "mode": "incremental"}
SHOP = {"rds_instance": "shop", "tables": {"shop.products": {"product_id": "bigint"}}}
LAKE = {"create_key": True, "sources": [ORDERS, SHOP]}
REPLICA = "arn:aws:s3:::tributary-test-copy-replica-222222222222"
MACHINE = "aws:sfn/stateMachine:StateMachine"
EVENTS: dict[tuple[str, str], type] = {
    ("arrived", run_steps.PLAN): run_steps.ArrivedEvent,
    ("arrived", run_steps.START): run_steps.StartEvent,
    ("normalise", run_steps.NORMALISE): run_steps.FileEvent,
    ("normalise", run_steps.RECONCILE): run_steps.ReconcileEvent,
    ("normalise", run_steps.TABLES): run_steps.TablesEvent,
    ("fold", fold_steps.DIVIDE): fold_steps.DivideEvent,
    ("fold", fold_steps.FOLD): fold_steps.FoldEvent,
    ("fold", fold_steps.GATHER): fold_steps.GatherEvent,
    ("catalog", run_steps.PUBLISH): run_steps.PublishEvent,
    ("catalog", run_steps.REPORT): run_steps.ReportEvent,
}


@cache
def recorded() -> Recording:
    return copy(LAKE, create_key=True, catalog={})


def machine() -> dict[str, Any]:
    return json.loads(recorded().inputs_of(MACHINE, "copy-run")["definition"])


def steps(states: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in states.items():
        yield name, state
        for inner in (*state.get("Branches", []), state.get("ItemProcessor")):
            if inner:
                yield from steps(inner["States"])


def test_without_a_catalog_no_tables_are_made_there() -> None:
    plain = copy(LAKE, create_key=True)
    assert set(plain.of(MACHINE)) == {"lake-run"}
    assert set(plain.of("aws:glue/catalogDatabase:CatalogDatabase")) == {"lake"}


def test_the_replicas_run_stands_in_the_receiving_account_and_knows_no_other() -> None:
    own = [
        resource
        for resource in recorded().resources
        if re.match(
            r"copy(-(arrived|normalise|fold|catalog|run|published|unstarted|orders|shop|sample).*)?\Z",
            resource.name,
        )
        and not resource.type.startswith("tributary:")
    ]
    assert len(own) > 40
    assert {resource.provider for resource in own} == {"analytics"}
    texts = [json.dumps(resource.inputs, default=str) for resource in own]
    assert [text for text in texts if "111111111111" in text] == []


def test_the_queries_the_alarms_and_the_database_are_as_at_the_source() -> None:
    everything = recorded()
    for type, kept in (
        ("aws:athena/namedQuery:NamedQuery", r"-sample-"),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", r"-(orders|shop)-(failed|stale)\Z"),
    ):
        names = [name for name in everything.of(type) if re.search(kept, name)]
        there, here = ({n.split("-", 1)[1] for n in names if n.startswith(f"{p}-")} for p in ("copy", "lake"))
        assert there == here and there
    assert (
        everything.inputs_of("aws:glue/catalogDatabase:CatalogDatabase", "copy")["name"]
        == "tributary_test_copy"
    )
    query = everything.inputs_of("aws:athena/namedQuery:NamedQuery", "copy-sample-orders")
    assert query["query"] == 'SELECT * FROM "tributary_test_copy"."orders_latest" LIMIT 10'


def test_an_export_that_the_source_has_published_and_that_is_whole_starts_the_run() -> None:
    rule = recorded().inputs_of("aws:cloudwatch/eventRule:EventRule", "copy-published")
    assert json.loads(rule["eventPattern"]) == {
        "source": ["tributary.arrival"],
        "detail-type": ["Published Export Arrived"],
        "detail": {"bucket": ["tributary-test-copy-replica-222222222222"]},
    }
    target = recorded().inputs_of("aws:cloudwatch/eventTarget:EventTarget", "copy-published")
    assert target["inputTransformer"] == {
        "inputPaths": {"record": "$.detail.record"},
        "inputTemplate": '{"record": <record>}',
    }
    assert target["deadLetterConfig"]["arn"].endswith("copy-unstarted")


def test_the_bucket_tells_of_what_runs_hand_over_only_where_tables_are_made() -> None:
    def suffixes(of: Recording) -> list[str]:
        queues = of.inputs_of("aws:s3/bucketNotification:BucketNotification", "copy-replica")["queues"]
        return [queue["filterSuffix"] for queue in queues]

    assert suffixes(recorded()) == ["manifest-summary.json", ".published.json"]
    assert suffixes(copy(LAKE, create_key=True)) == ["manifest-summary.json"]


def test_what_is_on_its_way_into_a_snapshot_is_deleted_after_days() -> None:
    of = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    assert "windows/" in json.dumps(recorded().inputs_of(of, "copy-replica"))
    assert "windows/" not in json.dumps(copy(LAKE, create_key=True).inputs_of(of, "copy-replica"))


def test_the_source_hands_over_and_the_replica_does_not() -> None:
    functions = recorded().of("aws:lambda/function:Function")
    environments = {n: functions[n]["environment"]["variables"] for n in ("lake-catalog", "copy-catalog")}
    assert {name: "HANDS_OVER" in env for name, env in environments.items()} == {
        "lake-catalog": True,
        "copy-catalog": False,
    }
    policy = "aws:iam/rolePolicy:RolePolicy"
    assert "HandOver" in statements(recorded(), policy, "lake-catalog")
    assert "HandOver" not in statements(recorded(), policy, "copy-catalog")


def _first(machine: dict[str, Any]) -> dict[str, Any]:
    return machine["States"][machine["StartAt"]]


def test_each_call_hands_over_the_keys_of_its_event_and_no_others() -> None:
    calls = [
        (state["Resource"].rpartition("-")[2], state["Parameters"])
        for _, state in steps(machine()["States"])
        if state["Type"] == "Task" and "Parameters" in state
    ] + [
        (_first(state["ItemProcessor"])["Resource"].rpartition("-")[2], state["ItemSelector"])
        for _, state in steps(machine()["States"])
        if "ItemSelector" in state
    ]
    assert {(function, given.get("step", "")) for function, given in calls} == set(EVENTS)
    for function, given in calls:
        event, keys = EVENTS[function, given.get("step", "")], {key.removesuffix(".$") for key in given}
        assert set(step_keys.keys(event)) <= keys <= set(event.__annotations__)


def test_every_path_of_a_branch_is_a_field_of_its_state() -> None:
    for branch, finished in (("dynamodb", run_steps.FinishedTable), ("rds", run_steps.FinishedDatabase)):
        (states,) = (b["States"] for b in machine()["States"]["Export"]["Branches"] if branch in b["StartAt"])
        text = json.dumps(states[f"Each {branch} source"]["ItemProcessor"])
        paths = set(re.findall(r'"\$\.(\w+)"', text))
        fields = set(finished.__annotations__) | set(run_steps.Progress.__annotations__)
        assert len(paths) > 8 and paths <= fields | {"error", "published"}


@pytest.mark.parametrize("sources", [[ORDERS], [SHOP], [ORDERS, SHOP], [{"dynamodb": "orders"}]])
def test_the_machine_is_one_that_a_validator_takes(sources: list[dict[str, Any]]) -> None:
    made = copy({"create_key": True, "sources": sources}, create_key=True, catalog={})
    definition = made.inputs_of(MACHINE, "copy-run")["definition"]
    assert complaints(definition) == []
    states = {name for name, _ in steps(json.loads(definition)["States"])}
    assert not states & {"Status", "Wait", "Schema", "Forget", "Plan for an event"}
    assert ("Fold" in states) == (ORDERS in sources)


def test_reserved_concurrency_is_shared_by_the_sources_that_may_run_at_once() -> None:
    made = copy(LAKE, create_key=True, catalog={"files_at_once": 40}, reserved_concurrency=20)
    definition = made.inputs_of(MACHINE, "copy-run")["definition"]
    assert [s["MaxConcurrency"] for n, s in steps(json.loads(definition)["States"]) if n == "Files"] == [10]


def test_under_lake_formation_the_replicas_files_are_read_by_the_role_registered_for_them() -> None:
    readers = ["arn:aws:iam::222222222222:role/analyst"]
    made = copy(LAKE, create_key=True, catalog={"lake_formation": {"readers": readers}})
    locations = made.of("aws:lakeformation/resource:Resource").values()
    assert {location["arn"] for location in locations} == {f"{REPLICA}/lake", f"{REPLICA}/raw/shop"}


@pytest.mark.parametrize(
    ("export", "catalog", "hours"),
    [({}, {}, 26), ({"schedule": "rate(2 days)"}, {}, 50), ({}, {"stale_after_hours": 3}, 3)],
)
def test_a_table_is_late_there_when_it_is_late_at_the_source(
    export: dict[str, Any], catalog: dict[str, Any], hours: int
) -> None:
    alarms = copy(LAKE | export, create_key=True, catalog=catalog).of(
        "aws:cloudwatch/metricAlarm:MetricAlarm"
    )
    late = {name: alarm["evaluationPeriods"] for name, alarm in alarms.items() if name.endswith("-stale")}
    assert (late["copy-orders-stale"], late["copy-shop-stale"]) == (hours, hours)
