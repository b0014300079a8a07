"""A project's services (Service Usage API), in memory: enabling one answers a long-running operation.

"Method: services.enable" and "services.get"
(https://docs.cloud.google.com/service-usage/docs/reference/rest/v1/services). Missing: what is not enabled is refused
by no other API here.
"""

from __future__ import annotations

from typing import Any

from local.gcp.operations import Operations
from local.gcp.refusals import Body, Refused

KIND = "type.googleapis.com/google.api.serviceusage.v1.EnableServiceResponse"


class Services:
    def __init__(self) -> None:
        self.enabled: set[str] = set()
        self.operations = Operations()

    def routes(self) -> list[tuple[str, str, Any]]:
        service = r"/v1/(projects/[^/]+/services/[^/:]+)"
        return [
            ("GET", r"/v1/(projects/[^/]+/services/[^/:]+/operations/[^/:]+)", self.operations.find),
            ("GET", service, lambda b, q, name: self.read(name)),
            ("POST", rf"{service}:enable", self.enable),
            ("POST", rf"{service}:disable", self.disable),
        ]

    def read(self, name: str) -> Body:
        if not name.endswith(".googleapis.com"):
            raise Refused(403, f"Service '{name.rpartition('/')[2]}' not found or permission denied.")
        state = "ENABLED" if name in self.enabled else "DISABLED"
        project = name.rpartition("/services/")[0]
        return {"name": name, "parent": project, "state": state}

    def enable(self, body: Body, query: Body, name: str) -> Body:
        self.read(name)
        self.enabled.add(name)
        return self.operations.begin(name, KIND, {"service": self.read(name)})

    def disable(self, body: Body, query: Body, name: str) -> Body:
        self.enabled.discard(name)
        return self.operations.begin(name, KIND.replace("Enable", "Disable"), {"service": self.read(name)})
