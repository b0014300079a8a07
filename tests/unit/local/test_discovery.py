"""The local Google Cloud takes what an API's discovery document takes and refuses what it does not. Google's own client
writes the requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from googleapiclient import discovery as client  # pyright: ignore[reportMissingTypeStubs] - it has no types
from googleapiclient.http import HttpMock  # pyright: ignore[reportMissingTypeStubs] - it has no types

from local.gcp import discovery, messages
from local.gcp.refusals import Refused
from tests.unit.local.requests_of import as_python, matching

# What the program, its providers and its functions call.
METHODS = {
    "bigquery.v2": (
        *("datasets.insert", "datasets.get", "datasets.patch", "datasets.delete", "tables.insert", "tables.get"),
        *("tables.patch", "tables.delete", "tables.list", "tabledata.list", "jobs.insert", "jobs.get", "jobs.query"),
        "jobs.getQueryResults",
    ),
    "storage.v1": (
        *("buckets.insert", "buckets.get", "buckets.patch", "buckets.delete", "buckets.getIamPolicy"),
        *("buckets.setIamPolicy", "objects.list", "objects.get", "objects.delete"),
    ),
    "bigquerydatatransfer.v1": tuple(
        f"projects.{location}transferConfigs.{verb}"
        for location in ("", "locations.")
        for verb in ("create", "get", "patch", "delete", "list", "startManualRuns", "runs.list", "runs.get")
    ),
    "storagetransfer.v1": (
        *("transferJobs.create", "transferJobs.get", "transferJobs.patch", "transferJobs.delete", "transferJobs.run"),
        *("transferOperations.list", "transferOperations.get", "googleServiceAccounts.get"),
    ),
    "sts.v1": ("v1.token",),
    "iamcredentials.v1": ("projects.serviceAccounts.generateAccessToken",),
    "iam.v1": (
        *(f"projects.serviceAccounts.{verb}" for verb in ("create", "get", "patch", "delete", "getIamPolicy")),
        *(f"projects.roles.{verb}" for verb in ("create", "get", "patch", "delete")),
        *(f"projects.locations.workloadIdentityPools.{verb}" for verb in ("create", "get", "patch", "delete")),
        *(f"projects.locations.workloadIdentityPools.providers.{v}" for v in ("create", "get", "patch", "delete")),
        "projects.serviceAccounts.setIamPolicy",
    ),
    "pubsub.v1": (
        *(f"projects.topics.{verb}" for verb in ("create", "get", "patch", "delete", "publish", "setIamPolicy")),
        *(f"projects.subscriptions.{verb}" for verb in ("create", "get", "delete", "pull", "acknowledge")),
    ),
    "cloudresourcemanager.v1": ("projects.get", "projects.getIamPolicy", "projects.setIamPolicy"),
}  # fmt: skip
TEXTS = {
    "google-duration": "10s",
    "google-datetime": "2026-01-01T00:00:00Z",
    "date-time": "2026-01-01T00:00:00Z",
    "google-fieldmask": "name,displayName",
    "byte": "YQ==",
}
# The form that the document gives in prose.
GIVEN = {"transferJobs/": "transferJobs/one", "TransferJob.name": "transferJobs/one", "labels": "labels.a:b"}


def valid(schemas: dict[str, Any], schema: dict[str, Any], name: str = "", depth: int = 0) -> Any:
    if "$ref" in schema:
        name, schema = schema["$ref"], schemas[schema["$ref"]]
    kind, form = schema.get("type", "object"), schema.get("format", "")
    if kind == "object":
        if "properties" not in schema:
            inner = schema.get("additionalProperties")
            return {"key": valid(schemas, inner, "", depth + 1)} if inner and depth < 4 else {}
        return {
            key: GIVEN.get(f"{name}.{key}") or valid(schemas, about, "", depth + 1)
            for key, about in schema["properties"].items()
            if not about.get("readOnly") and (depth < 3 or about.get("description") == "Required")
        }
    if kind == "array":
        return [valid(schemas, schema["items"], "", depth + 1)] if depth < 4 else []
    if kind == "any":
        return "anything"
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return 1
    if form in ("int64", "uint64"):
        return "1"
    if "pattern" in schema:
        return "P1Y"
    return schema["enum"][0] if "enum" in schema else TEXTS.get(form, "text")


def worse(
    schemas: dict[str, Any], schema: dict[str, Any], value: Any, depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """(what is wrong, the value with one thing wrong in it)"""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if not isinstance(value, dict) or "properties" not in schema:
        return
    members = cast("dict[str, Any]", value)
    yield "an unknown field", {**members, "noSuchField": 1}
    for key, given in members.items():
        about = schema["properties"][key]
        if about.get("description") == "Required" and depth == 0:
            yield f"no {key}", {name: item for name, item in members.items() if name != key}
        if "enum" in about:
            yield f"{key} of no enum", {**value, key: "NONE_OF_THESE"}
        if about.get("format") in ("google-duration", "google-datetime", "int32", "int64"):
            yield f"{key} of another form", {**value, key: "soon"}
        if about.get("type") == "boolean":
            yield f"{key} of text", {**value, key: "true"}
        if about.get("type") == "string":
            yield f"{key} of a list", {**value, key: [1]}
        if depth < 2:
            for what, worse_value in worse(schemas, about, given, depth + 1):
                yield f"{key}: {what}", {**value, key: worse_value}


def call(service: Any, method: str, /, **arguments: Any) -> tuple[str, str, dict[str, Any], Any]:
    """(verb, path, query, body) as Google's client sends it."""
    *resources, verb = method.split(".")
    for resource in resources:
        service = getattr(service, resource)()
    request = getattr(service, verb)(**arguments)
    parts = urlsplit(str(request.uri))
    body = json.loads(request.body) if request.body else None
    return request.method, unquote(parts.path), parse_qs(parts.query), body


