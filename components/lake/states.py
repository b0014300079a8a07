"""A task, a choice and a function's event, in Amazon States Language. Pure."""

from typing import Any

from components.shared import run_steps
from components.shared.step_keys import keys, path

# What the service's own hiccups raise, and a function's clients when a service is out of reach after their retries.
PASSING = [
    "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
    "Lambda.Unknown", "ClientError", "ReadTimeoutError",
    "ConnectTimeoutError", "EndpointConnectionError",
]  # fmt: skip
AGAIN = {"IntervalSeconds": 5, "BackoffRate": 2.0, "MaxDelaySeconds": 120, "JitterStrategy": "FULL"}
Step = dict[str, Any]
ERROR = path(run_steps.Failure, "error")


def task(
    function_arn: str, parameters: Step, result: str, next_step: str, *, failed: str | None = "Failed"
) -> Step:
    """One call of a function, tried again on what passes by itself.

    `function_arn`: its ARN. `parameters`: its event, in which a key that ends in `.$` has a path as its value.
    `result`: the path that its answer is put at. `next_step` follows; where it fails, `failed`,
    or with None the run's end."""
    step: Step = {
        "Type": "Task",
        "Resource": function_arn,
        "Parameters": parameters,
        "ResultPath": result,
        "Retry": [
            # Others are at it, for 15 minutes at the longest each.
            {"ErrorEquals": ["Lambda.TooManyRequestsException"], "MaxAttempts": 60, **AGAIN},
            {"ErrorEquals": PASSING, "MaxAttempts": 5, **AGAIN},
        ],
        "Next": next_step,
    }
    if failed:
        step["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": ERROR, "Next": failed}]
    return step


def choice(default: str, *rules: tuple[str, Any, str]) -> Step:
    """The next step by the value of a field: (path, value, step)."""
    made = [
        {
            "Variable": path,
            "BooleanEquals" if isinstance(value, bool) else "StringEquals": value,
            "Next": following,
        }
        for path, value, following in rules
    ]
    return {"Type": "Choice", "Choices": made, "Default": default}


def parameters_of(shape: type, given: Step) -> Step:
    """The parameters of a step: each key of the event is given, or is the field of that name of the state."""
    here = {key.removesuffix(".$") for key in given}
    return given | {f"{key}.$": f"$.{key}" for key in keys(shape) if key not in here}
