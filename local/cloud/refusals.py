"""Each call that IAM refuses is a line of the log: whoever asks what was denied has nothing else to read it from.

An answer says so in its protocol, XML, JSON or CBOR, in the words of
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from .seams.parts import Record

log = logging.getLogger("tributary.cloud")
REFUSED = re.compile(rb"User: \S+ is not authorized to perform: [^\"<\x00-\x1f]{1,500}")
NOT_GIVEN = re.compile(
    rb"no (?:identity-based|data access) policy gives (?P<principal>\S+) (?P<missing>aoss:[^\"\x00-\x1f]{1,500})"
)
"""What a collection's endpoint answers, which is OpenSearch's own and has no words of IAM's: each right and what it is
on."""
App = Callable[[Any, Any, Any], Awaitable[None]]


def sentences(body: bytes) -> list[str]:
    """What an answer refuses, in the words of IAM: one of each right that a collection's policies do not give."""
    if refused := REFUSED.search(body):
        return [refused[0].decode(errors="replace")]
    if not (not_given := NOT_GIVEN.search(body)):
        return []
    principal, missing = (not_given[name].decode(errors="replace") for name in ("principal", "missing"))
    rights = re.findall(r"(aoss:\w+) on ([^\s,]+)", missing)
    return [
        f"User: {principal} is not authorized to perform: {right} on resource: {on}" for right, on in rights
    ]


class Refusals:
    """The ASGI app in front of the cloud."""

    def __init__(self, app: App):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers an ASGI request, and logs the refusal that the answer is."""
        status = 0

        async def sent(message: Record) -> None:
            nonlocal status
            status = message.get("status", status)
            if status in (400, 403):
                for sentence in sentences(message.get("body") or b""):
                    log.warning("refused: %s", sentence)
            await send(message)

        await self.app(scope, receive, sent)
