"""OpenSearch Serverless: what ministack's control plane lacks, and the data plane in front of one real node.

A collection's endpoint is `<cloud>/_aoss/<collection id>` (its host name would not resolve here). A request passes
when, in this order, it is signed for service `aoss` with x-amz-content-sha256, its signer's IAM policies allow
`aoss:APIAccessAll` on the collection, the network policy makes the collection public, and a data access policy gives
the signer the permission that the operation needs, on that index. A refusal is a 403 that names what is missing; an
API that Serverless does not have is a 404. One node holds all collections: index names carry their collection's id
there, which no caller sees.

Control plane added: lifecycle policies (retention, for TIMESERIES only); collection groups, and how they sleep, in
aoss_groups.py.
Limits: names 3-32 characters; no _msearch, no _mget; a dynamic mapping does not need aoss:UpdateIndex; retention
is kept, not carried out; nothing comes through a VPC endpoint here, so a collection that is not public refuses
everybody.
Settings: TRIBUTARY_AOSS_WAKE, the least seconds in CREATING (2); TRIBUTARY_AOSS_FAULTS, the statuses ("401 503") that
a new collection answers first, while it wakes.
Source: "Supported operations and plugins" and "Data access control" in the OpenSearch Serverless guide
(docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-genref.html, serverless-data-access.html).
"""

from __future__ import annotations

import http.client
import json
import os
import re
import threading
import time
from collections import deque
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_actions
from ministack.core.concurrency import run_offloop
from ministack.core.iam_evaluator import AuthError, enforce
from ministack.core.responses import (
    AccountRegionScopedDict,
    get_account_id,
    get_region,
    json_response,
    request_scope,
)
from ministack.core.router import extract_access_key_id
from ministack.services import opensearchserverless as oss

from local import opensearch

from . import aoss_groups, authorization, named_resources

PATH = "/_aoss/"
MARK = "--"
READ = {"_search", "_count", "_source", "_explain", "_field_caps", "_validate", "_termvectors"}
WRITE = {"_bulk", "_doc", "_create", "_update"}
SHAPE = {"_mapping", "_mappings", "_settings"}
INDEX_ITSELF = {
    "PUT": "CreateIndex",
    "GET": "DescribeIndex",
    "HEAD": "DescribeIndex",
    "DELETE": "DeleteIndex",
}
TEMPLATE = {
    "PUT": "CreateCollectionItems",
    "POST": "CreateCollectionItems",
    "GET": "DescribeCollectionItems",
    "HEAD": "DescribeCollectionItems",
    "DELETE": "DeleteCollectionItems",
}
HOURS = {"h": 1, "d": 24}

lifecycle = AccountRegionScopedDict()
faults: dict[str, deque[int]] = {}
node: opensearch.Node | None = None
node_lock = threading.Lock()
Need = tuple[
    str, str
]  # permission without `aoss:`, resource (index/... or collection/...) within the collection


class Refused(Exception):
    def __init__(self, status: int, reason: str):
        self.status, self.reason = status, reason
        super().__init__(reason)


def engine() -> str:
    """host:port of the node, started with the first collection."""
    global node
    with node_lock:
        if node is None or node.process.poll() is not None:
            node = opensearch.Node(Path(os.environ["TRIBUTARY_CLOUD_STATE"]) / "opensearch")
        return f"{node.host}:{node.port}"


def provision(rec: dict) -> None:
    woken = time.monotonic() + float(os.environ.get("TRIBUTARY_AOSS_WAKE", "2"))
    faults[rec["id"]] = deque(int(status) for status in os.environ.get("TRIBUTARY_AOSS_FAULTS", "").split())
    try:
        rec["_Engine"] = engine()
        time.sleep(max(0.0, woken - time.monotonic()))
        rec["status"] = "ACTIVE"
    except (opensearch.Unavailable, OSError) as reason:
        rec.update(status="FAILED", failureCode="INTERNAL_ERROR", failureMessage=str(reason)[:1000])
    rec["lastModifiedDate"] = oss._now_ms()


