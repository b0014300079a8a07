"""OpenSearch Ingestion: its control plane, and the threads of `engine` that run each ACTIVE pipeline.

Operations: Create, Get, List, Update, Delete, Validate, Start and StopPipeline, tags. Refused as the service refuses:
names (3-28 of a-z 0-9 -), units (1-96, least <= most), a body of over 100,000 characters or with an option that the
engine does not know, a log group outside /aws/vendedlogs/, a role whose trust does not let the service in, a caller
who may not pass that role. A pipeline is CREATING for a second.
Source: docs.aws.amazon.com/opensearch-service/latest/APIReference/API_Operations_Amazon_OpenSearch_Ingestion.html;
docs.aws.amazon.com/amazondynamodb/latest/developerguide/opensearch-for-dynamodb-change-index.html.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from local.plain import within

from ..iam import authorization
from ..seams import app, dynamodb_streams, iam_actions
from ..seams.parts import Answer, Record
from ..seams.responses import (
    SERVICE_PATTERNS,
    AccountRegionScopedDict,
    get_account_id,
    get_region,
    json_response,
    run_offloop,
)
from . import engine, pipeline_body

ROOT = "/2022-01-01/osis/"
SETTLE_SECONDS = 1.0
NAME = re.compile(r"[a-z][a-z0-9-]{2,27}")
LOG_GROUP = re.compile(r"/aws/vendedlogs/[.\-_/#A-Za-z0-9]+")
CONFIGURED = (
    "MinUnits",
    "MaxUnits",
    "PipelineConfigurationBody",
    "LogPublishingOptions",
    "EncryptionAtRestOptions",
    "PipelineRoleArn",
    "VpcOptions",
)
SUMMARY = (
    "Status",
    "StatusReason",
    "PipelineName",
    "PipelineArn",
    "MinUnits",
    "MaxUnits",
    "CreatedAt",
    "LastUpdatedAt",
    "Tags",
)

_pipelines = AccountRegionScopedDict()  # name -> the pipeline's description, and _plan, _threads, _progress


class Refused(Exception):
    """An error of the service's, with its code and its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400):
        self.code, self.status = code, status
        super().__init__(message)


def invalid(message: str) -> Refused:
    """A ValidationException with status 400, for the caller to raise."""
    return Refused("ValidationException", message)


def description(rec: Record, fields: tuple[str, ...] | None = None) -> Record:
    """What the service shows of a pipeline: `fields`, or all; neither what is kept for its threads nor VpcOptions."""
    return {
        key: value
        for key, value in rec.items()
        if not key.startswith("_") and key != "VpcOptions" and (fields is None or key in fields)
    }


def checked(rec: Record) -> Record:
    """The plan of a pipeline's body, with everything about the record checked."""
    least, most = rec.get("MinUnits"), rec.get("MaxUnits")
    if not isinstance(least, int) or not isinstance(most, int) or not 1 <= least <= most <= 96:
        raise invalid(f"MinUnits {least} and MaxUnits {most}: 1 <= MinUnits <= MaxUnits <= 96 is required")
    if not 1 <= len(rec.get("PipelineConfigurationBody") or "") <= 100_000:
        raise invalid("PipelineConfigurationBody must have 1 to 100000 characters")
    logging = within(rec, "LogPublishingOptions")
    group = logging.get("CloudWatchLogDestination", {}).get("LogGroup", "")
    if logging.get("IsLoggingEnabled") and not LOG_GROUP.fullmatch(group):
        raise invalid(f"log group {group!r} must be under /aws/vendedlogs/")
    try:
        plan = pipeline_body.read(rec["PipelineConfigurationBody"])
    except pipeline_body.Invalid as error:
        raise invalid(str(error)) from error
    if not rec.get("PipelineRoleArn"):
        raise invalid("PipelineRoleArn is required: a role in the body is not known here")
    return plan


def may_pass(caller: Any, rec: Record) -> None:
    """Raises Denied unless the caller has `iam:PassRole` on the pipeline's role, for OpenSearch Ingestion."""
    service = {"iam:passedtoservice": engine.SERVICE}
    authorization.check(caller, "iam:PassRole", rec["PipelineRoleArn"], **service)


