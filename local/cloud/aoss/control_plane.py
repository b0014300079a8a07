"""OpenSearch Serverless: what ministack's control plane lacks, and the data plane in front of one real node.

A collection's endpoint is `<cloud>/_aoss/<collection id>` (its host name would not resolve here). A request passes
when, in this order, it is signed for service `aoss` with x-amz-content-sha256, its signer's IAM policies allow
`aoss:APIAccessAll` on the collection, the network policy makes the collection public, and a data access policy gives
the signer the permission that the operation needs, on that index. A refusal is a 403 that names what is missing; an
API that Serverless does not have is a 404. One node holds all collections: index names carry their collection's id
there, which no caller sees.

Control plane added: lifecycle policies in lifecycle.py; collection groups, and how they sleep, in groups.py.
Limits: names 3-32 characters; no _msearch, no _mget; a dynamic mapping does not need aoss:UpdateIndex; nothing comes
through a VPC endpoint here, so a collection that is not public refuses everybody.
Settings: TRIBUTARY_AOSS_WAKE, the least seconds in CREATING (2); TRIBUTARY_AOSS_FAULTS, the statuses ("401 503") that
a new collection answers first, while it wakes.
Source: "Supported operations and plugins" and "Data access control" in the OpenSearch Serverless guide
(docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-genref.html, serverless-data-access.html).
"""

import http.client
import json
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from local import opensearch
from local.plain import is_list, is_object

from ..iam import authorization, named_resources
from ..seams import app, iam_actions
from ..seams import opensearchserverless as oss
from ..seams.iam_evaluator import AuthError, enforce
from ..seams.parts import Answer, Record
from ..seams.responses import extract_access_key_id, get_account_id, get_region, request_scope, run_offloop
from . import groups, lifecycle
from .data_access import authorize, is_public
from .data_requests import MARK, NodeRequest, Refused, rewritten

PATH = "/_aoss/"
NO_DOCUMENT_ID = "Document ID is not supported in create/index operation request"

faults: dict[str, deque[int]] = {}


class Engine:
    """The node that holds all collections: started with the first, and again where it has ended."""

    def __init__(self) -> None:
        self.node: opensearch.Node | None = None
        self.lock = threading.Lock()

    def address(self) -> str:
        """host:port. Raises opensearch.Unavailable or OSError where the node does not start."""
        with self.lock:
            if self.node is None or self.node.process.poll() is not None:
                self.node = opensearch.Node(Path(os.environ["TRIBUTARY_CLOUD_STATE"]) / "opensearch")
            return f"{self.node.host}:{self.node.port}"

    def headers(self) -> dict[str, str]:
        """What a request to the node must carry, which answers this cloud only."""
        return self.node.headers if self.node else {}


engine = Engine()


def provision(rec: Record) -> None:
    """Gives a new collection the node, and makes it ACTIVE after TRIBUTARY_AOSS_WAKE seconds at least; FAILED, with the
    reason, where the node does not start. Runs behind CreateCollection."""
    woken = time.monotonic() + float(os.environ.get("TRIBUTARY_AOSS_WAKE", "2"))
    faults[rec["id"]] = deque(int(status) for status in os.environ.get("TRIBUTARY_AOSS_FAULTS", "").split())
    try:
        rec["_Engine"] = engine.address()
        time.sleep(max(0.0, woken - time.monotonic()))
        rec["status"] = "ACTIVE"
    except (opensearch.Unavailable, OSError) as reason:
        rec.update(status="FAILED", failureCode="INTERNAL_ERROR", failureMessage=str(reason)[:1000])
    rec["lastModifiedDate"] = oss.now_in_milliseconds()


def create_collection(data: Record) -> Answer:
    """CreateCollection, also into the collection group that it names; Invalid where that can't take it."""
    oss.validate_name(data.get("name"), "name", 32)
    group = groups.joined(data)
    answer = stock_create({key: value for key, value in data.items() if key != "collectionGroupName"})
    if group and (rec := oss.collection_of_name(data["name"])):  # ministack knows no groups
        rec["collectionGroupName"] = group["name"]
    return answer


