"""Batch replication jobs over a deployment's life."""

import json
import re
import subprocess
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.unit.pipelines.conftest import Wire
from tests.unit.pipelines.replication.recorded import copy

JOB = re.compile(r"<(ClientRequestToken|Description)>(.*?)</")


class Jobs:
    """S3's jobs: one per token, however often it is created."""

    def __init__(self, wire: Any):
        self.made: dict[Any, Any] = {}
        self.cancelled: list[Any] = []
        wire.answers |= {"CreateJob": self.create, "ListJobs": self.list, "UpdateJobStatus": self.update}
        self.status = "Active"

    def create(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        text = dict(JOB.findall(body.decode()))
        job_id = self.made.setdefault(
            text["ClientRequestToken"], (f"job-{len(self.made)}", text["Description"])
        )[0]
        return 200, {}, f"<CreateJobResult><JobId>{job_id}</JobId></CreateJobResult>".encode()

    def list(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        shown = [*self.made.values()] if self.status in query["jobStatuses"] else []
        pages = [f"<member><JobId>{i}</JobId><Description>{d}</Description></member>" for i, d in shown]
        page = int(query.get("nextToken", ["0"])[0])
        more = f"<NextToken>{page + 1}</NextToken>" if page + 1 < len(pages) else ""
        return (
            200,
            {},
            f"<ListJobsResult><Jobs>{''.join(pages[page : page + 1])}</Jobs>{more}</ListJobsResult>".encode(),
        )

    def update(self, path: Any, query: Any, body: Any) -> tuple[int, dict[str, str], bytes]:
        assert query == {"requestedJobStatus": ["Cancelled"]}
        self.cancelled.append(path.split("/")[-2])
        return 200, {}, b"<UpdateJobStatusResult/>"


@pytest.fixture
def jobs(wire: Wire) -> Jobs:
    return Jobs(wire)


@pytest.fixture
def app(load: Callable[..., ModuleType]) -> ModuleType:
    return load(
        "backfill",
        ACCOUNT_ID="111111111111",
        BUCKET="landing",
        ROLE_ARN="arn:aws:iam::111111111111:role/batch",
        REPORT_BUCKET="reports",
        REPORT_PREFIX="backfill",
        PREFIXES='["raw/"]',
        JOB_TAG="tributary-backfill=tributary-test-copy",
    )


def event(action: Any, run: int = 1, prev: Any = None):
    return {"run": run, "tf": {"action": action, "prev_input": prev and {"run": prev}}}


def test_a_job_replicates_what_the_rules_cover_and_was_not_replicated(
    app: ModuleType, wire: Wire, jobs: Jobs, context: SimpleNamespace
):
    assert app.handler(event("create"), context) == {"job_id": "job-0", "cancelled": []}
    [body] = [body.decode() for body in wire.bodies["CreateJob"]]
    for element in (
        "<S3ReplicateObject",
        "<EligibleForReplication>true<",
        "<SourceBucket>arn:aws:s3:::landing<",
        "<ExpectedBucketOwner>111111111111<",
        "<MatchAnyPrefix><member>raw/<",
        "<RoleArn>arn:aws:iam::111111111111:role/batch<",
        "<Bucket>arn:aws:s3:::reports<",
        "<ConfirmationRequired>false<",
        # What the function's rights go by.
        "<Tags><member><Key>tributary-backfill</Key><Value>tributary-test-copy</Value></member></Tags>",
    ):
        assert element in body
    assert re.findall("<ObjectReplicationStatuses>(.*)</ObjectReplicationStatuses>", body) == [
        "<member>NONE</member><member>FAILED</member>"
    ]


def test_the_empty_prefix_constrains_nothing_as_s3_takes_no_empty_one(
    load: Callable[..., ModuleType], jobs: Jobs, wire: Wire, context: SimpleNamespace
):
    given = {"ACCOUNT_ID": "111111111111", "BUCKET": "b", "ROLE_ARN": "arn:aws:iam::111111111111:role/batch"}
    given |= {"JOB_TAG": "tributary-backfill=b"}
    app = load("backfill", **given, REPORT_BUCKET="reports", REPORT_PREFIX="backfill", PREFIXES='[""]')
    assert app.handler(event("create"), context)["job_id"] == "job-0"
    assert [b"KeyNameConstraint" in body for body in wire.bodies["CreateJob"]] == [False]


def test_creating_twice_makes_one_job(app: ModuleType, jobs: Jobs, context: SimpleNamespace):
    assert app.handler(event("create"), context) == app.handler(event("create"), context)
    assert len(jobs.made) == 1


def test_a_changed_input_ends_the_former_job_and_makes_another(
    app: ModuleType, jobs: Jobs, context: SimpleNamespace
):
    app.handler(event("create"), context)
    assert app.handler(event("update", run=2, prev=1), context) == {"job_id": "job-1", "cancelled": ["job-0"]}
    assert jobs.cancelled == ["job-0"]


def test_an_update_with_the_same_input_leaves_its_job_running(
    app: ModuleType, jobs: Jobs, context: SimpleNamespace
):
    app.handler(event("create"), context)
    assert app.handler(event("update", prev=1), context) == {"job_id": "job-0", "cancelled": []}


def test_deleting_cancels_its_own_job_and_no_other(app: ModuleType, jobs: Jobs, context: SimpleNamespace):
    jobs.made["other"] = ("job-of-another", "tributary backfill other")
    app.handler(event("create"), context)
    assert app.handler(event("delete", prev=1), context) == {"job_id": None, "cancelled": ["job-1"]}
    assert jobs.cancelled == ["job-1"]


def test_deleting_after_the_job_is_done_cancels_nothing(
    app: ModuleType, jobs: Jobs, context: SimpleNamespace
):
    app.handler(event("create"), context)
    jobs.status = "Complete"
    assert app.handler(event("delete", prev=1), context) == {"job_id": None, "cancelled": []}


def test_throttling_is_waited_out(app: ModuleType, wire: Wire, jobs: Jobs, context: SimpleNamespace):
    wire.fault("CreateJob", (400, "TooManyRequestsException"), (503, "SlowDown"))
    assert app.handler(event("create"), context)["job_id"] == "job-0"
    assert wire.calls["CreateJob"] == 3


def test_a_role_that_may_not_be_passed_fails_the_deployment(
    app: ModuleType, wire: Wire, jobs: Jobs, context: SimpleNamespace
):
    wire.fault("CreateJob", (403, "AccessDenied"))
    with pytest.raises(Exception, match=r"AccessDenied.*CreateJob"):
        app.handler(event("create"), context)


@pytest.mark.parametrize("given", [{}, {"tf": {}}, {"tf": {"action": "recreate"}}])
def test_an_action_that_is_none_makes_no_job(
    app: ModuleType, wire: Wire, context: SimpleNamespace, given: dict[str, Any]
):
    with pytest.raises(ValueError, match="expected one of create, update, delete"):
        app.handler(given, context)
    assert not wire.calls


def alarm_on_failures(**keys: Any):
    """What the alarm on objects that were not replicated says, for a config."""
    made = copy(**keys).inputs_of("aws:cloudwatch/metricAlarm:MetricAlarm", "copy-source-0-failures")
    return made["alarmDescription"]


def test_without_the_function_the_alarm_on_failures_has_it_deployed():
    text = alarm_on_failures()
    assert "set existing_objects: true, then: pulumi up" in text
    assert "lambda invoke" not in text


def test_where_the_function_is_there_the_alarms_call_makes_a_job_that_the_deployment_has_not(
    app: ModuleType, jobs: Jobs, context: SimpleNamespace
):
    text = alarm_on_failures(existing_objects=True)
    assert "pulumi up" not in text
    [(function, payload)] = re.findall(r"--function-name (\S+) .*--payload (\".*\") out\.json", text)
    assert function == "tributary-test-copy-source-backfill"
    # The shell sets the time into it.
    called = subprocess.run(["bash", "-c", f"printf %s {payload}"], capture_output=True, check=True)
    deployed = {"prefixes": ["raw/"], "tf": {"action": "create", "prev_input": None}}
    made = [app.handler(sent, context)["job_id"] for sent in (deployed, json.loads(called.stdout), deployed)]
    assert made == ["job-0", "job-1", "job-0"]
    assert jobs.cancelled == []
