"""An export under Pulumi's mocks, for the tests of this room."""

import json
from typing import Any

from tests.recording import Recording, record

WORKLOAD = {"id": "111111111111", "region": "eu-central-1"}


BUCKET = "arn:aws:s3:::tributary-test-lake-landing-111111111111"


KEY = "arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555"


ORDERS = {"dynamodb": "orders"}


SHOP = {"rds_instance": "shop", "tables": {"shop.products": {"product_id": "bigint"}}}


def lake(*sources: dict[str, Any], tables: dict[str, Any] | None = None, **keys: Any) -> Recording:
    """A stack with the pipeline `lake` of these sources."""
    pipeline = {"kind": "export", "sources": list(sources)} | keys
    config = {"accounts": {"workload": WORKLOAD}, "pipelines": {"lake": pipeline}}
    return record("test", config, tables=tables)


def own(recorded: Recording) -> dict[str, int]:
    """What the run adds to the landing and the stack."""
    landing = ("s3", "kms", "sns", "dynamodb", "pulumi", "tributary")
    return {t: n for t, n in recorded.counts().items() if not t.startswith(tuple(f"{x}:" for x in landing))
            and not t.startswith(tuple(f"aws:{x}/" for x in landing))}  # fmt: skip


def steps(recorded: Recording) -> dict[str, Any]:
    """The run's definition."""
    return json.loads(recorded.inputs_of("aws:sfn/stateMachine:StateMachine", "lake-run")["definition"])


def items(recorded: Recording, kind: str) -> dict[str, Any]:
    """The map over the sources of a kind."""
    (resource,) = [
        branch["States"][f"Each {kind} source"]
        for branch in steps(recorded)["States"]["Export"]["Branches"]
        if f"Each {kind} source" in branch["States"]
    ]
    return resource


def granted(recorded: Recording, role: str) -> dict[str, tuple[list[str], list[str]]]:
    """What a role may, by sid, beside its log: actions and resources."""
    policy = json.loads(recorded.inputs_of("aws:iam/rolePolicy:RolePolicy", role)["policy"])
    return {s["Sid"]: (s["Action"], s["Resource"]) for s in policy["Statement"] if s["Sid"] != "WriteLog"}
