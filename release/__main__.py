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
    options = parser.parse_args(arguments)
    return options.run(options)


def version() -> str:
    """The version in pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def _check(options: argparse.Namespace) -> int:
    states = {folder.name for folder in STATES.iterdir()}
    wrong = list(notes.problems(options.tag, (ROOT / "CHANGELOG.md").read_text(), version(), states))
    print("\n".join(wrong) or f"{options.tag} can be released")
    return 1 if wrong else 0


def _notes(options: argparse.Namespace) -> int:
    sys.stdout.write(notes.notes((ROOT / "CHANGELOG.md").read_text(), options.tag.removeprefix("v")))
    return 0


def _bundles(_: argparse.Namespace) -> int:
    print(f"handlers={json.dumps(bundles.known_handlers())}")
    return 0


def _bundle(options: argparse.Namespace) -> int:
    """`<handler>-<architecture>.zip` and `.cdx.json`."""
    options.to.mkdir(parents=True, exist_ok=True)
    lock = ROOT / "handlers" / options.handler / "requirements.txt"
    packages = locks.read(lock.read_text()) if lock.is_file() else {}
    for architecture in ARCHITECTURES:
        bundled = bundles.bundle(options.handler, architecture=architecture)
        stem = f"{options.handler}-{architecture}"
        shutil.copyfile(bundled.path, options.to / f"{stem}.zip")
        with zipfile.ZipFile(bundled.path) as archive:
            installed = locks.installed(archive.namelist())
        packed = {name: package for name, package in packages.items() if name in installed}
        if unlocked := {name for name in installed if name not in packages}:
            print(f"{stem} has what its lock has not: {', '.join(sorted(unlocked))}", file=sys.stderr)
            return 1
        text = bills.bill(stem, version(), packed, sha256=bundled.sha256)
        (options.to / f"{stem}.cdx.json").write_text(text)
        print(f"{stem}: {bundled.size:,} bytes, {len(packed)} packages")
    return 0


def _program(options: argparse.Namespace) -> int:
    """`tributary.cdx.json` and `schema.json`."""
    options.to.mkdir(parents=True, exist_ok=True)
    roots = locks.read((ROOT / "components" / "plugin" / "requirements.txt").read_text())
    packages = locks.closure(locks.read((ROOT / "requirements.lock").read_text()), roots)
    (options.to / "tributary.cdx.json").write_text(bills.bill("tributary", version(), packages))
    shutil.copyfile(ROOT / "components" / "plugin" / "schema.json", options.to / "schema.json")
    print(f"tributary {version()}: {len(packages)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
