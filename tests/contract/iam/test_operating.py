"""The roles of a running stack: each request that `operate` sends is one that its role may send, `status` changes
nothing and reads nothing but records, and `operate` switches its own stack's pipelines only.

Who decides: the policy evaluator, over the requests that the code itself sends, and policy_sentry's copy of the service
authorization reference, which says what an action does.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from bootstrap.operating import operate, status
from components.shared import landing_folders
from operate import switches
from operate.outputs import Refused
from operate.status import status as status_of
from tests.contract.iam.evaluator import Evaluator
from tests.contract.iam.test_roles import RUNS, neighbour, policy, request, stack
from tests.unit.operate.fake_cloud import FakeCloud, Sent

# What each operation is to IAM: the action, and the ARN's end with the members that it is made of
# (https://docs.aws.amazon.com/service-authorization/latest/reference/).
ACTIONS = {
    "DescribeAlarms": ("cloudwatch:DescribeAlarms", "alarm:{AlarmNamePrefix}any"),
    # Classic metrics have no resource, and are granted on `*` alone; the reference names one of OTLP metrics, and the
    # evaluator wants one.
    "GetMetricData": ("cloudwatch:GetMetricData", "dataset/any"),
    "ListMetrics": ("cloudwatch:ListMetrics", "dataset/any"),
    "GetSchedule": ("scheduler:GetSchedule", "schedule/{GroupName}/{Name}"),
    "UpdateSchedule": ("scheduler:UpdateSchedule", "schedule/{GroupName}/{Name}"),
    "DescribeRule": ("events:DescribeRule", "rule/{Name}"),
    "EnableRule": ("events:EnableRule", "rule/{Name}"),
    "DisableRule": ("events:DisableRule", "rule/{Name}"),
    "GetPipeline": ("osis:GetPipeline", "pipeline/{PipelineName}"),
    "StartPipeline": ("osis:StartPipeline", "pipeline/{PipelineName}"),
    "StopPipeline": ("osis:StopPipeline", "pipeline/{PipelineName}"),
    "Invoke": ("lambda:InvokeFunction", "function:{FunctionName}"),
    "ListExports": ("dynamodb:ListExports", "{TableArn}"),
    "DescribeExport": ("dynamodb:DescribeExport", "{ExportArn}"),
    "ListExecutions": ("states:ListExecutions", "{stateMachineArn}"),
    "StartExecution": ("states:StartExecution", "{stateMachineArn}"),
    "DescribeExecution": ("states:DescribeExecution", "{executionArn}"),
}
Wanted = tuple[str, str, str, dict[str, str]]


def judged(sent: Sent) -> Iterator[Wanted]:
    """What IAM judges of a request: account, action, resource, context."""
    account, region, given = sent.account, sent.region, sent.given
    if sent.service == "s3":
        bucket = f"arn:aws:s3:::{given['Bucket']}"
        if sent.operation == "ListObjectsV2":
            yield account, "s3:ListBucket", bucket, {"s3:prefix": given["Prefix"]}
            return
        yield account, "s3:GetObject", f"{bucket}/{given['Key']}", {}
        # Under a key of the stack's, S3 decrypts as its caller.
        tags = {"tributary-project": "tributary", "tributary-stack": "prod"}
        of_key = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
        key = f"arn:aws:kms:{region}:{account}:key/11111111-2222-3333-4444-555555555555"
        if "-prod-" in given["Bucket"]:  # its landing and its replica have keys of their own
            yield account, "kms:Decrypt", key, {**of_key, "kms:ViaService": f"s3.{region}.amazonaws.com"}
        return
    action, form = ACTIONS[sent.operation]
    end = form.format(**given)
    resource = (
        end if end.startswith("arn:") else f"arn:aws:{action.partition(':')[0]}:{region}:{account}:{end}"
    )
    yield account, action, resource, {}
    if sent.operation == "UpdateSchedule":
        yield (
            account,
            "iam:PassRole",
            given["Target"]["RoleArn"],
            {"iam:PassedToService": "scheduler.amazonaws.com"},
        )


class OfTheStack(FakeCloud):
    """The stack's own pipelines; a schedule has the role of its name, as the program makes it."""

    def get_schedule(self, given: Any) -> dict[str, Any]:
        account = next(s.account for s in reversed(self.sent) if s.operation == "GetSchedule")
        target = {"Arn": "arn:a", "RoleArn": f"arn:aws:iam::{account}:role/{given['Name']}"}
        return super().get_schedule(given) | {"Target": target}

    def list_executions(self, given: Any) -> dict[str, Any]:
        run = f"{given['stateMachineArn'].replace(':stateMachine:', ':execution:')}:one"
        return {
            "executions": [
                each | {"executionArn": run} for each in super().list_executions(given)["executions"]
            ]
        }


