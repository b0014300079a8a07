"""What the roles of a heart beat must be able to do, and must not."""

from typing import Any

from tests.contract.iam.proof import Case, can, cannot
from tests.contract.iam.shared_cases import HERE, REGION, alarms, arn, queue, runs_as_a_function, scheduled

CONFIG: dict[str, Any] = {
    "accounts": {"workload": {"id": HERE, "region": REGION}},
    "pipelines": {"pulse": {"kind": "heart-beat", "stream": "orders"}},
}
TABLES: dict[str, dict[str, Any]] = {}
BEAT, TICK = "tributary-proof-pulse-beat", "tributary-proof-pulse-tick"
STREAM, FAILED = arn("kinesis", "stream/orders"), arn("sqs", f"{BEAT}-failed")

TABLE: list[Case] = [
    *runs_as_a_function(BEAT, HERE),
    can(BEAT, "kinesis:PutRecord", STREAM),
    cannot(BEAT, "kinesis:PutRecord", arn("kinesis", "stream/neighbour")),
    cannot(BEAT, "kinesis:GetRecords", STREAM),
    can(BEAT, "sqs:SendMessage", FAILED),
    cannot(BEAT, "sqs:SendMessage", arn("sqs", "neighbour")),
    *queue(f"{BEAT}-failed", HERE),
    *scheduled(TICK, BEAT),
    *alarms(HERE, "workload-alarms"),
]
