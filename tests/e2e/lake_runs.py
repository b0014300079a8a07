"""A clone's own stack with a lake, and the runs of its exports."""

import json
import time
from collections.abc import Mapping
from typing import Any

from local.samples import Cloud
from tests.e2e.conftest import Run


def deployed(stack: Run) -> Cloud:
    """The cloud of a clone that runs, with the clone's stack in it."""
    running = stack.clone.running()
    assert running
    return Cloud(running["endpoint"], json.loads(stack.operation("up")))


def ended(cloud: Cloud, pipeline: Mapping[str, Any], execution: str) -> dict[str, Any]:
    """A run as Step Functions describes it, once it is over; the test's own timeout ends the wait."""
    client = cloud.client("stepfunctions", pipeline)
    while (described := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.5)
    return described
