"""Who may do what: the gaps in ministack's IAM that tributary's paths cross, closed in one place.

ministack evaluates identity policies, boundaries, conditions and (in the caller's own account) resource
policies. Added here: the resource policy of another account's bucket, key, queue, topic, function or bus (both
sides must allow), an account's own root being subject to resource policies, anonymous S3 requests, trust
policies of roles that services assume, and service principals. Errors: `Denied`, which names principal,
action, resource and the side that did not allow.
Source: "Policy evaluation logic" and "Cross-account policy evaluation logic" in the IAM user guide
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html).
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from local.plain import is_list

from ..seams import app, iam_actions, lambda_runtime, tagging
from ..seams import iam_evaluator as iam
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import (
    error_response_json,
    extract_access_key_id,
    get_account_id,
    get_region,
    request_scope,
)

log = logging.getLogger("tributary.cloud")
ALLOW_ALL = [iam.parse_policy_document({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})]
stock_policy, stock_principal = iam.resource_policy.current, iam.resolve_principal.current
namespace: ContextVar[str | None] = ContextVar("namespace", default=None)
event_sources: ContextVar[tuple[str, ...]] = ContextVar("event_sources", default=())
stock_condition_key = iam.condition_key.current


class Denied(Exception):
    """An authorization failure, worded as AWS words it."""

    def __init__(self, principal: str, action: str, resource: str, why: str):
        self.action, self.resource, self.why = action, resource, why
        super().__init__(
            f"User: {principal} is not authorized to perform: {action} on resource: {resource} because {why}"
        )


def bucket_owner(bucket: str) -> str | None:
    """The account that a bucket belongs to; None where there is no such bucket."""
    from ..seams import s3

    return s3.bucket_owner(bucket)


def resource_policy(service: str, arn: str) -> tuple[Any, ...] | None:
    """(policy, owner) of a resource, in whichever account it stands; ministack reads the caller's account only."""
    if not arn.startswith("arn:"):
        return None
    parts = arn.split(":", 5)
    owner = bucket_owner(parts[5].split("/")[0]) if parts[2] == "s3" and not parts[4] else parts[4]
    if not owner:
        return stock_policy(service, arn)
    with request_scope(owner, parts[3] or get_region()):
        if service == "events":
            from ..seams import eventbridge

            name = parts[5].removeprefix("event-bus/")
            return (eventbridge.bus_policies.get(name) or "", owner) if name != parts[5] else None
        return stock_policy(service, arn)


def resolve_principal(access_key_id: str, account_id: str, credential: Any = None):
    """An account's root is allowed everything by identity, and still meets the resource's policy; nobody is nobody."""
    principal = stock_principal(access_key_id, account_id, credential)
    if isinstance(principal, iam.AuthError) or principal.policies is not None:
        return principal
    if not access_key_id:
        return iam.PrincipalInfo(arn="anonymous", type="Anonymous", account="", policies=[])
    principal.policies = ALLOW_ALL
    return principal


def condition_key(key: str, ctx: iam.EvalContext) -> Any:
    """A condition key's value for this request; what ministack lacks or has wrong comes from here, the rest from it."""
    name = key.lower()
    if name == "aws:principalarn" and ":assumed-role/" in ctx.principal_arn:
        # The key holds the role, not the session.
        return f"arn:aws:iam::{ctx.principal_account}:role/{ctx.principal_arn.split('/')[1]}"
    if name in ("aws:resourceaccount", "s3:resourceaccount") and ctx.resource_arn.startswith("arn:aws:s3:::"):
        return bucket_owner(ctx.resource_arn[13:].split("/")[0])
    if name.startswith("aws:resourcetag/") and name not in ctx.service_context:
        # ministack looks for these keys in a principal's own policies, not in its boundary.
        return tags_of(ctx.resource_arn).get(name)
    if name in ("ec2:region", "cloudwatch:namespace"):
        return ctx.region if name == "ec2:region" else namespace.get()
    if name == "events:source":
        return list(event_sources.get()) or None
    if name == "aws:principalisawsservice":
        return str(ctx.principal_type == "Service").lower()
    if name == "aws:viaawsservice":
        return ctx.service_context.get(name, "false")
    return stock_condition_key(key, ctx)