def delete_collection(data: Record) -> Answer:
    """DeleteCollection, which also deletes the collection's indexes on the node."""
    rec = oss.collections.get(data.get("id"))
    answer = stock_delete(data)
    if rec and rec.get("_Engine"):
        oss.proxy.current(rec["_Engine"], "DELETE", f"/{rec['id']}{MARK}*", {}, b"")
    return answer


# --- data plane


@dataclass(frozen=True)
class Request:
    """A signed request to a collection: `segments` is its path, `headers` in lower case."""

    rec: Record
    principal: Any
    method: str
    segments: list[str]
    query: str
    headers: Record
    body: bytes


def serve(request: Request) -> Answer:
    """Runs off the event loop."""
    rec = request.rec
    if rec["status"] != "ACTIVE":
        raise Refused(503, f"the collection is {rec['status']}")
    for_node = rewritten(rec, request.method, request.segments, request.body)
    if not is_public(rec["name"]):
        raise Refused(
            403,
            f"no network policy lets the public reach collection/{rec['name']}, and this is no VPC endpoint",
        )
    authorize(rec, request.principal, for_node.needs)
    with groups.awake(rec, {permission for permission, _ in for_node.needs}):
        return answered(request, for_node)


def answered(request: Request, for_node: NodeRequest) -> Answer:
    """The node's answer to a request that the collection's policies let through."""
    rec = request.rec
    written = [resource for permission, resource in for_node.needs if permission == "WriteDocument"]
    new = [("CreateIndex", resource) for resource in written if not exists(rec, resource)]
    authorize(rec, request.principal, new)
    if rec["type"] == "TIMESERIES" and not oss.operation_supported(
        request.method, "/".join(request.segments), rec["type"]
    ):
        raise Refused(400, NO_DOCUMENT_ID)
    if for_node.refused and not for_node.body.strip():
        status, headers, data = (
            200,
            {"Content-Type": "application/json"},
            b'{"took":0,"errors":false,"items":[]}',
        )
    else:
        target = f"{for_node.path}?{request.query}" if request.query else for_node.path
        encodings = ("accept-encoding", "content-encoding")
        plain = {name: value for name, value in request.headers.items() if name not in encodings}
        status, headers, data = oss.proxy.current(
            rec["_Engine"], request.method, target, plain, for_node.body
        )
    data = data.replace((rec["id"] + MARK).encode(), b"")
    return status, headers, with_refused(data, for_node.refused) if status == 200 else data


def with_refused(data: bytes, refused: list[tuple[int, str, str]]) -> bytes:
    """A bulk answer, with the items that the collection's type refuses at their places."""
    if not refused:
        return data
    answer = json.loads(data)
    error = {"type": "illegal_argument_exception", "reason": NO_DOCUMENT_ID}
    for position, action, index in refused:
        answer["items"].insert(position, {action: {"_index": index, "status": 400, "error": error}})
    return json.dumps({**answer, "errors": True}).encode()


def exists(rec: Record, resource: str) -> bool:
    """Whether the node has the index that a resource, `index/<collection>/<index>`, names."""
    index = resource.split("/", 2)[2]
    return oss.proxy.current(rec["_Engine"], "HEAD", f"/{rec['id']}{MARK}{index}", {}, b"")[0] == 200


