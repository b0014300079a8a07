"""The AWS query protocol by a service's botocore model: a form read into a structure, a structure written as XML.

Lists are `Name.member.1`, maps `Name.entry.1.key` and `.value`, numbers and truths text; flattened ones leave out the
part in the middle. https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

SCALARS: dict[str, Any] = {"integer": int, "long": int, "float": float, "double": float}


def read(shape: Any, form: Mapping[str, str], at: str = "") -> Any:
    """A shape's value in a form, None where there is none."""
    kind = shape.type_name
    if kind == "structure":
        if at and not any(key.startswith(f"{at}.") for key in form):
            return None
        members = {
            name: read(member, form, f"{at}.{place}" if at else place)
            for name, member in shape.members.items()
            for place in [member.serialization.get("name", name)]
        }
        return {name: value for name, value in members.items() if value is not None}
    if kind == "list":
        at = (
            at
            if shape.serialization.get("flattened")
            else f"{at}.{shape.member.serialization.get('name', 'member')}"
        )
        return [*numbered(lambda where: read(shape.member, form, where), at)] or None
    if kind == "map":
        at = at if shape.serialization.get("flattened") else f"{at}.entry"
        pairs = numbered(
            lambda where: (form.get(f"{where}.key"), read(shape.value, form, f"{where}.value")), at
        )
        return dict(pairs) or None
    text = form.get(at)
    if text is None:
        return None
    return text == "true" if kind == "boolean" else SCALARS.get(kind, str)(text)


def numbered(item: Any, at: str) -> Any:
    """The items at `at`.1, `at`.2 and on, up to the first that is not there."""
    number = 1
    while (value := item(f"{at}.{number}")) not in (None, (None, None)):
        yield value
        number += 1


def write(operation: Any, value: Mapping[str, Any]) -> bytes:
    """An operation's answer."""
    result = elements(operation.output_shape, value)
    space = operation.service_model.metadata["xmlNamespace"]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{operation.name}Response xmlns="{space}">'
        f"<{operation.name}Result>{result}</{operation.name}Result>"
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        f"</{operation.name}Response>"
    ).encode()


def elements(shape: Any, value: Any) -> str:
    """What stands inside a shape's element. A member that the model does not have is left out."""
    kind = shape.type_name
    if kind == "structure":
        return "".join(
            f"<{place}>{elements(member, value[name])}</{place}>"
            for name, member in shape.members.items()
            for place in [member.serialization.get("name", name)]
            if value.get(name) is not None
        )
    if kind == "list":
        return "".join(f"<member>{elements(shape.member, item)}</member>" for item in value)
    if kind == "map":
        return "".join(
            f"<entry><key>{escape(str(key))}</key><value>{elements(shape.value, item)}</value></entry>"
            for key, item in value.items()
        )
    if kind == "timestamp" and isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return escape(str(value).lower() if isinstance(value, bool) else str(value))
