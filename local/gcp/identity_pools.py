"""Workload identity pools and their providers, in memory. Creating, changing and deleting answers a long-running
operation.

A deleted pool is there still, in the state DELETED: it can be read, and not changed or used, and nothing is made in it.
For 30 days it can be undeleted, and its id is kept from a new one; so is a provider's.
"REST Resource: projects.locations.workloadIdentityPools" and its methods `create`, `delete` and `undelete`
(https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/delete).

Of an AWS provider's mapping only `google.subject`, from `assertion.arn` or a part of it, is known here, and of
conditions this much: `assertion.arn.startsWith('…')`, `assertion.arn == '…'` and `assertion.account == '…'`, joined by
`&&`. Of an OpenID Connect provider's the subject is mapped from a claim, and its condition compares claims: `==`, `&&`.
Anything else is refused.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from local.gcp import clock
from local.gcp.operations import EMPTY, Operations
from local.gcp.refusals import Body, Refused
from local.gcp.wire import Route
from local.plain import within

POOL = r"projects/[^/]+/locations/global/workloadIdentityPools/[^/:]+"
KIND = "type.googleapis.com/google.iam.v1.WorkloadIdentityPool"
TERM = re.compile(r"assertion\.(arn|account)(?:\.(startsWith)\('([^'\\]*)'\)| == '([^'\\]*)')")
CLAIM_TERM = re.compile(r"assertion\.(\w+)( == )'([^'\\]*)'")
CLAIM = re.compile(r"assertion\.(\w+)")
EXTRACT = re.compile(r"assertion\.arn(?:\.extract\('([^{]*)\{\w+\}([^']*)'\))?")
RESTORABLE = timedelta(days=30)


def kind_of(name: str) -> str:
    """The type URL of what an operation on the name results in: a provider's below a pool, else a pool's."""
    return f"{KIND}Provider" if "/providers/" in name else KIND


def terms(condition: str, form: re.Pattern[str] = TERM) -> list[tuple[str, ...]]:
    """The parts of a condition, all of which must hold; none of an empty one."""
    parts = [form.fullmatch(part.strip()) for part in condition.split("&&")] if condition else []
    if not all(parts):
        raise Refused(400, f"The local Google Cloud evaluates no such attribute condition: {condition!r}")
    return [part.groups() for part in parts if part]


class IdentityPools:
    """The pools and providers of all projects, deleted ones among them, and the operations on them."""

    def __init__(self) -> None:
        self.by_name: dict[str, Body] = {}  # pools and their providers by name
        self.operations = Operations()

    def routes(self) -> list[Route]:
        """The methods of pools, their providers and operations, each as HTTP verbs, path and handler."""
        pool_or_provider = rf"/v1/({POOL}(?:/providers/[^/:]+)?)"
        return [
            ("POST", r"/v1/(projects/[^/]+/locations/global/workloadIdentityPools)", self.create),
            ("POST", rf"/v1/({POOL}/providers)", self.create),
            ("GET", r"/v1/(projects/[^/]+/locations/global/workloadIdentityPools)", self.listed),
            ("GET", pool_or_provider, lambda b, q, name: self.find(name)),
            ("GET", rf"{pool_or_provider}:listAttestationRules", lambda b, q, name: self.find(name) and {}),
            ("GET", rf"/v1/({POOL}(?:/providers/[^/:]+)?/operations/[^/:]+)", self.operations.find),
            ("PATCH", pool_or_provider, self.patch),
            ("DELETE", pool_or_provider, self.delete),
            ("POST", rf"{pool_or_provider}:undelete", self.undelete),
        ]

    def listed(self, body: Body, query: Body, parent: str) -> Body:
        """The project's pools, without those that are deleted unless they are wanted too."""
        deleted = query.get("showDeleted", "").lower() == "true"
        names = [name for name in self.by_name if re.fullmatch(rf"{parent}/[^/]+", name) and self.there(name)]
        pools = [self.by_name[name] for name in names]
        return {"workloadIdentityPools": [pool for pool in pools if deleted or pool["state"] != "DELETED"]}

    def create(self, body: Body, query: Body, parent: str) -> Body:
        """Answers `create` of a pool or provider with an operation; 400 on an id, a mapping or a condition that is not
        taken, 409 where the id is in use or still kept."""
        leaf = query.get("workloadIdentityPoolProviderId") or query.get("workloadIdentityPoolId", "")
        if not re.fullmatch(r"[a-z0-9-]{4,32}", leaf) or leaf.startswith("gcp-"):
            raise Refused(400, f"The id {leaf!r} is not 4 to 32 of a-z, 0-9 and '-'")
        if parent.endswith("/providers"):
            self.active(parent.removesuffix("/providers"))
            subject = within(body, "attributeMapping").get("google.subject", "assertion.arn")
            if not (CLAIM if body.get("oidc") else EXTRACT).fullmatch(subject):
                raise Refused(400, f"The local Google Cloud maps no {subject!r}")
            terms(body.get("attributeCondition", ""), CLAIM_TERM if body.get("oidc") else TERM)
        if self.there(name := f"{parent}/{leaf}"):
            raise Refused(409, "Requested entity already exists")
        for below in [key for key in self.by_name if key.startswith(f"{name}/")]:
            del self.by_name[below]
        self.by_name[name] = body | {"name": name, "state": "ACTIVE"}
        return self.operations.begin(name, kind_of(name), self.by_name[name])

    def patch(self, body: Body, query: Body, name: str) -> Body:
        """A field of the mask that the body lacks is cleared."""
        there = self.active(name)
        terms(body.get("attributeCondition", ""), CLAIM_TERM if there.get("oidc") else TERM)
        for field in filter(None, query.get("updateMask", "").split(",")):
            if field in body:
                there[field] = body[field]
            else:
                there.pop(field, None)
        return self.operations.begin(name, kind_of(name), there)

    def delete(self, body: Body, query: Body, name: str) -> Body:
        """Answers `delete` with an operation: DELETED, and gone 30 days later; 404 where it is DELETED already."""
        self.active(name).update({"state": "DELETED", "expireTime": clock.text(clock.now() + RESTORABLE)})
        return self.operations.begin(name, EMPTY, {})

    def undelete(self, body: Body, query: Body, name: str) -> Body:
        """Answers `undelete` with an operation: ACTIVE again; FAILED_PRECONDITION where it is not DELETED."""
        if (there := self.find(name))["state"] != "DELETED":
            raise Refused(400, f"{name} is not deleted", "FAILED_PRECONDITION")
        del there["expireTime"]
        there["state"] = "ACTIVE"
        return self.operations.begin(name, kind_of(name), there)

    def there(self, name: str) -> bool:
        """Whether it is, deleted or not: until its time has expired."""
        until = self.by_name.get(name, {}).get("expireTime")
        return name in self.by_name and (until is None or clock.now() < datetime.fromisoformat(until))

    def find(self, name: str) -> Body:
        """A pool or provider, a deleted one too."""
        if not self.there(name) or not self.there(name.partition("/providers/")[0]):
            raise Refused(404, f"Requested entity was not found: {name}")
        return self.by_name[name]

    def active(self, name: str) -> Body:
        """One that is not deleted, nor its pool."""
        for part in (name.partition("/providers/")[0], name):
            if self.find(part)["state"] == "DELETED":
                raise Refused(404, f"Requested entity was not found: {part} is deleted")
        return self.by_name[name]
