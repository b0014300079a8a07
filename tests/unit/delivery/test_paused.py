"""What `make pause` left off: the comparison's issue says how to switch it on, a deployment that would do so stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from delivery import command, drift
from delivery.drift import PAUSED, UNREAD, Stranger
from delivery.paused import OFF, paused, pipeline_of
from delivery.paused import at_google as paused_at_google
from delivery.preview import Change, Preview, Property, read
from delivery.settings import Masking, StackDelivery
from tests.recording import record
from tests.typed import fake, ignoring
from tests.unit.delivery.recordings import recorded, text

STACK = "urn:pulumi:prod::tributary::"
ROOT = f"{STACK}pulumi:pulumi:Stack::tributary-prod"
LAKE, SEARCH = f"{STACK}tributary:pipelines:X::shop-lake", f"{STACK}tributary:pipelines:Y::catalog-search"
RUN = f"{STACK}tributary:pipelines:X$tributary:pipelines:Run::shop-lake-run"
SCHEDULE, RULE, INGESTION = (
    f"{parent.rpartition('::')[0]}${type}::{name}"
    for parent, type, name in (
        (RUN, "aws:scheduler/schedule:Schedule", "shop-lake-schedule"),
        (LAKE, "aws:cloudwatch/eventRule:EventRule", "shop-lake-snapshot"),
        (SEARCH, "aws:opensearchingest/pipeline:Pipeline", "catalog-search-products"),
    )
)


def resource(urn: str, parent: str = ROOT, **inputs: str) -> dict[str, Any]:
    return {"urn": urn, "type": urn.split("::")[2].rpartition("$")[2], "id": urn[-8:], "inputs": inputs,
            "parent": parent, "outputs": {"arn": f"arn:{urn.rpartition('::')[2]}"}, "provider": "p::id"}  # fmt: skip


STATE = [
    {"urn": ROOT, "type": "pulumi:pulumi:Stack"}, resource(LAKE), resource(RUN, LAKE), resource(SEARCH),
    resource(SCHEDULE, RUN, name="n", groupName="n"), resource(RULE, LAKE, name="r"),
    resource(INGESTION, SEARCH, pipelineName="i"), resource(f"{STACK}aws:sqs/queue:Queue::q", name="q"),
]  # fmt: skip


class Account:
    """What the account has of each."""

    def __init__(
        self,
        schedule: str = "ENABLED",
        rule: str = "ENABLED",
        ingestion: str = "ACTIVE",
        denied: bool = False,
    ):
        self.states, self.denied = (schedule, rule, ingestion), denied

    def client(self, service: str, resource: Any) -> Account:
        return self

    def get_schedule(self, GroupName: str, Name: str) -> dict[str, str]:
        if self.denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetSchedule")
        return {"State": self.states[0]}

    def describe_rule(self, Name: str) -> dict[str, str]:
        return {"State": self.states[1]}

    def get_pipeline(self, PipelineName: str) -> dict[str, Any]:
        return {"Pipeline": {"Status": self.states[2]}}


def test_what_is_on_is_not_listed_and_what_is_off_is_with_the_command_that_switches_it_on() -> None:
    assert paused(STATE, Account().client) == []
    off = paused(STATE, Account("DISABLED", "DISABLED", "STOPPED").client)
    assert off == [
        Stranger("arn:shop-lake-schedule", PAUSED, "make resume STACK=prod PIPELINE=shop-lake"),
        Stranger("arn:shop-lake-snapshot", PAUSED, "make resume STACK=prod PIPELINE=shop-lake"),
        Stranger("arn:catalog-search-products", PAUSED, "make resume STACK=prod PIPELINE=catalog-search"),
    ]
    by_program = [resource(SCHEDULE, name="n", groupName="n", state="DISABLED")]
    assert paused(by_program, Account("DISABLED").client) == []


@pytest.mark.parametrize("stack", ["prod", "dev", "local"])
def test_the_command_names_the_pipeline_whose_switch_it_is(stack: str) -> None:
    """The shipped stacks, which name an ingestion pipeline by its table, and a schedule by what it is for: a pipeline's
    outputs have the switches that `operate` turns for it."""
    recording = record(stack)
    parents: dict[str, str] = {}
    for key, request in recording.requests.items():
        above = request.parent.split("::", 2)[2:]
        parents[f"{STACK}{key}"] = f"{STACK}{above[0].rpartition('$')[2]}" if above else ""
    named = {"aws:opensearchingest/pipeline:Pipeline": "pipelineName"}
    switches = [each for each in recording.resources if each.type in OFF]
    assert len(switches) > 1
    for each in switches:
        name = each.inputs[named.get(each.type, "name")]
        pipeline = recording.outputs["pipelines"][pipeline_of(f"{STACK}{each.type}::{each.name}", parents)]
        turned = [*pipeline.get("schedules", ()), *pipeline.get("rules", ())]
        assert name in {*turned, *pipeline.get("ingestion_pipelines", {}).values()}, each.name


WAREHOUSE = f"{STACK}tributary:pipelines:BigQueryTransferPipeline"
TRANSFER = f"{WAREHOUSE}$gcp:bigquery/dataTransferConfig:DataTransferConfig::w-t"
JOB = f"{WAREHOUSE}$gcp:storage/transferJob:TransferJob::w-copy"


def at_google(urn: str, path: str, before: object, after: object) -> list[Stranger]:
    change = Change(urn, "update", "shop-warehouse", properties=(Property(path, before, after),))
    return paused_at_google(Preview("prod", changes=(change,)))


def test_a_transfer_and_a_copy_that_were_switched_off_at_google_are_listed_with_the_command() -> None:
    """A refresh reads `disabled` and `status`, and the deployment would set them back."""
    again = "make resume STACK=prod PIPELINE=shop-warehouse"
    for after in (False, None):
        assert at_google(TRANSFER, "disabled", True, after) == [Stranger("w-t", PAUSED, again)]
    assert at_google(JOB, "status", "DISABLED", "ENABLED") == [Stranger("w-copy", PAUSED, again)]


def test_what_the_program_switches_off_or_changes_otherwise_at_google_is_not_paused() -> None:
    assert at_google(TRANSFER, "disabled", False, True) == []  # the program switches it off
    assert at_google(TRANSFER, "schedule", "every day 05:00", "every day 06:00") == []
    assert at_google(JOB, "status", "ENABLED", "DISABLED") == []
    assert at_google(f"{STACK}gcp:storage/bucket:Bucket::b", "status", "DISABLED", "ENABLED") == []


def test_what_can_t_be_read_is_not_taken_for_on() -> None:
    [unread] = paused(STATE, Account(denied=True).client)
    assert unread.kind == UNREAD and "AccessDenied" in unread.what


def test_the_issue_of_a_comparison_names_what_is_paused_and_how_to_resume_it() -> None:
    off = paused(STATE, Account("DISABLED").client)
    body = drift.body(recorded("dev/unchanged"), off, "https://run", Masking())
    assert body and "switched off by hand" in body and "make resume STACK=prod PIPELINE=shop-lake" in body
    assert "which the program did not make" not in body
    assert (
        drift.body(recorded("dev/unchanged"), paused(STATE, Account().client), "https://run", Masking())
        is None
    )


@pytest.mark.parametrize(
    ("account", "changed", "stops"),
    [
        (Account("DISABLED"), SCHEDULE, True),
        (Account(rule="DISABLED"), RULE, True),
        (Account("DISABLED"), f"{STACK}aws:sqs/queue:Queue::q", False),  # it leaves the schedule as it is
        (Account(), SCHEDULE, False),
        (Account(ingestion="STOPPED"), INGESTION, False),  # an update does not start it
    ],
)
def test_a_deployment_stops_that_would_switch_on_what_is_off(
    account: Account, changed: str, stops: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []
    plan = Preview("prod", changes=(Change(changed, "update"),))
    monkeypatch.setattr(command, "run_preview", ignoring(lambda: plan))
    monkeypatch.setattr(command, "state", ignoring(lambda: STATE))
    monkeypatch.setattr(command, "Accounts", fake(lambda resources: account))

    def run(words: list[str], **_: Any) -> Any:
        ran.append(words)
        return Done

    monkeypatch.setattr(command.subprocess, "run", run)
    if stops:
        with pytest.raises(
            command.Stopped, match="make resume STACK=prod PIPELINE=shop-lake\nresume it first"
        ):
            command.deploy(tmp_path, "prod", tmp_path, None, StackDelivery())
        assert ran == []
    else:
        assert command.deploy(tmp_path, "prod", tmp_path, None, StackDelivery()) is plan
        assert ran[0][:2] == ["pulumi", "up"]


class Done:
    returncode = 0


def test_of_a_changed_schedule_the_state_is_read_and_the_plan_names_it() -> None:
    """A recorded preview has the type as the check compares it."""
    changed = read("local", text("local/changed-schedule")).changes
    assert [change.type for change in changed if change.kind == "update"] == [
        "aws:scheduler/schedule:Schedule"
    ]
    assert json.dumps(changed[0].urn).endswith('-schedule"')
