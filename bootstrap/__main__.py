"""`python -m bootstrap [stack]`: see the package."""

import json
import sys
from pathlib import Path

from bootstrap.page import STACKS, page, program
from bootstrap.registered import ROOT
from bootstrap.roles import Stack, deploy, documents, preview, refresh

POLICIES, PAGE = Path(__file__).with_name("policies"), ROOT / "docs" / "permissions.md"


def policies(name: str) -> dict[str, str]:
    """The policies of a stack as files: `<stack>-<account>-<role>[-<number>].json`."""
    stack = Stack(name, program(name))
    files: dict[str, str] = {}
    for account, place in sorted(stack.places().items()):
        for role in (deploy, preview, refresh):
            parts = documents(role(stack, place))
            for number, part in enumerate(parts, 1):
                which = f"-{number}" if len(parts) > 1 else ""
                files[f"{name}-{account}-{role.__name__}{which}.json"] = json.dumps(part, indent=1) + "\n"
    return files


def written() -> dict[Path, str]:
    """All files that the command writes."""
    files = {POLICIES / name: text for stack in STACKS for name, text in policies(stack).items()}
    return {**files, PAGE: page()}


if __name__ == "__main__":
    if sys.argv[1:]:
        for name, text in policies(sys.argv[1]).items():
            print(f"# {name}\n{text}")
    else:
        files = written()
        for old in set(POLICIES.glob("*.json")) - set(files):
            old.unlink()
        for path, text in files.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
