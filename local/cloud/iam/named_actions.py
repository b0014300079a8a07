"""What a request is called, where ministack does not say: it then judges another action, or none and lets it through.

Lambda's paths name an operation of its botocore model, and CloudWatch's CBOR ones hold it. IAM's action is called like
the operation, but for invoking a function
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html, list_amazoncloudwatch.html).
"""

from __future__ import annotations

import re
from typing import Any

from ..seams import iam_actions

INVOKE = {"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"}
CBOR = re.compile(r"/service/[^/]+/operation/(\w+)")


def action(
    stock: Any,
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
) -> str | None:
    """The action of a request, e.g. `lambda:GetEventSourceMapping`; None where nobody knows it."""
    if service == "lambda" and (name := iam_actions.rest_action(service, method, path, query)):
        return f"lambda:{INVOKE.get(name, name)}"
    if service == "monitoring" and (called := CBOR.fullmatch(path)):
        return f"cloudwatch:{called[1]}"
    return stock(service, method, path, headers, body, query)


def install() -> None:
    """Puts `action` around ministack's function, and has Lambda's paths matched with its botocore model."""
    iam_actions.botocore_names["lambda"] = ["lambda"]
    iam_actions.action_of.wrap(action)
