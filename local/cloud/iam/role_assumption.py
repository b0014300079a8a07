"""Who may take a role on (`sts:AssumeRole`): the role's trust and the caller's own policies decide, both must allow.

The trust names the caller, or its account, which then leaves it to the caller's policies. In the role's own account a
trust that names the caller itself suffices; in another one it does not. A trust that names a service lets that service
in and nobody of IAM: ministack lets every account's root through it, so an administrator got each role of each account.
"Cross-account policy evaluation logic"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html), "Policy
evaluation for requests within a single account", which names the role's trust as the exception
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html),
and "AWS JSON policy elements: Principal"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html). Other than in AWS an
account's root, which its 12 digits are here, may take roles on (API_AssumeRole.html).
"""

from __future__ import annotations

import functools
from typing import Any
from urllib.parse import parse_qsl

import botocore.session

from local.plain import is_list

from ..models import constraints, wire
from ..seams import iam_evaluator as iam
from ..seams import sts
from ..seams.parts import Record
from ..seams.responses import get_region
from . import authorization

ACTION, TAGGING = "sts:AssumeRole", "sts:TagSession"


@functools.cache
def request_shape() -> Any:
    """The input of AssumeRole in STS's model."""
    return botocore.session.Session().get_service_model("sts").operation_model("AssumeRole").input_shape


def check(principal: iam.PrincipalInfo, request: dict[str, Any]) -> None:
    """Raises Denied where one of the two sides does not allow it, or where there is no such role. Who passes tags to
    the session has to be let by both to do that as well
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required)."""
    for action in (ACTION, TAGGING) if request.get("Tags") else (ACTION,):
        _check(principal, request, action)


def _check(principal: iam.PrincipalInfo, request: dict[str, Any], action: str) -> None:
    arn = request.get("RoleArn", "")
    role = authorization.role_record(arn)
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    ctx = iam.EvalContext(
        principal.arn, principal.type, principal.account, action, arn, get_region(),
        request_tags=tags,
        tag_keys=list(tags),
        service_context={
            "sts:externalid": request.get("ExternalId"),
            "sts:transitivetagkeys": request.get("TransitiveTagKeys") or None,
            "sts:rolesessionname": request.get("RoleSessionName"),
        },
        principal_keys=principal.keys,
    )  # fmt: skip
    policies = authorization.ALLOW_ALL if principal.policies is None else principal.policies
    identity = iam.evaluate(ctx, policies, *principal.limits)
    trust = authorization.without_resource(role.get("AssumeRolePolicyDocument") if role else {})
    allowed = iam.combine_resource_policy(
        identity, ctx, trust, arn.split(":")[4], required=True, limits=tuple(principal.limits)
    )
    if role is None or allowed.decision != "Allow":
        # A role that is not there is refused as one that lets nobody in: AWS gives both the same error.
        side = "identity-based" if identity.decision != "Allow" else "role trust"
        raise authorization.Denied(principal.arn, action, arn, f"no {side} policy allows the {action} action")


async def around(stock: Any, method: str, path: str, headers: Record, body: Any, query: Any) -> Any:
    """Stands in front of STS: AccessDenied, with status 403, for an AssumeRole that `check` denies."""
    form = {key: value[0] if is_list(value) else value for key, value in dict(query or {}).items()}
    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    form |= dict(parse_qsl(text, keep_blank_values=True))
    if form.get("Action") != "AssumeRole":
        return await stock(method, path, headers, body, query)
    try:
        request = wire.from_form(request_shape(), wire.tree(form), False)
        if str(request.get("RoleArn", "")).count(":") >= 5:  # else it is refused as no ARN
            check(authorization.caller(headers, query), request)
    except authorization.Denied as denied:
        return sts.error(403, "AccessDenied", str(denied), ns="sts")
    except constraints.Unreadable:  # refused by the model
        pass
    return await stock(method, path, headers, body, query)


def install() -> None:
    """Puts `around` in front of STS, and keeps ministack from deciding the same actions itself."""
    for action in (ACTION, TAGGING):
        iam.always_allow(action)  # decided here, where the trust is known
    authorization.wrap("sts", around)