def create_collection(data: dict) -> tuple:
    oss._validate_name(data.get("name"), "name", 32)
    group = aoss_groups.joined(data)
    answer = stock_create({key: value for key, value in data.items() if key != "collectionGroupName"})
    if group and (rec := oss._find_by_name(data["name"])):  # ministack knows no groups
        rec["collectionGroupName"] = group["name"]
    return answer


def delete_collection(data: dict) -> tuple:
    rec = oss._collections.get(data.get("id"))
    answer = stock_delete(data)
    if rec and rec.get("_Engine"):
        oss._proxy(rec["_Engine"], "DELETE", f"/{rec['id']}{MARK}*", {}, b"")
    return answer


# --- data plane


def rewritten(
    rec: dict, method: str, segments: list[str], body: bytes
) -> tuple[str, bytes, list[Need], list]:
    """(path, body) for the node, what the caller needs for it, the bulk items that the collection's type refuses."""
    mark, name = rec["id"] + MARK, rec["name"]
    first, rest = segments[0], segments[1:]
    operation = first if first.startswith("_") else rest[0] if rest else ""
    listed = [] if first.startswith("_") else first.split(",")
    permission = (
        "ReadDocument"
        if operation in READ or (operation == "_doc" and method in ("GET", "HEAD"))
        else "WriteDocument"
        if operation in WRITE
        else "DescribeIndex"
        if (operation in SHAPE and method in ("GET", "HEAD")) or segments[:2] == ["_cat", "indices"]
        else "UpdateIndex"
        if operation in SHAPE
        else INDEX_ITSELF.get(method, "")
        if not operation
        else ""
    )
    if first == "_index_template" and rest and method in TEMPLATE:
        if method in ("PUT", "POST"):
            template = json.loads(body)
            template["index_patterns"] = [mark + pattern for pattern in template["index_patterns"]]
            body = json.dumps(template).encode()
        return f"/{first}/{mark}{rest[0]}", body, [(TEMPLATE[method], f"collection/{name}")], []
    if not permission:
        raise Refused(404, f"OpenSearch Serverless has no {method} /{'/'.join(segments)}")
    refused: list = []
    if operation == "_bulk":
        body, named, refused = bulk(rec, body, listed)
    else:
        named = listed or ["*"]
    if first == "_cat":
        path = (
            f"/_cat/indices/{','.join(mark + index for index in (rest[1] if rest[1:] else '*').split(','))}"
        )
    elif listed:
        path = "/" + "/".join([",".join(mark + index for index in listed), *rest])
    else:
        path = "/_bulk" if operation == "_bulk" else f"/{mark}*/{'/'.join(segments)}"
    return path, body, [(permission, f"index/{name}/{index}") for index in dict.fromkeys(named)], refused


def bulk(rec: dict, body: bytes, listed: list[str]) -> tuple[bytes, list[str], list]:
    """A bulk body with marked index names, the indexes in it, and (position, action) of each refused item."""
    kept, named, refused = [], {}, []
    lines = iter(body.splitlines())
    for position, line in enumerate(line for line in lines if line.strip()):
        ((action, target),) = json.loads(line).items()
        index = target.get("_index") or (listed[0] if listed else "")
        if not index:
            raise Refused(400, "a bulk action names no index")
        named[index] = None
        source = None if action == "delete" else next(lines, b"")
        if rec["type"] == "TIMESERIES" and ("_id" in target or action in ("update", "delete")):
            refused.append((position, action, index))
            continue
        kept.append(json.dumps({action: {**target, "_index": rec["id"] + MARK + index}}).encode())
        if source is not None:
            kept.append(source)
    return b"\n".join([*kept, b""]), [*named], refused


