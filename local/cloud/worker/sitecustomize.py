"""In Lambda workers, `<account>.localhost` is loopback, as RFC 6761 has it; the C library may not know.

S3 Control puts the account in front of the endpoint's host name, and an IP address takes no such prefix.

Garbage is collected as seldom as local/garbage.py says, for its reason: a third of a cold start is to load models.
"""

import gc
import socket
from typing import Any

resolve = socket.getaddrinfo


def getaddrinfo(host: str | bytes | None, *arguments: Any, **named: Any) -> Any:
    """Resolves a host as `socket.getaddrinfo` does, but `localhost` and each name under it as 127.0.0.1."""
    name = host.decode() if isinstance(host, bytes) else host
    return resolve(
        "127.0.0.1" if name and (name == "localhost" or name.endswith(".localhost")) else host,
        *arguments,
        **named,
    )


socket.getaddrinfo = getaddrinfo
gc.set_threshold(50_000)
