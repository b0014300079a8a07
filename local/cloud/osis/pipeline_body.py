"""An OpenSearch Ingestion pipeline's body: read, checked, and what its expressions and processors say.

The body is Data Prepper's YAML. Known here is the part that tributary generates; any other option is an error that
names it: `Invalid`, a list of messages. Expressions are `expressions`.
Source: github.com/opensearch-project/data-prepper, DynamoDBSourceConfig, TableConfig, OpenSearchSinkConfig,
S3DlqWriterConfig, JacksonEvent.formatString; opensearch.org/docs/latest/data-prepper/pipelines/expression-syntax.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import yaml

from local.plain import is_list, is_object

from ..seams.parts import Record
from .expressions import Expression, at

TEXT, FLAG, LIST = str, bool, list
AWS = {"region": TEXT}
SOURCE = {
    "acknowledgments": FLAG,
    "aws": AWS,
    "tables": [
        {
            "table_arn": TEXT,
            "stream": {"start_position": TEXT, "view_on_remove": TEXT},
            "export": {"s3_bucket": TEXT, "s3_prefix": TEXT, "s3_region": TEXT},
        }
    ],
}
SINK = {
    "hosts": [TEXT],
    "index": TEXT,
    "index_type": TEXT,
    "template_type": TEXT,
    "template_content": TEXT,
    "document_id": TEXT,
    "action": TEXT,
    "document_version": TEXT,
    "document_version_type": TEXT,
    "routes": [TEXT],
    "dlq": {"s3": {"bucket": TEXT, "key_path_prefix": TEXT, "region": TEXT}},
    "aws": {**AWS, "serverless": FLAG},
}
PROCESSORS: dict[str, Any] = {
    "delete_entries": {"with_keys": [TEXT]},
    "drop_events": {"drop_when": TEXT},
    "rename_keys": {"entries": [{"from_key": TEXT, "to_key": TEXT}]},
    "add_entries": {"entries": [{"key": TEXT, "format": TEXT}]},
}
PIPELINE = {
    "source": {"dynamodb": SOURCE},
    "processor": [PROCESSORS],
    "route": LIST,
    "sink": [{"opensearch": SINK}],
}
NEEDED = {
    "source": ["dynamodb"],
    "dynamodb": ["tables"],
    "tables": ["table_arn"],
    "export": ["s3_bucket"],
    "opensearch": ["hosts", "index", "document_id", "action", "document_version", "dlq", "aws"],
    "dlq": ["s3"],
    "s3": ["bucket", "key_path_prefix"],
    "delete_entries": ["with_keys"],
    "drop_events": ["drop_when"],
}
CHOICES = {
    "start_position": ("LATEST", "TRIM_HORIZON"),
    "view_on_remove": ("NEW_IMAGE", "OLD_IMAGE"),
    "document_version_type": ("external",),
    "index_type": ("custom",),
    "template_type": ("index-template",),
}


class Invalid(Exception):
    """A body that can't be run here; `errors` has a message for each reason."""

    def __init__(self, errors: list[str]):
        self.errors = errors
        super().__init__("; ".join(errors))


class Missing(Exception):
    """A `${...}` that the event cannot fill."""


def check(value: Any, shape: Any, path: str, errors: list[str]) -> None:
    """Adds to `errors`, with its path, what in `value` is not as `shape` has it: a dict's options, a list, a type."""
    name = path.rsplit(".", 1)[-1].split("[", maxsplit=1)[0]
    if is_object(shape):
        if not is_object(value):
            errors.append(f"{path}: a mapping is expected")
            return
        errors += [f"{path}.{key}: unknown option" for key in value if key not in shape]
        errors += [f"{path}.{key}: required" for key in NEEDED.get(name, ()) if key not in value]
        for key in value:
            if key in shape:
                check(value[key], shape[key], f"{path}.{key}", errors)
    elif is_list(shape):
        if not is_list(value) or not value:
            errors.append(f"{path}: a list is expected")
            return
        for number, entry in enumerate(value):
            check(entry, shape[0], f"{path}[{number}]", errors)
    elif not isinstance(value, shape):
        errors.append(f"{path}: {value!r} is not a {shape.__name__}")
    elif name in CHOICES and value not in CHOICES[name]:
        errors.append(f"{path}: {value!r} is none of {', '.join(CHOICES[name])}")


