"""An OpenSearch Ingestion pipeline's body: read, checked, and what its expressions and processors say.

The body is Data Prepper's YAML. Known here is the part that tributary generates; any other option is an error that
names it: `Invalid`, a list of messages. Expressions: `/field` paths, strings, numbers, true, false, null,
getMetadata("x"), == != < <= > >=, `in {..}`, `not in {..}`, and, or, not, parentheses.
Source: github.com/opensearch-project/data-prepper, DynamoDBSourceConfig, TableConfig, OpenSearchSinkConfig,
S3DlqWriterConfig, JacksonEvent.formatString; opensearch.org/docs/latest/data-prepper/pipelines/expression-syntax.
"""

from __future__ import annotations

import operator
import re
from contextlib import suppress
from decimal import Decimal
from typing import Any

import yaml

TEXT, FLAG, NUMBER, LIST, MAP = str, bool, int, list, dict
AWS = {"sts_role_arn": TEXT, "region": TEXT, "sts_external_id": TEXT}
SOURCE = {
    "acknowledgments": FLAG,
    "shard_acknowledgment_timeout": TEXT,
    "s3_data_file_acknowledgment_timeout": TEXT,
    "aws": AWS,
    "tables": [
        {
            "table_arn": TEXT,
            "stream": {"start_position": TEXT, "view_on_remove": TEXT},
            "export": {"s3_bucket": TEXT, "s3_prefix": TEXT, "s3_region": TEXT, "s3_sse_kms_key_id": TEXT},
        }
    ],
}
SINK = {
    "hosts": [TEXT],
    "index": TEXT,
    "index_type": TEXT,
    "template_type": TEXT,
    "template_content": TEXT,
    "number_of_shards": NUMBER,
    "number_of_replicas": NUMBER,
    "document_id": TEXT,
    "routing": TEXT,
    "action": TEXT,
    "document_version": TEXT,
    "document_version_type": TEXT,
    "routes": [TEXT],
    "exclude_keys": [TEXT],
    "include_keys": [TEXT],
    "bulk_size": NUMBER,
    "flush_timeout": NUMBER,
    "max_retries": NUMBER,
    "dlq": {
        "s3": {
            "bucket": TEXT,
            "key_path_prefix": TEXT,
            "region": TEXT,
            "sts_role_arn": TEXT,
            "bucket_owner": TEXT,
        }
    },
    "aws": {
        **AWS,
        "serverless": FLAG,
        "serverless_options": {"network_policy_name": TEXT, "collection_name": TEXT, "vpce_id": TEXT},
    },
}
ENTRY_OF = {
    "rename_keys": {
        "from_key": TEXT,
        "to_key": TEXT,
        "overwrite_if_to_key_exists": FLAG,
        "rename_when": TEXT,
    },
    "add_entries": {
        "key": TEXT,
        "value": object,
        "format": TEXT,
        "value_expression": TEXT,
        "add_when": TEXT,
        "overwrite_if_key_exists": FLAG,
    },
}
CONVERT = {"key": TEXT, "keys": [TEXT], "type": TEXT, "convert_when": TEXT}
PROCESSORS: dict[str, Any] = {
    "delete_entries": {"with_keys": [TEXT], "delete_when": TEXT},
    "drop_events": {"drop_when": TEXT},
    "rename_keys": {"entries": [ENTRY_OF["rename_keys"]]},
    "add_entries": {"entries": [ENTRY_OF["add_entries"]]},
    "convert_type": CONVERT,
    "convert_entry_type": CONVERT,
}
PIPELINE = {
    "source": {"dynamodb": SOURCE},
    "processor": [PROCESSORS],
    "route": LIST,
    "routes": LIST,
    "sink": [{"opensearch": SINK}],
    "workers": NUMBER,
    "delay": NUMBER,
}
NEEDED = {
    "source": ["dynamodb"],
    "dynamodb": ["tables"],
    "tables": ["table_arn"],
    "export": ["s3_bucket"],
    "opensearch": ["hosts", "index", "aws"],
    "s3": ["bucket"],
}
CHOICES = {
    "start_position": ("LATEST", "TRIM_HORIZON"),
    "view_on_remove": ("NEW_IMAGE", "OLD_IMAGE"),
    "document_version_type": ("internal", "external", "external_gte"),
    "index_type": ("custom", "management_disabled"),
    "template_type": ("v1", "index-template"),
}
TYPES = {"integer": int, "long": int, "double": float, "big_decimal": Decimal, "string": str, "boolean": None}


class Invalid(Exception):
    def __init__(self, errors: list[str]):
        self.errors = errors
        super().__init__("; ".join(errors))


class Missing(Exception):
    """A `${...}` that the event cannot fill."""


