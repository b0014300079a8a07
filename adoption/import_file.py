"""The file that `pulumi preview --import-file` writes, filled in with what is there
(https://www.pulumi.com/docs/iac/guides/migration/import/; `importFile` in
https://github.com/pulumi/pulumi/blob/v3.250.0/pkg/cmd/pulumi/operations/import.go)."""

from collections.abc import Mapping
from typing import Any

from adoption.parts import listed, part

Spec = dict[str, Any]


def fill(file: Mapping[str, Any], ids: Mapping[tuple[str, str, str], str]) -> dict[str, Any]:
    """The file with the ids of `ids` in it, by (type, name in the program, way of the parent), and without the
    resources that have none; components stay where something in them is imported."""
    specs: list[Spec] = listed(file, "resources")
    ways = _ways(specs, part(file, "nameTable"))
    imported: list[Spec] = []
    for spec in specs:
        if not spec.get("component"):
            there = ids.get(
                (spec["type"], spec.get("logicalName", spec["name"]), ways.get(spec.get("parent", ""), ""))
            )
            if there is not None:
                imported.append({**spec, "id": there})
    needed = {spec.get("parent", "") for spec in imported}
    for spec in reversed(specs):
        if spec.get("component") and spec["name"] in needed:
            needed.add(spec.get("parent", ""))
    resources = [spec for spec in specs if spec.get("component") and spec["name"] in needed] + imported
    used = {spec.get("provider", "") for spec in resources} | {spec.get("parent", "") for spec in resources}
    filled: dict[str, Any] = {"resources": resources}
    for key in ("nameTable", "providerInputs"):
        if rows := {name: value for name, value in part(file, key).items() if name in used}:
            filled[key] = rows
    return filled


def _ways(specs: list[Spec], table: Mapping[str, str]) -> dict[str, str]:
    """The way to each component, by its name in the file."""
    ways = {name: way(urn) for name, urn in table.items()}
    for spec in specs:  # a parent comes before what is in it
        if spec.get("component"):
            types = ways.get(spec.get("parent", ""), "").partition("::")[0]
            name = spec.get("logicalName", spec["name"])
            ways[spec["name"]] = f"{types}${spec['type']}::{name}".removeprefix("$")
    return ways


def way(urn: str) -> str:
    """`<types>::<name>` of a URN; empty for the stack's own and for none."""
    types, _, name = "::".join(urn.split("::")[2:]).partition("::")
    types = types.removeprefix("pulumi:pulumi:Stack").removeprefix("$")
    return f"{types}::{name}" if types else ""
