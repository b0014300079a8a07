"""A request to a collection, for the node that holds all collections: index names carry their collection's id there,
and each operation has the data access permissions that it needs.

Source: "Supported operations and plugins" and "Data access control" in the OpenSearch Serverless guide
(docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-genref.html, serverless-data-access.html).
"""

import json
from dataclasses import dataclass

from ..seams.parts import Record

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
# A permission without `aoss:`, and the resource (index/... or collection/...) within the collection.
Need = tuple[str, str]


class Refused(Exception):
    """The status and the reason that a caller gets."""

    def __init__(self, status: int, reason: str):
        self.status, self.reason = status, reason
        super().__init__(reason)


@dataclass(frozen=True)
class NodeRequest:
    """What the node gets, what the caller needs for it, and (position, action, index) of each bulk item that the
    collection's type refuses."""

    path: str
    body: bytes
    needs: list[Need]
    refused: list[tuple[int, str, str]]


def rewritten(rec: Record, method: str, segments: list[str], body: bytes) -> NodeRequest:
    """The request for the node; Refused where OpenSearch Serverless has no such operation."""
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
        needs = [(TEMPLATE[method], f"collection/{name}")]
        return NodeRequest(f"/{first}/{mark}{rest[0]}", body, needs, [])
    if not permission:
        raise Refused(404, f"OpenSearch Serverless has no {method} /{'/'.join(segments)}")
    refused: list[tuple[int, str, str]] = []
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
    needs = [(permission, f"index/{name}/{index}") for index in dict.fromkeys(named)]
    return NodeRequest(path, body, needs, refused)


def bulk(rec: Record, body: bytes, listed: list[str]) -> tuple[bytes, list[str], list[tuple[int, str, str]]]:
    """A bulk body with marked index names, the indexes in it, and (position, action, index) of each refused item."""
    sent_on, named, refused = list[bytes](), dict[str, None](), list[tuple[int, str, str]]()
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
        sent_on.append(json.dumps({action: {**target, "_index": rec["id"] + MARK + index}}).encode())
        if source is not None:
            sent_on.append(source)
    return b"\n".join([*sent_on, b""]), [*named], refused