def resource_arn(
    stock: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: Record,
    body: bytes,
    *rest: Any,
    **named: Any,
) -> str:
    """The stock answer; on its way what a call to CloudWatch or EventBridge speaks of is kept for `condition_key`."""
    if service == "events" and headers.get("x-amz-target", "").endswith(".PutEvents"):
        entries = json.loads(body or b"{}").get("Entries", [])
        event_sources.set(tuple({entry.get("Source", "") for entry in entries}))
    if service in ("monitoring", "cloudwatch"):
        match = re.search(rb'Namespace(?:"\s*:\s*"|=)([\w/.-]+)|Namespace([\x60-\x77])', body or b"")
        short = bool(match and match[2])  # CBOR: a byte that holds the length, then the text
        value = match and (body[match.end() : match.end() + match[2][0] - 0x60] if short else match[1])
        namespace.set(value.decode() if value else None)
        # ministack reads JSON and forms; what CBOR names is for `named_resources`.
        body = b"" if "cbor" in headers.get("content-type", "") else body
    return stock(service, method, path, headers, body, *rest, **named)


def tags_of(resource: str) -> dict[str, str]:
    """The condition keys `aws:ResourceTag/<key>` of a resource, in lower case, in whichever account it stands."""
    parts = resource.split(":", 5)
    if len(parts) < 6 or not parts[4]:
        return {}
    with request_scope(parts[4], parts[3] or get_region()):
        return {f"aws:resourcetag/{k}".lower(): v for k, v in (tagging.resource_tags(resource) or {}).items()}


def check(
    principal: iam.PrincipalInfo, action: str, resource: str, region: str | None = None, **context: Any
) -> None:
    """Raise Denied unless identity and resource policies let `principal` do `action`. Context keys in lower case."""
    service = action.partition(":")[0]
    ctx = iam.EvalContext(
        principal.arn,
        principal.type,
        principal.account,
        action,
        resource,
        region or get_region(),
        service_context={"aws:tagkeys": None, **context},
        principal_keys=principal.keys,
    )
    policies = ALLOW_ALL if principal.policies is None else principal.policies
    if iam.names_condition_key(policies, "aws:resourcetag/"):
        ctx.service_context |= tags_of(resource)
    identity = iam.evaluate(ctx, policies, *principal.limits)
    attached = resource_policy(service, resource)
    result = (
        identity
        if attached is None
        else iam.combine_resource_policy(
            identity, ctx, *attached, required=service == "kms", limits=tuple(principal.limits)
        )
    )
    if result.decision == "Allow":
        return
    side = (
        "identity-based"
        if identity.decision != "Allow"
        else {"s3": "bucket", "kms": "key"}.get(service, "resource-based")
    )
    why = (
        f"an explicit deny in a {'resource-based' if result.resource_policy_arn else 'identity-based'} policy"
        if result.decision == "Deny"
        else f"no {side} policy allows the {action} action"
    )
    raise Denied(principal.arn, action, resource, why)


def check_service(
    service: str, action: str, resource: str, source_arn: str, source_account: str, **context: Any
) -> None:
    """Raise Denied unless the resource's policy lets the AWS service in, on behalf of `source_arn`."""
    attached = resource_policy(action.partition(":")[0], resource)
    keys = {
        "aws:sourcearn": source_arn,
        "aws:sourceaccount": source_account,
        "aws:sourceowner": source_account,
    }
    if service == "events.amazonaws.com":
        # The guide's policies for a rule's targets name the rule's ARN, and no page says that the account is a key too:
        # docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html.
        del keys["aws:sourceaccount"], keys["aws:sourceowner"]
    ctx = iam.EvalContext(
        "*", "Service", "", action, resource, get_region(), service_context={**keys, **context}
    )
    if not attached or iam.evaluate_resource_policy(attached[0], ctx, service=service).decision != "Allow":
        raise Denied(
            service,
            action,
            resource,
            f"no resource-based policy allows the {action} action to {service} for {source_arn}",
        )


def role_record(role_arn: str) -> Record | None:
    """The record of the role that an ARN names, in whichever account; None where it names no role that is there."""
    from ..seams import iam as iam_service

    parts = role_arn.split(":", 5)
    if len(parts) < 6 or not parts[5].startswith("role/"):
        return None
    return iam_service.roles.get_scoped(parts[4], None, parts[5].rsplit("/", 1)[-1])


def check_trust(role_arn: str, service: str, source_arn: str = "", *, names_source: bool = True) -> Record:
    """The role's record, if its trust policy lets `service` assume it for `source_arn` in the role's own account. A
    service of which no documentation says that it names the source (not `names_source`) names none here."""
    role = role_record(role_arn)
    if role is None:
        raise Denied(service, "sts:AssumeRole", role_arn, "the role does not exist")
    account = role_arn.split(":")[4]
    keys = {"aws:sourceaccount": account, **({"aws:sourcearn": source_arn} if source_arn else {})}
    keys = keys if names_source else {}
    ctx = iam.EvalContext("*", "Service", "", "sts:AssumeRole", role_arn, get_region(), service_context=keys)
    trust = role.get("AssumeRolePolicyDocument")
    if iam.evaluate_resource_policy(without_resource(trust), ctx, service=service).decision != "Allow":
        raise Denied(service, "sts:AssumeRole", role_arn, "the role's trust policy does not allow it")
    return role


