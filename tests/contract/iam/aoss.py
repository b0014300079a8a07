"""Who may do what inside a collection of OpenSearch Serverless, and from where it is reached.

Data access policies (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-data-access.html):
each statement's principals have its rules' permissions on its rules' resources; several policies add up; nothing is
denied. IAM's `aoss:APIAccessAll` is needed besides, which the role's own policy is proven to have.
Network policies (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-network.html): a rule
opens a collection's endpoint or its Dashboards to the public or to VPC endpoints; where rules overlap, the public one
prevails, so these add up, too. A resource here is `index/<collection>/<index>`, `collection/<collection>`, and for the
network `endpoint/<collection>` and `dashboard/<collection>`, which one `reaches`.
"""

import re
from collections.abc import Iterable, Iterator

from tests.contract.iam.grants import Grant, Granting, UnreadGrant, only

PLACES = ("index/", "collection/", "endpoint/", "dashboard/")
# "Supported policy permissions" of the page above.
PERMISSIONS = {
    "collection": {
        f"aoss:{verb}CollectionItems" for verb in ("Create", "Delete", "Describe", "Update")
    },
    "index": {
        f"aoss:{what}"
        for what in (
            "CreateIndex", "DeleteIndex", "DescribeIndex", "ReadDocument", "UpdateIndex", "WriteDocument",
        )
    },
}  # fmt: skip


def data(resource: Granting) -> Iterator[Grant]:
    """The grants of a data access policy."""
    for statement in resource.inputs["policy"]:
        only(resource, {"Rules", "Principal", "Description"}, statement)
        for rule in statement["Rules"]:
            only(resource, {"ResourceType", "Resource", "Permission"}, rule)
            kind = rule["ResourceType"]
            unknown = set(rule["Permission"]) - PERMISSIONS.get(kind, set()) - {"aoss:*"}
            if kind not in PERMISSIONS or unknown:
                raise UnreadGrant(resource, f"no permission on a {kind}: {', '.join(sorted(unknown))}")
            for who in statement["Principal"]:
                for on in rule["Resource"]:
                    if not on.startswith(f"{kind}/"):
                        raise UnreadGrant(resource, f"'{on}' is no {kind}")
                    for may in rule["Permission"]:
                        yield Grant(f"data access policy {resource.name}", who, may, on)


def network(resource: Granting) -> Iterator[Grant]:
    """The grants of a network policy; none of an encryption policy, which lets nobody in."""
    if resource.inputs["type"] == "encryption":
        return
    kinds = {"collection": "endpoint/", "dashboard": "dashboard/"}
    for statement in resource.inputs["policy"]:
        only(resource, {"Rules", "AllowFromPublic", "SourceVPCEs", "Description"}, statement)
        sources = ["public"] if statement["AllowFromPublic"] else statement["SourceVPCEs"]
        for rule in statement["Rules"]:
            only(resource, {"ResourceType", "Resource"}, rule)
            for on in rule["Resource"]:
                for who in sources:
                    place = kinds[rule["ResourceType"]] + on.removeprefix("collection/")
                    yield Grant(f"network policy {resource.name}", who, "reaches", place)


def allows(grants: Iterable[Grant], who: str, may: str, on: str) -> bool:
    """Whether one of the grants lets `who` do it. Raises ValueError on what the service doesn't know."""
    kind = on.partition("/")[0]
    if may not in (PERMISSIONS.get(kind) or {"reaches"}):
        raise ValueError(f"{may} on {on}: OpenSearch Serverless has no such permission there")
    return any(
        grant.who in (who, "*") and grant.may in (may, "aoss:*") and _fits(grant.on, on) for grant in grants
    )


def _fits(pattern: str, on: str) -> bool:
    """A `*` stands for any characters: `index/logs*/*` is every index of the collections that begin so."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), on) is not None
