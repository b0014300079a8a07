"""Bills of materials in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/), by the format's own library
(https://cyclonedx-python-library.readthedocs.io/).

The same input makes the same bytes: no time stands in it, and its serial number is made of its content.
"""

import importlib
import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from release.locks import Package

# Its classes are made by a decorator that hides what they take.
_model: Any = importlib.import_module("cyclonedx.model")
_bom: Any = importlib.import_module("cyclonedx.model.bom")
_component_model: Any = importlib.import_module("cyclonedx.model.component")
_output: Any = importlib.import_module("cyclonedx.output.json")
_schema: Any = importlib.import_module("cyclonedx.schema")
_purl: Any = importlib.import_module("packageurl")
KINDS: Any = _component_model.ComponentType
HASHES: Any = _model.HashAlgorithm


class NotValid(ValueError):
    """A bill that CycloneDX's own schema refuses."""


def bill(
    name: str,
    version: str,
    packages: Mapping[str, Package],
    *,
    sha256: str = "",
    files: Mapping[str, str] = {},
) -> str:
    """The bill, as JSON, of something of that name that holds these packages and files (by path, their SHA-256).
    `sha256` is its own. Raises NotValid."""
    subject: Any = _component_model.Component(
        name=name,
        version=version,
        type=KINDS.APPLICATION,
        bom_ref=name,
        hashes=_hashes([sha256] if sha256 else []),
    )
    bom: Any = _bom.Bom()
    bom.metadata.component = subject
    components: dict[str, Any] = {package.name: _component(package) for package in packages.values()}
    for path, digest in sorted(files.items()):
        components[path] = _component_model.Component(
            name=path, type=KINDS.FILE, bom_ref=f"file:{path}", hashes=_hashes([digest])
        )
    bom.components.update(components.values())
    needs = {name: list[Any]() for name in components}
    top: list[Any] = []
    for key, component in components.items():
        above = [each for each in (packages[key].required_by if key in packages else ()) if each in packages]
        for each in above:
            needs[each].append(component)
        if not above:
            top.append(component)
    bom.register_dependency(subject, top)
    for key, required in needs.items():
        bom.register_dependency(components[key], required)
    return _written(bom)


def _component(package: Package) -> Any:
    """A package; the files that the lock allows are distributions of it, of which one is installed."""
    reference: Any = _model.ExternalReference(
        type=_model.ExternalReferenceType.DISTRIBUTION,
        url=_model.XsUri(f"https://pypi.org/project/{package.name}/{package.version}/"),
        hashes=_hashes(package.digests),
    )
    return _component_model.Component(
        name=package.name,
        version=package.version,
        type=KINDS.LIBRARY,
        bom_ref=f"{package.name}=={package.version}",
        purl=_purl.PackageURL("pypi", name=package.name, version=package.version),
        external_references=[reference],
    )


def _hashes(digests: Iterable[str]) -> list[Any]:
    return [_model.HashType(alg=HASHES.SHA_256, content=digest) for digest in digests]


def _written(bom: Any) -> str:
    content = json.loads(_output.JsonV1Dot6(bom).output_as_string())
    del content["serialNumber"], content["metadata"]["timestamp"]  # another with each run
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content, sort_keys=True))
    text = json.dumps({**content, "serialNumber": f"urn:uuid:{serial}"}, indent=1, sort_keys=True) + "\n"
    # Imported where a bill is written: it compiles the grammar of each kind of URI, which takes a second.
    validation: Any = importlib.import_module("cyclonedx.validation.json")
    if error := validation.JsonStrictValidator(_schema.SchemaVersion.V1_6).validate_str(text):
        raise NotValid(f"the bill of {bom.metadata.component}: {error}")
    return text
