"""Who may reach a collection: its network policies, and the permissions that its data access policies give.

Source: docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-data-access.html and
serverless-network.html.
"""

from fnmatch import fnmatchcase
from typing import Any

from ..iam import authorization
from ..seams import opensearchserverless as oss
from ..seams.parts import Record
from .data_requests import Need, Refused


def permissions(rec: Record, principal: Any) -> list[tuple[str, str]]:
    """(permission, resource pattern) that the collection's data access policies give this principal."""
    names = {principal.arn}
    if ":assumed-role/" in principal.arn:
        role = authorization.role_record(
            f"arn:aws:iam::{principal.account}:role/{principal.arn.split('/')[1]}"
        )
        names |= {role["Arn"]} if role else set()
    return [
        (permission, resource)
        for policy in oss.access_policies.values()
        for statement in policy["policy"]
        if names & set(statement["Principal"])
        for rule in statement["Rules"]
        for permission in rule["Permission"]
        for resource in rule["Resource"]
    ]


def is_public(name: str) -> bool:
    """Whether a network policy with AllowFromPublic has a rule for the collection of this name."""
    return any(
        statement.get("AllowFromPublic")
        and any(
            rule["ResourceType"] == "collection" and fnmatchcase(f"collection/{name}", resource)
            for rule in statement["Rules"]
            for resource in rule["Resource"]
        )
        for key, policy in oss.security_policies.items()
        if key.startswith("network/")
        for statement in policy["policy"]
    )


def authorize(rec: Record, principal: Any, needs: list[Need]) -> None:
    """Raises Refused, a 403 with each permission and resource of `needs` that no policy gives the principal."""
    granted = permissions(rec, principal)
    missing = [
        f"aoss:{permission} on {resource}"
        for permission, resource in needs
        if not any(
            has in ("aoss:*", f"aoss:{permission}") and fnmatchcase(resource, pattern)
            for has, pattern in granted
        )
    ]
    if missing:
        raise Refused(403, f"no data access policy gives {principal.arn} {', '.join(missing)}")