def check(value: Any, shape: Any, path: str, errors: list[str]) -> None:
    name = path.rsplit(".", 1)[-1].split("[")[0]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            errors.append(f"{path}: a mapping is expected")
            return
        errors += [f"{path}.{key}: unknown option" for key in value if key not in shape]
        errors += [f"{path}.{key}: required" for key in NEEDED.get(name, ()) if key not in value]
        for key in value:
            if key in shape:
                check(value[key], shape[key], f"{path}.{key}", errors)
    elif isinstance(shape, list):
        if not isinstance(value, list) or not value:
            errors.append(f"{path}: a list is expected")
            return
        for number, entry in enumerate(value):
            check(entry, shape[0], f"{path}[{number}]", errors)
    elif not isinstance(value, shape) or (shape is NUMBER and isinstance(value, bool)):
        errors.append(f"{path}: {value!r} is not a {shape.__name__}")
    elif name in CHOICES and value not in CHOICES[name]:
        errors.append(f"{path}: {value!r} is none of {', '.join(CHOICES[name])}")


def read(text: str, role: str | None) -> dict[str, dict]:
    """The sub-pipelines by name, each {source, processors, routes, sinks}, or Invalid."""
    errors: list[str] = []
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Invalid([f"the body is not YAML: {error}"]) from error
    if not isinstance(body, dict) or str(body.pop("version", "")) != "2":
        raise Invalid(['the body must start with version: "2"'])
    shared = (body.pop("pipeline_configurations", None) or {}).get("aws", {})
    check(shared, AWS, "pipeline_configurations.aws", errors)
    pipelines: dict[str, dict] = {}
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
        routes = {
            key: text
            for route in pipeline.get("route", pipeline.get("routes", []))
            for key, text in route.items()
        }
        sinks = [sink["opensearch"] for sink in pipeline["sink"]]
        try:
            conditions = {key: Expression(text) for key, text in routes.items()}
        except ValueError as error:
            errors.append(f"{name}.route: {error}")
            continue
        for place in (source.get("aws", {}), *(sink["aws"] for sink in sinks)):
            place.setdefault("sts_role_arn", shared.get("sts_role_arn") or role)
            if not place["sts_role_arn"]:
                errors.append(f"{name}: no role: set PipelineRoleArn or sts_role_arn")
        source.setdefault("aws", {"sts_role_arn": shared.get("sts_role_arn") or role})
        for sink in sinks:
            errors += [
                f"{name}.sink: route {one!r} is not defined"
                for one in sink.get("routes", [])
                if one not in routes and one != "_default"
            ]
            if not sink["aws"].get("serverless"):
                errors.append(
                    f"{name}.sink.opensearch.aws.serverless: only Serverless collections are here: true"
                )
            if all(
                sink["aws"].get("serverless_options", {}).get(key)
                for key in SINK["aws"]["serverless_options"]
            ):
                errors.append(
                    f"{name}.sink.opensearch.aws.serverless_options.vpce_id: there are no VPC endpoints here"
                )
            if "%{" in sink.get("dlq", {}).get("s3", {}).get("key_path_prefix", "") or "%{" in sink["index"]:
                errors.append(f"{name}.sink.opensearch: a time pattern, %{{...}}, is not known here")
            if "document_version" in sink and "document_id" not in sink:
                errors.append(f"{name}.sink.opensearch.document_version: needs document_id")
        processors = [
            (kind, options) for entry in pipeline.get("processor", []) for kind, options in entry.items()
        ]
        pipelines[name] = {"source": source, "processors": processors, "routes": conditions, "sinks": sinks}
    if not pipelines and not errors:
        errors.append("the body has no pipeline")
    if errors:
        raise Invalid(errors)
    return pipelines


TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<path>/[\w./@-]+)"""
    r"""|(?P<sign>==|!=|<=|>=|<|>|[(){},])|(?P<word>[A-Za-z]\w*))"""
)
COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
LITERALS = {"true": True, "false": False, "null": None}


class Expression:
    """A condition on an event, compiled once to a function of (data, metadata)."""

    def __init__(self, text: str):
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = TOKEN.match(text, at)
            if not found:
                raise ValueError(f"{text!r} cannot be read at {text[at:]!r}")
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()
        self.text = text
        self.test = self.either()
        if self.tokens:
            raise ValueError(f"{text!r}: {self.tokens[0][1]!r} is not expected")

    def __call__(self, data: dict, metadata: dict) -> bool:
        try:
            return bool(self.test(data, metadata))
        except TypeError:
            return False  # Data Prepper logs a comparison of unlike types and takes it as false

    def take(self, *wanted: str) -> str | None:
        return self.tokens.pop(0)[1] if self.tokens and self.tokens[0][1] in wanted else None

    def expect(self, wanted: str) -> None:
        if not self.take(wanted):
            raise ValueError(f"{self.text!r}: {wanted!r} is expected")

    def either(self):
        left = self.both()
        while self.take("or"):
            left = (lambda a, b: lambda d, m: a(d, m) or b(d, m))(left, self.both())
        return left

    def both(self):
        left = self.negated()
        while self.take("and"):
            left = (lambda a, b: lambda d, m: a(d, m) and b(d, m))(left, self.negated())
        return left

    def negated(self):
        if self.take("not"):
            inner = self.negated()
            return lambda d, m: not inner(d, m)
        left = self.operand()
        if sign := self.take(*COMPARE):
            right = self.operand()
            compare = COMPARE[sign]
            return lambda d, m: compare(left(d, m), right(d, m))
        absent = self.take("not")
        if self.take("in"):
            self.expect("{")
            members = [self.operand()]
            while self.take(","):
                members.append(self.operand())
            self.expect("}")
            return lambda d, m: (left(d, m) in [member(d, m) for member in members]) != bool(absent)
        return left

    def operand(self):
        if self.take("("):
            inner = self.either()
            self.expect(")")
            return inner
        kind, text = self.tokens.pop(0) if self.tokens else ("end", "the end")
        if kind == "text":
            value = text[1:-1].replace('\\"', '"')
        elif kind == "number":
            value = Decimal(text)
        elif kind == "path":
            return lambda d, m: look(d, text)
        elif kind == "word" and text == "getMetadata":
            self.expect("(")
            name = self.tokens.pop(0)[1].strip('"')
            self.expect(")")
            return lambda d, m: m.get(name)
        elif kind == "word" and text in LITERALS:
            value = LITERALS[text]
        else:
            raise ValueError(f"{self.text!r}: {text!r} is not known here")
        return lambda d, m: value


def look(data: Any, path: str) -> Any:
    for part in path.strip("/").split("/"):
        data = data.get(part) if isinstance(data, dict) else None
    return data


def place(data: dict, path: str) -> tuple[dict | None, str]:
    """(the mapping that holds the path's last part, that part)."""
    *above, last = path.strip("/").split("/")
    holder: Any = data
    for part in above:
        holder = holder.get(part) if isinstance(holder, dict) else None
    return (holder if isinstance(holder, dict) else None), last


def fill(pattern: str, data: dict, metadata: dict) -> str:
    """`${/field}` and `${getMetadata("x")}` filled in; Missing if the event lacks one."""

    def value(match: re.Match) -> str:
        inner = match[1].strip()
        call = re.fullmatch(r'getMetadata\(\s*"/?([^"]+)"\s*\)', inner)
        found = metadata.get(call[1]) if call else look(data, inner)
        if found is None:
            raise Missing(f"the event has no {inner}")
        return (
            str(found).lower()
            if isinstance(found, bool)
            else format(found, "f")
            if isinstance(found, Decimal)
            else str(found)
        )

    return re.sub(r"\$\{([^}]+)\}", value, pattern)


def converted(value: Any, kind: str) -> Any:
    if kind == "boolean":
        return value.lower() == "true" if isinstance(value, str) else bool(value)
    if kind == "string":
        return (
            str(value).lower()
            if isinstance(value, bool)
            else format(value, "f")
            if isinstance(value, Decimal)
            else str(value)
        )
    return TYPES[kind](Decimal(str(value)))  # type: ignore[misc]  # boolean, the one that is None, returned above


def process(processors: list, data: dict, metadata: dict) -> bool:
    """Change the event as the processors say; False if it is dropped."""

    def meant(entry: dict, condition: str) -> bool:
        return condition not in entry or Expression(entry[condition])(data, metadata)

    for kind, options in processors:
        if kind == "drop_events" and meant(options, "drop_when"):
            return False
        if kind == "delete_entries" and meant(options, "delete_when"):
            for key in options["with_keys"]:
                holder, last = place(data, key)
                if holder:
                    holder.pop(last, None)
        for entry in options.get("entries", []):
            source, target = entry.get("from_key"), entry.get("to_key") or entry.get("key")
            holder, last = place(data, target)
            if holder is None or not meant(entry, "rename_when" if source else "add_when"):
                continue
            if last in holder and not entry.get(
                "overwrite_if_to_key_exists", entry.get("overwrite_if_key_exists")
            ):
                continue
            if not source:
                holder[last] = (
                    fill(entry["format"], data, metadata)
                    if "format" in entry
                    else Expression(entry["value_expression"]).test(data, metadata)
                    if "value_expression" in entry
                    else entry.get("value")
                )
            else:
                above, first = place(data, source)
                if above and first in above:
                    holder[last] = above.pop(first)
        if kind in ("convert_type", "convert_entry_type") and meant(options, "convert_when"):
            for key in options.get("keys") or [options["key"]]:
                holder, last = place(data, key)
                if holder and holder.get(last) is not None:
                    with suppress(ArithmeticError):  # Data Prepper logs it and leaves the value
                        holder[last] = converted(holder[last], options.get("type", "integer"))
    return True
