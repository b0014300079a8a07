"""What a replication registers, for the tests of its component."""

import json
from typing import Any

from tests.recording import Recording, record

LAKE = {"kind": "export", "account": "workload", "sources": [{"dynamodb": "orders"}]}


def copy(lake: dict[str, Any] | None = None, *, to: str = "analytics", **keys: Any) -> Recording:
    """A stack with the pipeline `copy` of an export's landing."""
    config = {
        "accounts": {
            "workload": {"id": "111111111111", "region": "eu-central-1"},
            "analytics": {"id": "222222222222", "region": "eu-west-1"},
        },
        "pipelines": {
            "lake": LAKE | (lake or {}),
            "copy": {"kind": "replication", "account": to, "from": "lake"} | keys,
        },
    }
    return record("test", config)


def rule(recorded: Recording) -> dict[str, Any]:
    """The one rule of the replication."""
    (only,) = recorded.inputs_of("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "copy-source")[
        "rules"
    ]
    return only


def statements(recorded: Recording, type: str, name: str) -> dict[str, dict[str, Any]]:
    """The statements of a policy by sid."""
    policy = json.loads(recorded.inputs_of(type, name)["policy"])
    return {statement.pop("Sid"): statement for statement in policy["Statement"]}


def role(recorded: Recording) -> dict[str, dict[str, Any]]:
    """What the role may by which S3 replicates."""
    return statements(recorded, "aws:iam/rolePolicy:RolePolicy", "copy-source")


def receiving(recorded: Recording) -> dict[str, dict[str, Any]]:
    """What the replica's bucket lets in."""
    return statements(recorded, "aws:s3/bucketPolicy:BucketPolicy", "copy-replica")
