"""What a beat is: a line of JSON."""

import json


def beat(name: str, seconds: float) -> bytes:
    """`{"beat": <name>, "at": <whole seconds since 1970>}` and a line's end."""
    return json.dumps({"beat": name, "at": int(seconds)}).encode() + b"\n"
