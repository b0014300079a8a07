"""Lifecycle policies of OpenSearch Serverless: retention, which is for TIMESERIES only, kept and not carried out.

Source: docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-lifecycle.html.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from local.plain import is_object

from ..seams import opensearchserverless as oss
from ..seams.parts import Answer, Record
from ..seams.responses import AccountRegionScopedDict, json_response

HOURS = {"h": 1, "d": 24}


lifecycle = AccountRegionScopedDict()


def retention(data: Record) -> Record:
    """A lifecycle policy's document, or oss.Invalid."""
    document = oss.parse_policy_document(data.get("policy"))
    oss.validate_rules.current(document.get("Rules") if is_object(document) else None, ("index",), False)
    for rule in document["Rules"]:
        if not rule.get("NoMinIndexRetention"):
            period = re.fullmatch(r"(\d+)([hd])", str(rule.get("MinIndexRetention")))
            if not period or not 24 <= int(period[1]) * HOURS[period[2]] <= 3650 * 24:
                raise oss.Invalid(
                    "Policy json is invalid, error: [MinIndexRetention must be from 24h to 3650d]"
                )
        for resource in rule["Resource"]:
            rec = oss.collection_of_name(resource.split("/")[1])
            if rec and rec["type"] != "TIMESERIES":
                raise oss.Invalid(
                    f"Retention is for TIMESERIES collections; {rec['name']} is of type {rec['type']}"
                )
    return document


def put_lifecycle(put: Callable[..., Record]) -> Callable[[Record], Answer]:
    """The handler of CreateLifecyclePolicy or UpdateLifecyclePolicy, by ministack's `put`, which stores a policy."""

    def operation(data: Record) -> Answer:
        document = retention(data)
        oss.validate_name(data.get("name"), "name", 32)
        # ministack's policy functions know the types of their own two stores.
        rec = put(lifecycle, "access", {**data, "type": "data", "policy": json.dumps(document)}, unchecked)
        rec["type"] = "retention"
        return json_response({"lifecyclePolicyDetail": oss.policy_detail(rec)})

    return operation


def unchecked(*_: Any) -> None:
    """In the place of ministack's check of a policy's document, which `retention` has checked."""


def get_lifecycle(data: Record) -> Answer:
    """BatchGetLifecyclePolicy: each policy with its document, and NOT_FOUND for a name that has none."""
    details, errors = list[Record](), list[Record]()
    for wanted in data.get("identifiers", []):
        rec = lifecycle.get(f"data/{wanted['name']}")
        (details if rec else errors).append(
            oss.policy_detail(rec)
            if rec
            else {
                **wanted,
                "errorCode": "NOT_FOUND",
                "errorMessage": "The specified lifecycle policy is not found.",
            }
        )
    return json_response({"lifecyclePolicyDetails": details, "lifecyclePolicyErrorDetails": errors})


def delete_lifecycle(data: Record) -> Answer:
    """DeleteLifecyclePolicy: an empty answer; a ResourceNotFoundException where no policy has the name."""
    if lifecycle.pop(f"data/{data.get('name')}", None) is None:
        raise oss.Invalid(
            f"Policy with name {data.get('name')} and type retention is not found",
            "ResourceNotFoundException",
        )
    return json_response({})


def list_lifecycle(_data: Record) -> Answer:
    """ListLifecyclePolicies: every policy without its document, on a single page."""
    return json_response(
        {"lifecyclePolicySummaries": [oss.policy_detail(rec, False) for rec in lifecycle.values()]}
    )


HANDLERS = {
    "CreateLifecyclePolicy": put_lifecycle(oss.put_policy),
    "UpdateLifecyclePolicy": put_lifecycle(oss.update_policy),
    "BatchGetLifecyclePolicy": get_lifecycle,
    "DeleteLifecyclePolicy": delete_lifecycle,
    "ListLifecyclePolicies": list_lifecycle,
}
