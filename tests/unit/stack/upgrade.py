"""The state of the last released version, and what today's program would replace or delete of it.

`released/<version>/<stack>.json` has, for each resource, what decides: its URN without stack and project, the name of
its provider, and its inputs (of long texts the SHA-256, of files nothing).

    .venv/bin/python -m tests.unit.stack.upgrade            writes the state of the version in pyproject.toml
    .venv/bin/python -m tests.unit.stack.upgrade --check    whether it is that of the program, before a release

A version that CHANGELOG.md has a date for is released, and its state is not written any more.

What the engine does is decided by it and by its providers' diffs
(https://www.pulumi.com/docs/iac/concepts/how-pulumi-works/): a URN that goes without an alias is deleted; one whose
provider is replaced, or of which an input changes that can't be changed in place, is replaced, and so is what takes
such an input from what is replaced. The providers' part is decided by the local ones. Judged by previews of the engine
itself, those of tests/cli/recordings.py.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, cast

import botocore.session
import pulumi

from local.providers.aws import Aws
from local.providers.aws_types import INVOKES, ROWS
from local.providers.gcp import Gcp
from local.providers.values import UNKNOWN, same
from tests.recording import ROOT, Recording, record
from tests.typed import listed

STACKS = ("dev", "local", "prod")
RELEASED = Path(__file__).with_name("released")
CHANGELOG = ROOT / "CHANGELOG.md"
PROVIDER = "pulumi:providers:"
MARKER = re.compile(r"<!-- upgrade: (replaces|deletes) ([^\s<>]+) -->")
"""Of a changelog: `<!-- upgrade: replaces <type>::<name> -->`, with `*` for any characters."""
State = dict[str, dict[str, Any]]
First = Callable[[], Recording]


@dataclass(frozen=True, order=True)
class Loss:
    """A resource that an upgrade replaces or deletes; of a replacement, the properties that force it."""

    kind: str
    resource: str
    forced_by: tuple[str, ...] = ()


def line(parent_urn: str, kind: str, name: str) -> str:
    """`<types of its parents>$<type>::<name>`."""
    parents = (parent_urn.split("::")[2] if parent_urn else "").removeprefix("pulumi:pulumi:Stack")
    return f"{f'{parents}$'.removeprefix('$')}{kind}::{name}"


def aliases(recording: Recording) -> dict[str, set[str]]:
    """Each resource's line, and what it still answers to: by an alias of its own, or of what it stands in
    (https://www.pulumi.com/docs/iac/concepts/resources/options/aliases/#inherited-aliases)."""
    requests = recording.requests
    known: dict[Any, Any] = {}
    for request in requests.values():
        former = known.setdefault(line(request.parent, request.type, request.name), set())
        for alias in request.aliases:
            former.add(
                line(alias.spec.parentUrn or request.parent, request.type, alias.spec.name or request.name)
            )
        if not request.parent:
            continue
        kinds, above_name = request.parent.split("::")[2:]
        above = requests.get(f"{kinds.rpartition('$')[2]}::{above_name}")
        if above is None:
            continue
        for alias in above.aliases:
            # As the mocks write a URN: the kinds of two levels.
            grandparent = (alias.spec.parentUrn or above.parent).split("::")[2].rpartition("$")[2]
            parent = f"urn:pulumi:s::p::{grandparent}${above.type}::{alias.spec.name or above.name}"
            former.add(line(parent, request.type, request.name))
    return known


def state(recording: Recording) -> State:
    """What is kept of a recorded program: `{"provider": name, "inputs": {...}}` by line."""
    kept: dict[Any, Any] = {}
    for resource in recording.resources:
        if resource.type != "pulumi:pulumi:Stack" and not resource.type.startswith("tributary:"):
            request = recording.requests[f"{resource.type}::{resource.name}"]
            inputs = {key: _short(value) for key, value in sorted(resource.inputs.items())}
            kept[line(request.parent, request.type, request.name)] = {
                "provider": resource.provider,
                "inputs": json.loads(json.dumps(inputs)),
            }
    return dict(sorted(kept.items()))


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) < 100 else f"sha256 {hashlib.sha256(value.encode()).hexdigest()}"
    if isinstance(value, Mapping):
        return {str(key): _short(each) for key, each in sorted(cast("dict[str, Any]", value).items())}
    if isinstance(value, list | tuple):
        return [_short(each) for each in listed(value)]
    return "files" if isinstance(value, pulumi.Asset | pulumi.Archive) else value


@cache
def clouds() -> dict[str, Any]:
    """The local providers, by their packages; they compare inputs without a cloud."""
    aws: Any = Aws(ROWS, INVOKES)
    aws.endpoint, aws.account, aws.region = "http://127.0.0.1:9", "111111111111", "us-east-1"
    aws.session = botocore.session.Session()
    return {"aws": aws, "gcp": Gcp()}


