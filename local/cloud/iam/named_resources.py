"""What a request is about, where ministack does not say: it then judges `*`, which no narrow grant covers.

The service authorization reference (https://docs.aws.amazon.com/service-authorization/latest/reference/) names a
resource for each of these actions: the ARN in the request itself, or what a member of it names, or what the service
knows of an id. Of OpenSearch Serverless' policies it names a condition instead, `aoss:collection`: the collection that
the policy is about, or, of what is for indexes only, `aoss:index`; of Lambda's mappings `lambda:FunctionArn`. A key's
alias takes the right on both, alias and key (https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html);
a key that a request only calls by its alias is judged as the key
(https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html).
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote

from local.plain import within

from ..seams import athena, iam_actions, kms, lambda_svc, tagging
from ..seams import opensearchserverless as oss
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import error_response_json, get_account_id, get_region
from . import authorization, several_resources
from .request_members import members

# What names the resource, by action: the member, and what stands before it in the ARN.
BY_MEMBER = {
    "aoss:DeleteCollection": ("id", "collection/"),
    "aoss:UpdateCollection": ("id", "collection/"),
    "aoss:DeleteCollectionGroup": ("id", "collection-group/"),
    "aoss:UpdateCollectionGroup": ("id", "collection-group/"),
    "athena:CreateWorkGroup": ("Name", "workgroup/"),
    "cloudwatch:DeleteAlarms": ("AlarmNames.member.1", "alarm:"),
    "cloudwatch:DeleteDashboards": ("DashboardNames.member.1", "dashboard/"),
    "cloudwatch:GetDashboard": ("DashboardName", "dashboard/"),
    "cloudwatch:PutDashboard": ("DashboardName", "dashboard/"),
    "cloudwatch:DescribeAlarms": ("AlarmNames.member.1", "alarm:"),
    "cloudwatch:PutMetricAlarm": ("AlarmName", "alarm:"),
    "glue:DeleteDatabase": ("Name", "database/"),
    "glue:GetDatabase": ("Name", "database/"),
    "glue:UpdateDatabase": ("Name", "database/"),
    "kms:CreateAlias": ("AliasName", ""),
    "kms:DeleteAlias": ("AliasName", ""),
    "kms:UpdateAlias": ("AliasName", ""),
    "lambda:CreateFunction": ("FunctionName", "function:"),
    "sns:CreateTopic": ("Name", ""),
}
DASHBOARD = ("Dashboard", "Dashboards")
"""What an account has in all regions at once: the ARN names none."""
TAGS = re.compile(r"(\w+:)(ListTags|TagResource|UntagResource|GetTags)")
OSIS = re.compile(r"/2022-01-01/osis/(?:get|update|delete|start|stop)Pipeline/([a-z0-9-]+)")
POLICY = re.compile(r"aoss:(Create|Update|Get|Delete)(Access|Lifecycle|Security)Policy")
NAMED_QUERY = re.compile("athena:(Get|Update|Delete)NamedQuery")
SCHEDULE = re.compile("scheduler:(Create|Get|Update|Delete)Schedule")
SUBSCRIPTION = re.compile("sns:((Get|Set)SubscriptionAttributes|Unsubscribe)")
RULE = re.compile("events:((Delete|Describe|Disable|Enable|Put)Rule|ListTargetsByRule|(Put|Remove)Targets)")
MAPPING = re.compile("lambda:(Create|Get|Update|Delete)EventSourceMapping")
function: ContextVar[str | None] = ContextVar("function", default=None)
"""The ARN of the function that a request on a mapping is about."""
policies: dict[tuple[str, str], str] = {}
"""By account and a policy's name, the collection that it was made for: reading and deleting name the policy alone."""


def arn(action: str, path: str, body: bytes, region: str, account: str, query: dict[str, Any]) -> str | None:
    """The ARN of what the request is about, or None where this does not say it either."""
    service = action.partition(":")[0]
    before = f"arn:aws:{service}:{region}:{account}:"
    request = (
        {} if service == "s3" else members(body)
    )  # S3's bodies are objects: its paths name what it is about
    if TAGS.match(action):
        named = re.search(r"arn:aws:[^?]+", unquote(path))
        own = [str(v) for k, v in request.items() if k.lower().endswith("arn")]
        own += [iam_actions.query_parameter(query, k) for k in query if k.lower().endswith("arn")]
        return named[0] if named else next(iter(own), None)
    if pipeline := OSIS.match(path):
        return f"{before}pipeline/{pipeline[1]}"
    if SCHEDULE.fullmatch(action):
        group = request.get("GroupName") or iam_actions.query_parameter(query, "groupName") or "default"
        return f"{before}schedule/{group}/{unquote(path).rpartition('/')[2]}"
    if SUBSCRIPTION.fullmatch(action):
        return request.get("SubscriptionArn") or iam_actions.query_parameter(query, "SubscriptionArn") or None
    if NAMED_QUERY.fullmatch(action):
        saved = athena.named_queries.get(request.get("NamedQueryId"))
        return f"{before}workgroup/{saved['WorkGroup']}" if saved else None
    if (
        action == "glue:CreateDatabase"
    ):  # the catalog's right is needed as well; the database's is the narrower one
        return f"{before}database/{within(request, 'DatabaseInput').get('Name')}"
    if action in BY_MEMBER:
        member, prefix = BY_MEMBER[action]
        if action.endswith(DASHBOARD):
            before = f"arn:aws:cloudwatch::{account}:"
        name = request.get(member) or next(iter(request.get(member.partition(".")[0], [])), None)
        if action == "cloudwatch:DescribeAlarms":  # by the beginning of their names
            name = name or request.get("AlarmNamePrefix")
        return f"{before}{prefix}{name}" if name else None
    return _rule(action, request, before) or _called_by_alias(service, action, request)


