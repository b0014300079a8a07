"""A project's own roles. A deleted one is there still, marked `deleted`, grants nothing and can't be bound; for 7 days
it can be undeleted, and for 30 more its id is kept from a new one.

"REST Resource: projects.roles" and its methods `delete` and `undelete`
(https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.roles/delete); the days for which the id is kept
(https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_project_iam_custom_role).
Missing: a role is recorded and not enforced; the 7 days end to the second.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from local.gcp import clock
from local.gcp.refusals import Body, Refused
from local.gcp.wire import Route

RESTORABLE, REMEMBERED = timedelta(days=7), timedelta(days=37)


class Roles:
    """The roles of all projects by name, and of deleted ones the time of it."""

    def __init__(self) -> None:
        self.by_name: dict[str, Body] = {}
        self.deleted: dict[str, datetime] = {}  # when, by name

    def routes(self) -> list[Route]:
        """The methods of projects.roles, each as HTTP verbs, path and handler."""
        role = r"/v1/(projects/[^/]+/roles/[^/:]+)"
        return [
            ("POST", r"/v1/(projects/[^/:]+)/roles", self.create),
            ("GET", r"/v1/(projects/[^/:]+)/roles", self.listed),
            ("GET", role, lambda b, q, name: self.find(name)),
            ("PATCH", role, self.patch),
            ("DELETE", role, self.delete),
            ("POST", role + ":undelete", self.undelete),
        ]

    def listed(self, body: Body, query: Body, parent: str) -> Body:
        """The project's roles, without those that are deleted."""
        own = [role for role in self.by_name.values() if role["name"].startswith(f"{parent}/")]
        return {"roles": [role for role in own if role["name"] not in self.deleted]}

    def create(self, body: Body, query: Body, parent: str) -> Body:
        """Answers projects.roles.create: the role; 409 where its id is in use, 400 where that has another form or was
        deleted in the last 37 days."""
        if not re.fullmatch(r"[a-zA-Z0-9_.]{3,64}", role := body.get("roleId", "")):
            raise Refused(400, f"The role_id {role!r} is not 3 to 64 of letters, digits, '_' and '.'")
        name = f"{parent}/roles/{role}"
        if name in self.deleted and clock.now() < self.deleted[name] + REMEMBERED:
            raise Refused(
                400,
                f"You can't create a role_id ({role}) which has been marked for deletion.",
                "FAILED_PRECONDITION",
            )
        if name in self.by_name and name not in self.deleted:
            raise Refused(409, f"A role named {role} in {parent} already exists.")
        self.deleted.pop(name, None)
        self.by_name[name] = {**body.get("role", {}), "name": name}
        return self.by_name[name]

    def find(self, name: str) -> Body:
        """Deleted ones, too, as long as they can be brought back."""
        if name not in self.by_name or (
            name in self.deleted and clock.now() >= self.deleted[name] + RESTORABLE
        ):
            raise Refused(404, f"The role named {name} was not found.")
        return self.by_name[name]

    def active(self, name: str) -> Body:
        """The role if it is not deleted; FAILED_PRECONDITION where it is, 404 where there is none."""
        if (role := self.find(name)).get("deleted"):
            raise Refused(400, f"The role {name} has been marked for deletion.", "FAILED_PRECONDITION")
        return role

    def patch(self, body: Body, query: Body, name: str) -> Body:
        """Answers projects.roles.patch: the role with the body's fields over its own; the mask is not read."""
        self.active(name).update(body.get("role", body))
        return self.by_name[name]

    def delete(self, body: Body, query: Body, name: str) -> Body:
        """Answers projects.roles.delete: the role with its mark, which `undelete` takes off for 7 days."""
        self.active(name)["deleted"] = True
        self.deleted[name] = clock.now()
        return self.by_name[name]

    def undelete(self, body: Body, query: Body, name: str) -> Body:
        """Answers projects.roles.undelete: the mark is off; FAILED_PRECONDITION without one, 404 after 7 days."""
        if not self.find(name).pop("deleted", False):
            raise Refused(400, f"The role {name} is not deleted.", "FAILED_PRECONDITION")
        del self.deleted[name]
        return self.by_name[name]
