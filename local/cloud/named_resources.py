"""What a request is about, where ministack does not say: it then judges `*`, which no narrow grant covers.

The service authorization reference (https://docs.aws.amazon.com/service-authorization/latest/reference/) names a
resource for each of these actions: the ARN in the request itself, or what a member of it names. Of OpenSearch
Serverless' policies it names a condition instead, `aoss:collection`: the collection that the policy is about.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote

from ministack.core import iam_actions

# What names the resource, by action: the member, and what stands before it in the ARN.
BY_MEMBER = {
    "athena:CreateWorkGroup": ("Name", "workgroup/"),
    "cloudwatch:DescribeAlarms": ("AlarmNames.member.1", "alarm:"),
    "glue:DeleteDatabase": ("Name", "database/"),
    "glue:GetDatabase": ("Name", "database/"),
    "glue:UpdateDatabase": ("Name", "database/"),
    "lambda:CreateFunction": ("FunctionName", "function:"),
    "sns:CreateTopic": ("Name", ""),
}
TAGS = re.compile(r"(\w+:)(ListTags|TagResource|UntagResource|GetTags)")
OSIS = re.compile(r"/2022-01-01/osis/(?:get|update|delete|start|stop)Pipeline/([a-z0-9-]+)")
POLICY = re.compile(r"aoss:(Create|Update|Get|Delete)(Access|Security)Policy")
policies: dict[tuple[str, str], str] = {}
"""By account and a policy's name, the collection that it was made for: reading and deleting name the policy alone."""


def members(body: bytes) -> dict[str, Any]:
    """The request's members, of its JSON or of its form."""
    try:
        parsed = json.loads(body or b"{}")
        return parsed if isinstance(parsed, dict) else {}
    except (ValueError, UnicodeDecodeError):
        return {key: values[0] for key, values in parse_qs((body or b"").decode("latin-1")).items()}


def arn(action: str, path: str, body: bytes, region: str, account: str) -> str | None:
    """The ARN of what the request is about, or None where this does not say it either."""
    service = action.partition(":")[0]
    before = f"arn:aws:{service}:{region}:{account}:"
    given = members(body)
    if TAGS.match(action):
        named = re.search(r"arn:aws:[^?]+", unquote(path))
        own = [str(v) for k, v in given.items() if k.lower().endswith("arn")]
        return named[0] if named else next(iter(own), None)
    if pipeline := OSIS.match(path):
        return f"{before}pipeline/{pipeline[1]}"
    if action == "scheduler:CreateSchedule":
        return f"{before}schedule/{given.get('GroupName', 'default')}/{unquote(path).rpartition('/')[2]}"
    if (
        action == "glue:CreateDatabase"
    ):  # the catalog's right is needed as well; the database's is the narrower one
        return f"{before}database/{(given.get('DatabaseInput') or {}).get('Name')}"
    if action in BY_MEMBER:
        member, prefix = BY_MEMBER[action]
        name = given.get(member) or next(iter(given.get(member.partition(".")[0], [])), None)
        return f"{before}{prefix}{name}" if name else None
    return None


def collection_of(action: str, body: bytes, account: str) -> str | None:
    """The collection that a request on a policy is about, for the condition `aoss:collection`."""
    if not POLICY.match(action):
        return None
    given = members(body)
    key = (account, f"{given.get('type')} {given.get('name')}")
    if about := re.search(r"(?:collection|index)/([a-z0-9-]+)", str(given.get("policy", ""))):
        policies[key] = about[1]
    return policies.get(key)


stock_resource = iam_actions.extract_resource_arn


def resource_arn(
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
    region: str,
    account: str,
) -> str:
    """What is named here, else the stock answer; that is always made, as others take notes on its way."""
    stock = stock_resource(service, method, path, headers, body, query, region, account)
    action = iam_actions.extract_iam_action(service, method, path, headers, body, query)
    return (action and arn(action, path, body, region, account)) or stock


def install() -> None:
    """After all others that answer for a service of theirs."""
    global stock_resource
    stock_resource = iam_actions.extract_resource_arn
    iam_actions.extract_resource_arn = resource_arn