async def dataplane(
    cid: str, method: str, path: str, query: str, headers: Record, body: bytes, params: Record
) -> Answer:
    """The node's answer to a request at a collection's endpoint, or the error: 404 for no such collection or API, 403
    for a missing right, 400 for what can't be read, 503 where no node answers, and those of TRIBUTARY_AOSS_FAULTS."""
    rec = oss.collection_anywhere(cid)
    if rec is None:
        return oss.error(404, "404 Not Found: there is no such collection", "NotFound")
    try:
        if not oss.signed_for_aoss(headers, params):
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
            plain = app.decompressed(body, headers)
            return await run_offloop(serve, Request(rec, principal, method, segments, query, headers, plain))
    except Refused as refused:
        kinds = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 503: "ServiceUnavailable"}
        kind = kinds.get(refused.status, "BadRequest")
        return oss.error(refused.status, f"{refused.status} {kind}: {refused.reason}", kind)
    except (authorization.Denied, ValueError, KeyError) as error:
        status = 403 if isinstance(error, authorization.Denied) else 400
        return oss.error(status, f"{status}: {error}", "Forbidden" if status == 403 else "BadRequest")
    except (OSError, http.client.HTTPException) as error:
        return oss.error(503, f"503 ServiceUnavailable: {error}", "ServiceUnavailable")


async def route(
    method: str,
    path: str,
    headers: Record,
    body: bytes,
    query_params: Record,
    request_id: str,
    raw_path: Any = None,
    raw_query_string: str = "",
    **rest: Any,
):
    """Answers what is below `/_aoss/`, by the collection's id that comes next; every other path is ministack's."""
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
    return app.with_data_plane_headers(answer, request_id)


# --- control plane


def validate_rules(rules: Any, allowed: tuple[str, ...], with_permissions: bool) -> None:
    """A network rule for dashboards names their collection, as "Network access" in the guide has it."""
    if is_list(rules) and "dashboard" in allowed:
        rules = [
            rule | {"ResourceType": "collection"}
            if is_object(rule) and rule.get("ResourceType") == "dashboard"
            else rule
            for rule in rules
        ]
    stock_validate(rules, allowed, with_permissions)


def request_context(stock: Any, service: str, action: str, body: bytes, params: Record) -> Record:
    """BatchGetCollection takes no resource; the key aoss:collection is the name of the one collection requested, and of
    a policy the collection that it is for; aoss:collection-group that of the one group. (What is made in a group:
    `groups.on_its_group`.)"""
    context = stock(service, action, body, params)
    context = context | named_resources.collection_of(action, body, get_account_id())
    if action == "aoss:BatchGetCollection":
        request = json.loads(body or b"{}")
        ids: list[str] = request.get("ids") or []
        collections = [oss.collections.get(cid) for cid in ids]
        names: set[str] = {*(request.get("names") or []), *(rec["name"] for rec in collections if rec)}
        context = context | ({"aoss:collection": names.pop()} if len(names) == 1 else {})
    if action == "aoss:BatchGetCollectionGroup":
        names = groups.requested(json.loads(body or b"{}"))
        context = context | ({"aoss:collection-group": names.pop()} if len(names) == 1 else {})
    return context


stock_create, stock_delete, stock_validate = (
    oss.create_collection,
    oss.delete_collection,
    oss.validate_rules.current,
)
stock_route = app.data_plane.current


def proxy(stock: Any, address: str, method: str, target: str, headers: Record, body: bytes) -> Answer:
    """A request to the node, as one of this cloud's."""
    return stock(address, method, target, {**headers, **engine.headers()}, body)


def install() -> None:
    """Puts these functions in the places of ministack's, and adds lifecycle policies and collection groups."""
    oss.provision.replace(provision)
    oss.validate_rules.replace(validate_rules)
    oss.proxy.wrap(proxy)
    iam_actions.request_context.wrap(request_context)
    oss.collection_endpoint.replace(lambda cid: f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}{PATH}{cid}")
    oss.handlers.update(
        {
            "CreateCollection": create_collection,
            "DeleteCollection": delete_collection,
            **lifecycle.HANDLERS,
            **groups.HANDLERS,
        }
    )
    oss.add_member("collectionGroupName")
    app.data_plane.replace(route)
    authorization.wrap("opensearchserverless", groups.on_its_group)
