"""Adopting: a rehearsal on a copy of the state, what it shows, and, where it is agreed to, the same on the state."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import automation

from adoption import differences, import_file, looking, wanted
from adoption.differences import Difference
from adoption.looking import Seen
from adoption.parts import listed

IMPORT = (
    "--yes",
    "--skip-preview",
    "--protect=false",
    "--generate-code=false",
    "--non-interactive",
    "--color=never",
)
"""`pulumi import` (https://www.pulumi.com/docs/iac/cli/commands/pulumi_import/)."""


class Stopped(RuntimeError):
    """Nothing was adopted; the message says why, and what to do."""


@dataclass(frozen=True)
class Shown:
    """What adopting would do: the filled file, what was seen, and what the program would change of it."""

    file: dict[str, Any]
    seen: Sequence[Seen]
    differences: Sequence[Difference]

    @property
    def adopted(self) -> list[Seen]:
        """What is there."""
        return [each for each in self.seen if each.id]

    def __str__(self) -> str:
        """What would be adopted, made and changed, a line each."""
        to_create = [each for each in self.seen if not each.id]
        changed = [each for each in self.differences if not each.of_the_provider]
        lines = [f"There, to be adopted: {len(self.adopted)}"]
        lines += [f"  {each.wanted.name}  {each.id}" for each in self.adopted]
        lines += [f"Left to be made: {len(to_create)}"]
        lines += [f"  {each.wanted.name}: {each.reason}" for each in to_create]
        lines += [f"There, and other than the program has it: {len(changed)}"]
        lines += [f"  {line}" for each in changed for line in str(each).splitlines()]
        return "\n".join(lines)


@dataclass(frozen=True)
class Clouds:
    """Where an embedded cloud answers instead of AWS and Google; None for those themselves."""

    aws: str | None = None
    google: str | None = None


def show(real: automation.Stack, rehearsal: automation.Stack, folder: Path, clouds: Clouds) -> Shown:
    """Looks at the accounts, and adopts into a copy of the state. `rehearsal` is a stack of the same name and project
    with a backend of its own, which is empty. Raises Stopped."""
    before = real.export_stack()
    state = listed(before.deployment or {}, "resources")
    if state:
        rehearsal.import_stack(before)
    file, plan = folder / "import.json", folder / "plan.json"
    rehearsal.preview(import_file=str(file), plan=str(plan), color="never")
    if not file.is_file():
        raise Stopped("the state has all that the program registers: there is nothing to adopt")
    planned = json.loads(plan.read_text())
    planned = planned.get("plan", planned)
    resources = wanted.read(planned)
    seen = looking.search(
        resources, wanted.providers(planned, state), endpoint=clouds.aws, google_endpoint=clouds.google
    )
    if failed := [each for each in seen if each.failed]:
        lines = "\n".join(f"  {each.wanted.name}: {each.reason}" for each in failed)
        raise Stopped(f"what could not be seen, so that nobody knows whether it is there:\n{lines}")
    ids = {_place(each.wanted): each.id for each in seen if each.id}
    filled = import_file.fill(json.loads(file.read_text()), ids)
    if not ids:
        return Shown(filled, seen, [])
    shown = Shown(filled, seen, _import(rehearsal, filled, folder))
    if replaced := [each for each in shown.differences if each.kind == "replace"]:
        lines = "\n".join(f"  {line}" for each in replaced for line in str(each).splitlines())
        raise Stopped(
            f"what is there can't become what the program has without being replaced:\n{lines}\n"
            "change the config, or take the resource away, or leave it and give the program's another name"
        )
    return shown


def adopt(real: automation.Stack, shown: Shown, folder: Path) -> list[Difference]:
    """Imports what was shown into the state: what a preview then still changes of it."""
    left = _import(real, shown.file, folder)
    return [each for each in left if not each.of_the_provider]


def _import(stack: automation.Stack, file: dict[str, Any], folder: Path) -> list[Difference]:
    """Imports, and completes the state with what no service keeps; what differs."""
    path = folder / "filled.json"
    path.write_text(json.dumps(file, indent=1))
    workspace = stack.workspace
    environment = dict(workspace.env_vars)
    if workspace.pulumi_home:
        environment["PULUMI_HOME"] = workspace.pulumi_home
    words = ["import", "--file", str(path), "--stack", stack.name, *IMPORT]
    try:
        workspace.pulumi_command.run(words, workspace.work_dir, environment)
    except automation.CommandError as error:
        raise Stopped(
            f"pulumi import ended with an error, and what it did before stays in the state:\n{error}"
        ) from error
    differing = _differences(stack, file)
    if any(each.of_the_provider for each in differing):
        exported = stack.export_stack()
        completed = differences.completed(exported.deployment or {}, differing)
        stack.import_stack(automation.Deployment(version=exported.version, deployment=completed))
    return differing


def _differences(stack: automation.Stack, file: dict[str, Any]) -> list[Difference]:
    steps: list[Any] = []

    def keep(event: automation.EngineEvent) -> None:
        if event.resource_pre_event:
            steps.append(event.resource_pre_event.metadata)

    stack.preview(on_event=keep, color="never")
    names = {(spec["type"], spec.get("logicalName", spec["name"])) for spec in file["resources"]}
    return [each for each in differences.read(steps) if _named(each.urn) in names]


def _named(urn: str) -> tuple[str, str]:
    return urn.split("::")[2].rpartition("$")[2], urn.split("::", 3)[3]


def _place(resource: wanted.Wanted) -> tuple[str, str, str]:
    return *_named(resource.urn), import_file.way(resource.parent)
