"""The answers of the AWS query protocol by a service's botocore model: a structure written as XML. Its requests are
read by `models.wire`. https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape


def write(operation: Any, value: Mapping[str, Any]) -> bytes:
    """An operation's answer; one without an output has no result in it."""
    shape, space = operation.output_shape, operation.service_model.metadata["xmlNamespace"]
    name = f"{operation.name}Result"
    result = f"<{name}>{elements(shape, value)}</{name}>" if shape else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{operation.name}Response xmlns="{space}">'
        f"{result}"
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