def one_of(about: discovery.Schema) -> Any:
    if pattern := about.get("pattern"):
        if pattern.startswith("^transferJobs/"):
            return "transferJobs/one"
        expression = as_python(pattern.removeprefix("^").removesuffix("$"))
        assert expression
        return matching(expression, 1, 100)
    return valid({}, dict(about))


CASES = [(api, name) for api, names in METHODS.items() for name in names]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    build = cast("Any", client).build_from_document
    return {api: build(discovery.document(api), http=HttpMock()) for api in METHODS}


@pytest.mark.parametrize(("api", "name"), CASES)
def test_a_valid_request_passes_and_a_wrong_one_is_refused(api: str, name: str, services: dict[str, Any]):
    method = next(
        m
        for m in discovery.methods(api)
        if m.name == f"{api.split('.', maxsplit=1)[0]}.{name.removeprefix('v1.')}"
    )
    schemas = discovery.document(api)["schemas"]
    common = {*discovery.document(api)["parameters"]}
    parameters = {n: one_of(about) for n, about in method.parameters.items() if n not in common}
    arguments = {n.replace(".", "_").replace("-", "_"): v for n, v in parameters.items()}
    schema = {"$ref": method.body} if method.body else None
    bodies = {"body": valid(schemas, schema)} if schema else {}
    verb, path, query, body = call(services[api], name, **arguments, **bodies)
    at = discovery.find(verb, path)
    assert at and at[0].name == method.name
    messages.check(verb, path, query, body)
    wrong = list(worse(schemas, schema, body)) if schema else []
    for what, wrong_value in wrong:
        if what.startswith("no ") and (verb == "PATCH" or what[3:] in parameters):
            continue  # what a change does not name stays, and the path may name it
        with pytest.raises(Refused) as refused:
            messages.check(verb, path, query, wrong_value)
            pytest.fail(what)
        assert refused.value.code == 400, what
    with pytest.raises(Refused, match="Unknown name"):
        messages.check(verb, path, {**query, "noSuchParameter": ["1"]}, body)
    for needed in [n for n, about in method.parameters.items() if about.get("required") and n in query]:
        with pytest.raises(Refused, match=f"Required parameter: {needed}"):
            messages.check(verb, path, {n: v for n, v in query.items() if n != needed}, body)


def test_a_path_that_no_api_has_is_refused():
    with pytest.raises(Refused) as refused:
        messages.check("GET", "/v1/projects/one/transferThings", {}, None)
    assert refused.value.code == 404