def start(rec: Record) -> None:
    """Bring a pipeline to ACTIVE, or to CREATE_FAILED when the service cannot take its role."""
    starting = rec["Status"]

    def settle() -> None:
        time.sleep(SETTLE_SECONDS)
        if rec["Status"] != starting:
            return
        try:
            authorization.check_trust(rec["PipelineRoleArn"], engine.SERVICE, rec["PipelineArn"])
        except authorization.Denied as denied:
            failed = {"CREATING": "CREATE_FAILED", "UPDATING": "UPDATE_FAILED", "STARTING": "START_FAILED"}[
                starting
            ]
            rec.update(Status=failed, StatusReason={"Description": str(denied)})
            return
        rec["_threads"] = [
            engine.SubPipeline(rec, name, plan, rec["_progress"].setdefault(name, {}))
            for name, plan in rec["_plan"].items()
        ]
        rec.update(Status="ACTIVE", StatusReason={"Description": "The pipeline is ready to ingest data."})
        for thread in rec["_threads"]:
            thread.start()

    threading.Thread(target=settle, daemon=True).start()


def stop(rec: Record) -> None:
    """Ends a pipeline's threads, for each of which it waits up to 15 seconds."""
    for thread in rec["_threads"]:
        thread.halt.set()
    for thread in rec["_threads"]:
        thread.join(15)
    rec["_threads"] = []


def find(name: str) -> Record:
    """The pipeline's record, of the request's account and region; ResourceNotFoundException where there is none."""
    rec = _pipelines.get(name)
    if rec is None:
        raise Refused("ResourceNotFoundException", f"Pipeline with name {name} does not exist", 404)
    return rec


def create(name: str, data: Record, caller: Any) -> Record:
    """CreatePipeline: checks the request and the caller's right to pass the role; the new pipeline is CREATING."""
    name = str(data.get("PipelineName"))
    if not NAME.fullmatch(name):
        raise invalid(f"{name!r} is not a pipeline name (3-28 of a-z, 0-9, '-', starting with a letter)")
    if name in _pipelines:
        raise Refused("ResourceAlreadyExistsException", f"Pipeline with name {name} already exists", 409)
    rec: Record = {
        "PipelineName": name,
        "PipelineArn": f"arn:aws:osis:{get_region()}:{get_account_id()}:pipeline/{name}",
        "Status": "CREATING",
        "StatusReason": {"Description": "The pipeline is being created."},
        "CreatedAt": time.time(),
        "LastUpdatedAt": time.time(),
        "Tags": data.get("Tags", []),
        "IngestEndpointUrls": [],
        **{key: data[key] for key in CONFIGURED if key in data},
        "_threads": [],
        "_progress": {},
    }
    rec["_plan"] = checked(rec)
    may_pass(caller, rec)
    _pipelines[name] = rec
    start(rec)
    return {"Pipeline": description(rec)}


def update(name: str, data: Record, caller: Any) -> Record:
    """UpdatePipeline: changes what the request has. One that was STOPPED stays so; any other goes on where it was."""
    rec = find(name)
    if rec["Status"] not in ("ACTIVE", "STOPPED", "CREATE_FAILED", "UPDATE_FAILED"):
        raise Refused("ConflictException", f"Pipeline {name} is {rec['Status']}", 409)
    fresh = {**rec, **{key: data[key] for key in CONFIGURED if key in data}}
    fresh["_plan"] = checked(fresh)
    may_pass(caller, fresh)
    stop(rec)
    stopped = rec["Status"] == "STOPPED"
    rec.update(fresh, _threads=[], LastUpdatedAt=time.time(), Status="STOPPED" if stopped else "UPDATING")
    if not stopped:
        start(rec)
    return {"Pipeline": description(rec)}


def delete(name: str, data: Record, caller: Any) -> Record:
    """DeletePipeline: ends its threads and forgets it, whatever its status is."""
    rec = find(name)
    rec["Status"] = "DELETING"
    stop(rec)
    _pipelines.pop(name, None)
    return {}


def halt(name: str, data: Record, caller: Any) -> Record:
    """StopPipeline: an ACTIVE pipeline becomes STOPPED; ConflictException for any other."""
    rec = find(name)
    if rec["Status"] != "ACTIVE":
        raise Refused("ConflictException", f"Pipeline {name} is {rec['Status']}", 409)
    stop(rec)
    rec.update(Status="STOPPED", _progress={})  # it will begin anew, with an export; an update loses nothing
    return {"Pipeline": description(rec)}


def resume(name: str, data: Record, caller: Any) -> Record:
    """StartPipeline: a STOPPED pipeline is STARTING; ConflictException for any other."""
    rec = find(name)
    if rec["Status"] != "STOPPED":
        raise Refused("ConflictException", f"Pipeline {name} is {rec['Status']}", 409)
    rec["Status"] = "STARTING"
    start(rec)
    return {"Pipeline": description(rec)}


