"""A stack in China or GovCloud names that partition's ARNs and endpoints, and no other's
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html)."""

import json
import re
from typing import Any, cast

import pytest

from tests.recording import PITR_ON, record

# What the mocks themselves make up: ARNs of resources, and collections' addresses.
MADE_UP = re.compile(r"arn:aws:[a-z0-9]+:[\w-]+:mock:|arn:aws:dynamodb:mock:|\.mock\.aoss\.amazonaws\.com")
# An address of AWS, also within an alarm's text; a service's name among principals has no region and is the same
# everywhere
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services).
ADDRESS = re.compile(r"[\w.-]+\.amazonaws\.com[\w.]*")
SUFFIX = {"cn-north-1": "amazonaws.com.cn", "us-gov-west-1": "amazonaws.com"}


def stack(region: str, partition: str) -> dict[str, Any]:
    ids = {"workload": "111111111111", "analytics": "222222222222"}
    key = f"arn:{partition}:kms:{region}:111111111111:key/11111111-2222-3333-4444-555555555555"
    return {
        "accounts": {name: {"id": id, "region": region} for name, id in ids.items()},
        "pipelines": {
            "lake": {"kind": "export", "account": "workload", "create_key": True,
                     "sources": [{"dynamodb": "orders", "mode": "incremental"}, {"rds_instance": "shop"}]},
            "crawled": {"kind": "export", "account": "workload", "catalog": "crawler",
                        "sources": [{"dynamodb": "customers"}]},
            "replica": {"kind": "replication", "from": "lake", "account": "analytics", "create_key": True,
                        "existing_objects": True},
            "search": {"kind": "zero-etl", "account": "workload", "tables": [{"name": "orders"}]},
            "ticks": {"kind": "firehose", "account": "workload", "index": "ticks", "generator": True,
                      "stream": {"key_arn": key}},
        },
    }  # fmt: skip


def texts(value: Any) -> list[str]:
    """Every text in the inputs, those in JSON and in definitions apart."""
    if isinstance(value, dict):
        return [text for inner in cast("dict[str, Any]", value).values() for text in texts(inner)]
    if isinstance(value, list):
        return [text for inner in cast("list[Any]", value) for text in texts(inner)]
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return texts(json.loads(value))
        except json.JSONDecodeError:
            return [value]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_every_arn_and_endpoint_is_of_the_regions_partition(region: str, partition: str) -> None:
    tables = {name: PITR_ON | {"arn": f"arn:{partition}:dynamodb:{region}:111111111111:table/{name}"}
              for name in ("orders", "customers")}  # fmt: skip
    recorded = record("test", stack(region, partition), tables=tables)
    values = [(r.type, r.name, text) for r in recorded.resources for text in texts(r.inputs)]
    assert any(f"arn:{partition}:states:::s3:getObject" in text for *_, text in values)
    elsewhere = [
        text for text in values if "arn:aws:" in MADE_UP.sub("", text[2]) and "arn:aws:s3:::" not in text[2]
    ]
    assert elsewhere == []
    endpoints = [
        (type_, name, address.rstrip("."))
        for type_, name, text in values
        for address in ADDRESS.findall(MADE_UP.sub("", text))
        if region in address
    ]
    assert endpoints
    assert [endpoint for endpoint in endpoints if not endpoint[2].endswith(SUFFIX[region])] == []
