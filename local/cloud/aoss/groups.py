"""Collection groups of OpenSearch Serverless, and how the collections of the next generation sleep.

Sources: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-collection-groups.html and
serverless-scale-to-zero.html. A group of generation NEXTGEN has standby replicas, holds collections of one type, and
can be deleted when it is empty. When no collection of it had a request for its idle time, indexing and search sleep
unless the group has a minimum of them; each wakes by itself with its first request, which waits until it is awake.

Limits: only a request to an index counts as one; capacity is 0 or the documented workers, and does not scale.
Settings: TRIBUTARY_AOSS_IDLE, the seconds after which a part sleeps, by this cloud's clock (600); TRIBUTARY_AOSS_COLD,
how long its first request waits then (10 to 30 in the service; 2). The page has a late answer only; whether there can
be a refusal it leaves open: TRIBUTARY_AOSS_WAKING, the statuses ("503") that a part answers before it, each time.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from ..clock import clock
from ..iam import authorization
from ..seams import opensearchserverless as oss
from ..seams.parts import Answer, Record
from ..seams.responses import (
    AccountRegionScopedDict,
    error_response_json,
    extract_access_key_id,
    get_account_id,
    get_region,
    json_response,
)
from .data_requests import Refused

SEARCHES = {"ReadDocument", "DescribeIndex", "DescribeCollectionItems"}
WORKERS = {"search": 2, "indexing": 1}
"""Of a part that wakes."""
NOT_FOUND = "The specified collection group is not found."

groups = AccountRegionScopedDict()
_used: dict[tuple[str, str], float] = {}
"""(group's id, part) -> when its last request was answered; missing while it has never been awake."""
_waking: dict[tuple[str, str], deque[int]] = {}
"""(group's id, part) -> the statuses that it answers still before it is awake; missing while nothing wakes it."""


def _named(name: Any) -> Record | None:
    return next((group for group in groups.values() if group["name"] == name), None)


def _members(group: Record) -> list[Record]:
    return [rec for rec in oss.collections.values() if rec.get("collectionGroupName") == group["name"]]


def _limits(requested: Record | None, before: Record | None = None) -> Record:
    limits = {**(before or {}), **(requested or {})}
    for part in ("Indexing", "Search"):
        least, most = (limits.get(f"{end}{part}CapacityInOCU") for end in ("min", "max"))
        if least is not None and most is not None and least > most:
            raise oss.Invalid(f"min{part}CapacityInOCU must not be greater than max{part}CapacityInOCU")
    return limits


def create(data: Record) -> Answer:
    """CreateCollectionGroup: Invalid for NEXTGEN without standby replicas, ConflictException for a name in use."""
    oss.validate_name(data.get("name"), "name", 32)
    generation = data.get("generation", "CLASSIC")
    if generation == "NEXTGEN" and data["standbyReplicas"] != "ENABLED":
        raise oss.Invalid("standbyReplicas must be ENABLED for a collection group of generation NEXTGEN")
    if _named(data["name"]):
        raise oss.Invalid(f"A collection group with name {data['name']} already exists", "ConflictException")
    least = (
        {"minIndexingCapacityInOCU": 0.0, "minSearchCapacityInOCU": 0.0} if generation == "NEXTGEN" else {}
    )
    identity = uuid.uuid4().hex[:20]
    group = {
        "id": identity,
        "arn": f"arn:aws:aoss:{get_region()}:{get_account_id()}:collection-group/{identity}",
        "name": data["name"],
        "standbyReplicas": data["standbyReplicas"],
        "description": data.get("description", ""),
        "createdDate": oss.now_in_milliseconds(),
        "capacityLimits": _limits(data.get("capacityLimits"), least),
        "generation": generation,
    }
    groups[identity] = group
    if data.get("tags"):
        oss.tags[group["arn"]] = oss.merge_tags([], data["tags"])
    return json_response({"createCollectionGroupDetail": group | {"tags": data.get("tags") or []}})


def batch_get(data: Record) -> Answer:
    """BatchGetCollectionGroup: groups with their tags and present capacity, and NOT_FOUND for each other id or name."""
    ids, names = data.get("ids"), data.get("names")
    if bool(ids) == bool(names):
        raise oss.Invalid("You must provide either ids or names, but not both")
    details, errors = list[Record](), list[Record]()
    wanted: list[str] = ids or names or []
    for value in wanted:
        group = groups.get(value) if ids else _named(value)
        if group:
            details.append(_detail(group))
        else:
            kind = "id" if ids else "name"
            errors.append({kind: value, "errorCode": "NOT_FOUND", "errorMessage": NOT_FOUND})
    return json_response({"collectionGroupDetails": details, "collectionGroupErrorDetails": errors})


def requested(data: Record) -> set[str]:
    """The names of the groups that a BatchGetCollectionGroup is for."""
    ids: list[str] = data.get("ids") or []
    named = [groups[each]["name"] for each in ids if each in groups]
    return {*(data.get("names") or []), *named}


def _detail(group: Record) -> Record:
    capacity = {part: {"capacityInOcu": float(units(group, part))} for part in WORKERS}
    return {
        **group,
        "tags": oss.tags.get(group["arn"], []),
        "numberOfCollections": len(_members(group)),
        "currentCapacity": capacity,
    }


def update(data: Record) -> Answer:
    """UpdateCollectionGroup: writes the given capacity limits over the group's, and the description if there is one."""
    group = _there(data)
    group["capacityLimits"] = _limits(data.get("capacityLimits"), group["capacityLimits"])
    group["description"] = data.get("description", group["description"])
    shown = {key: value for key, value in group.items() if key != "standbyReplicas"}
    return json_response(
        {"updateCollectionGroupDetail": shown | {"lastModifiedDate": oss.now_in_milliseconds()}}
    )


def delete(data: Record) -> Answer:
    """DeleteCollectionGroup: the group and its tags go, but it is a ConflictException while it has collections."""
    group = _there(data)
    if members := _members(group):
        names = ", ".join(rec["name"] for rec in members)
        raise oss.Invalid(f"The collection group has collections: {names}", "ConflictException")
    groups.pop(group["id"])
    oss.tags.pop(group["arn"], None)
    return json_response({})


def list_groups(_data: Record) -> Answer:
    """ListCollectionGroups: a summary of every group, with the number of its collections, on a single page."""
    shown = ("id", "arn", "name", "createdDate", "capacityLimits", "generation")
    summaries = [
        {key: group[key] for key in shown} | {"numberOfCollections": len(_members(group))}
        for group in groups.values()
    ]
    return json_response({"collectionGroupSummaries": summaries})


def _there(data: Record) -> Record:
    if group := groups.get(data.get("id")):
        return group
    raise oss.Invalid(NOT_FOUND, "ResourceNotFoundException")


def joined(data: Record) -> Record | None:
    """The group that a collection is to be made in, checked; None where none is named."""
    if not (name := data.get("collectionGroupName")):
        return None
    group = _named(name)
    if group is None:
        raise oss.Invalid(NOT_FOUND, "ResourceNotFoundException")
    if data.get("standbyReplicas", "ENABLED") != group["standbyReplicas"]:
        raise oss.Invalid("standbyReplicas of the collection and of its collection group must be the same")
    kind = data.get("type", "TIMESERIES")
    if others := {rec["type"] for rec in _members(group)} - {kind}:
        raise oss.Invalid(f"The collection group holds collections of type {others.pop()}, not {kind}")
    return group


async def on_its_group(
    stock: Callable[..., Any], method: str, path: str, headers: Record, body: bytes, query: Any
) -> Answer:
    """Who makes a collection in a group needs aoss:AddCollectionToCollectionGroup on the group as well, which carries
    its name as aoss:collection-group
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonopensearchserverless.html)."""
    request: Record = (
        json.loads(body or b"{}") if headers.get("x-amz-target", "").endswith(".CreateCollection") else {}
    )
    group = _named(request.get("collectionGroupName"))
    if group and extract_access_key_id(headers, query or {}):
        action, named = "aoss:AddCollectionToCollectionGroup", {"aoss:collection-group": group["name"]}
        try:
            authorization.check(authorization.caller(headers, query), action, group["arn"], **named)
        except authorization.Denied as denied:
            return error_response_json("AccessDeniedException", str(denied), 400)
    return await stock(method, path, headers, body, query)


# --- sleep


def units(group: Record, part: str) -> float:
    """The units of a part that are there now."""
    least = group["capacityLimits"].get(f"min{part.title()}CapacityInOCU") or 0
    return max(least, 0 if asleep(group, part) else WORKERS[part])


def asleep(group: Record, part: str) -> bool:
    """Whether a part of a group has no unit."""
    if group["generation"] != "NEXTGEN" or group["capacityLimits"].get(f"min{part.title()}CapacityInOCU"):
        return False
    used = _used.get((group["id"], part))
    # Also where the clock was set back: what was used "later" says nothing.
    return used is None or abs(clock() - used) > float(os.environ.get("TRIBUTARY_AOSS_IDLE", "600"))


@contextlib.contextmanager
def awake(rec: Record, permissions: set[str]) -> Generator[None, None, None]:
    """Holds a request to a collection until the parts that it needs are awake, and keeps them so until it is answered.
    Raises Refused for what a part answers before. Not on the event loop."""
    group = _named(rec.get("collectionGroupName"))
    if group is None:
        yield
        return
    parts = sorted({"search" if each in SEARCHES else "indexing" for each in permissions})
    for part in parts:
        if asleep(group, part):
            _wake(group, part)
        _used[group["id"], part] = clock()
    try:
        yield
    finally:
        _used.update({(group["id"], part): clock() for part in parts})


def _wake(group: Record, part: str) -> None:
    answers = os.environ.get("TRIBUTARY_AOSS_WAKING", "").split()
    waking = _waking.setdefault((group["id"], part), deque(int(status) for status in answers))
    with contextlib.suppress(IndexError):  # empty: also where another request took the last one
        raise Refused(waking.popleft(), f"{part} of the collection group {group['name']} is waking")
    time.sleep(float(os.environ.get("TRIBUTARY_AOSS_COLD", "2")))
    _waking.pop((group["id"], part), None)


HANDLERS = {
    "CreateCollectionGroup": create,
    "BatchGetCollectionGroup": batch_get,
    "UpdateCollectionGroup": update,
    "DeleteCollectionGroup": delete,
    "ListCollectionGroups": list_groups,
}
