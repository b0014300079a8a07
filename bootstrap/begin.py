"""`make bootstrap`: explains what makes the accounts ready, previews it, asks, makes it, and moves its own state into
the bucket that it made.

    python -m bootstrap.begin [--name accounts] [--yes] [--template FILE]

The first time there is no bucket yet: the state is a file in `.tributary/bootstrap` until the bucket is there, and is
then exported from the one backend and imported into the other
(https://www.pulumi.com/docs/iac/guides/basics/using-a-diy-backend/#migrating-between-state-backends). From then on
`bootstrap/program/Pulumi.<name>.yaml` has a `secretsprovider`, by which the next run knows; commit it. The program has
no secrets of its own, but a backend asks for a way to keep some.

What it needs: `pulumi`, and credentials that may administer the account of the state, others by `administer`; for
Google `gcloud auth application-default login`.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bootstrap.making import accounts, lists, names, template
from bootstrap.making.settings import BootstrapArgs
from components.arguments import Refused, parse
from components.arguments.plain import is_mapping

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "tributary-bootstrap:"
SECRET = "4dabf18193072939515e22adb298388d"
"""Marks a secret in a state (https://www.pulumi.com/docs/iac/concepts/secrets/; `SecretSig` in
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go)."""


class Stopped(RuntimeError):
    """It went no further; the message says why, and what to do."""


class Bootstrap:
    """One run for `Pulumi.<name>.yaml`; `environment` is what `pulumi` gets, `root` the repository."""

    def __init__(self, name: str, environment: Mapping[str, str] = os.environ, root: Path = ROOT):
        self.name, self.root, self.program = name, root, root / "bootstrap" / "program"
        self.file = self.program / f"Pulumi.{name}.yaml"
        if not self.file.is_file():
            raise Stopped(
                f"{self.file} is not there; copy Pulumi.accounts.yaml, and write your accounts into it"
            )
        content = _mapping(yaml.safe_load(self.file.read_text()))
        values = {key.removeprefix(PREFIX): value for key, value in _mapping(content.get("config")).items()}
        self.settings = parse(BootstrapArgs, values)
        self.folder = root / ".tributary" / "bootstrap"
        by_key = str(content.get("secretsprovider", "")).startswith("awskms://")
        self.moved = by_key and not self.folder.exists()  # else a move was cut short
        self.environment = dict(environment) | {"PULUMI_SKIP_UPDATE_CHECK": "true"}

    @property
    def bucket(self) -> str:
        """The backend that it makes."""
        state = self.settings.state
        return f"s3://{names.bucket(state.account)}?region={state.region}"

    @property
    def secrets(self) -> str:
        """How the backend keeps secrets: under the bucket's key."""
        return f"awskms://{names.STATE_KEY}?region={self.settings.state.region}"

    def explain(self) -> str:
        """What will be made, account by account."""
        settings, state = self.settings, self.settings.state
        lines = [
            f"In account {state.account}, region {state.region}:",
            f"  the bucket {names.bucket(state.account)}: versioned, encrypted, TLS only; no version is ever deleted",
            f"  its key, and a key for the secrets of each stack: {', '.join(settings.stacks)}",
            "  GitHub's identity provider" + (", which is there already" if settings.adopt_provider else ""),
        ]
        for stack in settings.stacks:
            for doing in ("deploy", "preview"):
                lines.append(
                    f"  {names.entering(doing, stack)}, which lets in {settings.subject(stack, doing)}"
                )
        for stack in settings.stacks:
            needed = lists.of_stack(stack)
            for role in accounts.roles(needed):
                by = "by the StackSet: " if settings.stack_set else ""
                lines.append(f"In account {role.account}: {by}{role.name} with {len(role.policies)} policies")
            if needed.google:
                counted = {doing: len(every) for doing, every in needed.google.permissions.items()}
                lines.append(
                    f"In project {needed.google.project}: a pool that trusts the repository, and for stack {stack} "
                    f"service accounts with so many permissions: {counted}; {len(needed.google.services)} APIs"
                )
        if settings.people:
            lines.append(f"By hand may enter: {', '.join(settings.people)}")
        where = f"in {self.bucket}" if self.moved else f"in {self.folder} first, then in {self.bucket}"
        return "\n".join([*lines, f"The state of all this: {where}"])

    def run(self, *words: str, quiet: bool = False) -> str:
        """A `pulumi` command on the program's stack. Raises Stopped."""
        done = subprocess.run(
            ["pulumi", *words, "--stack", self.name, "--non-interactive"],
            cwd=self.program, env=self.environment, stdin=subprocess.DEVNULL, text=True, check=False,
            stdout=subprocess.PIPE if quiet else None,
        )  # fmt: skip
        if done.returncode:
            raise Stopped(f"pulumi {words[0]} ended with {done.returncode}; what it wrote is above")
        return done.stdout or ""

    def login(self) -> None:
        """To the bucket once the state is there, else to the folder."""
        if self.moved:
            self.environment["PULUMI_BACKEND_URL"] = self.bucket
            return
        (self.folder / "state").mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.environment["PULUMI_BACKEND_URL"] = (self.folder / "state").as_uri()
        self.environment["PULUMI_CONFIG_PASSPHRASE"] = ""  # it keeps no secret
        if not any((self.folder / "state").rglob(f"{self.name}.json")):
            self.run("stack", "init", quiet=True)

    def move(self) -> None:
        """Takes the state from the folder into the bucket, where the program's stack is then."""
        exported = self.folder / "state.json"
        self.run("stack", "export", "--file", str(exported), quiet=True)
        content: Any = json.loads(exported.read_text())
        if SECRET in exported.read_text():
            raise Stopped(f"{exported} has a secret, which would be lost; this program has none")
        content["deployment"].pop("secrets_providers", None)  # the folder's passphrase
        exported.write_text(json.dumps(content))
        # The salt is of the folder's passphrase; Pulumi wrote it.
        self.file.write_text(re.sub(r"^encryptionsalt:.*\n?", "", self.file.read_text(), flags=re.MULTILINE))
        self.environment["PULUMI_BACKEND_URL"] = self.bucket
        self.environment.pop("PULUMI_CONFIG_PASSPHRASE", None)
        self.run("stack", "select", "--create", "--secrets-provider", self.secrets, quiet=True)
        self.run("stack", "import", "--file", str(exported), quiet=True)
        self.moved = True
        shutil.rmtree(self.folder)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if is_mapping(value) else dict[str, Any]()