def permissions(rec: dict, principal: Any) -> list[tuple[str, str]]:
    """(permission, resource pattern) that the collection's data access policies give this principal."""
    names = {principal.arn}
    if ":assumed-role/" in principal.arn:
        role = authorization.role_record(
            f"arn:aws:iam::{principal.account}:role/{principal.arn.split('/')[1]}"
        )
        names |= {role["Arn"]} if role else set()
    return [
        (permission, resource)
        for policy in oss._access_policies.values()
        for statement in policy["policy"]
        if names & set(statement["Principal"])
        for rule in statement["Rules"]
        for permission in rule["Permission"]
        for resource in rule["Resource"]
    ]


def is_public(name: str) -> bool:
    return any(
        statement.get("AllowFromPublic")
        and any(
            rule["ResourceType"] == "collection" and fnmatchcase(f"collection/{name}", resource)
            for rule in statement["Rules"]
            for resource in rule["Resource"]
        )
        for key, policy in oss._security_policies.items()
        if key.startswith("network/")
        for statement in policy["policy"]
    )


def authorize(rec: dict, principal: Any, needs: list[Need]) -> None:
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


def serve(
    rec: dict, principal: Any, method: str, segments: list[str], query: str, headers: dict, body: bytes
) -> tuple:
    """Runs off the event loop."""
    if rec["status"] != "ACTIVE":
        raise Refused(503, f"the collection is {rec['status']}")
    target, body, needs, refused = rewritten(rec, method, segments, body)
    if not is_public(rec["name"]):
        raise Refused(
            403,
            f"no network policy lets the public reach collection/{rec['name']}, and this is no VPC endpoint",
        )
    authorize(rec, principal, needs)
    with aoss_groups.awake(rec, {permission for permission, _ in needs}):
        return answered(rec, principal, method, segments, query, headers, target, body, needs, refused)


def answered(
    rec: dict,
    principal: Any,
    method: str,
    segments: list[str],
    query: str,
    headers: dict,
    target: str,
    body: bytes,
    needs: list[Need],
    refused: list,
) -> tuple:
    """The node's answer to a request that the collection's policies let through."""
    written = [resource for permission, resource in needs if permission == "WriteDocument"]
    authorize(
        rec, principal, [("CreateIndex", resource) for resource in written if not exists(rec, resource)]
    )
    if rec["type"] == "TIMESERIES" and not oss._operation_supported(method, "/".join(segments), rec["type"]):
        raise Refused(400, "Document ID is not supported in create/index operation request")
    plain = {
        name: value for name, value in headers.items() if name not in ("accept-encoding", "content-encoding")
    }
    if refused and not body.strip():
        status, answered, data = (
            200,
            {"Content-Type": "application/json"},
            b'{"took":0,"errors":false,"items":[]}',
        )
    else:
        status, answered, data = oss._proxy(
            rec["_Engine"], method, f"{target}?{query}" if query else target, plain, body
        )
    data = data.replace((rec["id"] + MARK).encode(), b"")
    if refused and status == 200:
        answer = json.loads(data)
        for position, action, index in refused:
            answer["items"].insert(
                position,
                {
                    action: {
                        "_index": index,
                        "status": 400,
                        "error": {
                            "type": "illegal_argument_exception",
                            "reason": "Document ID is not supported in create/index operation request",
                        },
                    }
                },
            )
        data = json.dumps({**answer, "errors": True}).encode()
    return status, answered, data


def exists(rec: dict, resource: str) -> bool:
    index = resource.split("/", 2)[2]
    return oss._proxy(rec["_Engine"], "HEAD", f"/{rec['id']}{MARK}{index}", {}, b"")[0] == 200


