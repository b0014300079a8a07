"""Waiting for what Google goes on with after its answer.

"Long-running operations" (https://docs.cloud.google.com/iam/docs/reference/rest/Shared.Types/Operation).
"""

import re
import time
from collections.abc import Callable
from typing import Any

from .aws_rows import Refused

NAME = re.compile(r".+/operations/[^/]+")
SECONDS = 300


def finished(call: Callable[..., dict], answer: dict) -> dict[str, Any]:
    """What a method came to: its answer or, where that is a long-running operation, the operation's result once it
    is done. `call` is (method, path) -> answer. Refused with the operation's own error, or after five minutes."""
    if not NAME.fullmatch(str(answer.get("name"))):
        return answer
    until = time.monotonic() + SECONDS
    while not answer.get("done"):
        if time.monotonic() > until:
            raise Refused(f"{answer['name']} is not done after {SECONDS} s")
        time.sleep(0.1)
        answer = call("GET", f"/v1/{answer['name']}")
    if "error" in answer:
        raise Refused(f"{answer['name']}: {answer['error'].get('message')}")
    return answer.get("response") or {}
