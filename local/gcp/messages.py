"""What the local Google Cloud accepts, the real one accepts: each request is checked against its API's discovery
document, and refused with the API's error.

Refused: a method that the API does not have, a parameter or a field that it does not know, another type, a value that
is none of an enum's, text that is not of its format, a field that is `Required` and is not there. `DIFFERENT` lists
where a document is known to be wrong. What only a reference says is refused by the parts beside this module.
JSON of a message: https://protobuf.dev/programming-guides/json/. Errors: https://docs.cloud.google.com/apis/design/errors.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from local.gcp import discovery
from local.gcp.refusals import Refused
from local.plain import is_list, is_object

# (schema, field) -> why the document's `Required` or readable form does not hold.
DIFFERENT: dict[tuple[str, str], str] = {}
FORMATS = {
    "google-duration": r"-?\d+(\.\d{1,9})?s",
    "google-datetime": r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)",
    "date-time": r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)",
    "google-fieldmask": r"[\w.*`]+(,[\w.*`]+)*|",
}
BITS = {
    "int32": (-(2**31), 2**31), "uint32": (0, 2**32), "int64": (-(2**63), 2**63), "uint64": (0, 2**64)
}  # fmt: skip


def check(verb: str, path: str, query: Mapping[str, list[str]], body: Any) -> None:
    """Refused, with 404 for a method that there is not, else 400. `body` is JSON's value; None where there is none,
    or where it is no JSON."""
    matched = discovery.find(verb, path)
    if matched is None:
        raise Refused(404, f"{verb} {path} is no method of an API of the local Google Cloud")
    method, in_path, uploads = matched
    for name, values in query.items():
        if (about := method.parameters.get(name)) is None:
            raise Refused(
                400, f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.'
            )
        for value in values:
            _parameter(name, about, value)
    for name, about in method.parameters.items():
        if about.get("required") and name not in in_path and name not in query:
            raise Refused(400, f"Required parameter: {name}")
    if method.body is None or body is None or (uploads and verb == "PUT"):
        return
    schemas = discovery.document(method.api)["schemas"]
    _Message(schemas, method, in_path).check(schemas[method.body], body, "", method.body)


def _parameter(name: str, about: discovery.Schema, value: str) -> None:
    wrong = (
        ("enum" in about and value not in about["enum"])
        or (about.get("type") == "boolean" and value.lower() not in ("true", "false"))
        or (about.get("type") == "integer" and not re.fullmatch(r"-?\d+", value))
        or ("pattern" in about and not re.search(about["pattern"], value))
        or ("minimum" in about and int(value) < int(about["minimum"]))
        or ("maximum" in about and int(value) > int(about["maximum"]))
        or ((form := about.get("format")) in FORMATS and not re.fullmatch(FORMATS[form], value))
    )
    if wrong:
        raise Refused(400, f"Invalid value at '{name}', \"{value}\"")


def camel(name: str) -> str:
    """`transfer_job` as `transferJob`: a message may be written either way."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


class _Message:
    def __init__(
        self, schemas: dict[str, discovery.Schema], method: discovery.Method, in_path: dict[str, str]
    ):
        self.schemas, self.method, self.in_path = schemas, method, in_path

    def wrong(self, path: str, kind: str, value: Any) -> Refused:
        return Refused(400, f"Invalid value at '{path.strip('.')}' ({kind}), {value!r}")

    def check(self, schema: discovery.Schema, value: Any, path: str, name: str = "") -> None:
        if value is None or schema.get("readOnly"):  # null is a field's default; what is read only is ignored
            return
        if "$ref" in schema:
            name = schema["$ref"]
            schema = self.schemas[name]
        kind = schema.get("type", "object")
        if kind == "any":
            return
        if kind == "array":
            if not is_list(value):
                raise self.wrong(path, "a list is expected", value)
            for number, item in enumerate(value):
                self.check(schema.get("items", {}), item, f"{path}[{number}]")
        elif kind == "object":
            self.object(schema, value, path, name)
        elif kind == "boolean":
            if not isinstance(value, bool):
                raise self.wrong(path, "TYPE_BOOL", value)
        elif kind in ("integer", "number") or schema.get("format") in BITS:
            self.number(schema, value, path)
        else:
            self.text(schema, value, path)

    def object(self, schema: discovery.Schema, value: Any, path: str, name: str) -> None:
        if not is_object(value):
            raise self.wrong(path, "an object is expected", value)
        fields = schema.get("properties", {})
        for key, member in value.items():
            about = fields.get(key) or fields.get(camel(key)) or schema.get("additionalProperties")
            if about is None:
                at = f" at '{path.strip('.')}'" if path else ""
                raise Refused(
                    400, f'Invalid JSON payload received. Unknown name "{key}"{at}: Cannot find field.'
                )
            self.check(about, member, f"{path}.{key}")
        if self.method.verb == "PATCH":  # what its mask does not name stays as it is
            return
        there = {camel(key) for key in value} | {*self.in_path}
        for key, about in fields.items():
            needed = about.get("description") == "Required" or self.method.name in about.get(
                "annotations", {}
            ).get("required", ())
            if needed and key not in there and not about.get("readOnly") and (name, key) not in DIFFERENT:
                raise Refused(400, f"Required field {f'{path}.{key}'.strip('.')} is not set.")

    def number(self, schema: discovery.Schema, value: Any, path: str) -> None:
        form, whole = schema.get("format", ""), schema.get("format") in BITS
        if isinstance(value, str) and (whole or form in ("double", "float")):
            try:
                value = int(value) if whole else float(value)
            except ValueError:
                raise self.wrong(path, f"TYPE_{form.upper()}", value) from None
        if isinstance(value, bool) or not isinstance(value, int | float) or (whole and value % 1):
            raise self.wrong(path, f"TYPE_{form.upper() or 'DOUBLE'}", value)
        if whole and not BITS[form][0] <= value < BITS[form][1]:
            raise self.wrong(path, f"TYPE_{form.upper()}", value)

    def text(self, schema: discovery.Schema, value: Any, path: str) -> None:
        form = schema.get("format", "")
        if not isinstance(value, str):
            raise self.wrong(path, "TYPE_STRING", value)
        if "enum" in schema and value not in schema["enum"]:
            raise self.wrong(path, f"one of {', '.join(schema['enum'])}", value)
        if form in FORMATS and not re.fullmatch(FORMATS[form], value):
            raise self.wrong(path, form, value)
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise self.wrong(path, schema["pattern"], value)
        if form == "byte":
            try:
                base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
            except (binascii.Error, ValueError):
                raise self.wrong(path, "TYPE_BYTES", value) from None
