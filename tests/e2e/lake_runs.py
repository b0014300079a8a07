"""A clone's own stack with a lake, and the runs of its exports."""

import json
from collections.abc import Mapping
from typing import Any

from local.samples import Cloud
from tests.e2e.conftest import Run
from tests.waiting import PATIENCE, eventually

WHOLE_RUN = 3 * PATIENCE
"""Seconds for a run of a state machine: some twenty invocations, each in a process that starts."""


def deployed(stack: Run) -> Cloud:
    """The cloud of a clone that runs, with the clone's stack in it."""
    running = stack.clone.running()
    assert running
    return Cloud(running["endpoint"], json.loads(stack.operation("up")), running.get("gcp", ""))


def ended(cloud: Cloud, pipeline: Mapping[str, Any], execution: str) -> dict[str, Any]:
    """A run as Step Functions describes it, once it is over."""
    client = cloud.client("stepfunctions", pipeline)

    def over() -> dict[str, Any] | None:
        described = client.describe_execution(executionArn=execution)
        return None if described["status"] == "RUNNING" else dict(described)

    return eventually(over, WHOLE_RUN)
