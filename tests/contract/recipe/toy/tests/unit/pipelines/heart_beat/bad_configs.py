"""Wrong configs of a heart beat: what each is, the config, and what its error says."""

from typing import Any

from tests.unit.configs import stack

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no stream": (
        stack(pipelines={"pulse": {"kind": "heart-beat", "account": "workload"}}),
        "pipelines.pulse.stream: missing; expected: The Kinesis stream",
    ),
    "a beat each minute": (
        stack(
            pipelines={
                "pulse": {"kind": "heart-beat", "account": "workload", "stream": "orders", "every_minutes": 1}
            }
        ),
        "pipelines.pulse.every_minutes: 1 should be greater than or equal to 2",
    ),
}
