"""The services' models, read from botocore when a service is first called, and which operation a request is.

A model is kept without its documentation, which is most of it. Operations of JSON's protocol are named by
`X-Amz-Target`, of the query protocols by `Action`, of CBOR's by the path; a REST request is that operation whose
method, path and fixed query fit and whose required query parameters and headers are all there; the one with the most
of these where several fit. https://smithy.io/2.0/aws/protocols/index.html
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore
from botocore.model import ServiceModel

from ..seams import iam_actions
from ..seams.parts import Record
from ..seams.responses import botocore_names as ALIASES

DATA = Path(botocore.__file__).parent / "data"
# What ministack serves under one name.
TOGETHER = {
    "dynamodb": ["dynamodb", "dynamodbstreams"],
    "lambda": ["lambda"],
    "rds": ["rds"],
    "s3control": ["s3control"],
}
CBOR_PATH = re.compile(r"/service/([^/]+)/operation/([^/]+)/?")


@dataclass(frozen=True)
class Route:
    """What a request must have to be a REST operation; of routes that fit, that of the greatest `rank` is meant."""

    method: str
    path: re.Pattern[str]
    literal: dict[str, str]  # fixed query: name -> value, "" for any
    query: tuple[str, ...]  # required
    headers: tuple[str, ...]  # required
    operation: str
    rank: tuple[int, ...]


def _without_documentation(read: Record) -> Record:
    if isinstance(read.get("documentation"), str):
        del read["documentation"]
    return read


@functools.cache
def model(name: str) -> Any:
    """The newest model of a service that botocore has, by its name there; None where it has none.

    `Any` stands for botocore's models throughout: their properties are typed as what makes them."""
    files = sorted((DATA / name).glob("*/service-2.json.gz"))
    if not files:
        return None
    with gzip.open(files[-1]) as text:
        return ServiceModel(json.load(text, object_hook=_without_documentation), name)


def models(service: str) -> list[Any]:
    """The models behind a service of ministack's."""
    names = TOGETHER.get(service) or iam_actions.botocore_names.get(service)
    return [
        service_model for name in names or [ALIASES.get(service, service)] if (service_model := model(name))
    ]


@functools.cache
def routes(name: str) -> list[Route]:
    """The routes of a service's REST operations, in the order in which a request is compared with them."""
    service = model(name)
    assert service
    all_routes: list[Route] = []
    greedy = any(
        "+}" in service.operation_model(operation).http["requestUri"] for operation in service.operation_names
    )
    for operation in service.operation_names:
        about = service.operation_model(operation)
        path, _, fixed = about.http["requestUri"].partition("?")
        literal = dict(part.partition("=")[::2] for part in fixed.split("&") if part)
        literal.pop("x-id", None)  # says which operation it is to who reads a log, and may be left out
        query, headers, parts = list[str](), list[str](), [part for part in path.split("/") if part]
        if shape := about.input_shape:
            for member in shape.required_members:
                where = shape.members[member].serialization
                if where.get("location") == "querystring":
                    query.append(where["name"])
                elif where.get("location") == "header":
                    headers.append(where["name"].lower())
        # An ARN in a path is one label with slashes in it: the path arrives decoded.
        pattern = "".join(
            "/"
            + re.sub(
                r"\\\{(\w+)(\\\+)?\\\}",
                lambda braces: f"(?P<{braces[1]}>{'.+' if braces[2] else '[^/]+' if greedy else '.+?'})",
                re.escape(part),
            )
            for part in parts
        )
        plain = sum("{" not in part for part in parts)
        rank = (plain, len(parts), len(literal), len(query) + len(headers), not about.deprecated)
        all_routes.append(
            Route(
                about.http["method"],
                re.compile((pattern or "/") + "/?", re.DOTALL),
                literal,
                tuple(query),
                tuple(headers),
                operation,
                rank,
            )
        )
    return sorted(all_routes, key=lambda route: route.rank, reverse=True)


@dataclass(frozen=True)
class Matched:
    """The operation that a request calls, the protocol that it is written in, and its path's labels by name."""

    operation: Any  # botocore's OperationModel
    protocol: str  # json, query, ec2, rest-json, rest-xml, cbor
    labels: dict[str, str]


def find(
    services: list[Any],
    method: str,
    path: str,
    headers: dict[str, str],
    query: Record,
    form: dict[str, Any],
) -> Matched | str | None:
    """The operation; its name alone where no model has it; None where the request is no call of an operation."""
    if target := headers.get("x-amz-target"):
        prefix, _, name = target.rpartition(".")
        for service in services:
            if service.metadata.get("targetPrefix") == prefix and name in service.operation_names:
                return Matched(service.operation_model(name), "json", {})
        return name
    if called := CBOR_PATH.fullmatch(path):
        for service in services:
            if called[2] in service.operation_names:
                return Matched(service.operation_model(called[2]), "cbor", {})
        return called[2]
    if name := form.get("Action"):
        for service in services:
            if name in service.operation_names:
                return Matched(
                    service.operation_model(name),
                    "ec2" if service.metadata["protocol"] == "ec2" else "query",
                    {},
                )
        return str(name)
    for service in services:
        if service.metadata["protocol"] in ("rest-json", "rest-xml") and (
            matched := rest(service, method, path, headers, query)
        ):
            return matched
    return None


def rest(service: Any, method: str, path: str, headers: dict[str, str], query: Record) -> Matched | None:
    """The first operation whose method, path and fixed query fit and whose required parameters are all there; where
    none has them all, the first that fits otherwise; None where none fits."""
    lacking = None
    for route in routes(service.service_name):
        if (
            route.method != method
            or not (match := route.path.fullmatch(path))
            or any(
                name not in query or (value and query[name] != [value])
                for name, value in route.literal.items()
            )
        ):
            continue
        matched = Matched(
            service.operation_model(route.operation), service.metadata["protocol"], match.groupdict()
        )
        if all(name in query for name in route.query) and all(name in headers for name in route.headers):
            return matched
        lacking = lacking or matched  # nothing fits better: what it lacks is then reported
    return lacking
