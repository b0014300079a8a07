"""The release's commands: see the package."""

import argparse
import json
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

from components.bundling import bundles
from release import bills, locks, notes

ROOT = Path(__file__).resolve().parent.parent
STATES = ROOT / "tests" / "unit" / "stack" / "released"
ARCHITECTURES = ("arm64", "x86_64")
"""Those of `functions.architecture`; a bundle's packages and its C differ."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; its exit code."""
    parser = argparse.ArgumentParser("release")
    commands = parser.add_subparsers(required=True)
    for name, run in {"check": _check, "notes": _notes}.items():
        command = commands.add_parser(name)
        command.add_argument("tag")
        command.set_defaults(run=run)
    commands.add_parser("bundles").set_defaults(run=_bundles)
    for name, run in {"bundle": _bundle, "program": _program}.items():
        command = commands.add_parser(name)
        if name == "bundle":
            command.add_argument("handler", choices=bundles.known_handlers())
        command.add_argument("--to", type=Path, default=ROOT / "dist")
        command.set_defaults(run=run)
    given = parser.parse_args(arguments)
    return given.run(given)


def version() -> str:
    """The version in pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def _check(given: argparse.Namespace) -> int:
    kept = {folder.name for folder in STATES.iterdir()}
    wrong = list(notes.problems(given.tag, (ROOT / "CHANGELOG.md").read_text(), version(), kept))
    print("\n".join(wrong) or f"{given.tag} can be released")
    return 1 if wrong else 0


def _notes(given: argparse.Namespace) -> int:
    sys.stdout.write(notes.notes((ROOT / "CHANGELOG.md").read_text(), given.tag.removeprefix("v")))
    return 0


def _bundles(_: argparse.Namespace) -> int:
    print(f"handlers={json.dumps(bundles.known_handlers())}")
    return 0


def _bundle(given: argparse.Namespace) -> int:
    """`<handler>-<architecture>.zip` and `.cdx.json`."""
    given.to.mkdir(parents=True, exist_ok=True)
    lock = ROOT / "handlers" / given.handler / "requirements.txt"
    packages = locks.read(lock.read_text()) if lock.is_file() else {}
    for architecture in ARCHITECTURES:
        made = bundles.bundle(given.handler, architecture=architecture)
        stem = f"{given.handler}-{architecture}"
        shutil.copyfile(made.path, given.to / f"{stem}.zip")
        with zipfile.ZipFile(made.path) as archive:
            installed = locks.installed(archive.namelist())
        kept = {name: package for name, package in packages.items() if name in installed}
        if unlocked := {name for name in installed if name not in packages}:
            print(f"{stem} has what its lock has not: {', '.join(sorted(unlocked))}", file=sys.stderr)
            return 1
        text = bills.bill(stem, version(), kept, sha256=made.sha256)
        (given.to / f"{stem}.cdx.json").write_text(text)
        print(f"{stem}: {made.size:,} bytes, {len(kept)} packages")
    return 0


def _program(given: argparse.Namespace) -> int:
    """`tributary.cdx.json` and `schema.json`."""
    given.to.mkdir(parents=True, exist_ok=True)
    roots = locks.read((ROOT / "components" / "plugin" / "requirements.txt").read_text())
    packages = locks.closure(locks.read((ROOT / "requirements.lock").read_text()), roots)
    (given.to / "tributary.cdx.json").write_text(bills.bill("tributary", version(), packages))
    shutil.copyfile(ROOT / "components" / "plugin" / "schema.json", given.to / "schema.json")
    print(f"tributary {version()}: {len(packages)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