@cache
def cloud(run: str) -> FakeCloud:
    return OfTheStack(stack(run).program.outputs["pipelines"])


@cache
def sent_by_status(run: str) -> list[Wanted]:
    running = cloud(run)
    running.sent.clear()
    assert status_of(running)
    return [each for sent in running.sent for each in judged(sent)]


@cache
def sent_by_switches(run: str) -> list[Wanted]:
    running = cloud(run)
    running.sent.clear()
    for name, pipeline in running.pipelines.items():
        for do in (switches.run, switches.pause, switches.resume):
            if pipeline["kind"] == "zero-etl":
                running.ingestion = {"Status": "STOPPED" if do is switches.resume else "ACTIVE"}
            try:
                do(running, name)
            except Refused:
                assert pipeline["kind"] in ("replication", "zero-etl", "firehose")
    return [each for sent in running.sent for each in judged(sent)]


@pytest.mark.parametrize("run", RUNS)
def test_each_role_may_send_what_its_commands_send_and_status_nothing_that_switches(
    run: str, evaluator: Evaluator
) -> None:
    for which, wanted in ((status, sent_by_status(run)), (operate, sent_by_switches(run))):
        verdicts = evaluator.allows([request(run, which, *each) for each in wanted])
        assert [each for each, allowed in zip(wanted, verdicts, strict=True) if not allowed] == []
    only = [each for each in sent_by_switches(run) if each not in sent_by_status(run)]
    assert only and not any(evaluator.allows([request(run, status, *each) for each in only]))


@pytest.mark.parametrize("run", RUNS)
def test_neither_role_has_an_action_that_its_commands_never_send(run: str) -> None:
    for which, wanted in ((status, sent_by_status(run)), (operate, sent_by_switches(run))):
        granted = {
            action
            for place in stack(run).places().values()
            for grant in which(stack(run), place)
            for action in grant.actions
        }
        spare = granted - {action for _, action, *_ in wanted}
        assert spare <= {"kms:Decrypt"}  # S3 wants it, as judged() has it of `prod`


def _levels(action: str) -> set[str]:
    service, name = action.split(":")
    return {entry["access_level"] for entry in get_action_data(service, name)[service]}


@pytest.mark.parametrize("run", RUNS)
def test_status_changes_nothing_and_of_a_bucket_reads_records_alone(run: str, evaluator: Evaluator) -> None:
    places = stack(run).places().values()
    granted = {action for place in places for grant in status(stack(run), place) for action in grant.actions}
    # kms:Decrypt is a "Write" in the reference; it changes nothing.
    assert {action for action in granted if not _levels(action) <= {"List", "Read"}} <= {"kms:Decrypt"}
    refused: list[Any] = []
    for pipeline in stack(run).program.outputs["pipelines"].values():
        if bucket := pipeline.get("bucket"):
            keys = ["lake/orders/export_date=2026-01-01/a.parquet", "raw/orders/AWSDynamoDB/01-a/data/a.json.gz",
                    "raw/orders/AWSDynamoDB/01-a/manifest-files.json", f"{landing_folders.STATE}orders/schema.json",
                    "results/a.csv", "raw/shop/a/part.gz.parquet"]  # fmt: skip
            refused += [
                (pipeline["account"], "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", {}) for key in keys
            ]
            refused += [(pipeline["account"], "s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": prefix})
                        for prefix in ("", "lake/", "raw/")]  # fmt: skip
    verdicts = evaluator.allows([request(run, status, *each) for each in refused])
    assert refused and [each for each, allowed in zip(refused, verdicts, strict=True) if allowed] == []


@pytest.mark.parametrize("run", RUNS)
def test_operate_switches_nothing_of_a_stack_whose_name_begins_alike(run: str, evaluator: Evaluator) -> None:
    others = [
        (account, action, neighbour(resource), context)
        for account, action, resource, context in sent_by_switches(run)
        if neighbour(resource) != resource
    ]
    assert others and not any(evaluator.allows([request(run, operate, *each) for each in others]))


def test_a_statement_that_is_taken_away_is_missed(evaluator: Evaluator) -> None:
    """Of `prod`, each statement of both roles is one that a request needs."""
    for which, wanted in ((status, sent_by_status("prod")), (operate, sent_by_switches("prod"))):
        for account in {account for account, *_ in wanted}:
            whole = policy("prod", account, which)
            for taken in whole["Statement"]:
                less = {**whole, "Statement": [s for s in whole["Statement"] if s is not taken]}
                own = [each for each in wanted if each[0] == account and each[1] in taken["Action"]]
                requests = [request("prod", which, *each) for each in own]
                requests = [
                    type(r)(r.principal, r.action, r.resource, r.account, less, r.on_resource, r.context)
                    for r in requests
                ]
                assert own and not all(evaluator.allows(requests)), taken["Sid"]
