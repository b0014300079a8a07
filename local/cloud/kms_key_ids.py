"""A KMS key under an id that a config names already: for stand-ins, since KMS gives each key an id of its own.

CreateKey with the tag `tributary:key-id` makes a key of that id, and refuses one that is there, by an
AlreadyExistsException. The tag is taken away. Source of the call:
docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html.
"""

from __future__ import annotations

import json
from typing import Any

from local.plain import KEY_ID, within

from .iam import authorization
from .seams import kms
from .seams.parts import Answer, Record
from .seams.responses import error_response_json, json_response


async def around(stock: Any, method: str, path: str, headers: Record, body: bytes, query: Any) -> Answer:
    """Answers CreateKey with the tag; ministack all else."""
    if headers.get("x-amz-target", "").rsplit(".", 1)[-1] != "CreateKey" or KEY_ID.encode() not in body:
        return await stock(method, path, headers, body, query)
    request = json.loads(body)
    tags: dict[str, str] = {tag["TagKey"]: tag["TagValue"] for tag in request.get("Tags", [])}
    wanted = tags.pop(KEY_ID, "")
    if wanted in kms.keys:
        return error_response_json("AlreadyExistsException", f"the key {wanted} is there", 400)
    request["Tags"] = [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
    status, answered, content = await stock(method, path, headers, json.dumps(request).encode(), query)
    if status != 200 or not wanted:
        return status, answered, content
    metadata = within(json.loads(content), "KeyMetadata")
    record = kms.keys.pop(metadata["KeyId"])
    assert record is not None, metadata
    arn = f"{metadata['Arn'].rpartition('/')[0]}/{wanted}"
    record.update(KeyId=wanted, Arn=arn)
    kms.keys[wanted] = record
    return json_response({"KeyMetadata": metadata | {"KeyId": wanted, "Arn": arn}})


def install() -> None:
    """Goes before ministack's KMS."""
    authorization.wrap("kms", around)
