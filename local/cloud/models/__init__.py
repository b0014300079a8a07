"""What the embedded cloud accepts, the real one accepts: each request is checked against its service's own model.

It stands in front of ministack's handlers, so calls by Step Functions' tasks are checked as those over HTTP are. The
models are botocore's, which AWS publishes; `differences` lists where they are known to be wrong. Refused: another
type, a missing member, a value beyond `min`, `max`, `pattern` or `enum`, an operation that the service does not have.
Not seen: what no model says, such as which members exclude each other. Members that a model does not know are
ignored, as the services do.

operations.py   which operation a request is
wire.py         its values, out of whichever protocol
constraints.py  what a shape takes
patterns.py     the models' patterns, which are Java's
differences.py  where the models are known to be wrong
answers.py      a refusal, in the service's own form
"""

from __future__ import annotations

import functools
import logging
from typing import Any
from urllib.parse import parse_qsl

from local.plain import is_list

from ..seams import app
from ..seams.parts import Record
from . import answers, constraints, differences, operations, wire

log = logging.getLogger("tributary.cloud")
S3_CONTROL = "/v20180820/"


@functools.cache
def compiler(service: str) -> constraints.Compiler:
    """The compiler of a service's shapes, made once; it skips the traits that `differences.WRONG` takes away."""
    return constraints.Compiler(lambda shape, trait: (service, shape, trait) in differences.WRONG)


def listed(query: Any) -> dict[str, list[str]]:
    """A query as name -> values, whoever calls the handler."""
    return {name: [*map(str, value)] if is_list(value) else [str(value)] for name, value in query.items()}


def refusal(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes | str, query: Any
) -> answers.Answer | None:
    """What the service answers to a request that its model does not take; None for one that it takes."""
    models = operations.models(service)
    if not models:
        return None
    body = body.encode() if isinstance(body, str) else body or b""
    values = listed(query or {})
    form = {name: value[-1] for name, value in values.items() if value}
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form |= dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    matched = operations.find(models, method, path, headers, values, form)
    if matched is None:
        if service in (
            "s3",
            "s3control",
        ):  # a browser's preflight, a form's upload: no operations of the model
            return None
        return answers.unknown(models[0].service_name, f"{method} {path}", False, False)
    if isinstance(matched, str):
        known = models[0].service_name
        return answers.unknown(known, matched, "x-amz-target" not in headers, "/operation/" in path)
    try:
        errors = problems(matched, wire.read(matched, headers, values, form, body))
    except constraints.Unreadable as error:
        return answers.unreadable(matched, str(error))
    return answers.invalid(matched, constraints.message(errors)) if errors else None


def problems(matched: operations.Matched, value: Record) -> list[str]:
    """What in a request its operation refuses, by the model and by `differences.DOCUMENTED`, a sentence each. Raises
    Unreadable where a value is of another type."""
    errors: list[str] = []
    service, shape = matched.operation.service_model.service_name, matched.operation.input_shape
    if shape is None:
        return errors
    compiler(service).of(shape)(without_also(matched.operation, value), "", errors)
    for (of, operation, member), rule in differences.DOCUMENTED.items():
        if (
            (of, operation) == (service, matched.operation.name)
            and value.get(member)
            and not rule.holds(value[member])
        ):
            errors.append(f"{rule.refusal} ({member})")
    return errors


def without_also(operation: Any, value: Record) -> Record:
    """A request without the values that its service takes although the model's enum lacks them."""
    model = operation.service_model
    for (of, name, member), (shape, _, _) in differences.ALSO.items():
        if (of, name) == (model.service_name, operation.name) and is_list(value.get(member)):
            more = model.shape_for(shape).metadata["enum"]
            value = value | {member: [item for item in value[member] if item not in more]}
    return value


def checked(service: str, stock: Any) -> Any:
    """A handler that refuses what the service's model does not take, and passes any other request on to `stock`."""

    async def handler(method: str, path: str, headers: Record, body: Any, query: Any) -> Any:
        if refused := refusal(service, method, path, headers, body, query):
            log.warning(
                "%s %s %s refused by its model: %s",
                service,
                method,
                path,
                refused[2].decode(errors="replace"),
            )
            return refused
        return await stock(method, path, headers, body, query)

    return handler


def install() -> None:
    """After every extension that replaces a handler."""
    for service, stock in app.handlers.items():
        app.handlers[service] = checked(service, stock)
    shortcuts = app.shortcuts.current

    async def control(method: str, path: str, headers: Record, body: bytes, query: Record, request_id: str):
        if path.startswith(S3_CONTROL) and (
            refused := refusal("s3control", method, path, headers, body, query)
        ):
            return refused
        return await shortcuts(method, path, headers, body, query, request_id)

    app.shortcuts.replace(control)