def without_resource(trust: Any) -> Record:
    """A trust policy as the evaluator of resource policies reads one: it applies to the role itself."""
    from urllib.parse import unquote

    document = json.loads(unquote(trust)) if isinstance(trust, str) else dict(trust or {})
    statements = document.get("Statement", [])
    return {"Statement": statements if is_list(statements) else [statements]}


def assume(
    role_arn: str, service: str, source_arn: str = "", *, names_source: bool = True
) -> iam.PrincipalInfo:
    """The principal a service acts as, after its trust has been evaluated."""
    check_trust(role_arn, service, source_arn, names_source=names_source)
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    from ..seams import iam as iam_service

    return iam.PrincipalInfo(
        arn=f"arn:aws:sts::{account}:assumed-role/{name}/{service.partition('.')[0]}",
        type="AssumedRole",
        account=account,
        policies=iam.role_policies(name, account),
        limits=iam.permissions_boundary(iam_service.roles, name, account),
    )


def caller(headers: Record, query: Record | None = None) -> iam.PrincipalInfo:
    """Who signed this request; the front door has checked the signature already."""
    principal = iam.resolve_principal.current(
        extract_access_key_id(headers, query or {}) or "", get_account_id()
    )
    if isinstance(principal, iam.AuthError):
        raise Denied("anonymous", "sts:GetCallerIdentity", "*", principal.message)
    return principal


def execution_credentials(stock: Callable[[Record], dict[str, str]], config: Record) -> dict[str, str]:
    """The credentials that a function runs with; Denied where its role's trust policy does not let Lambda assume it."""
    # An invoked version or alias is a qualifier of the ARN here; Lambda assumes the role for the function.
    function_arn = ":".join(config.get("FunctionArn", "").split(":")[:7])
    check_trust(config.get("Role", ""), "lambda.amazonaws.com", function_arn)
    return stock(config)


def wrap(service: str, around: Callable[..., Awaitable[Answer]]) -> None:
    """Put `async around(stock, method, path, headers, body, query)` in front of a service, in process too."""
    stock = app.handlers[service]

    async def handler(method: str, path: str, headers: Record, body: bytes, query_params: Record):
        return await around(stock, method, path, headers, body, query_params)

    app.handlers[service] = handler


async def refuse_bad_execution_role(
    stock: Handler, method: str, path: str, headers: Record, body: bytes, query: Record
) -> Answer:
    """CreateFunction and UpdateFunctionConfiguration fail when Lambda cannot assume the role."""
    if method in ("POST", "PUT") and path.rstrip("/").endswith(("/functions", "/configuration")):
        try:
            request = json.loads(body or b"{}")
            if request.get("Role"):
                name = request.get("FunctionName") or path.rstrip("/").split("/")[-2]
                check_trust(
                    request["Role"],
                    "lambda.amazonaws.com",
                    f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{name.split(':')[-1]}",
                )
        except Denied as denied:
            return error_response_json(
                "InvalidParameterValueException",
                f"The role defined for the function cannot be assumed by Lambda. ({denied})",
                400,
            )
    return await stock(method, path, headers, body, query)


def install() -> None:
    """Puts these functions in the places of ministack's, and has Lambda refuse roles that it can't assume."""
    from ..seams import lambda_svc

    iam.resource_policy.replace(resource_policy)
    iam.resolve_principal.replace(resolve_principal)
    iam.condition_key.replace(condition_key)
    # Whoever brings a web identity needs no policy of their own: the role's trust alone decides.
    iam.always_allow("sts:AssumeRoleWithWebIdentity")
    iam_actions.resource_of.wrap(resource_arn)
    lambda_runtime.execution_credentials.wrap(execution_credentials)
    lambda_svc.execution_credentials.wrap(execution_credentials)
    # Loopback HTTP stands for the TLS endpoint, here and nowhere else: policies that deny
    # aws:SecureTransport=false would otherwise deny every request.
    app.pin_request_origin.replace(lambda address, _secure: iam.pin_request_origin(address, True))
    iam.origin_is("127.0.0.1", over_tls=True)
    wrap("lambda", refuse_bad_execution_role)
