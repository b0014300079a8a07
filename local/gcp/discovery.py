"""Google's discovery documents, which describe each method of an API: its path, its parameters and its messages.

They come with `google-api-python-client`, are read when an API is first called, and are kept without their prose but
for the word `Required`, which is all they say about it.
https://developers.google.com/discovery/v1/reference/apis
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

# One endpoint serves them all here; where a path is of two APIs' form, the first is it.
APIS = (
    (r"/(?:upload/|resumable/upload/)?bigquery/v2/.*", "bigquery.v2"),
    (r"/(?:upload/|resumable/upload/)?storage/v1/.*", "storage.v1"),
    (r"/v1/.*/(?:transferConfigs|dataSources)(?:[/:].*)?", "bigquerydatatransfer.v1"),
    (r"/v1/(?:transferJobs|transferOperations|googleServiceAccounts|projects/[^/]+/agentPools)(?:[/:].*)?",
     "storagetransfer.v1"),
    (r"/v1/token", "sts.v1"),
    (r"/v1/projects/[^/]+/serviceAccounts/[^/]+:generate\w+", "iamcredentials.v1"),
    (r"/v1/projects/[^/]+/(?:serviceAccounts|roles)(?:[/:].*)?|/v1/.*/workloadIdentityPools(?:[/:].*)?", "iam.v1"),
    (r"/v1/projects/[^/]+/(?:topics|subscriptions|schemas|snapshots)(?:[/:].*)?", "pubsub.v1"),
    (r"/v1/projects/[^/]+/services(?:[/:].*)?", "serviceusage.v1"),
    (r"/v1/(?:projects|operations)(?:[/:].*)?", "cloudresourcemanager.v1"),
    (r"/v3/.*", "cloudresourcemanager.v3"),
)  # fmt: skip


# Of a document what is used of it ("Using JSON Schema",
# https://developers.google.com/discovery/v1/type-format; the fields themselves are in "apis" above).
Schema = TypedDict(
    "Schema",
    {
        "$ref": str,
        "type": str,
        "format": str,
        "pattern": str,
        "enum": list[str],
        "minimum": str,
        "maximum": str,
        "required": bool,
        "readOnly": bool,
        "description": str,
        "annotations": dict[str, list[str]],
        "items": "Schema",
        "properties": "dict[str, Schema]",
        "additionalProperties": "Schema",
    },
    total=False,
)
"""A message, a field or a parameter."""
Reference = TypedDict("Reference", {"$ref": str})


class Protocol(TypedDict):
    """A protocol of a method that takes media."""

    path: str


class Media(TypedDict):
    """The protocols, `simple` and `resumable`, of a method that takes media."""

    protocols: dict[str, Protocol]


class Described(TypedDict):
    """A method as a document describes it."""

    id: str
    httpMethod: str
    path: str
    parameters: NotRequired[dict[str, Schema]]
    request: NotRequired[Reference]
    mediaUpload: NotRequired[Media]


class Collection(TypedDict):
    """The methods of a resource, and the resources below it."""

    methods: NotRequired[dict[str, Described]]
    resources: NotRequired[dict[str, Collection]]


class Document(Collection):
    """An API, with the parameters that all of its methods have and the messages that they take and answer."""

    servicePath: str
    parameters: dict[str, Schema]
    schemas: dict[str, Schema]


@dataclass(frozen=True)
class Method:
    """A method of an API; its parameters, of path and query, are its own and those that all methods of the API have."""

    api: str
    name: str
    verb: str
    path: re.Pattern[str]
    parameters: dict[str, Schema]
    body: str | None  # the schema of its request's body
    uploads: re.Pattern[str] | None


def _short(read: dict[str, Any]) -> dict[str, Any]:
    """What is checked of an object of a document."""
    text = read.get("description")
    if isinstance(text, str):
        read["description"] = "Required" if re.match(r"\[?required\b", text.strip(), re.IGNORECASE) else ""
    read.pop("enumDescriptions", None)
    return read


@functools.cache
def document(api: str) -> Document:
    """An API's document (`storage.v1`) without its prose, read from the package's files at the first call."""
    client = importlib.util.find_spec("googleapiclient")
    assert client and client.submodule_search_locations
    folder = Path(client.submodule_search_locations[0]) / "discovery_cache" / "documents"
    return json.loads((folder / f"{api}.json").read_text(), object_hook=_short)


def _every(part: Collection) -> Iterator[Described]:
    yield from part.get("methods", {}).values()
    for inner in part.get("resources", {}).values():
        yield from _every(inner)


@functools.cache
def methods(api: str) -> list[Method]:
    """Every method of an API, those last whose path has a label that may span slashes (`{+name}`)."""
    read, methods_of_api = document(api), list[Method]()
    for method in _every(read):
        upload = method["mediaUpload"]["protocols"]["simple"]["path"] if "mediaUpload" in method else None
        methods_of_api.append(
            Method(
                api,
                method["id"],
                method["httpMethod"],
                _path("/" + read["servicePath"] + method["path"], method.get("parameters", {})),
                read["parameters"] | method.get("parameters", {}),
                method["request"]["$ref"] if "request" in method else None,
                _path(upload, method.get("parameters", {})) if upload else None,
            )
        )
    # `projects/{projectId}` before `{+name}`, which takes more.
    return sorted(methods_of_api, key=lambda method: "{+" in method.path.pattern)


def _path(template: str, parameters: dict[str, Schema]) -> re.Pattern[str]:
    def label(match: re.Match[str]) -> str:
        pattern = parameters[match[2]].get("pattern", "") if match[2] in parameters else ""
        inner = pattern.removeprefix("^").removesuffix("$") or (".+" if match[1] else "[^/]+")
        return f"(?P<{match[2]}>{inner})"

    parts = re.split(r"(\{\+?\w+\})", template)
    return re.compile(
        "".join(re.sub(r"\{(\+?)(\w+)\}", label, p) if p.startswith("{") else re.escape(p) for p in parts)
    )


def find(verb: str, path: str) -> tuple[Method, dict[str, str], bool] | None:
    """(the method, its path's parameters, whether it is an upload), or None where no API has such a one."""
    api = next((name for pattern, name in APIS if re.fullmatch(pattern, path)), None)
    for method in methods(api) if api else ():
        if method.verb == verb and (match := method.path.fullmatch(path)):
            return method, match.groupdict(), False
        if method.uploads and verb in ("POST", "PUT") and (match := method.uploads.fullmatch(path)):
            return method, match.groupdict(), True
    return None
