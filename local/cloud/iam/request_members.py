"""The members of a request's body, in whichever of the services' forms it is."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import cbor2

from local.plain import is_object


def members(body: bytes) -> dict[str, Any]:
    """The request's members, of its JSON, its CBOR or its form."""
    if body[:1] and 0xA0 <= body[0] <= 0xBF:  # a map, by RFC 8949; no text begins so
        try:
            parsed = cbor2.loads(body)
        except cbor2.CBORDecodeError:
            return {}
        return parsed if is_object(parsed) else {}
    try:
        parsed = json.loads(body or b"{}")
        return parsed if is_object(parsed) else {}
    except (ValueError, UnicodeDecodeError):
        return {key: values[0] for key, values in parse_qs((body or b"").decode("latin-1")).items()}
