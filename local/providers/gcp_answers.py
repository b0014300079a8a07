"""What Google's APIs answer, as a provider needs it: what an operation came to, and numbers as numbers.

"Long-running operations" (https://docs.cloud.google.com/iam/docs/reference/rest/Shared.Types/Operation), "Type and
format summary" (https://developers.google.com/discovery/v1/type-format): an int64 travels as text.
"""

import re
import time
from collections.abc import Callable
from typing import Any

from local.plain import is_list, is_object, within

from . import schema
from .aws_rows import Refused
from .values import Props

NAME = re.compile(r".+/operations/[^/]+")
SECONDS = 300


def finished(call: Callable[[str, str], Props], answer: Props) -> dict[str, Any]:
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
    return within(answer, "response")


def typed(value: Any, prop: schema.Property) -> Any:
    """An answer's value as the SDK has it: a 64-bit integer is text in Google's JSON, at whatever depth."""
    if is_list(value):
        return [typed(each, prop) for each in value]
    if is_object(value) and prop.nested:
        inner = schema.nested(prop.nested)
        return {k: typed(v, inner[k]) if k in inner else v for k, v in value.items()}
    return int(value) if prop.shape == "int" and isinstance(value, str) else value
