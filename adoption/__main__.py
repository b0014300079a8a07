"""`make adopt STACK=prod`: see the package."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs] - has none
from pulumi import automation

from adoption import run
from delivery.command import under

ROOT = Path(__file__).resolve().parent.parent


def confirmed(question: str) -> bool:
    """Whether who sits at the terminal writes `yes`; not where nobody does."""
    return sys.stdin.isatty() and input(f"{question} Write yes: ").strip() == "yes"


def main(arguments: Sequence[str] | None = None, ask: Callable[[str], bool] = confirmed) -> int:
    """Runs the command line; its exit code."""
    parser = argparse.ArgumentParser("adoption", description="takes what is there into a stack's state")
    parser.add_argument("stack")
    parser.add_argument("--yes", action="store_true", help="adopts without asking")
    parser.add_argument("--show", action="store_true", help="adopts nothing")
    parser.add_argument("--role", default="", help="the role's name in each account, instead of the config's")
    parser.add_argument("--root", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    # Where they are set, the local providers go to an embedded cloud, and so does this.
    clouds = run.Clouds(os.environ.get("TRIBUTARY_LOCAL_ENDPOINT"), os.environ.get("TRIBUTARY_LOCAL_GCP"))
    with tempfile.TemporaryDirectory(prefix="adoption-") as name:
        folder = Path(name)
        try:
            project = options.root
            if options.role:
                project = copied(options.root, options.stack, folder / "entered")
                under(project, options.stack, options.role)
            real = automation.select_stack(options.stack, work_dir=str(project))
            shown = run.show(real, rehearsal(project, options.stack, folder), folder, clouds)
            print(shown)
            if options.show or not shown.adopted:
                return 0
            if not (
                options.yes or ask(f"Adopt {len(shown.adopted)} resources into the state of {options.stack}?")
            ):
                print("nothing was adopted")
                return 1
            left = run.adopt(real, shown, folder)
        except (run.Stopped, automation.CommandError, BotoCoreError, ClientError) as error:
            print(f"adopt: {error}", file=sys.stderr)
            return 1
    print(f"adopted: {len(shown.adopted)}; changes of them that `pulumi up` would make: {len(left)}")
    return 0


def copied(root: Path, stack: str, copy: Path) -> Path:
    """A new folder with the project's files, in which the stack's file may be written."""
    copy.mkdir()
    for file in root.iterdir():
        if file.name in (f"Pulumi.{stack}.yaml", "Pulumi.yaml"):
            shutil.copyfile(file, copy / file.name)
        elif file.name not in (".git", ".tributary"):
            (copy / file.name).symlink_to(file.resolve())
    return copy


def rehearsal(root: Path, stack: str, folder: Path) -> automation.Stack:
    """A stack of the same name with an empty state of its own, in a folder with the project's files; Pulumi may write
    into the stack's file there."""
    copy, state = copied(root, stack, folder / "project"), folder / "state"
    state.mkdir()
    content: Any = yaml.safe_load((copy / f"Pulumi.{stack}.yaml").read_text())
    provider: Any = content.get("secretsprovider") if content else None
    environment = {"PULUMI_BACKEND_URL": state.as_uri()}
    if not provider and not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & set(os.environ):
        environment["PULUMI_CONFIG_PASSPHRASE"] = ""  # a stack whose secrets a service of Pulumi's keeps
    options = automation.LocalWorkspaceOptions(env_vars=environment, secrets_provider=provider)
    return automation.create_or_select_stack(stack, work_dir=str(copy), opts=options)


if __name__ == "__main__":
    sys.exit(main())
