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
App = Callable[[Any, Any, Any], Awaitable[None]]


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
            if status in (400, 403) and (refused := REFUSED.search(message.get("body") or b"")):
                log.warning("refused: %s", refused[0].decode(errors="replace"))
            await send(message)

        await self.app(scope, receive, sent)
