"""Long-running operations: what a method answers whose work goes on after its answer.

An operation is not done when it is begun, and done from its first read on, with the method's result in `response`.
What the method changes is there at once. Missing: `error`, since what can't be done is refused at once, and metadata.
"Long-running operations" (https://docs.cloud.google.com/iam/docs/reference/rest/Shared.Types/Operation).
"""

from __future__ import annotations

import uuid

from local.gcp.refusals import Body, Refused

EMPTY = "type.googleapis.com/google.protobuf.Empty"


class Operations:
    """The operations of one service; each is kept as it is once it is done."""

    def __init__(self) -> None:
        self.by_name: dict[str, Body] = {}  # by name, as they are once they are done

    def begin(self, resource: str, kind: str, result: Body) -> Body:
        """An operation on the resource of that name; `kind` is the type URL of its result."""
        name = f"{resource}/operations/{uuid.uuid4().hex[:26]}"
        self.by_name[name] = {"name": name, "done": True, "response": {"@type": kind, **result}}
        return {"name": name}

    def find(self, body: Body, query: Body, name: str) -> Body:
        """Answers `operations.get`: done, with the method's result in `response`; 404 where none has the name."""
        if name not in self.by_name:
            raise Refused(404, f"Requested entity was not found: {name}")
        return self.by_name[name]
