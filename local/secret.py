"""The secret of one run of the local clouds: what account keys sign with, and Google's bearer token.

Whoever starts a cloud hands it over in the environment, never in a command line, which every user of the machine
can read. `local/background.py` makes one for each cloud that it starts and keeps it in `.tributary/cloud.json`,
which only the user can read; the providers and samples get it from there.

A cloud that is started without one still refuses web pages (`local/front.py`), but lets in whoever signs a
request's headers as an account, with any secret: then any program on this machine is the administrator.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import MutableMapping

VARIABLE = "TRIBUTARY_LOCAL_SECRET"
LEAST = 16  # characters
ANY = "local"  # what clients sign with where the cloud checks no account's signature
WARNING = f"local.cloud: no {VARIABLE}: any program on this machine may act as any account; web pages may not"

known: dict[str, str] = {}  # by endpoint


def fresh() -> str:
    """A new secret."""
    return secrets.token_hex(20)


def remember(endpoint: str, secret: str) -> None:
    """Lets clients in this process sign for the cloud at `endpoint`."""
    known[endpoint] = secret


def of(endpoint: str) -> str:
    """What a client signs with at `endpoint`."""
    return known.get(endpoint) or os.environ.get(VARIABLE) or ANY


def taken(environment: MutableMapping[str, str]) -> str | None:
    """The secret that this process was given; it goes no further, to children, by itself."""
    value = environment.pop(VARIABLE, None)
    if value and len(value) < LEAST:
        raise SystemExit(f"{VARIABLE} has {len(value)} characters; give it at least {LEAST}")
    return value or None