async def dataplane(
    cid: str, method: str, path: str, query: str, headers: dict, body: bytes, params: dict
) -> tuple:
    rec = oss._find_collection_anywhere(cid)
    if rec is None:
        return oss._aoss_error(404, "404 Not Found: there is no such collection", "NotFound")
    try:
        if not oss._signed_for_aoss(headers, params):
            raise Refused(403, "the request is not signed for service aoss")
        if not headers.get("x-amz-content-sha256"):
            raise Refused(403, "the request has no x-amz-content-sha256 header")
        denied = enforce(
            extract_access_key_id(headers, params) or "",
            "aoss:APIAccessAll",
            "opensearchserverless",
            get_region(),
            resource_arn=rec["arn"],
        )
        if isinstance(denied, AuthError):
            raise Refused(403, denied.message)
        principal = authorization.caller(headers, params)
        if denied:
            raise Refused(
                403, f"no identity-based policy gives {principal.arn} aoss:APIAccessAll on {rec['arn']}"
            )
        waking = faults.get(cid)
        if waking:
            raise Refused(waking.popleft(), "the collection is waking")
        segments = [unquote(segment) for segment in path.strip("/").split("/")]
        parts = rec["arn"].split(":")
        with request_scope(parts[4], parts[3]):
            return await run_offloop(
                serve,
                rec,
                principal,
                method,
                segments,
                query,
                headers,
                app._decompress_request_body(body, headers),
            )
    except Refused as refused:
        kinds = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 503: "ServiceUnavailable"}
        kind = kinds.get(refused.status, "BadRequest")
        return oss._aoss_error(refused.status, f"{refused.status} {kind}: {refused.reason}", kind)
    except (authorization.Denied, ValueError, KeyError) as error:
        status = 403 if isinstance(error, authorization.Denied) else 400
        return oss._aoss_error(status, f"{status}: {error}", "Forbidden" if status == 403 else "BadRequest")
    except (OSError, http.client.HTTPException) as error:
        return oss._aoss_error(503, f"503 ServiceUnavailable: {error}", "ServiceUnavailable")


async def route(
    method, path, headers, body, query_params, request_id, raw_path=None, raw_query_string="", **rest
):
    if not path.startswith(PATH):
        return await stock_route(
            method,
            path,
            headers,
            body,
            query_params,
            request_id,
            raw_path=raw_path,
            raw_query_string=raw_query_string,
            **rest,
        )
    cid, _, inner = (raw_path or path).removeprefix(PATH).partition("/")
    answer = await dataplane(cid, method, inner, raw_query_string, headers, body, query_params)
    return app._with_data_plane_headers(answer, request_id)


# --- control plane


def validate_rules(rules: Any, allowed: tuple[str, ...], with_permissions: bool) -> None:
    """A network rule for dashboards names their collection, as "Network access" in the guide has it."""
    if isinstance(rules, list) and "dashboard" in allowed:
        rules = [
            rule | {"ResourceType": "collection"}
            if isinstance(rule, dict) and rule.get("ResourceType") == "dashboard"
            else rule
            for rule in rules
        ]
    stock_validate(rules, allowed, with_permissions)


def request_context(service: str, action: str, body: bytes, params: dict) -> dict:
    """BatchGetCollection takes no resource; the key aoss:collection is the name of the one collection requested, and of
    a policy the collection that it is for; aoss:collection-group that of the one group."""
    context = stock_context(service, action, body, params)
    context = context | named_resources.collection_of(action, body, get_account_id())
    if action == "aoss:BatchGetCollection":
        request = json.loads(body or b"{}")
        collections = [oss._collections.get(cid) for cid in request.get("ids") or []]
        names = {*(request.get("names") or []), *(rec["name"] for rec in collections if rec)}
        context = context | ({"aoss:collection": names.pop()} if len(names) == 1 else {})
    if action == "aoss:BatchGetCollectionGroup":
        names = aoss_groups.requested(json.loads(body or b"{}"))
        context = context | ({"aoss:collection-group": names.pop()} if len(names) == 1 else {})
    return context


