"""A call that an SDK makes again, because its connection broke before the answer came, is answered and not made again.

On a busy machine a connection breaks now and then, and the SDK for Go had EntityAlreadyExists for the role that its own
first attempt had made. Attempts of one call share `amz-sdk-invocation-id` and are numbered in `amz-sdk-request`; an
SDK makes another one after a success only if it has not seen that. An attempt that failed is made again.
"Retry behavior" (docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html). AWS itself has no such memory.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from .seams.parts import Record

ANSWERS, LIMIT = 512, 1 << 16  # answers, and the bytes of one
ATTEMPT = re.compile(rb"attempt=(\d+)")
SIGNER = re.compile(rb"Credential=([^/]+)/")
App = Callable[[Any, Any, Any], Awaitable[None]]


class Answers:
    """The ASGI app in front of the cloud."""

    def __init__(self, app: App):
        self.app = app
        self.calls: OrderedDict[tuple[bytes, bytes], asyncio.Future[list[Record]]] = OrderedDict()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers an ASGI request: a repeated one as it was answered before, if that is kept; any other by the app."""
        headers: dict[bytes, bytes] = dict(scope.get("headers") or ())
        call, number = (
            headers.get(b"amz-sdk-invocation-id"),
            ATTEMPT.search(headers.get(b"amz-sdk-request", b"")),
        )
        if scope["type"] != "http" or not call or not number:
            await self.app(scope, receive, send)
            return
        signer = SIGNER.search(headers.get(b"authorization", b""))
        key = (call, signer[1] if signer else b"")
        if int(number[1]) > 1 and key in self.calls and (answer := await self.calls[key]):
            while (await receive()).get("more_body"):
                pass
            for message in answer:
                await send(message)
            return
        await self.record(key, scope, receive, send)

    async def record(self, key: tuple[bytes, bytes], scope: Any, receive: Any, send: Any) -> None:
        """Carries the call out, and keeps a success of moderate size."""
        messages: list[Record] = []
        known = self.calls[key] = asyncio.get_running_loop().create_future()
        while len(self.calls) > ANSWERS:
            self.calls.popitem(last=False)

        async def sent(message: Record) -> None:
            messages.append(message)
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            whole = messages and messages[0].get("status", 500) < 300 and not messages[-1].get("more_body")
            size = sum(len(message.get("body", b"")) for message in messages)
            known.set_result(messages if whole and size <= LIMIT else [])
