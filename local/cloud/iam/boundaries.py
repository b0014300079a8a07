"""The condition key `iam:PermissionsBoundary`: the boundary that a request on a role or a user sets, or that it has.

ministack keeps boundaries, and a role may there what its policies and its boundary both allow. Which actions carry
the key:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html; what it
holds: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html.
"""

from __future__ import annotations

import re
from typing import Any

from local.plain import within

from ..seams import iam, iam_actions
from .request_members import members

SETS = {
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:PutRolePermissionsBoundary",
    "iam:PutUserPermissionsBoundary",
}
ON_ONE = re.compile(
    "iam:(?:Attach|Delete|Detach|Put)(Role|User)(?:Policy|PermissionsBoundary)|iam:DeleteRole"
)


def boundary(action: str, request: dict[str, Any]) -> str | None:
    """The ARN that the key holds; None where the request has no such key."""
    if action in SETS:
        return request.get("PermissionsBoundary") or None
    if not ON_ONE.fullmatch(action):
        return None
    whose, store = ("UserName", iam.users) if "User" in action else ("RoleName", iam.roles)
    return within(store, request.get(whose)).get("PermissionsBoundary") or None


def request_context(
    stock: Any, service: str, action: str, body: bytes, params: dict[str, Any]
) -> dict[str, Any]:
    """The stock condition keys, and of a request to IAM `iam:PermissionsBoundary` where there is a boundary."""
    context = stock(service, action, body, params)
    if service != "iam":
        return context
    own = boundary(action, members(body) | {key: iam_actions.query_parameter(params, key) for key in params})
    return context | ({"iam:PermissionsBoundary": own} if own else {})


def install() -> None:
    """After what says how a request is called and what it is about."""
    iam_actions.request_context.wrap(request_context)
