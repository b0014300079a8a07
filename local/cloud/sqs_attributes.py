"""A queue's redrive policy as SQS gives it back: its own text of what it read, the number as a number.

A program may set it with spaces and `maxReceiveCount` as text; GetQueueAttributes answers neither. See the examples
of both calls, docs.aws.amazon.com/cli/latest/reference/sqs/set-queue-attributes.html (set: "1000") and
docs.aws.amazon.com/cli/latest/reference/sqs/get-queue-attributes.html (given back: 1000).
"""

from __future__ import annotations

import json
from typing import Any

from .seams import sqs
from .seams.parts import Record

stock_attributes = sqs.queue_attributes
NAME = "RedrivePolicy"


def normal(policy: str) -> str:
    """A redrive policy's JSON without spaces, and with `maxReceiveCount` as a number."""
    read = json.loads(policy)
    read["maxReceiveCount"] = int(read["maxReceiveCount"])
    return json.dumps(read, separators=(",", ":"))


def attributes(data: Record, url: str) -> dict[str, Any]:
    """GetQueueAttributes: ministack's answer, in which the redrive policy is as SQS writes it."""
    answer = stock_attributes(data, url)
    if policy := answer["Attributes"].get(NAME):
        answer["Attributes"] = answer["Attributes"] | {NAME: normal(policy)}
    return answer


def install() -> None:
    """Puts `attributes` in place of ministack's GetQueueAttributes."""
    sqs.handlers["GetQueueAttributes"] = attributes
