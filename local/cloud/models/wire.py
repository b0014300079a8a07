"""A request's values, by the operation's input shape: a dict as `constraints` checks it.

As botocore's `serialize.py` writes them and https://smithy.io/2.0/aws/protocols/index.html describes them. What the
model does not know is left out, as the services ignore it.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any
from xml.etree import ElementTree

from local.plain import within

from ..seams.parts import Record
from .constraints import INTEGERS, Unreadable, key
from .operations import Matched

TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def read(
    matched: Matched, headers: dict[str, str], query: dict[str, list[str]], form: Record, body: bytes
) -> Record:
    """A request's value by its protocol, empty where the operation has no input. Raises Unreadable."""
    shape: Any = matched.operation.input_shape
    if shape is None:
        return {}
    if matched.protocol == "json":
        return from_json(body)
    if matched.protocol == "cbor":
        return from_cbor(body)
    if matched.protocol in ("query", "ec2"):
        return from_form(shape, tree(form), matched.protocol == "ec2")
    return located(shape, matched, headers, query) | in_body(shape, matched, body)


def from_json(body: bytes) -> Any:
    """The body's JSON, an empty structure where there is no body. Raises Unreadable."""
    try:
        return json.loads(body or b"{}")
    except ValueError as error:
        raise Unreadable(f"the body is no JSON: {error}") from None


def from_cbor(body: bytes) -> Any:
    """The body's CBOR, an empty structure where there is no body. Raises Unreadable."""
    import cbor2

    try:
        return cbor2.loads(body) if body else {}
    except Exception as error:  # cbor2 raises what its input leads it to
        raise Unreadable(f"the body is no CBOR: {error}") from None


def plain(shape: Any, text: str) -> Any:
    """A value that is written as text."""
    kind = shape.type_name
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise Unreadable(f"{text!r} is neither true nor false")
        return text.lower() == "true"
    if kind in INTEGERS or kind in ("float", "double"):
        try:
            return int(text) if kind in INTEGERS else float(text)
        except ValueError:
            raise Unreadable(f"{text!r} is no {kind}") from None
    if kind == "string" and "jsonvalue" in shape.serialization:
        try:
            return base64.b64decode(text).decode()
        except (binascii.Error, ValueError):
            raise Unreadable(f"{text!r} is no base64") from None
    return text


def tree(form: dict[str, str]) -> Record:
    """`Tags.member.1.Key=a` as {"Tags": {"member": {"1": {"Key": "a"}}}}; a leaf's own text is under ""."""
    top: Record = {}
    for name, value in form.items():
        node = top
        for part in name.split("."):
            node = node.setdefault(part, {})
        node[""] = value
    return top


def numbered(node: Record) -> list[Record]:
    """The members of a list in a form's tree, in the order of their numbers."""
    return [node[number] for number in sorted((n for n in node if n.isdigit()), key=int)]


def from_form(shape: Any, node: Record, ec2: bool) -> Any:
    """A shape's value at a node of a form's tree, by the names of the query protocol or, with `ec2`, of EC2's."""
    kind = shape.type_name
    if kind == "structure":
        structure: Record = {}
        for name, member in shape.members.items():
            written = member.serialization.get("name", name)
            if ec2:
                written = member.serialization.get("queryName") or written[:1].upper() + written[1:]
            elif member.type_name == "list" and member.serialization.get("flattened"):
                written = member.member.serialization.get("name", written)
            if written in node:
                structure[key(name, member)] = from_form(member, node[written], ec2)
        return structure
    if kind == "list":
        if not ec2 and not shape.serialization.get("flattened"):
            # `member` is what Step Functions' tasks here write for every list.
            node = node.get(shape.member.serialization.get("name", "member")) or within(node, "member")
        return [from_form(shape.member, item, ec2) for item in numbered(node)]
    if kind == "map":
        entries = numbered(node if shape.serialization.get("flattened") else node.get("entry", {}))
        name, value = (
            inner.serialization.get("name", word)
            for inner, word in ((shape.key, "key"), (shape.value, "value"))
        )
        return {
            entry.get(name, {}).get("", ""): from_form(shape.value, entry.get(value, {}), ec2)
            for entry in entries
        }
    return plain(shape, node.get("", ""))


def located(shape: Any, matched: Matched, headers: dict[str, str], query: dict[str, list[str]]) -> Record:
    """The members of a REST request outside its body."""
    parameters: Record = {}
    for name, member in shape.members.items():
        where, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if where == "uri" and wire in matched.labels:
            parameters[name] = plain(member, matched.labels[wire])
        elif where == "header" and (text := headers.get(wire.lower())) is not None:
            many = member.type_name == "list"
            parameters[name] = (
                [plain(member.member, part.strip()) for part in text.split(",")]
                if many
                else plain(member, text)
            )
        elif where == "headers":
            parameters[name] = {
                n[len(wire) :]: value for n, value in headers.items() if n.startswith(wire.lower())
            }
        elif where == "querystring" and member.type_name == "map":
            parameters[name] = {
                n: values if member.value.type_name == "list" else values[-1] for n, values in query.items()
            }
        elif where == "querystring" and wire in query:
            values = query[wire]
            if member.type_name == "list":
                parameters[name] = [plain(member.member, text) for text in values]
            else:
                parameters[name] = plain(member, values[-1])
    return parameters


def in_body(shape: Any, matched: Matched, body: bytes) -> Record:
    """The members in a REST request's body: the payload alone where the shape has one, else all without a location."""
    payload = shape.serialization.get("payload")
    if payload:
        member = shape.members[payload]
        if member.type_name == "blob":
            return {key(payload, member): body}
        if not body:
            return {}
        text = member.type_name != "structure"
        return {
            key(payload, member): body.decode(errors="replace") if text else parsed(member, matched, body)
        }
    if not any("location" not in member.serialization for member in shape.members.values()):
        return {}
    return parsed(shape, matched, body) if body else {}


def parsed(shape: Any, matched: Matched, body: bytes) -> Any:
    """A REST request's body, JSON or XML by the protocol, as the shape's value. Raises Unreadable."""
    if matched.protocol == "rest-json":
        return from_json(body)
    try:
        return from_xml(shape, ElementTree.fromstring(body))
    except ElementTree.ParseError as error:
        raise Unreadable(f"the body is no XML: {error}") from None


def local(element: ElementTree.Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def from_xml(shape: Any, node: ElementTree.Element) -> Any:
    """A shape's value in an XML element, by the model's names; members that stand outside the body are left out."""
    kind = shape.type_name
    if kind == "structure":
        children: dict[str, list[ElementTree.Element]] = {}
        for child in node:
            children.setdefault(local(child), []).append(child)
        structure: Record = {}
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            if member.serialization.get("location"):
                continue
            if member.serialization.get("xmlAttribute"):
                attribute = node.get(TYPE) if wire.endswith(":type") else node.get(wire)
                if attribute is not None:
                    structure[key(name, member)] = attribute
            elif same := children.get(wire):
                flat = member.type_name == "list" and member.serialization.get("flattened")
                structure[key(name, member)] = (
                    [from_xml(member.member, item) for item in same] if flat else from_xml(member, same[0])
                )
        return structure
    if kind == "list":
        return [from_xml(shape.member, item) for item in node]
    if kind == "map":
        names = [
            inner.serialization.get("name", word)
            for inner, word in ((shape.key, "key"), (shape.value, "value"))
        ]
        pairs = [[next((c for c in entry if local(c) == name), None) for name in names] for entry in node]
        return {(k.text or ""): from_xml(shape.value, v) for k, v in pairs if k is not None and v is not None}
    return plain(shape, node.text or "")