def _rule(action: str, request: Record, before: str) -> str | None:
    """The ARN of a rule of EventBridge; of the default bus it names no bus."""
    if not RULE.fullmatch(action):
        return None
    bus, rule = (
        str(request.get("EventBusName") or "default").rpartition("/")[2],
        request.get("Name") or request.get("Rule"),
    )
    return f"{before}rule/{rule if bus == 'default' else f'{bus}/{rule}'}"


def _called_by_alias(service: str, action: str, request: dict[str, Any]) -> str | None:
    """The ARN of the key whose alias a request names."""
    named = str(request.get("KeyId", ""))
    key = kms.key_of(named) if service == "kms" and action not in BY_MEMBER and "alias/" in named else None
    return key["Arn"] if key else None


def collection_of(action: str, body: bytes, account: str) -> dict[str, str]:
    """The condition key that says what collection a request on a policy is about: `aoss:collection`, or of a policy on
    indexes alone `aoss:index`, which begins with the collection's name
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/OpenSearch-Dashboards-Integrate.html)."""
    if not POLICY.match(action):
        return {}
    request = members(body)
    key = (account, f"{request.get('type')} {request.get('name')}")
    if about := re.search(r"(?:collection|index)/([a-z0-9-]+)", str(request.get("policy", ""))):
        policies[key] = about[1]
    if key not in policies:
        return {}
    return (
        {"aoss:index": f"{policies[key]}/*"} if "Lifecycle" in action else {"aoss:collection": policies[key]}
    )


def function_of(action: str, path: str, body: bytes, region: str, account: str) -> str | None:
    """The function of a request on a mapping, for the condition `lambda:FunctionArn`."""
    if not MAPPING.fullmatch(action):
        return None
    if action == "lambda:CreateEventSourceMapping":
        name = str(members(body).get("FunctionName", ""))
        return name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"
    return within(lambda_svc.mappings, path.rstrip("/").rpartition("/")[2]).get("FunctionArn")


def tagged_functions() -> Generator[tuple[str, list[dict[str, str]]], Any, None]:
    """Lambda's tags, those of mappings among them, which ministack keeps elsewhere."""
    yield from stock_functions()
    for id, mapping in lambda_svc.mappings.items():
        tags = within(mapping, "Tags")
        yield lambda_svc.mapping_arn(id), [{"Key": key, "Value": value} for key, value in tags.items()]


def tagged_collections() -> Generator[tuple[str, list[dict[str, str]]], Any, None]:
    """The account's collections and their tags, for `aws:ResourceTag`."""
    for collection, tags in oss.tags.items():
        yield collection, [{"Key": tag["key"], "Value": tag["value"]} for tag in tags]


async def on_its_key(
    stock: Handler, method: str, path: str, headers: Record, body: bytes, query: Record
) -> Answer:
    """A request on an alias is one on its key as well, which a policy grants or refuses by the key's own tags."""
    action = f"kms:{headers.get('x-amz-target', '').rpartition('.')[2]}"
    if action in BY_MEMBER:
        request = members(body)
        alias = f"arn:aws:kms:{get_region()}:{get_account_id()}:{request.get('AliasName')}"
        ids = {request.get("TargetKeyId"), None if action == "kms:CreateAlias" else kms.aliases.get(alias)}
        for key in filter(None, (kms.key_of(key_id) for key_id in ids if key_id)):
            try:
                authorization.check(authorization.caller(headers, query), action, key["Arn"])
            except authorization.Denied as denied:
                return error_response_json("AccessDeniedException", str(denied), 400)
    return await stock(method, path, headers, body, query)


stock_functions = tagging.collectors["lambda"]


def request_context(
    stock: Any, service: str, action: str, body: bytes, params: dict[str, Any]
) -> dict[str, Any]:
    """The stock condition keys, and of a request on a mapping `lambda:FunctionArn`, noted by `resource_arn`."""
    context = stock(service, action, body, params)
    return context | {"lambda:FunctionArn": function.get()} if MAPPING.fullmatch(action) else context


def resource_arn(stock: Any, *request: Any) -> str:
    """The first of several, what is named here, else the stock answer; that is always made, as others take notes on its
    way. `request` is what `iam_actions.resource_of` takes."""
    _service, _method, path, _headers, body, query, region, account = request
    known = stock(*request)
    action = iam_actions.action_of.current(*request[:-2])
    function.set(function_of(action or "", path, body, region, account))
    if not action:
        return known
    several = several_resources.arns(action, body)
    return next(iter(several), None) or arn(action, path, body, region, account, query) or known


def install() -> None:
    """After all others that answer for a service of theirs."""
    iam_actions.resource_of.wrap(resource_arn)
    iam_actions.request_context.wrap(request_context)
    tagging.collectors.update({"aoss": tagged_collections, "lambda": tagged_functions})
    authorization.wrap("kms", on_its_key)
