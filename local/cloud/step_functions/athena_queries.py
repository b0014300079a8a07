"""Step Functions runs a query of Athena's and waits for its end (`athena:startQueryExecution.sync`).

ministack has no such task. Its result is what GetQueryExecution answers, and a query that failed or was cancelled fails
it with that as the cause (https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html)."""

from __future__ import annotations

import json
import time

from ..seams import stepfunctions
from ..seams.parts import Record

CALL = "arn:aws:states:::aws-sdk:athena:"
BETWEEN_SECONDS = 0.2


def query(resource: str, parameters: Record) -> Record:
    """Starts the query; with `.sync` waits until it is over."""
    started = stepfunctions.sdk_call(f"{CALL}startQueryExecution", parameters)
    if not resource.endswith(".sync"):
        return started
    identity = {"QueryExecutionId": started["QueryExecutionId"]}
    while True:
        answer = stepfunctions.sdk_call(f"{CALL}getQueryExecution", identity)
        state = answer["QueryExecution"]["Status"]["State"]
        if state == "SUCCEEDED":
            return answer
        if state in ("FAILED", "CANCELLED"):
            raise stepfunctions.task_error("States.TaskFailed", json.dumps(answer))
        time.sleep(BETWEEN_SECONDS)


def install() -> None:
    """Adds it to the integrations that ministack has."""
    stepfunctions.integrations["arn:aws:states:::athena:startQueryExecution"] = query
