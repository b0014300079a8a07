"""What a Pulumi type takes and gives, read from the source text of the installed SDK (pulumi_aws, pulumi_gcp).

The generated SDK states every property with its wire name, whether it is required, and its nested type. Reading the
text of one class costs a millisecond; importing the packages costs seconds and hundreds of megabytes in each provider
process, and shipping Pulumi's own schema.json would cost 50 MB. A type that the SDK doesn't have is a LookupError.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from local.plain import is_list, is_object

GETTER = re.compile(
    r'@pulumi\.getter(?:\(name="(\w+)"\))?\n(?:    @_utilities\..*\n)*'
    r"    def (\w+)\(self\) -> pulumi\.(?:In|Out)put\[(.*)\]:"
)

RESULT = re.compile(r'@pulumi\.getter(?:\(name="(\w+)"\))?\n    def (\w+)\(self\) -> (.*):')


@dataclass(frozen=True)
class Property:
    """A property as the SDK states it: its name on the wire, its type, and whether it is required."""

    name: str
    required: bool
    shape: str  # "bool", "int", "float", "str", "map", "any" or, with `nested`, "object"
    many: bool  # a list of it
    nested: str = ""  # the class that holds its properties, as "<module>/<class>"


@cache
def text(package: str, file: str) -> str:
    """The source text of a file of the SDK, from its package's folder; empty where there is no such file."""
    spec = find_spec(f"pulumi_{package}")
    path = Path(spec.origin).parent / file if spec and spec.origin else Path(file)
    return path.read_text() if path.exists() else ""


def snake(name: str) -> str:
    """The SDK's Python name for a type or function: `getBucket` is `get_bucket`, `IAMMember` is `iam_member`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def locate(token: str) -> tuple[str, str, str]:
    """`aws:lambda/function:Function` -> package, the SDK's folder, class."""
    package, module, name = token.split(":")
    module = module.split("/")[0]
    return package, {"lambda": "lambda_", "index": "."}.get(module, module), name


def parse(source: str, module: str, getter: re.Pattern[str] = GETTER) -> dict[str, Property]:
    """A class's properties by their name on the wire; `getter` matches that name, the attribute and its annotation."""
    properties: dict[str, Property] = {}
    for wire, attribute, annotation in getter.findall(source):
        nested = re.search(r"'(?:outputs\.)?(\w+)'", annotation)
        scalar = re.search(r"_builtins\.(bool|int|float|str)", annotation)
        union = "Union" in annotation  # an enum or a policy document that may also be given as text
        shape = (
            "map"
            if "Mapping[" in annotation
            else "object"
            if nested and not union
            else scalar[1]
            if scalar
            else "any"
        )
        properties[wire or attribute] = Property(
            wire or attribute, "Optional[" not in annotation.split("Sequence")[0], shape,
            "Sequence[" in annotation and "Union" not in annotation,
            f"{module}/{nested[1]}" if nested and shape == "object" else "",
        )  # fmt: skip
    return properties


def body(source: str, pattern: str) -> str:
    """The source text of the class whose line matches, up to the next class; empty where there is none."""
    class_source = re.search(rf"^class {pattern}\b.*?(?=^class |\Z)", source, re.M | re.S)
    return class_source[0] if class_source else ""


@cache
def inputs(token: str) -> dict[str, Property]:
    """What a type's constructor takes, by name on the wire. LookupError where the SDK has no such type."""
    package, module, name = locate(token)
    source = text(package, f"{module}/{snake(name)}.py")
    if not source:
        raise LookupError(f"pulumi_{package} has no type {token}")
    return parse(body(source, rf"{name}(?:Init)?Args"), f"{package}/{module}")


@cache
def outputs(token: str) -> dict[str, Property]:
    """What a type's resource has, by name on the wire; nothing where the SDK has no such type."""
    package, module, name = locate(token)
    return parse(body(text(package, f"{module}/{snake(name)}.py"), rf"{name}\(pulumi"), f"{package}/{module}")


@cache
def provider(package: str) -> dict[str, Property]:
    """The provider's own configuration."""
    return parse(body(text(package, "provider.py"), "ProviderArgs"), f"{package}/.")


@cache
def nested(reference: str) -> dict[str, Property]:
    """The properties of a nested class: `aws/s3/BucketVersioningVersioningConfigurationArgs`."""
    package, module, name = reference.split("/")
    of_inputs = name.endswith("Args")
    source = body(text(package, f"{module}/{'_inputs.py' if of_inputs else 'outputs.py'}"), name)
    return parse(source, f"{package}/{module}", GETTER if of_inputs else RESULT)


def refusals(
    properties: dict[str, Property], values: dict[str, Any], where: str = ""
) -> list[tuple[str, str]]:
    """(path, reason) of what is missing or unknown, at every depth that the SDK describes."""
    failures = [
        (where + k, "no such property") for k in values if k not in properties and not k.startswith("__")
    ]
    for p in properties.values():
        value = values.get(p.name)
        if value is None:
            if p.required:
                failures.append((where + p.name, "is required"))
        elif p.nested:
            for i, each in enumerate(value if is_list(value) else [value]):
                if is_object(each):
                    index = f"[{i}]" if is_list(value) else ""
                    failures += refusals(nested(p.nested), each, f"{where}{p.name}{index}.")
    return failures


@cache
def function(token: str) -> tuple[dict[str, Property], dict[str, Property]]:
    """What `aws:s3/getBucket:getBucket` takes and gives."""
    package, module, name = locate(token)
    source = text(package, f"{module}/{snake(name)}.py")
    called = re.search(rf"^def {snake(name)}\((.*?)\) -> .*?(?=^def |\Z)", source, re.M | re.S)
    if not called:
        raise LookupError(f"pulumi_{package} has no function {token}")
    wires = {python: wire for wire, python in re.findall(r"__args__\['(\w+)'\] = (\w+)", called[0])}
    getters = "".join(
        f'@pulumi.getter(name="{wires[argument]}")\n    def {argument}(self) -> {annotation}:\n'
        for argument, annotation in re.findall(r"(\w+): (.*?)(?: = None)?,?\n", f"{called[1]}\n")
        if argument in wires
    )
    result = body(source, f"{name[0].upper()}{name[1:]}Result")
    return parse(getters, f"{package}/{module}", RESULT), parse(result, f"{package}/{module}", RESULT)
