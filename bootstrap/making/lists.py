"""What each stack's roles may, from `python -m bootstrap --json <stack>`.

In a process of its own: the lists are made by running the stack's program under Pulumi's mocks, and this is a Pulumi
program itself.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
Policy = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """One account of a stack, by its name in the stack's config."""

    name: str
    account: str
    region: str
    partition: str
    policies: Mapping[str, list[Policy]]
    """What each role may: deploy, preview, refresh, status, operate; empty where it needs nothing."""
    boundary: Policy | None
    """What the stack's own roles may at most, where the config has a `permissions_boundary`."""
    boundary_arn: str
    """The ARN that the config calls it by, else empty."""


@dataclass(frozen=True)
class AtGoogle:
    """A stack's part of a Google Cloud project."""

    project: str
    permissions: Mapping[str, list[str]]
    """Of the custom role of each service account: deploy, preview, refresh, status, operate."""
    services: list[str]
    """The APIs that the stack's resources are of."""


@dataclass(frozen=True)
class Lists:
    """What one stack needs."""

    stack: str
    places: tuple[Place, ...]
    google: AtGoogle | None


@cache
def of_stack(stack: str) -> Lists:
    """What a stack needs. Raises RuntimeError where its config is refused."""
    command = [sys.executable, "-m", "bootstrap", "--json", stack]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"what stack {stack} needs can't be listed:\n{done.stderr.strip()[-2000:]}")
    return read(json.loads(done.stdout))


def read(content: Mapping[str, Any]) -> Lists:
    """What the command printed, as values."""
    google = content["google"]
    return Lists(
        content["stack"],
        tuple(Place(**place) for place in content["places"]),
        AtGoogle(**google) if google else None,
    )
