"""A project's services (Service Usage API), in memory: enabling one answers a long-running operation.

"Method: services.enable", "services.get" and "operations.get"
(https://docs.cloud.google.com/service-usage/docs/reference/rest/v1/services). An operation is done from its first read
on. Missing: what is not enabled is refused by no other API here.
"""

from __future__ import annotations

import uuid

from local.gcp.refusals import Body, Refused
from local.gcp.wire import Route

KIND = "type.googleapis.com/google.api.serviceusage.v1.{}ServiceResponse"


class Services:
    """The services that are enabled, `projects/<project>/services/<name>`, and the operations that changed it."""

    def __init__(self) -> None:
        self.enabled: set[str] = set()
        self.operations: dict[str, Body] = {}

    def routes(self) -> list[Route]:
        """The methods of services and their operations, each as HTTP verbs, path and handler."""
        service = r"/v1/(projects/[^/]+/services/[^/:]+)"
        return [
            ("GET", r"/v1/(operations/acf\.[^/:]+)", self.operation),
            ("GET", service, lambda b, q, name: self.read(name)),
            ("POST", rf"{service}:enable", lambda b, q, name: self.change(name, "Enable")),
            ("POST", rf"{service}:disable", lambda b, q, name: self.change(name, "Disable")),
        ]

    def read(self, name: str) -> Body:
        """Answers services.get: its state, DISABLED at first; 403 where the name does not end in `.googleapis.com`."""
        if not name.endswith(".googleapis.com"):
            raise Refused(403, f"Service '{name.rpartition('/')[2]}' not found or permission denied.")
        state = "ENABLED" if name in self.enabled else "DISABLED"
        return {"name": name, "parent": name.rpartition("/services/")[0], "state": state}

    def change(self, name: str, verb: str) -> Body:
        """Answers services.enable or disable (`verb`: Enable, Disable) with an operation; the change shows at once."""
        self.read(name)
        (self.enabled.add if verb == "Enable" else self.enabled.discard)(name)
        answer = {"@type": KIND.format(verb), "service": self.read(name)}
        operation = f"operations/acf.{uuid.uuid4().hex}"
        self.operations[operation] = {"name": operation, "done": True, "response": answer}
        return {"name": operation}

    def operation(self, body: Body, query: Body, name: str) -> Body:
        """Answers operations.get: done, with the service in `response`; 404 where none has the name."""
        if name not in self.operations:
            raise Refused(404, f"Requested entity was not found: {name}")
        return self.operations[name]