def read(text: str) -> dict[str, Record]:
    """The sub-pipelines by name, each {source, processors, routes, sinks}, or Invalid."""
    errors: list[str] = []
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Invalid([f"the body is not YAML: {error}"]) from error
    if not is_object(body) or str(body.pop("version", "")) != "2":
        raise Invalid(['the body must start with version: "2"'])
    pipelines: dict[str, Record] = {}
    for name, pipeline in body.items():
        check(pipeline, PIPELINE, name, errors)
        if errors:
            continue
        errors += [f"{name}.{key}: required" for key in ("source", "sink") if key not in pipeline]
        if errors:
            continue
        source = pipeline["source"]["dynamodb"]
        if len(source["tables"]) != 1:
            errors.append(f"{name}: Exactly one table must be configured for the DynamoDb source.")
        sinks = [sink["opensearch"] for sink in pipeline["sink"]]
        routes = {key: text for route in pipeline.get("route", []) for key, text in route.items()}
        try:
            conditions = {key: Expression(text) for key, text in routes.items()}
        except ValueError as error:
            errors.append(f"{name}.route: {error}")
            continue
        for sink in sinks:
            errors += [
                f"{name}.sink: route {route!r} is not defined"
                for route in sink.get("routes", [])
                if route not in routes
            ]
            if not sink["aws"].get("serverless"):
                errors.append(
                    f"{name}.sink.opensearch.aws.serverless: only Serverless collections are here: true"
                )
        processors = [
            (kind, options) for entry in pipeline.get("processor", []) for kind, options in entry.items()
        ]
        pipelines[name] = {"source": source, "processors": processors, "routes": conditions, "sinks": sinks}
    if not pipelines and not errors:
        errors.append("the body has no pipeline")
    if errors:
        raise Invalid(errors)
    return pipelines


def place(data: Record, path: str) -> tuple[Record | None, str]:
    """(the mapping that holds the path's last part, that part)."""
    *above, last = path.strip("/").split("/")
    holder: Any = data
    for part in above:
        holder = holder.get(part) if is_object(holder) else None
    return (holder if is_object(holder) else None), last


def fill(pattern: str, data: Record, metadata: Record) -> str:
    """`${/field}` and `${getMetadata("x")}` filled in; Missing if the event lacks one."""

    def value(match: re.Match[str]) -> str:
        inner = match[1].strip()
        call = re.fullmatch(r'getMetadata\(\s*"/?([^"]+)"\s*\)', inner)
        value = metadata.get(call[1]) if call else at(data, inner)
        if value is None:
            raise Missing(f"the event has no {inner}")
        return (
            str(value).lower()
            if isinstance(value, bool)
            else format(value, "f")
            if isinstance(value, Decimal)
            else str(value)
        )

    return re.sub(r"\$\{([^}]+)\}", value, pattern)


def process(processors: list[tuple[str, Record]], data: Record, metadata: Record) -> bool:
    """Change the event as the processors say; False if it is dropped."""
    for kind, options in processors:
        if kind == "drop_events" and Expression(options["drop_when"])(data, metadata):
            return False
        for key in options.get("with_keys", []):
            holder, last = place(data, key)
            if holder:
                holder.pop(last, None)
        for entry in options.get("entries", []):
            holder, last = place(data, entry.get("to_key") or entry["key"])
            if holder is None or last in holder:
                continue  # what is there is not overwritten
            if kind == "add_entries":
                holder[last] = fill(entry["format"], data, metadata)
            else:
                above, first = place(data, entry["from_key"])
                if above and first in above:
                    holder[last] = above.pop(first)
    return True
