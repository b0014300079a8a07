"""Tags of streams and of their consumers by ARN, and tags given when a stream is made, which ministack lacks.

TagResource, UntagResource and ListTagsForResource: docs.aws.amazon.com/kinesis/latest/APIReference/
API_TagResource.html and its siblings; CreateStream's Tags: .../API_CreateStream.html.
"""

from __future__ import annotations

import json
from typing import Any

from local.plain import within

from ..iam import authorization
from ..seams import kinesis
from ..seams.parts import Answer, Record
from ..seams.responses import error_response_json, json_response


def tags_of(arn: str) -> dict[str, str] | None:
    """The tags of a stream or a consumer, None where there is no such thing."""
    tagged = kinesis.stream_of_arn(arn) or kinesis.consumer_of_arn(arn)
    return None if tagged is None else tagged.setdefault("tags", {})


def tag(tags: dict[str, str], request: Record) -> Record:
    """TagResource: sets the request's tags in `tags`, over those of the same key; the answer is empty."""
    tags.update(within(request, "Tags"))
    return {}


def untag(tags: dict[str, str], request: Record) -> Record:
    """UntagResource: takes the request's keys out of `tags`, if they are there; the answer is empty."""
    for key in request.get("TagKeys") or ():
        tags.pop(key, None)
    return {}


def listed(tags: dict[str, str], request: Record) -> Record:
    """ListTagsForResource: the tags as pairs, in the order of their keys."""
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}


OPERATIONS = {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": listed}


async def around(stock: Any, method: str, path: str, headers: Record, body: bytes, query: Any) -> Answer:
    """Answers what is about tags by ARN, and keeps the tags that a stream or a consumer is made with; ministack answers
    all else, and all in CBOR."""
    operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    cbor = "cbor" in headers.get("content-type", "")  # only the SDK for Java speaks it here
    if cbor or operation not in (*OPERATIONS, "CreateStream", "RegisterStreamConsumer"):
        return await stock(method, path, headers, body, query)
    request = json.loads(body or b"{}")
    if operation in OPERATIONS:
        arn = str(request.get("ResourceARN"))
        tags = tags_of(arn)
        if tags is None:
            return error_response_json("ResourceNotFoundException", f"{arn} is not found", 400)
        return json_response(OPERATIONS[operation](tags, request))
    answered = await stock(method, path, headers, body, query)
    if answered[0] == 200 and request.get("Tags"):
        created = json.loads(answered[2] or b"{}").get("Consumer") or kinesis.streams[request["StreamName"]]
        tags = tags_of(created.get("ConsumerARN") or created["StreamARN"])
        assert tags is not None, created
        tag(tags, request)
    return answered


def install() -> None:
    """Goes before ministack's Kinesis, which keeps the streams and consumers that are tagged."""
    authorization.wrap("kinesis", around)