def retention(data: dict) -> dict:
    """A lifecycle policy's document, or oss._Invalid."""
    document = oss._parse_policy_document(data.get("policy"))
    oss._validate_rules(document.get("Rules") if isinstance(document, dict) else None, ("index",), False)
    for rule in document["Rules"]:
        if not rule.get("NoMinIndexRetention"):
            period = re.fullmatch(r"(\d+)([hd])", str(rule.get("MinIndexRetention")))
            if not period or not 24 <= int(period[1]) * HOURS[period[2]] <= 3650 * 24:
                raise oss._Invalid(
                    "Policy json is invalid, error: [MinIndexRetention must be from 24h to 3650d]"
                )
        for resource in rule["Resource"]:
            rec = oss._find_by_name(resource.split("/")[1])
            if rec and rec["type"] != "TIMESERIES":
                raise oss._Invalid(
                    f"Retention is for TIMESERIES collections; {rec['name']} is of type {rec['type']}"
                )
    return document


def put_lifecycle(put):
    def operation(data: dict) -> tuple:
        document = retention(data)
        oss._validate_name(data.get("name"), "name", 32)
        # ministack's policy functions know the types of their own two stores.
        rec = put(
            lifecycle, "access", {**data, "type": "data", "policy": json.dumps(document)}, lambda *_: None
        )
        rec["type"] = "retention"
        return json_response({"lifecyclePolicyDetail": oss._policy_detail(rec)})

    return operation


def get_lifecycle(data: dict) -> tuple:
    details, errors = [], []
    for wanted in data.get("identifiers", []):
        rec = lifecycle.get(f"data/{wanted['name']}")
        (details if rec else errors).append(
            oss._policy_detail(rec)
            if rec
            else {
                **wanted,
                "errorCode": "NOT_FOUND",
                "errorMessage": "The specified lifecycle policy is not found.",
            }
        )
    return json_response({"lifecyclePolicyDetails": details, "lifecyclePolicyErrorDetails": errors})


def delete_lifecycle(data: dict) -> tuple:
    if lifecycle.pop(f"data/{data.get('name')}", None) is None:
        raise oss._Invalid(
            f"Policy with name {data.get('name')} and type retention is not found",
            "ResourceNotFoundException",
        )
    return json_response({})


def list_lifecycle(_data: dict) -> tuple:
    return json_response(
        {"lifecyclePolicySummaries": [oss._policy_detail(rec, False) for rec in lifecycle.values()]}
    )


stock_create, stock_delete, stock_validate = (
    oss._create_collection,
    oss._delete_collection,
    oss._validate_rules,
)
stock_route, stock_context = app._handle_special_data_plane_request, iam_actions.request_tag_context
stock_proxy = oss._proxy


def proxy(engine: str, method: str, target: str, headers: dict, body: bytes) -> tuple:
    """To the node, which answers this cloud only."""
    return stock_proxy(engine, method, target, {**headers, **(node.headers if node else {})}, body)


def install() -> None:
    oss._provision, oss._validate_rules, oss._proxy = provision, validate_rules, proxy
    iam_actions.request_tag_context = request_context
    oss._collection_endpoint = lambda cid: f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}{PATH}{cid}"
    oss._HANDLERS.update(
        {
            "CreateCollection": create_collection,
            "DeleteCollection": delete_collection,
            "CreateLifecyclePolicy": put_lifecycle(oss._put_policy),
            "UpdateLifecyclePolicy": put_lifecycle(oss._update_policy),
            "BatchGetLifecyclePolicy": get_lifecycle,
            "DeleteLifecyclePolicy": delete_lifecycle,
            "ListLifecyclePolicies": list_lifecycle,
            **aoss_groups.HANDLERS,
        }
    )
    for fields in ("_DETAIL_FIELDS", "_CREATE_FIELDS"):
        setattr(oss, fields, (*getattr(oss, fields), "collectionGroupName"))
    app._handle_special_data_plane_request = route
