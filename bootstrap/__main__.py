"""`python -m bootstrap [stack [--permissions-boundary NAME | --json]]`: see the package."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bootstrap.boundary import boundary, bounded
from bootstrap.google import permissions, services
from bootstrap.operating import operate, status
from bootstrap.page import STACKS, page, program
from bootstrap.registered import ROOT, config_of, in_words
from bootstrap.roles import Stack, deploy, documents, preview, refresh

ROLES = (deploy, preview, refresh, status, operate)
POLICIES, PAGE = Path(__file__).with_name("policies"), ROOT / "docs" / "permissions.md"


def policies(name: str, bounded_by: str = "") -> dict[str, str]:
    """The policies of a stack as files: `<stack>-<account>-<role>[-<number>].json`, and as
    `<stack>-<account>-boundary.json` what the stack's own roles may at most. `bounded_by`: as if each account of the
    config had a policy of this name as its `permissions_boundary`."""
    stack = Stack(name, program(name, bounded_by))
    files: dict[str, str] = {}
    for account, place in sorted(stack.places().items()):
        try:
            most = boundary(stack, place)
        except ValueError as error:
            if bounded(stack, place):
                raise
            print(f"no boundary: {error}", file=sys.stderr)
        else:
            if most:
                files[f"{name}-{account}-boundary.json"] = json.dumps(most, indent=1) + "\n"
        for role in ROLES:
            parts = documents(role(stack, place))
            for number, part in enumerate(parts, 1):
                which = f"-{number}" if len(parts) > 1 else ""
                files[f"{name}-{account}-{role.__name__}{which}.json"] = json.dumps(part, indent=1) + "\n"
    return files


def listed(name: str) -> dict[str, Any]:
    """What a stack's roles may, in each account and at Google, for the program that makes them (bootstrap/making)."""
    stack, project = Stack(name, program(name)), config_of(name)["gcp"].get("project")
    places = [
        {
            "name": account, **{key: place[key] for key in ("account", "region", "partition")},
            "policies": {role.__name__: documents(role(stack, place)) for role in ROLES},
            "boundary": boundary(stack, place) if bounded(stack, place) else None,
            "boundary_arn": next((str(r.inputs["permissionsBoundary"]) for r in stack.of(place)
                                  if r.inputs.get("permissionsBoundary")), ""),
        }
        for account, place in sorted(stack.places().items())
    ]  # fmt: skip
    google = {
        "project": project,
        "permissions": {
            "deploy": permissions(stack.program, during="deploy"),
            "preview": permissions(stack.program, during="preview"),
            "refresh": permissions(stack.program, during="refresh"),
            "status": permissions(stack.program, during="status"),
            "operate": permissions(stack.program, during="operate"),
        },
        "services": services(stack.program),
    }
    return {"stack": name, "places": places, "google": google if project else None}


def written() -> dict[Path, str]:
    """All files that the command writes."""
    files = {POLICIES / name: text for stack in STACKS for name, text in policies(stack).items()}
    return {**files, PAGE: page()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m bootstrap", description="The policies that a stack needs."
    )
    parser.add_argument(
        "stack", nargs="?", help="prints this stack's; without one, the repository's are written"
    )
    parser.add_argument(
        "--permissions-boundary", default="", metavar="NAME",
        help="who deploys may make and change roles with this managed policy of the account as their boundary alone, "
        "as with `permissions_boundary` of each account in the config",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="all that the stack's roles may, for a program")
    arguments = parser.parse_args()
    if arguments.stack:
        with in_words():
            if arguments.json:
                print(json.dumps(listed(arguments.stack)))
            else:
                for name, text in policies(arguments.stack, arguments.permissions_boundary).items():
                    print(f"# {name}\n{text}")
    else:
        files = written()
        for old in set(POLICIES.glob("*.json")) - set(files):
            old.unlink()
        for path, text in files.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
