"""CloudWatch gives an alarm back whole, in whichever protocol.

ministack keeps the members of a plain metric alarm only, fills in others that were not given, and writes few of them
as XML, which is what terraform-provider-aws up to 5.100 reads. Here every member of the request that an alarm has is
kept, and an answer is written from CloudWatch's own model: CBOR, JSON or the query protocol's XML.
PutMetricAlarm and MetricAlarm: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html,
docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import botocore.session
import cbor2

from local.plain import is_list

from . import query_protocol
from .iam import authorization
from .models import constraints, wire
from .seams import app, cloudwatch
from .seams.parts import Answer, Record

MODEL = botocore.session.Session().get_service_model("cloudwatch")
DESCRIBES = ("DescribeAlarms", "DescribeAlarmsForMetric", "GetDashboard")
TARGET = MODEL.metadata["targetPrefix"]
# What ministack writes where the request says nothing; an alarm on an expression has none of these.
FILLED_IN = (
    "AlarmDescription",
    "Statistic",
    "Period",
    "Threshold",
    "MetricName",
    "Namespace",
    "Dimensions",
    "Unit",
)


def parse_request(path: str, headers: Record, body: bytes, query: Any) -> tuple[str, str, Record]:
    """The (protocol, operation, input) of a request."""
    if "cbor" in headers.get("content-type", "") or "cbor" in headers.get("smithy-protocol", ""):
        return "cbor", path.rsplit("/operation/", 1)[-1], cbor2.loads(body) if body else {}
    if target := headers.get("x-amz-target"):
        return "json", target.rsplit(".", 1)[-1], json.loads(body or b"{}")
    fields = {key: value[0] if is_list(value) else value for key, value in dict(query or {}).items()}
    form = fields | dict(parse_qsl((body or b"").decode(), keep_blank_values=True))
    name = form.get("Action", "")
    names: list[str] = MODEL.operation_names  # type: ignore[assignment]  # a cached property of botocore
    known = name in names and MODEL.operation_model(name).input_shape
    return "query", name, wire.from_form(known, wire.tree(form), False) if known else {}


def keep(request: Record) -> None:
    """Completes the alarm that ministack has just stored."""
    alarm = cloudwatch.alarms[request["AlarmName"]]
    for name in FILLED_IN:
        if name not in request:
            alarm.pop(name, None)
    members = MODEL.shape_for("MetricAlarm").members
    alarm.update({name: value for name, value in request.items() if name in members})


def typed(shape: Any, value: Any) -> Any:
    """A value as CBOR has it: a timestamp is tag 1, a double is one even where it is whole, nothing is null."""
    if shape.type_name == "structure":
        return {
            name: typed(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [typed(shape.member, item) for item in value]
    if shape.type_name == "timestamp":
        return cbor2.CBORTag(1, float(value))
    return float(value) if shape.type_name == "double" else value


def written(protocol: str, name: str, value: Record) -> tuple[int, Record, bytes]:
    """A 200 in the protocol of the request: CBOR, the query protocol's XML, or JSON whose alarms have no null."""
    operation = MODEL.operation_model(name)
    if protocol == "query":
        return 200, {"Content-Type": "text/xml"}, query_protocol.write(operation, value)
    if protocol == "json":
        whole = {k: [without_null(each) for each in v] if is_list(v) else v for k, v in value.items()}
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(whole).encode()
    headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    return 200, headers, cbor2.dumps(typed(operation.output_shape, value))


def without_null(alarm: Record) -> Record:
    """A copy of an alarm that leaves out each member whose value is null."""
    return {name: value for name, value in alarm.items() if value is not None}


async def around(stock: Any, method: str, path: str, headers: Record, body: bytes, query: Any) -> Answer:
    """Describes alarms in the protocol of the request, and keeps every member that a PutMetricAlarm has; what can't be
    read, and any other operation, goes to ministack as it came."""
    try:
        protocol, name, request = parse_request(path, headers, body, query)
    except (ValueError, cbor2.CBORDecodeError, constraints.Unreadable):  # ministack refuses it
        return await stock(method, path, headers, body, query)
    if name in DESCRIBES:
        plain = {
            **{k: v for k, v in headers.items() if k not in ("smithy-protocol", "content-length")},
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"{TARGET}.{name}",
        }
        status, _, answer = await stock("POST", "/", plain, json.dumps(request).encode(), {})
        if status == 200:
            return written(protocol, name, json.loads(answer))
    answered = await stock(method, path, headers, body, query)
    if name == "PutMetricAlarm" and answered[0] == 200:
        keep(request)
    return answered


def install() -> None:
    """Goes before ministack's handlers `monitoring` and `cloudwatch`, those of the two that there are."""
    for name in {"monitoring", "cloudwatch"} & app.handlers.keys():
        authorization.wrap(name, around)