def begin(words: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.begin", description=__doc__)
    parser.add_argument("--name", default="accounts", help="of Pulumi.<name>.yaml in bootstrap/program")
    parser.add_argument("--yes", action="store_true", help="asks nothing")
    parser.add_argument(
        "--template", type=Path, help="writes the roles in the accounts for a StackSet here, and ends"
    )
    arguments = parser.parse_args(words)
    try:
        bootstrap = Bootstrap(arguments.name)
        if arguments.template:
            arguments.template.write_text(template.written(bootstrap.settings))
            print(f"{arguments.template}: {template.usage(bootstrap.settings)}")
            return 0
        return _make(bootstrap, asks=not arguments.yes)
    except (Stopped, Refused, RuntimeError, ValueError) as error:
        print(f"bootstrap: {error}", file=sys.stderr)
        return 1


def _make(bootstrap: Bootstrap, *, asks: bool) -> int:
    print(bootstrap.explain(), flush=True)
    bootstrap.login()
    bootstrap.run("preview", "--diff")
    if asks and input("Make it so? Only 'yes' is taken: ") != "yes":
        print("bootstrap: nothing was made")
        return 1
    bootstrap.run("up", "--yes", "--skip-preview")
    if not bootstrap.moved:
        bootstrap.move()
        print(f"bootstrap: its state is in {bootstrap.bucket} now; commit {bootstrap.file}")
    print(bootstrap.run("stack", "output", "--json", quiet=True))
    print("bootstrap: put these into GitHub's environments <stack> and <stack>-preview (docs/production.md)")
    return 0


if __name__ == "__main__":
    sys.exit(begin())
