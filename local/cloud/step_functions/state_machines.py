"""Step Functions refuses a definition that is none as the machine is made or changed: `InvalidDefinition`
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html#API_CreateStateMachine_Errors).
ministack takes any, and fails at the first execution that comes to the fault."""

from __future__ import annotations

import json

from ..iam.authorization import wrap
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import error_response_json
from .states_language import complaints

CHECKED = ("CreateStateMachine", "UpdateStateMachine")


async def handle(
    stock: Handler, method: str, path: str, headers: Record, body: bytes, query: Record
) -> Answer:
    """Answers InvalidDefinition, with status 400, where a machine would be made or changed by a wrong definition."""
    action = next((v for k, v in headers.items() if k.lower() == "x-amz-target"), "").rpartition(".")[2]
    if action in CHECKED:
        definition = json.loads(body or b"{}").get("definition")
        if isinstance(definition, str) and (wrong := complaints(definition)):
            violations = ", ".join(f"SCHEMA_VALIDATION_FAILED: {complaint}" for complaint in wrong)
            return error_response_json(
                "InvalidDefinition", f"Invalid State Machine Definition: '{violations}'", 400
            )
    return await stock(method, path, headers, body, query)


def install() -> None:
    """Puts `handle` in front of Step Functions."""
    wrap("states", handle)
