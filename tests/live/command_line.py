"""The `pulumi` command line on a stack in a sandbox, with Pulumi's own providers and the caller's credentials.

A stack's folder, with its state, stays in the cache folder until the stack is destroyed, so that `--clean-up` can
destroy one whose run was killed.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from local import cache
from tests.cli.front import Front, language_host


def folder() -> Path:
    """Where the command line's state and stacks are kept."""
    return cache.folder() / "live"


class SandboxFront(Front):
    """The front door of a sandbox: plugins are installed as a user's are, nothing is taken out of the environment."""

    patience = 2 * 3600.0

    def __init__(self, stack: str):
        self.place = folder() / stack
        self.place.mkdir(parents=True, exist_ok=True)
        super().__init__(self.place, stack, "own")

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    def _start(self) -> tuple[str, str]:
        return "", ""

    def _providers(self) -> list[str]:
        passphrase = self.place / "passphrase"
        if not passphrase.exists():
            passphrase.touch(0o600)
            passphrase.write_text(secrets.token_hex(20))
        self.environment |= {
            "PULUMI_CONFIG_PASSPHRASE": passphrase.read_text(),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "false",
        }
        return []

    def stop(self) -> None:
        """Forgets a stack of which nothing is left."""
        if not list((self.work / "state" / ".pulumi" / "stacks").rglob("*.json")):
            shutil.rmtree(self.place)


def missing() -> str | None:
    """What the machine lacks to deploy."""
    if shutil.which("pulumi") is None or language_host() is None:
        return "no Pulumi on PATH (https://www.pulumi.com/docs/iac/download-install/)"
    return None


def kept() -> Iterator[str]:
    """The stacks whose state is here still: their run was killed."""
    for place in sorted(folder().glob("*")):
        if list((place / "state" / ".pulumi" / "stacks").rglob("*.json")):
            yield place.name