def losses(before: State, recording: Recording, first: First) -> list[Loss]:
    """What the program that was recorded replaces and deletes of a state. `first` records it as the preview of an empty
    stack, where what a service makes up, and a replacement makes anew, is not known."""
    first = cache(first)
    after = state(recording)
    names = {former: now for now, formers in aliases(recording).items() for former in formers}
    kept = {each: each if each in after else names.get(each, "") for each in before}
    removed = [Loss("delete", _short_urn(each)) for each, now in kept.items() if now not in after]
    replaced: dict[str, tuple[str, ...]] = {}
    providers = {
        now.partition("::")[2]: each
        for each, now in kept.items()
        if each.startswith(PROVIDER) and now in after
        and any(
            before[each]["inputs"].get(key) != after[now]["inputs"].get(key)
            for key in ("allowedAccountIds", "region", "project")  # Servicer.DiffConfig
        )
    }  # fmt: skip
    while True:  # what is replaced replaces what is made of it
        more = {
            now: forced
            for each, now in kept.items()
            if now in after and now not in replaced and not each.startswith(PROVIDER)
            and (forced := _forced(before[each], after[now], now, recording, first, providers, replaced))
        }  # fmt: skip
        if not more:
            return sorted(
                [*removed, *(Loss("replace", _short_urn(now), forced) for now, forced in replaced.items())]
            )
        replaced |= more


def _short_urn(each: str) -> str:
    kinds, _, name = each.partition("::")
    return f"{kinds.rpartition('$')[2]}::{name}"


def _forced(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    now: str,
    recording: Recording,
    first: First,
    providers: Iterable[str],
    replaced: Iterable[str],
) -> tuple[str, ...]:
    """What forces a resource's replacement: properties, or `provider`."""
    if new["provider"] in providers or new["provider"] != old["provider"]:
        return ("provider",)
    short, inputs = _short_urn(now), new["inputs"]
    kind = short.partition("::")[0]
    changed = {
        key
        for key in inputs.keys() | old["inputs"].keys()
        if not same(inputs.get(key), old["inputs"].get(key))
    }
    made_of = {_short_urn(each) for each in replaced}
    for key, dependencies in recording.requests[short].propertyDependencies.items() if made_of else ():
        if any(_short_urn(urn.split("::", 2)[2]) in made_of for urn in dependencies.urns):
            changed |= {key} if UNKNOWN in str(first().requests[short].object.fields[key]) else set()
    return tuple(sorted(clouds()[kind.partition(":")[0]].replaces(kind, changed, inputs))) if changed else ()


def version() -> str:
    """The version in pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def last() -> str:
    """The newest version whose state is kept."""
    return max(
        (folder.name for folder in RELEASED.iterdir()), key=lambda name: [int(n) for n in name.split(".")]
    )


def kept(stack: str, of: str = "") -> State:
    """A stack's state in a version, the last if none is named."""
    return json.loads((RELEASED / (of or last()) / f"{stack}.json").read_text())


def since(changelog: str, of: str) -> str:
    """What a changelog says of what came after a version."""
    return changelog.partition(f"\n## [{of}]")[0]


def named(changelog: str) -> list[tuple[str, str]]:
    """(`replace` or `delete`, pattern) of each marker."""
    return [(kind.removesuffix("s"), pattern) for kind, pattern in MARKER.findall(changelog)]


def by_content(loss: Loss) -> bool:
    """Whether it is a function's code in S3, whose key has the code's digest: other code is another object
    (components/blocks/function.py), and nothing is lost."""
    return loss.resource.startswith("aws:s3/bucketObjectv2:BucketObjectv2::") and loss.forced_by == ("key",)


def unnamed(losses: Iterable[Loss], markers: Iterable[tuple[str, str]]) -> list[Loss]:
    """The losses that no marker names, but for code that is another."""
    return [
        loss
        for loss in losses
        if not by_content(loss)
        and not any(kind == loss.kind and fnmatchcase(loss.resource, pattern) for kind, pattern in markers)
    ]


def text(recording: Recording) -> str:
    """A state as its file has it: a resource a line."""
    rows = (f"{json.dumps(name)}: {json.dumps(row)}" for name, row in state(recording).items())
    return "{\n" + ",\n".join(rows) + "\n}\n"


def is_released(changelog: str, of: str) -> bool:
    """Whether a changelog has a date for a version."""
    return bool(re.search(rf"^## \[{re.escape(of)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.M))


def main(arguments: list[str]) -> None:
    """Writes or checks the state of the version in pyproject.toml."""
    folder = RELEASED / version()
    texts = {folder / f"{stack}.json": text(record(stack)) for stack in STACKS}
    if "--check" in arguments:
        old = [file.name for file, now in texts.items() if not file.is_file() or file.read_text() != now]
        sys.exit(f"released/{version()} is not of this program: {', '.join(old)}" if old else None)
    if is_released(CHANGELOG.read_text(), version()):
        sys.exit(f"{version()} is released: give pyproject.toml the next version first")
    folder.mkdir(parents=True, exist_ok=True)
    for file, now in texts.items():
        file.write_text(now)


if __name__ == "__main__":
    main(sys.argv[1:])
