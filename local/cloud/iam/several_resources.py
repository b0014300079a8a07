"""A request that names several resources is judged for each of them: ministack judges the first, or `*`.

DynamoDB's batches, S3's DeleteObjects and EventBridge's PutEvents it judges by each itself. The members are those of
botocore's models; that each resource is authorized is how IAM evaluates a request
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from local.plain import within

from ..seams import app, athena, iam_actions
from ..seams.parts import Answer, Record
from ..seams.responses import extract_access_key_id, get_account_id, get_region, new_uuid
from . import authorization
from .request_members import members

# By action: the member that lists them, and what stands before each in its ARN.
LISTED = {
    **{f"cloudwatch:{verb}": ("AlarmNames", "alarm:")
       for verb in ("DeleteAlarms", "DescribeAlarms", "DisableAlarmActions", "EnableAlarmActions")},
    "cloudwatch:DeleteDashboards": ("DashboardNames", "dashboard/"),
    "glue:BatchDeleteTable": ("TablesToDelete", "table/{DatabaseName}/"),
    "glue:BatchGetCrawlers": ("CrawlerNames", "crawler/"),
    "glue:BatchGetPartition": ("", "table/{DatabaseName}/{TableName}"),
}  # fmt: skip
# Athena's are known by ids; what is judged is the workgroup of each.
OF_A_WORKGROUP: dict[str, tuple[str, Callable[[str], str]]] = {
    "athena:BatchGetNamedQuery": (
        "NamedQueryIds", lambda id: within(athena.named_queries, id).get("WorkGroup", "")
    ),
    "athena:BatchGetQueryExecution": (
        "QueryExecutionIds", lambda id: within(athena.executions, id).get("WorkGroup", "")
    ),
}  # fmt: skip


def listed(request: dict[str, Any], member: str) -> list[str]:
    """The list, as JSON and CBOR have it, or as a form's `<member>.member.<n>`."""
    if member in request:
        return [str(item) for item in request[member]]
    numbered = {
        int(m[1]): value
        for key, value in request.items()
        if (m := re.fullmatch(rf"{member}\.member\.(\d+)", key))
    }
    return [str(numbered[number]) for number in sorted(numbered)]


def arns(action: str, body: bytes) -> list[str]:
    """The ARNs of what a request names, where it names several; empty for any other request, whose body is not read:
    it may be an object of many megabytes."""
    if action not in OF_A_WORKGROUP and action not in LISTED:
        return []
    request = members(body)
    # A dashboard is its account's, and its ARN names no region.
    region = "" if action.endswith("Dashboards") else get_region()
    before = f"arn:aws:{action.partition(':')[0]}:{region}:{get_account_id()}:"
    if action in OF_A_WORKGROUP:
        member, workgroup = OF_A_WORKGROUP[action]
        groups = {workgroup(id) for id in listed(request, member)}
        return sorted(f"{before}workgroup/{group}" for group in groups if group)
    member, prefix = LISTED[action]
    fields = {key: str(value) for key, value in request.items() if isinstance(value, str)}
    try:
        start = before + prefix.format_map(fields)
    except KeyError:  # a member that its model requires is missing: the service itself says so
        return []
    return [start + name for name in listed(request, member)] if member else [start]


def judged(service: str) -> Callable[..., Any]:
    """The check to put in front of a service: the caller has to be allowed the action on each resource."""

    async def around(stock: Any, method: str, path: str, headers: Record, body: bytes, query: Any) -> Answer:
        action = iam_actions.action_of.current(service, method, path, headers, body, query)
        # What the cloud calls itself, a state machine's task, is nobody's request.
        if action and extract_access_key_id(headers, query or {}):
            try:
                for arn in arns(action, body):
                    authorization.check(authorization.caller(headers, query), action, arn)
            except authorization.Denied as denied:
                return iam_actions.access_denied_response(
                    service, action, "", new_uuid(), message=str(denied), headers=headers
                )
        return await stock(method, path, headers, body, query)

    return around


def install() -> None:
    """After what says how a request is called; named_resources.py says which of its resources ministack judges."""
    for service in {"monitoring", "cloudwatch", "glue", "athena"} & app.handlers.keys():
        authorization.wrap(service, judged(service))
