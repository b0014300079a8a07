"""`python -m local.actionlint`: checks the workflows by actionlint, built once from Go modules of known digests.

PyPI's package downloads a binary while it is installed; this builds it as the engine is built (local/engine.py), into
the cache folder, and needs no network from then on. Where it can't be built a line says so, and GitHub's CI fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from local import cache, engine

ROOT = Path(__file__).resolve().parent.parent
MODULES = engine.GO / "actionlint"
VERSION = "1.7.12"
PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"


def find() -> Path:
    """The program, made first if need be. Raises EngineError or subprocess.SubprocessError."""
    binary = cache.folder() / "actionlint" / VERSION / "actionlint"
    with engine.locked(binary.parent / ".lock", lambda: None):
        if not binary.exists():
            print("lint: building actionlint, once", file=sys.stderr)
            with tempfile.TemporaryDirectory(dir=binary.parent, prefix=".new-") as folder:
                for name in ("go.mod", "go.sum"):
                    shutil.copyfile(MODULES / name, Path(folder) / name)
                env = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOSUMDB": "off", "CGO_ENABLED": "0",
                       "GOTOOLCHAIN": "local", "GOWORK": "off"}  # fmt: skip
                built = Path(folder) / "actionlint"
                engine.run([engine.toolchain(print), "build", "-o", built, PACKAGE], Path(folder), 900, env)
                built.replace(binary)
    return binary


def main() -> int:
    """Checks the workflows by actionlint, where it is or can be had; the exit code."""
    try:
        binary = find()
    except (engine.EngineError, OSError, subprocess.SubprocessError) as error:
        print(f"lint: the workflows are not checked, actionlint can't be built: {error}", file=sys.stderr)
        return 1 if os.environ.get("GITHUB_ACTIONS") else 0
    # shellcheck is on some machines and not on others: what is red here is red everywhere.
    return subprocess.run([binary, "-shellcheck=", "-pyflakes="], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
