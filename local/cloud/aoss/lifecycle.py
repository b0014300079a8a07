"""Lifecycle policies of OpenSearch Serverless: retention, which is for TIMESERIES only, kept and not carried out.

Source: docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-lifecycle.html.
"""

import json
import re

from ..seams import opensearchserverless as oss
from ..seams.responses import AccountRegionScopedDict, json_response

HOURS = {"h": 1, "d": 24}


lifecycle = AccountRegionScopedDict()


def retention(data: dict) -> dict:
    """A lifecycle policy's document, or oss.Invalid."""
    document = oss.parse_policy_document(data.get("policy"))
    oss.validate_rules.current(
        document.get("Rules") if isinstance(document, dict) else None, ("index",), False
    )
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


def put_lifecycle(put):
    """The handler of CreateLifecyclePolicy or UpdateLifecyclePolicy, by ministack's `put`, which stores a policy."""

    def operation(data: dict) -> tuple:
        document = retention(data)
        oss.validate_name(data.get("name"), "name", 32)
        # ministack's policy functions know the types of their own two stores.
        rec = put(
            lifecycle, "access", {**data, "type": "data", "policy": json.dumps(document)}, lambda *_: None
        )
        rec["type"] = "retention"
        return json_response({"lifecyclePolicyDetail": oss.policy_detail(rec)})

    return operation


def get_lifecycle(data: dict) -> tuple:
    """BatchGetLifecyclePolicy: each policy with its document, and NOT_FOUND for a name that has none."""
    details, errors = [], []
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


def delete_lifecycle(data: dict) -> tuple:
    """DeleteLifecyclePolicy: an empty answer; a ResourceNotFoundException where no policy has the name."""
    if lifecycle.pop(f"data/{data.get('name')}", None) is None:
        raise oss.Invalid(
            f"Policy with name {data.get('name')} and type retention is not found",
            "ResourceNotFoundException",
        )
    return json_response({})


def list_lifecycle(_data: dict) -> tuple:
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
