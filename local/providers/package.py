"""A local provider's package schema, as the engine asks for it (GetSchema): what `pulumi package get-schema` shows, and
what a YAML program's types and provider are checked with.

It describes the types that the provider knows and the provider itself, in the words of the installed SDK (schema.py);
what the SDK types as a union is any value. "Pulumi package schema"
(https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/).
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from . import schema
from .schema import Property

SCALARS = {"bool": "boolean", "int": "integer", "float": "number", "str": "string"}
ANY = {"$ref": "pulumi.json#/Any"}


def specification(package: str, kinds: Iterable[str], functions: Iterable[str]) -> dict[str, Any]:
    """The package's schema: `kinds` are the tokens of its resources ("aws:s3/bucket:Bucket"), `functions` of its
    functions ("aws:s3/getBucket:getBucket")."""
    types: dict[str, Any] = {}
    return {
        "name": package,
        "version": version(f"pulumi_{package}"),
        "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},  # aws:s3/bucket:Bucket may be written aws:s3:Bucket
        "provider": resource(schema.provider(package), {}, types),
        "resources": {kind: resource(schema.inputs(kind), schema.outputs(kind), types) for kind in kinds},
        "functions": {token: function(token, types) for token in functions},
        "types": types,
    }


def function(token: str, types: dict[str, Any]) -> dict[str, Any]:
    """A function's part of the schema: what it takes and gives, and what is required; `types` gets nested classes."""
    inputs, answered = schema.function(token)
    return {
        "inputs": {
            "type": "object",
            "properties": described(inputs.values(), types),
            "required": sorted(p.name for p in inputs.values() if p.required),
        },
        "outputs": {
            "type": "object",
            "properties": described(answered.values(), types),
            "required": sorted(p.name for p in answered.values() if p.required),
        },
    }


def resource(
    inputs: Mapping[str, Property], outputs: Mapping[str, Property], types: dict[str, Any]
) -> dict[str, Any]:
    """A resource's or a provider's part of the schema: inputs, outputs but the id, and what of them is required."""
    own = {name: prop for name, prop in outputs.items() if name != "id"}  # every resource has an id
    return {
        "inputProperties": described(inputs.values(), types),
        "requiredInputs": sorted(p.name for p in inputs.values() if p.required),
        "properties": described(own.values(), types),
        "required": sorted(p.name for p in own.values() if p.required),
    }


def described(properties: Iterable[Property], types: dict[str, Any]) -> dict[str, Any]:
    """The properties' specifications by name; `types` gets the nested classes that they refer to."""
    return {p.name: described_one(p, types) for p in properties}


def described_one(prop: Property, types: dict[str, Any]) -> dict[str, Any]:
    """A property's specification: a reference, a map of texts, a scalar or any value, and a list of it if `many`."""
    if prop.nested:
        spec: dict[str, Any] = {"$ref": f"#/types/{nested(prop.nested, types)}"}
    elif prop.shape == "map":
        spec = {"type": "object", "additionalProperties": {"type": "string"}}
    else:
        spec = {"type": SCALARS[prop.shape]} if prop.shape in SCALARS else dict(ANY)
    return {"type": "array", "items": spec} if prop.many else spec


def nested(reference: str, types: dict[str, Any]) -> str:
    """The token of a nested class, which `types` then describes. Its input and its output are one type."""
    package, module, name = reference.split("/")
    bare = name.removesuffix("Args")
    folder = {"lambda_": "lambda", ".": "index"}.get(module, module)
    token = f"{package}:{folder}/{bare[0].lower()}{bare[1:]}:{bare}"
    if token not in types:
        types[token] = {}  # a type may hold itself
        arguments = schema.nested(f"{package}/{module}/{bare}Args")
        results = schema.nested(f"{package}/{module}/{bare}")
        types[token] = {
            "type": "object",
            "properties": described((results | arguments).values(), types),
            "required": sorted(p.name for p in (arguments or results).values() if p.required),
        }
    return token
