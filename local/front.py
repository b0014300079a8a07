"""Who may speak to a local cloud: the ASGI app in front of each, which lets no web page in.

A page that the developer opens can send requests to loopback, and with a name that it lets point there (DNS
rebinding) it can read the answers. No client of a cloud is a page, so this refuses, with a 403 and before the
cloud has seen it, any request or web socket

- whose one `Host` is not a name of loopback at this port: 127.0.0.1, [::1], localhost, <anything>.localhost
  (RFC 6761, section 6.3: such a name never leaves the machine);
- that carries an `Origin`, whichever it is: only browsers send one (Fetch standard, "Origin header");
- whose `Sec-Fetch-Site` is other than `none`, which is what an address typed by the user has (Fetch Metadata,
  section 2.3, https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header).

A cloud may add a check of its own, `refuse(scope, headers)`, which gives the reason or None and is answered with
`status`. No answer carries a CORS header, so a preflight fails as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

LOOPBACK = re.compile(r"(?:127\.0\.0\.1|\[::1\]|localhost|(?:[a-z0-9_-]+\.)+localhost)(?::([0-9]{1,5}))?")
Check = Callable[[dict[str, Any], dict[str, str]], str | None]


def nothing_more(scope: dict[str, Any], headers: dict[str, str]) -> str | None:
    """No further check."""
    return None


def foreign(pairs: list[tuple[bytes, bytes]], port: int, host_is_known: bool = False) -> str | None:
    """Why these request headers are a page's, or None."""
    hosts = [value.decode("latin-1").lower() for name, value in pairs if name.lower() == b"host"]
    if not host_is_known:
        named = LOOPBACK.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if not named or named[1] not in (None, str(port)):
            return f"Host {', '.join(hosts) or '(none)'!r} is not this machine's loopback at port {port}"
    for name, value in pairs:
        text = value.decode("latin-1")
        if name.lower() == b"origin":
            return f"the request comes from a web page: Origin {text!r}"
        if name.lower() == b"sec-fetch-site" and text.strip().lower() != "none":
            return f"the request comes from a web page: Sec-Fetch-Site {text!r}"
    return None


class Front:
    """`app` at this port of loopback. `host_is_known` says of a request that its Host may be another."""

    def __init__(
        self,
        app: Any,
        port: int,
        refuse: Check = nothing_more,
        host_is_known: Callable[[dict[str, Any], dict[str, str]], bool] = lambda scope, headers: False,
        status: int = 403,
    ):
        self.app, self.port, self.refuse, self.status = app, port, refuse, status
        self.host_is_known = host_is_known

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers a request, or passes it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        pairs = scope["headers"]
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
        status, reason = 403, foreign(pairs, self.port, self.host_is_known(scope, headers))
        if reason is None:
            status, reason = self.status, self.refuse(scope, headers)
        if reason is None:
            await self.app(scope, receive, without_cors(send))
            return
        if scope["type"] == "websocket":  # closed before it is accepted, which a client sees as a 403
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = {"__type": "AccessDenied", "message": reason, "error": {"code": status, "message": reason}}
        body = json.dumps(refusal).encode()
        answer = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": answer})
        await send({"type": "http.response.body", "body": body})


def without_cors(send: Any) -> Any:
    """`send` that leaves out what would let a page read an answer."""

    async def without(message: Any) -> None:
        if message.get("headers") and "start" in message["type"]:
            headers = [
                h for h in message["headers"] if not bytes(h[0]).lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": headers}
        await send(message)

    return without
