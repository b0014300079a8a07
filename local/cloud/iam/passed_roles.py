"""Who hands a role to a service needs `iam:PassRole` on it, for that service; ministack takes any role from anyone.

Where a request holds a role's ARN and which service it goes to:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html and the services' own pages (of
replication https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html). What RDS,
S3 Batch and OpenSearch Ingestion are handed is checked where they are (`rds_export`, `s3.batch`, `osis.control_plane`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from local.plain import is_object

from ..seams import app, iam_actions
from ..seams.parts import Answer, Handler, Record
from ..seams.responses import extract_access_key_id, get_account_id, new_uuid
from . import authorization
from .request_members import members

# ministack's service -> the actions that hand a role over, and to whom.
HANDED = {
    "events": ("events:(PutRule|PutTargets)", "events.amazonaws.com"),
    "firehose": ("firehose:(CreateDeliveryStream|UpdateDestination)", "firehose.amazonaws.com"),
    "glue": ("glue:(Create|Update)(Crawler|TableOptimizer)", "glue.amazonaws.com"),
    "lambda": ("lambda:(CreateFunction|UpdateFunctionConfiguration)", "lambda.amazonaws.com"),
    "s3": ("s3:PutReplicationConfiguration", "s3.amazonaws.com"),
    "scheduler": ("scheduler:(Create|Update)Schedule", "scheduler.amazonaws.com"),
    "states": ("states:(Create|Update)StateMachine", "states.amazonaws.com"),
}
IN_XML = re.compile(rb"<Role>([^<]+)</Role>")


def roles(value: Any) -> Iterator[str]:
    """Each role in a request's members, as they have it: `Role`, `roleArn`, `RoleARN`, at any depth."""
    for name, member in value.items() if is_object(value) else enumerate(value):
        if isinstance(member, dict | list):
            yield from roles(member)
        elif str(name).lower() in ("role", "rolearn") and member:
            yield str(member)


def handed(service: str, body: bytes) -> set[str]:
    """The ARNs of the roles in a request. Glue takes a name as well."""
    if service == "s3":
        return {role.decode() for role in IN_XML.findall(body)}
    return {
        role if role.startswith("arn:") else f"arn:aws:iam::{get_account_id()}:role/{role}"
        for role in roles(members(body))
    }


def checked(service: str):
    """The check to put in front of a service: who hands it a role without the right to gets AccessDenied."""
    action, to = HANDED[service]

    async def around(
        stock: Handler, method: str, path: str, headers: Record, body: bytes, query: Record
    ) -> Answer:
        called = iam_actions.action_of.current(service, method, path, headers, body, query)
        # What the cloud calls itself, a state machine's task, is nobody's request.
        if called and re.fullmatch(action, called) and extract_access_key_id(headers, query or {}):
            try:
                principal = authorization.caller(headers, query)
                for role in sorted(handed(service, body)):
                    authorization.check(principal, "iam:PassRole", role, **{"iam:passedtoservice": to})
            except authorization.Denied as denied:
                return iam_actions.access_denied_response(
                    service, denied.action, "", new_uuid(), message=str(denied), headers=headers
                )
        return await stock(method, path, headers, body, query)

    return around


def install() -> None:
    """Puts the check in front of each service in `HANDED` that ministack has."""
    for service in HANDED.keys() & app.handlers.keys():
        authorization.wrap(service, checked(service))