def validate(name: str, data: Record, caller: Any) -> Record:
    """ValidatePipeline: whether a body can be run here, and a message for each reason why not."""
    try:
        pipeline_body.read(data.get("PipelineConfigurationBody") or "")
    except pipeline_body.Invalid as error:
        return {"isValid": False, "Errors": [{"Message": message} for message in error.errors]}
    return {"isValid": True, "Errors": []}


def tagged(data: Record) -> Record:
    """The pipeline whose ARN is in the query, `?arn=` (API_osis_ListTagsForResource.html and its siblings)."""
    return find(str(data.get("arn")).rsplit("/", 1)[-1])


def tag(name: str, data: Record, caller: Any) -> Record:
    """TagResource: adds tags to a pipeline; one with a key that it has replaces that tag."""
    rec = tagged(data)
    rec["Tags"] = [*({tag["Key"]: tag for tag in [*rec["Tags"], *data["Tags"]]}).values()]
    return {}


def untag(name: str, data: Record, caller: Any) -> Record:
    """UntagResource: takes the tags with the given keys from a pipeline."""
    rec = tagged(data)
    rec["Tags"] = [tag for tag in rec["Tags"] if tag["Key"] not in data["TagKeys"]]
    return {}


OPERATIONS: dict[str, Callable[[str, Record, Any], Record]] = {
    "createPipeline": create,
    "updatePipeline": update,
    "deletePipeline": delete,
    "stopPipeline": halt,
    "startPipeline": resume,
    "validatePipeline": validate,
    "tagResource": tag,
    "untagResource": untag,
    "getPipeline": lambda name, data, caller: {"Pipeline": description(find(name))},
    "listPipelines": lambda name, data, caller: {
        "Pipelines": [description(rec, SUMMARY) for rec in _pipelines.values()]
    },
    "listTagsForResource": lambda name, data, caller: {"Tags": tagged(data)["Tags"]},
}


async def handle_request(
    method: str, path: str, headers: Record, body: bytes, query_params: Record
) -> Answer:
    """Answers a call of OpenSearch Ingestion's REST API, `/2022-01-01/osis/<operation>[/<name>]`, in JSON."""
    operation, _, name = path.removeprefix(ROOT).partition("/")
    try:
        if operation not in OPERATIONS:
            raise invalid(f"OpenSearch Ingestion has no {operation} here")
        query = parse_qs(query_params) if isinstance(query_params, str) else query_params
        data = {**{key: value[0] for key, value in query.items()}, **json.loads(body or b"{}")}
        caller = authorization.caller(headers, query_params)
        return json_response(await run_offloop(OPERATIONS[operation], unquote(name), data, caller))
    except (Refused, authorization.Denied) as error:
        code, status = (
            (error.code, error.status) if isinstance(error, Refused) else ("AccessDeniedException", 403)
        )
        return (
            status,
            {"Content-Type": "application/json", "x-amzn-ErrorType": code},
            json.dumps({"__type": code, "message": str(error)}).encode(),
        )


def get_state() -> Record:
    """What ministack would keep on disk of this service."""
    return {}  # state lives in memory


def load_persisted_state(data: Any) -> None:
    """Takes nothing of what ministack kept on disk."""
    pass


def reset() -> None:
    """Stops and forgets the pipelines of every account; ministack calls it."""
    for _, rec in _pipelines.all_items():
        stop(rec)
    _pipelines.clear()


def resource_arn(
    stock: Any, service: str, method: str, path: str, headers: Record, body: bytes, *rest: Any, **named: Any
) -> str:
    """A call to DynamoDB Streams is checked on its stream; ministack takes the table's name for all of DynamoDB."""
    if not headers.get("x-amz-target", "").startswith("DynamoDBStreams_"):
        return stock(service, method, path, headers, body, *rest, **named)
    request = json.loads(body or b"{}")
    iterator = dynamodb_streams.decode_iterator(request.get("ShardIterator", "")) or {}
    return request.get("StreamArn") or iterator.get("arn") or "*"


def install() -> None:
    """Adds the service to ministack: how a request is known to be for it, and its name in IAM and in botocore."""
    iam_actions.resource_of.wrap(resource_arn)
    app.add_service("osis", sys.modules[__name__])
    SERVICE_PATTERNS["osis"] = {
        "host_patterns": [r"^osis\."],
        "path_prefixes": [ROOT],
        "credential_scope": "osis",
    }
    iam_actions.namespaces["osis"] = "osis"
    iam_actions.botocore_names["osis"] = ["osis"]
